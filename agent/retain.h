/*
 * Which recovery points stay: restic's forget over the complete points of a source, and our rules on top of it.
 *
 * - Only complete points count towards keep's numbers; a period without any is represented by its newest partial point
 *   whose listing ended. What is younger than the newest complete point stays, and so does that one.
 * - `delete_after_days` alone keeps every point that long; beside `keep` it is the upper bound. A policy without both
 *   keeps everything.
 * - Pinned points stay.
 *
 * Pure: times are the caller's, in the zone of the policy. Any thread.
 */
#ifndef AGENT_RETAIN_H
#define AGENT_RETAIN_H

#include "agent/config.h"
#include "state/point.h"

enum { RETAIN_REASONS_MAX = 16, RETAIN_REASON_SIZE = 40 };

struct retain_point {
    int64_t started_s; /* UTC */
    int64_t local_s;   /* the same as the clocks of the zone show it: seconds since 1970 of that date and time */
    enum state_point_state state;
    bool walk_ended;
    bool pinned;

    /* filled in */
    bool kept;
    unsigned reason_count;
    char reasons[RETAIN_REASONS_MAX][RETAIN_REASON_SIZE]; /* "daily 3" */
};

/* Judges all points of a source, which ascend by time. */
void retain(const struct config_policy *policy, int64_t now_s, struct retain_point *points, size_t count);

#endif
