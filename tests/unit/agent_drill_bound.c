/* Clopper and Pearson's one-sided bound against known values. */
#include "agent/drill_bound.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void known_values_come_out(void **state)
{
    (void)state;
    /* the quantiles of the beta distribution (bad + 1, tested - bad), from sums of exact
     * binomial terms with 60 digits */
    static const struct {
        uint64_t bad, tested;
        double bound;
    } cases[] = {
        { 0, 0, 1.000000000000 },
        { 1, 1, 1.000000000000 },
        { 3, 2, 1.000000000000 },
        { 0, 1, 0.950000000000 },
        { 0, 2, 0.776393202250 },
        { 0, 10, 0.258865550893 },
        { 0, 59, 0.049507609888 },
        { 0, 100, 0.029513049607 },
        { 0, 299, 0.009969146793 },
        { 0, 1000, 0.002991249545 },
        { 0, 10000, 0.000299528360 },
        { 1, 2, 0.974679434481 },
        { 1, 10, 0.394163302437 },
        { 1, 100, 0.046559811454 },
        { 2, 100, 0.061619200396 },
        { 5, 20, 0.455582404002 },
        { 10, 100, 0.163717623276 },
        { 50, 100, 0.586378285369 },
        { 99, 100, 0.999487198584 },
        { 9, 10, 0.994883803108 },
        { 300, 1000, 0.324753612719 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double bound = drill_bound(cases[i].bad, cases[i].tested, 0.95);
        if (bound < cases[i].bound - 1e-9 || bound > cases[i].bound + 1e-9)
            fail_msg("%llu bad of %llu: %.12f instead of %.12f", (unsigned long long)cases[i].bad,
                    (unsigned long long)cases[i].tested, bound, cases[i].bound);
    }
}

static void more_tests_say_more_and_more_failures_less(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 300; n++) {
        assert_true(drill_bound(0, n + 1, 0.95) < drill_bound(0, n, 0.95));
        assert_true(drill_bound(0, n, 0.99) > drill_bound(0, n, 0.95));
        for (uint64_t k = 0; k < n; k++)
            assert_true(drill_bound(k, n, 0.95) >= (double)k / (double)n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values_come_out),
        cmocka_unit_test(more_tests_say_more_and_more_failures_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
