/* zstd streams and digests: round trips in pieces, cut and damaged files, bombs, sinks that refuse. */
#include "state/stream.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* A sink into memory; refuses from `refuse_at` bytes on. */
struct memory {
    unsigned char *ptr;
    size_t len, size, refuse_at;
};

static enum state_status take(void *ctx, const void *ptr, size_t len)
{
    struct memory *m = ctx;
    if (m->refuse_at != 0 && m->len + len > m->refuse_at)
        return STATE_REFUSED;
    if (m->len + len > m->size) {
        m->size = (m->len + len) * 2;
        m->ptr = realloc(m->ptr, m->size);
        assert_non_null(m->ptr);
    }
    memcpy(m->ptr + m->len, ptr, len);
    m->len += len;
    return STATE_OK;
}

static uint32_t seed = 1;

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static struct memory compress(const void *ptr, size_t len, struct state_stream_sum *sum)
{
    struct memory m = { 0 };
    struct state_stream_out *out = state_stream_out_new((struct state_sink){ take, &m });
    assert_non_null(out);
    for (size_t done = 0; done < len;) {
        size_t n = random32() % 5000;
        n = n < len - done ? n : len - done;
        assert_int_equal(state_stream_out_write(out, (const char *)ptr + done, n, NULL), STATE_OK);
        done += n;
    }
    assert_int_equal(state_stream_out_finish(out, sum, NULL), STATE_OK);
    assert_int_equal(state_stream_out_bytes(out), m.len);
    state_stream_out_free(out);
    return m;
}

/* Write and finish as one; the pieces have `step` bytes. */
static enum state_status expand(
        const void *ptr, size_t len, size_t step, uint64_t max, struct memory *m, struct state_stream_sum *sum)
{
    struct state_stream_in *in = state_stream_in_new((struct state_sink){ take, m }, max);
    assert_non_null(in);
    enum state_status status = STATE_OK;
    for (size_t done = 0; done < len && status == STATE_OK; done += step)
        status = state_stream_in_write(in, (const char *)ptr + done, step < len - done ? step : len - done, NULL);
    if (status == STATE_OK)
        status = state_stream_in_finish(in, sum, NULL);
    else
        assert_int_equal(state_stream_in_finish(in, sum, NULL), status); /* sticky */
    state_stream_in_free(in);
    return status;
}

static void streams_round_trip_and_are_hashed(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 100, 131071, 131072, 131073, 1000000 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *data = malloc(sizes[i] + 1);
        assert_non_null(data);
        for (size_t b = 0; b < sizes[i]; b++)
            data[b] = (unsigned char)(random32() % 20);
        struct state_stream_sum written, read;
        char hash[STATE_SHA256_HEX_SIZE];
        struct memory file = compress(data, sizes[i], &written);
        assert_int_equal(written.bytes, file.len);
        assert_int_equal(state_sha256_hex(file.ptr, file.len, hash, NULL), STATE_OK);
        assert_string_equal(written.sha256, hash);
        static const size_t steps[] = { 1, 7, 4096, 10000000 };
        for (size_t s = sizes[i] > 200000 ? 1 : 0; s < 4; s++) {
            struct memory back = { 0 };
            assert_int_equal(expand(file.ptr, file.len, steps[s], 0, &back, &read), STATE_OK);
            assert_int_equal(back.len, sizes[i]);
            if (back.len > 0)
                assert_memory_equal(back.ptr, data, back.len);
            assert_int_equal(read.bytes, file.len);
            assert_string_equal(read.sha256, hash);
            free(back.ptr);
        }
        free(file.ptr);
        free(data);
    }
}

