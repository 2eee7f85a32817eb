/*
 * When a run is due: EventBridge's cron(minute hour day-of-month month day-of-week year) and rate(n
 * minutes|hours|days), in a time zone. A local time that a change of clocks leaves out counts at the instant of the
 * change, as a slot that would be missed otherwise; one that comes twice counts the first time.
 *
 * schedule_parse is pure. The others ask the C library for the zone, which is a setting of the whole process: for
 * the main thread, while there is no other.
 */
#ifndef AGENT_SCHEDULE_H
#define AGENT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { SCHEDULE_YEAR_FIRST = 1970, SCHEDULE_YEAR_LAST = 2199 };

struct schedule {
    int64_t period_s; /* rate; 0: cron, whose fields are sets of bits */
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;      /* of the month, from bit 1 on */
    uint32_t near_days; /* the weekday nearest to this day, within the month */
    bool last_day;      /* of the month */
    uint32_t months;    /* from bit 1 on */
    uint32_t weekdays;  /* 1: Sunday, to 7 */
    uint32_t last_of;   /* the month's last such weekday */
    unsigned nth;       /* the nth such weekday of the month; 0: all of them */
    bool by_weekday;    /* the day of the month is "?" */
    uint64_t years[4];  /* from SCHEDULE_YEAR_FIRST on */
};

/* NULL, or what is wrong with it. */
const char *schedule_parse(const char *text, struct schedule *schedule) __attribute__((warn_unused_result));

/* Whether the C library knows the zone: without its data every zone would pass for UTC. */
bool schedule_zone_is_known(const char *zone);

/* The first slot after a time, and the last one up to a time; a rate counts from the time itself. False: there is
 * none. In seconds since 1970. */
bool schedule_next(const struct schedule *schedule, const char *zone, int64_t after_s, int64_t *at_s)
        __attribute__((warn_unused_result));
bool schedule_latest(const struct schedule *schedule, const char *zone, int64_t until_s, int64_t *at_s)
        __attribute__((warn_unused_result));

/* What the clocks of a zone show at a time: the seconds since 1970 of that date and time, as if they were UTC's. */
int64_t schedule_local(const char *zone, int64_t at_s);

#endif
