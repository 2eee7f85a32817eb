/* See prune.h: the order in which a source is pruned. */
#include "agent/prune_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/state_folder.h"

enum verdict prune_may_go_on(struct pruning *pruning, struct failure *failure)
{
    if (clock_stop_asked())
        return failure_set(failure, VERDICT_CANCELLED, "a stop was asked for: the next prune goes on");
    if (!lease_is_held(pruning->lease))
        return failure_set(failure, VERDICT_HELD, "the lease of source \"%s\" was lost: the next prune goes on",
                pruning->options->source);
    return VERDICT_OK;
}

/* What verify tells of points is judged here by other rules; what it tells of logs is damage to the history. */
static void hear(void *ctx, const struct verify_problem *problem)
{
    struct pruning *pruning = ctx;
    char key[400];

    if (!pruning->reading || pruning->damaged)
        return;
    pruning->damaged = true;
    (void)failure_set(&pruning->damage, VERDICT_BAD_DATA,
            "nothing is removed, since the logs of the points are not whole: %s: %s: %s. `vaultferry verify --source "
            "%s` says more",
            problem->problem, key_for_people(problem->key.ptr, problem->key.len, key, sizeof key), problem->detail,
            pruning->options->source);
}

static enum verdict begin(struct pruning *pruning, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct lease_options lease = { .program = options->program, .vault = options->vault, .source = options->source };
    char owner[STATE_FOLDER_OWNER_SIZE];
    enum manifest_found found;
    enum verdict verdict;

    pruning->verified = calloc(1, sizeof *pruning->verified);
    if (pruning->verified == NULL || pthread_mutex_init(&pruning->verified->lock, NULL) != 0) {
        free(pruning->verified);
        pruning->verified = NULL;
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    pruning->verify = (struct verify_options){ .program = options->program,
        .vault = options->vault,
        .conn = options->conn,
        .source = options->source,
        .problem = hear,
        .ctx = pruning };
    pruning->verifying.options = &pruning->verify;
    pruning->verifying.report = pruning->verified;
    verdict = state_folder_open(options->program, options->source, 1, &pruning->manifest, &found, failure);
    if (verdict == VERDICT_OK)
        verdict = state_folder_owner(pruning->manifest, options->source, owner, failure);
    lease.owner = owner;
    if (verdict == VERDICT_OK)
        verdict = lease_take(&lease, options->conn, &pruning->lease, failure);
    return verdict;
}

static enum verdict read_history(struct pruning *pruning, struct failure *failure)
{
    enum verdict verdict;

    pruning->reading = true;
    verify_check_files(&pruning->verifying);
    verdict = verify_read_history(&pruning->verifying, failure);
    if (verdict == VERDICT_OK)
        verdict = prune_may_go_on(pruning, failure);
    /* after a break of the chain that was accepted, a log that is missing is what was accepted */
    pruning->report->points.in_doubt = pruning->verifying.lost_count > 0 || pruning->damaged;
    if (verdict == VERDICT_OK && pruning->damaged && !pruning->report->points.broken) {
        *failure = pruning->damage;
        verdict = VERDICT_BAD_DATA;
    }
    return verdict;
}

/* Counts all, and asks where it is too much. */
static enum verdict count(struct pruning *pruning, struct failure *failure)
{
    struct prune_report *report = pruning->report;
    enum verdict verdict = prune_pass(pruning, true, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    report->all_entries = report->all_versions + report->counts.markers + report->counts.names;
    if (!pruning->options->accept && prune_judge_asks(report->counts.versions, report->all_versions))
        (void)snprintf(report->stopped, sizeof report->stopped,
                "%llu of the source's %llu versions would go, more than a third: if that is meant, prune with "
                "--accept %s",
                (unsigned long long)report->counts.versions, (unsigned long long)report->all_versions, report->source);
    return VERDICT_OK;
}

static enum verdict take_away(struct pruning *pruning, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct prune_report *report = pruning->report;
    struct prune_record *record = &pruning->record;
    enum verdict verdict;

    memset(&report->counts, 0, sizeof report->counts); /* from now on: what has gone */
    verdict = prune_mark_points(pruning, failure);
    if (verdict == VERDICT_OK)
        verdict = prune_pass(pruning, false, failure);
    if (verdict == VERDICT_OK)
        verdict = prune_segment(pruning, failure);
    if (verdict != VERDICT_OK || report->failed > 0)
        return verdict;
    record->pruned_ms = vault_now_ms(options->vault);
    return prune_record_write(options->vault, options->conn, options->source, record, failure);
}

/* Looks at everything; locks of what stays are extended on the way. */
static enum verdict look(struct pruning *pruning, struct failure *failure)
{
    enum verdict verdict = read_history(pruning, failure);

    if (verdict == VERDICT_OK)
        verdict = prune_extend_begin(pruning, failure);
    if (verdict == VERDICT_OK)
        verdict = count(pruning, failure);
    if (verdict == VERDICT_OK)
        verdict = prune_extend_points(pruning, failure);
    prune_extend_end(pruning);
    return verdict;
}

static enum verdict work(struct pruning *pruning, struct failure *failure)
{
    struct prune_report *report = pruning->report;
    enum verdict verdict = prune_find_points(pruning, failure);

    if (verdict != VERDICT_OK || (report->stopped[0] != '\0' && !pruning->options->dry_run))
        return verdict;
    if (report->points.newest == report->points.count ||
            (report->points.keeps_all && !lock_extend_wanted(pruning->options->vault)))
        return VERDICT_OK;
    verdict = look(pruning, failure);
    if (verdict != VERDICT_OK || report->stopped[0] != '\0' || pruning->options->dry_run || report->points.keeps_all)
        return verdict;
    return take_away(pruning, failure);
}

static void price(struct pruning *pruning)
{
    const struct prices *prices = pruning->options->prices;
    struct prune_report *report = pruning->report;
    double pages = (double)report->all_entries / 1000 + 3;

    /* two listings; removing costs nothing */
    price_add(&report->cost.requests, prices->list_1k, 2 * pages / 1000);
    price_add(&report->cost.requests, prices->classes[CLASS_STANDARD].put_1k, (double)report->points.forgotten / 1000);
    for (int i = 0; i < CLASS_COUNT; i++)
        if (report->counts.by_class[i].objects > 0)
            price_add_month(&report->cost.storage_month, prices, (enum storage_class)i, report->counts.by_class[i],
                    report->counts.small[i]);
}

static void close_all(struct pruning *pruning)
{
    struct state_error error;

    verify_sort_free(pruning->verifying.history);
    verify_free_points(&pruning->verifying);
    free(pruning->verifying.lost);
    free(pruning->verifying.leases);
    if (pruning->verified != NULL)
        (void)pthread_mutex_destroy(&pruning->verified->lock);
    free(pruning->verified);
    if (pruning->manifest != NULL && manifest_close(pruning->manifest, true, &error) != STATE_OK)
        event_warn("manifest-not-closed", pruning->options->source, "the manifest is checked at the next start: %s",
                error.what);
    if (pruning->lease != NULL)
        lease_release(pruning->lease, pruning->options->conn);
}

static enum exit_code judge(const struct prune_report *report, enum verdict verdict)
{
    if (verdict == VERDICT_BAD_DATA || verdict == VERDICT_CHANGED)
        return EXIT_PARTIAL;
    if (verdict != VERDICT_OK)
        return verdict_exit(verdict);
    if (report->stopped[0] != '\0')
        return EXIT_GUARDED;
    return report->failed > 0 || report->ignored > 0 || report->extended.failed > 0 ? EXIT_PARTIAL : EXIT_DONE;
}

static void tell(const struct prune_report *report, bool dry_run)
{
    if (report->stopped[0] != '\0')
        event_warn("prune-stopped", report->source, "%s", report->stopped);
    if (dry_run)
        return;
    event_emit("source-pruned", report->source,
            json_pack("{sI sI sI sI sI sI}", "forgotten", (json_int_t)report->forgotten, "versions",
                    (json_int_t)report->counts.versions, "bytes", (json_int_t)report->counts.bytes, "markers",
                    (json_int_t)report->counts.markers, "retained_by_lock", (json_int_t)report->retained_by_lock,
                    "failed", (json_int_t)report->failed),
            NULL);
}

void prune_source(const struct prune_options *options, struct prune_report *report)
{
    struct pruning *pruning = calloc(1, sizeof *pruning);
    struct lease_keeper *keeper = NULL;
    struct failure failure = { .verdict = VERDICT_OK };
    enum verdict verdict;

    (void)snprintf(report->source, sizeof report->source, "%s", options->source);
    report->lock_days = options->vault->config->lock.days;
    if (pruning == NULL) {
        report->has_error = true;
        report->exit = EXIT_INTERNAL;
        (void)failure_set(&report->error, VERDICT_INTERNAL, "out of memory");
        return;
    }
    pruning->options = options;
    pruning->report = report;
    verdict = begin(pruning, &failure);
    if (verdict == VERDICT_OK)
        verdict = prune_list_points(pruning, &failure); /* before there is another thread */
    if (verdict == VERDICT_OK)
        verdict = lease_keeper_start(options->program, &keeper, &failure);
    if (verdict == VERDICT_OK) {
        lease_keeper_add(keeper, pruning->lease);
        verdict = work(pruning, &failure);
        lease_keeper_remove(keeper, pruning->lease);
        lease_keeper_stop(keeper);
    }
    event_end_progress();
    if (verdict != VERDICT_OK) {
        report->has_error = true;
        report->error = failure;
        report->error.verdict = verdict;
        event_error(report->source, &failure);
    }
    price(pruning);
    report->exit = judge(report, verdict);
    tell(report, options->dry_run);
    close_all(pruning);
    free(pruning);
}
