/* point.json: round trips of everything it holds, what must be refused, what a newer writer may add. */
#include "state/point.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct state_point_missing missing[] = {
    { .key = { "a/\xC3\xA4\n\"\\\0\x01", 9 },
            .operation = "CopyObject",
            .status = 403,
            .code = "AccessDenied",
            .message = "Access Denied",
            .request_id = "4442587FB7D0A2F9" },
    { .key = { "\xF0\x9F\xA6\x8A", 4 } },
};

static const struct state_point_file files[] = {
    { LAYOUT_CHANGES, 2, "20261119T030000Z", { 10, 1000, HASH } },
    { LAYOUT_CHANGES, 1, "20261120T030000Z", { 10000, 300000, HASH } },
    { LAYOUT_CHANGES, 2, "20261120T030000Z", { 0, 90, OTHER_HASH } },
    { LAYOUT_FULL, 1, "20261120T030000Z", { 1, 120, HASH } },
    { LAYOUT_FULL, 2, "20261120T030000Z", { 1, 120, OTHER_HASH } },
};

static struct state_point whole(void)
{
    return (struct state_point){ .program = "vaultferry 0.1.0",
        .source = "acme-docs",
        .bucket = "acme-docs",
        .account = "111122223333",
        .region = "eu-west-1",
        .id = "20261120T030000Z",
        .started_ms = 1795143600000,
        .finished_ms = 1795143661042,
        .state = STATE_POINT_GUARDED,
        .walk_ended = true,
        .by_class = { [CLASS_STANDARD] = { 10, 1000 },
                [CLASS_DEEP_ARCHIVE] = { 5, INT64_MAX - 2000 },
                [CLASS_OTHER] = { 1, 1 } },
        .did = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
        .missing_count = 5000,
        .missing = missing,
        .missing_listed = 2,
        .has_guard = true,
        .guard = { .reason = "31 % of all objects changed",
                .before = 100,
                .changed = 31,
                .deleted = 2,
                .left_changed = 13,
                .left_deleted = 14,
                .complete = "20261118T030000Z" },
        .has_predecessor = true,
        .predecessor = { "20261119T030000Z", HASH },
        .has_root = true,
        .root = "20261101T030000Z",
        .root_removed = { "20261031T030000Z", OTHER_HASH },
        .files = files,
        .files_count = sizeof files / sizeof *files,
        .policy = "{\"schedule\": \"cron(0 3 * * ? *)\", \"keep\": {\"daily\": 35}}",
        .configuration = "{\"tags\":{\"a\":\"\\u00e4\"},\"cors\":null,\"lifecycle\":[]}" };
}

static struct state_point *round_trip(const struct state_point *point)
{
    char *bytes, *again;
    size_t len, again_len;
    struct state_point *back;
    struct state_error error = { 0 };
    if (state_point_write(point, &bytes, &len, &error) != STATE_OK)
        fail_msg("%s", error.what);
    assert_int_equal(strlen(bytes), len);
    assert_int_equal(bytes[len - 1], '\n');
    if (state_point_read(bytes, len, &back, &error) != STATE_OK)
        fail_msg("%s: %s", error.what, bytes);
    assert_int_equal(state_point_write(back, &again, &again_len, NULL), STATE_OK);
    assert_string_equal(again, bytes); /* the same point has the same bytes: the chain stands on it */
    free(bytes);
    free(again);
    return back;
}

