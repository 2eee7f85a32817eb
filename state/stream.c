/* See stream.h. */
#include "state/stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    BUFFER = 131072, /* zstd's own recommendation for both directions */
    LEVEL = 1,
    WINDOW_LOG_MAX = 23 /* 8 MiB: what level 19 uses; level 1 stays under 1 MiB */
};

/* What both directions share: where the bytes go, what is known of the compressed side, and the sticky state. */
struct pipe {
    struct state_sink sink;
    struct state_digest *digest;
    uint64_t compressed;
    enum state_status status; /* STATE_END once it was finished */
    unsigned char buffer[BUFFER];
};

struct state_stream_out {
    struct pipe pipe;
    ZSTD_CCtx *zstd;
};

struct state_stream_in {
    struct pipe pipe;
    ZSTD_DCtx *zstd;
    uint64_t max_out, out;
    bool ended; /* the frame is complete */
};

static bool pipe_init(struct pipe *pipe, struct state_sink sink)
{
    pipe->sink = sink;
    pipe->digest = state_digest_new(STATE_SHA256);
    return pipe->digest != NULL;
}

static enum state_status stuck(const struct pipe *pipe, struct state_error *error)
{
    return state_fail(error, pipe->status == STATE_END ? STATE_BAD_DATA : pipe->status, 0,
            pipe->status == STATE_END ? "a stream was used after its end" : "the stream failed before");
}

static enum state_status pass_on(struct pipe *pipe, const void *ptr, size_t len, struct state_error *error)
{
    if (len == 0)
        return STATE_OK;
    enum state_status status = pipe->sink.write(pipe->sink.ctx, ptr, len);
    if (status == STATE_OK)
        return STATE_OK;
    return state_fail(error, status, 0, "the receiver of a stream refused its bytes: %s", state_status_name(status));
}

static enum state_status pipe_sum(struct pipe *pipe, struct state_stream_sum *sum, struct state_error *error)
{
    if (sum == NULL)
        return STATE_OK;
    sum->bytes = pipe->compressed;
    return state_digest_hex(pipe->digest, sum->sha256, error);
}

static enum state_status no_zstd(size_t code, enum state_status status, struct state_error *error)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        status = STATE_NO_MEMORY;
    return state_fail(error, status, 0, "zstd: %s", ZSTD_getErrorName(code));
}

