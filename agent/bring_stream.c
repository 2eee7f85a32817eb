/*
 * Bytes that pass through this process; see bring.h. A small piece is held in memory on its way. A larger one is read
 * window by window while it is being sent, on a connection of its own, so that it goes as one piece whatever its size:
 * the ETag stays the vault's. All that is under way, in all threads, has a bound.
 */
#include "agent/bring_inside.h"

#include <stdint.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/stream_memory.h"
#include "s3/multipart.h"

#define MEMORY_MAX (UINT64_C(32) << 20) /* a restore as a whole is to fit into 64 MiB; threads wait for each other */
#define WHOLE_MAX (UINT64_C(8) << 20)   /* larger pieces go by windows */
#define WINDOW (UINT64_C(4) << 20)

static struct stream_budget budget = STREAM_BUDGET(MEMORY_MAX);

/* Bytes of the vault's version into memory. */
static enum s3_status fetch(const struct bringing *bringing, struct s3_conn *conn, char *ptr, uint64_t first,
        size_t size, struct s3_error *error)
{
    struct stream_landing landing = { .ptr = ptr, .size = size };
    const struct s3_sink sink = stream_landing_sink(&landing);
    const struct s3_get_options options = { .target = bringing_from(bringing),
        .ranged = size != bringing->object->size,
        .first = first,
        .last = first + size - 1,
        .if_match = bringing->object->etag[0] != '\0' ? bringing->quoted : NULL };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_get_object(conn, bringing->job->from, &options, &sink, &head, error);
    s3_head_free(&head);
    if (status == S3_FULL || (status == S3_OK && landing.used != size))
        return s3_fail(error, S3_BAD_DATA, "NotEqual", "the vault gave another number of bytes than was asked for");
    return status;
}

bool bringing_tells_md5(const char *etag, const struct s3_head *head)
{
    return strspn(etag, "0123456789abcdef") == 32 && head->kms_key[0] == '\0' && head->customer_algorithm[0] == '\0' &&
           strncmp(head->encryption, "aws:", 4) != 0;
}

/* Ends the MD5 of a piece. A whole object is held against the vault's ETag before its last byte goes out. */
static enum s3_status judge(const struct bringing *bringing, struct bringing_piece *piece, struct state_digest *digest,
        struct s3_error *error)
{
    const char *etag = bringing->object->etag;
    struct state_error bad;

    if (state_digest_hex(digest, piece->md5, &bad) != STATE_OK)
        return s3_fail(error, S3_FATAL, "Digest", "%s", bad.what);
    if (piece->upload_id != NULL || etag[strcspn(etag, "-")] != '\0' || !bringing_tells_md5(etag, &bringing->head) ||
            strcmp(piece->md5, etag) == 0)
        return S3_OK;
    return s3_fail(error, S3_BAD_DATA, "NotEqual",
            "the vault gave bytes with the MD5 %s where its ETag is %s: damaged there, or on the way; nothing was "
            "written",
            piece->md5, etag);
}

static enum s3_status send_piece(const struct bringing *bringing, struct bringing_piece *piece, const void *body,
        const struct s3_reader *reader, struct s3_error *error)
{
    if (piece->upload_id == NULL) {
        struct s3_put_options options = { .target = bringing_to(bringing),
            .body = body,
            .body_len = (size_t)piece->size,
            .reader = reader,
            .content_md5 = reader == NULL };
        bringing_write(bringing, &options.write);
        return s3_put_object(bringing->conn, bringing->job->to, &options, &piece->put, error);
    } else {
        const struct s3_upload_part_options options = { .target = bringing_to(bringing),
            .upload_id = piece->upload_id,
            .number = piece->number,
            .body = body,
            .body_len = (size_t)piece->size,
            .reader = reader,
            .content_md5 = reader == NULL };
        return s3_upload_part(bringing->conn, bringing->job->to, &options, &piece->put, error);
    }
}

static enum s3_status pass_in_memory(const struct bringing *bringing, struct bringing_piece *piece,
        struct state_digest *digest, struct s3_error *error)
{
    struct stream_memory memory;
    enum s3_status status;

