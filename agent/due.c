/* See due.h. */
#include "agent/due.h"

#include <string.h>

#include "agent/points.h"
#include "agent/points_versions.h"
#include "agent/schedule.h"
#include "state/layout.h"

/* What starts runs does so within the minute: a period that is short by so much has passed. */
enum { SLACK_S = 60, SLACK_PART = 10 };

static int64_t slack(const struct schedule *schedule)
{
    return schedule->period_s / SLACK_PART < SLACK_S ? schedule->period_s / SLACK_PART : SLACK_S;
}

bool due_slot(const struct config_policy *policy, int64_t now_s, int64_t *slot_s)
{
    struct schedule schedule;

    if (schedule_parse(policy->schedule, &schedule) != NULL) /* the config's check has seen it */
        return false;
    return schedule_latest(&schedule, policy->timezone, now_s + slack(&schedule), slot_s);
}

bool due_next(const struct config_policy *policy, int64_t last_s, int64_t now_s, int64_t *at_s)
{
    struct schedule schedule;

    *at_s = now_s;
    if (schedule_parse(policy->schedule, &schedule) != NULL)
        return false;
    if (last_s > 0)
        return schedule_next(&schedule, policy->timezone, last_s, at_s);
    if (schedule.period_s > 0 || schedule_latest(&schedule, policy->timezone, now_s, at_s))
        return true; /* the first run is due since then */
    return schedule_next(&schedule, policy->timezone, now_s, at_s);
}

enum verdict due_is_served(const struct vault *vault, struct s3_conn *conn, const char *source, int64_t slot_s,
        bool *served, struct failure *failure)
{
    char id[STATE_POINT_SIZE], interrupted[STATE_POINT_LEN] = "";
    struct layout_path folder, after;
    struct layout_parts parts;
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    enum verdict verdict;

    *served = false;
    if (layout_folder(&vault->layout, LAYOUT_POINT, source, &folder) != STATE_OK || !state_utc_to_point(slot_s, id) ||
            folder.len + sizeof id > STATE_PATH_MAX)
        return failure_set(failure, VERDICT_INTERNAL, "source \"%s\" has no folder for a point", source);
    after = folder;
    memcpy(after.ptr + after.len, id, sizeof id - 1);
    after.len += sizeof id - 1;
    points_versions_begin(&cursor, vault, conn, (struct state_text){ folder.ptr, folder.len },
            (struct state_text){ after.ptr, after.len });
    do {
        verdict = points_versions_next(&cursor, &entry, failure);
        if (verdict != VERDICT_OK || entry == NULL ||
                layout_parse(&vault->layout, entry->key.ptr, entry->key.len, &parts) != STATE_OK)
            continue;
        if (parts.kind == LAYOUT_INTERRUPTED)
            memcpy(interrupted, parts.point.ptr, sizeof interrupted);
        *served = parts.kind == LAYOUT_POINT && memcmp(interrupted, parts.point.ptr, sizeof interrupted) != 0 &&
                  !points_is_to_come(vault, parts.point.ptr, parts.point.len);
    } while (verdict == VERDICT_OK && entry != NULL && !*served);
    points_versions_end(&cursor);
    return verdict;
}
