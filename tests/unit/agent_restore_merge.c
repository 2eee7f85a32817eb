/* The merge of a restore: tables of one object each, order, errors, and random histories against a plain search. */
#include "agent/restore_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MANY = 400, NOW_MS = 1000000000 };

#define SKIP "data/src/"
#define THERE "back/"

/* The three streams, from arrays. */
struct world {
    struct view_object objects[MANY];
    struct s3_page_entry versions[2 * MANY], there[MANY];
    size_t object_count, version_count, there_count;
    size_t object_at, version_at, there_at;
    size_t fail_version, fail_there, fail_object; /* which call fails, from 1; 0: none */
    char text[8 * MANY][48];
    size_t texts;
};

static struct s3_text text_of(struct world *world, const char *before, const char *text)
{
    char *at = world->text[world->texts++];
    int len = snprintf(at, sizeof world->text[0], "%s%s", before, text);

    assert_in_range(len, 0, sizeof world->text[0] - 1);
    return (struct s3_text){ at, (size_t)len };
}

static struct state_text state_of(struct world *world, const char *text)
{
    struct s3_text made = text_of(world, "", text);

    return (struct state_text){ made.len > 0 ? made.ptr : NULL, made.len };
}

static struct view_object *add_object(struct world *world, const char *key, const char *version, uint64_t size)
{
    struct view_object *object = &world->objects[world->object_count++];

    object->entry = (struct state_entry){ .key = state_of(world, key),
        .vault_version = state_of(world, version),
        .etag = state_of(world, "e"),
        .size = size };
    return object;
}

static struct s3_page_entry *add_version(struct world *world, const char *key, const char *version, const char *class_)
{
    struct s3_page_entry *entry = &world->versions[world->version_count++];

    *entry = (struct s3_page_entry){ .key = text_of(world, SKIP, key),
        .version = text_of(world, "", version),
        .class_ = text_of(world, "", class_),
        .etag = text_of(world, "", "v"),
        .size = 5 };
    return entry;
}

static void add_there(struct world *world, const char *key, const char *etag, uint64_t size)
{
    world->there[world->there_count++] =
            (struct s3_page_entry){ .key = text_of(world, THERE, key), .etag = text_of(world, "", etag), .size = size };
}

static enum verdict next_object(void *ctx, const struct view_object **object, struct failure *failure)
{
    struct world *world = ctx;

    if (world->fail_object == world->object_at + 1)
        return failure_set(failure, VERDICT_UNREACHABLE, "objects");
    *object = world->object_at < world->object_count ? &world->objects[world->object_at++] : NULL;
    return VERDICT_OK;
}

static enum verdict next_version(void *ctx, const struct s3_page_entry **entry, struct failure *failure)
{
    struct world *world = ctx;

    if (world->fail_version == world->version_at + 1)
        return failure_set(failure, VERDICT_UNREACHABLE, "versions");
    *entry = world->version_at < world->version_count ? &world->versions[world->version_at++] : NULL;
    return VERDICT_OK;
}

static enum verdict next_there(void *ctx, const struct s3_page_entry **entry, struct failure *failure)
{
    struct world *world = ctx;

    if (world->fail_there == world->there_at + 1)
        return failure_set(failure, VERDICT_UNREACHABLE, "there");
    *entry = world->there_at < world->there_count ? &world->there[world->there_at++] : NULL;
    return VERDICT_OK;
}

static struct restore_streams streams_of(struct world *world)
{
    return (struct restore_streams){ .ctx = world,
        .object = next_object,
        .version = next_version,
        .there = next_there,
        .version_skip = strlen(SKIP),
        .there_skip = strlen(THERE) };
}

static struct world *fresh(void)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    return world;
}

/* Looks at the one object of the world. */
static struct restore_sight look(struct world *world)
{
    struct restore_streams streams = streams_of(world);
    struct restore_merge merge;
    struct restore_sight sight, end;
    struct failure failure;

