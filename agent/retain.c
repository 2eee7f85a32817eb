/* See retain.h. */
#include "agent/retain.h"

#include <stdio.h>
#include <string.h>

#define DAY_S INT64_C(86400)
enum { HOUR_S = 3600 };

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

/* The proleptic Gregorian date of a day since 1970, by eras of 400 years that begin on the first of March. */
static struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

    return (struct date){ .year = year + era * 400 + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1) };
}

static int64_t days_of(struct date date)
{
    int64_t year = date.year - (date.month <= 2), era = (year >= 0 ? year : year - 399) / 400,
            of_era = year - era * 400;
    int64_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* A number that two times share exactly where they lie in the same period. */
typedef int64_t bucket_of(int64_t local_s);

static int64_t by_hour(int64_t local_s)
{
    return floor_div(local_s, HOUR_S);
}

static int64_t by_day(int64_t local_s)
{
    return floor_div(local_s, DAY_S);
}

static int64_t by_week(int64_t local_s)
{
    return floor_div(by_day(local_s) + 3, 7); /* 1970 began on a Thursday, ISO's weeks on a Monday */
}

static int64_t by_month(int64_t local_s)
{
    const struct date date = date_of(by_day(local_s));

    return date.year * 12 + date.month;
}

static int64_t by_year(int64_t local_s)
{
    return date_of(by_day(local_s)).year;
}

static void keep(struct retain_point *point, const char *reason)
{
    point->kept = true;
    if (point->reason_count < RETAIN_REASONS_MAX)
        (void)snprintf(point->reasons[point->reason_count++], RETAIN_REASON_SIZE, "%s", reason);
}

/* Go's AddDate, which restic counts by: the calendar first, then what is beyond a month's end runs over into the next.
 */
static int64_t before(int64_t local_s, const struct config_duration *length)
{
    int64_t days = by_day(local_s), months;
    struct date date = date_of(days);

    months = (date.year - length->years) * 12 + (date.month - 1) - length->months;
    date.year = floor_div(months, 12);
    date.month = (int)(months - date.year * 12) + 1;
    days = days_of((struct date){ date.year, date.month, 1 }) + date.day - 1 - length->days;
    return days * DAY_S + (local_s - by_day(local_s) * DAY_S) - length->hours * HOUR_S;
}

static bool is_given(const struct config_duration *length)
{
    return length->years != 0 || length->months != 0 || length->days != 0 || length->hours != 0;
}

static bool counts(const struct retain_point *point)
{
    return point->state == STATE_POINT_COMPLETE;
}

/* Whether a partial point stands for its period: that has no complete one, and this is its newest whose listing
 * ended. */
static bool represents(const struct retain_point *points, size_t count, size_t at, bucket_of *bucket)
{
    int64_t period = bucket(points[at].local_s);

    if (points[at].state != STATE_POINT_PARTIAL || !points[at].walk_ended)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (bucket(points[i].local_s) != period)
            continue;
        if (counts(&points[i]) || (i > at && points[i].state == STATE_POINT_PARTIAL && points[i].walk_ended))
            return false;
    }
    return true;
}

/* One rule: the newest of each period, as many as `number` (CONFIG_KEEP_ALL: all), no older than `after`. The oldest of
 * all stays while the number is not reached. NULL for `bucket`: each point is a period of its own. */
struct rule {
    const char *name;
    int64_t number;
    bucket_of *bucket;
    int64_t after; /* local; strictly later */
};

static bool is_candidate(const struct rule *rule, const struct retain_point *points, size_t count, size_t at)
{
    return counts(&points[at]) || (rule->bucket != NULL && represents(points, count, at, rule->bucket));
}

static void apply(const struct rule *rule, struct retain_point *points, size_t count)
{
    int64_t left = rule->number, last = 0;
    unsigned ordinal = 0;
    bool has_last = false;
    size_t oldest = 0;
    char reason[RETAIN_REASON_SIZE];

    while (oldest < count && !is_candidate(rule, points, count, oldest))
        oldest++;
    for (size_t i = count; i > oldest && left != 0; i--) {
        struct retain_point *point = &points[i - 1];
        int64_t period = rule->bucket != NULL ? rule->bucket(point->local_s) : (int64_t)i;
        bool is_new = !has_last || period != last;
        if (!is_candidate(rule, points, count, i - 1) || point->local_s <= rule->after || (!is_new && i - 1 != oldest))
            continue;
        (void)snprintf(reason, sizeof reason, "%s %u%s", rule->name, ++ordinal, is_new ? "" : " (oldest)");
        keep(point, reason);
        has_last = true;
        last = period;
        left -= left > 0;
    }
}

static void apply_all(const struct config_keep *keep_, struct retain_point *points, size_t count)
{
    /* back from the newest point that counts, and not from now: a source that rests keeps what it has */
    size_t newest = count;
    const struct {
        const char *name, *within_name;
        int64_t number;
        const struct config_duration *within;
        bucket_of *bucket;
    } rules[] = { { "last", "within", keep_->last, &keep_->within, NULL },
        { "hourly", "hourly within", keep_->hourly, &keep_->within_hourly, by_hour },
        { "daily", "daily within", keep_->daily, &keep_->within_daily, by_day },
        { "weekly", "weekly within", keep_->weekly, &keep_->within_weekly, by_week },
        { "monthly", "monthly within", keep_->monthly, &keep_->within_monthly, by_month },
        { "yearly", "yearly within", keep_->yearly, &keep_->within_yearly, by_year } };

    while (newest > 0 && !counts(&points[newest - 1]))
        newest--;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct rule rule = {
            .name = rules[i].name, .number = rules[i].number, .bucket = rules[i].bucket, .after = INT64_MIN
        };
        apply(&rule, points, count);
        if (newest == 0 || !is_given(rules[i].within))
            continue;
        rule.name = rules[i].within_name;
        rule.number = CONFIG_KEEP_ALL;
        rule.after = before(points[newest - 1].local_s, rules[i].within);
        apply(&rule, points, count);
    }
}

/* Older than the policy keeps anything. */
static bool is_expired(const struct config_policy *policy, const struct retain_point *point, int64_t now_s)
{
    return policy->delete_after_days != CONFIG_UNSET && now_s - point->started_s >= policy->delete_after_days * DAY_S;
}

static void clear(struct retain_point *point)
{
    point->kept = false;
    point->reason_count = 0;
}

void retain(const struct config_policy *policy, int64_t now_s, struct retain_point *points, size_t count)
{
    size_t newest = count;
    char reason[RETAIN_REASON_SIZE];

    for (size_t i = 0; i < count; i++)
        clear(&points[i]);
    if (policy->keep.given)
        apply_all(&policy->keep, points, count);
    while (newest > 0 && !counts(&points[newest - 1]))
        newest--;
    for (size_t i = 0; i < count; i++) {
        struct retain_point *point = &points[i];
        if (is_expired(policy, point, now_s)) {
            clear(point);
        } else if (!policy->keep.given) {
            (void)snprintf(reason, sizeof reason, policy->delete_after_days != CONFIG_UNSET ? "%lld days" : "no rule",
                    (long long)policy->delete_after_days);
            keep(point, reason);
        }
        if (i + 1 == newest)
            keep(point, "newest complete");
        else if (i + 1 > newest)
            keep(point, "after the newest complete");
        if (point->pinned)
            keep(point, "pinned");
    }
}
