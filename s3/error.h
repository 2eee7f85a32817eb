/*
 * The status and the error of s3/. A status is a decision: what the caller does next. The error is the story of one
 * failed request, complete enough to act on: operation, bucket, key, HTTP status, the service's code, message and
 * request id.
 */
#ifndef S3_ERROR_H
#define S3_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum s3_status {
    S3_OK,
    S3_RETRY,     /* transient: the same request may succeed later (500, 502, 503, 504, resets, time-outs, BadDigest) */
    S3_THROTTLED, /* the service asks for less: SlowDown, 429 */
    S3_NOT_FOUND, /* no such key, version, upload, bucket, tag set or document: `code` tells which */
    S3_CHANGED,   /* a condition of the request did not hold (412, 304) */
    S3_ARCHIVED,  /* the object must be thawed first (InvalidObjectState, ObjectNotInActiveTierError) */
    S3_DENIED,    /* access denied, bad signature, unknown key, expected owner differs */
    S3_EXPIRED,   /* the credentials' time is over; s3_call refreshes them and goes on, so callers see it only when that
                     failed */
    S3_CLOCK,     /* the clocks differ too much; corrected once by s3_call */
    S3_REDIRECT,  /* the bucket lives in another region; followed once by s3_call */
    S3_BAD_DATA,  /* an answer that cannot be trusted: garbled, cut off, wrong root, bound exceeded */
    S3_FULL,      /* an output bound of the caller's is reached */
    S3_REFUSED,   /* the request is wrong by its nature (InvalidArgument, EntityTooLarge, MethodNotAllowed, 501) */
    S3_CANCELLED, /* the caller's stop was seen */
    S3_NO_MEMORY,
    S3_FATAL /* a bad configuration: CA file, endpoint, profile */
};

enum { S3_KEY_MAX = 1024, S3_BUCKET_MAX = 255, S3_ETAG_MAX = 128, S3_VERSION_MAX = 1024, S3_CHECKSUM_MAX = 160 };

struct s3_text {
    const char *ptr; /* not terminated; NULL only with len 0 */
    size_t len;
};

struct s3_error {
    const char *operation; /* "CopyObject"; static text, NULL where no request was made */
    char bucket[S3_BUCKET_MAX + 1];
    char key[S3_KEY_MAX + 1]; /* raw bytes, for key_len; may hold control bytes: escape before printing */
    size_t key_len;
    int http_status;   /* 0: no answer */
    char code[64];     /* the service's, or ours: "ConnectionReset", "Timeout", "BadAnswer" ... */
    char message[512]; /* one line, no control bytes */
    char request_id[72];
    char region[32];        /* where the service said that the bucket lives; else "" */
    int64_t retry_after_ms; /* -1: not said */
    int64_t server_time;    /* the answer's Date, seconds since 1970; 0 where there was none */
    bool in_200;            /* an error inside an answer of 200 */
};

void s3_error_clear(struct s3_error *error);
/* Sets code and message (printf's rules; control bytes become spaces) and returns `status`. `error` may be NULL. */
enum s3_status s3_fail(struct s3_error *error, enum s3_status status, const char *code, const char *format, ...)
        __attribute__((format(printf, 4, 5), warn_unused_result));
const char *s3_status_name(enum s3_status status);

/*
 * The decision that an error answer asks for: pure, by HTTP status and code (the code wins; it may be empty, as for
 * HEAD, and then the status alone speaks). `session` is whether the request was signed with a session token that has
 * passed its expiry: then a plain AccessDenied is S3_EXPIRED, as some servers say nothing more specific.
 */
enum s3_status s3_classify(int http_status, const char *code, bool session_past_expiry);

#endif