static void everything_round_trips(void **state)
{
    (void)state;
    struct state_point point = whole(), *back = round_trip(&point);
    assert_string_equal(back->program, point.program);
    assert_string_equal(back->source, point.source);
    assert_string_equal(back->bucket, point.bucket);
    assert_string_equal(back->account, point.account);
    assert_string_equal(back->region, point.region);
    assert_string_equal(back->id, point.id);
    assert_int_equal(back->started_ms, point.started_ms);
    assert_int_equal(back->finished_ms, point.finished_ms);
    assert_int_equal(back->state, point.state);
    assert_true(back->walk_ended);
    assert_memory_equal(back->by_class, point.by_class, sizeof point.by_class);
    assert_memory_equal(&back->did, &point.did, sizeof point.did);
    assert_int_equal(back->missing_count, 5000);
    assert_int_equal(back->missing_listed, 2);
    assert_int_equal(back->missing[0].key.len, missing[0].key.len);
    assert_memory_equal(back->missing[0].key.ptr, missing[0].key.ptr, missing[0].key.len);
    assert_string_equal(back->missing[0].operation, "CopyObject");
    assert_int_equal(back->missing[0].status, 403);
    assert_string_equal(back->missing[0].code, "AccessDenied");
    assert_string_equal(back->missing[0].message, "Access Denied");
    assert_string_equal(back->missing[0].request_id, "4442587FB7D0A2F9");
    assert_string_equal(back->missing[1].code, "");
    assert_true(back->has_guard);
    assert_string_equal(back->guard.reason, point.guard.reason);
    assert_int_equal(back->guard.before, 100);
    assert_int_equal(back->guard.changed, 31);
    assert_int_equal(back->guard.deleted, 2);
    assert_int_equal(back->guard.left_changed, 13);
    assert_int_equal(back->guard.left_deleted, 14);
    assert_string_equal(back->guard.complete, point.guard.complete);
    assert_true(back->has_predecessor);
    assert_memory_equal(&back->predecessor, &point.predecessor, sizeof point.predecessor);
    assert_true(back->has_root);
    assert_string_equal(back->root, point.root);
    assert_memory_equal(&back->root_removed, &point.root_removed, sizeof point.root_removed);
    assert_int_equal(back->files_count, point.files_count);
    for (size_t i = 0; i < point.files_count; i++) {
        assert_int_equal(back->files[i].kind, files[i].kind);
        assert_int_equal(back->files[i].number, files[i].number);
        assert_string_equal(back->files[i].point, files[i].point);
        assert_int_equal(back->files[i].sum.lines, files[i].sum.lines);
        assert_int_equal(back->files[i].sum.bytes, files[i].sum.bytes);
        assert_string_equal(back->files[i].sum.sha256, files[i].sum.sha256);
    }
    assert_string_equal(back->policy, "{\"schedule\":\"cron(0 3 * * ? *)\",\"keep\":{\"daily\":35}}");
    assert_string_equal(back->configuration, "{\"tags\":{\"a\":\"\xC3\xA4\"},\"cors\":null,\"lifecycle\":[]}");
    struct state_totals totals = state_point_totals(back);
    assert_int_equal(totals.objects, 16);
    assert_int_equal(totals.bytes, INT64_MAX - 999);
    state_point_free(back);
}

static void a_first_point_of_nothing_round_trips(void **state)
{
    (void)state;
    struct state_point point = { .source = "abc", .id = "19700101T000000Z" }, *back = round_trip(&point);
    assert_false(back->has_predecessor);
    assert_false(back->has_root);
    assert_false(back->has_guard);
    assert_false(back->walk_ended);
    assert_int_equal(back->files_count, 0);
    assert_int_equal(back->missing_listed, 0);
    assert_null(back->policy);
    assert_string_equal(back->bucket, "");
    state_point_free(back);
    state_point_free(NULL);
}

/* A server's message of any length and encoding must not cost the point. */
static void foreign_texts_are_cleaned_and_cut(void **state)
{
    (void)state;
    static char message[5000];
    for (size_t i = 0; i + 1 < sizeof message; i++)
        message[i] = "\xC3\xA4\xFFx"[i % 4];
    struct state_point point = whole();
    struct state_point_missing item = { .key = { "k", 1 }, .message = message, .code = "\xE2\x82" };
    point.missing = &item;
    point.missing_listed = 1;
    struct state_point *back = round_trip(&point);
    assert_memory_equal(back->missing[0].message, "\xC3\xA4?x\xC3\xA4?x", 8);
    assert_int_equal(strlen(back->missing[0].message), 1024);
    assert_string_equal(back->missing[0].code, "??");
    state_point_free(back);
}

static void the_largest_point_has_a_bound(void **state)
{
    (void)state;
    struct state_point point = whole();
    struct state_point_file *many = calloc(STATE_POINT_FILES_MAX + 1, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i <= STATE_POINT_FILES_MAX; i++)
        many[i] = (struct state_point_file){ LAYOUT_CHANGES, i + 1, "20261120T030000Z", { 1, 1, HASH } };
    point.files = many;
    point.files_count = STATE_POINT_FILES_MAX;
    state_point_free(round_trip(&point));
    char *bytes, *policy = malloc(STATE_POINT_BYTES_MAX + 3);
    size_t len;
    assert_non_null(policy);
    point.files_count++;
    assert_int_equal(state_point_write(&point, &bytes, &len, NULL), STATE_BAD_DATA);
    memset(policy, 'x', STATE_POINT_BYTES_MAX + 2);
    policy[0] = policy[STATE_POINT_BYTES_MAX + 1] = '"';
    policy[STATE_POINT_BYTES_MAX + 2] = '\0';
    point.files_count = 0;
    point.policy = policy;
    assert_int_equal(state_point_write(&point, &bytes, &len, NULL), STATE_FULL);
    assert_null(bytes);
    struct state_point *back;
    assert_int_equal(state_point_read(policy, STATE_POINT_BYTES_MAX + 1, &back, NULL), STATE_FULL);
    free(policy);
    free(many);
}

