/* See verify.h: the order in which a source is looked at, and what is told of it. */
#include "agent/verify_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/lease.h"
#include "agent/lease_sight.h"

const char *verify_note_name(enum verify_note_kind kind)
{
    static const char *const names[VERIFY_NOTES] = { "run-going-on", "left-by-unfinished-run", "needed-by-no-point",
        "recorded-in-a-lost-file", "other-class", "logs-without-point", "manifest", "foreign-file" };

    return names[kind];
}

void verify_tell(struct verifying *verifying, const char *name, struct state_text key, const char *format, ...)
{
    struct verify_report *report = verifying->report;
    struct verify_problem problem = { .source = verifying->options->source, .problem = name, .key = key };
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(problem.detail, sizeof problem.detail, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&report->lock);
    report->problems++;
    verifying->options->problem(verifying->options->ctx, &problem);
    (void)pthread_mutex_unlock(&report->lock);
}

void verify_note(struct verifying *verifying, enum verify_note_kind kind, const char *format, ...)
{
    struct verify_note *note = &verifying->report->notes[kind];
    va_list arguments;

    if (note->count++ > 0)
        return;
    va_start(arguments, format);
    (void)vsnprintf(note->detail, sizeof note->detail, format, arguments);
    va_end(arguments);
}

bool verify_stops(struct verifying *verifying)
{
    struct verify_report *report = verifying->report;

    if (!clock_stop_asked())
        return false;
    (void)pthread_mutex_lock(&report->lock);
    report->stopped = true;
    (void)pthread_mutex_unlock(&report->lock);
    return true;
}

static enum verdict look_for_run(struct verifying *verifying, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct lease_seen seen;
    enum verdict verdict = lease_sight_last(options->vault, options->conn, options->source, &seen, failure);

    if (verdict == VERDICT_OK && lease_judge(&seen, "", vault_now_ms(options->vault)) == LEASE_IS_HELD)
        verify_note(verifying, VERIFY_NOTE_RUNNING, "lease %llu is held: what that run writes is not judged",
                (unsigned long long)seen.number);
    return verdict == VERDICT_NOT_FOUND ? VERDICT_OK : verdict;
}

/* What the logs come to must be what the newest point says: a point that was made up does not add up. */
static void check_totals(struct verifying *verifying)
{
    const struct verify_point *newest = &verifying->points[verifying->newest];
    struct layout_path path;

    if (newest->totals.objects == verifying->live.objects && newest->totals.bytes == verifying->live.bytes)
        return;
    verify_path(verifying, newest->listed.id, LAYOUT_POINT, 0, &path);
    verify_tell(verifying, "totals", (struct state_text){ path.ptr, path.len },
            "it says %llu objects of %llu bytes, the logs up to it come to %llu of %llu: a run does not write such a "
            "point",
            (unsigned long long)newest->totals.objects, (unsigned long long)newest->totals.bytes,
            (unsigned long long)verifying->live.objects, (unsigned long long)verifying->live.bytes);
}

static enum verdict check_objects(struct verifying *verifying, struct failure *failure)
{
    struct verify_reader *reader = NULL;
    enum verdict verdict = VERDICT_OK;

    if (verifying->options->read_data)
        verdict = verify_reader_start(verifying, &reader, failure);
    if (verdict == VERDICT_OK)
        verdict = verify_check_objects(verifying, reader, failure);
    verify_reader_stop(reader);
    if (verdict == VERDICT_OK && !verify_stops(verifying) && verifying->lost_count == 0 &&
            verifying->newest < verifying->point_count)
        check_totals(verifying);
    return verdict;
}

static enum verdict check(struct verifying *verifying, struct failure *failure)
{
    enum verdict verdict = look_for_run(verifying, failure);

    if (verdict == VERDICT_OK)
        verdict = verify_list_points(verifying, failure);
    if (verdict == VERDICT_OK)
        verdict = verify_read_points(verifying, failure);
    if (verdict == VERDICT_OK && !verify_stops(verifying))
        verdict = verify_check_chain(verifying, failure);
    if (verdict != VERDICT_OK || verify_stops(verifying))
        return verdict;
    verify_check_files(verifying);
    verdict = verify_read_history(verifying, failure);
    if (verdict == VERDICT_OK && !verify_stops(verifying))
        verdict = verify_check_manifest(verifying, failure);
    if (verdict == VERDICT_OK && !verify_stops(verifying))
        verdict = check_objects(verifying, failure);
    return verdict;
}

enum verdict verify_source(const struct verify_options *options, struct verify_report *report, struct failure *failure)
{
    struct verifying verifying = { .options = options, .report = report };
    enum verdict verdict;

    (void)snprintf(report->source, sizeof report->source, "%s", options->source);
    verdict = check(&verifying, failure);
    verify_sort_free(verifying.history);
    verify_free_points(&verifying);
    free(verifying.lost);
    free(verifying.leases);
    return verdict;
}
