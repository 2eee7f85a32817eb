/* The points of a source, judged, and marked as forgotten; see prune_inside.h. */
#include "agent/prune_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event.h"
#include "agent/forgotten.h"
#include "agent/schedule.h"

enum { SLOTS_MAX = 2000, HOUR_S = 3600, YEAR_S = 366 * 86400 };
#define DAY_MS INT64_C(86400000)

static void fill(const struct verify_point *from, struct prune_point *point)
{
    int64_t local_s = point->local_s;

    *point = (struct prune_point){ .there = from->listed.has_point,
        .readable = from->slim != NULL,
        .started_ms = from->started_ms,
        .finished_ms = from->finished_ms,
        .written_ms = from->listed.written_ms,
        .local_s = local_s,
        .state = from->state,
        .walk_ended = from->walk_ended,
        .pinned = from->listed.pinned,
        .forgotten_ms = from->listed.forgotten_ms,
        .has_predecessor = from->follows };
    memcpy(point->id, from->listed.id, sizeof point->id);
    memcpy(point->sha256, from->sha256, sizeof point->sha256);
    if (from->slim != NULL)
        point->predecessor = from->slim->predecessor;
}

/* What their forgotten.json say. Of those of more than a year ago, and not within the policy's days of grace, it is not
 * asked: points go on being listed for years, and each asks for two requests. */
static enum verdict read_untils(struct pruning *pruning, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct prune_points *points = &pruning->report->points;
    const int64_t grace_ms = points->policy->grace_days * DAY_MS,
                  recent_ms = grace_ms > YEAR_S * INT64_C(1000) ? grace_ms : YEAR_S * INT64_C(1000);
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < points->count && verdict == VERDICT_OK; i++) {
        struct prune_point *point = &points->items[i];
        if (point->forgotten_ms == 0 || points->now_ms - point->forgotten_ms > recent_ms)
            continue;
        verdict = forgotten_until(options->vault, options->conn, options->source, point->id, &point->until_ms, failure);
        if (point->until_ms == INT64_MAX)
            point->until_ms = 0;
        if (verdict == VERDICT_OK)
            verdict = prune_may_go_on(pruning, failure);
    }
    return verdict;
}

/* What does not count is no part of the history either. */
static void take_out(struct pruning *pruning)
{
    struct verifying *verifying = &pruning->verifying;

    verifying->newest = verifying->point_count;
    for (size_t i = 0; i < verifying->point_count; i++) {
        const struct prune_point *point = &pruning->report->points.items[i];
        struct verify_point *from = &verifying->points[i];
        from->removed = point->trust == PRUNE_REMOVED;
        if (point->trust != PRUNE_TRUSTED && from->slim != NULL) {
            free(from->slim);
            from->slim = NULL;
        }
        if (from->slim != NULL)
            verifying->newest = i;
        verifying->kept[i + 1] = verifying->kept[i] + point->holds;
    }
}

static void tell_ignored(struct pruning *pruning)
{
    struct prune_report *report = pruning->report;

    for (size_t i = 0; i < report->points.count; i++) {
        const struct prune_point *point = &report->points.items[i];
        if (point->disputed)
            event_warn("point-disputed", report->source,
                    "point %s was forgotten long ago, and yet the policy keeps it: what it needs stays as far as it is "
                    "there, but it is not shown any more",
                    point->id);
        if (point->trust == PRUNE_TRUSTED || point->trust == PRUNE_REMOVED || !point->there)
            continue;
        report->ignored++;
        event_warn("point-ignored", report->source, "point %s does not count: %s. `vaultferry verify` says more",
                point->id, prune_trust_name(point->trust));
    }
}

/* How many runs the schedule wants in a second, by what it wanted in the last year. Without one, one run an hour is no
 * flood. */
static double rate_of(const struct config_policy *policy, int64_t now_s)
{
    struct schedule schedule;
    int64_t from_s = now_s - YEAR_S, at = from_s;
    unsigned count = 0;

    if (policy->schedule == NULL || schedule_parse(policy->schedule, &schedule) != NULL)
        return 1.0 / HOUR_S;
    if (schedule.period_s > 0)
        return 1.0 / (double)schedule.period_s;
    while (count < SLOTS_MAX && schedule_next(&schedule, policy->timezone, at, &at) && at <= now_s)
        count++;
    return count == 0 ? 0 : (double)count / (double)((count < SLOTS_MAX ? now_s : at) - from_s);
}

