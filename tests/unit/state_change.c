/* Change lines: the documented form, bounds, odd lines that must be taken and bad ones that must be refused. */
#include "tests/unit/state_change_random.h"

#include <stdio.h>
#include <stdlib.h>

static void the_line_is_as_documented(void **state)
{
    (void)state;
    struct state_change c = { .entry = { .key = text("a/\xC3\xA4\n\"b"),
                                      .etag = text("9b2c"),
                                      .size = 12,
                                      .source_time_ms = 1795143552000,
                                      .source_version = text("v1"),
                                      .vault_version = text("v2"),
                                      .checksum = text("CRC64NVME:AAAA"),
                                      .class_ = CLASS_GLACIER,
                                      .copied_ms = 1795143601250,
                                      .run = text("20261120T030000Z") },
        .did = STATE_MOVED,
        .from = CLASS_STANDARD,
        .by = STATE_BY_ETAG,
        .acl = text("<A b=\"c\"/>\n") };
    char line[STATE_CHANGE_LINE_MAX];
    size_t len;
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
    static const char expected[] =
            "{\"key\":\"a/\xC3\xA4\\u000a\\\"b\",\"did\":\"moved\",\"size\":12,\"etag\":\"9b2c\",\"version\":\"v1\","
            "\"time\":\"2026-11-20T02:59:12Z\",\"vault\":\"v2\",\"class\":\"GLACIER\",\"from\":\"STANDARD\","
            "\"checksum\":\"CRC64NVME:AAAA\",\"at\":\"2026-11-20T03:00:01.250Z\",\"by\":\"etag\","
            "\"run\":\"20261120T030000Z\",\"acl\":\"<A b=\\\"c\\\"/>\\u000a\"}\n";
    assert_int_equal(len, sizeof expected - 1);
    assert_memory_equal(line, expected, len);
}

/* All texts at their bounds, each byte escaped, numbers at their widest: the promised size of the line holds. */
static void the_longest_line_fits(void **state)
{
    (void)state;
    struct rooms rooms;
    memset(&rooms, 1, sizeof rooms);
    struct state_change back, c = { .entry = { .key = { rooms.key, sizeof rooms.key },
                                            .etag = { rooms.etag, sizeof rooms.etag },
                                            .size = UINT64_MAX,
                                            .source_time_ms = STATE_TIME_MIN_MS + 1,
                                            .source_version = { rooms.version, sizeof rooms.version },
                                            .vault_version = { rooms.vault, sizeof rooms.vault },
                                            .checksum = { rooms.checksum, sizeof rooms.checksum },
                                            .class_ = CLASS_INTELLIGENT_TIERING,
                                            .copied_ms = STATE_TIME_MAX_MS,
                                            .run = { rooms.run, sizeof rooms.run } },
        .did = STATE_MOVED,
        .from = CLASS_INTELLIGENT_TIERING,
        .by = STATE_BY_CHECKSUM,
        .acl = { rooms.acl, sizeof rooms.acl } };
    char line[STATE_CHANGE_LINE_MAX];
    struct state_change_arena arena;
    size_t len;
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
    assert_true(len <= STATE_CHANGE_LINE_MAX);
    assert_int_equal(state_change_parse(line, len, &back, &arena, NULL), STATE_OK);
    assert_change_equal(&c, &back);
}

#define REST                                                                                                           \
    ",\"did\":\"copied\",\"size\":1,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\",\"at\":\"2026-11-20T03:"  \
    "00:00Z\""
#define WITH_KEY "{\"key\":\"k\"" REST

static void odd_lines_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = { WITH_KEY "}", WITH_KEY "}\n", " { \"key\" : \"k\" " REST " } \n",
        "{\"\\u006bey\":\"k\"" REST "}", WITH_KEY ",\"new\":{\"a\":[1,2.5e-3,{\"b\":null}],\"c\":\"\\u0000\"}}",
        WITH_KEY ",\"tags\":[]}", WITH_KEY ",\"tags\":{}}", WITH_KEY ",\"a\":-0,\"b\":0.0,\"c\":1E+9}",
        WITH_KEY ",\"a\":1,\"a\":2}", WITH_KEY ",\"by\":\"telepathy\"}", WITH_KEY ",\"etag\":\"\"}",
        "{\"key\":\"\\u006B\"" REST "}", "{\"key\":\"k\",\"did\":\"deleted\"}",
        "{\"key\":\"k\",\"did\":\"deleted\",\"vault\":\"marker\",\"at\":\"2026-11-20T03:00:00Z\"}" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct state_change c;
        struct state_change_arena arena;
        struct state_error error;
        if (state_change_parse(good[i], strlen(good[i]), &c, &arena, &error) != STATE_OK)
            fail_msg("%s: %s", error.what, good[i]);
        assert_int_equal(c.entry.key.len, 1);
        assert_memory_equal(c.entry.key.ptr, "k", 1);
    }
}

