/* What a prune says, as JSON and for people; see prune.h. */
#include "agent/prune.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/report.h"

void prune_report_clear(struct prune_report *report)
{
    free(report->points.items);
    report->points.items = NULL;
    prune_points_clear(&report->points);
}

json_t *prune_cost_json(const struct prune_report *reports, size_t count, const struct prices *prices)
{
    struct cost cost = { .requests = 0 };
    double early = 0;
    json_t *json;

    for (size_t i = 0; i < count; i++) {
        price_add(&cost.requests, reports[i].cost.requests, 1);
        price_add(&cost.storage_month, reports[i].cost.storage_month, 1);
        price_add(&early, reports[i].counts.early, 1);
    }
    json = cost_json(&cost, prices);
    if (json != NULL)
        (void)json_object_set_new(json, "early_deletion", early == PRICE_UNKNOWN ? json_null() : json_real(early));
    return json;
}

/* What becomes of a point; NULL: nothing that is worth a line. */
static const char *fate(const struct prune_point *point)
{
    if (point->trust != PRUNE_TRUSTED)
        return point->trust == PRUNE_REMOVED || !point->there ? NULL : "ignored";
    return point->forget     ? "forget"
           : point->remember ? "remember"
           : point->disputed ? "disputed"
           : !point->kept    ? point->holds && !point->over ? "grace" : "forgotten"
                             : "keep";
}

static json_t *points_json(const struct prune_points *points)
{
    json_t *array = json_array();

    for (size_t i = 0; i < points->count; i++) {
        const struct prune_point *point = &points->items[i];
        json_t *reasons = json_array();
        for (unsigned r = 0; point->kept && r < point->reason_count; r++)
            (void)json_array_append_new(reasons, json_string(point->reasons[r]));
        if (point->trust != PRUNE_TRUSTED)
            (void)json_array_append_new(reasons, json_string(prune_trust_name(point->trust)));
        if (fate(point) != NULL)
            (void)json_array_append_new(array, json_pack("{ss ss so sb}", "point", point->id, "fate", fate(point),
                                                       "why", reasons, "pinned", (int)point->pinned));
        else
            json_decref(reasons);
    }
    return array;
}

/* In a dry run nothing was forgotten: how many would be. */
static json_int_t forgotten(const struct prune_report *report, bool dry_run)
{
    return (json_int_t)(dry_run ? report->points.forgotten : report->forgotten);
}

json_t *prune_report_json(const struct prune_report *report, const struct prices *prices, bool dry_run)
{
    json_t *json = json_pack("{ss si sI sI sI sI sI sI sI sI so so so so}", "source", report->source, "exit",
            (int)report->exit, "forgotten", forgotten(report, dry_run), "remembered", (json_int_t)report->remembered,
            "versions", (json_int_t)report->counts.versions, "bytes", (json_int_t)report->counts.bytes, "markers",
            (json_int_t)report->counts.markers, "retained_by_lock", (json_int_t)report->retained_by_lock, "failed",
            (json_int_t)report->failed, "point_files", (json_int_t)report->point_files, "by_class",
            classes_json(report->counts.by_class), "cost", prune_cost_json(report, 1, prices), "points",
            points_json(&report->points), "stopped",
            report->stopped[0] != '\0' ? json_string(report->stopped) : json_null());

    if (json != NULL && report->extends)
        (void)json_object_set_new(json, "locks", lock_extended_json(&report->extended, prices, report->lock_days));
    if (json != NULL && report->has_error)
        (void)json_object_set_new(json, "error", failure_json(&report->error));
    return json;
}

static void print_points(const struct prune_report *report)
{
    for (size_t i = 0; i < report->points.count; i++) {
        const struct prune_point *point = &report->points.items[i];
        const char *what = fate(point);
        if (what == NULL)
            continue;
        (void)printf("%s: %s %s", report->source, point->id, what);
        for (unsigned r = 0; point->kept && r < point->reason_count; r++)
            (void)printf("%s%s", r == 0 ? ": " : ", ", point->reasons[r]);
        if (point->trust != PRUNE_TRUSTED)
            (void)printf(": %s", prune_trust_name(point->trust));
        (void)printf("\n");
    }
}

static void print_locks(const struct prune_report *report, const struct prices *prices, bool dry_run)
{
    const struct lock_extended *locks = &report->extended;
    const struct lock_extend_year year = lock_extend_year(prices, report->lock_days, locks->versions);
    char sum[MONEY_SIZE];

    (void)printf("%s: of %llu locked versions that points need, %llu %s looked at", report->source,
            (unsigned long long)locks->versions, (unsigned long long)locks->looked, dry_run ? "would be" : "were");
    if (!dry_run)
        (void)printf(
                ", %llu extended, %llu failed", (unsigned long long)locks->extended, (unsigned long long)locks->failed);
    (void)printf("; a year of this at a prune a day: %s\n", money(year.price, prices, sum));
}

void prune_report_print(const struct prune_report *report, const struct prices *prices, bool dry_run)
{
    char month[MONEY_SIZE], early[MONEY_SIZE];

    if (dry_run)
        print_points(report);
    (void)printf("%s: %s %llu points; %s %llu versions of %llu bytes, %llu delete markers, %llu files of points",
            report->source, dry_run ? "would forget" : "forgot", (unsigned long long)forgotten(report, dry_run),
            dry_run ? "would remove" : "removed", (unsigned long long)report->counts.versions,
            (unsigned long long)report->counts.bytes, (unsigned long long)report->counts.markers,
            (unsigned long long)report->point_files);
    if (report->retained_by_lock > 0)
        (void)printf("; %llu stay as they are locked", (unsigned long long)report->retained_by_lock);
    if (report->failed > 0)
        (void)printf("; %llu could not be removed", (unsigned long long)report->failed);
    (void)printf("; saves %s a month", money(report->cost.storage_month, prices, month));
    if (report->counts.early != 0)
        (void)printf(", %s is still billed for what goes early", money(report->counts.early, prices, early));
    (void)printf("\n");
    if (report->extends)
        print_locks(report, prices, dry_run);
    if (report->stopped[0] != '\0')
        (void)printf("%s: nothing was done: %s\n", report->source, report->stopped);
}
