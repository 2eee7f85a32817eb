/* See utc.h. The calendar arithmetic counts days in 400-year eras that begin on 1 March, so that leap days come last.
 */
#include "state/utc.h"

#include <string.h>

enum { MS_PER_DAY = 86400000, DAYS_PER_ERA = 146097, EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */ };

struct civil {
    int year, month, day;
};

static int64_t days_from_civil(struct civil c)
{
    int64_t y = c.month <= 2 ? c.year - 1 : c.year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_DAYS;
}

static struct civil civil_from_days(int64_t days)
{
    int64_t z = days + EPOCH_DAYS;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t doe = z - era * DAYS_PER_ERA;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct civil c;
    c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    return c;
}

static int days_in_month(int year, int month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static void put_digits(char *out, int digits, int value)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

static bool take_digits(const char **p, const char *end, int digits, int *value)
{
    if (end - *p < digits)
        return false;
    int v = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *p += digits;
    *value = v;
    return true;
}

static bool take_char(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    (*p)++;
    return true;
}

static bool date_exists(struct civil c)
{
    return c.year >= 1 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= days_in_month(c.year, c.month);
}

bool state_utc_to_point(int64_t seconds, char out[STATE_POINT_SIZE])
{
    out[0] = '\0';
    if (seconds < 0 || seconds > STATE_TIME_MAX_MS / 1000)
        return false;
    struct civil c = civil_from_days(seconds / 86400);
    int of_day = (int)(seconds % 86400);
    put_digits(out, 4, c.year);
    put_digits(out + 4, 2, c.month);
    put_digits(out + 6, 2, c.day);
    out[8] = 'T';
    put_digits(out + 9, 2, of_day / 3600);
    put_digits(out + 11, 2, of_day / 60 % 60);
    put_digits(out + 13, 2, of_day % 60);
    out[15] = 'Z';
    out[16] = '\0';
    return true;
}

bool state_utc_from_point(const char *text, size_t len, int64_t *seconds)
{
    if (len != STATE_POINT_LEN)
        return false;
    const char *p = text, *end = text + len;
    struct civil c;
    int hour, minute, second;
    if (!take_digits(&p, end, 4, &c.year) || !take_digits(&p, end, 2, &c.month) || !take_digits(&p, end, 2, &c.day) ||
            !take_char(&p, end, 'T') || !take_digits(&p, end, 2, &hour) || !take_digits(&p, end, 2, &minute) ||
            !take_digits(&p, end, 2, &second) || !take_char(&p, end, 'Z'))
        return false;
    if (c.year < 1970 || !date_exists(c) || hour > 23 || minute > 59 || second > 59)
        return false;
    *seconds = days_from_civil(c) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

size_t state_utc_format(int64_t ms, char out[STATE_TIME_SIZE])
{
    out[0] = '\0';
    if (ms < STATE_TIME_MIN_MS || ms > STATE_TIME_MAX_MS)
        return 0;
    int64_t days = ms / MS_PER_DAY;
    int of_day = (int)(ms % MS_PER_DAY);
    if (of_day < 0) {
        of_day += MS_PER_DAY;
        days--;
    }
    struct civil c = civil_from_days(days);
    int second = of_day / 1000;
    put_digits(out, 4, c.year);
    out[4] = '-';
    put_digits(out + 5, 2, c.month);
    out[7] = '-';
    put_digits(out + 8, 2, c.day);
    out[10] = 'T';
    put_digits(out + 11, 2, second / 3600);
    out[13] = ':';
    put_digits(out + 14, 2, second / 60 % 60);
    out[16] = ':';
    put_digits(out + 17, 2, second % 60);
    size_t n = 19;
    if (of_day % 1000 != 0) {
        out[n] = '.';
        put_digits(out + n + 1, 3, of_day % 1000);
        n += 4;
    }
    out[n++] = 'Z';
    out[n] = '\0';
    return n;
}

/* ".123456": what is below a millisecond is cut. */
static bool take_fraction(const char **p, const char *end, int *ms)
{
    *ms = 0;
    if (!take_char(p, end, '.'))
        return true;
    int weight = 100;
    const char *first = *p;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        *ms += (**p - '0') * weight;
        weight /= 10;
    }
    return *p > first;
}

static bool take_zone(const char **p, const char *end, int *minutes_east)
{
    *minutes_east = 0;
    if (take_char(p, end, 'Z') || take_char(p, end, 'z'))
        return true;
    int sign = take_char(p, end, '+') ? 1 : take_char(p, end, '-') ? -1 : 0;
    int hour, minute;
    if (sign == 0 || !take_digits(p, end, 2, &hour) || !take_char(p, end, ':') || !take_digits(p, end, 2, &minute) ||
            hour > 23 || minute > 59)
        return false;
    *minutes_east = sign * (hour * 60 + minute);
    return true;
}

bool state_utc_parse(const char *text, size_t len, int64_t *ms)
{
    const char *p = text, *end = text + len;
    struct civil c;
    int hour, minute, second, fraction, east;
    if (!take_digits(&p, end, 4, &c.year) || !take_char(&p, end, '-') || !take_digits(&p, end, 2, &c.month) ||
            !take_char(&p, end, '-') || !take_digits(&p, end, 2, &c.day))
        return false;
    if (!take_char(&p, end, 'T') && !take_char(&p, end, 't'))
        return false;
    if (!take_digits(&p, end, 2, &hour) || !take_char(&p, end, ':') || !take_digits(&p, end, 2, &minute) ||
            !take_char(&p, end, ':') || !take_digits(&p, end, 2, &second) || !take_fraction(&p, end, &fraction) ||
            !take_zone(&p, end, &east) || p != end)
        return false;
    if (!date_exists(c) || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t t = days_from_civil(c) * MS_PER_DAY + ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + fraction -
                (int64_t)east * 60000;
    if (t < STATE_TIME_MIN_MS || t > STATE_TIME_MAX_MS)
        return false;
    *ms = t;
    return true;
}
