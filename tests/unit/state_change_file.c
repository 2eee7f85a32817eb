/* Files of change lines: round trips, cuts at every byte of either layer, flipped bits, moved files, the order of full
 * files. */
#include "state/change_file.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct change_file_id log_id = { LAYOUT_CHANGES, "acme-docs", "20261120T030000Z", 1 };

static struct change_file_id full_id(uint64_t number)
{
    struct change_file_id id = log_id;
    id.kind = LAYOUT_FULL;
    id.number = number;
    return id;
}

struct memory {
    char *ptr;
    size_t len, size;
};

static enum state_status take(void *ctx, const void *ptr, size_t len)
{
    struct memory *m = ctx;
    if (m->len + len > m->size) {
        m->size = (m->len + len) * 2;
        m->ptr = realloc(m->ptr, m->size);
        assert_non_null(m->ptr);
    }
    memcpy(m->ptr + m->len, ptr, len);
    m->len += len;
    return STATE_OK;
}

/* What the reader gave: all keys and runs, each behind the other. */
struct seen {
    size_t changes, refuse_at;
    struct memory keys;
};

static enum state_status see(void *ctx, const struct state_change *change)
{
    struct seen *seen = ctx;
    if (++seen->changes == seen->refuse_at)
        return STATE_FULL;
    (void)take(&seen->keys, change->entry.key.ptr, change->entry.key.len);
    (void)take(&seen->keys, "@", 1);
    return take(&seen->keys, change->entry.run.ptr, change->entry.run.len);
}

static struct state_change change_of(char *room, enum state_did did, unsigned i)
{
    int n = snprintf(room, 64, "k/%06u\n", i);
    return (struct state_change){ .did = did,
        .by = STATE_BY_ETAG,
        .entry = { .key = { room, (size_t)n },
                .size = i,
                .source_time_ms = i,
                .copied_ms = i,
                .vault_version = { "v", 1 } } };
}

static struct memory write_file(
        const struct change_file_id *id, unsigned first, unsigned count, struct change_file_sum *sum)
{
    struct memory file = { 0 };
    struct change_file_writer *writer;
    struct change_file_sum unused;
    char room[64];
    assert_int_equal(change_file_writer_new(id, (struct state_sink){ take, &file }, &writer, NULL), STATE_OK);
    for (unsigned i = first; i < first + count; i++) {
        struct state_change c = change_of(room, id->kind == LAYOUT_FULL ? STATE_IS : STATE_COPIED, i);
        if (i % 2 == 0)
            c.entry.run = (struct state_text){ id->point, STATE_POINT_LEN };
        if (i % 7 == 1)
            c.entry.run = (struct state_text){ "20250101T000000Z", STATE_POINT_LEN };
        assert_int_equal(change_file_writer_add(writer, &c, NULL), STATE_OK);
    }
    assert_int_equal(change_file_writer_lines(writer), count);
    assert_int_equal(change_file_writer_finish(writer, sum != NULL ? sum : &unused, NULL), STATE_OK);
    assert_int_equal(change_file_writer_bytes(writer), file.len);
    change_file_writer_free(writer);
    return file;
}

static enum state_status read_with(struct change_file_reader *reader, const struct change_file_id *id,
        const struct change_file_sum *expect, const void *ptr, size_t len, size_t step, struct change_file_sum *sum)
{
    struct state_error error = { 0 };
    enum state_status status = change_file_reader_begin(reader, id, expect, &error);
    for (size_t done = 0; done < len && status == STATE_OK; done += step)
        status = change_file_reader_write(
                reader, (const char *)ptr + done, step < len - done ? step : len - done, &error);
    if (status == STATE_OK)
        status = change_file_reader_finish(reader, sum, &error);
    else
        assert_int_equal(change_file_reader_finish(reader, sum, NULL), status); /* sticky */
    assert_true(status == STATE_OK || error.what[0] != '\0');
    return status;
}