/* How many complete points came in as long a time before: what a source without a schedule does. */
static uint64_t before(const struct prune_points *points, int64_t since_ms)
{
    int64_t from_ms = since_ms - (points->now_ms - since_ms);
    uint64_t count = 0;

    for (size_t i = 0; i < points->count; i++)
        count += points->items[i].trust == PRUNE_TRUSTED && points->items[i].state == STATE_POINT_COMPLETE &&
                 points->items[i].written_ms > from_ms && points->items[i].written_ms <= since_ms;
    return count;
}

/* A point of another account's bucket, where the config knows whose its source is: the source that wrote it may have
 * been taken out of the config since, and a pattern of another one mean its name. */
static size_t first_foreign(const struct pruning *pruning)
{
    const struct prune_points *points = &pruning->report->points;
    const char *account = pruning->options->account;
    size_t i = 0;

    for (; i < points->count && account != NULL; i++)
        if (points->items[i].trust == PRUNE_TRUSTED && pruning->verifying.points[i].account[0] != '\0' &&
                strcmp(pruning->verifying.points[i].account, account) != 0)
            return i;
    return points->count;
}

/* What an operator has to look at before anything goes. */
static void ask(struct pruning *pruning)
{
    struct prune_report *report = pruning->report;
    const struct prune_points *points = &report->points;
    int64_t since_ms = pruning->record.pruned_ms <= points->now_ms ? pruning->record.pruned_ms : 0;
    uint64_t complete = 0, wanted = 0;

    if (pruning->options->accept || points->count == 0)
        return;
    if (first_foreign(pruning) < points->count) {
        (void)snprintf(report->stopped, PRUNE_STOPPED_SIZE,
                "point %s is of account %s, and the source of the config that may mean \"%s\" of account %s, so that "
                "its "
                "policy says nothing of it: exclude the name from that source, or prune with --accept %s",
                points->items[first_foreign(pruning)].id, pruning->verifying.points[first_foreign(pruning)].account,
                report->source, pruning->options->account, report->source);
        return;
    }
    if (points->contradicted) {
        (void)snprintf(report->stopped, PRUNE_STOPPED_SIZE,
                "prune/%s/record.json says that point %s was removed, and it is there and not one that may go: unless "
                "you have changed the policy, no prune wrote that. Remove that version of the record, or prune with "
                "--accept %s",
                report->source, points->items[points->contradicted_at].id, report->source);
        return;
    }
    if (points->broken) {
        (void)snprintf(report->stopped, PRUNE_STOPPED_SIZE,
                "the chain of points is broken before point %s, so that it is not sure what the points need: look at "
                "it with `vaultferry verify --source %s`, then prune with --accept %s",
                points->items[points->broken_at].id, report->source, report->source);
        return;
    }
    for (size_t i = 0; i < points->count && since_ms == 0; i++)
        if (points->items[i].trust == PRUNE_TRUSTED)
            since_ms = points->items[i].started_ms - 1000;
    if (points->now_ms > since_ms)
        wanted = (uint64_t)((double)(points->now_ms - since_ms) / 1000 * pruning->rate);
    if (points->policy->schedule == NULL && before(points, since_ms) > wanted)
        wanted = before(points, since_ms);
    if (prune_judge_flood(points, since_ms, wanted, &complete))
        (void)snprintf(report->stopped, PRUNE_STOPPED_SIZE,
                "%llu complete points have come since the last prune, and the schedule makes %llu in that time: if "
                "they are not yours, they would push yours out. Look at `vaultferry points --source %s`, then prune "
                "with --accept %s",
                (unsigned long long)complete, (unsigned long long)wanted, report->source, report->source);
}

enum verdict prune_list_points(struct pruning *pruning, struct failure *failure)
{
    struct verifying *verifying = &pruning->verifying;
    struct prune_points *points = &pruning->report->points;
    const struct config_policy *policy = pruning->options->policy;
    enum verdict verdict = verify_list_points(verifying, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    points->items = calloc(verifying->point_count + 1, sizeof *points->items);
    if (points->items == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < verifying->point_count; i++) {
        const char *id = verifying->points[i].listed.id;
        int64_t started_s = 0;
        if (state_utc_from_point(id, strlen(id), &started_s)) /* the run's start, or a second after its predecessor's */
            points->items[i].local_s = schedule_local(policy->timezone, started_s);
    }
    pruning->rate = rate_of(policy, vault_now_ms(pruning->options->vault) / 1000);
    return VERDICT_OK;
}

enum verdict prune_find_points(struct pruning *pruning, struct failure *failure)
{
    struct verifying *verifying = &pruning->verifying;
    struct prune_points *points = &pruning->report->points;
    enum verdict verdict = prune_record_read(
            pruning->options->vault, pruning->options->conn, pruning->options->source, &pruning->record, failure);

