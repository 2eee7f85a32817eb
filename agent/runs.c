/* See runs.h. */
#include "agent/runs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/due.h"
#include "agent/event.h"
#include "agent/metrics.h"
#include "agent/newest.h"
#include "agent/notify.h"
#include "agent/recover.h"
#include "agent/selection.h"

enum { IN_FLIGHT = 8 };
#define NEVER INT64_MAX

struct runs {
    const struct runs_options *options;
    struct selection selection;
    struct access *vault_access;
    struct pool *pool;
    struct lease_keeper *keeper;
    struct source_report *reports; /* one a source, then one a gap of the selection */
    size_t report_count;
    struct budget budget;
    struct health health;
    int64_t *slots; /* with --due, one a source: see run_options.slot_s; NEVER: nothing is due. Else NULL */
    pthread_mutex_t lock;
    size_t next; /* guarded by lock: the next source to be run */
};

static bool is_named(const struct source *source, const char *name)
{
    return strcmp(name, source->name) == 0 || strcmp(name, source->bucket) == 0;
}

static bool is_accepted(const struct runs_options *options, const struct source *source)
{
    for (size_t i = 0; options->accept != NULL && i < options->accept->count; i++)
        if (is_named(source, options->accept->items[i]))
            return true;
    return false;
}

/* A name that accepts nothing is a slip of the pen: who made it would take the source for accepted. */
static enum verdict check_accepted(const struct runs *runs, struct failure *failure)
{
    const struct option_list *accept = runs->options->accept;

    for (size_t i = 0; accept != NULL && i < accept->count; i++) {
        bool known = false;
        for (size_t j = 0; j < runs->selection.count; j++)
            known |= is_named(&runs->selection.sources[j], accept->items[i]);
        if (!known)
            return failure_set(failure, VERDICT_USAGE, "--accept %s: this run has no source or bucket of that name",
                    accept->items[i]);
    }
    return VERDICT_OK;
}

static bool take_next(struct runs *runs, size_t *index)
{
    bool taken = false;

    (void)pthread_mutex_lock(&runs->lock);
    if (runs->next < runs->selection.count) {
        *index = runs->next++;
        taken = true;
    }
    (void)pthread_mutex_unlock(&runs->lock);
    return taken;
}

static void *run_sources(void *ctx)
{
    struct runs *runs = ctx;
    const struct runs_options *options = runs->options;
    size_t index;

    while (take_next(runs, &index)) {
        const struct run_options one = { .program = options->program,
            .source = &runs->selection.sources[index],
            .vault_access = runs->vault_access,
            .pool = runs->pool,
            .keeper = runs->keeper,
            .health = &runs->health,
            .kind = options->kind,
            .budget = &runs->budget,
            .accept = is_accepted(options, &runs->selection.sources[index]),
            .slot_s = runs->slots != NULL && runs->selection.sources[index].policy->schedule != NULL
                              ? &runs->slots[index]
                              : NULL,
            .prefix = options->prefix,
            .doubts_vault = options->kind == RUN_REBUILD };
        struct source_report *report = &runs->reports[index];
        if (clock_stop_asked() || budget_is_spent(&runs->budget, clock_monotonic_ms())) {
            (void)snprintf(report->source, sizeof report->source, "%s", one.source->name);
            report->state = "skipped";
            report->exit = EXIT_LEFT;
        } else if (runs->slots != NULL && runs->slots[index] == NEVER) {
            (void)snprintf(report->source, sizeof report->source, "%s", one.source->name);
            report->state = "skipped";
        } else {
            int64_t began_ms = clock_monotonic_ms();
            run_source(&one, report);
            report->seconds = (double)(clock_monotonic_ms() - began_ms) / 1000.0;
        }
    }
    return NULL;
}

