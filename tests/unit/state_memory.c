/*
 * Points and files of changes when memory runs out, at each allocation in turn: of jansson's and of OpenSSL's, which
 * both let us put our own in. A failure is reported, and nothing that was called a success is wrong.
 */
#include "state/point.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static long left = -1; /* allocations until the one that fails; negative: none does */
static bool has_failed;

static bool fails(void)
{
    if (left < 0 || left-- > 0)
        return false;
    has_failed = true;
    return true;
}

static void *json_allocate(size_t size)
{
    return fails() ? NULL : malloc(size);
}

static void *crypto_allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : malloc(size);
}

static void *crypto_reallocate(void *ptr, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(ptr, size);
}

static void crypto_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    free(ptr);
}

static const struct state_point_file files[] = {
    { LAYOUT_CHANGES, 1, "20261120T030000Z", { 1, 1, HASH } },
    { LAYOUT_FULL, 1, "20261120T030000Z", { 1, 1, HASH } },
};
static const struct state_point_missing missing[] = { { .key = { "k", 1 }, .code = "AccessDenied" } };
static const struct state_point point = { .source = "abc",
    .id = "20261120T030000Z",
    .missing = missing,
    .missing_listed = 1,
    .missing_count = 1,
    .has_guard = true,
    .policy = "{\"a\":[1,2]}",
    .configuration = "{}",
    .files = files,
    .files_count = 2 };

static void a_point_that_is_written_is_whole(void **state)
{
    (void)state;
    char *whole, *bytes;
    size_t whole_len, len;
    long n = 0;
    assert_int_equal(state_point_write(&point, &whole, &whole_len, NULL), STATE_OK);
    do {
        has_failed = false;
        left = n++;
        enum state_status status = state_point_write(&point, &bytes, &len, NULL);
        left = -1;
        if (status == STATE_OK)
            assert_string_equal(bytes, whole);
        else
            assert_null(bytes);
        assert_true(status == STATE_OK || has_failed);
        free(bytes);
    } while (has_failed);
    assert_true(n > 100);
    free(whole);
}

static void a_point_is_read_or_refused(void **state)
{
    (void)state;
    char *bytes;
    size_t len;
    long n = 0, refused = 0;
    assert_int_equal(state_point_write(&point, &bytes, &len, NULL), STATE_OK);
    do {
        struct state_point *back;
        has_failed = false;
        left = n++;
        enum state_status status = state_point_read(bytes, len, &back, NULL);
        left = -1;
        assert_true(status == STATE_OK || has_failed);
        assert_true((back != NULL) == (status == STATE_OK));
        refused += status == STATE_NO_MEMORY;
        state_point_free(back);
    } while (has_failed);
    assert_true(n > 100);
    assert_true(refused > n - 10); /* jansson cuts a token in a few places, and that is found as damage */
    free(bytes);
}

struct memory {
    char bytes[4096];
    size_t len;
};

static enum state_status take(void *ctx, const void *ptr, size_t len)
{
    struct memory *m = ctx;
    if (len > sizeof m->bytes - m->len)
        return STATE_FULL;
    memcpy(m->bytes + m->len, ptr, len);
    m->len += len;
    return STATE_OK;
}

static enum state_status see(void *ctx, const struct state_change *change)
{
    (void)change;
    ++*(int *)ctx;
    return STATE_OK;
}

static const struct change_file_id id = { LAYOUT_CHANGES, "abc", "20261120T030000Z", 1 };

static enum state_status write_log(struct memory *m, struct change_file_sum *sum)
{
    const struct state_change change = { .entry = { .key = { "k", 1 } } };
    struct change_file_writer *writer;
    enum state_status status = change_file_writer_new(&id, (struct state_sink){ take, m }, &writer, NULL);
    if (status != STATE_OK)
        return status;
    status = change_file_writer_add(writer, &change, NULL);
    if (status == STATE_OK)
        status = change_file_writer_finish(writer, sum, NULL);
    change_file_writer_free(writer);
    return status;
}

static enum state_status read_log(const struct memory *m, const struct change_file_sum *sum, int *seen)
{
    struct change_file_reader *reader = change_file_reader_new((struct change_file_visitor){ see, seen });
    if (reader == NULL)
        return STATE_NO_MEMORY;
    enum state_status status = change_file_reader_begin(reader, &id, sum, NULL);
    if (status == STATE_OK)
        status = change_file_reader_write(reader, m->bytes, m->len, NULL);
    if (status == STATE_OK)
        status = change_file_reader_finish(reader, NULL, NULL);
    change_file_reader_free(reader);
    return status;
}

static void a_log_that_is_written_or_read_is_whole(void **state)
{
    (void)state;
    struct memory whole = { .len = 0 };
    struct change_file_sum sum;
    long n = 0;
    assert_int_equal(write_log(&whole, &sum), STATE_OK);
    do {
        struct memory m = { .len = 0 };
        struct change_file_sum other;
        int seen = 0;
        has_failed = false;
        left = n++;
        enum state_status status = write_log(&m, &other);
        if (status == STATE_OK)
            status = read_log(&m, &sum, &seen);
        left = -1;
        assert_true(status == STATE_OK || has_failed);
        if (status == STATE_OK) {
            assert_int_equal(seen, 1);
            assert_string_equal(other.sha256, sum.sha256);
        } else {
            assert_true(status == STATE_NO_MEMORY || status == STATE_IO);
        }
    } while (has_failed);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_that_is_written_is_whole),
        cmocka_unit_test(a_point_is_read_or_refused),
        cmocka_unit_test(a_log_that_is_written_or_read_is_whole),
    };
    if (CRYPTO_set_mem_functions(crypto_allocate, crypto_reallocate, crypto_free) != 1)
        return 1;
    json_set_alloc_funcs(json_allocate, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
