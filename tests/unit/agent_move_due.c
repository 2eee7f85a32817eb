/* Which records place_move is asked about: all that it would move, and few others. */
#include "agent/move.h"
#include "agent/move_due.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DAY_MS INT64_C(86400000)
#define NOW_MS INT64_C(1790000000000)
#define TIERS                                                                                                          \
    "\"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": 90, \"class\": \"GLACIER\"}, "     \
    "{\"after_days\": 365, \"class\": \"DEEP_ARCHIVE\"}]"
#define AGENT ", \"transitions\": \"agent\""

struct world {
    struct config *config;
    struct config_policy policy;
    struct prices prices;
    struct move_due due;
};

static void begin(struct world *world, const char *policy)
{
    struct config_error error = { 0 };
    struct failure failure;
    char text[2048];

    (void)snprintf(text, sizeof text,
            "{\"vault\": {\"bucket\": \"vault\"}, \"sources\": [{\"select\": {\"buckets\": [\"docs\"]}, \"policy\": "
            "\"p\"}], \"policies\": {\"p\": {%s}}}",
            policy);
    if (config_parse("c", text, strlen(text), &world->config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    assert_int_equal(prices_load(world->config, &world->prices, &failure), VERDICT_OK);
    world->policy = world->config->policies[0];
    move_due_init(&world->due, &world->policy, &world->prices, NOW_MS);
}

static void end(struct world *world)
{
    move_due_clear(&world->due);
    config_free(world->config);
}

static bool moves(const struct world *world, enum storage_class from, uint64_t size, int64_t source_ms)
{
    return place_move(&world->policy, &world->prices, size, source_ms, NOW_MS, from).class_ != from;
}

static void age_lets_through_on_its_day_and_not_a_millisecond_before(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        enum storage_class from;
        int64_t days;
    } rows[] = { { CLASS_STANDARD, 30 }, { CLASS_STANDARD_IA, 90 }, { CLASS_GLACIER, 365 } };

    begin(&world, TIERS AGENT ", \"min_size\": 1000");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t then_ms = NOW_MS - rows[i].days * DAY_MS;
        assert_true(move_due_is(&world.due, rows[i].from, 1000, then_ms));
        assert_false(move_due_is(&world.due, rows[i].from, 1000, then_ms + 1));
        assert_false(move_due_is(&world.due, rows[i].from, 999, then_ms));
        assert_false(move_due_is(&world.due, rows[i].from, 1000, NOW_MS + DAY_MS));
    }
    end(&world);
}

static void deepest_class_and_unknown_ones_are_never_asked_about(void **state)
{
    (void)state;
    struct world world;

    begin(&world, TIERS AGENT ", \"min_size\": 0");
    assert_false(move_due_is(&world.due, CLASS_DEEP_ARCHIVE, UINT64_C(1) << 40, 0));
    assert_false(move_due_is(&world.due, CLASS_OTHER, UINT64_C(1) << 40, 0));
    assert_true(move_due_is(&world.due, CLASS_GLACIER_IR, 1, 0));
    end(&world);
    begin(&world, "\"delete_after_days\": 30" AGENT);
    assert_false(move_due_is(&world.due, CLASS_STANDARD, UINT64_C(1) << 40, 0));
    end(&world);
}

/* Over sizes and ages at random: nothing that place_move would move is kept from it, and where it is asked for nothing
 * is rare. */
static void nothing_that_is_to_be_moved_is_missed(void **state)
{
    (void)state;
    static const char *const policies[] = {
        TIERS AGENT,
        TIERS AGENT ", \"delete_after_days\": 2555",
        TIERS AGENT ", \"delete_after_days\": 455, \"min_size\": 4096",
        "\"tiers\": [{\"after_days\": 0, \"class\": \"GLACIER_IR\"}, {\"after_days\": 7, \"class\": \"DEEP_ARCHIVE\"}]"
        ", \"delete_after_days\": 365" AGENT,
    };
    static const enum storage_class classes[] = { CLASS_STANDARD, CLASS_STANDARD_IA, CLASS_GLACIER_IR, CLASS_GLACIER,
        CLASS_DEEP_ARCHIVE };
    unsigned seed = 7, moved = 0, in_vain = 0;

    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        struct world world;
        begin(&world, policies[p]);
        for (int i = 0; i < 20000; i++) {
            const enum storage_class from = classes[(unsigned)rand_r(&seed) % 5];
            const uint64_t size = (uint64_t)(unsigned)rand_r(&seed) >> ((unsigned)rand_r(&seed) % 31);
            const int64_t source_ms = NOW_MS - (int64_t)((unsigned)rand_r(&seed) % 500) * DAY_MS;
            const bool is_due = move_due_is(&world.due, from, size, source_ms);
            if (moves(&world, from, size, source_ms)) {
                moved++;
                if (!is_due)
                    fail_msg("policy %zu: %llu bytes of %lld days in %s are missed", p, (unsigned long long)size,
                            (long long)((NOW_MS - source_ms) / DAY_MS), storage_class_name(from));
            } else {
                in_vain += is_due;
            }
        }
        end(&world);
    }
    assert_true(moved > 10000);
    assert_true(in_vain * 100 < moved);
}

