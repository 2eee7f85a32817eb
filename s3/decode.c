/* See decode.h. These run once an entry of a list, so the usual case (no escape, plain ASCII) takes the short way. */
#include "s3/decode.h"

#include <string.h>

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'A' && byte <= 'F') {
        return byte - 'A' + 10;
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return -1;
}

size_t s3_url_decode(char *text, size_t length)
{
    size_t from = 0;
    while (from < length && text[from] != '%' && text[from] != '+') {
        from++;
    }
    size_t to = from;
    while (from < length) {
        if (text[from] != '%') {
            text[to++] = text[from] == '+' ? ' ' : text[from];
            from++;
            continue;
        }
        int high = length - from > 2 ? hex_value(text[from + 1]) : -1;
        int low = high >= 0 ? hex_value(text[from + 2]) : -1;
        if (low < 0) {
            return (size_t)-1;
        }
        text[to++] = (char)(unsigned char)(high * 16 + low);
        from += 3;
    }
    return to;
}

/* Days since 1970 of a date in the Gregorian calendar, counted in years that begin in March (leap days are then last).
 */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t month_from_march = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool make_seconds(unsigned year, unsigned month, unsigned day, const unsigned clock[3], int64_t *seconds)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (year == 0 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    unsigned last_day = days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
    /* 60 is a leap second, which the count of seconds does not know: it falls on the next minute. */
    if (day > last_day || clock[0] > 23 || clock[1] > 59 || clock[2] > 60) {
        return false;
    }
    *seconds = days_of(year, month, day) * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2];
    return true;
}

static bool digits(const char *text, size_t count, unsigned *value)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

static bool clock_digits(const char *text, unsigned clock[3])
{
    return text[2] == ':' && text[5] == ':' && digits(text, 2, &clock[0]) && digits(text + 3, 2, &clock[1]) &&
           digits(text + 6, 2, &clock[2]);
}

bool s3_parse_iso_time(const char *text, size_t length, int64_t *milliseconds)
{
    unsigned year, month, day, clock[3];
    int64_t seconds;
    if (length < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[length - 1] != 'Z') {
        return false;
    }
    if (!digits(text, 4, &year) || !digits(text + 5, 2, &month) || !digits(text + 8, 2, &day) ||
            !clock_digits(text + 11, clock) || !make_seconds(year, month, day, clock, &seconds)) {
        return false;
    }
    int64_t fraction = 0;
    if (length > 20) {
        if (text[19] != '.' || length == 21) {
            return false;
        }
        int64_t weight = 100;
        for (size_t i = 20; i < length - 1; i++) {
            if (text[i] < '0' || text[i] > '9') {
                return false;
            }
            fraction += weight * (text[i] - '0');
            weight /= 10;
        }
    }
    *milliseconds = seconds * 1000 + fraction;
    return true;
}

bool s3_parse_http_time(const char *text, size_t length, int64_t *seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    unsigned year, day, clock[3];
    if (length != 29 || memcmp(text + 3, ", ", 2) != 0 || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' ||
            memcmp(text + 25, " GMT", 4) != 0) {
        return false;
    }
    unsigned weekday = 0;
    while (weekday < 7 && memcmp(text, weekdays + weekday * 3, 3) != 0) {
        weekday++;
    }
    unsigned month = 0;
    while (month < 12 && memcmp(text + 8, months + month * 3, 3) != 0) {
        month++;
    }
    /* That the weekday is the date's own is not checked: a server that errs there still has the right time. */
    return weekday < 7 && month < 12 && digits(text + 5, 2, &day) && digits(text + 12, 4, &year) &&
           clock_digits(text + 17, clock) && make_seconds(year, month + 1, day, clock, seconds);
}

bool s3_parse_number(const char *text, size_t length, uint64_t *number)
{
    uint64_t value = 0;
    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

/* The length of the character of several bytes at `at`, 0 where it is none. Table 3-7 of the Unicode standard. */
static size_t utf8_character(const unsigned char *at, size_t left)
{
    unsigned lead = at[0];
    unsigned low = 0x80, high = 0xBF;
    size_t length;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        low = lead == 0xE0 ? 0xA0 : 0x80;
        high = lead == 0xED ? 0x9F : 0xBF; /* surrogates */
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        low = lead == 0xF0 ? 0x90 : 0x80;
        high = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (left < length || at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool s3_is_utf8(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < length) {
        uint64_t word;
        if (length - at >= sizeof word) {
            memcpy(&word, bytes + at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof word;
                continue;
            }
        }
        if (bytes[at] < 0x80) {
            at++;
            continue;
        }
        size_t character = utf8_character(bytes + at, length - at);
        if (character == 0) {
            return false;
        }
        at += character;
    }
    return true;
}
