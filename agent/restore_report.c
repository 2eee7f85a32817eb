/* What a restore says of itself: JSON and lines for people. See restore.h. */
#include "agent/restore.h"

#include <stdio.h>

enum { SHOWN = 100 }; /* lines for people; --json names REPORT_FAILURES */

static bool add_numbers(json_t *json, const struct restore_report *report)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = { { "objects", report->objects }, { "bytes", report->bytes }, { "restored", report->restored },
        { "restored_bytes", report->restored_bytes }, { "equal", report->equal }, { "skipped", report->skipped },
        { "thawing", report->thawing }, { "failed", report->failed }, { "missing", report->missing },
        { "without_tags", report->without_tags }, { "without_acl", report->without_acl } };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (json_object_set_new(json, numbers[i].name, json_integer((json_int_t)numbers[i].value)) != 0)
            return false;
    return true;
}

json_t *restore_report_json(const struct restore_report *report)
{
    const struct cost cost = restore_cost(report);
    json_t *json = json_pack("{ss si ss so ss sb}", "command", "restore", "exit", (int)report->exit, "source",
            report->source, "point", report->point[0] != '\0' ? json_string(report->point) : json_null(), "state",
            report->state, "doubtful", report->doubtful);
    bool well = json != NULL && add_numbers(json, report) &&
                json_object_set_new(json, "requests", requests_json(report->requests)) == 0 &&
                json_object_set_new(json, "cost", cost_json(&cost, &report->prices)) == 0 &&
                json_object_set_new(json, "failures", source_report_failures_json(&report->lines)) == 0 &&
                (!report->dry_run || restore_forecast_add(json, report)) &&
                (!report->has_error || json_object_set_new(json, "error", failure_json(&report->error)) == 0);

    if (!well) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static void print_lines(const struct restore_report *report)
{
    const struct source_report *lines = &report->lines;
    char key[256];

    for (size_t i = 0; i < lines->failure_count && i < SHOWN; i++)
        (void)printf("  \"%s\": %s\n",
                key_for_people(lines->failures[i].key, lines->failures[i].key_len, key, sizeof key),
                lines->failures[i].failure != NULL ? lines->failures[i].failure->what : "no memory to tell more");
    if (lines->failed > SHOWN)
        (void)printf("  and %llu more; --json names %d\n", (unsigned long long)lines->failed - SHOWN, REPORT_FAILURES);
}

void restore_report_print(const struct restore_report *report)
{
    (void)printf("%s: %llu objects, %llu bytes, %s%s%s%s\n", report->source, (unsigned long long)report->objects,
            (unsigned long long)report->bytes, report->point[0] != '\0' ? "as of point " : "by the vault's versions",
            report->point, report->point[0] != '\0' ? ", " : "", report->point[0] != '\0' ? report->state : "");
    if (report->missing > 0)
        (void)printf("  the point lacks %llu objects\n", (unsigned long long)report->missing);
    if (report->dry_run)
        restore_forecast_print(report);
    else
        (void)printf("  restored %llu (%llu bytes), equal already %llu, conflicts left %llu, thawing %llu, failed "
                     "%llu\n",
                (unsigned long long)report->restored, (unsigned long long)report->restored_bytes,
                (unsigned long long)report->equal, (unsigned long long)report->skipped,
                (unsigned long long)report->thawing, (unsigned long long)report->failed);
    if (report->without_tags > 0 || report->without_acl > 0)
        (void)printf("  restored without tags %llu, without their recorded ACL %llu\n",
                (unsigned long long)report->without_tags, (unsigned long long)report->without_acl);
    print_lines(report);
    if (report->exit == EXIT_LEFT)
        (void)printf("  work is left: call it again to go on%s\n",
                report->thawing > 0 ? ", once it is thawed or to wait for that" : "");
    if (report->has_error)
        (void)printf("  ended early: %s\n", report->error.what);
}
