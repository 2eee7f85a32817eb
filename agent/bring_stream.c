/* Bytes that pass through this process; see bring.h. All that is under way, in all threads, has a bound. */
#include "agent/bring_inside.h"

#include <stdio.h>
#include <string.h>

#include "agent/stream_memory.h"
#include "s3/multipart.h"
#include "state/digest.h"

#define MEMORY_MAX (UINT64_C(32) << 20) /* a restore as a whole is to fit into 64 MiB; threads wait for each other */

static struct stream_budget budget = STREAM_BUDGET(MEMORY_MAX);

struct landing {
    char *ptr;
    size_t size, used;
};

static bool land(void *ctx, const char *bytes, size_t length)
{
    struct landing *landing = ctx;

    if (length > landing->size - landing->used)
        return false;
    if (length > 0)
        memcpy(landing->ptr + landing->used, bytes, length);
    landing->used += length;
    return true;
}

static bool land_again(void *ctx)
{
    struct landing *landing = ctx;

    landing->used = 0;
    return true;
}

static enum s3_status fetch(const struct bringing *bringing, const struct stream_memory *memory, bool ranged,
        uint64_t first, struct s3_error *error)
{
    struct landing landing = { .ptr = memory->ptr, .size = memory->size };
    const struct s3_sink sink = { .write = land, .restart = land_again, .ctx = &landing };
    const struct s3_get_options options = {
        .target = bringing_from(bringing), .ranged = ranged, .first = first, .last = first + memory->size - 1
    };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_get_object(bringing->conn, bringing->job->from, &options, &sink, &head, error);
    s3_head_free(&head);
    if (status == S3_FULL || (status == S3_OK && landing.used != memory->size))
        return s3_fail(error, S3_BAD_DATA, "NotEqual", "the vault gave another number of bytes than was asked for");
    return status;
}

static enum s3_status md5_of(
        const struct stream_memory *memory, char hex[STATE_SHA256_HEX_SIZE], struct s3_error *error)
{
    struct state_digest *digest = state_digest_new(STATE_MD5);
    struct state_error bad;
    enum state_status status;

    if (digest == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    state_digest_update(digest, memory->ptr, memory->size);
    status = state_digest_hex(digest, hex, &bad);
    state_digest_free(digest);
    return status == STATE_OK ? S3_OK : s3_fail(error, S3_FATAL, "Digest", "%s", bad.what);
}

bool bringing_tells_md5(const struct bringing *bringing)
{
    const struct s3_head *head = &bringing->head;

    return strspn(bringing->object->etag, "0123456789abcdef") == 32 && head->kms_key[0] == '\0' &&
           head->customer_algorithm[0] == '\0' && strncmp(head->encryption, "aws:", 4) != 0;
}

static unsigned char nibble(char digit)
{
    return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void take_md5(struct bringing *bringing, const char hex[STATE_SHA256_HEX_SIZE])
{
    unsigned char raw[16];

    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    state_digest_update(bringing->parts_md5, raw, sizeof raw);
}

enum s3_status bringing_by_stream(struct bringing *bringing, struct s3_error *error)
{
    struct s3_put_options options = { .target = bringing_to(bringing), .content_md5 = true };
    char md5[STATE_SHA256_HEX_SIZE];
    struct stream_memory memory;
    struct s3_put_result result;
    enum s3_status status = bringing_look(bringing, error);

    if (status != S3_OK)
        return status;
    if (!stream_memory_take(&budget, (size_t)bringing->object->size, &memory))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = fetch(bringing, &memory, false, 0, error);
    if (status == S3_OK)
        status = md5_of(&memory, md5, error);
    if (status == S3_OK && bringing_tells_md5(bringing) && strcmp(md5, bringing->object->etag) != 0)
        status = s3_fail(error, S3_BAD_DATA, "NotEqual",
                "the vault gave bytes with the MD5 %s where its ETag is %s: damaged there, or on the way", md5,
                bringing->object->etag);
    if (status == S3_OK) {
        bringing_write(bringing, &options.write);
        options.body = memory.ptr;
        options.body_len = memory.size;
        status = s3_put_object(bringing->conn, bringing->job->to, &options, &result, error);
    }
    stream_memory_free(&memory);
    if (status != S3_OK)
        return status;
    (void)snprintf(bringing->result->etag, sizeof bringing->result->etag, "%s", result.etag);
    (void)snprintf(bringing->result->version, sizeof bringing->result->version, "%s", result.version);
    if (strcmp(result.etag, md5) == 0) /* what was sent is there, whatever the vault calls it */
        bringing->result->by = STATE_BY_CHECKSUM;
    return bringing_compare(bringing, error);
}

enum s3_status bringing_stream_part(struct bringing *bringing, const char *upload_id, uint32_t number,
        const struct copying_piece *piece, char etag[S3_ETAG_MAX + 1], struct s3_error *error)
{
    struct s3_upload_part_options options = {
        .target = bringing_to(bringing), .upload_id = upload_id, .number = number, .content_md5 = true
    };
    char md5[STATE_SHA256_HEX_SIZE];
    struct stream_memory memory;
    struct s3_put_result result;
    enum s3_status status;

    if (!stream_memory_take(&budget, (size_t)piece->size, &memory))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = fetch(bringing, &memory, true, piece->first, error);
    if (status == S3_OK && bringing->parts_md5 != NULL) {
        status = md5_of(&memory, md5, error);
        if (status == S3_OK)
            take_md5(bringing, md5);
    }
    if (status == S3_OK) {
        options.body = memory.ptr;
        options.body_len = memory.size;
        status = s3_upload_part(bringing->conn, bringing->job->to, &options, &result, error);
        if (status == S3_OK)
            memcpy(etag, result.etag, sizeof result.etag);
    }
    stream_memory_free(&memory);
    return status;
}