    if (!stream_memory_take(&budget, (size_t)piece->size, &memory))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = fetch(bringing, bringing->conn, memory.ptr, piece->first, memory.size, error);
    if (status == S3_OK) {
        state_digest_update(digest, memory.ptr, memory.size);
        status = judge(bringing, piece, digest, error);
    }
    if (status == S3_OK)
        status = send_piece(bringing, piece, memory.ptr, NULL, error);
    stream_memory_free(&memory);
    return status;
}

/* A piece that is read while it is sent. */
struct window {
    const struct bringing *bringing;
    struct bringing_piece *piece;
    struct s3_conn *conn;
    struct state_digest *digest;
    struct stream_memory memory;
    size_t used, filled; /* of the memory */
    uint64_t read;       /* of the piece */
    enum s3_status status;
    struct s3_error error; /* why it gave up */
};

static void fill(struct window *window)
{
    const struct bringing_piece *piece = window->piece;
    uint64_t left = piece->size - window->read;
    size_t size = left < window->memory.size ? (size_t)left : window->memory.size;

    if (clock_stop_asked())
        window->status = s3_fail(&window->error, S3_CANCELLED, "Cancelled", "stopped");
    else
        window->status = fetch(
                window->bringing, window->conn, window->memory.ptr, piece->first + window->read, size, &window->error);
    if (window->status != S3_OK)
        return;
    state_digest_update(window->digest, window->memory.ptr, size);
    window->used = 0;
    window->filled = size;
    window->read += size;
    if (window->read == piece->size)
        window->status = judge(window->bringing, window->piece, window->digest, &window->error);
}

static size_t read_on(void *ctx, char *bytes, size_t room)
{
    struct window *window = ctx;
    size_t length;

    if (window->used == window->filled && window->read < window->piece->size)
        fill(window);
    if (window->status != S3_OK)
        return SIZE_MAX;
    length = window->filled - window->used;
    if (length > room)
        length = room;
    memcpy(bytes, window->memory.ptr + window->used, length);
    window->used += length;
    return length;
}

static bool read_again(void *ctx)
{
    struct window *window = ctx;
    char unused[STATE_SHA256_HEX_SIZE];
    struct state_error bad;

    if (window->status != S3_OK)
        return false;
    window->used = window->filled = 0;
    window->read = 0;
    return state_digest_hex(window->digest, unused, &bad) == STATE_OK;
}

static enum s3_status pass_by_windows(const struct bringing *bringing, struct bringing_piece *piece,
        struct state_digest *digest, struct s3_error *error)
{
    struct window window = { .bringing = bringing, .piece = piece, .digest = digest };
    const struct s3_reader reader = { .read = read_on, .rewind = read_again, .ctx = &window, .length = piece->size };
    enum s3_status status = s3_conn_beside(bringing->conn, &window.conn, error);

    if (status != S3_OK)
        return status;
    if (stream_memory_take(&budget, (size_t)WINDOW, &window.memory)) {
        status = send_piece(bringing, piece, NULL, &reader, error);
        stream_memory_free(&window.memory);
        if (window.status != S3_OK) {
            status = window.status;
            *error = window.error;
        }
    } else {
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    s3_conn_free(window.conn);
    return status;
}

enum s3_status bringing_pass(struct bringing *bringing, struct bringing_piece *piece, struct s3_error *error)
{
    struct state_digest *digest = state_digest_new(STATE_MD5);
    enum s3_status status;

    if (digest == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = piece->size > WHOLE_MAX ? pass_by_windows(bringing, piece, digest, error)
                                     : pass_in_memory(bringing, piece, digest, error);
    state_digest_free(digest);
    return status;
}

enum s3_status bringing_by_stream(struct bringing *bringing, struct s3_error *error)
{
    struct bringing_piece piece = { .size = bringing->object->size };
    enum s3_status status = bringing_look(bringing, error);

    if (status == S3_OK)
        status = bringing_pass(bringing, &piece, error);
    if (status != S3_OK)
        return status;
    memcpy(bringing->result->etag, piece.put.etag, sizeof piece.put.etag);
    memcpy(bringing->result->version, piece.put.version, sizeof piece.put.version);
    if (strcmp(piece.put.etag, piece.md5) == 0) /* what was sent is there, whatever the vault calls it */
        bringing->result->by = STATE_BY_CHECKSUM;
    return bringing_compare(bringing, true, error);
}