/* Before any thread: see due.h. */
static bool find_slots(struct runs *runs)
{
    int64_t now_s = clock_wall_ms() / 1000;

    runs->slots = calloc(runs->selection.count + 1, sizeof *runs->slots);
    for (size_t i = 0; runs->slots != NULL && i < runs->selection.count; i++)
        if (runs->selection.sources[i].policy->schedule != NULL &&
                !due_slot(runs->selection.sources[i].policy, now_s, &runs->slots[i]))
            runs->slots[i] = NEVER;
    return runs->slots != NULL;
}

static enum verdict start(struct runs *runs, struct failure *failure)
{
    const struct runs_options *options = runs->options;
    struct program *program = options->program;
    const struct access_options vault = { .config = &program->config->vault.access, .session_name = "vaultferry-run" };

    if (selection_make(program, options->wanted, options->wanted_count, &runs->selection, failure) != VERDICT_OK ||
            check_accepted(runs, failure) != VERDICT_OK ||
            access_open(program, &vault, &runs->vault_access, failure) != VERDICT_OK)
        return failure->verdict;
    if (options->due && !find_slots(runs))
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    recover_manifests(program, &runs->selection); /* before the first thread */
    if (pool_start(program, (unsigned)program->config->limits.workers, &runs->pool, failure) != VERDICT_OK ||
            lease_keeper_start(program, &runs->keeper, failure) != VERDICT_OK)
        return failure->verdict;
    if (runs->selection.count > 0)
        health_check(program, runs->vault_access, runs->selection.sources, runs->selection.count, &runs->health);
    runs->report_count = runs->selection.count + runs->selection.gap_count;
    runs->reports = calloc(runs->report_count + 1, sizeof *runs->reports);
    if (runs->reports == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < runs->selection.gap_count; i++)
        source_report_gap(&runs->reports[runs->selection.count + i], runs->selection.gaps[i].name,
                &runs->selection.gaps[i].failure);
    return VERDICT_OK;
}

static void run_all(struct runs *runs)
{
    pthread_t threads[IN_FLIGHT];
    size_t wanted = runs->selection.count < IN_FLIGHT ? runs->selection.count : IN_FLIGHT, started = 0;

    while (started < wanted && pthread_create(&threads[started], NULL, run_sources, runs) == 0)
        started++;
    if (started == 0)
        (void)run_sources(runs); /* without threads of their own, one after the other */
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}

/* When a source's last complete point was finished: this run's, or an older one, for which the vault is asked. */
static void find_good(const struct vault *vault, struct s3_conn *conn, struct metrics_source *source)
{
    struct failure failure;
    struct newest newest;

    source->has_good = strcmp(source->report->state, "complete") == 0;
    source->good_ms = vault_now_ms(vault);
    if (source->has_good || newest_find(vault, conn, source->report->source, &newest, &failure) != VERDICT_OK)
        return;
    source->has_good = newest.has_good;
    if (newest.has_good)
        source->good_ms = newest.good.point->finished_ms;
    newest_free(&newest);
}

/* For those who watch. Sources that were skipped keep the numbers of their last run. */
static void tell_metrics(const struct runs *runs)
{
    const struct program *program = runs->options->program;
    const struct access_options access = { .session_name = "vaultferry-metrics" };
    struct metrics_source *sources = calloc(runs->selection.count + 1, sizeof *sources);
    struct vault vault = { .access = NULL };
    struct s3_conn *conn = NULL;
    struct failure failure;
    size_t count = 0;
    bool well = sources != NULL && vault_open(program, &access, &vault, &failure) == VERDICT_OK &&
                program_connect(program, &conn, &failure) == VERDICT_OK;

    for (size_t i = 0; well && i < runs->selection.count; i++) {
        if (strcmp(runs->reports[i].state, "skipped") == 0 && runs->reports[i].exit == EXIT_DONE)
            continue;
        sources[count] = (struct metrics_source){ .report = &runs->reports[i],
            .policy = runs->selection.sources[i].policy->name,
            .seconds = runs->reports[i].seconds };
        find_good(&vault, conn, &sources[count++]);
    }
    if (well && program->config->metrics.emf && !program->json)
        (void)!metrics_print_emf(sources, count, vault_now_ms(&vault));
    if (well && program->config->metrics.prometheus_file != NULL &&
            metrics_write_file(program->config->metrics.prometheus_file, sources, count, &failure) != VERDICT_OK)
        well = false;
    if (!well)
        event_warn("metrics-not-written", NULL, "%s", sources != NULL ? failure.what : "out of memory");
    s3_conn_free(conn);
    vault_close(&vault);
    free(sources);
}

