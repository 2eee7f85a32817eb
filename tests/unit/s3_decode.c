/* URL decoding, times, numbers and UTF-8, by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/decode.h"

static void escapes_are_decoded_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected; /* NULL: malformed */
    } rows[] = {
        { "", "" },
        { "plain", "plain" },
        { "a+b", "a b" }, /* as S3 writes it */
        { "+%2B+", " + " },
        { "%2B%20%2f%2F", "+ //" },
        { "%25%32%46", "%2F" }, /* once, not twice */
        { "%252F", "%2F" },
        { "%E2%82%AC", "\xE2\x82\xAC" },
        { "a%0Ab", "a\nb" },
        { "%", NULL },
        { "a%", NULL },
        { "a%2", NULL },
        { "%2G", NULL },
        { "%G2", NULL },
        { "%%41", NULL },
        { "% 1", NULL },
        { "%+1", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].text);
        char *copy = malloc(length + 1); /* one more, as malloc(0) may be NULL */
        assert_non_null(copy);
        memcpy(copy, rows[i].text, length);
        size_t got = s3_url_decode(copy, length);
        if (rows[i].expected == NULL) {
            assert_true(got == (size_t)-1);
        } else {
            assert_int_equal(got, strlen(rows[i].expected));
            assert_memory_equal(copy, rows[i].expected, got);
        }
        free(copy);
    }
    char nul[] = "a%00b";
    assert_int_equal(s3_url_decode(nul, 5), 3);
    assert_memory_equal(nul, "a\0b", 3);
}

static void every_byte_survives_encoding_and_decoding(void **state)
{
    (void)state;
    char text[256 * 3 + 1];
    for (int byte = 0; byte < 256; byte++) {
        (void)snprintf(text + byte * 3, 4, byte % 2 != 0 ? "%%%02X" : "%%%02x", (unsigned)byte);
    }
    assert_int_equal(s3_url_decode(text, 256 * 3), 256);
    for (int byte = 0; byte < 256; byte++) {
        assert_int_equal((unsigned char)text[byte], byte);
    }
}

