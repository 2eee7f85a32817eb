/*
 * What a run would do: the same walk and the same comparison, whose actions are counted instead of queued. Missing keys
 * are those of the listing; a run would look for each once more. Writes nothing to the vault, and to the state folder
 * only what catching up with the vault takes.
 */
#include "agent/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/prices.h"
#include "agent/recover.h"
#include "agent/run_inside.h"
#include "agent/selection.h"

struct plan {
    const struct plan_options *options;
    const char *source;
    struct prices prices;
    bool streams; /* what is copied passes through this machine */
    bool far;     /* from one region to another */
    pthread_mutex_t lock;
    /* guarded by lock */
    uint64_t copy, recopy, missing, copy_bytes;
    struct state_totals from[CLASS_COUNT]; /* what would be copied, by its class at the source */
    json_t *actions;                       /* NULL: not listed */
    bool no_memory;
};

static const char *word(enum action_kind kind)
{
    return kind == ACTION_COPY ? "copy" : kind == ACTION_RECOPY ? "recopy" : "delete";
}

static const char *reason(enum action_kind kind)
{
    return kind == ACTION_COPY     ? "the vault does not have it"
           : kind == ACTION_RECOPY ? "ETag, size or time differ from what was copied"
                                   : "the source does not list it any more";
}

static void preview(void *ctx, const struct action *action)
{
    struct plan *plan = ctx;

    (void)pthread_mutex_lock(&plan->lock);
    if (action->kind == ACTION_COPY)
        plan->copy++;
    else if (action->kind == ACTION_RECOPY)
        plan->recopy++;
    else
        plan->missing++;
    plan->copy_bytes += action->size;
    if (action->kind == ACTION_COPY || action->kind == ACTION_RECOPY) {
        plan->from[action->source_class].objects++;
        plan->from[action->source_class].bytes += action->size;
    }
    if (plan->options->list && plan->options->program->json) {
        json_t *one = json_pack("{so ss sI ss ss}", "key", key_json(action->key), "action", word(action->kind), "size",
                (json_int_t)action->size, "class", "STANDARD", "why", reason(action->kind));
        plan->no_memory = plan->no_memory || json_array_append_new(plan->actions, one) != 0;
    } else if (plan->options->list) {
        char key[4096];
        (void)printf("%-7s %12llu %s/%s\n", word(action->kind), (unsigned long long)action->size, plan->source,
                key_for_people(action->key.ptr, action->key.len, key, sizeof key));
    }
    (void)pthread_mutex_unlock(&plan->lock);
}

static struct cost cost_of(const struct plan *plan, const struct source_report *report)
{
    const struct prices *prices = &plan->prices;
    const struct price *standard = &prices->classes[CLASS_STANDARD];
    const double copies = (double)(plan->copy + plan->recopy) / 1000, gb = price_gb(plan->copy_bytes);
    struct cost cost = { .requests = 0 };

    price_add(&cost.requests, prices->list_1k, (double)report->requests[REQUEST_LIST] / 1000);
    price_add(&cost.requests, standard->put_1k, copies);
    if (plan->streams)
        price_add(&cost.requests, standard->get_1k, copies);
    price_add(&cost.storage_month, standard->storage_gb_month, gb);
    if (plan->streams) /* depends on where this machine stands */
        price_add(&cost.transfer, PRICE_UNKNOWN, gb);
    else if (plan->far)
        price_add(&cost.transfer, prices->transfer_gb, gb);
    for (int i = 0; i < CLASS_COUNT; i++)
        if (plan->from[i].objects > 0)
            price_add_retrieval(&cost.retrieval, prices, (enum storage_class)i, THAW_STANDARD, plan->from[i]);
    return cost;
}

static json_t *plan_json(const struct plan *plan, const struct source_report *report)
{
    const struct cost cost = cost_of(plan, report);
    struct state_totals after[CLASS_COUNT];
    json_t *json;

    memcpy(after, report->by_class, sizeof after);
    after[CLASS_STANDARD].objects += plan->copy;
    after[CLASS_STANDARD].bytes += plan->copy_bytes;
    json = json_pack("{ss si sI sI sI sI sI sI sI sI so s{sI sI sI}}", "source", report->source, "exit",
            (int)report->exit, "listed", (json_int_t)report->listed, "unchanged", (json_int_t)report->unchanged,
            "archived", (json_int_t)report->archived, "would_copy", (json_int_t)plan->copy, "would_recopy",
            (json_int_t)plan->recopy, "would_delete", (json_int_t)plan->missing, "would_move", (json_int_t)0,
            "bytes_to_copy", (json_int_t)plan->copy_bytes, "by_class_after", classes_json(after), "requests", "list",
            (json_int_t)report->requests[REQUEST_LIST], "copy", (json_int_t)(plan->copy + plan->recopy), "delete",
            (json_int_t)((plan->missing + MARK_BATCH - 1) / MARK_BATCH));
    if (json != NULL)
        (void)json_object_set_new(json, "cost", cost_json(&cost, &plan->prices));
    if (json != NULL && plan->options->list)
        (void)json_object_set(json, "actions", plan->actions);
    if (json != NULL && report->has_error)
        (void)json_object_set_new(json, "error", failure_json(&report->error));
    return json;
}

