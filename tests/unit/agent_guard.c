/* When the guard trips, by cases: guard.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/guard.h"

static const struct config_guard policy = { .changed = 0.3, .deleted = 0.1, .at_least = 20 };

static void the_guard_trips_by_shares_and_by_halves(void **state)
{
    static const struct {
        struct guard_view view;
        const char *said; /* a part of the reason; NULL: does not trip */
    } cases[] = {
        /* nothing to compare with */
        { { false, 0, 0, 0, 0, 0 }, NULL },
        { { false, 0, 0, 1000, 1000, 0 }, NULL },
        { { true, 0, 0, 0, 0, 0 }, NULL },
        /* a usual day */
        { { true, 1000, 1000, 10, 5, 0 }, NULL },
        { { true, 1000, 2000, 300, 100, 0 }, NULL },
        /* shares, and just above them */
        { { true, 1000, 899, 0, 101, 0 }, "101 of 1000 objects (10 %) are missing" },
        { { true, 1000, 1000, 301, 0, 0 }, "301 of 1000 objects (30 %) were replaced" },
        { { true, 1000, 1000, 0, 0, 101 }, "customer's key" },
        { { true, 1000, 1000, 0, 0, 100 }, NULL },
        /* thirty objects are enough to be judged by shares, nineteen are not */
        { { true, 30, 26, 0, 4, 0 }, "4 of 30" },
        { { true, 30, 27, 0, 3, 0 }, NULL },
        { { true, 30, 30, 10, 0, 0 }, "replaced" },
        { { true, 19, 15, 0, 4, 0 }, NULL },
        { { true, 19, 19, 19, 0, 0 }, NULL },
        /* more than half is missing, however few there were */
        { { true, 19, 9, 0, 10, 0 }, "10 of 19" },
        { { true, 2, 1, 0, 1, 0 }, NULL },
        { { true, 3, 1, 0, 2, 0 }, "2 of 3" },
        { { true, 19, 19, 0, 0, 10 }, "customer's key" },
        /* nothing is listed where something was, also if the manifest has nothing of it to miss */
        { { true, 1, 0, 0, 1, 0 }, "nothing is listed where 1 objects were" },
        { { true, 1000, 0, 0, 0, 0 }, "nothing is listed where 1000 objects were" },
    };
    char reason[GUARD_REASON_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool trips = guard_trips(&policy, &cases[i].view, reason);
        if (trips != (cases[i].said != NULL))
            fail_msg("case %zu: \"%s\"", i, reason);
        if (trips && strstr(reason, cases[i].said) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, reason, cases[i].said);
        if (!trips)
            assert_string_equal(reason, "");
    }
}

static void a_policy_of_its_own_shares_is_followed(void **state)
{
    static const struct config_guard lax = { .changed = 1.0, .deleted = 1.0, .at_least = 0 };
    char reason[GUARD_REASON_SIZE];

    (void)state;
    assert_false(guard_trips(&lax, &(struct guard_view){ true, 100, 100, 100, 50, 0 }, reason));
    /* more than half missing trips whatever the policy says */
    assert_true(guard_trips(&lax, &(struct guard_view){ true, 100, 49, 0, 51, 0 }, reason));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_guard_trips_by_shares_and_by_halves),
        cmocka_unit_test(a_policy_of_its_own_shares_is_followed) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
