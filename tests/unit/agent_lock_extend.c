/* When a lock is extended, and what a year of it costs: tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "agent/lock_extend.h"

#define HOUR (INT64_C(3600) * 1000)
#define DAY (24 * HOUR)
#define NOW (INT64_C(20000) * DAY)

static void a_third_is_the_margin_and_two_weeks_at_most(void **state)
{
    static const int64_t rows[][2] = { { 1, 8 * HOUR }, { 3, DAY }, { 30, 10 * DAY }, { 42, 14 * DAY },
        { 43, 14 * DAY }, { 365, 14 * DAY }, { 36500, 14 * DAY } };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(lock_extend_margin_ms(rows[i][0]), rows[i][1]);
}

static void only_what_is_old_enough_is_looked_at(void **state)
{
    /* days, age, whether: a day before the margin begins, for a run may have begun long before it wrote */
    static const struct {
        int64_t days, age_ms;
        bool due;
    } rows[] = { { 30, 0, false }, { 30, 19 * DAY - 1, false }, { 30, 19 * DAY, true }, { 30, 20 * DAY, true },
        { 30, 300 * DAY, true }, { 365, 350 * DAY - 1, false }, { 365, 350 * DAY, true }, { 1, 0, true },
        { 2, 0, false }, { 2, 8 * HOUR, true } };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(lock_extend_may_be_due(rows[i].days, NOW - rows[i].age_ms, NOW), rows[i].due);
}

/* From four days on, so that the margin is longer than a day. Whatever the day of the look, an end that is a day's
 * prune away from the margin was found before it came. */
static void no_end_comes_unseen_where_a_prune_runs_daily(void **state)
{
    (void)state;
    for (int64_t days = 4; days <= 400; days += days < 50 ? 1 : 13) {
        int64_t until = days * DAY - 6 * HOUR; /* of a version that was written at 0, six hours after its run began */
        for (int64_t now = HOUR; now < 1000 * DAY; now += DAY) {
            assert_true(until > now);
            if (lock_extend_may_be_due(days, 0, now) && lock_extend_is_due(days, until, now))
                until = now + days * DAY;
        }
    }
}

static void an_end_is_moved_only_when_it_is_near(void **state)
{
    (void)state;
    assert_false(lock_extend_is_due(30, NOW + 30 * DAY, NOW));
    assert_false(lock_extend_is_due(30, NOW + 10 * DAY, NOW));
    assert_true(lock_extend_is_due(30, NOW + 10 * DAY - 1, NOW));
    assert_true(lock_extend_is_due(30, NOW - DAY, NOW)); /* it has run out */
    assert_true(lock_extend_is_due(30, 0, NOW));         /* there never was one */
}

static void a_year_costs_looks_and_extensions(void **state)
{
    struct prices prices = { .list_1k = 0 };
    struct lock_extend_year year;
    (void)state;
    prices.classes[CLASS_STANDARD] = (struct price){ .put_1k = 0.005, .get_1k = 0.0004 };
    year = lock_extend_year(&prices, 42, 1000);
    assert_true(fabs(year.looks - 365000) < 1e-6);
    assert_true(fabs(year.extensions - 365000.0 / 28) < 1e-6);
    assert_true(fabs(year.price - (365 * 0.0004 + 365.0 / 28 * 0.005)) < 1e-9);
    prices.classes[CLASS_STANDARD].put_1k = PRICE_UNKNOWN;
    assert_true(lock_extend_year(&prices, 42, 1000).price < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_third_is_the_margin_and_two_weeks_at_most),
        cmocka_unit_test(only_what_is_old_enough_is_looked_at),
        cmocka_unit_test(no_end_comes_unseen_where_a_prune_runs_daily),
        cmocka_unit_test(an_end_is_moved_only_when_it_is_near),
        cmocka_unit_test(a_year_costs_looks_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
