/* What bring.c and the bring_*.c share. Private to them. */
#ifndef AGENT_BRING_INSIDE_H
#define AGENT_BRING_INSIDE_H

#include "agent/bring.h"
#include "agent/copy_bounds.h"
#include "state/digest.h"

enum { BRING_TAGGING_MAX = 16 * 1024 };
#define BRING_PUT_MAX (UINT64_C(5) << 30) /* S3's bound of one PUT and of one copy */

/* One object on its way. */
struct bringing {
    struct bring_job *job;
    struct s3_conn *conn;
    const struct bring_object *object;
    struct bring_result *result;
    char quoted[S3_ETAG_MAX + 3]; /* its ETag, as conditions want it */
    struct s3_head head;          /* of the vault's version; filled by bringing_look */
    bool looked;
    char *tagging; /* BRING_TAGGING_MAX; NULL: no tags are known */
    uint32_t tags;
};

struct s3_target bringing_from(const struct bringing *bringing);
struct s3_target bringing_to(const struct bringing *bringing);
struct s3_copy_source bringing_source(const struct bringing *bringing);
/* HEAD of the vault's version, and its tags: what an object that is not copied in one request has to be told. */
enum s3_status bringing_look(struct bringing *bringing, struct s3_error *error) __attribute__((warn_unused_result));
/* After bringing_look. */
void bringing_write(const struct bringing *bringing, struct s3_write *write);

/* By parts, server-side or streamed; fills in the result. */
enum s3_status bringing_by_parts(struct bringing *bringing, bool streamed, struct s3_error *error)
        __attribute__((warn_unused_result));
/* A whole object of at most BRING_PUT_MAX bytes through here, in one PUT; fills in the result. */
enum s3_status bringing_by_stream(struct bringing *bringing, struct s3_error *error)
        __attribute__((warn_unused_result));

/* Bytes through here: a part of an upload, or the whole object. */
struct bringing_piece {
    const char *upload_id; /* NULL: the whole object */
    uint32_t number;
    uint64_t first, size;
    char md5[STATE_SHA256_HEX_SIZE]; /* of what was read, filled in */
    struct s3_put_result put;        /* filled in */
};
enum s3_status bringing_pass(struct bringing *bringing, struct bringing_piece *piece, struct s3_error *error)
        __attribute__((warn_unused_result));

/* Whether the ETag of an object with this head is made of MD5s: not where the service encrypts with a key of KMS or of
 * the customer. */
bool bringing_tells_md5(const char *etag, const struct s3_head *head);
/* Whether what lies there is it: by ETag, else by checksum, else by size; S3_BAD_DATA where it is not. `same_parts`:
 * the ETags have to be equal where they are made of MD5s. */
enum s3_status bringing_compare(struct bringing *bringing, bool same_parts, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
