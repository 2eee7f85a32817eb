/* What --at means: get_when.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/get.h"

#define NOW INT64_C(1795143600000) /* 2026-11-20T03:00:00Z */

static void each_form_of_a_time_is_understood(void **state)
{
    static const struct {
        const char *text;
        enum get_when_kind kind;
        int64_t until_ms;
    } cases[] = {
        { NULL, GET_LATEST, INT64_MAX },
        { "latest", GET_LATEST, INT64_MAX },
        { "20261120T030000Z", GET_POINT, INT64_MAX },
        { "2026-11-20T03:00:00Z", GET_TIME, NOW },
        { "2026-11-20T04:00:00.5+01:00", GET_TIME, NOW + 500 },
        { "2h", GET_AGE, NOW - INT64_C(7200000) },
        { "3d", GET_AGE, NOW - INT64_C(259200000) },
        { "90s", GET_AGE, NOW - 90000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct get_when when;
        assert_true(get_when_parse(cases[i].text, &when));
        assert_int_equal(when.kind, cases[i].kind);
        assert_true(get_when_ms(&when, NOW) == cases[i].until_ms);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const wrong[] = { "", "yesterday", "Latest", "20261120T030000", "20261320T030000Z", "2026-11-20",
        "0h", "2", "h", "-2h", "2h ", "2026-11-20T03:00:00", "99999999999999999999d" };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct get_when when;
        assert_false(get_when_parse(wrong[i], &when));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_a_time_is_understood),
        cmocka_unit_test(what_is_no_time_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
