/* What bring.c and the bring_*.c share. Private to them. */
#ifndef AGENT_BRING_INSIDE_H
#define AGENT_BRING_INSIDE_H

#include "agent/bring.h"
#include "agent/copy_bounds.h"
#include "state/digest.h"

enum { BRING_TAGGING_MAX = 16 * 1024 };
#define BRING_WHOLE_MAX (UINT64_C(8) << 20) /* larger ones go by parts when they pass through here */

/* One object on its way. */
struct bringing {
    struct bring_job *job;
    struct s3_conn *conn;
    const struct bring_object *object;
    struct bring_result *result;
    char quoted[S3_ETAG_MAX + 3]; /* its ETag, as conditions want it */
    struct s3_head head;          /* of the vault's version; filled by bringing_look */
    bool looked;
    char *tagging;                  /* BRING_TAGGING_MAX; NULL: no tags are known */
    struct state_digest *parts_md5; /* of the MD5s of the parts that passed through here; NULL: not kept */
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
/* A whole object of at most BRING_WHOLE_MAX bytes through here; fills in the result. */
enum s3_status bringing_by_stream(struct bringing *bringing, struct s3_error *error)
        __attribute__((warn_unused_result));
/* One part through here; takes its MD5 into parts_md5. */
enum s3_status bringing_stream_part(struct bringing *bringing, const char *upload_id, uint32_t number,
        const struct copying_piece *piece, char etag[S3_ETAG_MAX + 1], struct s3_error *error)
        __attribute__((warn_unused_result));

/* Whether an ETag of MD5s is the vault's: not where the service encrypts with a key of KMS or of the customer. */
bool bringing_tells_md5(const struct bringing *bringing);
/* Whether what lies there is it: by ETag, else by checksum, else by size; S3_BAD_DATA where it is not. */
enum s3_status bringing_compare(struct bringing *bringing, struct s3_error *error) __attribute__((warn_unused_result));

#endif
