/*
 * A bucket's lifecycle rules, as far as somebody must know them who relies on what the bucket keeps: what they expire,
 * move and abort, and where. Elements that are not known are skipped.
 */
#ifndef S3_LIFECYCLE_H
#define S3_LIFECYCLE_H

#include "s3/bucket.h"

enum { S3_LIFECYCLE_RULES_MAX = 1000, S3_LIFECYCLE_MOVES_MAX = 10000 }; /* S3 itself takes 1,000 rules */

struct s3_lifecycle_rule {
    struct s3_text id, prefix;                 /* empty where not said: an empty prefix is the whole bucket */
    bool enabled;                              /* what is neither Enabled nor Disabled counts as enabled */
    uint32_t tags;                             /* how many tags the filter asks for */
    struct s3_text tag_key, tag_value;         /* the first of them */
    uint64_t larger_than, smaller_than;        /* bytes; 0: no bound */
    bool expires;                              /* Expiration with days or a date */
    uint32_t expires_days;                     /* 0: a date */
    int64_t expires_date_ms;                   /* 0: days */
    bool expires_markers;                      /* ExpiredObjectDeleteMarker */
    bool expires_noncurrent;                   /* NoncurrentVersionExpiration */
    uint32_t noncurrent_days, noncurrent_keep; /* keep: NewerNoncurrentVersions, 0: not said */
    uint32_t abort_days;                       /* AbortIncompleteMultipartUpload; 0: none */
};

/* A Transition, or NoncurrentVersionTransition. */
struct s3_lifecycle_move {
    size_t rule; /* its place in the rules */
    bool noncurrent;
    uint32_t days, keep;
    int64_t date_ms; /* 0: days */
    struct s3_text class_;
};

struct s3_lifecycle {
    struct s3_lifecycle_rule *rules;
    size_t count, capacity;
    struct s3_lifecycle_move *moves; /* in the rules' order */
    size_t move_count, move_capacity;
    char *arena; /* private: where the text lies */
    size_t arena_used, arena_capacity;
};
void s3_lifecycle_init(struct s3_lifecycle *lifecycle);
void s3_lifecycle_free(struct s3_lifecycle *lifecycle);

/* A bucket without rules is S3_OK with none. Needs s3:GetLifecycleConfiguration. */
enum s3_status s3_get_bucket_lifecycle(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_lifecycle *lifecycle, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
