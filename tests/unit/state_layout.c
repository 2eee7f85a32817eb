/* The vault's paths: tables of both directions, the bounds, and the order of keys. */
#include "state/layout.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define SOURCE "acme-docs"
#define POINT "20261120T030000Z"

static struct state_text text(const char *s)
{
    return (struct state_text){ s, strlen(s) };
}

static struct layout layout_of(const char *prefix)
{
    struct layout layout;
    assert_int_equal(layout_init(&layout, prefix, strlen(prefix), NULL), STATE_OK);
    return layout;
}

static void source_names_follow_s3(void **state)
{
    (void)state;
    static const char *const good[] = { "abc", "a.b", "a-b", "acme-docs", "0-9", "a.b.c",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    static const char *const bad[] = { "", "ab", "Abc", "a_b", "a/b", ".ab", "ab.", "-ab", "ab-", "a..b", "a b",
        "a\xC3\xA4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!layout_source_is_valid(good[i], strlen(good[i])))
            fail_msg("%s was refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (layout_source_is_valid(bad[i], strlen(bad[i])))
            fail_msg("%s was taken", bad[i]);
}

static void prefixes_end_with_a_slash(void **state)
{
    (void)state;
    struct layout layout;
    char longest[STATE_PREFIX_MAX + 2];
    memset(longest, 'p', sizeof longest);
    longest[STATE_PREFIX_MAX - 1] = '/';
    longest[STATE_PREFIX_MAX] = '/';
    assert_int_equal(layout_init(&layout, "", 0, NULL), STATE_OK);
    assert_int_equal(layout_init(&layout, "a/b/", 4, NULL), STATE_OK);
    assert_int_equal(layout_init(&layout, longest, STATE_PREFIX_MAX, NULL), STATE_OK);
    assert_int_equal(layout_init(&layout, longest, STATE_PREFIX_MAX + 1, NULL), STATE_BAD_DATA);
    assert_int_equal(layout_init(&layout, "a", 1, NULL), STATE_BAD_DATA);
    assert_int_equal(layout_init(&layout, "\xFF/", 2, NULL), STATE_BAD_DATA);
}

static const char *const odd_keys[] = { "a", "/", "//", "/a", "a/", "../x", "a/./b", "point.json", "%2F", "+", " ",
    "\n", "\x01\x7F", "\xF0\x9F\xA6\x8A", "\xF4\x8F\xBF\xBF", "\"\\", "data/acme-docs/x" };

static void data_paths_round_trip(void **state)
{
    (void)state;
    static const char *const prefixes[] = { "", "vault/", "\xC3\xA4//" };
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        struct layout layout = layout_of(prefixes[p]);
        for (size_t i = 0; i < sizeof odd_keys / sizeof *odd_keys; i++) {
            struct layout_path path;
            struct layout_parts parts;
            enum layout_kind kind;
            char expected[256];
            int n = snprintf(expected, sizeof expected, "%sdata/" SOURCE "/%s", prefixes[p], odd_keys[i]);
            assert_int_equal(layout_data(&layout, SOURCE, text(odd_keys[i]), &path, &kind, NULL), STATE_OK);
            assert_int_equal(kind, LAYOUT_DATA);
            assert_int_equal(path.len, n);
            assert_string_equal(path.ptr, expected);
            assert_int_equal(layout_parse(&layout, path.ptr, path.len, &parts), STATE_OK);
            assert_int_equal(parts.kind, LAYOUT_DATA);
            assert_int_equal(parts.source.len, strlen(SOURCE));
            assert_int_equal(parts.key.len, strlen(odd_keys[i]));
            assert_memory_equal(parts.key.ptr, odd_keys[i], parts.key.len);
        }
    }
}

static void a_key_with_nul_survives(void **state)
{
    (void)state;
    struct layout layout = layout_of("");
    struct layout_path path;
    struct layout_parts parts;
    enum layout_kind kind;
    assert_int_equal(layout_data(&layout, SOURCE, (struct state_text){ "a\0b", 3 }, &path, &kind, NULL), STATE_OK);
    assert_int_equal(layout_parse(&layout, path.ptr, path.len, &parts), STATE_OK);
    assert_int_equal(parts.key.len, 3);
    assert_memory_equal(parts.key.ptr, "a\0b", 3);
}

static void long_keys_go_by_their_hash(void **state)
{
    (void)state;
    static char key[STATE_KEY_MAX + 1];
    memset(key, 'k', sizeof key);
    const char *const prefixes[] = { "", "vault/" };
    for (size_t p = 0; p < 2; p++) {
        struct layout layout = layout_of(prefixes[p]);
        size_t room = STATE_PATH_MAX - strlen(prefixes[p]) - strlen("data/" SOURCE "/");
        for (size_t len = room - 1; len <= STATE_KEY_MAX; len++) {
            struct layout_path path, name;
            struct layout_parts parts;
            enum layout_kind kind;
            char hash[STATE_SHA256_HEX_SIZE], expected[256];
            struct state_text k = { key, len };
            assert_int_equal(layout_data(&layout, SOURCE, k, &path, &kind, NULL), STATE_OK);
            assert_true(path.len <= STATE_PATH_MAX);
            assert_int_equal(layout_parse(&layout, path.ptr, path.len, &parts), STATE_OK);
            assert_int_equal(parts.kind, kind);
            assert_int_equal(kind, len <= room ? LAYOUT_DATA : LAYOUT_DATA_LONG);
            assert_int_equal(layout_name(&layout, SOURCE, k, &name, NULL), len <= room ? STATE_BAD_DATA : STATE_OK);
            if (len <= room)
                continue;
            assert_int_equal(state_sha256_hex(key, len, hash, NULL), STATE_OK);
            (void)snprintf(expected, sizeof expected, "%sdata-long/" SOURCE "/%s", prefixes[p], hash);
            assert_string_equal(path.ptr, expected);
            assert_memory_equal(parts.hash.ptr, hash, 64);
            (void)snprintf(expected, sizeof expected, "%snames/" SOURCE "/%s", prefixes[p], hash);
            assert_string_equal(name.ptr, expected);
            assert_int_equal(layout_parse(&layout, name.ptr, name.len, &parts), STATE_OK);
            assert_int_equal(parts.kind, LAYOUT_NAME);
        }
    }
}

static void bad_keys_have_no_path(void **state)
{
    (void)state;
    static char key[STATE_KEY_MAX + 1];
    memset(key, 'k', sizeof key);
    struct layout layout = layout_of("");
    struct layout_path path;
    enum layout_kind kind;
    assert_int_equal(layout_data(&layout, SOURCE, text(""), &path, &kind, NULL), STATE_BAD_DATA);
    assert_int_equal(layout_data(&layout, SOURCE, text("\xC0\xAF"), &path, &kind, NULL), STATE_BAD_DATA);
    assert_int_equal(
            layout_data(&layout, SOURCE, (struct state_text){ key, sizeof key }, &path, &kind, NULL), STATE_BAD_DATA);
    assert_int_equal(layout_data(&layout, "../etc", text("a"), &path, &kind, NULL), STATE_BAD_DATA);
    assert_int_equal(layout_name(&layout, "No", text("a"), &path, NULL), STATE_BAD_DATA);
}

static void keys_and_paths_sort_alike(void **state)
{
    (void)state;
    struct layout layout = layout_of("v/");
    for (size_t i = 0; i < sizeof odd_keys / sizeof *odd_keys; i++)
        for (size_t j = 0; j < sizeof odd_keys / sizeof *odd_keys; j++) {
            struct layout_path a, b;
            enum layout_kind kind;
            assert_int_equal(layout_data(&layout, SOURCE, text(odd_keys[i]), &a, &kind, NULL), STATE_OK);
            assert_int_equal(layout_data(&layout, SOURCE, text(odd_keys[j]), &b, &kind, NULL), STATE_OK);
            int keys = strcmp(odd_keys[i], odd_keys[j]), paths = strcmp(a.ptr, b.ptr);
            assert_int_equal((keys > 0) - (keys < 0), (paths > 0) - (paths < 0));
        }
}

static const struct {
    enum layout_kind kind;
    uint64_t number;
    const char *path;
} files[] = {
    { LAYOUT_POINT, 0, "points/" SOURCE "/" POINT "/point.json" },
    { LAYOUT_FORGOTTEN, 0, "points/" SOURCE "/" POINT "/forgotten.json" },
    { LAYOUT_INTERRUPTED, 0, "points/" SOURCE "/" POINT "/interrupted.json" },
    { LAYOUT_PINNED, 0, "points/" SOURCE "/" POINT "/pinned.json" },
    { LAYOUT_CHANGES, 1, "points/" SOURCE "/" POINT "/changes-0001.ndjson.zst" },
    { LAYOUT_CHANGES, 9999, "points/" SOURCE "/" POINT "/changes-9999.ndjson.zst" },
    { LAYOUT_CHANGES, 10000, "points/" SOURCE "/" POINT "/changes-10000.ndjson.zst" },
    { LAYOUT_FULL, 12, "points/" SOURCE "/" POINT "/full-0012.ndjson.zst" },
    { LAYOUT_FULL, STATE_FILE_NUMBER_MAX, "points/" SOURCE "/" POINT "/full-99999999.ndjson.zst" },
    { LAYOUT_DRILL, 1763607600, "points/" SOURCE "/" POINT "/drill-20251120T030000Z.json" },
    { LAYOUT_DRILL, 0, "points/" SOURCE "/" POINT "/drill-19700101T000000Z.json" },
    { LAYOUT_LEASE, 0, "lease/" SOURCE "/0000000000.json" },
    { LAYOUT_LEASE, 42, "lease/" SOURCE "/0000000042.json" },
    { LAYOUT_LEASE, 9999999999, "lease/" SOURCE "/9999999999.json" },
};

static void points_and_leases_round_trip(void **state)
{
    (void)state;
    const char *const prefixes[] = { "", "a/b/" };
    for (size_t p = 0; p < 2; p++) {
        struct layout layout = layout_of(prefixes[p]);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            struct layout_path path;
            struct layout_parts parts;
            enum state_status status =
                    files[i].kind == LAYOUT_LEASE
                            ? layout_lease(&layout, SOURCE, files[i].number, &path)
                            : layout_point_file(&layout, SOURCE, POINT, files[i].kind, files[i].number, &path);
            assert_int_equal(status, STATE_OK);
            assert_memory_equal(path.ptr, prefixes[p], strlen(prefixes[p]));
            assert_string_equal(path.ptr + strlen(prefixes[p]), files[i].path);
            assert_int_equal(path.len, strlen(path.ptr));
            assert_int_equal(layout_parse(&layout, path.ptr, path.len, &parts), STATE_OK);
            assert_int_equal(parts.kind, files[i].kind);
            assert_int_equal(parts.number, files[i].number);
            assert_int_equal(parts.point.len, files[i].kind == LAYOUT_LEASE ? 0 : STATE_POINT_LEN);
        }
    }
}

static void numbers_and_ids_have_bounds(void **state)
{
    (void)state;
    struct layout layout = layout_of("");
    struct layout_path path;
    assert_int_equal(layout_lease(&layout, SOURCE, STATE_LEASE_MAX + 1, &path), STATE_BAD_DATA);
    assert_int_equal(layout_lease(&layout, "x", 1, &path), STATE_BAD_DATA);
    assert_int_equal(layout_point_file(&layout, SOURCE, POINT, LAYOUT_CHANGES, 0, &path), STATE_BAD_DATA);
    assert_int_equal(
            layout_point_file(&layout, SOURCE, POINT, LAYOUT_FULL, STATE_FILE_NUMBER_MAX + 1, &path), STATE_BAD_DATA);
    assert_int_equal(layout_point_file(&layout, SOURCE, POINT, LAYOUT_POINT, 1, &path), STATE_BAD_DATA);
    assert_int_equal(layout_point_file(&layout, SOURCE, POINT, LAYOUT_DRILL, UINT64_MAX, &path), STATE_BAD_DATA);
    assert_int_equal(layout_point_file(&layout, SOURCE, POINT, LAYOUT_DATA, 0, &path), STATE_BAD_DATA);
    assert_int_equal(layout_point_file(&layout, SOURCE, "20260229T000000Z", LAYOUT_POINT, 0, &path), STATE_BAD_DATA);
    assert_int_equal(layout_point_file(&layout, SOURCE, "../../../data", LAYOUT_POINT, 0, &path), STATE_BAD_DATA);
}

static void folders_are_what_a_listing_asks_for(void **state)
{
    (void)state;
    struct layout layout = layout_of("v/");
    struct layout_path path;
    assert_int_equal(layout_folder(&layout, LAYOUT_DATA, SOURCE, &path), STATE_OK);
    assert_string_equal(path.ptr, "v/data/" SOURCE "/");
    assert_int_equal(layout_folder(&layout, LAYOUT_CHANGES, SOURCE, &path), STATE_OK);
    assert_string_equal(path.ptr, "v/points/" SOURCE "/");
    assert_int_equal(layout_folder(&layout, LAYOUT_LEASE, NULL, &path), STATE_OK);
    assert_string_equal(path.ptr, "v/lease/");
    assert_int_equal(layout_folder(&layout, LAYOUT_NAME, "..", &path), STATE_BAD_DATA);
}

static void foreign_paths_are_not_ours(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "data", "data/", "data/" SOURCE, "data/" SOURCE "/", "data/No/x",
        "datax/" SOURCE "/x", "data-long/" SOURCE "/x",
        "names/" SOURCE "/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "points/" SOURCE "/" POINT,
        "points/" SOURCE "/" POINT "/", "points/" SOURCE "/" POINT "/other.json",
        "points/" SOURCE "/" POINT "/point.json.bak", "points/" SOURCE "/" POINT "/changes-001.ndjson.zst",
        "points/" SOURCE "/" POINT "/changes-00001.ndjson.zst", "points/" SOURCE "/" POINT "/changes-0000.ndjson.zst",
        "points/" SOURCE "/" POINT "/changes-100000000.ndjson.zst", "points/" SOURCE "/" POINT "/changes-0001.ndjson",
        "points/" SOURCE "/" POINT "/drill-20251120T030000Z.jsox", "points/" SOURCE "/" POINT "/drill-.json",
        "points/" SOURCE "/" POINT "/drill-20251320T030000Z.json",
        "points/" SOURCE "/" POINT "/drill-20251120T030000Z.json.bak", "points/" SOURCE "/" POINT "/x/point.json",
        "points/" SOURCE "/20261320T030000Z/point.json", "lease/" SOURCE "/1.json", "lease/" SOURCE "/00000000001.json",
        "lease/" SOURCE "/0000000001.jso", "data/" SOURCE "/\xC0\x80" };
    struct layout layout = layout_of("");
    struct layout_parts parts;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (layout_parse(&layout, bad[i], strlen(bad[i]), &parts) != STATE_NOT_FOUND)
            fail_msg("%s was taken", bad[i]);
    layout = layout_of("v/");
    assert_int_equal(layout_parse(&layout, "data/" SOURCE "/x", 16, &parts), STATE_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_names_follow_s3),
        cmocka_unit_test(prefixes_end_with_a_slash),
        cmocka_unit_test(data_paths_round_trip),
        cmocka_unit_test(a_key_with_nul_survives),
        cmocka_unit_test(long_keys_go_by_their_hash),
        cmocka_unit_test(bad_keys_have_no_path),
        cmocka_unit_test(keys_and_paths_sort_alike),
        cmocka_unit_test(points_and_leases_round_trip),
        cmocka_unit_test(numbers_and_ids_have_bounds),
        cmocka_unit_test(folders_are_what_a_listing_asks_for),
        cmocka_unit_test(foreign_paths_are_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