static enum state_status read_file(const struct change_file_id *id, const struct change_file_sum *expect,
        const void *ptr, size_t len, size_t step, struct seen *seen)
{
    struct seen unused = { 0 };
    struct change_file_reader *reader =
            change_file_reader_new((struct change_file_visitor){ see, seen != NULL ? seen : &unused });
    assert_non_null(reader);
    enum state_status status = read_with(reader, id, expect, ptr, len, step, NULL);
    change_file_reader_free(reader);
    free(unused.keys.ptr);
    return status;
}

/* A file around any text. */
static struct memory squeeze(const void *ptr, size_t len)
{
    struct memory file = { 0 };
    struct state_stream_out *out = state_stream_out_new((struct state_sink){ take, &file });
    assert_int_equal(state_stream_out_write(out, ptr, len, NULL), STATE_OK);
    assert_int_equal(state_stream_out_finish(out, NULL, NULL), STATE_OK);
    state_stream_out_free(out);
    return file;
}

static struct memory unsqueeze(const struct memory *file)
{
    struct memory plain = { 0 };
    struct state_stream_in *in = state_stream_in_new((struct state_sink){ take, &plain }, 0);
    assert_int_equal(state_stream_in_write(in, file->ptr, file->len, NULL), STATE_OK);
    assert_int_equal(state_stream_in_finish(in, NULL, NULL), STATE_OK);
    state_stream_in_free(in);
    return plain;
}

static void files_round_trip(void **state)
{
    (void)state;
    static const unsigned counts[] = { 0, 1, 3, 10000 };
    for (int kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            struct change_file_id id = kind == 0 ? log_id : full_id(1);
            struct change_file_sum sum, read;
            struct memory file = write_file(&id, 0, counts[i], &sum), expected = { 0 };
            assert_int_equal(sum.lines, counts[i]);
            assert_int_equal(sum.bytes, file.len);
            for (unsigned k = 0; k < counts[i]; k++) {
                char room[64];
                int n = snprintf(
                        room, sizeof room, "k/%06u\n@%s", k, k % 7 == 1 ? "20250101T000000Z" : "20261120T030000Z");
                (void)take(&expected, room, (size_t)n);
            }
            for (size_t step = 1; step < 1000000; step *= 37) {
                struct seen seen = { 0 };
                struct change_file_reader *reader = change_file_reader_new((struct change_file_visitor){ see, &seen });
                assert_int_equal(read_with(reader, &id, &sum, file.ptr, file.len, step, &read), STATE_OK);
                assert_int_equal(read.lines, sum.lines);
                assert_int_equal(read.bytes, sum.bytes);
                assert_string_equal(read.sha256, sum.sha256);
                assert_int_equal(seen.changes, counts[i]);
                assert_int_equal(seen.keys.len, expected.len);
                if (expected.len > 0)
                    assert_memory_equal(seen.keys.ptr, expected.ptr, expected.len);
                change_file_reader_free(reader);
                free(seen.keys.ptr);
            }
            free(expected.ptr);
            free(file.ptr);
        }
}

static void a_file_that_is_cut_anywhere_is_bad(void **state)
{
    (void)state;
    struct memory file = write_file(&log_id, 0, 20, NULL);
    for (size_t len = 0; len < file.len; len++)
        assert_int_equal(read_file(&log_id, NULL, file.ptr, len, 64, NULL), STATE_BAD_DATA);
    free(file.ptr);
}

/* The frame is whole, the text in it is not: what the trailer is for. */
static void lines_that_are_cut_anywhere_are_bad(void **state)
{
    (void)state;
    struct memory file = write_file(&log_id, 0, 8, NULL), plain = unsqueeze(&file);
    for (size_t len = 0; len < plain.len; len++) {
        struct memory cut = squeeze(plain.ptr, len);
        assert_int_equal(read_file(&log_id, NULL, cut.ptr, cut.len, 4096, NULL), STATE_BAD_DATA);
        free(cut.ptr);
    }
    free(plain.ptr);
    free(file.ptr);
}

