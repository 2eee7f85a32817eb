/* A large object by parts; see bring.h. One part after the other: the crew's threads are busy with other objects. */
#include "agent/bring_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "s3/multipart.h"

static enum s3_status copy_part(const struct bringing *bringing, const char *upload_id, uint32_t number,
        struct copying_piece *piece, struct s3_error *error)
{
    const struct s3_upload_part_copy_options options = { .target = bringing_to(bringing),
        .upload_id = upload_id,
        .number = number,
        .source = bringing_source(bringing),
        .ranged = true,
        .first = piece->first,
        .last = piece->first + piece->size - 1 };
    struct s3_copy_result result;
    enum s3_status status = s3_upload_part_copy(bringing->conn, bringing->job->to, &options, &result, error);

    if (status == S3_OK)
        memcpy(piece->etag, result.answer.etag, sizeof piece->etag);
    return status;
}

static enum s3_status carry_parts(struct bringing *bringing, const char *upload_id, struct copying_bounds *bounds,
        bool streamed, struct s3_error *error)
{
    enum s3_status status = S3_OK;

    for (uint32_t i = 0; i < bounds->count && status == S3_OK; i++) {
        struct copying_piece *piece = &bounds->pieces[i];
        if (clock_stop_asked())
            return s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
        status = streamed ? bringing_stream_part(bringing, upload_id, i + 1, piece, piece->etag, error)
                          : copy_part(bringing, upload_id, i + 1, piece, error);
    }
    return status;
}

/* Whether the bytes that passed through here are those of the vault's ETag: where its parts' boundaries were kept. */
static enum s3_status check_md5(
        const struct bringing *bringing, const struct copying_bounds *bounds, struct s3_error *error)
{
    char hex[STATE_SHA256_HEX_SIZE], etag[STATE_SHA256_HEX_SIZE + 16];
    struct state_error bad;

    if (state_digest_hex(bringing->parts_md5, hex, &bad) != STATE_OK)
        return s3_fail(error, S3_FATAL, "Digest", "%s", bad.what);
    (void)snprintf(etag, sizeof etag, "%s-%u", hex, (unsigned)bounds->count);
    if (strcmp(etag, bringing->object->etag) == 0)
        return S3_OK;
    return s3_fail(error, S3_BAD_DATA, "NotEqual",
            "the vault gave parts with the MD5 %s where its ETag is %s: damaged there, or on the way", etag,
            bringing->object->etag);
}

/* Where the ETag can be held against the parts, their MD5s are kept. */
static enum s3_status prepare_md5(
        struct bringing *bringing, const struct copying_bounds *bounds, struct s3_error *error)
{
    char ending[16];
    size_t length = strlen(bringing->object->etag);

    (void)snprintf(ending, sizeof ending, "-%u", (unsigned)bounds->count);
    if (!bringing_tells_md5(bringing) || length < strlen(ending) ||
            strcmp(bringing->object->etag + length - strlen(ending), ending) != 0)
        return S3_OK;
    bringing->parts_md5 = state_digest_new(STATE_MD5);
    return bringing->parts_md5 != NULL ? S3_OK : s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
}

static enum s3_status complete(
        struct bringing *bringing, const char *upload_id, const struct copying_bounds *bounds, struct s3_error *error)
{
    struct s3_part_entry *parts = calloc(bounds->count, sizeof *parts);
    const struct s3_complete_upload_options options = { .target = bringing_to(bringing),
        .upload_id = upload_id,
        .parts = parts,
        .count = bounds->count,
        .size = bringing->object->size };
    struct s3_copy_result result;
    enum s3_status status;

    if (parts == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    for (uint32_t i = 0; i < bounds->count; i++) {
        parts[i].number = i + 1;
        memcpy(parts[i].etag, bounds->pieces[i].etag, sizeof parts[i].etag);
    }
    status = s3_complete_upload(bringing->conn, bringing->job->to, &options, &result, error);
    free(parts);
    if (status == S3_OK) {
        (void)snprintf(bringing->result->etag, sizeof bringing->result->etag, "%s", result.answer.etag);
        (void)snprintf(bringing->result->version, sizeof bringing->result->version, "%s", result.version);
    } else if (status == S3_NOT_FOUND) {
        /* An earlier attempt may have done it, whose answer was lost: comparing tells. Without an ETag it is by HEAD.
         */
        bringing->result->etag[0] = '\0';
        status = S3_OK;
    }
    return status;
}

enum s3_status bringing_by_parts(struct bringing *bringing, bool streamed, struct s3_error *error)
{
    struct s3_create_upload_options create = { .target = bringing_to(bringing) };
    struct copy_shape shape = { .conn = bringing->conn,
        .client = bringing->job->from,
        .target = bringing_from(bringing),
        .etag = bringing->object->etag,
        .size = bringing->object->size,
        .streamed = streamed };
    struct copying_bounds bounds = { NULL, 0 };
    struct s3_upload_answer upload;
    enum s3_status status = bringing_look(bringing, error);

    if (status == S3_OK)
        status = copy_lay_bounds(&shape, &bounds, error);
    if (status == S3_OK && streamed)
        status = prepare_md5(bringing, &bounds, error);
    if (status == S3_OK) {
        bringing_write(bringing, &create.write);
        status = s3_create_upload(bringing->conn, bringing->job->to, &create, &upload, error);
    }
    if (status == S3_OK) {
        status = carry_parts(bringing, upload.upload_id, &bounds, streamed, error);
        if (status == S3_OK && bringing->parts_md5 != NULL)
            status = check_md5(bringing, &bounds, error);
        if (status == S3_OK)
            status = complete(bringing, upload.upload_id, &bounds, error);
        if (status != S3_OK) {
            const struct s3_target to = bringing_to(bringing);
            struct s3_error ignored; /* the bucket's rules, or its owner, have to abort what stays */
            (void)!s3_abort_upload(bringing->conn, bringing->job->to, &to, upload.upload_id, &ignored);
        } else {
            status = bringing_compare(bringing, error);
        }
    }
    free(bounds.pieces);
    state_digest_free(bringing->parts_md5);
    bringing->parts_md5 = NULL;
    return status;
}
