/* See endpoint.h. */
#include "s3/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* By the prefix of the region's name; the first row that matches, so longer prefixes need no order among each other. */
static const struct partition {
    const char *prefix, *name, *suffix, *iam_region, *iam_host;
} partitions[] = {
    { "cn-", "aws-cn", "amazonaws.com.cn", "cn-north-1", "iam.cn-north-1.amazonaws.com.cn" },
    { "us-gov-", "aws-us-gov", "amazonaws.com", "us-gov-west-1", "iam.us-gov.amazonaws.com" },
    { "eusc-", "aws-eusc", "amazonaws.eu", "eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu" },
    { "us-iso-", "aws-iso", "c2s.ic.gov", "us-iso-east-1", "iam.us-iso-east-1.c2s.ic.gov" },
    { "us-isob-", "aws-iso-b", "sc2s.sgov.gov", "us-isob-east-1", "iam.us-isob-east-1.sc2s.sgov.gov" },
    { "eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "eu-isoe-west-1", "iam.eu-isoe-west-1.cloud.adc-e.uk" },
    { "us-isof-", "aws-iso-f", "csp.hci.ic.gov", "us-isof-south-1", "iam.us-isof-south-1.csp.hci.ic.gov" },
    { "eu-isof-", "aws-iso-f", "csp.hci.ic.gov", "us-isof-south-1", "iam.us-isof-south-1.csp.hci.ic.gov" },
    { "", "aws", "amazonaws.com", "us-east-1", "iam.amazonaws.com" },
};

static const struct partition *partition_of(const char *region)
{
    const struct partition *partition = partitions;
    while (strncmp(region, partition->prefix, strlen(partition->prefix)) != 0) {
        partition++; /* the last prefix is empty and matches all */
    }
    return partition;
}

const char *s3_partition_suffix(const char *region)
{
    return partition_of(region)->suffix;
}

const char *s3_partition_name(const char *region)
{
    return partition_of(region)->name;
}

const char *s3_iam_region(const char *region)
{
    return partition_of(region)->iam_region;
}

static bool is_alphanumeric(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* A region ends up in host names and in signatures, so it is one DNS label; other stores also use capitals
 * ("RegionOne"). */
bool s3_region_is_valid(const char *region)
{
    size_t length = strlen(region);
    if (length == 0 || length >= sizeof((struct s3_error *)0)->region) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_alphanumeric(region[i]) && (region[i] != '-' || i == 0 || i == length - 1)) {
            return false;
        }
    }
    return true;
}

/* host[:port] of a URL's authority; NULL, or what is wrong with it. */
static const char *parse_port(const char *text, size_t length, unsigned *port)
{
    unsigned value = 0;
    if (length == 0 || length > 5) {
        return "the port must be a number from 1 to 65535";
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return "the port must be a number from 1 to 65535";
        }
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value == 0 || value > 65535) {
        return "the port must be a number from 1 to 65535";
    }
    *port = value;
    return NULL;
}

static const char *parse_ipv6(const char *text, size_t length, struct s3_endpoint *endpoint)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    if (length < 2 || length - 2 >= sizeof address) {
        return "the IPv6 address is malformed";
    }
    memcpy(address, text + 1, length - 2);
    address[length - 2] = '\0';
    if (inet_pton(AF_INET6, address, &parsed) != 1) {
        return "the IPv6 address is malformed";
    }
    memcpy(endpoint->host, text, length);
    endpoint->host[length] = '\0';
    return NULL;
}

static const char *parse_name(const char *text, size_t length, struct s3_endpoint *endpoint)
{
    if (length == 0) {
        return "there is no host";
    }
    if (length > 253) {
        return "the host is too long";
    }
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        bool dot_is_wrong = byte == '.' && (i == 0 || text[i - 1] == '.');
        if (dot_is_wrong || (!is_alphanumeric(byte) && byte != '-' && byte != '_' && byte != '.')) {
            return "the host has a character that no host name has";
        }
        /* Signed as it is sent, and curl sends it as it is given: one spelling. */
        endpoint->host[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    endpoint->host[length] = '\0';
    return NULL;
}

static const char *parse_authority(const char *text, size_t length, struct s3_endpoint *endpoint)
{
    const char *problem;
    const char *after;
    if (length > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', length);
        if (bracket == NULL) {
            return "the IPv6 address is malformed";
        }
        after = bracket + 1;
        problem = parse_ipv6(text, (size_t)(after - text), endpoint);
    } else {
        const char *colon = memchr(text, ':', length);
        after = colon != NULL ? colon : text + length;
        problem = parse_name(text, (size_t)(after - text), endpoint);
    }
    if (problem != NULL || after == text + length) {
        return problem;
    }
    if (*after != ':') {
        return "there is something between the host and the port";
    }
    return parse_port(after + 1, (size_t)(text + length - after - 1), &endpoint->port);
}

static const char *parse_url(const char *url, struct s3_endpoint *endpoint)
{
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0) {
        return "it must begin with http:// or https://";
    }
    const char *authority = url + (tls ? 8 : 7);
    size_t length = strcspn(authority, "/?#");
    const char *rest = authority + length;
    if (memchr(authority, '@', length) != NULL) {
        return "credentials do not belong into it";
    }
    if (rest[0] != '\0' && strcmp(rest, "/") != 0) {
        return "it must have no path, query or fragment";
    }
    (void)snprintf(endpoint->scheme, sizeof endpoint->scheme, "%s", tls ? "https" : "http");
    const char *problem = parse_authority(authority, length, endpoint);
    if (endpoint->port == (tls ? 443U : 80U)) {
        endpoint->port = 0; /* clients leave it out of the Host header, which is signed */
    }
    return problem;
}

