/*
 * Operations on buckets: list, head, create, location, tags, versioning, documents.
 */
#ifndef S3_BUCKET_H
#define S3_BUCKET_H

#include "s3/answer.h"
#include "s3/buffer.h"
#include "s3/client.h"

struct s3_list_buckets_options {
    struct s3_text prefix, token;
    uint32_t max_buckets; /* 0: the service's own page size */
};
enum s3_status s3_list_buckets(struct s3_conn *conn, struct s3_client *client,
        const struct s3_list_buckets_options *options, struct s3_bucket_page *page, struct s3_error *error)
        __attribute__((warn_unused_result));

struct s3_bucket_options {
    const char *bucket;
    const char *expected_owner;
};
struct s3_bucket_head {
    char region[32]; /* "" where the server does not say */
};
/* A bucket in another region is S3_OK with that region, which is remembered. */
enum s3_status s3_head_bucket(struct s3_conn *conn, struct s3_client *client, const struct s3_bucket_options *options,
        struct s3_bucket_head *head, struct s3_error *error) __attribute__((warn_unused_result));
enum s3_status s3_get_bucket_location(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_location_answer *location, struct s3_error *error)
        __attribute__((warn_unused_result));
enum s3_status s3_get_bucket_versioning(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_versioning_answer *versioning, struct s3_error *error)
        __attribute__((warn_unused_result));
enum s3_status s3_put_bucket_versioning(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, bool enabled, struct s3_error *error)
        __attribute__((warn_unused_result));
/* A bucket without tags is S3_OK with none. */
enum s3_status s3_get_bucket_tags(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_tags *tags, struct s3_error *error)
        __attribute__((warn_unused_result));
enum s3_status s3_put_bucket_tags(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, const struct s3_tags *tags, struct s3_error *error)
        __attribute__((warn_unused_result));

/* A document of the bucket as it is ("policy", "lifecycle", "cors", "encryption", "website", ...), added to `document`,
 * within its bound. S3_NOT_FOUND where there is none. */
enum s3_status s3_get_bucket_document(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, const char *subresource, struct s3_buffer *document,
        struct s3_error *error) __attribute__((warn_unused_result));

/* A bucket in `region`, which must be the client's; with `lock` one whose objects can be locked, which has versions
 * then. S3_REFUSED with code BucketAlreadyExists where another account has the name, BucketAlreadyOwnedByYou (in
 * us-east-1, and elsewhere than AWS: S3_OK) where it is there. */
enum s3_status s3_create_bucket(struct s3_conn *conn, struct s3_client *client, const char *bucket, const char *region,
        bool lock, struct s3_error *error) __attribute__((warn_unused_result));
/* Puts a document of the bucket, JSON for "policy" and XML for every other, with Content-MD5. */
enum s3_status s3_put_bucket_document(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, const char *subresource, const char *document, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
