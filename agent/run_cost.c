/*
 * limits.max_cost: what a run would cost is counted before it begins, by the walk that it would make and the prices
 * that a plan tells. More than that does not start, until somebody accepts it. What has no known price stops nothing,
 * but is told: nobody shall rely on a bound that does not hold.
 */
#include <stdio.h>
#include <string.h>

#include "agent/estimate.h"
#include "agent/event.h"

static void tell_unknown(struct run *run, const struct cost *cost)
{
    char text[200];

    (void)snprintf(text, sizeof text,
            "limits.max_cost does not cover all of this run: the price of its %s is not known",
            cost->requests < 0    ? "requests"
            : cost->transfer < 0  ? "transfer"
            : cost->retrieval < 0 ? "retrieval"
                                  : "storage");
    event_warn("cost-unknown", run->source.name, "%s", text);
    source_report_warn(run->report, text);
}

static enum verdict judge(struct run *run, const struct cost *cost)
{
    const double most = run->options->program->config->limits.max_cost, sum = cost_sum(cost);
    const struct prices *prices = &run->prices;
    const bool backup = run->options->kind == RUN_BACKUP;
    char sum_text[MONEY_SIZE], most_text[MONEY_SIZE], texts[4][MONEY_SIZE];

    if (cost_is_unknown(cost))
        tell_unknown(run, cost);
    if (sum <= most)
        return VERDICT_OK;
    run->too_dear = true;
    return failure_set(&run->failure, VERDICT_FULL,
            "not started: by list prices it would cost %s (requests %s, transfer %s, retrieval %s, a month of what it "
            "adds %s), and limits.max_cost is %s. \"plan\" tells more. Raise the limit%s%s",
            money(sum, prices, sum_text), money(cost->requests, prices, texts[0]),
            money(cost->transfer, prices, texts[1]), money(cost->retrieval, prices, texts[2]),
            money(cost->storage_month, prices, texts[3]), money(most, prices, most_text),
            backup ? ", or let one run pass: run --accept " : "", backup ? run->source.name : "");
}

/* As it was before the walk. */
static void begin_anew(struct run *run)
{
    const bool look_first = run->job.look_first;

    move_due_clear(&run->due);
    memset(&run->due, 0, sizeof run->due);
    memset(&run->job, 0, sizeof run->job);
    run->job.look_first = look_first;
    run->walk_ended = false;
    run->report->listed = run->report->unchanged = run->report->archived = 0;
}

enum verdict run_within_cost(struct run *run)
{
    const struct run_options *options = run->options;
    struct estimate estimate;
    struct cost cost;
    enum verdict verdict;

    if (options->program->config->limits.max_cost == CONFIG_UNSET || options->accept ||
            (options->kind != RUN_BACKUP && options->kind != RUN_RECOPY))
        return VERDICT_OK;
    estimate_init(&estimate, run);
    verdict = estimate_make(run, &estimate);
    if (verdict == VERDICT_OK) {
        cost = estimate_cost(&estimate);
        verdict = judge(run, &cost);
    }
    estimate_clear(&estimate);
    if (verdict == VERDICT_OK)
        begin_anew(run);
    else
        run->report->point[0] = '\0'; /* there is none */
    return verdict;
}
