/*
 * zstd as a pipe: bytes are pushed in, bytes come out by a sink's write. Memory is bounded whatever the input says: 128
 * KiB of output buffer, a window of at most 8 MiB when reading. One frame a file, with its checksum; anything after it
 * is damage. Compressed bytes are counted and hashed on the way. A stream belongs to one thread at a time; failures are
 * sticky.
 */
#ifndef STATE_STREAM_H
#define STATE_STREAM_H

#include "state/digest.h"
#include "state/error.h"

#include <stddef.h>
#include <stdint.h>

/* Whoever takes the bytes. Anything but STATE_OK stops the stream and is handed back as it is. */
struct state_sink {
    enum state_status (*write)(void *ctx, const void *ptr, size_t len);
    void *ctx;
};

/* The compressed file as point.json lists it. */
struct state_stream_sum {
    uint64_t bytes;
    char sha256[STATE_SHA256_HEX_SIZE];
};

/* Compression, level 1. The sink is copied, its ctx kept. NULL: out of memory. */
struct state_stream_out;
struct state_stream_out *state_stream_out_new(struct state_sink sink) __attribute__((warn_unused_result));
void state_stream_out_free(struct state_stream_out *stream);
enum state_status state_stream_out_write(struct state_stream_out *stream, const void *ptr, size_t len,
        struct state_error *error) __attribute__((warn_unused_result));
/* Ends the frame. `sum` may be NULL. The stream is then spent. */
enum state_status state_stream_out_finish(struct state_stream_out *stream, struct state_stream_sum *sum,
        struct state_error *error) __attribute__((warn_unused_result));
/* Compressed bytes that have left so far. */
uint64_t state_stream_out_bytes(const struct state_stream_out *stream);

/* Decompression. More than `max_out` bytes of output are STATE_FULL (0: no limit, the caller bounds what it keeps). */
struct state_stream_in;
struct state_stream_in *state_stream_in_new(struct state_sink sink, uint64_t max_out)
        __attribute__((warn_unused_result));
void state_stream_in_free(struct state_stream_in *stream);
enum state_status state_stream_in_write(struct state_stream_in *stream, const void *ptr, size_t len,
        struct state_error *error) __attribute__((warn_unused_result));
/* STATE_OK only when the frame was read to its end; STATE_BAD_DATA for a file that was cut. */
enum state_status state_stream_in_finish(struct state_stream_in *stream, struct state_stream_sum *sum,
        struct state_error *error) __attribute__((warn_unused_result));

#endif
