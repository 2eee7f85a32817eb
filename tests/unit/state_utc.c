/* Times: point ids and RFC 3339, held against tables and against the C library's timegm over all days of some
 * centuries. */
#include "state/utc.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    int64_t seconds;
    const char *point;
} points[] = {
    { 0, "19700101T000000Z" },
    { 951782400, "20000229T000000Z" }, /* a century that is a leap year */
    { 951868800, "20000301T000000Z" },
    { 1709164800, "20240229T000000Z" },
    { 1735689599, "20241231T235959Z" },
    { 1795143600, "20261120T030000Z" },
    { 4107542400, "21000301T000000Z" }, /* 2100 is none */
    { 4107542399, "21000228T235959Z" },
    { 253402300799, "99991231T235959Z" },
};

static void points_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        char text[STATE_POINT_SIZE];
        int64_t seconds = -1;
        assert_true(state_utc_to_point(points[i].seconds, text));
        assert_string_equal(text, points[i].point);
        assert_true(state_utc_from_point(text, strlen(text), &seconds));
        assert_int_equal(seconds, points[i].seconds);
    }
}

static void points_out_of_range_are_refused(void **state)
{
    (void)state;
    char text[STATE_POINT_SIZE];
    assert_false(state_utc_to_point(-1, text));
    assert_string_equal(text, "");
    assert_false(state_utc_to_point(253402300800, text));
    assert_false(state_utc_to_point(INT64_MAX, text));
    assert_false(state_utc_to_point(INT64_MIN, text));
}

static void what_is_no_point_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "20261120T030000", "20261120T030000z", "20261120t030000Z",
        "20261320T030000Z", "20260020T030000Z", "20260229T030000Z", "20260431T030000Z", "20261100T030000Z",
        "21000229T000000Z", "20261120T240000Z", "20261120T036000Z", "20261120T030060Z", "19691231T235959Z",
        "2026112 T030000Z", "+0261120T030000Z", "20261120T030000Z ", "2026-11-20T03:00Z" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t seconds;
        if (state_utc_from_point(bad[i], strlen(bad[i]), &seconds))
            fail_msg("%s was taken", bad[i]);
    }
}

static const struct {
    const char *text;
    int64_t ms;
    bool same; /* it is also how the time is written */
} times[] = {
    { "1970-01-01T00:00:00Z", 0, true },
    { "1969-12-31T23:59:59.999Z", -1, true },
    { "0001-01-01T00:00:00Z", STATE_TIME_MIN_MS, true },
    { "9999-12-31T23:59:59.999Z", STATE_TIME_MAX_MS, true },
    { "2026-11-20T03:00:00Z", 1795143600000, true },
    { "2026-11-20T03:00:00.001Z", 1795143600001, true },
    { "2026-11-20T03:00:00.100Z", 1795143600100, true },
    { "2026-11-20T03:00:00.1Z", 1795143600100, false },
    { "2026-11-20T03:00:00.000Z", 1795143600000, false },
    { "2026-11-20T03:00:00.1239999999999Z", 1795143600123, false },
    { "2026-11-20t03:00:00z", 1795143600000, false },
    { "2026-11-20T04:00:00+01:00", 1795143600000, false },
    { "2026-11-19T21:30:00-05:30", 1795143600000, false },
    { "2024-02-29T12:00:00Z", 1709208000000, true },
};

static void times_are_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t ms = 42;
        char text[STATE_TIME_SIZE];
        if (!state_utc_parse(times[i].text, strlen(times[i].text), &ms))
            fail_msg("%s was refused", times[i].text);
        assert_int_equal(ms, times[i].ms);
        size_t len = state_utc_format(ms, text);
        assert_int_equal(len, strlen(text));
        if (times[i].same)
            assert_string_equal(text, times[i].text);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "2026-11-20", "2026-11-20T03:00:00", "2026-11-20 03:00:00Z",
        "2026-11-20T03:00Z", "2026-11-20T03:00:00.Z", "2026-11-20T03:00:00,1Z", "2026-11-20T24:00:00Z",
        "2026-11-20T03:60:00Z", "2026-11-20T03:00:60Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01", "2026-11-20T03:00:00+24:00", "2026-11-20T03:00:00+1:00",
        "2026-11-20T03:00:00+0100", "2026-11-20T03:00:00Z0", "02026-11-20T03:00:00Z" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms;
        if (state_utc_parse(bad[i], strlen(bad[i]), &ms))
            fail_msg("%s was taken", bad[i]);
    }
    char text[STATE_TIME_SIZE];
    assert_int_equal(state_utc_format(STATE_TIME_MIN_MS - 1, text), 0);
    assert_int_equal(state_utc_format(STATE_TIME_MAX_MS + 1, text), 0);
    assert_int_equal(state_utc_format(INT64_MIN, text), 0);
    assert_string_equal(text, "");
}

/* Also under AddressSanitizer: nothing is read past the length. */
static void a_cut_time_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "2026-11-20T03:00:00.123+01:00";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        int64_t ms;
        assert_false(state_utc_parse(whole, len, &ms));
    }
}

static void each_day_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -719162; day <= 2932896; day += 37) { /* a step that meets every date */
        int64_t seconds = day * 86400 + (day & 0xFFFF);
        struct tm tm;
        time_t t = (time_t)seconds;
        char mine[STATE_TIME_SIZE], theirs[64];
        if (seconds * 1000 < STATE_TIME_MIN_MS)
            continue;
        assert_non_null(gmtime_r(&t, &tm));
        (void)snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_int_equal(state_utc_format(seconds * 1000, mine), strlen(theirs));
        assert_string_equal(mine, theirs);
        int64_t back;
        assert_true(state_utc_parse(mine, strlen(mine), &back));
        assert_int_equal(back, seconds * 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_round_trip),
        cmocka_unit_test(points_out_of_range_are_refused),
        cmocka_unit_test(what_is_no_point_is_refused),
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_cut_time_is_refused),
        cmocka_unit_test(each_day_agrees_with_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