static void keys_are_kept_in_order_until_they_are_too_many(void **state)
{
    (void)state;
    struct world world;
    char key[STATE_KEY_MAX];
    struct state_text text = { key, sizeof key };
    size_t at = 0, count = 0;

    begin(&world, TIERS AGENT);
    memset(key, 'k', sizeof key);
    move_due_add(&world.due, (struct state_text){ "a", 1 });
    move_due_add(&world.due, text);
    assert_true(move_due_next(&world.due, &at, &text));
    assert_int_equal(text.len, 1);
    assert_true(move_due_next(&world.due, &at, &text));
    assert_int_equal(text.len, sizeof key);
    assert_memory_equal(text.ptr, key, sizeof key);
    assert_false(move_due_next(&world.due, &at, &text));
    while (!world.due.overflow && count < 100000) {
        move_due_add(&world.due, (struct state_text){ key, sizeof key });
        count++;
    }
    assert_true(world.due.overflow);
    assert_true(world.due.used <= (size_t)4 << 20 && world.due.used > (size_t)3 << 20);
    assert_int_equal(atomic_load(&world.due.found), count + 2);
    end(&world);
}

static void thaw_lasts_until_the_next_run(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        unsigned days;
    } rows[] = { { NULL, 2 }, { "rate(1 hour)", 2 }, { "cron(0 3 * * ? *)", 2 }, { "rate(5 days)", 6 },
        { "cron(0 3 ? * SUN *)", 8 }, { "cron(0 3 ? * * *)", 2 }, { "cron(0 3 1 * ? *)", 32 },
        { "cron(0 3 L * ? *)", 32 }, { "cron(0 3 ? * 2#1 *)", 40 }, { "cron(0 3 1 1 ? *)", 40 },
        { "rate(90 days)", 40 } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct config_policy policy = { .schedule = rows[i].schedule };
        if (move_thaw_days(&policy) != rows[i].days)
            fail_msg("%s: %u days", rows[i].schedule, move_thaw_days(&policy));
    }
}

static bool twins(const char *etag, const char *sum, const char *other_etag, const char *other_sum, const char *key)
{
    struct s3_head heads[2];
    bool same;

    for (int i = 0; i < 2; i++) {
        s3_head_init(&heads[i]);
        heads[i].size = 5;
        heads[i].modified_s = 100 + i;
        (void)snprintf(heads[i].etag, sizeof heads[i].etag, "%s", i == 0 ? etag : other_etag);
        (void)snprintf(heads[i].checksum, sizeof heads[i].checksum, "%s", i == 0 ? sum : other_sum);
        (void)snprintf(heads[i].encryption, sizeof heads[i].encryption, "%s", key);
    }
    same = move_is_twin(&heads[0], &heads[1]);
    heads[1].modified_s = 99; /* what is older than the recorded one was not made from it */
    assert_false(move_is_twin(&heads[0], &heads[1]));
    heads[1].modified_s = 100;
    heads[1].size = 6;
    assert_false(move_is_twin(&heads[0], &heads[1]));
    heads[1].size = 5;
    heads[1].tags = 1;
    assert_false(move_is_twin(&heads[0], &heads[1]));
    s3_head_free(&heads[0]);
    s3_head_free(&heads[1]);
    return same;
}

static void twin_is_told_by_what_tells_of_the_content(void **state)
{
    (void)state;
    assert_true(twins("a", "", "a", "", ""));
    assert_false(twins("a", "", "b", "", ""));
    assert_false(twins("a", "", "b", "", "AES256"));
    assert_true(twins("a", "", "b", "", "aws:kms"));
    assert_true(twins("a", "", "b", "", "aws:kms:dsse"));
    assert_true(twins("a-3", "", "b", "", ""));
    assert_true(twins("a", "SHA256:x", "b", "SHA256:x", ""));
    assert_false(twins("a-3", "SHA256:x", "b", "SHA256:y", "aws:kms"));
    assert_true(twins("a-3", "SHA256:x-3", "b", "SHA256:y", "aws:kms"));
    assert_true(twins("a-3", "CRC64NVME:x", "b", "SHA256:y", ""));
    assert_false(twins("a", "CRC64NVME:x", "b", "SHA256:y", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age_lets_through_on_its_day_and_not_a_millisecond_before),
        cmocka_unit_test(deepest_class_and_unknown_ones_are_never_asked_about),
        cmocka_unit_test(nothing_that_is_to_be_moved_is_missed),
        cmocka_unit_test(keys_are_kept_in_order_until_they_are_too_many),
        cmocka_unit_test(twin_is_told_by_what_tells_of_the_content),
        cmocka_unit_test(thaw_lasts_until_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
