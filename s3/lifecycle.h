/*
 * A bucket's lifecycle rules, as far as somebody must know them who relies on what the bucket keeps: what they expire,
 * move and abort, and where. Elements that are not known are skipped.
 *
 * Writing replaces all rules of a bucket at once. So that others' rules stay as they are, elements included that are
 * not known here, their bytes are cut out of the document that was read, and rules of one's own are written beside
 * them.
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
    uint64_t larger_than, smaller_than;        /* bytes; 0: no bound, or none above it */
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

/* Making rules: a rule, then its moves, whose `rule` is set. Texts are borrowed. False beyond the maxima or without
 * memory. */
bool s3_lifecycle_add(struct s3_lifecycle *lifecycle, const struct s3_lifecycle_rule *rule)
        __attribute__((warn_unused_result));
bool s3_lifecycle_add_move(struct s3_lifecycle *lifecycle, const struct s3_lifecycle_move *move)
        __attribute__((warn_unused_result));

/* What a document has around its rules. */
#define S3_LIFECYCLE_HEAD "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define S3_LIFECYCLE_TAIL "</LifecycleConfiguration>"
enum {
    S3_LIFECYCLE_BYTES_MAX = 4 * 1024 * 1024, /* of a document: 1,000 rules have at most 2 MiB */
    S3_LIFECYCLE_MINIMUM_SIZE = 40
};
/* Adds <Rule> for each rule, whose prefixes XML has to be able to carry. Days only, no dates, no tags. A rule that
 * moves has its size filter even where that is 0: without one, the bucket's own minimum (128 KiB) would hold. */
bool s3_lifecycle_write(const struct s3_lifecycle *lifecycle, struct s3_buffer *out)
        __attribute__((warn_unused_result));
/* Adds the bytes of the rule at `index` of a document. A <Prefix> of the first version of the format is put into a
 * <Filter>, since S3 takes no document with rules of both kinds. False: the document has no such rule, or is of a form
 * that this cannot cut. */
bool s3_lifecycle_cut(struct s3_text document, size_t index, struct s3_buffer *out) __attribute__((warn_unused_result));
/* Reads a document in memory. */
enum s3_status s3_lifecycle_read(struct s3_text document, struct s3_lifecycle *lifecycle, struct s3_error *error)
        __attribute__((warn_unused_result));

/* A bucket without rules is S3_OK with none. Needs s3:GetLifecycleConfiguration. */
enum s3_status s3_get_bucket_lifecycle(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_lifecycle *lifecycle, struct s3_error *error)
        __attribute__((warn_unused_result));

/* The document as it is, added to `document`, nothing where there is none; and TransitionDefaultMinimumObjectSize, ""
 * where the service does not say it. Needs the same. */
enum s3_status s3_get_bucket_lifecycle_document(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_buffer *document, char minimum[S3_LIFECYCLE_MINIMUM_SIZE],
        struct s3_error *error) __attribute__((warn_unused_result));
/* Replaces all rules by a document that has at least one. `minimum` is sent where it is not "". Needs
 * s3:PutLifecycleConfiguration. */
enum s3_status s3_put_bucket_lifecycle(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_text document, const char *minimum, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