static void escapes_are_decoded(void **state)
{
    (void)state;
    static const char line[] = "{\"key\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e4\\uD83E\\udd8az\"" REST "}";
    static const char key[] = "a\"\\/\b\f\n\r\t\0\xC3\xA4\xF0\x9F\xA6\x8Az";
    struct state_change c;
    struct state_change_arena arena;
    assert_int_equal(state_change_parse(line, sizeof line - 1, &c, &arena, NULL), STATE_OK);
    assert_int_equal(c.entry.key.len, sizeof key - 1);
    assert_memory_equal(c.entry.key.ptr, key, sizeof key - 1);
}

static void bad_lines_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "\n", "{}", "[]", "null", "{", WITH_KEY, WITH_KEY "}x", WITH_KEY "}{}",
        WITH_KEY ",}", WITH_KEY ",\"a\"}", WITH_KEY ",\"a\":}", WITH_KEY ",\"a\":01}", WITH_KEY ",\"a\":1.}",
        WITH_KEY ",\"a\":.5}", WITH_KEY ",\"a\":1e}", WITH_KEY ",\"a\":+1}", WITH_KEY ",\"a\":tru}",
        WITH_KEY ",\"a\":[1,]}", WITH_KEY ",\"a\":{,}}", WITH_KEY ",\"a\":[}}", WITH_KEY ",\"a\":{\"b\":1]}",
        WITH_KEY ",\"a\":\"\xC3\"}", WITH_KEY ",\"a\":\"\\ud800\"}", WITH_KEY ",a:1}", WITH_KEY " \"a\":1}",
        "{\"key\":\"\"" REST "}", "{\"key\":1" REST "}", "{\"key\":null" REST "}", "{\"key\":[\"k\"]" REST "}",
        "{\"key\":\"\xC0\xAF\"" REST "}", "{\"key\":\"\xED\xA0\x80\"" REST "}",
        "{\"key\":\"\xF4\x90\x80\x80\"" REST "}", "{\"key\":\"\xFF\"" REST "}", "{\"key\":\"a\nb\"" REST "}",
        "{\"key\":\"\\ud83e\"" REST "}", "{\"key\":\"\\ud83e\\u0041\"" REST "}", "{\"key\":\"\\udd8a\"" REST "}",
        "{\"key\":\"\\u12g4\"" REST "}", "{\"key\":\"\\x41\"" REST "}", "{\"key\":\"\\\"" REST "}", "{" REST "}",
        WITH_KEY ",\"key\":\"k\"}", WITH_KEY ",\"size\":1}", WITH_KEY ",\"etag\":\"a\",\"etag\":\"a\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":-1,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\",\"at\":"
        "\"2026-11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":18446744073709551616,\"time\":\"2026-11-20T03:00:00Z\",\"class\":"
        "\"STANDARD\",\"at\":\"2026-11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":1.0,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\","
        "\"at\":\"2026-11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":\"1\",\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\","
        "\"at\":\"2026-11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":01,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\",\"at\":"
        "\"2026-11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":1,\"time\":\"yesterday\",\"class\":\"STANDARD\",\"at\":\"2026-11-"
        "20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":1,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"\",\"at\":\"2026-"
        "11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\",\"at\":\"2026-11-"
        "20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"copied\",\"size\":1,\"class\":\"STANDARD\",\"at\":\"2026-11-20T03:00:00Z\"}",
        "{\"key\":\"k\",\"did\":\"moved\",\"size\":1,\"time\":\"2026-11-20T03:00:00Z\",\"class\":\"STANDARD\",\"at\":"
        "\"2026-11-20T03:00:00Z\"}" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct state_change c;
        struct state_change_arena arena;
        struct state_error error = { 0 };
        if (state_change_parse(bad[i], strlen(bad[i]), &c, &arena, &error) != STATE_BAD_DATA)
            fail_msg("taken: %s", bad[i]);
        assert_true(error.what[0] != '\0');
    }
}

static void a_deed_of_a_newer_version_is_not_guessed_at(void **state)
{
    (void)state;
    static const char line[] = "{\"key\":\"k\",\"did\":\"renamed\",\"to\":\"l\"}";
    struct state_change c;
    struct state_change_arena arena;
    assert_int_equal(state_change_parse(line, sizeof line - 1, &c, &arena, NULL), STATE_TOO_NEW);
}