    restore_merge_begin(&merge, &streams, NOW_MS);
    assert_int_equal(restore_merge_next(&merge, &sight, &failure), VERDICT_OK);
    assert_non_null(sight.object);
    assert_int_equal(restore_merge_next(&merge, &end, &failure), VERDICT_OK);
    assert_null(end.object);
    return sight;
}

static void destination_is_judged_by_size_and_etag(void **state)
{
    static const struct {
        const char *there, *etag;
        uint64_t size;
        enum restore_there expected;
    } cases[] = {
        { NULL, "", 0, RESTORE_ABSENT },
        { "k", "e", 5, RESTORE_EQUAL }, /* the source's own */
        { "k", "v", 5, RESTORE_EQUAL }, /* the vault's */
        { "k", "other", 5, RESTORE_DOUBTFUL },
        { "k", "", 5, RESTORE_DOUBTFUL }, /* no ETag says nothing */
        { "k", "e", 6, RESTORE_DIFFERENT },
        { "k", "v", 0, RESTORE_DIFFERENT },
        { "k/", "e", 5, RESTORE_ABSENT },
        { "j", "e", 5, RESTORE_ABSENT },
        { "", "e", 5, RESTORE_ABSENT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = fresh();
        struct restore_sight sight;
        add_object(world, "k", "1", 5);
        add_version(world, "k", "1", "");
        if (cases[i].there != NULL)
            add_there(world, cases[i].there, cases[i].etag, cases[i].size);
        sight = look(world);
        if (sight.there != cases[i].expected)
            fail_msg("case %zu: %d", i, (int)sight.there);
        assert_int_equal(sight.vault, RESTORE_READABLE);
        free(world);
    }
}

static void a_copy_is_readable_archived_or_thawing(void **state)
{
    static const struct {
        const char *class_;
        bool in_progress;
        int64_t expiry_ms;
        enum restore_vault expected;
    } cases[] = {
        { "", false, 0, RESTORE_READABLE },
        { "STANDARD_IA", false, 0, RESTORE_READABLE },
        { "GLACIER_IR", false, 0, RESTORE_READABLE },
        { "GLACIER", false, 0, RESTORE_ARCHIVED },
        { "DEEP_ARCHIVE", false, 0, RESTORE_ARCHIVED },
        { "GLACIER", true, 0, RESTORE_THAWING },
        { "INTELLIGENT_TIERING", true, 0, RESTORE_THAWING },
        { "INTELLIGENT_TIERING", false, 0, RESTORE_READABLE },
        { "GLACIER", false, NOW_MS + 86400000, RESTORE_READABLE },
        { "GLACIER", false, NOW_MS + 60000, RESTORE_ARCHIVED }, /* soon over */
        { "GLACIER", false, NOW_MS - 1, RESTORE_ARCHIVED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = fresh();
        struct s3_page_entry *entry;
        struct restore_sight sight;
        add_object(world, "k", "1", 5);
        entry = add_version(world, "k", "1", cases[i].class_);
        entry->restore_in_progress = cases[i].in_progress;
        entry->restore_expiry_ms = cases[i].expiry_ms;
        sight = look(world);
        if (sight.vault != cases[i].expected)
            fail_msg("case %zu: %d", i, (int)sight.vault);
        free(world);
    }
}

static void the_recorded_version_is_the_one_that_counts(void **state)
{
    struct world *world = fresh();
    struct restore_sight sight;

    (void)state;
    add_object(world, "k", "2", 5);
    add_version(world, "k", "4", "")->is_marker = true;
    add_version(world, "k", "3", "");
    add_version(world, "k", "2", "GLACIER");
    add_version(world, "k", "1", "");
    sight = look(world);
    assert_string_equal(sight.copy.version, "2");
    assert_int_equal(sight.copy.class_, CLASS_GLACIER);
    assert_int_equal(sight.vault, RESTORE_ARCHIVED);
    free(world);
}

static void a_version_that_is_not_there_is_gone(void **state)
{
    static const char *const others[] = { "", "j", "k!", "l" };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct world *world = fresh();
        add_object(world, "k", "2", 5);
        if (others[i][0] != '\0')
            add_version(world, others[i], "2", "");
        assert_int_equal(look(world).vault, RESTORE_GONE);
        free(world);
    }
    /* a marker of that id is no version, and neither is another version of the key */
    struct world *world = fresh();
    add_object(world, "k", "2", 5);
    add_version(world, "k", "2", "")->is_marker = true;
    add_version(world, "k", "1", "");
    assert_int_equal(look(world).vault, RESTORE_GONE);
    free(world);
}

static void without_a_recorded_version_the_time_of_the_copy_tells(void **state)
{
    static const struct {
        int64_t copied_ms;
        const char *expected; /* NULL: gone */
    } cases[] = { { 5000, "3" }, { 4000, "3" }, { 3001, "3" }, { 3000, "2" }, { 2000, "2" }, { 1000, NULL } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world *world = fresh();
        struct restore_sight sight;
        add_object(world, "k", "", 5)->entry.copied_ms = cases[i].copied_ms;
        add_version(world, "k", "3", "")->modified_ms = 4000;
        add_version(world, "k", "2", "")->modified_ms = 2500;
        add_version(world, "k", "1", "")->modified_ms = 1500;
        world->versions[2].is_marker = true;
        sight = look(world);
        if (cases[i].expected == NULL)
            assert_int_equal(sight.vault, RESTORE_GONE);
        else
            assert_string_equal(sight.copy.version, cases[i].expected);
        free(world);
    }
}

static void the_null_version_has_no_name_while_it_is_current(void **state)
{
    (void)state;
    for (int latest = 0; latest < 2; latest++) {
        struct world *world = fresh();
        add_object(world, "k", "null", 5);
        add_version(world, "k", "null", "")->is_latest = latest == 1;
        assert_string_equal(look(world).copy.version, latest == 1 ? "" : "null");
        free(world);
    }
}

static void long_keys_are_looked_at_singly(void **state)
{
    static char key[STATE_KEY_MAX + 1];

    (void)state;
    memset(key, 'x', STATE_KEY_MAX);
    for (size_t len = STATE_PATH_MAX - strlen(SKIP); len <= STATE_KEY_MAX; len++) {
        struct world *world = fresh();
        add_object(world, "k", "1", 5)->entry.key = (struct state_text){ key, len };
        assert_int_equal(look(world).vault, len + strlen(SKIP) > STATE_PATH_MAX ? RESTORE_SINGLY : RESTORE_GONE);
        free(world);
    }
}

static void a_destination_that_cannot_be_listed_is_unseen(void **state)
{
    struct world *world = fresh();
    struct restore_streams streams = streams_of(world);
    struct restore_merge merge;
    struct restore_sight sight;
    struct failure failure;

    (void)state;
    streams.there = NULL;
    add_object(world, "k", "1", 5);
    restore_merge_begin(&merge, &streams, NOW_MS);
    assert_int_equal(restore_merge_next(&merge, &sight, &failure), VERDICT_OK);
    assert_int_equal(sight.there, RESTORE_UNSEEN);
    free(world);
}

/* An error of any stream, at any call, comes out, and no object after it. */
static void an_error_never_looks_like_an_end(void **state)
{
    (void)state;
    for (size_t which = 0; which < 3; which++) {
        for (size_t call = 1; call <= 4; call++) {
            struct world *world = fresh();
            struct restore_streams streams = streams_of(world);
            struct restore_merge merge;
            struct restore_sight sight;
            struct failure failure;
            enum verdict verdict;
            for (int i = 0; i < 4; i++) {
                char key[2] = { (char)('a' + i), '\0' };
                add_object(world, key, "1", 5);
                add_version(world, key, "1", "");
                add_there(world, key, "e", 5);
            }
            *(which == 0 ? &world->fail_object : which == 1 ? &world->fail_version : &world->fail_there) = call;
            restore_merge_begin(&merge, &streams, NOW_MS);
            do {
                verdict = restore_merge_next(&merge, &sight, &failure);
            } while (verdict == VERDICT_OK && sight.object != NULL);
            assert_int_equal(verdict, VERDICT_UNREACHABLE);
            assert_null(sight.object);
            free(world);
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Random sets of short keys over a small alphabet, "/" and bytes around it, in each stream. */
static size_t random_keys(char keys[MANY][8], const char **sorted, unsigned *seed)
{
    static const char alphabet[] = "ab/.\x01\x7f";
    size_t count = (size_t)rand_r(seed) % 60, kept = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = 1 + (size_t)rand_r(seed) % 4;
        for (size_t j = 0; j < len; j++)
            keys[i][j] = alphabet[(size_t)rand_r(seed) % (sizeof alphabet - 1)];
        keys[i][len] = '\0';
        sorted[i] = keys[i];
    }
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(sorted[kept - 1], sorted[i]) != 0)
            sorted[kept++] = sorted[i];
    return kept;
}

static const struct s3_page_entry *search(const struct s3_page_entry *entries, size_t count, size_t skip,
        const struct state_entry *wanted, bool with_version)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].key.len - skip == wanted->key.len &&
                memcmp(entries[i].key.ptr + skip, wanted->key.ptr, wanted->key.len) == 0 &&
                (!with_version || memcmp(entries[i].version.ptr, wanted->vault_version.ptr, 1) == 0))
            return &entries[i];
    return NULL;
}