/* Someone who can compress again but does not fix the trailer. */
static void a_bit_flipped_in_the_lines_is_found(void **state)
{
    (void)state;
    struct memory file = write_file(&log_id, 0, 3, NULL), plain = unsqueeze(&file);
    for (size_t bit = 0; bit < plain.len * 8; bit++) {
        plain.ptr[bit / 8] = (char)(plain.ptr[bit / 8] ^ 1 << bit % 8);
        struct memory other = squeeze(plain.ptr, plain.len);
        enum state_status status = read_file(&log_id, NULL, other.ptr, other.len, 4096, NULL);
        assert_true(status == STATE_BAD_DATA || status == STATE_TOO_NEW);
        free(other.ptr);
        plain.ptr[bit / 8] = (char)(plain.ptr[bit / 8] ^ 1 << bit % 8);
    }
    free(plain.ptr);
    free(file.ptr);
}

static void a_bit_flipped_in_the_file_is_found(void **state)
{
    (void)state;
    struct change_file_sum sum;
    struct memory file = write_file(&log_id, 0, 20, &sum);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        file.ptr[bit / 8] = (char)(file.ptr[bit / 8] ^ 1 << bit % 8);
        enum state_status status = read_file(&log_id, &sum, file.ptr, file.len, 4096, NULL);
        assert_int_equal(status, STATE_BAD_DATA);
        file.ptr[bit / 8] = (char)(file.ptr[bit / 8] ^ 1 << bit % 8);
    }
    free(file.ptr);
}

static void a_file_in_another_place_is_found(void **state)
{
    (void)state;
    struct memory file = write_file(&log_id, 0, 2, NULL);
    struct change_file_id id = log_id;
    assert_int_equal(read_file(&id, NULL, file.ptr, file.len, 64, NULL), STATE_OK);
    id.number = 2;
    assert_int_equal(read_file(&id, NULL, file.ptr, file.len, 64, NULL), STATE_BAD_DATA);
    id = log_id;
    id.kind = LAYOUT_FULL;
    assert_int_equal(read_file(&id, NULL, file.ptr, file.len, 64, NULL), STATE_BAD_DATA);
    id = log_id;
    id.source[0] = 'b';
    assert_int_equal(read_file(&id, NULL, file.ptr, file.len, 64, NULL), STATE_BAD_DATA);
    id = log_id;
    id.point[7] = '1';
    assert_int_equal(read_file(&id, NULL, file.ptr, file.len, 64, NULL), STATE_BAD_DATA);
    free(file.ptr);
}

static void a_file_that_its_point_does_not_list_is_found(void **state)
{
    (void)state;
    struct change_file_sum sum, other;
    struct memory file = write_file(&log_id, 0, 5, &sum);
    for (int i = 0; i < 5; i++) {
        other = sum;
        other.lines += i == 0 ? 1 : i == 1 ? UINT64_MAX : 0;
        other.bytes += i == 2 ? 1 : i == 3 ? UINT64_MAX : 0;
        if (i == 4)
            other.sha256[0] = other.sha256[0] == '0' ? '1' : '0';
        assert_int_equal(read_file(&log_id, &other, file.ptr, file.len, 64, NULL), STATE_BAD_DATA);
    }
    free(file.ptr);
}

static void a_newer_format_is_named_so(void **state)
{
    (void)state;
    static const char plain[] = "{\"format\":2,\"kind\":\"changes\",\"else\":{}}\n{}\n";
    struct memory file = squeeze(plain, sizeof plain - 1);
    assert_int_equal(read_file(&log_id, NULL, file.ptr, file.len, 64, NULL), STATE_TOO_NEW);
    free(file.ptr);
}

static void a_line_without_an_end_is_bounded(void **state)
{
    (void)state;
    size_t size = 20000000;
    char *plain = malloc(size);
    assert_non_null(plain);
    memset(plain, ' ', size);
    struct memory file = squeeze(plain, size);
    assert_int_equal(read_file(&log_id, NULL, file.ptr, file.len, 64, NULL), STATE_BAD_DATA);
    free(file.ptr);
    free(plain);
}