    verifying->has_record = true; /* what lies before the root is read as well, and judged */
    if (verdict == VERDICT_OK)
        verdict = verify_read_points(verifying, failure);
    if (verdict == VERDICT_OK)
        verdict = prune_may_go_on(pruning, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    points->count = verifying->point_count;
    for (size_t i = 0; i < points->count; i++)
        fill(&verifying->points[i], &points->items[i]);
    points->policy = pruning->options->policy;
    points->now_ms = vault_now_ms(pruning->options->vault);
    points->accept = pruning->options->accept;
    points->has_root = pruning->record.has_root;
    memcpy(points->root, pruning->record.root, sizeof points->root);
    points->root_removed = pruning->record.removed;
    verdict = read_untils(pruning, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!prune_judge_points(points))
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    tell_ignored(pruning);
    take_out(pruning);
    ask(pruning);
    return VERDICT_OK;
}

/* All versions of it, and markers. What a lock keeps is asked for again by the next prune. */
static enum verdict remove_forgotten(struct pruning *pruning, const struct prune_point *point, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    struct layout_path path;
    enum verdict verdict = VERDICT_OK;

    if (layout_point_file(&options->vault->layout, options->source, point->id, LAYOUT_FORGOTTEN, 0, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no point", point->id);
    points_versions_begin(&cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        struct s3_delete_options gone = { .target = vault_target(options->vault, path.ptr, path.len) };
        struct s3_delete_result result;
        struct s3_error error;
        char version[S3_VERSION_MAX + 1];
        enum s3_status status;
        (void)snprintf(version, sizeof version, "%.*s", (int)entry->version.len, entry->version.ptr);
        gone.target.version = version;
        status = s3_delete_object(options->conn, options->vault->client, &gone, &result, &error);
        if (status == S3_DENIED)
            event_warn("not-remembered", options->source,
                    "point %s is kept again, but its forgotten.json cannot be removed (%s): it is not shown until it "
                    "is",
                    point->id, error.code);
        else if (status != S3_OK)
            verdict = failure_from_s3(failure, status, &error, "removing s3://%s/%s", options->vault->bucket, path.ptr);
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    if (verdict == VERDICT_OK)
        pruning->report->remembered++;
    return verdict;
}

/* Somebody may have pinned a point since the points were listed. */
static enum verdict look_for_pin(
        struct pruning *pruning, const struct prune_point *point, bool *pinned, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct point_listed listed;
    enum verdict verdict = points_find_one(options->vault, options->conn, options->source, point->id, &listed, failure);

    *pinned = verdict == VERDICT_OK && listed.pinned;
    return verdict;
}

static enum verdict forget(struct pruning *pruning, const struct prune_point *point, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    enum verdict verdict = forgotten_write(
            options->vault, options->conn, options->source, point->id, options->policy->grace_days, failure);

    pruning->report->forgotten += verdict == VERDICT_OK;
    return verdict;
}

enum verdict prune_mark_points(struct pruning *pruning, struct failure *failure)
{
    struct prune_points *points = &pruning->report->points;
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < points->count && verdict == VERDICT_OK; i++) {
        struct prune_point *point = &points->items[i];
        bool pinned = false;
        if (!point->forget && !point->remember)
            continue;
        verdict = prune_may_go_on(pruning, failure);
        if (verdict == VERDICT_OK && point->forget)
            verdict = look_for_pin(pruning, point, &pinned, failure);
        if (verdict == VERDICT_OK && pinned)
            return failure_set(failure, VERDICT_CHANGED,
                    "point %s was pinned while the points were being looked at: prune again", point->id);
        if (verdict == VERDICT_OK)
            verdict = point->forget ? forget(pruning, point, failure) : remove_forgotten(pruning, point, failure);
    }
    return verdict;
}
