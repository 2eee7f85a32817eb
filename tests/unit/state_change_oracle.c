/* Change lines with jansson as the oracle, in both directions, over thousands of seeded random changes. */
#include "tests/unit/state_change_random.h"

#include <jansson.h>
#include <stdlib.h>

static void every_change_round_trips(void **state)
{
    (void)state;
    struct rooms rooms;
    struct state_change_arena arena;
    char line[STATE_CHANGE_LINE_MAX];
    for (int i = 0; i < 20000; i++) {
        struct state_change c = random_change(&rooms), back;
        size_t len;
        assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
        assert_int_equal(line[len - 1], '\n');
        assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
        assert_int_equal(state_change_parse(line, len, &back, &arena, NULL), STATE_OK);
        assert_change_equal(&c, &back);
    }
}

static void assert_json_text(const json_t *object, const char *name, struct state_text expected)
{
    const json_t *value = json_object_get(object, name);
    if (expected.len == 0) {
        assert_null(value);
        return;
    }
    assert_true(json_is_string(value));
    assert_text_equal((struct state_text){ json_string_value(value), json_string_length(value) }, expected);
}

static void jansson_reads_what_we_write(void **state)
{
    (void)state;
    struct rooms rooms;
    char line[STATE_CHANGE_LINE_MAX];
    for (int i = 0; i < 5000; i++) {
        struct state_change c = random_change(&rooms);
        c.entry.size &= INT64_MAX; /* jansson's integers are signed */
        size_t len;
        json_error_t error;
        assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
        json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (object == NULL)
            fail_msg("jansson: %s", error.text);
        assert_json_text(object, "key", c.entry.key);
        assert_json_text(object, "etag", c.entry.etag);
        assert_json_text(object, "version", c.entry.source_version);
        assert_json_text(object, "vault", c.entry.vault_version);
        assert_json_text(object, "checksum", c.entry.checksum);
        assert_json_text(object, "run", c.entry.run);
        assert_json_text(object, "acl", c.acl);
        assert_json_text(object, "did", text(state_did_name(c.did)));
        assert_json_text(object, "by", text(state_compared_name(c.by)));
        assert_json_text(object, "class", text(storage_class_name(c.entry.class_)));
        assert_true((uint64_t)json_integer_value(json_object_get(object, "size")) == c.entry.size);
        json_decref(object);
    }
}

static json_t *random_json(int depth)
{
    char room[64];
    struct state_text s = random_text(room, sizeof room);
    json_t *value;
    switch (random32() % (depth > 4 ? 5 : 7)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(random32() % 2);
    case 2:
        return json_integer((json_int_t)random32() - 2000000000);
    case 3:
        return json_real(((double)random32() - 2e9) / (random32() % 1000 + 1) * 1e-20);
    case 4:
        return json_stringn(s.ptr, s.len);
    case 5:
        value = json_array();
        for (uint32_t n = random32() % 4; n > 0; n--)
            assert_int_equal(json_array_append_new(value, random_json(depth + 1)), 0);
        return value;
    default:
        value = json_object();
        for (uint32_t n = random32() % 4; n > 0; n--)
            assert_int_equal(json_object_set_new(value, n == 1 ? "b" : "key", random_json(depth + 1)), 0);
        return value;
    }
}