struct state_stream_out *state_stream_out_new(struct state_sink sink)
{
    struct state_stream_out *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->zstd = ZSTD_createCCtx();
    if (!pipe_init(&stream->pipe, sink) || stream->zstd == NULL ||
            ZSTD_isError(ZSTD_CCtx_setParameter(stream->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(stream->zstd, ZSTD_c_checksumFlag, 1))) {
        state_stream_out_free(stream);
        return NULL;
    }
    return stream;
}

void state_stream_out_free(struct state_stream_out *stream)
{
    if (stream == NULL)
        return;
    (void)ZSTD_freeCCtx(stream->zstd);
    state_digest_free(stream->pipe.digest);
    free(stream);
}

static enum state_status compress(
        struct state_stream_out *stream, ZSTD_inBuffer *in, ZSTD_EndDirective directive, struct state_error *error)
{
    struct pipe *pipe = &stream->pipe;
    for (;;) {
        ZSTD_outBuffer out = { pipe->buffer, sizeof pipe->buffer, 0 };
        size_t left = ZSTD_compressStream2(stream->zstd, &out, in, directive);
        if (ZSTD_isError(left))
            return no_zstd(left, STATE_IO, error);
        state_digest_update(pipe->digest, pipe->buffer, out.pos);
        pipe->compressed += out.pos;
        enum state_status status = pass_on(pipe, pipe->buffer, out.pos, error);
        if (status != STATE_OK)
            return status;
        if (directive == ZSTD_e_end ? left == 0 : in->pos == in->size)
            return STATE_OK;
    }
}

enum state_status state_stream_out_write(
        struct state_stream_out *stream, const void *ptr, size_t len, struct state_error *error)
{
    if (stream->pipe.status != STATE_OK)
        return stuck(&stream->pipe, error);
    ZSTD_inBuffer in = { ptr, len, 0 };
    stream->pipe.status = compress(stream, &in, ZSTD_e_continue, error);
    return stream->pipe.status;
}

enum state_status state_stream_out_finish(
        struct state_stream_out *stream, struct state_stream_sum *sum, struct state_error *error)
{
    if (stream->pipe.status != STATE_OK)
        return stuck(&stream->pipe, error);
    ZSTD_inBuffer in = { "", 0, 0 };
    enum state_status status = compress(stream, &in, ZSTD_e_end, error);
    if (status == STATE_OK)
        status = pipe_sum(&stream->pipe, sum, error);
    stream->pipe.status = status == STATE_OK ? STATE_END : status;
    return status;
}

uint64_t state_stream_out_bytes(const struct state_stream_out *stream)
{
    return stream->pipe.compressed;
}

struct state_stream_in *state_stream_in_new(struct state_sink sink, uint64_t max_out)
{
    struct state_stream_in *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->max_out = max_out;
    stream->zstd = ZSTD_createDCtx();
    if (!pipe_init(&stream->pipe, sink) || stream->zstd == NULL ||
            ZSTD_isError(ZSTD_DCtx_setParameter(stream->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        state_stream_in_free(stream);
        return NULL;
    }
    return stream;
}

void state_stream_in_free(struct state_stream_in *stream)
{
    if (stream == NULL)
        return;
    (void)ZSTD_freeDCtx(stream->zstd);
    state_digest_free(stream->pipe.digest);
    free(stream);
}

static enum state_status decompress(struct state_stream_in *stream, ZSTD_inBuffer *in, struct state_error *error)
{
    struct pipe *pipe = &stream->pipe;
    bool full = false; /* zstd may hold more output back */
    while (in->pos < in->size || full) {
        if (stream->ended)
            return state_fail(error, STATE_BAD_DATA, 0, "there are bytes after the end of the zstd frame");
        ZSTD_outBuffer out = { pipe->buffer, sizeof pipe->buffer, 0 };
        size_t more = ZSTD_decompressStream(stream->zstd, &out, in);
        if (ZSTD_isError(more))
            return no_zstd(more, STATE_BAD_DATA, error);
        stream->out += out.pos;
        if (stream->max_out != 0 && stream->out > stream->max_out)
            return state_fail(error, STATE_FULL, 0, "a zstd file holds more than %llu bytes",
                    (unsigned long long)stream->max_out);
        enum state_status status = pass_on(pipe, pipe->buffer, out.pos, error);
        if (status != STATE_OK)
            return status;
        stream->ended = more == 0;
        full = !stream->ended && out.pos == out.size;
    }
    return STATE_OK;
}

enum state_status state_stream_in_write(
        struct state_stream_in *stream, const void *ptr, size_t len, struct state_error *error)
{
    struct pipe *pipe = &stream->pipe;
    if (pipe->status != STATE_OK)
        return stuck(pipe, error);
    state_digest_update(pipe->digest, ptr, len);
    pipe->compressed += len;
    ZSTD_inBuffer in = { ptr, len, 0 };
    pipe->status = decompress(stream, &in, error);
    return pipe->status;
}

enum state_status state_stream_in_finish(
        struct state_stream_in *stream, struct state_stream_sum *sum, struct state_error *error)
{
    struct pipe *pipe = &stream->pipe;
    if (pipe->status != STATE_OK)
        return stuck(pipe, error);
    enum state_status status = STATE_OK;
    if (!stream->ended)
        status = state_fail(error, STATE_BAD_DATA, 0, "a zstd file was cut: its frame has no end");
    if (status == STATE_OK)
        status = pipe_sum(pipe, sum, error);
    pipe->status = status == STATE_OK ? STATE_END : status;
    return status;
}
