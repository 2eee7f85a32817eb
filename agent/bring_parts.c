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
        .ranged = piece->size < bringing->object->size, /* S3 takes no range of small objects */
        .first = piece->first,
        .last = piece->first + piece->size - 1 };
    struct s3_copy_result result;
    enum s3_status status = s3_upload_part_copy(bringing->conn, bringing->job->to, &options, &result, error);

    if (status == S3_OK)
        memcpy(piece->etag, result.answer.etag, sizeof piece->etag);
    return status;
}

static unsigned char nibble(char digit)
{
    return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void take_md5(struct state_digest *of_parts, const char hex[STATE_SHA256_HEX_SIZE])
{
    unsigned char raw[16];

    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    state_digest_update(of_parts, raw, sizeof raw);
}

static enum s3_status stream_part(struct bringing *bringing, const char *upload_id, uint32_t number,
        struct copying_piece *piece, struct state_digest *of_parts, struct s3_error *error)
{
    struct bringing_piece passing = {
        .upload_id = upload_id, .number = number, .first = piece->first, .size = piece->size
    };
    enum s3_status status = bringing_pass(bringing, &passing, error);

    if (status != S3_OK)
        return status;
    memcpy(piece->etag, passing.put.etag, sizeof piece->etag);
    take_md5(of_parts, passing.md5);
    return S3_OK;
}

/* `of_parts`: for the bytes that pass through here; NULL: the store copies. */
static enum s3_status carry_parts(struct bringing *bringing, const char *upload_id, struct copying_bounds *bounds,
        struct state_digest *of_parts, struct s3_error *error)
{
    enum s3_status status = S3_OK;

    for (uint32_t i = 0; i < bounds->count && status == S3_OK; i++) {
        struct copying_piece *piece = &bounds->pieces[i];
        if (clock_stop_asked())
            return s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
        status = of_parts != NULL ? stream_part(bringing, upload_id, i + 1, piece, of_parts, error)
                                  : copy_part(bringing, upload_id, i + 1, piece, error);
    }
    return status;
}

/* Whether the parts are as many as the vault's ETag says: then they are the same ones. */
static bool are_same_parts(const char *etag, const struct copying_bounds *bounds)
{
    const char *dash = strchr(etag, '-');

    return dash != NULL && strtoul(dash + 1, NULL, 10) == bounds->count;
}

/* Whether the bytes that passed through here are those of the vault's ETag. */
static enum s3_status check_md5(const struct bringing *bringing, struct state_digest *of_parts,
        const struct copying_bounds *bounds, struct s3_error *error)
{
    char hex[STATE_SHA256_HEX_SIZE], etag[STATE_SHA256_HEX_SIZE + 16];
    struct state_error bad;

    if (!are_same_parts(bringing->object->etag, bounds) || !bringing_tells_md5(bringing->object->etag, &bringing->head))
        return S3_OK;
    if (state_digest_hex(of_parts, hex, &bad) != STATE_OK)
        return s3_fail(error, S3_FATAL, "Digest", "%s", bad.what);
    (void)snprintf(etag, sizeof etag, "%s-%u", hex, (unsigned)bounds->count);
    if (strcmp(etag, bringing->object->etag) == 0)
        return S3_OK;
    return s3_fail(error, S3_BAD_DATA, "NotEqual",
            "the vault gave parts with the MD5 %s where its ETag is %s: damaged there, or on the way; nothing was "
            "written",
            etag, bringing->object->etag);
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
        return bringing_compare(bringing, are_same_parts(bringing->object->etag, bounds), error);
    }
    if (status == S3_NOT_FOUND) { /* an earlier attempt may have done it, whose answer was lost */
        struct s3_error looked;
        if (bringing_compare(bringing, true, &looked) == S3_OK && bringing->result->by == STATE_BY_ETAG)
            return S3_OK;
    }
    return status;
}

/* Some stores drop the tags that an upload is created with. */
static enum s3_status settle_tags(struct bringing *bringing, struct s3_error *error)
{
    struct s3_head_options options = { .target = bringing_to(bringing) };
    const struct s3_target from = bringing_from(bringing);
    struct s3_head head;
    struct s3_tags tags;
    enum s3_status status;

    if (bringing->tags == 0)
        return S3_OK;
    options.target.version = bringing->result->version[0] != '\0' ? bringing->result->version : NULL;
    s3_head_init(&head);
    s3_tags_init(&tags);
    status = s3_head_object(bringing->conn, bringing->job->to, &options, &head, error);
    if (status == S3_OK && head.tags != bringing->tags) {
        status = s3_get_object_tags(bringing->conn, bringing->job->from, &from, &tags, error);
        if (status == S3_OK)
            status = s3_put_object_tags(bringing->conn, bringing->job->to, &options.target, &tags, error);
    }
    s3_tags_free(&tags);
    s3_head_free(&head);
    return status;
}

static enum s3_status fill_upload(
        struct bringing *bringing, struct copying_bounds *bounds, struct state_digest *of_parts, struct s3_error *error)
{
    struct s3_create_upload_options create = { .target = bringing_to(bringing) };
    struct s3_upload_answer upload;
    enum s3_status status;

    bringing_write(bringing, &create.write);
    status = s3_create_upload(bringing->conn, bringing->job->to, &create, &upload, error);
    if (status != S3_OK)
        return status;
    status = carry_parts(bringing, upload.upload_id, bounds, of_parts, error);
    if (status == S3_OK && of_parts != NULL)
        status = check_md5(bringing, of_parts, bounds, error);
    if (status == S3_OK)
        status = complete(bringing, upload.upload_id, bounds, error);
    if (status != S3_OK) {
        const struct s3_target to = bringing_to(bringing);
        struct s3_error ignored; /* the bucket's rules, or its owner, have to abort what stays */
        (void)!s3_abort_upload(bringing->conn, bringing->job->to, &to, upload.upload_id, &ignored);
    }
    return status;
}

enum s3_status bringing_by_parts(struct bringing *bringing, bool streamed, struct s3_error *error)
{
    const struct copy_shape shape = { .conn = bringing->conn,
        .client = bringing->job->from,
        .target = bringing_from(bringing),
        .etag = bringing->object->etag,
        .size = bringing->object->size };
    struct copying_bounds bounds = { NULL, 0 };
    struct state_digest *of_parts = streamed ? state_digest_new(STATE_MD5) : NULL;
    enum s3_status status = bringing_look(bringing, error);

    if (status == S3_OK && streamed && of_parts == NULL)
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (status == S3_OK)
        status = copy_lay_bounds(&shape, &bounds, error);
    if (status == S3_OK)
        status = fill_upload(bringing, &bounds, of_parts, error);
    if (status == S3_OK)
        status = settle_tags(bringing, error);
    free(bounds.pieces);
    state_digest_free(of_parts);
    return status;
}