/* Jansson writes the fields in any order, with blanks, with escapes of its choice, among fields that we do not know. */
static void we_read_what_jansson_writes(void **state)
{
    (void)state;
    struct rooms rooms;
    struct state_change_arena arena;
    static const char *const unknown[] = { "tags", "acls", "Key", "", "ke", "keys" };
    for (int i = 0; i < 5000; i++) {
        struct state_change c = random_change(&rooms), back;
        char source_time[STATE_TIME_SIZE], copied[STATE_TIME_SIZE];
        c.entry.size &= INT64_MAX;
        assert_true(state_utc_format(c.entry.source_time_ms, source_time) > 0);
        assert_true(state_utc_format(c.entry.copied_ms, copied) > 0);
        struct {
            const char *name;
            json_t *value;
        } fields[] = {
            { "key", json_stringn(c.entry.key.ptr, c.entry.key.len) },
            { "did", json_string(state_did_name(c.did)) },
            { "size", json_integer((json_int_t)c.entry.size) },
            { "etag", json_stringn(c.entry.etag.ptr, c.entry.etag.len) },
            { "version", json_stringn(c.entry.source_version.ptr, c.entry.source_version.len) },
            { "time", json_string(source_time) },
            { "vault", json_stringn(c.entry.vault_version.ptr, c.entry.vault_version.len) },
            { "class", json_string(storage_class_name(c.entry.class_)) },
            { "from", json_string(storage_class_name(c.from)) },
            { "checksum", json_stringn(c.entry.checksum.ptr, c.entry.checksum.len) },
            { "at", json_string(copied) },
            { "by", json_string(state_compared_name(c.by)) },
            { "run", json_stringn(c.entry.run.ptr, c.entry.run.len) },
            { "acl", json_stringn(c.acl.len > 0 ? c.acl.ptr : "", c.acl.len) },
            { unknown[random32() % 6], random_json(0) },
            { unknown[random32() % 6], random_json(0) },
        };
        size_t n = sizeof fields / sizeof *fields;
        json_t *object = json_object();
        for (size_t left = n; left > 0; left--) {
            size_t pick = random32() % left;
            assert_int_equal(json_object_set_new(object, fields[pick].name, fields[pick].value), 0);
            fields[pick] = fields[left - 1];
        }
        static const size_t styles[] = { JSON_COMPACT, 0, JSON_ENSURE_ASCII, JSON_ESCAPE_SLASH,
            JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH | JSON_INDENT(2) };
        char *line = json_dumps(object, styles[random32() % 5]);
        assert_non_null(line);
        struct state_error error = { 0 };
        if (state_change_parse(line, strlen(line), &back, &arena, &error) != STATE_OK)
            fail_msg("%s: %s", error.what, line);
        assert_change_equal(&c, &back);
        free(line);
        json_decref(object);
    }
}

/* Whatever is done to a line, it is accepted only if jansson accepts it too. */
static void what_jansson_refuses_we_refuse(void **state)
{
    (void)state;
    struct rooms rooms;
    struct state_change_arena arena;
    char line[STATE_CHANGE_LINE_MAX];
    size_t taken = 0, len = 0;
    for (int i = 0; i < 200000; i++) {
        static const char poison[] = "\"\\{}[],:0eE.-+u\x01\x80\xC3\xED\xF4\xFFnt \t";
        struct state_change c, back;
        if (i % 50 == 0) {
            c = random_change(&rooms);
            c.entry.size &= INT64_MAX;
            assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
        }
        char *copy = malloc(len); /* exact, so that AddressSanitizer sees a read too far */
        assert_non_null(copy);
        memcpy(copy, line, len);
        size_t place = random32() % len;
        copy[place] = random32() % 2 ? poison[random32() % (sizeof poison - 1)] : (char)random32();
        size_t cut = random32() % 4 == 0 ? random32() % len : len;
        if (state_change_parse(copy, cut, &back, &arena, NULL) == STATE_OK) {
            json_error_t error;
            json_t *object = json_loadb(copy, cut, JSON_ALLOW_NUL, &error);
            if (object == NULL && json_error_code(&error) != json_error_numeric_overflow)
                fail_msg("jansson: %s: %.*s", error.text, (int)cut, copy);
            json_decref(object);
            taken++;
        }
        free(copy);
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_round_trips),
        cmocka_unit_test(jansson_reads_what_we_write),
        cmocka_unit_test(we_read_what_jansson_writes),
        cmocka_unit_test(what_jansson_refuses_we_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
