/* See run.h: the order of a run. What happens between lease and point is run_work.c, the end is run_end.c. */
#include "agent/run_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/clock.h"
#include "agent/due.h"
#include "agent/event.h"
#include "agent/state_folder.h"
#include "agent/uploads.h"
#include "state/manifest_batch.h"

enum { READERS_BESIDE = 8, MINUTE_MS = 60 * 1000 };

int64_t run_window_end(const struct run *run)
{
    int64_t minutes = run->options->source->policy->completion_window_minutes;

    return minutes > 0 ? run->began_ms + minutes * MINUTE_MS : 0;
}

static enum verdict open_connection(struct run *run)
{
    struct s3_error error;
    enum s3_status status;

    clock_bound_init(&run->clock, run->options->program->clock);
    s3_error_clear(&error);
    status = s3_conn_new(run->options->program->tls, &run->clock.clock, &run->conn, &error);
    return status == S3_OK ? VERDICT_OK : failure_from_s3(&run->failure, status, &error, "preparing a connection");
}

static enum verdict open_clients(struct run *run)
{
    const struct run_options *options = run->options;
    struct state_error error;
    enum state_status status;

    if (prices_load(options->program->config, &run->prices, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    run->source = *options->source;
    run->vault.config = &options->program->config->vault;
    run->vault.bucket = run->vault.config->bucket;
    run->vault.owner = run->vault.config->access.account;
    run->vault.lock_watch = lock_watch_new();
    if (run->vault.lock_watch == NULL)
        return failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    status = layout_init(&run->vault.layout, run->vault.config->prefix, strlen(run->vault.config->prefix), &error);
    if (status != STATE_OK)
        return failure_from_state(&run->failure, status, &error, "the vault's prefix");
    if (access_counted(options->vault_access, &run->counters, &run->vault.client, &run->failure) != VERDICT_OK ||
            access_counted(options->source->access, &run->counters, &run->source.client, &run->failure) != VERDICT_OK ||
            open_connection(run) != VERDICT_OK)
        return run->failure.verdict;
    if (run->source.region[0] != '\0')
        s3_client_set_region(run->source.client, run->source.bucket, run->source.region);
    return VERDICT_OK;
}

static enum verdict take_lease(struct run *run)
{
    struct lease_options options = {
        .program = run->options->program, .vault = &run->vault, .source = run->source.name, .owner = run->owner
    };

    if (state_folder_owner(run->manifest, run->source.name, run->owner, &run->failure) != VERDICT_OK ||
            lease_take(&options, run->conn, &run->lease, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    lease_keeper_add(run->options->keeper, run->lease);
    run->kept_renewed = true;
    return VERDICT_OK;
}

enum verdict run_open(struct run *run)
{
    if (open_clients(run) != VERDICT_OK ||
            (run->options->slot_s != NULL && due_is_served(&run->vault, run->conn, run->source.name,
                                                     *run->options->slot_s, &run->served, &run->failure) != VERDICT_OK))
        return run->failure.verdict;
    if (run->served)
        return VERDICT_OK;
    if (state_folder_open(run->options->program, run->source.name, pool_workers(run->options->pool) + READERS_BESIDE,
                &run->manifest, &run->found, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    if (run->options->health->refused) {
        run->failure = run->options->health->failure;
        return run->failure.verdict;
    }
    return VERDICT_OK;
}

/* Whether the vault still has what is recorded: who calls for a resync does not take it for granted. */
static enum verdict look_for_copies(struct run *run)
{
    const char *prefix = run->options->prefix;
    const struct rebuild_view records = { .vault = &run->vault,
        .conn = run->conn,
        .source = run->source.name,
        .manifest = run->manifest,
        .prefix = { prefix, prefix != NULL ? strlen(prefix) : 0 } };
    uint64_t missing;
    char text[200];

    if (rebuild_doubt_missing(&records, &missing, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    if (missing == 0)
        return VERDICT_OK;
    (void)snprintf(text, sizeof text,
            "the copies of %llu objects are not in the vault any more; what the source has of them is to be copied "
            "again, and verify says which points have lost them",
            (unsigned long long)missing);
    event_warn("copies-missing", run->source.name, "%s", text);
    source_report_warn(run->report, text);
    return VERDICT_OK;
}

enum verdict run_catch_up(struct run *run)
{
    bool from_scratch =
            run->found == MANIFEST_NEW || run->found == MANIFEST_REBUILD || run->options->kind == RUN_REBUILD;

    enum verdict verdict = rebuild_catch_up(
            &run->vault, &run->source, run->conn, run->manifest, from_scratch, &run->rebuilt, &run->failure);

    if (verdict == VERDICT_BAD_DATA) {
        /* somebody damaged the points: what is in the vault is still protected, and the run says what it saw */
        event_error(run->source.name, &run->failure);
        run->damaged = true;
        run->report->error = run->failure;
        run->report->has_error = true;
        verdict = rebuild_from_versions(
                &run->vault, &run->source, run->conn, run->manifest, &run->rebuilt, &run->failure);
    }
    if (verdict == VERDICT_OK && run->options->doubts_vault && run->rebuilt.from != REBUILD_VERSIONS)
        verdict = look_for_copies(run);
    if (verdict != VERDICT_OK)
        return verdict;
    if (run->lease != NULL && state_folder_keep_owner(run->manifest, run->source.name, run->owner, &run->failure) !=
                                      VERDICT_OK) /* a manifest made anew has forgotten it */
        return run->failure.verdict;
    /* What a killed run copied, or one whose manifest is lost, may be in the vault without a record: it is looked for
     * before it is copied again. A predecessor that ended well left nothing of the kind. */
    run->job.look_first = run->source.unclean || run->found == MANIFEST_VERIFIED || run->rebuilt.orphan_logs ||
                          run->rebuilt.from == REBUILD_VERSIONS ||
                          (run->lease != NULL && lease_followed_dead(run->lease)) || run->options->kind == RUN_REBUILD;
    if (run->rebuilt.from != REBUILD_NOTHING && run->rebuilt.from != REBUILD_EMPTY)
        event_emit("manifest-rebuilt", run->source.name,
                json_pack("{sI sI}", "records", (json_int_t)run->rebuilt.records, "lines",
                        (json_int_t)run->rebuilt.lines),
                "the manifest was brought up to the vault");
    return VERDICT_OK;
}

static enum verdict name_point(struct run *run)
{
    if (points_next(&run->vault, run->rebuilt.last_folder, &run->started_ms, run->point, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    (void)snprintf(run->report->point, sizeof run->report->point, "%s", run->point);
    run->vault.locks_from_ms = run->started_ms;
    return VERDICT_OK;
}

static enum verdict prepare(struct run *run)
{
    struct publish_options options;

    if (run_open(run) != VERDICT_OK)
        return run->failure.verdict;
    if (run->served)
        return VERDICT_OK;
    if (take_lease(run) != VERDICT_OK || run_catch_up(run) != VERDICT_OK)
        return run->failure.verdict;
    if (run->options->kind == RUN_TAGS)
        return VERDICT_OK;
    if (name_point(run) != VERDICT_OK)
        return run->failure.verdict;
    options = (struct publish_options){
        .vault = &run->vault, .source = &run->source, .manifest = run->manifest, .point = run->point
    };
    if (publisher_new(&options, &run->publisher, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    /* lines that a killed run left in the outbox go first */
    if (publisher_flush(run->publisher, run->conn, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    return source_config_read(&run->source, run->source.client, run->conn, &run->source_config, &run->failure);
}

void run_close(struct run *run)
{
    struct source_report *report = run->report;
    struct state_error error;
    struct manifest_totals totals;

    if (run->manifest != NULL) {
        manifest_totals(run->manifest, &totals);
        for (int i = 0; i < CLASS_COUNT; i++) {
            report->by_class[i] = (struct state_totals){ totals.by_class[i].objects, totals.by_class[i].bytes };
            report->objects += totals.by_class[i].objects;
            report->bytes += totals.by_class[i].bytes;
        }
    }
    if (run->publisher != NULL)
        publisher_free(run->publisher);
    source_config_free(&run->source_config);
    move_due_clear(&run->due);
    if (run->kept_renewed)
        lease_keeper_remove(run->options->keeper, run->lease);
    if (run->manifest != NULL && manifest_close(run->manifest, !run->manifest_stale, &error) != STATE_OK)
        event_warn(
                "manifest-not-closed", run->source.name, "the manifest is checked at the next start: %s", error.what);
    if (run->lease != NULL)
        lease_release(run->lease, run->conn); /* last: whoever takes it next finds everything in place */
    s3_conn_free(run->conn);
    for (int i = 0; i < REQUEST_KINDS; i++)
        report->requests[i] = atomic_load(&run->counters.requests[i]);
    report->retried = atomic_load(&run->counters.retried);
    report->throttled = atomic_load(&run->counters.throttled);
    s3_client_free(run->source.client);
    s3_client_free(run->vault.client);
    lock_watch_free(run->vault.lock_watch);
}

/* What hangs before the first copy is broken off some time after the window's end, and the lease still given back. What
 * is published after it has all the time that it takes. */
static enum verdict prepare_in_window(struct run *run)
{
    enum verdict verdict;

    run->clock.over_ms = run_window_end(run);
    verdict = prepare(run);
    if (verdict == VERDICT_OK && !run->served)
        verdict = run_within_cost(run);
    run->clock.over_ms = verdict == VERDICT_OK ? 0 : clock_monotonic_ms();
    return verdict;
}

/* What the run comes to, for the schedule that started it. */
static enum exit_code judge(const struct run *run, enum verdict verdict)
{
    const struct source_report *report = run->report;

    if (verdict == VERDICT_BAD_DATA && atomic_load(&run->job.tally.failed_listings) > 0)
        return EXIT_PARTIAL; /* what the service listed makes no sense: a partial point, no fault of ours */
    if (run->too_dear)
        return EXIT_GUARDED;
    if (verdict != VERDICT_OK)
        return verdict_exit(verdict);
    if (run->served)
        return EXIT_DONE;
    if (run->guarded)
        return EXIT_GUARDED;
    if (report->failed > 0 || report->move_failed > 0 || run->recorder.left_out > 0 || run->damaged)
        return EXIT_PARTIAL;
    return run->recorder.left > 0 || run->recorder.moves_left > 0 || run->moves_cut || run->job.marks_dropped ||
                           !run->walk_ended
                   ? EXIT_LEFT
                   : EXIT_DONE;
}

static void tell_not_accepted(struct run *run)
{
    char text[STATE_SOURCE_MAX + 160];

    (void)snprintf(text, sizeof text,
            "the run ended before the whole source was listed, so that nothing was accepted: give --accept %s again",
            run->source.name);
    event_warn("not-accepted", run->source.name, "%s", text);
    source_report_warn(run->report, text);
}

void run_source(const struct run_options *options, struct source_report *report)
{
    struct run *run = calloc(1, sizeof *run);
    enum verdict verdict, published;
    bool told;

    (void)snprintf(report->source, sizeof report->source, "%s", options->source->name);
    report->state = "skipped";
    if (run == NULL) {
        report->exit = EXIT_INTERNAL;
        report->has_error = true;
        failure_set(&report->error, VERDICT_INTERNAL, "out of memory");
        return;
    }
    for (size_t i = 0; i < options->health->count; i++)
        source_report_warn(report, options->health->warnings[i]);
    run->options = options;
    run->report = report;
    run->began_ms = clock_monotonic_ms();
    run->counters.budget = options->budget;
    verdict = prepare_in_window(run);
    if (verdict == VERDICT_OK && options->kind == RUN_TAGS) {
        verdict = run_tags(run);
    } else if (verdict == VERDICT_OK && !run->served) {
        event_emit("source-started", run->source.name, json_pack("{ss}", "point", run->point), NULL);
        run_guard_base(run);
        verdict = run_work(run);
        if (verdict == VERDICT_OK && run->walk_ended)
            verdict = run_guard(run);
        else if (options->accept)
            tell_not_accepted(run);
        if (verdict == VERDICT_OK && run->walk_ended && !run->guarded)
            verdict = run_marks(run);
        if (verdict == VERDICT_OK && run->walk_ended && !run->guarded)
            verdict = run_moves(run);
        if (verdict == VERDICT_OK)
            uploads_abort_stale(run);
        if (verdict != VERDICT_OK) {
            report->has_error = true;
            report->error = run->failure;
        }
        published = run_point(run); /* what was done is worth a point, also when not all was */
        if (published != VERDICT_OK && verdict == VERDICT_OK)
            verdict = published;
        else if (published != VERDICT_OK)
            event_error(run->source.name, &run->failure);
    }
    if (verdict != VERDICT_OK && !report->has_error) {
        report->has_error = true;
        report->error = run->failure;
    }
    report->exit = judge(run, verdict);
    told = run->damaged;
    run_close(run);
    if (report->has_error && !told)
        event_error(report->source, &report->error);
    free(run);
}
