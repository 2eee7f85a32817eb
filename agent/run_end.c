/* See run_inside.h: how a run becomes a point. */
#include "agent/run_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "state/manifest_load.h"

void run_take_out_of_pool(struct run *run)
{
    if (run->in_pool)
        pool_remove(run->options->pool, &run->job);
    run->in_pool = false;
}

static void fill_counts(struct run *run)
{
    struct source_report *report = run->report;
    struct tally *tally = &run->job.tally;

    report->listed = atomic_load(&tally->listed);
    report->unchanged = atomic_load(&tally->unchanged);
    report->archived += atomic_load(&tally->archived);
    report->bytes_copied = atomic_load(&run->bytes_copied);
    report->without_tags = atomic_load(&run->without_tags);
    report->without_acl = atomic_load(&run->without_acl);
    if (report->without_acl > 0) {
        char text[200];
        (void)snprintf(text, sizeof text,
                "the ACLs of %llu objects could not be read and are not kept: grant s3:GetObjectAcl to those who read "
                "the source",
                (unsigned long long)report->without_acl);
        event_warn("acl-not-read", run->source.name, "%s", text);
        source_report_warn(report, text);
    }
}

/* What the point lacks. An object that could not be moved is not missing: it lies where it lay. */
static struct state_point_missing *make_missing(const struct source_report *report, size_t *count)
{
    struct state_point_missing *missing = calloc(report->failure_count + 1, sizeof *missing);

    *count = 0;
    for (size_t i = 0; i < report->failure_count && missing != NULL; i++) {
        const struct report_failure *from = &report->failures[i];
        struct state_point_missing *one = &missing[*count];
        if (from->of_move)
            continue;
        (*count)++;
        one->key = (struct state_text){ from->key, from->key_len };
        if (from->failure == NULL)
            continue;
        one->operation = from->failure->s3.operation;
        one->status = (unsigned)from->failure->s3.http_status;
        one->code = from->failure->s3.code;
        one->message = from->failure->s3.message;
        one->request_id = from->failure->s3.request_id;
    }
    return missing;
}

static bool is_complete(const struct run *run)
{
    return run->walk_ended && !run->guarded && !run->job.marks_dropped && !run->job.has_failure &&
           run->report->failed == 0 && run->recorder.left == 0 && (!run->report->has_error || run->damaged);
}

/* When the manifest's pages are half empty, it is packed: no reader is open, the pool has nothing of ours. */
static void pack(struct run *run)
{
    struct state_error error;
    bool loose = false;
    enum state_status status = manifest_is_loose(run->manifest, &loose, &error);

    if (status == STATE_OK && loose)
        status = manifest_compact(run->manifest, &error);
    if (status != STATE_OK)
        event_warn("manifest-not-packed", run->source.name, "%s", error.what);
}

/* Whoever calls `run --due` next is to go on at once: a task that was stopped and started anew must not cost a night.
 * Without this word the point serves its slot, no more. */
static void leave_word_of_signal(struct run *run)
{
    struct failure failure;

    if (run->options->kind == RUN_BACKUP && clock_signalled() &&
            publisher_interrupted(run->publisher, run->conn, &failure) != VERDICT_OK)
        event_error(run->source.name, &failure);
}

static enum verdict publish(struct run *run)
{
    struct source_report *report = run->report;
    const struct state_point_link *before = run->rebuilt.has_newest ? &run->rebuilt.newest : NULL;
    struct state_point point;
    char newest[STATE_POINT_SIZE] = "";
    size_t listed = 0;
    struct state_point_missing *missing = make_missing(report, &listed);
    enum verdict verdict;

    if (missing == NULL)
        return failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    memset(&point, 0, sizeof point);
    memcpy(point.id, run->point, sizeof point.id);
    point.started_ms = run->started_ms;
    point.finished_ms = vault_now_ms(&run->vault);
    if (point.finished_ms < point.started_ms)
        point.finished_ms = point.started_ms;
    /* The vault's clock is known to a second or so. A version that is newer than the point that holds it would be taken
     * for one that came later. */
    if (point.finished_ms < run->recorder.newest_ms)
        point.finished_ms = run->recorder.newest_ms;
    point.state = run->guarded ? STATE_POINT_GUARDED : is_complete(run) ? STATE_POINT_COMPLETE : STATE_POINT_PARTIAL;
    point.has_guard = run->tripped;
    if (run->tripped) {
        point.guard = (struct state_point_guard){ .reason = run->guard_reason,
            .before = run->base.objects,
            .changed = run->seen.replaced,
            .deleted = run->seen.missing };
        if (!run->guarded) {
            uint64_t looked_at = report->deleted + run->recorder.still_there;
            point.guard.left_changed = run->recorder.left_changed;
            point.guard.left_deleted = run->recorder.pending - looked_at;
        }
        memcpy(point.guard.complete, run->base.complete, sizeof point.guard.complete);
    }
    point.walk_ended = run->walk_ended;
    point.did = (struct state_point_did){ .listed = report->listed,
        .copied = report->copied,
        .recopied = report->recopied,
        .adopted = report->adopted,
        .deleted = report->deleted,
        .moved = report->moved,
        .unchanged = report->unchanged,
        .archived = report->archived,
        .failed = report->failed,
        .bytes_copied = report->bytes_copied,
        .repeated = run->recorder.repeated,
        .customer_keys = run->recorder.customer_keys };
    point.missing_count = report->failed;
    point.missing = missing;
    point.missing_listed = listed;
    point.configuration = run->source_config.json;
    if (point.state == STATE_POINT_PARTIAL)
        leave_word_of_signal(run);
    verdict = publisher_point(run->publisher, run->conn, &point, before, newest, &run->failure);
    if (verdict == VERDICT_CHANGED) {
        event_warn("overtaken", run->source.name,
                "point %s was published by somebody else during this run: what this run copied is in the vault, and "
                "the next run finds it by looking",
                newest);
        run->manifest_stale = true;
        verdict = failure_set(&run->failure, VERDICT_HELD, "source \"%s\" was run by somebody else at the same time",
                run->source.name);
    }
    if (verdict == VERDICT_OK) {
        report->state = state_point_state_name(point.state);
        report->finished_ms = clock_monotonic_ms() + point.finished_ms - vault_now_ms(&run->vault);
    }
    free(missing);
    return verdict;
}

enum verdict run_point(struct run *run)
{
    run_take_out_of_pool(run);
    fill_counts(run);
    if (run->failure.verdict == VERDICT_INTERNAL && run->report->has_error && run->report->error.s3.operation == NULL)
        return VERDICT_INTERNAL; /* the manifest cannot be written: nothing more is to be said of it */
    if (!lease_is_held(run->lease))
        return failure_set(&run->failure, VERDICT_HELD, "the lease of source \"%s\" was lost: another run has taken it",
                run->source.name);
    if (publisher_tell_unlogged(run->publisher, run->conn, &run->failure) != VERDICT_OK ||
            publisher_flush(run->publisher, run->conn, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    if (is_complete(run) && publisher_wants_full(run->publisher) &&
            publisher_full(run->publisher, run->conn, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    if (publish(run) != VERDICT_OK)
        return run->failure.verdict;
    pack(run);
    return VERDICT_OK;
}
