/* Which class an object belongs in: ages around each boundary, sizes around the break-even, the rest of retention. */
#include "agent/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define KIB UINT64_C(1024)
#define GIB (UINT64_C(1) << 30)
#define DAY_MS INT64_C(86400000)
#define NOW_MS (INT64_C(1790000000000))
#define TIERS                                                                                                          \
    "\"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": 90, \"class\": \"GLACIER\"}, "     \
    "{\"after_days\": 365, \"class\": \"DEEP_ARCHIVE\"}]"

struct world {
    struct config *config;
    const struct config_policy *policy;
    struct prices prices;
};

/* A policy with these fields; `prices` is a member of the config with a comma before it, or empty. */
static struct world world_of(const char *policy, const char *prices)
{
    struct config_error error = { 0 };
    struct world world = { .config = NULL };
    struct failure failure;
    char text[2048];

    (void)snprintf(text, sizeof text,
            "{\"vault\": {\"bucket\": \"vault\"}, \"sources\": [{\"select\": {\"buckets\": [\"docs\"]}, \"policy\": "
            "\"p\"}], \"policies\": {\"p\": {%s}}%s}",
            policy, prices);
    if (config_parse("c", text, strlen(text), &world.config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    assert_int_equal(prices_load(world.config, &world.prices, &failure), VERDICT_OK);
    world.policy = &world.config->policies[0];
    return world;
}

static struct place place_at(const struct world *world, uint64_t size, int64_t days)
{
    const int64_t source_ms = NOW_MS - days * DAY_MS;
    const struct place place = place_new(world->policy, &world->prices, size, source_ms, NOW_MS);

    assert_int_equal(place_class(world->policy, &world->prices, size, source_ms, NOW_MS), place.class_);
    return place;
}

static void assert_class(struct place place, enum storage_class class_, const char *what, unsigned long long number)
{
    if (place.class_ != class_)
        fail_msg("%s %llu: %s and not %s", what, number, storage_class_name(place.class_), storage_class_name(class_));
}

static void age_reaches_a_tier_on_its_day_and_not_a_millisecond_before(void **state)
{
    (void)state;
    struct world world = world_of(TIERS ", \"delete_after_days\": 2555", "");
    static const struct {
        int64_t days;
        enum storage_class before, from_then;
    } rows[] = {
        { 30, CLASS_STANDARD, CLASS_STANDARD_IA },
        { 90, CLASS_STANDARD_IA, CLASS_GLACIER },
        { 365, CLASS_GLACIER, CLASS_DEEP_ARCHIVE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t source_ms = NOW_MS - rows[i].days * DAY_MS;
        assert_class(place_new(world.policy, &world.prices, GIB, source_ms + 1, NOW_MS), rows[i].before, "day",
                (unsigned long long)rows[i].days);
        assert_class(place_new(world.policy, &world.prices, GIB, source_ms, NOW_MS), rows[i].from_then, "day",
                (unsigned long long)rows[i].days);
    }
    assert_class(place_at(&world, GIB, 29), CLASS_STANDARD, "day", 29);
    assert_class(place_at(&world, GIB, 4000), CLASS_DEEP_ARCHIVE, "day", 4000);
    config_free(world.config);
}

static void time_in_the_future_is_age_0(void **state)
{
    (void)state;
    struct world world = world_of(TIERS, "");
    struct world at_once = world_of("\"tiers\": [{\"after_days\": 0, \"class\": \"GLACIER\"}]", "");
    struct place place = place_at(&world, GIB, -400);

    assert_class(place, CLASS_STANDARD, "day", 0);
    assert_int_equal(place.age_days, 0);
    assert_int_equal(place.reason, PLACE_YOUNG);
    assert_class(place_new(at_once.policy, &at_once.prices, GIB, INT64_MAX, NOW_MS), CLASS_GLACIER, "day", 0);
    assert_class(place_new(world.policy, &world.prices, GIB, -NOW_MS, NOW_MS), CLASS_DEEP_ARCHIVE, "day", 0);
    config_free(world.config);
    config_free(at_once.config);
}

static void policy_without_tiers_places_everything_in_standard(void **state)
{
    (void)state;
    struct world world = world_of("\"delete_after_days\": 30", "");
    struct place place = place_at(&world, GIB, 4000);

    assert_class(place, CLASS_STANDARD, "day", 4000);
    assert_int_equal(place.reason, PLACE_NO_TIERS);
    config_free(world.config);
}

/* The published break-evens in KiB against STANDARD, for a hold of 3, 12 and 84 months; ours counts days. */
static void break_even_is_that_of_the_list_prices(void **state)
{
    (void)state;
    static const struct {
        const char *class_;
        int days;
        uint64_t kib;
    } rows[] = {
        { "STANDARD_IA", 91, 167 },
        { "STANDARD_IA", 365, 89 },
        { "STANDARD_IA", 2555, 73 },
        { "GLACIER_IR", 91, 276 },
        { "GLACIER_IR", 365, 80 },
        { "GLACIER_IR", 2555, 31 },
        { "GLACIER", 91, 466 },
        { "GLACIER", 365, 129 },
        { "GLACIER", 2555, 32 },
        { "DEEP_ARCHIVE", 91, 769 },
        { "DEEP_ARCHIVE", 365, 189 },
        { "DEEP_ARCHIVE", 2555, 36 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const enum storage_class class_ = storage_class_from(rows[i].class_, strlen(rows[i].class_));
        char policy[200];
        (void)snprintf(policy, sizeof policy,
                "\"tiers\": [{\"after_days\": 1, \"class\": \"%s\"}], \"delete_after_days\": %d", rows[i].class_,
                rows[i].days);
        struct world world = world_of(policy, "");
        struct place below = place_at(&world, (rows[i].kib - 2) * KIB, 10);
        assert_class(below, CLASS_STANDARD, rows[i].class_, rows[i].kib);
        assert_int_equal(below.reason, PLACE_DEARER);
        assert_int_equal(below.by_age, class_);
        assert_in_range(below.needs_bytes, (rows[i].kib - 2) * KIB + 1, (rows[i].kib + 2) * KIB);
        assert_class(place_at(&world, below.needs_bytes - 1, 10), CLASS_STANDARD, rows[i].class_, rows[i].kib);
        assert_class(place_at(&world, below.needs_bytes, 10), class_, rows[i].class_, rows[i].kib);
        config_free(world.config);
    }
}

static void time_less_than_the_minimum_is_paid_for_and_not_worth_it(void **state)
{
    (void)state;
    /* 7 days of IA are billed as 30, at more than a quarter of STANDARD's price: no size gains */
    struct world world =
            world_of("\"tiers\": [{\"after_days\": 1, \"class\": \"STANDARD_IA\"}], \"delete_after_days\": 7", "");
    struct world longer =
            world_of("\"tiers\": [{\"after_days\": 1, \"class\": \"STANDARD_IA\"}], \"delete_after_days\": 20", "");
    struct place place = place_at(&world, 5000 * GIB, 3);

    assert_class(place, CLASS_STANDARD, "day", 3);
    assert_int_equal(place.reason, PLACE_DEARER);
    assert_int_equal(place.needs_bytes, 0);
    assert_int_equal(place_at(&world, PLACE_SIZE_UNKNOWN, 3).needs_bytes, 0);
    assert_int_equal(place_min_bytes(world.policy, &world.prices, CLASS_STANDARD_IA), UINT64_MAX);
    assert_class(place_at(&longer, GIB, 3), CLASS_STANDARD_IA, "day", 3); /* 20 at 0.023 are more than 30 at 0.0125 */
    config_free(world.config);
    config_free(longer.config);
}

static void what_is_too_small_for_the_deepest_tier_goes_to_the_next_one(void **state)
{
    (void)state;
    struct world world = world_of(TIERS ", \"delete_after_days\": 2555", "");
    static const struct {
        uint64_t kib;
        int64_t days;
        enum storage_class wanted;
    } rows[] = {
        { 30, 400, CLASS_STANDARD },
        { 34, 400, CLASS_GLACIER }, /* DEEP_ARCHIVE's dearer PUT is not earned back yet */
        { 60, 400, CLASS_GLACIER },
        { 66, 400, CLASS_DEEP_ARCHIVE },
        { 30, 100, CLASS_STANDARD },
        { 34, 100, CLASS_GLACIER },
        { 34, 40, CLASS_STANDARD }, /* 128 KiB would be billed */
        { 72, 40, CLASS_STANDARD },
        { 74, 40, CLASS_STANDARD_IA },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_class(place_at(&world, rows[i].kib * KIB, rows[i].days), rows[i].wanted, "KiB",
                (unsigned long long)rows[i].kib);
    assert_class(place_at(&world, 0, 4000), CLASS_STANDARD, "bytes", 0);
    assert_class(place_at(&world, PLACE_SIZE_UNKNOWN, 400), CLASS_DEEP_ARCHIVE, "unknown size, day", 400);
    config_free(world.config);
}

static void min_size_in_bytes_is_the_only_question_where_it_is_given(void **state)
{
    (void)state;
    struct world world = world_of(TIERS ", \"min_size\": 1000", "");
    struct world all = world_of(TIERS ", \"min_size\": 0", "");
    struct place place = place_at(&world, 999, 400);

    assert_class(place, CLASS_STANDARD, "bytes", 999);
    assert_int_equal(place.reason, PLACE_SMALL);
    assert_int_equal(place.by_age, CLASS_DEEP_ARCHIVE);
    assert_int_equal(place.needs_bytes, 1000);
    assert_class(place_at(&world, 1000, 400), CLASS_DEEP_ARCHIVE, "bytes", 1000);
    assert_class(place_at(&all, 0, 40), CLASS_STANDARD_IA, "bytes", 0);
    assert_int_equal(place_min_bytes(world.policy, &world.prices, CLASS_GLACIER), 1000);
    assert_int_equal(place_min_bytes(all.policy, &all.prices, CLASS_GLACIER), 0);
    assert_int_equal(place_min_bytes(all.policy, &all.prices, CLASS_GLACIER_IR), UINT64_MAX); /* no tier */
    config_free(world.config);
    config_free(all.config);
}

static void retention_is_the_longest_that_the_policy_keeps(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        int64_t days;
    } rows[] = {
        { "", 3650 },
        { "\"delete_after_days\": 45", 45 },
        { "\"keep\": {\"last\": 3, \"daily\": 35}", 35 },
        { "\"keep\": {\"hourly\": 49}", 3 },
        { "\"keep\": {\"daily\": 35, \"weekly\": 13}", 91 },
        { "\"keep\": {\"daily\": 35, \"monthly\": 12, \"yearly\": 7}", 2555 },
        { "\"keep\": {\"last\": 2, \"within\": \"1y5m7d2h\"}", 365 + 150 + 7 + 1 },
        { "\"keep\": {\"last\": 2, \"within_monthly\": \"2y\"}", 730 },
        { "\"keep\": {\"yearly\": -1}", 3650 },
        { "\"keep\": {\"yearly\": -1}, \"delete_after_days\": 2555", 2555 },
        { "\"keep\": {\"daily\": 35}, \"delete_after_days\": 2555", 35 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world = world_of(rows[i].policy, "");
        if (place_retention_days(world.policy) != rows[i].days)
            fail_msg("%s: %lld", rows[i].policy, (long long)place_retention_days(world.policy));
        config_free(world.config);
    }
}

static struct place move_at(const struct world *world, uint64_t size, int64_t days, enum storage_class from)
{
    return place_move(world->policy, &world->prices, size, NOW_MS - days * DAY_MS, NOW_MS, from);
}

static void move_never_goes_upwards(void **state)
{
    (void)state;
    struct world world = world_of(TIERS ", \"min_size\": 0", "");
    struct world none = world_of("", "");

    for (int from = 0; from < CLASS_COUNT; from++) {
        for (int64_t days = 0; days < 500; days++) {
            struct place place = move_at(&world, GIB, days, (enum storage_class)from);
            if (place.class_ != (enum storage_class)from)
                assert_true(storage_class_may_follow((enum storage_class)from, place.class_));
        }
        assert_class(move_at(&none, GIB, 4000, (enum storage_class)from), (enum storage_class)from, "from",
                (unsigned long long)from);
    }
    assert_class(move_at(&world, GIB, 400, CLASS_STANDARD_IA), CLASS_DEEP_ARCHIVE, "day", 400);
    assert_class(move_at(&world, GIB, 100, CLASS_DEEP_ARCHIVE), CLASS_DEEP_ARCHIVE, "day", 100);
    assert_int_equal(move_at(&world, GIB, 100, CLASS_DEEP_ARCHIVE).reason, PLACE_THERE);
    assert_int_equal(move_at(&world, GIB, 100, CLASS_GLACIER).reason, PLACE_THERE);
    assert_class(move_at(&world, GIB, 400, CLASS_OTHER), CLASS_OTHER, "day", 400);
    config_free(world.config);
    config_free(none.config);
}

static void move_by_rule_pays_the_transition_and_by_the_agent_the_copy_and_the_retrieval(void **state)
{
    (void)state;
    struct world rule = world_of("\"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": "
                                 "90, \"class\": \"GLACIER\"}], \"delete_after_days\": 365",
            "");
    struct world agent = world_of("\"transitions\": \"agent\", \"tiers\": [{\"after_days\": 30, \"class\": "
                                  "\"STANDARD_IA\"}, {\"after_days\": 90, \"class\": \"GLACIER\"}], "
                                  "\"delete_after_days\": 365",
            "");
    /* for 12 months: 0.01 for the move against 0.276 - 128 KiB's 0.15 a GiB; nothing is saved of the PUT */
    struct place small = move_at(&rule, 100 * KIB, 40, CLASS_STANDARD);

    assert_class(small, CLASS_STANDARD, "KiB", 100);
    assert_int_equal(small.reason, PLACE_DEARER);
    assert_class(place_at(&rule, 100 * KIB, 40), CLASS_STANDARD_IA, "KiB", 100);
    assert_in_range(small.needs_bytes, 107 * KIB, 109 * KIB); /* (1e-5 + 128 KiB x 0.15) / 0.276 */
    /* from IA to GLACIER, which saves 0.1068 a GiB: 3e-5 and the overhead's 3.4e-6 by rule, 0.01 a GiB more by the
     * agent */
    assert_class(move_at(&rule, 345 * KIB, 100, CLASS_STANDARD_IA), CLASS_GLACIER, "KiB", 345);
    assert_class(move_at(&agent, 345 * KIB, 100, CLASS_STANDARD_IA), CLASS_STANDARD_IA, "KiB", 345);
    assert_class(move_at(&agent, 370 * KIB, 100, CLASS_STANDARD_IA), CLASS_GLACIER, "KiB", 370);
    config_free(rule.config);
    config_free(agent.config);
}

static void size_for_rules_is_where_each_larger_object_gains_by_the_move(void **state)
{
    (void)state;
    struct world world = world_of(TIERS ", \"delete_after_days\": 2555", "");
    const struct config_policy *policy = world.policy;
    enum storage_class from = CLASS_STANDARD;

    for (size_t i = 0; i < policy->tier_count; i++) {
        const enum storage_class to = policy->tiers[i].class_;
        const uint64_t least = place_min_bytes(policy, &world.prices, to);
        const int64_t days = policy->tiers[i].after_days;
        assert_in_range(least, 20 * KIB, 400 * KIB);
        for (uint64_t size = 1; size < 64 * GIB; size += size / 3 + 1) {
            enum storage_class lies = from = CLASS_STANDARD;
            for (size_t before = 0; before < i; before++)
                lies = move_at(&world, size, policy->tiers[before].after_days, lies).class_;
            if (size >= least)
                assert_class(move_at(&world, size, days, lies), to, "bytes", (unsigned long long)size);
        }
        if (i > 0)
            from = policy->tiers[i - 1].class_;
        if (place_min_bytes(policy, &world.prices, from) < least || from == CLASS_STANDARD)
            assert_int_not_equal(move_at(&world, least - 1, days, from).class_, to);
    }
    config_free(world.config);
}

static void unknown_price_leaves_small_objects_and_follows_the_tiers_with_others(void **state)
{
    (void)state;
    struct world world = world_of(
            "\"tiers\": [{\"after_days\": 30, \"class\": \"INTELLIGENT_TIERING\"}, {\"after_days\": 90, \"class\": "
            "\"DEEP_ARCHIVE\"}]",
            "");
    struct place place = place_at(&world, 128 * KIB - 1, 40);

    assert_class(place, CLASS_STANDARD, "day", 40);
    assert_int_equal(place.reason, PLACE_UNPRICED);
    assert_int_equal(place.needs_bytes, 128 * KIB);
    assert_class(place_at(&world, 128 * KIB, 40), CLASS_INTELLIGENT_TIERING, "day", 40);
    assert_class(place_at(&world, 128 * KIB, 100), CLASS_DEEP_ARCHIVE, "day", 100);
    assert_class(
            place_at(&world, 64 * KIB, 100), CLASS_DEEP_ARCHIVE, "day", 100); /* against STANDARD, which is known */
    assert_int_equal(place_min_bytes(world.policy, &world.prices, CLASS_INTELLIGENT_TIERING), 128 * KIB);
    config_free(world.config);
}

static void prices_of_the_config_move_the_break_even(void **state)
{
    (void)state;
    static const char policy[] = "\"tiers\": [{\"after_days\": 1, \"class\": \"GLACIER\"}], \"delete_after_days\": 365";
    struct world cheap =
            world_of(policy, ", \"prices\": {\"classes\": {\"GLACIER\": {\"put_1k\": 0.005, \"overhead_bytes\": 0, "
                             "\"overhead_standard_bytes\": 0}}}");
    struct world dear = world_of(policy, ", \"prices\": {\"classes\": {\"GLACIER\": {\"minimum_days\": 2400}}}");
    struct world billed = world_of(policy, ", \"prices\": {\"classes\": {\"GLACIER\": {\"minimum_bytes\": 10485760}}}");

    assert_class(place_at(&cheap, 1, 10), CLASS_GLACIER, "bytes", 1);
    assert_class(place_at(&dear, GIB, 10), CLASS_STANDARD, "bytes", GIB); /* 2,400 days at 0.0036, 365 at 0.023 */
    assert_class(place_at(&billed, 1024 * KIB, 10), CLASS_STANDARD, "bytes", 1024 * KIB);
    assert_class(place_at(&billed, 2048 * KIB, 10), CLASS_GLACIER, "bytes", 2048 * KIB);
    config_free(cheap.config);
    config_free(dear.config);
    config_free(billed.config);
}

static void reason_is_told_in_words(void **state)
{
    (void)state;
    struct world world = world_of(TIERS ", \"min_size\": 1000", "");
    struct world automatic = world_of(TIERS ", \"delete_after_days\": 2555", "");
    struct world none = world_of("", "");
    char out[PLACE_TEXT_SIZE];
    struct place place = place_at(&world, 1000, 400);

    assert_string_equal(place_explain(&place, out, sizeof out), "400 days old: DEEP_ARCHIVE from 365 days on");
    place = place_at(&world, 1000, 3);
    assert_string_equal(place_explain(&place, out, sizeof out), "3 days old: STANDARD until 30 days");
    place = place_at(&world, 10, 100);
    assert_string_equal(place_explain(&place, out, sizeof out),
            "100 days old: STANDARD, as min_size keeps it from GLACIER under 1000 bytes");
    place = place_at(&automatic, 10 * KIB, 40);
    assert_non_null(strstr(place_explain(&place, out, sizeof out),
            "40 days old: STANDARD, as STANDARD_IA would cost more than it saves under 7"));
    place = place_at(&none, 10 * KIB, 40);
    assert_string_equal(place_explain(&place, out, sizeof out), "40 days old: STANDARD, the policy has no tiers");
    place = move_at(&world, 1000, 100, CLASS_GLACIER);
    assert_string_equal(place_explain(&place, out, sizeof out), "100 days old: lies in GLACIER already");
    config_free(world.config);
    config_free(automatic.config);
    config_free(none.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age_reaches_a_tier_on_its_day_and_not_a_millisecond_before),
        cmocka_unit_test(time_in_the_future_is_age_0),
        cmocka_unit_test(policy_without_tiers_places_everything_in_standard),
        cmocka_unit_test(break_even_is_that_of_the_list_prices),
        cmocka_unit_test(time_less_than_the_minimum_is_paid_for_and_not_worth_it),
        cmocka_unit_test(what_is_too_small_for_the_deepest_tier_goes_to_the_next_one),
        cmocka_unit_test(min_size_in_bytes_is_the_only_question_where_it_is_given),
        cmocka_unit_test(retention_is_the_longest_that_the_policy_keeps),
        cmocka_unit_test(move_never_goes_upwards),
        cmocka_unit_test(move_by_rule_pays_the_transition_and_by_the_agent_the_copy_and_the_retrieval),
        cmocka_unit_test(size_for_rules_is_where_each_larger_object_gains_by_the_move),
        cmocka_unit_test(unknown_price_leaves_small_objects_and_follows_the_tiers_with_others),
        cmocka_unit_test(prices_of_the_config_move_the_break_even),
        cmocka_unit_test(reason_is_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
