/* See copy_bounds.h. */
#include "agent/copy_bounds.h"

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
        const struct copy_shape *shape, uint32_t number, uint64_t *size, uint32_t *count, struct s3_error *error)
{
    const struct s3_head_options options = {
        .target = shape->target, .part_number = number, .if_match = shape->if_match
    };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(shape->conn, shape->client, &options, &head, error);
    *size = head.size;
    *count = head.parts;
    s3_head_free(&head);
    return status;
}

static enum s3_status lay_our_own(const struct copy_shape *shape, struct copying_bounds *bounds, struct s3_error *error)
{
    uint64_t part = PART_SIZE;

    if (shape->streamed)
        part = stream_even_part_size(shape->size);
    while ((shape->size + part - 1) / part > PARTS_MAX)
        part *= 2;
    if (!lay_even(bounds, shape->size, part))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    return S3_OK;
}

/* Whether a part of the source of this size can be one of the copy's. */
static bool can_be_ours(const struct copy_shape *shape, uint64_t size, bool is_last)
{
    return !shape->streamed || ((is_last || size >= STREAM_OWN_LEAST) && size <= STREAM_OWN_MOST);
}

/* The source's own boundaries: from its first part and its last, if those explain the size; else from all of them. */
static enum s3_status lay_parts(const struct copy_shape *shape, struct copying_bounds *bounds, struct s3_error *error)
{
    uint64_t first = 0, last = 0, sum = 0;
    uint32_t count = 0, ignored;
    enum s3_status status = S3_OK;

    if (strchr(shape->etag, '-') != NULL)
        status = part_size_of(shape, 1, &first, &count, error);
    if (status != S3_OK)
        return status;
    if (count < 2 || count > PARTS_MAX || !can_be_ours(shape, first, false)) /* or a server that does not tell */
        return lay_our_own(shape, bounds, error);
    status = part_size_of(shape, count, &last, &ignored, error);
    if (status != S3_OK)
        return status;
    if (first > 0 && (count - 1) * first + last == shape->size && last <= first) {
        if (!lay_even(bounds, shape->size, first) || bounds->count != count)
            return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        return S3_OK;
    }
    bounds->pieces = calloc(count, sizeof *bounds->pieces);
    if (bounds->pieces == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    bounds->count = count;
    for (uint32_t i = 0; i < count && status == S3_OK; i++) {
        bounds->pieces[i].first = sum;
        status = part_size_of(shape, i + 1, &bounds->pieces[i].size, &ignored, error);
        sum += bounds->pieces[i].size;
        if (status == S3_OK && !can_be_ours(shape, bounds->pieces[i].size, i + 1 == count)) {
            free(bounds->pieces);
            return lay_our_own(shape, bounds, error);
        }
    }
    if (status == S3_OK && sum != shape->size)
        return s3_fail(error, S3_BAD_DATA, "Parts", "the source's parts do not add up to its size");
    return status;
}

enum s3_status copy_lay_bounds(const struct copy_shape *shape, struct copying_bounds *bounds, struct s3_error *error)
{
    enum s3_status status = lay_parts(shape, bounds, error);

    if (status == S3_OK && bounds->pieces[0].size > PART_SIZE_MAX)
        return s3_fail(error, S3_REFUSED, "Parts", "a part of the source is larger than S3 copies");
    if (status == S3_OK && shape->streamed && bounds->pieces[0].size > STREAM_SIZE_MAX)
        return s3_fail(error, S3_REFUSED, "Parts", "the object is too large to be streamed by parts in memory");
    return status;
}