/* A line of a newer writer may be as long as STATE_LINE_MAX, and lie across many chunks. */
static void long_lines_of_newer_writers_are_read(void **state)
{
    (void)state;
    static char line[STATE_LINE_MAX + 1];
    for (size_t len = STATE_LINE_MAX - 1; len <= STATE_LINE_MAX + 1; len++) {
        struct memory file = { 0 };
        struct change_file_writer *writer;
        struct change_file_sum sum;
        int n = snprintf(line, sizeof line,
                "{\"key\":\"k\",\"did\":\"copied\",\"size\":1,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\","
                "\"at\":\"2026-11-20T03:00:00Z\",\"news\":\"");
        memset(line + n, 'x', len - (size_t)n);
        memcpy(line + len - 3, "\"}\n", 3);
        assert_int_equal(change_file_writer_new(&log_id, (struct state_sink){ take, &file }, &writer, NULL), STATE_OK);
        assert_int_equal(change_file_writer_add_line(writer, line, len, NULL),
                len <= STATE_LINE_MAX ? STATE_OK : STATE_BAD_DATA);
        assert_int_equal(change_file_writer_finish(writer, &sum, NULL), STATE_OK);
        assert_int_equal(read_file(&log_id, &sum, file.ptr, file.len, 64, NULL), STATE_OK);
        change_file_writer_free(writer);
        free(file.ptr);
    }
}

static void lines_of_the_outbox_pass_unchanged(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "\n", "{\"key\":\"k\"}", "{\"key\":\"a\"}\n{\"key\":\"b\"}\n",
        "{\"lines\":1}\n", "x{\"key\":1}\n" };
    struct memory file = { 0 };
    struct change_file_writer *writer;
    struct change_file_sum sum;
    struct seen seen = { 0 };
    char room[64], line[STATE_CHANGE_LINE_MAX];
    size_t len;
    struct state_change c = change_of(room, STATE_DELETED, 5);
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
    assert_int_equal(change_file_writer_new(&log_id, (struct state_sink){ take, &file }, &writer, NULL), STATE_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(change_file_writer_add_line(writer, bad[i], strlen(bad[i]), NULL), STATE_BAD_DATA);
    assert_int_equal(change_file_writer_add_line(writer, line, len, NULL), STATE_OK);
    assert_int_equal(change_file_writer_add(writer, &c, NULL), STATE_OK); /* a log may hold a key twice */
    assert_int_equal(change_file_writer_finish(writer, &sum, NULL), STATE_OK);
    assert_int_equal(change_file_writer_add(writer, &c, NULL), STATE_BAD_DATA);
    assert_int_equal(change_file_writer_finish(writer, &sum, NULL), STATE_BAD_DATA);
    assert_int_equal(read_file(&log_id, &sum, file.ptr, file.len, 64, &seen), STATE_OK);
    assert_int_equal(seen.changes, 2);
    struct memory plain = unsqueeze(&file);
    char *first = memchr(plain.ptr, '\n', plain.len);
    assert_memory_equal(first + 1, line, len);
    assert_memory_equal(first + 1 + len, line, len);
    free(seen.keys.ptr);
    free(plain.ptr);
    free(file.ptr);
    change_file_writer_free(writer);
}

static void full_files_are_in_order_across_their_numbers(void **state)
{
    (void)state;
    struct change_file_id one = full_id(1), two = full_id(2), three = full_id(3);
    struct memory low = write_file(&one, 0, 10, NULL), high = write_file(&two, 10, 10, NULL),
                  again = write_file(&two, 9, 10, NULL), third = write_file(&three, 5, 1, NULL);
    struct seen seen = { 0 };
    struct change_file_reader *reader = change_file_reader_new((struct change_file_visitor){ see, &seen });
    assert_int_equal(read_with(reader, &one, NULL, low.ptr, low.len, 64, NULL), STATE_OK);
    assert_int_equal(read_with(reader, &two, NULL, high.ptr, high.len, 64, NULL), STATE_OK);
    assert_int_equal(read_with(reader, &three, NULL, third.ptr, third.len, 64, NULL), STATE_BAD_DATA);
    assert_int_equal(read_with(reader, &one, NULL, low.ptr, low.len, 64, NULL), STATE_OK);
    assert_int_equal(read_with(reader, &two, NULL, again.ptr, again.len, 64, NULL), STATE_BAD_DATA);
    /* a number 1 begins a new order, also after a failure */
    assert_int_equal(read_with(reader, &one, NULL, low.ptr, low.len, 64, NULL), STATE_OK);
    change_file_reader_free(reader);
    free(seen.keys.ptr);
    free(low.ptr);
    free(high.ptr);
    free(again.ptr);
    free(third.ptr);
}

