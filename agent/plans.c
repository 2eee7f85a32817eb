/*
 * What a run would do: an estimate of each source (estimate.h), printed. Writes nothing to the vault, and to the state
 * folder only what catching up with the vault takes.
 */
#include "agent/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/estimate.h"
#include "agent/event.h"
#include "agent/recover.h"
#include "agent/run_inside.h"
#include "agent/selection.h"

struct plan {
    const struct plan_options *options;
    const char *source;
    struct estimate estimate;
    struct cost cost;
    struct state_totals after[CLASS_COUNT];
    double month[CLASS_COUNT], month_after[CLASS_COUNT];
    json_t *actions; /* under the estimate's lock */
    bool no_memory;
};

static const char *word(enum action_kind kind)
{
    return kind == ACTION_COPY ? "copy" : kind == ACTION_RECOPY ? "recopy" : kind == ACTION_MOVE ? "move" : "delete";
}

static const char *reason(enum action_kind kind)
{
    return kind == ACTION_COPY     ? "the vault does not have it"
           : kind == ACTION_RECOPY ? "ETag, size or time differ from what was copied"
           : kind == ACTION_MOVE   ? "it is due to lie in a colder class"
                                   : "the source does not list it any more";
}

/* "the vault does not have it; 400 days old: DEEP_ARCHIVE from 365 days on" */
static void explain(const struct action *action, const struct place *place, char out[PLACE_TEXT_SIZE + 80])
{
    char where[PLACE_TEXT_SIZE] = "";

    if (place != NULL)
        (void)place_explain(place, where, sizeof where);
    (void)snprintf(out, PLACE_TEXT_SIZE + 80, "%s%s%s", reason(action->kind), place != NULL ? "; " : "", where);
}

static void list_json(struct plan *plan, const struct action *action, enum storage_class class_, const char *why)
{
    json_t *one = json_pack("{so ss sI ss ss}", "key", key_json(action->key), "action", word(action->kind), "size",
            (json_int_t)action->size, "class", storage_class_name(class_), "why", why);

    plan->no_memory = plan->no_memory || json_array_append_new(plan->actions, one) != 0;
}

static void show(void *ctx, const struct action *action, enum storage_class class_, const struct place *place)
{
    struct plan *plan = ctx;
    char why[PLACE_TEXT_SIZE + 80], key[4096];

    explain(action, place, why);
    if (plan->options->program->json) {
        list_json(plan, action, class_, why);
        return;
    }
    (void)key_for_people(action->key.ptr, action->key.len, key, sizeof key);
    (void)printf("%-7s %12llu %-12s %s/%s%s%s\n", word(action->kind), (unsigned long long)action->size,
            storage_class_name(class_), plan->source, key, plan->options->explain ? ": " : "",
            plan->options->explain ? why : "");
}

static bool is_above(const struct plan *plan)
{
    const double most = plan->options->program->config->limits.max_cost;

    return most != CONFIG_UNSET && cost_sum(&plan->cost) > most;
}

/* {"STANDARD": 1.25}, classes that hold nothing left out; null where a price is not known. */
static json_t *months_json(const double months[CLASS_COUNT])
{
    json_t *json = json_object();

    for (int i = 0; i < CLASS_COUNT && json != NULL; i++)
        if (months[i] != 0)
            (void)json_object_set_new(json, storage_class_name((enum storage_class)i),
                    months[i] < 0 ? json_null() : json_real(months[i]));
    return json;
}

static double sum_of(const double months[CLASS_COUNT])
{
    double sum = 0;

    for (int i = 0; i < CLASS_COUNT; i++)
        price_add(&sum, months[i], months[i] != 0);
    return sum;
}

static json_t *plan_json(const struct plan *plan, const struct source_report *report)
{
    const struct estimate *estimate = &plan->estimate;
    json_t *json = json_pack("{ss si sI sI sI sI sI sI sI sI so s{sI sI sI}}", "source", report->source, "exit",
            (int)report->exit, "listed", (json_int_t)report->listed, "unchanged", (json_int_t)report->unchanged,
            "archived", (json_int_t)report->archived, "would_copy", (json_int_t)estimate->copy, "would_recopy",
            (json_int_t)estimate->recopy, "would_delete", (json_int_t)estimate->missing, "would_move",
            (json_int_t)estimate->move, "bytes_to_copy", (json_int_t)estimate->copy_bytes, "by_class_after",
            classes_json(plan->after), "requests", "list", (json_int_t)report->requests[REQUEST_LIST], "copy",
            (json_int_t)(estimate->copy + estimate->recopy + estimate->move), "delete",
            (json_int_t)((estimate->missing + MARK_BATCH - 1) / MARK_BATCH));

    if (json != NULL)
        (void)json_object_set_new(json, "cost", cost_json(&plan->cost, &estimate->run->prices));
    if (json != NULL)
        (void)json_object_set_new(json, "storage_month_by_class",
                json_pack("{so so}", "before", months_json(plan->month), "after", months_json(plan->month_after)));
    if (json != NULL && is_above(plan))
        (void)json_object_set_new(json, "above_max_cost", json_true());
    if (json != NULL && plan->options->list)
        (void)json_object_set(json, "actions", plan->actions);
    if (json != NULL && report->has_error)
        (void)json_object_set_new(json, "error", failure_json(&report->error));
    return json;
}