static void a_class_of_a_newer_version_is_other(void **state)
{
    (void)state;
    static const char line[] =
            "{\"key\":\"k\",\"did\":\"is\",\"size\":18446744073709551615,\"time\":\"2026-11-20T03:00:00Z\","
            "\"class\":\"PERMAFROST\",\"at\":\"2026-11-20T03:00:00Z\"}";
    struct state_change c;
    struct state_change_arena arena;
    assert_int_equal(state_change_parse(line, sizeof line - 1, &c, &arena, NULL), STATE_OK);
    assert_int_equal(c.entry.class_, CLASS_OTHER);
    assert_true(c.entry.size == UINT64_MAX);
}

static void texts_above_their_bounds_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t max;
    } fields[] = { { "key", STATE_KEY_MAX }, { "etag", STATE_ETAG_MAX }, { "version", STATE_VERSION_MAX },
        { "vault", STATE_VERSION_MAX }, { "checksum", STATE_CHECKSUM_MAX }, { "run", STATE_RUN_MAX },
        { "acl", STATE_ACL_MAX } };
    static char line[STATE_LINE_MAX], value[6 * STATE_ACL_MAX + 16];
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
        for (size_t over = 0; over < 2; over++)
            for (int escaped = 0; escaped < 2; escaped++) {
                size_t n = fields[f].max + over;
                memset(value, 'a', n);
                for (size_t i = 0; i < n && escaped; i++)
                    memcpy(value + i * 6, "\\u0061", 6);
                value[n * (escaped ? 6 : 1)] = '\0';
                (void)snprintf(line, sizeof line, "{%s\"%s\":\"%s\"" REST "}", f == 0 ? "" : "\"key\":\"k\",",
                        fields[f].name, value);
                struct state_change c;
                struct state_change_arena arena;
                assert_int_equal(
                        state_change_parse(line, strlen(line), &c, &arena, NULL), over ? STATE_BAD_DATA : STATE_OK);
            }
}

static void what_breaks_a_bound_is_not_written(void **state)
{
    (void)state;
    static char longer[STATE_VERSION_MAX + 1];
    memset(longer, 'a', sizeof longer);
    char line[STATE_CHANGE_LINE_MAX];
    size_t len;
    const struct state_change good = { .entry = { .key = text("k") } };
    struct state_change c = good;
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_OK);
    c.entry.key = (struct state_text){ NULL, 0 };
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
    c.entry.key = (struct state_text){ longer, sizeof longer };
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
    c.entry.key = text("\xED\xA0\x80");
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
    c = good;
    c.entry.vault_version = (struct state_text){ longer, sizeof longer };
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
    c = good;
    c.entry.checksum = text("\xFF");
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
    c = good;
    static char acl[STATE_ACL_MAX + 1];
    memset(acl, '<', sizeof acl);
    c.acl = (struct state_text){ acl, sizeof acl };
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
    c = good;
    c.entry.copied_ms = STATE_TIME_MAX_MS + 1;
    assert_int_equal(state_change_format(&c, line, &len, NULL), STATE_BAD_DATA);
}

static void deep_nesting_is_refused_without_a_crash(void **state)
{
    (void)state;
    static char line[100000];
    for (int brackets = 60; brackets < 90000; brackets = brackets < 70 ? brackets + 1 : brackets * 3) {
        int n = snprintf(line, sizeof line, WITH_KEY ",\"a\":");
        memset(line + n, '[', (size_t)brackets);
        n += brackets;
        if (brackets < 100) {
            memset(line + n, ']', (size_t)brackets);
            n += brackets;
            line[n++] = '}';
        }
        struct state_change c;
        struct state_change_arena arena;
        assert_int_equal(
                state_change_parse(line, (size_t)n, &c, &arena, NULL), brackets <= 64 ? STATE_OK : STATE_BAD_DATA);
    }
}

static void every_cut_of_a_line_is_refused(void **state)
{
    (void)state;
    static const char line[] = "{\"key\":\"k\\n\\ud83e\\udd8a\xC3\xA4\"" REST ",\"x\":[1.5e3,{\"y\":true}]}";
    for (size_t len = 0; len < sizeof line - 1; len++) {
        struct state_change c;
        struct state_change_arena arena;
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, line, len);
        char *exact = realloc(copy, len > 0 ? len : 1);
        assert_non_null(exact);
        assert_int_equal(state_change_parse(exact, len, &c, &arena, NULL), STATE_BAD_DATA);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_is_as_documented),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(odd_lines_are_taken),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(bad_lines_are_refused),
        cmocka_unit_test(a_deed_of_a_newer_version_is_not_guessed_at),
        cmocka_unit_test(a_class_of_a_newer_version_is_other),
        cmocka_unit_test(texts_above_their_bounds_are_refused),
        cmocka_unit_test(what_breaks_a_bound_is_not_written),
        cmocka_unit_test(deep_nesting_is_refused_without_a_crash),
        cmocka_unit_test(every_cut_of_a_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
