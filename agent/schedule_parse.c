/* The texts of schedules; see schedule.h. */
#include "agent/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIELDS = 6, FIELD_MAX = 128, RATE_MAX_DAYS = 36500 };

static const char *const month_names[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV",
    "DEC", NULL };
static const char *const weekday_names[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL };

/* What a field's numbers may be. */
struct range {
    unsigned first, last;
    const char *const *names; /* of `first` and so on; NULL: none */
};

/* Digits or a name; moves *at behind it. */
static bool read_number(const struct range *range, const char **at, unsigned *number)
{
    char *end;

    if (**at >= '0' && **at <= '9') {
        unsigned long value = strtoul(*at, &end, 10);
        if (end - *at > 4 || value < range->first || value > range->last)
            return false;
        *at = end;
        *number = (unsigned)value;
        return true;
    }
    for (unsigned i = 0; range->names != NULL && range->names[i] != NULL; i++) {
        if (strncasecmp(*at, range->names[i], 3) == 0) {
            *at += 3;
            *number = range->first + i;
            return true;
        }
    }
    return false;
}

static void set_bit(uint64_t *bits, unsigned bit)
{
    bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* One of the parts between commas: *, n, n-m, each also with /step. The bits count from `base`. */
static bool read_part(const struct range *range, const char *part, unsigned base, uint64_t *bits)
{
    const struct range steps = { 1, 2199, NULL };
    unsigned from = range->first, to = range->last, step = 1;
    bool open = *part == '*';

    if (open) {
        part++;
    } else if (!read_number(range, &part, &from)) {
        return false;
    } else if (*part == '-') {
        part++;
        if (!read_number(range, &part, &to) || to < from)
            return false;
        open = true;
    }
    if (*part == '/') {
        part++;
        if (!read_number(&steps, &part, &step))
            return false;
        open = true;
    }
    if (*part != '\0')
        return false;
    for (unsigned i = from; i <= (open ? to : from); i += step)
        set_bit(bits, i - base);
    return true;
}

/* Calls for each part of a list. `special` (may be NULL) goes first, and says whether it knows the part. */
static bool read_list(const struct range *range, const char *field, unsigned base, uint64_t *bits,
        bool (*special)(struct schedule *schedule, const char *part), struct schedule *schedule)
{
    char part[FIELD_MAX];

    for (;;) {
        size_t length = strcspn(field, ",");
        if (length == 0 || length >= sizeof part)
            return false;
        memcpy(part, field, length);
        part[length] = '\0';
        if ((special == NULL || !special(schedule, part)) && !read_part(range, part, base, bits))
            return false;
        field += length;
        if (*field == '\0')
            return true;
        field++;
    }
}

static const struct range day_range = { 1, 31, NULL }, weekday_range = { 1, 7, weekday_names };

/* L and 15W */
static bool special_day(struct schedule *schedule, const char *part)
{
    unsigned day;

    if (strcasecmp(part, "L") == 0) {
        schedule->last_day = true;
        return true;
    }
    if (!read_number(&day_range, &part, &day) || strcasecmp(part, "W") != 0)
        return false;
    schedule->near_days |= UINT32_C(1) << day;
    return true;
}

/* L, the week's last day, and 6L, the month's last Friday */
static bool special_weekday(struct schedule *schedule, const char *part)
{
    unsigned day;

    if (strcasecmp(part, "L") == 0) {
        schedule->weekdays |= UINT32_C(1) << 7;
        return true;
    }
    if (!read_number(&weekday_range, &part, &day) || strcasecmp(part, "L") != 0)
        return false;
    schedule->last_of |= UINT32_C(1) << day;
    return true;
}

static bool read_weekdays(struct schedule *schedule, const char *field)
{
    const struct range counts = { 1, 5, NULL };
    uint64_t bits = 0;
    unsigned day;

    if (strchr(field, '#') != NULL) { /* alone in its field */
        if (!read_number(&weekday_range, &field, &day) || *field++ != '#' ||
                !read_number(&counts, &field, &schedule->nth) || *field != '\0')
            return false;
        schedule->weekdays = UINT32_C(1) << day;
        return true;
    }
    if (!read_list(&weekday_range, field, 0, &bits, special_weekday, schedule))
        return false;
    schedule->weekdays |= (uint32_t)bits;
    return true;
}

static const char *read_days(struct schedule *schedule, const char *day, const char *weekday)
{
    uint64_t bits = 0;

    schedule->by_weekday = strcmp(day, "?") == 0;
    if (schedule->by_weekday == (strcmp(weekday, "?") == 0))
        return "exactly one of the day of the month and the day of the week must be \"?\"";
    if (schedule->by_weekday)
        return read_weekdays(schedule, weekday) ? NULL : "the day of the week is none of 1-7, SUN-SAT , - * / L #";
    if (!read_list(&day_range, day, 0, &bits, special_day, schedule))
        return "the day of the month is none of 1-31 , - * / L W";
    schedule->days = (uint32_t)bits;
    return NULL;
}

static const char *read_cron(char fields[FIELDS][FIELD_MAX], struct schedule *schedule)
{
    static const struct range minutes = { 0, 59, NULL }, hours = { 0, 23, NULL }, months = { 1, 12, month_names },
                              years = { SCHEDULE_YEAR_FIRST, SCHEDULE_YEAR_LAST, NULL };
    uint64_t hour_bits = 0, month_bits = 0;

    if (!read_list(&minutes, fields[0], 0, &schedule->minutes, NULL, NULL))
        return "the minute is none of 0-59 , - * /";
    if (!read_list(&hours, fields[1], 0, &hour_bits, NULL, NULL))
        return "the hour is none of 0-23 , - * /";
    if (!read_list(&months, fields[3], 0, &month_bits, NULL, NULL))
        return "the month is none of 1-12, JAN-DEC , - * /";
    if (!read_list(&years, fields[5], SCHEDULE_YEAR_FIRST, schedule->years, NULL, NULL))
        return "the year is none of 1970-2199 , - * /";
    schedule->hours = (uint32_t)hour_bits;
    schedule->months = (uint32_t)month_bits;
    return read_days(schedule, fields[2], fields[4]);
}

static const char *read_rate(const char *text, struct schedule *schedule)
{
    static const struct {
        const char *one, *many;
        int64_t seconds;
    } units[] = { { "minute", "minutes", 60 }, { "hour", "hours", 3600 }, { "day", "days", 86400 } };
    char unit[16];
    unsigned count;
    int length = -1;

    if (sscanf(text, "rate(%6u %15[a-z])%n", &count, unit, &length) == 2 && length > 0 && text[length] == '\0' &&
            count > 0)
        for (unsigned i = 0; i < 3; i++)
            if (strcmp(unit, count == 1 ? units[i].one : units[i].many) == 0 &&
                    count * units[i].seconds <= RATE_MAX_DAYS * INT64_C(86400)) {
                schedule->period_s = count * units[i].seconds;
                return NULL;
            }
    return "a rate is rate(1 minute|hour|day) or rate(n minutes|hours|days)";
}

const char *schedule_parse(const char *text, struct schedule *schedule)
{
    char fields[FIELDS][FIELD_MAX];
    int length = -1;

    memset(schedule, 0, sizeof *schedule);
    if (strncmp(text, "rate(", 5) == 0)
        return read_rate(text, schedule);
    if (sscanf(text, "cron(%127[^ )] %127[^ )] %127[^ )] %127[^ )] %127[^ )] %127[^ )])%n", fields[0], fields[1],
                fields[2], fields[3], fields[4], fields[5], &length) != FIELDS ||
            length < 0 || text[length] != '\0')
        return "a schedule is cron() with six fields, or rate()";
    return read_cron(fields, schedule);
}
