/*
 * Object Lock: until when a version may not be deleted, and what a bucket says about it. The lock of an object that is
 * being written travels with the write (struct s3_write); here it is looked at and set afterwards.
 */
#ifndef S3_RETENTION_H
#define S3_RETENTION_H

#include "s3/bucket.h"
#include "s3/object.h"

struct s3_retention {
    char mode[16];    /* "GOVERNANCE", "COMPLIANCE"; "" for none */
    int64_t until_ms; /* milliseconds since 1970; 0 for none */
};

/* Of one version (target.version; NULL: the current one). One without a retention is S3_OK with none. */
enum s3_status s3_get_object_retention(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_retention *retention, struct s3_error *error) __attribute__((warn_unused_result));

/* Sets it, without asking to bypass what is there: an end that is already later is S3_DENIED. */
struct s3_put_retention_options {
    struct s3_target target;
    const char *mode;
    const char *until; /* RFC 3339, as in struct s3_write */
};
enum s3_status s3_put_object_retention(struct s3_conn *conn, struct s3_client *client,
        const struct s3_put_retention_options *options, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_bucket_lock {
    bool enabled;
    char default_mode[16]; /* "": writes without lock headers get no retention */
    uint32_t default_days, default_years;
};

/* A bucket without Object Lock is S3_OK with enabled false. */
enum s3_status s3_get_bucket_lock(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_bucket_lock *lock, struct s3_error *error)
        __attribute__((warn_unused_result));
/* Switches Object Lock on, with no default retention; where there was one, it is taken away. For ever: no bucket loses
 * its lock again. */
enum s3_status s3_put_bucket_lock(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_error *error) __attribute__((warn_unused_result));

#endif
