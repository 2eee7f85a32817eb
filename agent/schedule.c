/* The slots of schedules; see schedule.h. */
#include "agent/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400 };

bool schedule_zone_is_known(const char *zone)
{
    const char *folder = getenv("TZDIR");
    char path[4096];
    struct stat status;

    if (strcmp(zone, "UTC") == 0)
        return true;
    (void)snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", zone);
    return access(path, R_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Makes the zone the process's, and gives back what was there: a copy, NULL where it was unset. */
static char *enter_zone(const char *zone)
{
    const char *before = getenv("TZ");
    char *kept = before != NULL ? strdup(before) : NULL;
    char name[128];

    (void)snprintf(name, sizeof name, ":%s", zone);
    (void)setenv("TZ", name, 1);
    tzset();
    return kept;
}

static void leave_zone(char *kept)
{
    if (kept != NULL)
        (void)setenv("TZ", kept, 1);
    else
        (void)unsetenv("TZ");
    tzset();
    free(kept);
}

static bool is_local(time_t at, const struct tm *wanted)
{
    struct tm tm;

    return localtime_r(&at, &tm) != NULL && tm.tm_min == wanted->tm_min && tm.tm_hour == wanted->tm_hour &&
           tm.tm_mday == wanted->tm_mday && tm.tm_mon == wanted->tm_mon && tm.tm_year == wanted->tm_year;
}

static long offset_at(time_t at)
{
    struct tm tm;

    return localtime_r(&at, &tm) != NULL ? tm.tm_gmtoff : 0;
}

/* When the clocks change, somewhere within half a day of `at`. */
static time_t change_near(time_t at)
{
    time_t low = at - DAY_S / 2, high = at + DAY_S / 2;
    long before = offset_at(low);

    while (high - low > 1) {
        time_t middle = low + (high - low) / 2;
        if (offset_at(middle) == before)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The instant of a local time. */
static time_t instant_of(const struct tm *local)
{
    static const time_t shifts[] = { 1800, 3600, 7200 };
    struct tm tm = *local;
    time_t at;

    tm.tm_isdst = -1;
    at = mktime(&tm);
    if (!is_local(at, local))
        return change_near(at);
    for (unsigned i = 0; i < sizeof shifts / sizeof shifts[0]; i++)
        if (is_local(at - shifts[i], local))
            return at - shifts[i];
    return at;
}

static bool has_bit(const uint64_t *bits, unsigned bit)
{
    return (bits[bit / 64] >> bit % 64 & 1) != 0;
}

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : days[month - 1];
}

/* 1: Sunday, to 7; by Sakamoto's rule. */
static int weekday_of(int year, int month, int day)
{
    static const int shift[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };
    int y = month < 3 ? year - 1 : year;

    return (y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7 + 1;
}

/* The weekday nearest to a day, which does not leave the month; 0 where the month has no such day. */
static int nearest_weekday(int year, int month, int day)
{
    int last = days_in(year, month), weekday;

    if (day > last)
        return 0;
    weekday = weekday_of(year, month, day);
    if (weekday == 7)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 1)
        return day < last ? day + 1 : day - 2;
    return day;
}

static bool has_day(const struct schedule *schedule, int year, int month, int day)
{
    int weekday = weekday_of(year, month, day), last = days_in(year, month);

    if (schedule->by_weekday)
        return ((schedule->weekdays >> weekday & 1) != 0 &&
                       (schedule->nth == 0 || (unsigned)(day - 1) / 7 + 1 == schedule->nth)) ||
               ((schedule->last_of >> weekday & 1) != 0 && day + 7 > last);
    if ((schedule->days >> day & 1) != 0 || (schedule->last_day && day == last))
        return true;
    for (int near = 1; schedule->near_days != 0 && near <= last; near++)
        if ((schedule->near_days >> near & 1) != 0 && nearest_weekday(year, month, near) == day)
            return true;
    return false;
}

/* The slot of one day that is the first after `bound`, or, backwards, the last up to it. */
static bool slot_of_day(
        const struct schedule *schedule, int year, int month, int day, bool backwards, time_t bound, int64_t *at_s)
{
    for (int i = 0; i < 24 * 60; i++) {
        int minute = backwards ? 24 * 60 - 1 - i : i;
        struct tm local = {
            .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = minute / 60, .tm_min = minute % 60
        };
        time_t at;
        if ((schedule->hours >> local.tm_hour & 1) == 0 || (schedule->minutes >> local.tm_min & 1) == 0)
            continue;
        at = instant_of(&local);
        if (backwards ? at <= bound : at > bound) {
            *at_s = at;
            return true;
        }
    }
    return false;
}

/* Days are tried one after the other, months and years that do not match are passed over. */
static bool seek(const struct schedule *schedule, bool backwards, time_t bound, int64_t *at_s)
{
    int step = backwards ? -1 : 1, year, month, day;
    struct tm tm;

    if (localtime_r(&bound, &tm) == NULL)
        return false;
    year = tm.tm_year + 1900;
    month = tm.tm_mon + 1;
    day = tm.tm_mday;
    for (; year >= SCHEDULE_YEAR_FIRST && year <= SCHEDULE_YEAR_LAST;
            year += step, month = backwards ? 12 : 1, day = 0) {
        if (!has_bit(schedule->years, (unsigned)(year - SCHEDULE_YEAR_FIRST)))
            continue;
        for (; month >= 1 && month <= 12; month += step, day = 0) {
            int last = days_in(year, month);
            if ((schedule->months >> month & 1) == 0)
                continue;
            if (day == 0)
                day = backwards ? last : 1;
            for (; day >= 1 && day <= last; day += step)
                if (has_day(schedule, year, month, day) &&
                        slot_of_day(schedule, year, month, day, backwards, bound, at_s))
                    return true;
        }
    }
    return false;
}

static bool find(const struct schedule *schedule, const char *zone, bool backwards, int64_t bound_s, int64_t *at_s)
{
    char *kept;
    bool found;

    if (schedule->period_s > 0) {
        *at_s = backwards ? bound_s - schedule->period_s : bound_s + schedule->period_s;
        return true;
    }
    kept = enter_zone(zone);
    found = seek(schedule, backwards, (time_t)bound_s, at_s);
    leave_zone(kept);
    return found;
}

bool schedule_next(const struct schedule *schedule, const char *zone, int64_t after_s, int64_t *at_s)
{
    return find(schedule, zone, false, after_s, at_s);
}

bool schedule_latest(const struct schedule *schedule, const char *zone, int64_t until_s, int64_t *at_s)
{
    return find(schedule, zone, true, until_s, at_s);
}

int64_t schedule_local(const char *zone, int64_t at_s)
{
    char *kept;
    int64_t local;

    if (strcmp(zone, "UTC") == 0)
        return at_s;
    kept = enter_zone(zone);
    local = at_s + offset_at((time_t)at_s);
    leave_zone(kept);
    return local;
}
