/*
 * Where a request goes: partitions, regional endpoints, custom endpoints, virtual-host and path style. Pure.
 */
#ifndef S3_ENDPOINT_H
#define S3_ENDPOINT_H

#include "s3/error.h"

struct s3_endpoint {
    char scheme[6]; /* "http" or "https" */
    char host[256]; /* without port; an IPv6 address in brackets */
    unsigned port;  /* 0: the scheme's own */
    bool custom;    /* the user's own: no region is ever put into it */
};

/* The partition's DNS suffix of a region: "amazonaws.com", "amazonaws.com.cn", ... by the region's prefix. */
const char *s3_partition_suffix(const char *region);
/* IAM is one for a partition: the region that signs for it, and that s3_endpoint_aws takes it by. */
const char *s3_iam_region(const char *region);
/* "aws", "aws-cn", ... as it stands in ARNs */
const char *s3_partition_name(const char *region);
bool s3_region_is_valid(const char *region);

/* Parses a custom endpoint, http(s)://host[:port][/]; anything else (user info, path, query, bad port) is S3_FATAL with
 * one clear line that names it. */
enum s3_status s3_endpoint_parse(const char *url, struct s3_endpoint *endpoint, struct s3_error *error)
        __attribute__((warn_unused_result));
/* The service's own endpoint in a region: https://<service>.<region>.<suffix>. */
enum s3_status s3_endpoint_aws(const char *service, const char *region, struct s3_endpoint *endpoint,
        struct s3_error *error) __attribute__((warn_unused_result));

/*
 * Host header and URL base for a bucket (empty: the service itself). Virtual-host style unless `path_style`, or the
 * bucket's name has a dot under https (no certificate matches), or is no DNS label, or the endpoint's host is an IP
 * address. Writes `host` (with the port where it is not the scheme's own) and whether the bucket goes into the path.
 */
enum s3_status s3_endpoint_address(const struct s3_endpoint *endpoint, const char *bucket, bool path_style, char *host,
        size_t host_size, bool *bucket_in_path, struct s3_error *error) __attribute__((warn_unused_result));

#endif
