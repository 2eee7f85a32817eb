/*
 * The bodies that S3 and STS answer with, parsed as their bytes arrive. An answer is done only when finish has said so:
 * the document was well-formed to its last byte, its root was the expected one, and what must be in it was there. A
 * root of Error (or ErrorResponse, or Error inside Response) becomes a struct s3_error, whatever the HTTP status was.
 *
 * No network, no entity expansion, bounded depth and size. One parser belongs to one thread and is used again and
 * again.
 */
#ifndef S3_ANSWER_H
#define S3_ANSWER_H

#include "s3/decode.h"
#include "s3/error.h"

enum s3_answer_kind {
    S3_ANSWER_ERROR_ONLY, /* any body; only an error is looked for (DELETE, PUT tagging ...). Empty is fine */
    S3_ANSWER_LIST,       /* ListBucketResult -> struct s3_page */
    S3_ANSWER_VERSIONS,   /* ListVersionsResult (root also ListBucketVersionsResult) -> struct s3_page */
    S3_ANSWER_BUCKETS,    /* ListAllMyBucketsResult -> struct s3_bucket_page */
    S3_ANSWER_COPY,       /* CopyObjectResult or CopyPartResult, ETag required -> struct s3_copy_answer */
    S3_ANSWER_COMPLETE, /* CompleteMultipartUploadResult -> struct s3_copy_answer; ETag may be an empty element (RGW) */
    S3_ANSWER_CREATE_UPLOAD, /* InitiateMultipartUploadResult, UploadId required -> struct s3_upload_answer */
    S3_ANSWER_PARTS,         /* ListPartsResult -> struct s3_part_page */
    S3_ANSWER_UPLOADS, /* ListMultipartUploadsResult -> struct s3_page (entries: key, version = upload id, modified) */
    S3_ANSWER_DELETED, /* DeleteResult -> struct s3_deleted (per key) */
    S3_ANSWER_TAGS,    /* Tagging -> struct s3_tags */
    S3_ANSWER_VERSIONING,  /* VersioningConfiguration -> struct s3_versioning_answer */
    S3_ANSWER_LOCATION,    /* LocationConstraint -> struct s3_location_answer; "" is us-east-1, EU is eu-west-1 */
    S3_ANSWER_LIFECYCLE,   /* LifecycleConfiguration -> struct s3_lifecycle, of lifecycle.h */
    S3_ANSWER_RETENTION,   /* Retention -> struct s3_retention, of retention.h */
    S3_ANSWER_BUCKET_LOCK, /* ObjectLockConfiguration -> struct s3_bucket_lock, of retention.h */
    S3_ANSWER_ASSUME_ROLE, /* AssumeRoleResponse, and AssumeRoleWithWebIdentityResponse -> struct s3_session_answer */
    S3_ANSWER_CALLER_IDENTITY, /* GetCallerIdentityResponse -> struct s3_identity_answer */
    S3_ANSWER_PUBLISH,         /* PublishResponse, of SNS -> struct s3_publish_answer */
    S3_ANSWER_ROLE,            /* GetRoleResponse, and CreateRoleResponse -> struct s3_role_answer */
    S3_ANSWER_ROLE_POLICY,     /* GetRolePolicyResponse -> struct s3_role_policy_answer */
    S3_ANSWER_ROLE_POLICIES    /* ListRolePoliciesResponse -> struct s3_role_policies_answer */
};

/* One object, version, delete marker or upload of a page. All text lies in the page's arena. */
struct s3_page_entry {
    struct s3_text key;     /* URL-decoded where the page said encoding-type url */
    struct s3_text etag;    /* without quotes; an empty element is taken as it is */
    struct s3_text class_;  /* as listed; empty where absent */
    struct s3_text version; /* versions: VersionId ("null" as it is); uploads: UploadId */
    uint64_t size;
    int64_t modified_ms;       /* milliseconds since 1970 */
    int64_t restore_expiry_ms; /* RestoreStatus: 0 none */
    bool is_latest, is_marker, restore_in_progress;
};

/* A page of a list. Reused: entries and arena keep their memory between pages. */
struct s3_page {
    struct s3_page_entry *entries;
    size_t count, capacity;
    struct s3_text *prefixes; /* CommonPrefixes */
    size_t prefix_count, prefix_capacity;
    bool truncated;            /* IsTruncated; its absence in a list is BAD_DATA */
    struct s3_text next_token; /* NextContinuationToken */
    struct s3_text next_key,
            next_version; /* NextKeyMarker, NextVersionIdMarker or NextUploadIdMarker; key URL-decoded */
    char *arena;          /* private */
    size_t arena_used, arena_capacity;
};
void s3_page_init(struct s3_page *page);
void s3_page_free(struct s3_page *page);

