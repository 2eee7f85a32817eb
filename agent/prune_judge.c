/* See prune_judge.h. */
#include "agent/prune_judge.h"

#include <stdlib.h>
#include <string.h>

#include "agent/points.h"
#include "state/utc.h"

enum {
    SLACK_S = 120,   /* a run's clock is the vault's to about a second; this is room for a slow answer */
    LATE_S = 3600,   /* from the end of a run to its point.json: logs and full files are put in between */
    CLOCK_MS = 2000, /* two processes know the vault's clock to about a second */
    FLOOD_MIN = 30,  /* runs by hand are no flood */
    FLOOD_TIMES = 3
};
#define DAY_MS INT64_C(86400000)

static int64_t floor_s(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

static bool is_misdated(const struct prune_point *point, int64_t id_s)
{
    int64_t started = floor_s(point->started_ms), finished = floor_s(point->finished_ms),
            written = floor_s(point->written_ms);

    return started > id_s + SLACK_S || started < id_s - POINT_LEAD_S - SLACK_S ||
           point->finished_ms < point->started_ms || written < finished - SLACK_S || written > finished + LATE_S;
}

static enum prune_trust judge_alone(const struct prune_points *points, const struct prune_point *point)
{
    int64_t id_s = 0;

    if (!point->readable || !state_utc_from_point(point->id, strlen(point->id), &id_s))
        return PRUNE_UNREADABLE;
    if (id_s > floor_s(points->now_ms) + POINT_FUTURE_S)
        return PRUNE_FUTURE;
    return is_misdated(point, id_s) ? PRUNE_MISDATED : PRUNE_TRUSTED;
}

/* The oldest follows nobody, or what a prune has recorded. */
static bool begins(const struct prune_points *points, const struct prune_point *point)
{
    if (!point->has_predecessor)
        return !points->has_root;
    return points->has_root && strcmp(point->id, points->root) == 0 &&
           strcmp(point->predecessor.point, points->root_removed.point) == 0 &&
           strcmp(point->predecessor.sha256, points->root_removed.sha256) == 0;
}

static bool follows(const struct prune_point *point, const struct prune_point *before)
{
    return point->has_predecessor && strcmp(point->predecessor.point, before->id) == 0 &&
           strcmp(point->predecessor.sha256, before->sha256) == 0;
}

/* Whether a later point that is dated well goes on from this one: then it is more than a file that somebody laid there.
 */
static bool is_followed(const struct prune_points *points, size_t at)
{
    for (size_t i = at + 1; i < points->count; i++)
        if (points->items[i].trust == PRUNE_TRUSTED && follows(&points->items[i], &points->items[at]))
            return true;
    return false;
}

/* From the oldest on: so nobody who only adds points can put an older one out of the chain. */
static void judge_chain(struct prune_points *points)
{
    const struct prune_point *last = NULL;
    bool any = false;

    points->broken = false;
    for (size_t i = 0; i < points->count; i++) {
        struct prune_point *point = &points->items[i];
        if (point->trust != PRUNE_TRUSTED)
            continue;
        if (last != NULL ? follows(point, last) : !any && begins(points, point)) {
            last = point;
            any = true;
            continue;
        }
        any = true;
        if (!is_followed(points, i)) {
            point->trust = PRUNE_UNCHAINED;
            continue;
        }
        if (!points->broken) {
            points->broken = true;
            points->broken_at = i;
        }
        if (points->accept)
            last = point;
        else
            point->trust = PRUNE_UNCHAINED;
    }
}

static bool is_given(const struct config_duration *length)
{
    return length->years != 0 || length->months != 0 || length->days != 0 || length->hours != 0;
}

/* A keep that counts nothing is taken for one that was forgotten to fill in, not for a wish to lose everything. */
static bool says_nothing(const struct config_policy *policy)
{
    const struct config_keep *keep = &policy->keep;
    bool any = keep->last != 0 || keep->hourly != 0 || keep->daily != 0 || keep->weekly != 0 || keep->monthly != 0 ||
               keep->yearly != 0 || is_given(&keep->within) || is_given(&keep->within_hourly) ||
               is_given(&keep->within_daily) || is_given(&keep->within_weekly) || is_given(&keep->within_monthly) ||
               is_given(&keep->within_yearly);

    return policy->delete_after_days == CONFIG_UNSET && (!keep->given || !any);
}

static int64_t grace_end_ms(const struct prune_points *points, const struct prune_point *point)
{
    return point->forgotten_ms + points->policy->grace_days * DAY_MS;
}

/* Forgotten so long that a prune may have taken away what it needs: a policy with more days of grace than the one of
 * then does not bring that back. */
static bool is_over(const struct prune_points *points, const struct prune_point *point)
{
    int64_t until_ms = point->until_ms != 0 ? point->until_ms - CLOCK_MS : grace_end_ms(points, point);

    return point->forgotten_ms != 0 && points->now_ms >= until_ms;
}

/* So long that nothing has to stay for it: neither by what was said then nor by the policy of today. So nobody can
 * hasten it. */
static bool is_let_go(const struct prune_points *points, const struct prune_point *point)
{
    return is_over(points, point) && points->now_ms >= grace_end_ms(points, point);
}

/* One judgement of the policy over the points that count, those whose grace is over included or not. */
static void ask_policy(const struct prune_points *points, bool with_over, struct retain_point *retained, size_t *index)
{
    size_t count = 0;

    for (size_t i = 0; i < points->count; i++) {
        const struct prune_point *point = &points->items[i];
        bool is_left = with_over && point->trust == PRUNE_REMOVED && point->sound;
        if ((point->trust != PRUNE_TRUSTED && !is_left) || (!with_over && is_over(points, point) && !point->pinned))
            continue;
        retained[count] = (struct retain_point){ .started_s = floor_s(point->started_ms),
            .local_s = point->local_s,
            .state = point->state,
            .walk_ended = point->walk_ended,
            .pinned = point->pinned };
        index[count++] = i;
    }
    retain(points->policy, floor_s(points->now_ms), retained, count);
    for (size_t i = 0; i < count; i++) {
        struct prune_point *point = &points->items[index[i]];
        if (!retained[i].kept || point->kept)
            continue;
        point->kept = true;
        point->reason_count = retained[i].reason_count;
        memcpy(point->reasons, retained[i].reasons, sizeof point->reasons);
    }
}

/* A prune removes what was forgotten, and whose grace is over. Where something else is said to be removed, somebody
 * else may have said so. */
static void judge_removed(struct prune_points *points)
{
    points->contradicted = false;
    for (size_t i = 0; i < points->count && !points->contradicted; i++) {
        const struct prune_point *point = &points->items[i];
        points->contradicted =
                point->trust == PRUNE_REMOVED && point->sound && (point->kept || !is_over(points, point));
        points->contradicted_at = i;
    }
}

/*
 * Twice: as if those that are long forgotten were not there, since they must not stand in the place of one that is; and
 * as if they were, since a thief may have written their forgotten.json: what the policy keeps of all holds its versions
 * in any case.
 */
static void judge_holding(struct prune_points *points, struct retain_point *retained, size_t *index)
{
    ask_policy(points, false, retained, index);
    ask_policy(points, true, retained, index);
    points->forgotten = points->holding_count = 0;
    for (size_t i = 0; i < points->count; i++) {
        struct prune_point *point = &points->items[i];
        if (point->trust != PRUNE_TRUSTED)
            continue;
        point->forget = !point->kept && point->forgotten_ms == 0;
        point->over = is_over(points, point);
        point->disputed = point->kept && point->over;
        point->remember = point->kept && point->forgotten_ms != 0 && !point->disputed;
        point->holds = point->kept || (point->forget ? points->policy->grace_days > 0 : !is_let_go(points, point));
        points->forgotten += point->forget;
        if (point->holds)
            points->holding_s[points->holding_count++] = floor_s(point->written_ms);
    }
}

static int by_time(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

    return one < other ? -1 : one > other;
}

static void reset(struct prune_point *point)
{
    point->kept = point->forget = point->remember = point->over = point->disputed = point->holds = false;
    point->reason_count = 0;
}

bool prune_judge_points(struct prune_points *points)
{
    struct retain_point *retained = calloc(points->count + 1, sizeof *retained);
    size_t *index = calloc(points->count + 1, sizeof *index);
    bool well;

    free(points->holding_s);
    points->holding_s = calloc(points->count + 1, sizeof *points->holding_s);
    well = retained != NULL && index != NULL && points->holding_s != NULL;
    points->newest = points->count;
    if (well) {
        for (size_t i = 0; i < points->count; i++) {
            struct prune_point *point = &points->items[i];
            reset(point);
            point->trust = judge_alone(points, point);
            point->sound = point->trust == PRUNE_TRUSTED;
            if (points->has_root && strcmp(point->id, points->root) < 0)
                point->trust = PRUNE_REMOVED;
        }
        judge_chain(points);
        points->keeps_all = says_nothing(points->policy);
        for (size_t i = 0; i < points->count; i++)
            if (points->items[i].trust == PRUNE_TRUSTED && points->items[i].state == STATE_POINT_COMPLETE)
                points->newest = i;
        judge_holding(points, retained, index);
        judge_removed(points);
        if (points->holding_count > 1)
            qsort(points->holding_s, points->holding_count, sizeof *points->holding_s, by_time);
    }
    if (points->newest == points->count || points->keeps_all) {
        for (size_t i = 0; i < points->count; i++)
            points->items[i].forget = false;
        points->forgotten = 0;
    }
    free(retained);
    free(index);
    return well;
}

void prune_points_clear(struct prune_points *points)
{
    free(points->holding_s);
    points->holding_s = NULL;
    points->holding_count = 0;
}

bool prune_judge_flood(const struct prune_points *points, int64_t since_ms, uint64_t expected, uint64_t *complete)
{
    uint64_t most = expected * FLOOD_TIMES > FLOOD_MIN ? expected * FLOOD_TIMES : FLOOD_MIN;

    *complete = 0;
    for (size_t i = 0; i < points->count; i++)
        *complete += points->items[i].trust == PRUNE_TRUSTED && points->items[i].state == STATE_POINT_COMPLETE &&
                     points->items[i].written_ms > since_ms;
    return *complete > most;
}

size_t prune_judge_root(const struct prune_points *points, const bool *has_full)
{
    size_t oldest = 0, root = points->count;

    if (points->newest == points->count || points->keeps_all || points->broken || points->contradicted)
        return points->count;
    while (oldest < points->count && !points->items[oldest].holds)
        oldest++;
    for (size_t i = 0; i <= oldest && i < points->count; i++)
        if (points->items[i].trust == PRUNE_TRUSTED && has_full[i] && points->items[i].has_predecessor)
            root = i;
    return root;
}

/* The first holding point that was not written before this second. */
static size_t first_from(const struct prune_points *points, int64_t from_s)
{
    size_t low = 0, high = points->holding_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points->holding_s[middle] < from_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/*
 * By the service's times: whether a holding point was written while this was the current state. In whole seconds, which
 * is what S3 tells: in the very second in which one followed the other the times do not say which it was. Then the logs
 * alone do, provided that they know both.
 */
enum held { HELD_NO, HELD_MAYBE, HELD_YES };

static enum held is_held(const struct prune_points *points, int64_t from_s, int64_t to_s)
{
    size_t within = first_from(points, from_s + 1), at = first_from(points, from_s);

    if (within < points->holding_count && points->holding_s[within] < to_s)
        return HELD_YES;
    return at < points->holding_count && points->holding_s[at] <= to_s ? HELD_MAYBE : HELD_NO;
}

bool prune_judge_rest(const struct prune_points *points, int64_t modified_ms)
{
    if (points->newest == points->count || points->keeps_all)
        return false;
    return floor_s(modified_ms) < floor_s(points->items[points->newest].started_ms) &&
           points->now_ms - modified_ms >= points->policy->grace_days * DAY_MS;
}

/* Until when a version was the current one: its successor's time. Where listing and times disagree (a multipart upload
 * is dated by its begin), the latest that is listed above it: too long does no harm. */
static int64_t until_s(const struct prune_version *versions, size_t at)
{
    int64_t latest = INT64_MAX;

    if (at == 0)
        return latest;
    latest = versions[at - 1].modified_ms;
    for (size_t i = 0; i < at && versions[at - 1].modified_ms < versions[at].modified_ms; i++)
        latest = versions[i].modified_ms > latest ? versions[i].modified_ms : latest;
    return floor_s(latest);
}

/* A marker goes where no object stays that it hides, by order or by time. */
static void judge_markers(struct prune_version *versions, size_t count, int64_t newest_s)
{
    int64_t oldest_s = INT64_MAX;
    size_t lowest = 0; /* behind the last object that stays */

    for (size_t i = 0; i < count; i++) {
        if (versions[i].is_marker || versions[i].goes)
            continue;
        lowest = i + 1;
        if (floor_s(versions[i].modified_ms) < oldest_s)
            oldest_s = floor_s(versions[i].modified_ms);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t at_s = floor_s(versions[i].modified_ms);
        if (versions[i].is_marker)
            versions[i].goes = i >= lowest && at_s < oldest_s && at_s < newest_s;
    }
}

/* Whether logs tell of the time when it was written: not of what came before the chain begins since. That is what the
 * root's full file makes of it, and a thief may have written that. What killed runs have left was judged before the
 * logs of then went. */
static bool is_told_of(const struct prune_points *points, const struct prune_version *version)
{
    int64_t root_s;

    return !points->has_root || (state_utc_from_point(points->root, strlen(points->root), &root_s) &&
                                        floor_s(version->modified_ms) >= root_s);
}

/* By the times, or, where they are silent, by the logs. */
static bool goes(const struct prune_points *points, const struct prune_version *versions, size_t at)
{
    const struct prune_version *version = &versions[at];
    bool is_whole = !points->in_doubt && !points->broken;

    switch (is_held(points, floor_s(version->modified_ms), until_s(versions, at))) {
    case HELD_NO:
        return true;
    case HELD_MAYBE:
        if (is_whole && version->named && (at == 0 || versions[at - 1].named))
            return true;
        break;
    case HELD_YES:
        break;
    }
    /* one that no log names was left by a run that was killed: the times of its key say nothing of any point */
    return is_whole && !version->named && is_told_of(points, version) && prune_judge_rest(points, version->modified_ms);
}

void prune_judge_versions(const struct prune_points *points, struct prune_version *versions, size_t count)
{
    bool may = points->newest < points->count && !points->keeps_all;
    int64_t newest_s = may ? floor_s(points->items[points->newest].written_ms) : 0;

    for (size_t i = 0; i < count; i++) {
        struct prune_version *version = &versions[i];
        version->goes = may && !version->is_marker && !version->needed && floor_s(version->modified_ms) < newest_s &&
                        goes(points, versions, i);
    }
    if (may)
        judge_markers(versions, count, newest_s);
}

bool prune_judge_asks(uint64_t going, uint64_t all)
{
    return going > all / 3;
}

const char *prune_trust_name(enum prune_trust trust)
{
    switch (trust) {
    case PRUNE_TRUSTED:
        return "it counts";
    case PRUNE_REMOVED:
        return "it was pruned";
    case PRUNE_UNREADABLE:
        return "there is no point in it that can be read";
    case PRUNE_FUTURE:
        return "it is of a time that has not come";
    case PRUNE_MISDATED:
        return "its id, its times and the time of its file do not agree";
    case PRUNE_UNCHAINED:
        return "it does not follow the chain of points";
    }
    return "unknown";
}