static void print_plan(const struct plan *plan, const struct source_report *report)
{
    const struct cost cost = cost_of(plan, report);
    char requests[MONEY_SIZE], storage[MONEY_SIZE], transfer[MONEY_SIZE], retrieval[MONEY_SIZE];

    (void)printf("%s: would copy %llu, copy again %llu, mark %llu as deleted; %llu bytes to copy; %llu unchanged, %llu "
                 "archived\n",
            report->source, (unsigned long long)plan->copy, (unsigned long long)plan->recopy,
            (unsigned long long)plan->missing, (unsigned long long)plan->copy_bytes,
            (unsigned long long)report->unchanged, (unsigned long long)report->archived);
    (void)printf("  requests %s, transfer %s, retrieval %s, a month in the vault %s more; list prices of %s\n",
            money(cost.requests, &plan->prices, requests), money(cost.transfer, &plan->prices, transfer),
            money(cost.retrieval, &plan->prices, retrieval), money(cost.storage_month, &plan->prices, storage),
            plan->prices.date);
}

/* An empty region is that of its credentials. */
static bool is_far(const struct run *run)
{
    const struct source *source = &run->source;
    const char *from = source->region[0] != '\0' ? source->region : access_region(source->access);

    return strcmp(from, access_region(run->options->vault_access)) != 0;
}

static enum verdict look(struct run *run, struct plan *plan)
{
    enum verdict verdict = run_open(run);

    if (verdict == VERDICT_OK)
        verdict = run_catch_up(run);
    if (verdict != VERDICT_OK)
        return verdict;
    plan->streams = run->source.config->copy == CONFIG_COPY_STREAM;
    plan->far = is_far(run);
    run->job.preview = preview;
    run->job.preview_ctx = plan;
    run_set_up_job(run);
    verdict = run_walk(run);
    pool_remove(run->options->pool, &run->job);
    run->report->listed = atomic_load(&run->job.tally.listed);
    run->report->unchanged = atomic_load(&run->job.tally.unchanged);
    run->report->archived = atomic_load(&run->job.tally.archived);
    if (verdict == VERDICT_OK && !run->walk_ended)
        verdict = failure_set(&run->failure, VERDICT_CANCELLED, "stopped before the listing of source \"%s\" had ended",
                run->source.name);
    if (verdict == VERDICT_OK && plan->no_memory)
        verdict = failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    return verdict;
}

static enum exit_code plan_source(
        const struct plan_options *options, const struct run_options *run_options, json_t *out)
{
    struct run *run = calloc(1, sizeof *run);
    struct source_report *report = calloc(1, sizeof *report);
    struct plan plan = { .options = options, .source = run_options->source->name, .actions = json_array() };
    enum exit_code code = EXIT_INTERNAL;
    enum verdict verdict;

    (void)pthread_mutex_init(&plan.lock, NULL);
    if (run != NULL && report != NULL && plan.actions != NULL) {
        run->options = run_options;
        run->report = report;
        (void)snprintf(report->source, sizeof report->source, "%s", run_options->source->name);
        verdict = prices_load(options->program->config, &plan.prices, &run->failure);
        if (verdict == VERDICT_OK)
            verdict = look(run, &plan);
        if (verdict != VERDICT_OK) {
            report->has_error = true;
            report->error = run->failure;
            event_error(report->source, &report->error);
        }
        code = verdict != VERDICT_OK                                                         ? verdict_exit(verdict)
               : options->differences_are_news && plan.copy + plan.recopy + plan.missing > 0 ? EXIT_PARTIAL
                                                                                             : EXIT_DONE;
        report->exit = code;
        run_close(run);
        if (options->program->json)
            (void)json_array_append_new(out, plan_json(&plan, report));
        else
            print_plan(&plan, report);
    }
    (void)pthread_mutex_destroy(&plan.lock);
    json_decref(plan.actions);
    free(report);
    free(run);
    return code;
}

struct plans {
    struct selection selection;
    struct access *vault_access;
    struct pool *pool;
    struct health health;
};

static enum verdict start(const struct plan_options *options, struct plans *plans, struct failure *failure)
{
    struct program *program = options->program;
    const struct access_options access = { .config = &program->config->vault.access,
        .session_name = "vaultferry-plan" };

    if (selection_make(program, options->wanted, options->wanted_count, &plans->selection, failure) != VERDICT_OK ||
            access_open(program, &access, &plans->vault_access, failure) != VERDICT_OK)
        return failure->verdict;
    recover_manifests(program, &plans->selection); /* before the first thread */
    if (plans->selection.count > 0)
        health_check(program, plans->vault_access, plans->selection.sources, plans->selection.count, &plans->health);
    return pool_start(program, (unsigned)program->config->limits.workers, &plans->pool, failure);
}

enum exit_code plans_do(const struct plan_options *options)
{
    struct program *program = options->program;
    struct plans plans = { .pool = NULL };
    struct failure failure;
    json_t *sources = json_array();
    enum exit_code code;

    clock_catch_signals(0);
    if (start(options, &plans, &failure) != VERDICT_OK) {
        code = command_fail(program, options->command, verdict_exit(failure.verdict), &failure);
        json_decref(sources);
    } else {
        code = plans.selection.missing > 0 ? EXIT_NO_ACCESS : EXIT_DONE;
        for (size_t i = 0; i < plans.selection.count; i++) {
            const struct run_options one = { .program = program,
                .source = &plans.selection.sources[i],
                .vault_access = plans.vault_access,
                .pool = plans.pool,
                .health = &plans.health,
                .prefix = options->prefix };
            code = exit_worse(code, plan_source(options, &one, sources));
        }
        if (!program->json)
            json_decref(sources);
        else if (!json_print(
                         json_pack("{ss si so}", "command", options->command, "exit", (int)code, "sources", sources)))
            code = EXIT_INTERNAL;
    }
    pool_stop(plans.pool);
    health_free(&plans.health);
    access_close(plans.vault_access);
    selection_free(&plans.selection);
    return code;
}