static void what_is_not_valid_is_not_written(void **state)
{
    (void)state;
    static const struct state_point_missing no_key = { .code = "x" };
    static const struct state_point_file twice[] = { { LAYOUT_CHANGES, 1, "20261120T030000Z", { 1, 1, HASH } },
        { LAYOUT_CHANGES, 1, "20261120T030000Z", { 1, 1, HASH } } };
    static const struct state_point_file gap[] = { { LAYOUT_FULL, 2, "20261120T030000Z", { 1, 1, HASH } } };
    static const struct state_point_file future[] = { { LAYOUT_CHANGES, 1, "20261121T030000Z", { 1, 1, HASH } } };
    static const struct state_point_file foreign[] = { { LAYOUT_FULL, 1, "20261119T030000Z", { 1, 1, HASH } } };
    static const struct state_point_file unhashed[] = { { LAYOUT_CHANGES, 1, "20261120T030000Z", { 1, 1, "" } } };
    for (int i = 0; i < 18; i++) {
        struct state_point point = whole();
        char *bytes;
        size_t len;
        struct state_error error = { 0 };
        switch (i) {
        case 0:
            point.source = "No";
            break;
        case 1:
            point.id[0] = 'x';
            break;
        case 2:
            point.state = (enum state_point_state)3;
            break;
        case 3:
            point.started_ms = INT64_MAX;
            break;
        case 4:
            point.did.copied = UINT64_MAX;
            break;
        case 5:
            point.by_class[0].bytes = INT64_MAX;
            break;
        case 6:
            point.missing_count = 1;
            break;
        case 7:
            point.missing = &no_key;
            point.missing_listed = 1;
            break;
        case 8:
            point.predecessor.sha256[5] = 'G';
            break;
        case 9:
            memcpy(point.predecessor.point, point.id, sizeof point.id);
            break;
        case 10:
            point.files = twice;
            point.files_count = 2;
            break;
        case 11:
            point.files = gap;
            point.files_count = 1;
            break;
        case 12:
            point.files = future;
            point.files_count = 1;
            break;
        case 13:
            point.files = foreign;
            point.files_count = 1;
            break;
        case 14:
            point.files = unhashed;
            point.files_count = 1;
            break;
        case 15:
            point.policy = "{\"a\":1,\"a\":2}";
            break;
        case 16:
            point.bucket = "\xFF";
            break;
        default:
            point.root[3] = 'x';
            break;
        }
        if (state_point_write(&point, &bytes, &len, &error) != STATE_BAD_DATA)
            fail_msg("case %d was written", i);
        assert_null(bytes);
        assert_true(error.what[0] != '\0');
    }
}

static enum state_status read_json(const json_t *root, struct state_error *error)
{
    char *bytes = json_dumps(root, 0);
    struct state_point *back;
    enum state_status status = state_point_read(bytes, strlen(bytes), &back, error);
    state_point_free(back);
    free(bytes);
    return status;
}