enum s3_status s3_endpoint_parse(const char *url, struct s3_endpoint *endpoint, struct s3_error *error)
{
    *endpoint = (struct s3_endpoint){ .custom = true };
    const char *problem = parse_url(url, endpoint);
    if (problem == NULL) {
        return S3_OK;
    }
    *endpoint = (struct s3_endpoint){ .custom = true };
    /* What stands before an @ may be a password. */
    const char *at = strrchr(url, '@');
    return s3_fail(error, S3_FATAL, "BadEndpoint", "endpoint \"%s%.200s\": %s", at != NULL ? "..." : "",
            at != NULL ? at : url, problem);
}

enum s3_status s3_endpoint_aws(
        const char *service, const char *region, struct s3_endpoint *endpoint, struct s3_error *error)
{
    *endpoint = (struct s3_endpoint){ .scheme = "https" };
    if (!s3_region_is_valid(region)) {
        return s3_fail(error, S3_FATAL, "BadRegion", "\"%.100s\" is no region", region);
    }
    if (strcmp(service, "iam") == 0) {
        (void)snprintf(endpoint->host, sizeof endpoint->host, "%s", partition_of(region)->iam_host);
        return S3_OK;
    }
    int length =
            snprintf(endpoint->host, sizeof endpoint->host, "%s.%s.%s", service, region, s3_partition_suffix(region));
    if (length < 0 || (size_t)length >= sizeof endpoint->host) {
        return s3_fail(error, S3_FATAL, "BadEndpoint", "the endpoint of %.100s in %s is too long", service, region);
    }
    return S3_OK;
}

static bool host_is_address(const char *host)
{
    struct in_addr parsed;
    return host[0] == '[' || inet_pton(AF_INET, host, &parsed) == 1;
}

/* Whether the bucket's name can stand in front of a host. Names of before 2018 have capitals, underscores and up to 255
 * bytes. */
static bool bucket_fits_host(const char *bucket, size_t length)
{
    if (length > 63) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char byte = bucket[i];
        bool at_edge = i == 0 || i == length - 1 || bucket[i - 1] == '.' || bucket[i + 1] == '.';
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!plain && (at_edge || (byte != '-' && byte != '.'))) {
            return false;
        }
    }
    return true;
}

/* Nothing that could change the meaning of a path, since it is sent as it is. */
static bool bucket_is_sane(const char *bucket, size_t length)
{
    if (length > S3_BUCKET_MAX || strcmp(bucket, ".") == 0 || strcmp(bucket, "..") == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bucket[i];
        if (byte <= 0x20 || byte >= 0x7F || byte == '/' || byte == '?' || byte == '#') {
            return false;
        }
    }
    return true;
}

enum s3_status s3_endpoint_address(const struct s3_endpoint *endpoint, const char *bucket, bool path_style, char *host,
        size_t host_size, bool *bucket_in_path, struct s3_error *error)
{
    size_t length = strlen(bucket);
    if (!bucket_is_sane(bucket, length)) {
        return s3_fail(error, S3_FATAL, "BadBucketName", "\"%.100s\" cannot be a bucket's name", bucket);
    }
    bool dotted_under_tls = strcmp(endpoint->scheme, "https") == 0 && strchr(bucket, '.') != NULL;
    bool in_path = length > 0 && (path_style || dotted_under_tls || !bucket_fits_host(bucket, length) ||
                                         host_is_address(endpoint->host));
    bool in_host = length > 0 && !in_path;
    char port[16] = "";
    if (endpoint->port != 0) {
        (void)snprintf(port, sizeof port, ":%u", endpoint->port);
    }
    int written =
            snprintf(host, host_size, "%s%s%s%s", in_host ? bucket : "", in_host ? "." : "", endpoint->host, port);
    if (written < 0 || (size_t)written >= host_size) {
        return s3_fail(error, S3_FATAL, "BadEndpoint", "the host of bucket \"%.100s\" is too long", bucket);
    }
    *bucket_in_path = in_path;
    return S3_OK;
}