static void print_plan(const struct plan *plan, const struct source_report *report)
{
    const struct estimate *estimate = &plan->estimate;
    const struct prices *prices = &estimate->run->prices;
    const struct cost *cost = &plan->cost;
    char requests[MONEY_SIZE], storage[MONEY_SIZE], transfer[MONEY_SIZE], retrieval[MONEY_SIZE];

    (void)printf("%s: would copy %llu, copy again %llu, move %llu, mark %llu as deleted; %llu bytes to copy; %llu "
                 "unchanged, %llu "
                 "archived\n",
            report->source, (unsigned long long)estimate->copy, (unsigned long long)estimate->recopy,
            (unsigned long long)estimate->move, (unsigned long long)estimate->missing,
            (unsigned long long)estimate->copy_bytes, (unsigned long long)report->unchanged,
            (unsigned long long)report->archived);
    for (int i = 0; i < CLASS_COUNT; i++)
        if (estimate->into[i].objects > 0)
            (void)printf("  into %s: %llu objects, %llu bytes\n", storage_class_name((enum storage_class)i),
                    (unsigned long long)estimate->into[i].objects, (unsigned long long)estimate->into[i].bytes);
    (void)printf("  requests %s, transfer %s, retrieval %s, a month in the vault %s more; list prices of %s\n",
            money(cost->requests, prices, requests), money(cost->transfer, prices, transfer),
            money(cost->retrieval, prices, retrieval), money(cost->storage_month, prices, storage), prices->date);
    (void)printf("  what the vault holds costs %s a month now, and %s after the run (current versions)\n",
            money(sum_of(plan->month), prices, storage), money(sum_of(plan->month_after), prices, requests));
    if (is_above(plan))
        (void)printf("  more than limits.max_cost (%s): run does not start without --accept %s\n",
                money(plan->options->program->config->limits.max_cost, prices, requests), report->source);
}

static enum verdict look(struct run *run, struct plan *plan)
{
    enum verdict verdict = run_open(run);

    if (verdict == VERDICT_OK)
        verdict = run_catch_up(run);
    if (verdict == VERDICT_OK)
        verdict = estimate_make(run, &plan->estimate);
    if (verdict == VERDICT_OK && plan->no_memory)
        verdict = failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    if (run->manifest != NULL) {
        estimate_after(&plan->estimate, plan->after);
        estimate_months(&plan->estimate, plan->month, plan->month_after);
    }
    plan->cost = estimate_cost(&plan->estimate);
    return verdict;
}

static enum exit_code plan_source(
        const struct plan_options *options, const struct run_options *run_options, json_t *out)
{
    struct run *run = calloc(1, sizeof *run);
    struct source_report *report = calloc(1, sizeof *report);
    struct plan plan = { .options = options, .source = run_options->source->name, .actions = json_array() };
    const struct estimate *estimate = &plan.estimate;
    enum exit_code code = EXIT_INTERNAL;
    enum verdict verdict;

    estimate_init(&plan.estimate, run);
    if (options->list) {
        plan.estimate.show = show;
        plan.estimate.ctx = &plan;
    }
    if (run != NULL && report != NULL && plan.actions != NULL) {
        run->options = run_options;
        run->report = report;
        (void)snprintf(report->source, sizeof report->source, "%s", run_options->source->name);
        verdict = look(run, &plan);
        if (verdict != VERDICT_OK) {
            report->has_error = true;
            report->error = run->failure;
            event_error(report->source, &report->error);
        }
        code = verdict != VERDICT_OK ? verdict_exit(verdict)
               : options->differences_are_news && estimate->copy + estimate->recopy + estimate->missing > 0
                       ? EXIT_PARTIAL
                       : EXIT_DONE;
        report->exit = code;
        estimate_clear(&plan.estimate); /* its reader goes before the manifest */
        run_close(run);
        if (options->program->json)
            (void)json_array_append_new(out, plan_json(&plan, report));
        else
            print_plan(&plan, report);
    }
    json_decref(plan.actions);
    if (report != NULL)
        source_report_clear(report);
    free(report);
    free(run);
    return code;
}

/* What could not be looked at. */
static enum exit_code plan_gap(const struct program *program, const struct selection_gap *gap, json_t *out)
{
    enum exit_code code = verdict_exit(gap->failure.verdict);

    if (program->json)
        (void)json_array_append_new(out,
                json_pack("{ss si so}", "source", gap->name, "exit", (int)code, "error", failure_json(&gap->failure)));
    else
        (void)printf("%s: %s\n", gap->name, gap->failure.what);
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
        code = EXIT_DONE;
        for (size_t i = 0; i < plans.selection.count; i++) {
            const struct run_options one = { .program = program,
                .source = &plans.selection.sources[i],
                .vault_access = plans.vault_access,
                .pool = plans.pool,
                .health = &plans.health,
                .prefix = options->prefix,
                .doubts_vault = options->differences_are_news };
            code = exit_worse(code, plan_source(options, &one, sources));
        }
        for (size_t i = 0; i < plans.selection.gap_count; i++)
            code = exit_worse(code, plan_gap(program, &plans.selection.gaps[i], sources));
        if (!program->json)
            json_decref(sources);
        else if (!json_print(document_lift_error(
                         json_pack("{ss si so}", "command", options->command, "exit", (int)code, "sources", sources))))
            code = EXIT_INTERNAL;
    }
    pool_stop(plans.pool);
    health_free(&plans.health);
    access_close(plans.vault_access);
    selection_free(&plans.selection);
    return code;
}
