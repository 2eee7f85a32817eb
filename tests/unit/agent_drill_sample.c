/* What a drill takes: strata, shares, chances, and that a seed says it all. */
#include "agent/drill_sample.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static void every_object_has_one_stratum(void **state)
{
    (void)state;
    static const struct {
        enum storage_class class_;
        int64_t age_ms;
        uint64_t size;
        const char *age, *size_name;
    } cases[] = {
        { CLASS_STANDARD, 0, 0, "under 30 days", "up to 128 KiB" },
        { CLASS_STANDARD, -5, 131072, "under 30 days", "up to 128 KiB" },
        { CLASS_GLACIER, 30 * DAY_MS - 1, 131073, "under 30 days", "128 KiB to 8 MiB" },
        { CLASS_GLACIER, 30 * DAY_MS, 8388608, "30 to 90 days", "128 KiB to 8 MiB" },
        { CLASS_DEEP_ARCHIVE, 90 * DAY_MS, 8388609, "90 to 365 days", "8 MiB to 1 GiB" },
        { CLASS_OTHER, 365 * DAY_MS, UINT64_C(1073741824), "over a year", "8 MiB to 1 GiB" },
        { CLASS_OTHER, INT64_MAX, UINT64_MAX, "over a year", "over 1 GiB" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned stratum = drill_stratum(cases[i].class_, cases[i].age_ms, cases[i].size);
        assert_true(stratum < DRILL_STRATA);
        assert_int_equal(drill_stratum_class(stratum), cases[i].class_);
        assert_string_equal(drill_stratum_age(stratum), cases[i].age);
        assert_string_equal(drill_stratum_size(stratum), cases[i].size_name);
    }
}

static uint64_t allot(struct drill_sample *sample, const uint64_t *objects, size_t n, uint64_t total)
{
    drill_sample_init(sample, 1);
    for (unsigned i = 0; i < n; i++)
        for (uint64_t k = 0; k < objects[i]; k++)
            drill_sample_count(sample, i, 10);
    return drill_sample_allot(sample, total);
}

static void shares_are_in_proportion_and_nobody_is_left_out(void **state)
{
    (void)state;
    static const struct {
        uint64_t objects[4], total, wanted[4], given;
    } cases[] = {
        { { 100, 0, 0, 0 }, 10, { 10, 0, 0, 0 }, 10 },
        { { 500, 300, 200, 0 }, 10, { 5, 3, 2, 0 }, 10 },
        { { 9998, 1, 1, 0 }, 10, { 8, 1, 1, 0 }, 10 },
        { { 5, 5, 5, 5 }, 2, { 1, 1, 1, 1 }, 4 },   /* fewer than strata: one of each all the same */
        { { 3, 2, 0, 1 }, 100, { 3, 2, 0, 1 }, 6 }, /* more than there are: all */
        { { 0, 0, 0, 0 }, 10, { 0, 0, 0, 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drill_sample sample;
        assert_int_equal(allot(&sample, cases[i].objects, 4, cases[i].total), cases[i].given);
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(sample.wanted[k], cases[i].wanted[k]);
        if (cases[i].objects[0] > 0)
            assert_int_equal(sample.bytes[0], cases[i].objects[0] * 10);
    }
}

static uint64_t take_all(struct drill_sample *sample, unsigned strata, uint64_t each, uint64_t hits[])
{
    uint64_t taken = 0;

    for (uint64_t i = 0; i < strata * each; i++)
        if (drill_sample_takes(sample, (unsigned)(i % strata))) {
            hits[i]++;
            taken++;
        }
    return taken;
}

static void exactly_its_share_of_each_stratum_is_taken_by_every_seed(void **state)
{
    (void)state;
    enum { STRATA = 3, EACH = 20 };
    static const uint64_t objects[STRATA] = { EACH, EACH, EACH };
    uint64_t hits[STRATA * EACH] = { 0 };
    enum { SEEDS = 4000 };

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct drill_sample sample;
        (void)allot(&sample, objects, STRATA, 15);
        sample.dice = seed;
        assert_int_equal(take_all(&sample, STRATA, EACH, hits), 15);
        for (unsigned k = 0; k < STRATA; k++)
            assert_int_equal(sample.taken[k], 5);
    }
    for (size_t i = 0; i < sizeof hits / sizeof *hits; i++) /* a quarter each: 1,000, with a deviation of 27 */
        assert_in_range(hits[i], 850, 1150);
}

static void the_same_seed_takes_the_same_sample(void **state)
{
    (void)state;
    static const uint64_t objects[2] = { 50, 50 };
    uint64_t first[100] = { 0 }, again[100] = { 0 }, other[100] = { 0 };
    struct drill_sample sample;

    (void)allot(&sample, objects, 2, 20);
    (void)take_all(&sample, 2, 50, first);
    (void)allot(&sample, objects, 2, 20);
    (void)take_all(&sample, 2, 50, again);
    (void)allot(&sample, objects, 2, 20);
    sample.dice = 99;
    (void)take_all(&sample, 2, 50, other);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

static void objects_that_came_between_the_passes_change_nothing(void **state)
{
    (void)state;
    static const uint64_t objects[1] = { 3 };
    uint64_t hits[10] = { 0 };
    struct drill_sample sample;

    (void)allot(&sample, objects, 1, 3);
    assert_int_equal(take_all(&sample, 1, 10, hits), 3);
    assert_false(drill_sample_takes(&sample, 7));
}

static void a_sample_is_worth_what_its_weakest_stratum_is(void **state)
{
    (void)state;
    static const struct {
        uint64_t tested[3], objects[3], worth;
    } cases[] = {
        { { 10, 0, 0 }, { 1000, 0, 0 }, 10 },
        { { 5, 3, 2 }, { 500, 300, 200 }, 10 },
        { { 8, 1, 1 }, { 9998, 1, 1 }, 8 }, /* 8.0016 */
        { { 10, 1, 0 }, { 100, 100, 0 }, 2 },
        { { 10, 0, 0 }, { 100, 1, 0 }, 0 },
        { { 3, 2, 1 }, { 3, 2, 1 }, 6 },
        { { 7, 0, 0 }, { 0, 0, 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t tested[DRILL_STRATA] = { 0 }, objects[DRILL_STRATA] = { 0 };
        memcpy(tested, cases[i].tested, sizeof cases[i].tested);
        memcpy(objects, cases[i].objects, sizeof cases[i].objects);
        assert_int_equal(drill_sample_worth(tested, objects), cases[i].worth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_has_one_stratum),
        cmocka_unit_test(shares_are_in_proportion_and_nobody_is_left_out),
        cmocka_unit_test(exactly_its_share_of_each_stratum_is_taken_by_every_seed),
        cmocka_unit_test(the_same_seed_takes_the_same_sample),
        cmocka_unit_test(objects_that_came_between_the_passes_change_nothing),
        cmocka_unit_test(a_sample_is_worth_what_its_weakest_stratum_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
