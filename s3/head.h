/*
 * What the headers of an answer say of an object: HEAD, GET, and the few that PUT, copy and complete send.
 */
#ifndef S3_HEAD_H
#define S3_HEAD_H

#include "s3/buffer.h"
#include "s3/error.h"

enum { S3_HEAD_PAIRS_MAX = 128 }; /* S3 allows 2 KiB of user metadata; stores of others allow more */

struct s3_pair {
    struct s3_text name, value;
};

/* Reused between requests. Text of fixed arrays is terminated; what did not fit counts as a garbled answer. */
struct s3_head {
    uint64_t size;       /* Content-Length; of a range or part, its own length */
    uint64_t whole_size; /* of Content-Range, else as size */
    bool has_size;
    int64_t modified_s;               /* Last-Modified; 0 where absent */
    char etag[S3_ETAG_MAX + 1];       /* without quotes */
    char version[S3_VERSION_MAX + 1]; /* x-amz-version-id, "" where absent */
    char source_version[S3_VERSION_MAX + 1];
    char class_[32];                    /* "" is STANDARD */
    char archive[32];                   /* x-amz-archive-status: the tier of an archived INTELLIGENT_TIERING object */
    char checksum[S3_CHECKSUM_MAX + 1]; /* "SHA256:base64", the strongest */
    char checksum_type[16];
    char encryption[16], kms_key[256]; /* x-amz-server-side-encryption, its key's id */
    char customer_algorithm[16];       /* not "": encrypted with a key that the customer keeps */
    char lock_mode[16], lock_until[40];
    char region[32]; /* x-amz-bucket-region */
    char replication[16];
    char transition_minimum[40]; /* of lifecycle rules: x-amz-transition-default-minimum-object-size */
    bool legal_hold, delete_marker;
    bool restore_present, restore_ongoing;
    int64_t restore_expiry_s;
    uint32_t parts;              /* x-amz-mp-parts-count; 0 where absent */
    uint32_t tags, missing_meta; /* x-amz-tagging-count, x-amz-missing-meta */

    /* Content-Type, -Encoding, -Disposition, -Language, Cache-Control, Expires, x-amz-website-redirect-location and
     * x-amz-meta-*, names in lower case: what a copy that sets its own headers has to set again. */
    struct s3_pair pairs[S3_HEAD_PAIRS_MAX];
    size_t pair_count;
    struct s3_buffer text; /* private: holds the pairs' bytes */
    bool overflow;         /* private */
};

void s3_head_init(struct s3_head *head);
void s3_head_free(struct s3_head *head);
void s3_head_clear(struct s3_head *head);
/* Takes in one header line of an answer. */
void s3_head_line(struct s3_head *head, const char *name, size_t name_len, const char *value, size_t value_len);
/* Ends the answer: makes pairs valid. False where something did not fit. */
bool s3_head_finish(struct s3_head *head);

#endif
