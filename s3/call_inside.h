/*
 * One attempt of a call: what call_send.c, which sends and judges it, shares with call_sign.c, which makes of a call
 * what goes over the wire. Private to them.
 */
#ifndef S3_CALL_INSIDE_H
#define S3_CALL_INSIDE_H

#include "s3/call.h"

enum {
    CALL_HOST_MAX = S3_BUCKET_MAX + 300,
    CALL_PATH_MAX = 3 * (S3_BUCKET_MAX + S3_KEY_MAX) + 8,
    CALL_QUERY_MAX = 16 * 1024,
};

struct call_attempt {
    struct s3_call *call;
    struct s3_error *error;
    struct s3_head *head;
    struct s3_credentials *credentials; /* NULL: not signed */
    bool parsing;
    bool whole;                   /* the answer is a whole object in the place of a part */
    uint64_t received, delivered; /* bytes of the body; of them, to the sink */
    char region[32];
    char payload_hash[SIGV4_HASH_HEX + 1];
    char path[CALL_PATH_MAX], query[CALL_QUERY_MAX], host[CALL_HOST_MAX];
    size_t path_len, query_len;
    bool https;
};

enum s3_status call_too_long(struct s3_error *error);

/* Where it goes: region, host, path, query, and the connection's URL. */
enum s3_status call_address(struct call_attempt *at) __attribute__((warn_unused_result));
/* Adds the date and what the signer says to the call's headers in `headers`, which has room for five more. */
enum s3_status call_sign(struct call_attempt *at, struct sigv4_pair *headers, size_t *count,
        struct sigv4_headers *signature) __attribute__((warn_unused_result));
/* "name: value" lines as curl takes them; an empty value is "name;". */
bool call_write_lines(struct s3_buffer *lines, const struct sigv4_pair *headers, size_t count, const char **out)
        __attribute__((warn_unused_result));

#endif
