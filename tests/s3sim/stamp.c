/* See stamp.h. Civil date from days: the usual era arithmetic on a year that begins in March. */
#include "stamp.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t offset_seconds;
static _Atomic int tolerates_real_time;

struct civil {
    int64_t year;
    unsigned month, day, hour, minute, second, weekday;
};

int64_t clock_real(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

int64_t clock_now(void)
{
    return clock_real() + atomic_load_explicit(&offset_seconds, memory_order_relaxed);
}

int64_t clock_steady_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_offset(int64_t seconds, int tolerant)
{
    atomic_store(&offset_seconds, seconds);
    atomic_store(&tolerates_real_time, tolerant);
}

int clock_is_tolerant(void)
{
    return atomic_load_explicit(&tolerates_real_time, memory_order_relaxed);
}

static struct civil civil_of(int64_t s)
{
    int64_t days = s / 86400, rest = s % 86400;
    if (rest < 0)
        rest += 86400, days--;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    struct civil c = { .day = doy - (153 * mp + 2) / 5 + 1, .month = mp < 10 ? mp + 3 : mp - 9 };
    c.year = (int64_t)yoe + era * 400 + (c.month <= 2);
    c.hour = (unsigned)rest / 3600;
    c.minute = (unsigned)rest / 60 % 60;
    c.second = (unsigned)rest % 60;
    c.weekday = (unsigned)(((days % 7) + 7 + 4) % 7);
    return c;
}

static int64_t seconds_of(int64_t y, unsigned m, unsigned d, unsigned hh, unsigned mm, unsigned ss)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (era * 146097 + (int64_t)doe - 719468) * 86400 + hh * 3600 + mm * 60 + ss;
}

static char *two(char *o, unsigned v)
{
    *o++ = (char)('0' + v / 10 % 10);
    *o++ = (char)('0' + v % 10);
    return o;
}

static char *iso(char *o, int64_t s)
{
    struct civil c = civil_of(s);
    o = two(o, (unsigned)(c.year / 100));
    o = two(o, (unsigned)(c.year % 100));
    *o++ = '-';
    o = two(o, c.month);
    *o++ = '-';
    o = two(o, c.day);
    *o++ = 'T';
    o = two(o, c.hour);
    *o++ = ':';
    o = two(o, c.minute);
    *o++ = ':';
    return two(o, c.second);
}

void stamp_iso(struct buf *b, int64_t s)
{
    char *o = iso(buf_room(b, 24), s);
    memcpy(o, ".000Z", 5);
    b->n += 24;
}

void stamp_plain(struct buf *b, int64_t s)
{
    char *o = iso(buf_room(b, 20), s);
    *o = 'Z';
    b->n += 20;
}

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void stamp_http(char out[30], int64_t s)
{
    struct civil c = civil_of(s);
    memcpy(out, days + 3 * c.weekday, 3);
    memcpy(out + 3, ", ", 2);
    char *o = two(out + 5, c.day);
    *o++ = ' ';
    memcpy(o, months + 3 * (c.month - 1), 3);
    o[3] = ' ';
    o = two(o + 4, (unsigned)(c.year / 100));
    o = two(o, (unsigned)(c.year % 100));
    *o++ = ' ';
    o = two(o, c.hour);
    *o++ = ':';
    o = two(o, c.minute);
    *o++ = ':';
    o = two(o, c.second);
    memcpy(o, " GMT", 5);
}

/* Reads the digits of `shape` ('d') and skips its other characters; numbers[] gets a value for each run of digits. */
static int by_shape(const char *p, const char *shape, unsigned numbers[6])
{
    int n = 0;
    for (; *shape; shape++, p++) {
        if (*shape >= '1' && *shape <= '9') {
            unsigned v = 0;
            for (int i = *shape - '0'; i > 0; i--, p++) {
                if (*p < '0' || *p > '9')
                    return 0;
                v = v * 10 + (unsigned)(*p - '0');
            }
            p--;
            numbers[n++] = v;
        } else if (*p != *shape) {
            return 0;
        }
    }
    return *p == 0 || *p == '.' || *p == 'Z' || *p == '+';
}

int stamp_parse(const char *p, int64_t *out)
{
    unsigned v[6];
    if (by_shape(p, "422T222Z", v) || by_shape(p, "4-2-2T2:2:2", v)) {
        if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31)
            return 0;
        *out = seconds_of(v[0], v[1], v[2], v[3], v[4], v[5]);
        return 1;
    }
    if (strlen(p) < 29 || p[3] != ',')
        return 0;
    for (unsigned m = 0; m < 12; m++) {
        if (memcmp(p + 8, months + 3 * m, 3) != 0)
            continue;
        char digits[17];
        memcpy(digits, p + 5, 2);
        memcpy(digits + 2, p + 12, 4);
        memcpy(digits + 6, p + 17, 8);
        digits[14] = 0;
        if (!by_shape(digits, "242:2:2", v))
            return 0;
        *out = seconds_of(v[1], m + 1, v[0], v[2], v[3], v[4]);
        return 1;
    }
    return 0;
}