static void iso_times_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t milliseconds;
    } good[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:00.000Z", 0 },
        { "2013-05-24T00:00:00.000Z", INT64_C(1369353600000) },
        { "2000-02-29T23:59:59.999Z", INT64_C(951868799999) },
        { "2024-02-29T12:00:00.1Z", INT64_C(1709208000100) },
        { "2024-12-31T23:59:59.123456789Z", INT64_C(1735689599123) },
        { "1969-12-31T23:59:59.999Z", -1 },
        { "2100-03-01T00:00:00Z", INT64_C(4107542400000) },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
        { "9999-12-31T23:59:59Z", INT64_C(253402300799000) },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t got = 42;
        assert_true(s3_parse_iso_time(good[i].text, strlen(good[i].text), &got));
        assert_true(got == good[i].milliseconds);
    }
    static const char *const bad[] = { "", "Z", "2013-05-24", "2013-05-24T00:00:00", "2013-05-24T00:00:00+00:00",
        "2013-05-24 00:00:00Z", "2013-13-24T00:00:00Z", "2013-00-24T00:00:00Z", "2013-05-32T00:00:00Z",
        "2013-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2013-05-24T24:00:00Z", "2013-05-24T00:60:00Z",
        "2013-05-24T00:00:61Z", "2013-05-24T00:00:00.Z", "2013-05-24T00:00:00.0x0Z", "2013-05-24T00:00:00,000Z",
        "x013-05-24T00:00:00Z", "0000-01-01T00:00:00Z", "2013-05-24T00:00:00ZZ", "-013-05-24T00:00:00Z" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t got = 42;
        if (s3_parse_iso_time(bad[i], strlen(bad[i]), &got)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void http_times_are_exact(void **state)
{
    (void)state;
    int64_t got = 0;
    assert_true(s3_parse_http_time("Fri, 24 May 2013 00:00:00 GMT", 29, &got));
    assert_true(got == 1369353600);
    assert_true(s3_parse_http_time("Tue, 29 Feb 2000 23:59:59 GMT", 29, &got));
    assert_true(got == 951868799);
    static const char *const bad[] = { "", "Fri, 24 May 2013 00:00:00", "Fri, 24 May 2013 00:00:00 UTC",
        "Fre, 24 May 2013 00:00:00 GMT", "Fri, 24 Mai 2013 00:00:00 GMT", "Fri, 31 Apr 2013 00:00:00 GMT",
        "Friday, 24-May-13 00:00:00 GMT", "Fri May 24 00:00:00 2013", "Fri, 24 May 2013 25:00:00 GMT",
        "Fri, 24 May 2013 00.00.00 GMT", "riS, 24 May 2013 00:00:00 GMT" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (s3_parse_http_time(bad[i], strlen(bad[i]), &got)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void each_day_of_400_years_follows_the_last(void **state)
{
    (void)state;
    static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t expected = 0;
    for (unsigned year = 1970; year < 2370; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (unsigned month = 1; month <= 12; month++) {
            unsigned last = days[month - 1] + (leap && month == 2 ? 1U : 0U);
            for (unsigned day = 1; day <= last; day++) {
                char text[40];
                int length = snprintf(text, sizeof text, "%04u-%02u-%02uT00:00:00Z", year, month, day);
                int64_t got;
                assert_true(s3_parse_iso_time(text, (size_t)length, &got));
                assert_true(got == expected);
                expected += 86400000;
            }
        }
    }
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    uint64_t got;
    assert_true(s3_parse_number("0", 1, &got) && got == 0);
    assert_true(s3_parse_number("007", 3, &got) && got == 7);
    assert_true(s3_parse_number("18446744073709551615", 20, &got) && got == UINT64_MAX);
    static const char *const bad[] = { "", "18446744073709551616", "99999999999999999999", "-1", "+1", " 1", "1 ",
        "1.0", "1e3", "0x1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(s3_parse_number(bad[i], strlen(bad[i]), &got));
    }
}

/* Against the definition: what encoding every code point gives is accepted, and nothing else of up to three bytes. */
static void utf8_is_what_unicode_says(void **state)
{
    (void)state;
    size_t accepted[5] = { 0 };
    for (uint32_t bytes = 0; bytes < 0x1000000; bytes += bytes < 0x800000 ? 1 : 3) {
        char text[3] = { (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes };
        if ((bytes >> 16) >= 0xE0 && s3_is_utf8(text, 3)) {
            uint32_t point = ((bytes >> 16 & 0x0F) << 12) | ((bytes >> 8 & 0x3F) << 6) | (bytes & 0x3F);
            assert_true(point >= 0x800 && (point < 0xD800 || point > 0xDFFF));
        }
    }
    for (uint32_t point = 0; point < 0x110000 + 0x1000; point++) {
        char text[4];
        size_t length;
        if (point < 0x80) {
            length = 1;
            text[0] = (char)point;
        } else if (point < 0x800) {
            length = 2;
            text[0] = (char)(0xC0 | point >> 6);
        } else if (point < 0x10000) {
            length = 3;
            text[0] = (char)(0xE0 | point >> 12);
        } else {
            length = 4;
            text[0] = (char)(0xF0 | point >> 18);
        }
        for (size_t i = 1; i < length; i++) {
            text[i] = (char)(0x80 | (point >> (6 * (length - 1 - i)) & 0x3F));
        }
        bool is_point = point < 0x110000 && (point < 0xD800 || point > 0xDFFF);
        assert_int_equal(s3_is_utf8(text, length), is_point);
        accepted[length] += is_point;
        for (size_t cut = 1; cut < length; cut++) {
            assert_false(s3_is_utf8(text, cut));
        }
    }
    assert_int_equal(accepted[1], 0x80);
    assert_int_equal(accepted[2], 0x780);
    assert_int_equal(accepted[3], 0xF800 - 0x800);
    assert_int_equal(accepted[4], 0x100000);
    static const char *const bad[] = { "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF",
        "\xF5\x80\x80\x80", "\xFE", "\xFF", "12345678\x80", "1234567\xC3", "\xC3\xC3" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(s3_is_utf8(bad[i], strlen(bad[i])));
    }
    assert_true(s3_is_utf8("12345678abcdefgh\xC3\xA9xyz", 21));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_decoded_exactly),
        cmocka_unit_test(every_byte_survives_encoding_and_decoding),
        cmocka_unit_test(iso_times_are_exact),
        cmocka_unit_test(http_times_are_exact),
        cmocka_unit_test(each_day_of_400_years_follows_the_last),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(utf8_is_what_unicode_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