struct s3_bucket_entry {
    struct s3_text name, region; /* region empty where not said */
    int64_t created_ms;
};
struct s3_bucket_page {
    struct s3_bucket_entry *entries;
    size_t count, capacity;
    struct s3_text next_token; /* empty: the last page */
    char *arena;               /* private: where the text lies */
    size_t arena_used, arena_capacity;
};
void s3_bucket_page_init(struct s3_bucket_page *page);
void s3_bucket_page_free(struct s3_bucket_page *page);

struct s3_copy_answer {
    char etag[S3_ETAG_MAX + 1]; /* without quotes */
    int64_t modified_ms;
    char checksum[S3_CHECKSUM_MAX + 1]; /* "SHA256:base64", "" where none: the strongest that was given */
    char checksum_type[16];             /* FULL_OBJECT, COMPOSITE or "" */
};
struct s3_upload_answer {
    char upload_id[1024];
};
struct s3_part_entry {
    uint32_t number;
    uint64_t size;
    char etag[S3_ETAG_MAX + 1];
};
struct s3_part_page {
    struct s3_part_entry *parts;
    size_t count, capacity;
    bool truncated;
    uint32_t next_number; /* NextPartNumberMarker */
};
void s3_part_page_init(struct s3_part_page *page);
void s3_part_page_free(struct s3_part_page *page);

struct s3_deleted_entry {
    struct s3_text key, version, marker_version, code, message;
    bool is_marker, failed; /* failed: code and message say why */
};
struct s3_deleted {
    struct s3_deleted_entry *entries;
    size_t count, capacity;
    char *arena; /* private: where the text lies */
    size_t arena_used, arena_capacity;
};
void s3_deleted_init(struct s3_deleted *deleted);
void s3_deleted_free(struct s3_deleted *deleted);

enum {
    S3_TAGS_MAX = 50,
    S3_TAG_KEY_MAX = 128 * 4,
    S3_TAG_VALUE_MAX = 256 * 4
}; /* 128 and 256 characters of UTF-8; buckets have 50 */
struct s3_tags {
    struct {
        struct s3_text key, value;
    } tags[S3_TAGS_MAX];
    size_t count;
    char *arena; /* private: where the text lies */
    size_t arena_used, arena_capacity;
};
void s3_tags_init(struct s3_tags *tags);
void s3_tags_free(struct s3_tags *tags);

struct s3_versioning_answer {
    bool enabled, suspended, mfa_delete;
};
struct s3_location_answer {
    char region[32];
};
struct s3_session_answer {
    char access_key[130], secret_key[130];
    char token[8192];
    int64_t expires;  /* seconds since 1970 */
    char account[16]; /* of AssumedRoleUser's ARN, "" where not said */
};
void s3_session_answer_wipe(struct s3_session_answer *answer);
struct s3_identity_answer {
    char account[16], arn[2048], user_id[256];
};

struct s3_publish_answer {
    char message_id[128];
};

/* IAM's documents have up to 10,240 characters, and come URL-encoded: what is longer than this is BAD_DATA. */
enum { S3_IAM_DOCUMENT_MAX = 16 * 1024, S3_ROLE_POLICIES_MAX = 32 };
struct s3_role_answer {
    char arn[2048];
    char trust[S3_IAM_DOCUMENT_MAX + 1]; /* as JSON; "" where not said */
};
struct s3_role_policy_answer {
    char document[S3_IAM_DOCUMENT_MAX + 1];
};
struct s3_role_policies_answer {
    char names[S3_ROLE_POLICIES_MAX][129];
    size_t count;
    bool more; /* than these */
};

struct s3_parser;
/* Returns a parser (free with s3_parser_free) or NULL without memory. */
struct s3_parser *s3_parser_new(void);
void s3_parser_free(struct s3_parser *parser);
/* Begins a document; clears *out (initialised before), which is the struct named at the kind (NULL for
 * S3_ANSWER_ERROR_ONLY) and is borrowed until finish. */
enum s3_status s3_parser_begin(struct s3_parser *parser, enum s3_answer_kind kind, void *out)
        __attribute__((warn_unused_result));
/* Feeds bytes as they arrive. After a failure it takes and ignores more; finish then says what was wrong. */
void s3_parser_feed(struct s3_parser *parser, const char *bytes, size_t length);
/*
 * Ends the document. S3_OK: *out is whole. With an error document: fills code, message, region, request id of `error`,
 * and returns s3_classify's decision for it (http_status as given; in_200 set where it was under 300). Else S3_BAD_DATA
 * with code "BadAnswer", or S3_NO_MEMORY. Whitespace before the document is skipped (the keep-alive of long copies).
 */
enum s3_status s3_parser_finish(struct s3_parser *parser, int http_status, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