static void kinds_are_not_mixed(void **state)
{
    (void)state;
    struct change_file_id full = full_id(1);
    struct memory file = { 0 };
    struct change_file_writer *writer;
    char room[64], other[64];
    struct state_change is = change_of(room, STATE_IS, 5), copied = change_of(other, STATE_COPIED, 6);
    assert_int_equal(change_file_writer_new(&full, (struct state_sink){ take, &file }, &writer, NULL), STATE_OK);
    assert_int_equal(change_file_writer_add(writer, &copied, NULL), STATE_BAD_DATA);
    assert_int_equal(change_file_writer_add_line(writer, "{\"key\":\"k\"}\n", 12, NULL), STATE_BAD_DATA);
    assert_int_equal(change_file_writer_add(writer, &is, NULL), STATE_OK);
    assert_int_equal(change_file_writer_add(writer, &is, NULL), STATE_BAD_DATA); /* twice */
    is.entry.key.len--;
    assert_int_equal(change_file_writer_add(writer, &is, NULL), STATE_BAD_DATA); /* before the last */
    change_file_writer_free(writer);
    assert_int_equal(change_file_writer_new(&log_id, (struct state_sink){ take, &file }, &writer, NULL), STATE_OK);
    assert_int_equal(change_file_writer_add(writer, &is, NULL), STATE_BAD_DATA);
    change_file_writer_free(writer);
    free(file.ptr);
}

static void a_visitor_that_refuses_stops_the_reading(void **state)
{
    (void)state;
    struct memory file = write_file(&log_id, 0, 5, NULL);
    struct seen seen = { .refuse_at = 3 };
    assert_int_equal(read_file(&log_id, NULL, file.ptr, file.len, 4096, &seen), STATE_FULL);
    assert_int_equal(seen.changes, 3);
    free(seen.keys.ptr);
    free(file.ptr);
}

static void a_reader_without_a_file_takes_nothing(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    struct change_file_reader *reader = change_file_reader_new((struct change_file_visitor){ see, &seen });
    assert_int_equal(change_file_reader_write(reader, "x", 1, NULL), STATE_BAD_DATA);
    assert_int_equal(change_file_reader_finish(reader, NULL, NULL), STATE_BAD_DATA);
    change_file_reader_free(reader);
    change_file_reader_free(NULL);
    change_file_writer_free(NULL);
}

static void files_without_a_valid_name_are_not_begun(void **state)
{
    (void)state;
    struct memory file = { 0 };
    struct change_file_writer *writer;
    struct change_file_id ids[4] = { log_id, log_id, log_id, log_id };
    ids[0].kind = LAYOUT_POINT;
    ids[1].number = 0;
    ids[2].source[0] = '"';
    ids[3].point[5] = '9';
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(
                change_file_writer_new(&ids[i], (struct state_sink){ take, &file }, &writer, NULL), STATE_BAD_DATA);
        assert_null(writer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_round_trip),
        cmocka_unit_test(a_file_that_is_cut_anywhere_is_bad),
        cmocka_unit_test(lines_that_are_cut_anywhere_are_bad),
        cmocka_unit_test(a_bit_flipped_in_the_lines_is_found),
        cmocka_unit_test(a_bit_flipped_in_the_file_is_found),
        cmocka_unit_test(a_file_in_another_place_is_found),
        cmocka_unit_test(a_file_that_its_point_does_not_list_is_found),
        cmocka_unit_test(a_newer_format_is_named_so),
        cmocka_unit_test(a_line_without_an_end_is_bounded),
        cmocka_unit_test(long_lines_of_newer_writers_are_read),
        cmocka_unit_test(lines_of_the_outbox_pass_unchanged),
        cmocka_unit_test(full_files_are_in_order_across_their_numbers),
        cmocka_unit_test(kinds_are_not_mixed),
        cmocka_unit_test(a_visitor_that_refuses_stops_the_reading),
        cmocka_unit_test(a_reader_without_a_file_takes_nothing),
        cmocka_unit_test(files_without_a_valid_name_are_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