static void check_against_search(struct world *world)
{
    struct restore_streams streams = streams_of(world);
    struct restore_merge merge;
    struct restore_sight sight;
    struct failure failure;
    uint64_t count = 0;

    restore_merge_begin(&merge, &streams, NOW_MS);
    while (restore_merge_next(&merge, &sight, &failure) == VERDICT_OK && sight.object != NULL) {
        const struct state_entry *entry = &sight.object->entry;
        const struct s3_page_entry *version = search(world->versions, world->version_count, strlen(SKIP), entry, true);
        const struct s3_page_entry *there = search(world->there, world->there_count, strlen(THERE), entry, false);
        assert_int_equal(sight.ordinal, count++);
        assert_int_equal(sight.vault, version != NULL ? restore_state(version, NOW_MS) : RESTORE_GONE);
        assert_int_equal(sight.there, there == NULL ? RESTORE_ABSENT : RESTORE_EQUAL);
    }
    assert_int_equal(count, world->object_count);
}

static void random_histories_merge_as_a_search_finds_them(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 300; round++) {
        static char keys[MANY][8];
        const char *sorted[MANY];
        struct world *world = fresh();
        size_t count = random_keys(keys, sorted, &seed);
        for (size_t i = 0; i < count; i++) {
            char version[2] = { (char)('0' + rand_r(&seed) % 4), '\0' };
            add_object(world, sorted[i], version, 5);
        }
        count = random_keys(keys, sorted, &seed);
        for (size_t i = 0; i < count; i++)
            for (int version = rand_r(&seed) % 4; version >= 0; version--) {
                char id[2] = { (char)('0' + version), '\0' };
                add_version(world, sorted[i], id, rand_r(&seed) % 2 == 0 ? "" : "GLACIER");
            }
        count = random_keys(keys, sorted, &seed);
        for (size_t i = 0; i < count; i++)
            add_there(world, sorted[i], "e", 5);
        check_against_search(world);
        free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destination_is_judged_by_size_and_etag),
        cmocka_unit_test(a_copy_is_readable_archived_or_thawing),
        cmocka_unit_test(the_recorded_version_is_the_one_that_counts),
        cmocka_unit_test(a_version_that_is_not_there_is_gone),
        cmocka_unit_test(without_a_recorded_version_the_time_of_the_copy_tells),
        cmocka_unit_test(the_null_version_has_no_name_while_it_is_current),
        cmocka_unit_test(long_keys_are_looked_at_singly),
        cmocka_unit_test(a_destination_that_cannot_be_listed_is_unseen),
        cmocka_unit_test(an_error_never_looks_like_an_end),
        cmocka_unit_test(random_histories_merge_as_a_search_finds_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