/* Every field of every level, in turn: taken away, and replaced by a value of another kind. */
static void no_field_can_be_lost_or_of_another_type(void **state)
{
    (void)state;
    static const char *const may_be_absent[] = { "guard", "root", "policy", "configuration", "files[].point",
        "did.repeated", "did.customer_keys", "guard.left_changed", "guard.left_deleted" };
    struct state_point point = whole();
    char *bytes;
    size_t len, tried = 0;
    assert_int_equal(state_point_write(&point, &bytes, &len, NULL), STATE_OK);
    json_t *root = json_loads(bytes, JSON_ALLOW_NUL, NULL);
    json_t *objects[] = { root, json_object_get(root, "did"), json_object_get(root, "missing"),
        json_array_get(json_object_get(json_object_get(root, "missing"), "list"), 0), json_object_get(root, "guard"),
        json_object_get(root, "predecessor"), json_object_get(root, "root"),
        json_object_get(json_object_get(root, "root"), "removed"), json_array_get(json_object_get(root, "files"), 0),
        json_object_get(json_object_get(root, "by_class"), "STANDARD") };
    static const char *const levels[] = { "", "did.", "missing.", "missing[].", "guard.", "predecessor.", "root.",
        "removed.", "files[].", "by_class[]." };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        json_t *copy = json_copy(objects[i]), *value;
        const char *name;
        assert_true(json_object_size(copy) > 0);
        json_object_foreach(copy, name, value)
        {
            char path[64];
            bool optional = false;
            struct state_error error = { 0 };
            (void)snprintf(path, sizeof path, "%s%s", levels[i], name);
            for (size_t k = 0; k < sizeof may_be_absent / sizeof *may_be_absent; k++)
                optional = optional || strcmp(path, may_be_absent[k]) == 0;
            assert_int_equal(json_object_del(objects[i], name), 0);
            if (!optional && read_json(root, &error) != STATE_BAD_DATA)
                fail_msg("a point without %s was taken", path);
            json_t *wrong[] = { json_true(), json_null(), json_integer(-1), json_real(1.5), json_string("x"),
                json_array() };
            for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
                bool same = strcmp(path, "policy") == 0 || strcmp(path, "configuration") == 0 ||
                            json_typeof(wrong[w]) == json_typeof(value) ||
                            (json_is_boolean(value) && json_is_boolean(wrong[w])) ||
                            (json_is_null(wrong[w]) && strcmp(path, "predecessor") == 0);
                assert_int_equal(json_object_set(objects[i], name, wrong[w]), 0);
                if (!same && read_json(root, &error) != STATE_BAD_DATA)
                    fail_msg("a point with a wrong %s was taken", path);
                json_decref(wrong[w]);
                tried++;
            }
            assert_int_equal(json_object_set(objects[i], name, value), 0);
        }
        json_decref(copy);
    }
    assert_int_equal(read_json(root, NULL), STATE_OK);
    assert_true(tried > 300);
    json_decref(root);
    free(bytes);
}

static void unknown_fields_do_no_harm(void **state)
{
    (void)state;
    struct state_point point = whole(), *back;
    char *bytes;
    size_t len;
    assert_int_equal(state_point_write(&point, &bytes, &len, NULL), STATE_OK);
    json_t *root = json_loads(bytes, JSON_ALLOW_NUL, NULL);
    free(bytes);
    assert_int_equal(json_object_set_new(root, "signature", json_pack("{s:[i,n]}", "a", 1)), 0);
    assert_int_equal(json_object_set_new(json_object_get(root, "did"), "thawed", json_integer(3)), 0);
    assert_int_equal(json_object_set_new(json_object_get(root, "by_class"), "PERMAFROST",
                             json_pack("{s:i,s:i}", "objects", 2, "bytes", 3)),
            0);
    assert_int_equal(json_object_set_new(root, "objects", json_integer(18)), 0);
    assert_int_equal(json_object_set_new(root, "bytes", json_integer(INT64_MAX - 996)), 0);
    bytes = json_dumps(root, 0);
    assert_int_equal(state_point_read(bytes, strlen(bytes), &back, NULL), STATE_OK);
    assert_int_equal(back->by_class[CLASS_OTHER].objects, 3);
    state_point_free(back);
    free(bytes);
    assert_int_equal(json_object_set_new(root, "objects", json_integer(17)), 0);
    assert_int_equal(read_json(root, NULL), STATE_BAD_DATA); /* totals that do not add up */
    assert_int_equal(json_object_set_new(root, "format", json_integer(2)), 0);
    assert_int_equal(read_json(root, NULL), STATE_TOO_NEW);
    json_decref(root);
}

static void a_cut_point_is_bad(void **state)
{
    (void)state;
    struct state_point point = whole(), *back;
    char *bytes;
    size_t len;
    assert_int_equal(state_point_write(&point, &bytes, &len, NULL), STATE_OK);
    for (size_t cut = 0; cut + 1 < len; cut++) { /* all but the newline */
        assert_int_equal(state_point_read(bytes, cut, &back, NULL), STATE_BAD_DATA);
        assert_null(back);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_round_trips),
        cmocka_unit_test(a_first_point_of_nothing_round_trips),
        cmocka_unit_test(foreign_texts_are_cleaned_and_cut),
        cmocka_unit_test(the_largest_point_has_a_bound),
        cmocka_unit_test(what_is_not_valid_is_not_written),
        cmocka_unit_test(no_field_can_be_lost_or_of_another_type),
        cmocka_unit_test(unknown_fields_do_no_harm),
        cmocka_unit_test(a_cut_point_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