static void a_cut_file_is_never_whole(void **state)
{
    (void)state;
    char data[3000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(random32() % 7);
    struct memory file = compress(data, sizeof data, NULL);
    for (size_t len = 0; len < file.len; len++) {
        struct memory back = { 0 };
        assert_int_equal(expand(file.ptr, len, 100, 0, &back, NULL), STATE_BAD_DATA);
        free(back.ptr);
    }
    free(file.ptr);
}

static void a_flipped_bit_is_found(void **state)
{
    (void)state;
    char data[2000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(random32() % 7);
    struct memory file = compress(data, sizeof data, NULL);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        struct memory back = { 0 };
        file.ptr[bit / 8] ^= (unsigned char)(1U << bit % 8);
        enum state_status status = expand(file.ptr, file.len, 4096, 0, &back, NULL);
        /* zstd ignores one reserved bit of the frame's descriptor: then the bytes must be right */
        if (status == STATE_OK) {
            assert_int_equal(back.len, sizeof data);
            assert_memory_equal(back.ptr, data, sizeof data);
        } else {
            assert_int_equal(status, STATE_BAD_DATA);
        }
        file.ptr[bit / 8] ^= (unsigned char)(1U << bit % 8);
        free(back.ptr);
    }
    free(file.ptr);
}

static void nothing_may_follow_the_frame(void **state)
{
    (void)state;
    struct memory file = compress("hello", 5, NULL);
    assert_int_equal(take(&file, "x", 1), STATE_OK);
    for (size_t step = 1; step <= file.len; step++) {
        struct memory back = { 0 };
        assert_int_equal(expand(file.ptr, file.len, step, 0, &back, NULL), STATE_BAD_DATA);
        free(back.ptr);
    }
    file.len--;
    struct memory second = compress("again", 5, NULL);
    assert_int_equal(take(&file, second.ptr, second.len), STATE_OK);
    struct memory back = { 0 };
    assert_int_equal(expand(file.ptr, file.len, 4096, 0, &back, NULL), STATE_BAD_DATA);
    free(back.ptr);
    free(second.ptr);
    free(file.ptr);
}

static void a_bomb_is_stopped(void **state)
{
    (void)state;
    size_t size = 50000000;
    char *zeros = calloc(1, size);
    assert_non_null(zeros);
    struct memory file = compress(zeros, size, NULL), back = { 0 };
    assert_true(file.len < size / 1000);
    assert_int_equal(expand(file.ptr, file.len, 4096, 1000000, &back, NULL), STATE_FULL);
    assert_true(back.len <= 1000000);
    free(back.ptr);
    free(file.ptr);
    free(zeros);
}

static void a_huge_window_is_refused(void **state)
{
    (void)state;
    size_t size = 40000000;
    char *data = malloc(size), *file = malloc(size * 2);
    assert_non_null(data);
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i >> 12);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, 25);
    (void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size_t len = ZSTD_compress2(zstd, file, size * 2, data, size);
    assert_false(ZSTD_isError(len));
    struct memory back = { 0 };
    assert_int_equal(expand(file, len, 4096, 0, &back, NULL), STATE_BAD_DATA);
    free(back.ptr);
    (void)ZSTD_freeCCtx(zstd);
    free(file);
    free(data);
}

static void a_sink_that_refuses_stops_the_stream(void **state)
{
    (void)state;
    char data[200000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)random32();
    struct memory small = { .refuse_at = 1000 };
    struct state_error error;
    struct state_stream_out *out = state_stream_out_new((struct state_sink){ take, &small });
    assert_non_null(out);
    enum state_status status = state_stream_out_write(out, data, sizeof data, &error);
    assert_int_equal(status, STATE_REFUSED);
    assert_int_equal(state_stream_out_write(out, data, 1, &error), STATE_REFUSED);
    assert_int_equal(state_stream_out_finish(out, NULL, &error), STATE_REFUSED);
    state_stream_out_free(out);
    struct memory file = compress(data, sizeof data, NULL);
    assert_int_equal(expand(file.ptr, file.len, 4096, 0, &small, NULL), STATE_REFUSED);
    free(file.ptr);
    free(small.ptr);
}

static void a_spent_stream_takes_nothing(void **state)
{
    (void)state;
    struct memory m = { 0 };
    struct state_stream_out *out = state_stream_out_new((struct state_sink){ take, &m });
    assert_int_equal(state_stream_out_finish(out, NULL, NULL), STATE_OK);
    assert_int_equal(state_stream_out_write(out, "x", 1, NULL), STATE_BAD_DATA);
    assert_int_equal(state_stream_out_finish(out, NULL, NULL), STATE_BAD_DATA);
    state_stream_out_free(out);
    free(m.ptr);
}

static void digests_are_the_known_ones(void **state)
{
    (void)state;
    char hex[STATE_SHA256_HEX_SIZE], base64[STATE_DIGEST_BASE64_SIZE];
    struct state_digest *sha = state_digest_new(STATE_SHA256), *md5 = state_digest_new(STATE_MD5);
    assert_non_null(sha);
    assert_non_null(md5);
    for (int round = 0; round < 2; round++) { /* a digest can be used again */
        state_digest_update(sha, "a", 1);
        state_digest_update(sha, "", 0);
        state_digest_update(sha, "bc", 2);
        assert_int_equal(state_digest_hex(sha, hex, NULL), STATE_OK);
        assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        state_digest_update(md5, "abc", 3);
        assert_int_equal(state_digest_base64(md5, base64, NULL), STATE_OK);
        assert_string_equal(base64, "kAFQmDzST7DWlj99KOF/cg==");
    }
    assert_int_equal(state_digest_base64(sha, base64, NULL), STATE_OK);
    assert_string_equal(base64, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_true(state_sha256_is_hex(hex, 64));
    assert_false(state_sha256_is_hex(hex, 63));
    hex[3] = 'F';
    assert_false(state_sha256_is_hex(hex, 64));
    state_digest_free(sha);
    state_digest_free(md5);
    state_digest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_round_trip_and_are_hashed),
        cmocka_unit_test(a_cut_file_is_never_whole),
        cmocka_unit_test(a_flipped_bit_is_found),
        cmocka_unit_test(nothing_may_follow_the_frame),
        cmocka_unit_test(a_bomb_is_stopped),
        cmocka_unit_test(a_huge_window_is_refused),
        cmocka_unit_test(a_sink_that_refuses_stops_the_stream),
        cmocka_unit_test(a_spent_stream_takes_nothing),
        cmocka_unit_test(digests_are_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
