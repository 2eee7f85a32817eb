/*
 * Operations on objects: head, get, put, copy, delete, tags. Each is one function with one options struct; zero is the
 * default of every field, all text is borrowed for the call, and a NULL or "" is not sent. Retries, credentials and
 * redirects are dealt with inside (see call.h); what comes back is final.
 */
#ifndef S3_OBJECT_H
#define S3_OBJECT_H

#include "s3/answer.h"
#include "s3/buffer.h"
#include "s3/client.h"
#include "s3/head.h"
#include "s3/http.h"

/* Which object. */
struct s3_target {
    const char *bucket;
    struct s3_text key;
    const char *version;        /* NULL: the current one */
    const char *expected_owner; /* account that must own the bucket */
};

/* What a write sets on the object that it makes: shared by put, copy and the creation of a multipart upload. */
struct s3_write {
    const struct s3_pair *headers; /* as in s3_head.pairs: content headers, website redirect, x-amz-meta-* */
    size_t header_count;
    const char *storage_class;
    const char *acl;
    const char *tagging;    /* as s3_tags_encode wrote it; NULL sends none, "" an empty set */
    const char *encryption; /* "AES256", "aws:kms", "aws:kms:dsse" */
    const char *kms_key_id;
    const char *kms_context; /* base64 */
    bool bucket_key;
    const char *lock_mode;  /* "GOVERNANCE", "COMPLIANCE" */
    const char *lock_until; /* RFC 3339 */
    bool legal_hold;
    const char *checksum_algorithm; /* "CRC64NVME", "SHA256", ... : the service computes and keeps it */
    const char *checksum_type;      /* multipart: "FULL_OBJECT", "COMPOSITE" */
    const char *if_match, *if_none_match;
};

struct s3_head_options {
    struct s3_target target;
    uint32_t part_number; /* 0: the whole object */
    bool checksum;        /* ask for the stored checksum */
    const char *if_match, *if_none_match;
};
enum s3_status s3_head_object(struct s3_conn *conn, struct s3_client *client, const struct s3_head_options *options,
        struct s3_head *head, struct s3_error *error) __attribute__((warn_unused_result));

/* Where a body goes. `write` returns false to break off. `restart` is called before a body is sent again from its
 * start, after some of it was written already; without it (NULL), or where it returns false, a body that broke off in
 * its middle is S3_RETRY for the caller. */
struct s3_sink {
    bool (*write)(void *ctx, const char *bytes, size_t length);
    bool (*restart)(void *ctx);
    void *ctx;
};
struct s3_get_options {
    struct s3_target target;
    bool ranged;
    uint64_t first, last; /* bytes, both included; only with ranged. last UINT64_MAX: to the end */
    uint32_t part_number;
    bool checksum;
    const char *if_match, *if_none_match;
};
enum s3_status s3_get_object(struct s3_conn *conn, struct s3_client *client, const struct s3_get_options *options,
        const struct s3_sink *sink, struct s3_head *head, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_put_options {
    struct s3_target target;
    struct s3_write write;
    const void *body; /* memory, or a reader */
    size_t body_len;
    const struct s3_reader *reader;
    bool content_md5;                           /* compute and send Content-MD5; memory only */
    const char *content_md5_base64;             /* or as the caller knows it */
    const char *checksum_name, *checksum_value; /* "x-amz-checksum-sha256" and its base64 */
};
struct s3_put_result {
    char etag[S3_ETAG_MAX + 1];
    char version[S3_VERSION_MAX + 1];
    char checksum[S3_CHECKSUM_MAX + 1];
};
enum s3_status s3_put_object(struct s3_conn *conn, struct s3_client *client, const struct s3_put_options *options,
        struct s3_put_result *result, struct s3_error *error) __attribute__((warn_unused_result));

/* What is copied, under which conditions; the same for CopyObject and UploadPartCopy. */
struct s3_copy_source {
    const char *prefix; /* put before the bucket's name: a tenant's, "111122223333:"; NULL: none */
    const char *bucket;
    struct s3_text key;
    const char *version;
    const char *if_match, *if_none_match;
    int64_t if_unmodified_since_s, if_modified_since_s; /* 0: not sent */
    const char *expected_owner;
};
struct s3_copy_options {
    struct s3_target target; /* version is not used */
    struct s3_copy_source source;
    struct s3_write write;
    const char *metadata_directive, *tagging_directive, *annotation_directive;
};
struct s3_copy_result {
    struct s3_copy_answer answer;
    char version[S3_VERSION_MAX + 1];
    char source_version[S3_VERSION_MAX + 1];
};
enum s3_status s3_copy_object(struct s3_conn *conn, struct s3_client *client, const struct s3_copy_options *options,
        struct s3_copy_result *result, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_delete_options {
    struct s3_target target;
    bool bypass_governance;
    const char *if_match;
};
struct s3_delete_result {
    char version[S3_VERSION_MAX + 1]; /* the marker's, or the one that was deleted */
    bool marker;
};
enum s3_status s3_delete_object(struct s3_conn *conn, struct s3_client *client, const struct s3_delete_options *options,
        struct s3_delete_result *result, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_delete_item {
    struct s3_text key;
    struct s3_text version; /* empty: a delete marker */
};
struct s3_delete_many_options {
    const char *bucket;
    const char *expected_owner;
    const struct s3_delete_item *items; /* at most 1,000 */
    size_t count;
    bool bypass_governance;
};
/*
 * Deletes a batch; `deleted` has one entry an item, in the items' order. Keys with characters that XML 1.0 cannot carry
 * go singly, as S3 would read them as something else. S3_OK means that every item has its own answer, not that every
 * item was deleted: see `failed`.
 */
enum s3_status s3_delete_objects(struct s3_conn *conn, struct s3_client *client,
        const struct s3_delete_many_options *options, struct s3_deleted *deleted, struct s3_error *error)
        __attribute__((warn_unused_result));

enum s3_status s3_get_object_tags(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_tags *tags, struct s3_error *error) __attribute__((warn_unused_result));
enum s3_status s3_put_object_tags(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        const struct s3_tags *tags, struct s3_error *error) __attribute__((warn_unused_result));
enum s3_status s3_delete_object_tags(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_error *error) __attribute__((warn_unused_result));
/* The ACL of an object as the service writes it (AccessControlPolicy), added to `document`; S3_FULL where it is larger
 * than the buffer may become. */
enum s3_status s3_get_object_acl(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_buffer *document, struct s3_error *error) __attribute__((warn_unused_result));
/* Sets it, from such a document. */
enum s3_status s3_put_object_acl(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_text document, struct s3_error *error) __attribute__((warn_unused_result));
/* k=v&k=v as x-amz-tagging wants it; (size_t)-1 where it does not fit. */
size_t s3_tags_encode(const struct s3_tags *tags, char *out, size_t out_size);

#endif
