/*
 * Where the parts of a copy begin and end: as the source's own do, so that the copy gets the source's ETag, or as suits
 * us. See copy_parts.c.
 */
#include "agent/copy_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/stream_plan.h"

enum { PARTS_MAX = 10000 };
#define PART_SIZE (UINT64_C(256) << 20) /* of sources without parts of their own: a copy of it takes seconds */
#define PART_SIZE_MAX (UINT64_C(5) << 30)
/* Streamed parts are held in memory. The source's own boundaries are kept between these; S3 refuses smaller ones. */
#define STREAM_OWN_LEAST (UINT64_C(5) << 20)
#define STREAM_OWN_MOST (UINT64_C(64) << 20)
#define STREAM_SIZE_MAX (UINT64_C(1) << 30) /* of an object of 9.7 TiB */

static bool lay_even(struct copying_bounds *bounds, uint64_t size, uint64_t part_size)
{
    uint64_t count = (size + part_size - 1) / part_size;

    if (count == 0 || count > PARTS_MAX)
        return false;
    bounds->pieces = calloc((size_t)count, sizeof *bounds->pieces);
    if (bounds->pieces == NULL)
        return false;
    bounds->count = (uint32_t)count;
    for (uint32_t i = 0; i < bounds->count; i++) {
        bounds->pieces[i].first = i * part_size;
        bounds->pieces[i].size = size - i * part_size < part_size ? size - i * part_size : part_size;
    }
    return true;
}

static enum s3_status part_size_of(
        const struct copying *copying, uint32_t number, uint64_t *size, uint32_t *count, struct s3_error *error)
{
    const struct source *source = copying->job->source;
    struct s3_head_options options = { .target = { .bucket = source->bucket,
                                               .key = { copying->action->key.ptr, copying->action->key.len },
                                               .expected_owner = source->owner },
        .part_number = number,
        .if_match = copying->quoted };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(copying->conn, source->client, &options, &head, error);
    *size = head.size;
    *count = head.parts;
    s3_head_free(&head);
    return status;
}

static enum s3_status lay_our_own(const struct copying *copying, struct copying_bounds *bounds, struct s3_error *error)
{
    uint64_t part = PART_SIZE;

    if (copying_is_streamed(copying))
        part = stream_even_part_size(copying->size);
    while ((copying->size + part - 1) / part > PARTS_MAX)
        part *= 2;
    if (!lay_even(bounds, copying->size, part))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    return S3_OK;
}

/* Whether a part of the source of this size can be one of the copy's. */
static bool can_be_ours(const struct copying *copying, uint64_t size, bool is_last)
{
    return !copying_is_streamed(copying) || ((is_last || size >= STREAM_OWN_LEAST) && size <= STREAM_OWN_MOST);
}

/* The source's own boundaries: from its first part and its last, if those explain the size; else from all of them. */
static enum s3_status lay_parts(struct copying *copying, struct copying_bounds *bounds, struct s3_error *error)
{
    uint64_t first = 0, last = 0, sum = 0;
    uint32_t count = 0, ignored;
    enum s3_status status = S3_OK;

    if (strchr(copying->etag, '-') != NULL)
        status = part_size_of(copying, 1, &first, &count, error);
    if (status != S3_OK)
        return status;
    if (count < 2 || count > PARTS_MAX || !can_be_ours(copying, first, false)) /* or a server that does not tell */
        return lay_our_own(copying, bounds, error);
    status = part_size_of(copying, count, &last, &ignored, error);
    if (status != S3_OK)
        return status;
    if (first > 0 && (count - 1) * first + last == copying->size && last <= first) {
        if (!lay_even(bounds, copying->size, first) || bounds->count != count)
            return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        return S3_OK;
    }
    bounds->pieces = calloc(count, sizeof *bounds->pieces);
    if (bounds->pieces == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    bounds->count = count;
    for (uint32_t i = 0; i < count && status == S3_OK; i++) {
        bounds->pieces[i].first = sum;
        status = part_size_of(copying, i + 1, &bounds->pieces[i].size, &ignored, error);
        sum += bounds->pieces[i].size;
        if (status == S3_OK && !can_be_ours(copying, bounds->pieces[i].size, i + 1 == count)) {
            free(bounds->pieces);
            return lay_our_own(copying, bounds, error);
        }
    }
    if (status == S3_OK && sum != copying->size)
        return s3_fail(error, S3_BAD_DATA, "Parts", "the source's parts do not add up to its size");
    return status;
}

enum s3_status copying_lay_bounds(struct copying *copying, struct copying_bounds *bounds, struct s3_error *error)
{
    enum s3_status status = lay_parts(copying, bounds, error);

    if (status == S3_OK && bounds->pieces[0].size > PART_SIZE_MAX)
        return s3_fail(error, S3_REFUSED, "Parts", "a part of the source is larger than S3 copies");
    if (status == S3_OK && copying_is_streamed(copying) && bounds->pieces[0].size > STREAM_SIZE_MAX)
        return s3_fail(error, S3_REFUSED, "Parts", "the object is too large to be streamed by parts in memory");
    return status;
}
