/*
 * Change lines and their files from any bytes. A line that is taken must be JSON for jansson too, and must survive
 * being written and read again. The first byte says what the rest is: a line, the text of a file, or the compressed
 * file.
 */
#include "state/change_file.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct state_text a, struct state_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void try_line(const char *line, size_t len)
{
    struct state_change first, second;
    static struct state_change_arena arena, second_arena;
    static char written[STATE_CHANGE_LINE_MAX];
    struct state_error error;
    size_t written_len;
    if (state_change_parse(line, len, &first, &arena, &error) != STATE_OK)
        return;
    json_error_t why;
    json_t *json = json_loadb(line, len, JSON_ALLOW_NUL, &why);
    /* what JSON allows and jansson cannot hold: numbers beyond 64 bits and doubles, NUL in names; both may be skipped
     * here */
    assert(json != NULL || json_error_code(&why) == json_error_numeric_overflow ||
            json_error_code(&why) == json_error_null_byte_in_key);
    json_decref(json);
    assert(state_change_format(&first, written, &written_len, &error) == STATE_OK);
    assert(state_change_parse(written, written_len, &second, &second_arena, &error) == STATE_OK);
    const struct state_entry *a = &first.entry, *b = &second.entry;
    assert(same(a->key, b->key) && same(a->etag, b->etag) && same(a->source_version, b->source_version) &&
            same(a->vault_version, b->vault_version) && same(a->checksum, b->checksum) && same(a->run, b->run) &&
            same(first.acl, second.acl));
    assert(a->size == b->size && a->source_time_ms == b->source_time_ms && a->copied_ms == b->copied_ms &&
            a->class_ == b->class_ && first.did == second.did && first.by == second.by);
}

static enum state_status see(void *ctx, const struct state_change *change)
{
    (void)ctx;
    assert(change->entry.key.len >= 1 && change->entry.key.len <= STATE_KEY_MAX);
    return STATE_OK;
}

static enum state_status feed(void *ctx, const void *ptr, size_t len)
{
    return change_file_reader_write(ctx, ptr, len, NULL);
}

static void try_file(const void *ptr, size_t len, bool compressed)
{
    static const struct change_file_id id = { LAYOUT_CHANGES, "abc", "20261120T030000Z", 1 };
    static struct change_file_reader *reader; /* one for all, so that what a failed file leaves behind is met too */
    struct state_error error;
    if (reader == NULL)
        reader = change_file_reader_new((struct change_file_visitor){ see, NULL });
    assert(reader != NULL);
    enum state_status status = change_file_reader_begin(reader, &id, NULL, &error);
    if (status == STATE_OK && compressed) {
        status = change_file_reader_write(reader, ptr, len, &error);
    } else if (status == STATE_OK) {
        struct state_stream_out *out = state_stream_out_new((struct state_sink){ feed, reader });
        assert(out != NULL);
        status = state_stream_out_write(out, ptr, len, &error);
        if (status == STATE_OK)
            status = state_stream_out_finish(out, NULL, &error);
        state_stream_out_free(out);
    }
    if (change_file_reader_finish(reader, NULL, &error) == STATE_OK)
        assert(status == STATE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *rest = (const char *)data + 1;
    if (data[0] % 8 < 6)
        try_line(rest, size - 1);
    else
        try_file(rest, size - 1, data[0] % 8 == 7);
    return 0;
}