static enum exit_code report(const struct runs *runs, const char *id, int64_t began_ms)
{
    const struct runs_options *options = runs->options;
    enum exit_code code = EXIT_DONE;
    json_t *sources = json_array();

    for (size_t i = 0; i < runs->report_count; i++) {
        const struct source_report *one = &runs->reports[i];
        code = exit_worse(code, one->exit);
        if (!options->program->json && !options->program->quiet && i >= runs->selection.count)
            (void)printf("%s: %s\n  %s\n", one->source, one->state, one->error.what);
        else if (!options->program->json && !options->program->quiet)
            source_report_print(one);
        (void)json_array_append_new(sources, source_report_json(one));
    }
    if (!options->program->json) {
        json_decref(sources);
        return code;
    }
    return json_print(document_lift_error(json_pack("{ss si ss sf so}", "command", options->command, "exit", (int)code,
                   "run", id, "seconds", (double)(clock_monotonic_ms() - began_ms) / 1000.0, "sources", sources)))
                   ? code
                   : EXIT_INTERNAL;
}

/* Nothing was begun: whoever is told of runs hears of it all the same. */
static void notify_of_no_run(const struct runs_options *options, const struct failure *failure)
{
    struct source_report *report = calloc(1, sizeof *report);
    const struct notify_run told = { .command = options->command, .reports = report, .count = 1 };

    if (report == NULL)
        return;
    source_report_gap(report, options->program->config->vault.bucket, failure);
    notify_of_run(options->program, &told);
    free(report);
}

void runs_catch_signals(void)
{
    /* Half of it for what is in flight, the rest for logs and point. ECS gives 30 s unless told otherwise. */
    clock_catch_signals(25 * 1000);
}

enum exit_code runs_do(const struct runs_options *options)
{
    struct runs runs = { .options = options,
        .budget = { .max_requests = options->max_requests, .max_bytes = options->max_bytes } };
    struct failure failure;
    int64_t began_ms = clock_monotonic_ms();
    char id[STATE_POINT_SIZE] = "";
    enum exit_code code;

    (void)!state_utc_to_point(clock_wall_ms() / 1000, id);
    runs_catch_signals();
    if (options->deadline_s > 0)
        clock_stop_at(began_ms + options->deadline_s * 1000);
    (void)pthread_mutex_init(&runs.lock, NULL);
    if (start(&runs, &failure) != VERDICT_OK) {
        code = command_fail(options->program, options->command, verdict_exit(failure.verdict), &failure);
        if (options->kind == RUN_BACKUP)
            notify_of_no_run(options, &failure);
    } else {
        run_all(&runs);
        event_end_progress();
        code = report(&runs, id, began_ms);
        if (options->kind == RUN_BACKUP) {
            const struct notify_run told = {
                .command = options->command, .reports = runs.reports, .count = runs.report_count
            };
            if (metrics_wanted(options->program->config))
                tell_metrics(&runs);
            notify_of_run(options->program, &told);
        }
    }
    lease_keeper_stop(runs.keeper);
    pool_stop(runs.pool);
    for (size_t i = 0; i < runs.report_count && runs.reports != NULL; i++)
        clock_outlast(runs.reports[i].finished_ms);
    for (size_t i = 0; i < runs.report_count && runs.reports != NULL; i++)
        source_report_clear(&runs.reports[i]);
    free(runs.reports);
    free(runs.slots);
    health_free(&runs.health);
    access_close(runs.vault_access);
    selection_free(&runs.selection);
    (void)pthread_mutex_destroy(&runs.lock);
    return code;
}
