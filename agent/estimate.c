/* See estimate.h. */
#include "agent/estimate.h"

#include <string.h>

static void add(struct state_totals *totals, uint64_t size)
{
    totals->objects++;
    totals->bytes += size;
}

static void take_away(struct state_totals *from, const struct state_totals *what)
{
    from->objects -= what->objects < from->objects ? what->objects : from->objects;
    from->bytes -= what->bytes < from->bytes ? what->bytes : from->bytes;
}

static void count_into(struct estimate *estimate, const struct action *action, const struct place *place)
{
    const struct price *price = &estimate->run->prices.classes[place->class_];

    if (action->kind == ACTION_MOVE) {
        add(&estimate->left[action->from_class], action->size);
    } else {
        estimate->copy_bytes += action->size;
        add(&estimate->from[action->source_class], action->size);
    }
    add(&estimate->into[place->class_], action->size);
    if ((double)action->size < price->minimum_bytes)
        add(&estimate->small[place->class_], action->size);
}

/* Which class loses an object, only the manifest knows. */
static enum storage_class count_over(struct estimate *estimate, const struct action *action)
{
    struct state_entry entry = { .class_ = CLASS_STANDARD };
    enum state_status status = manifest_reader_begin(estimate->records, &estimate->error);

    if (status == STATE_OK)
        status = manifest_reader_get(estimate->records, action->key, &estimate->error);
    if (status == STATE_OK)
        status = manifest_reader_entry(estimate->records, &entry, &estimate->error);
    if (status == STATE_OK)
        add(&estimate->over[entry.class_], entry.size);
    manifest_reader_end(estimate->records);
    if (status != STATE_OK && status != STATE_NOT_FOUND && estimate->status == STATE_OK)
        estimate->status = status;
    return entry.class_;
}

static void preview(void *ctx, const struct action *action)
{
    struct estimate *estimate = ctx;
    const struct run *run = estimate->run;
    const bool deletes = action->kind == ACTION_MISSING;
    enum storage_class before = CLASS_STANDARD;
    struct place place;

    if (action->kind == ACTION_MOVE)
        place = place_move(run->due.policy, &run->prices, action->size, action->source_time_ms, run->placed_ms,
                action->from_class);
    else if (!deletes)
        place = place_new(run->source.policy, &run->prices, action->size, action->source_time_ms, run->placed_ms);
    (void)pthread_mutex_lock(&estimate->lock);
    estimate->copy += action->kind == ACTION_COPY;
    estimate->recopy += action->kind == ACTION_RECOPY;
    estimate->move += action->kind == ACTION_MOVE;
    estimate->missing += deletes;
    if (!deletes)
        count_into(estimate, action, &place);
    if (action->kind != ACTION_COPY)
        before = count_over(estimate, action);
    if (estimate->show != NULL)
        estimate->show(estimate->ctx, action, deletes ? before : place.class_, deletes ? NULL : &place);
    (void)pthread_mutex_unlock(&estimate->lock);
}

void estimate_init(struct estimate *estimate, const struct run *run)
{
    memset(estimate, 0, sizeof *estimate);
    estimate->run = run;
    (void)pthread_mutex_init(&estimate->lock, NULL);
}

void estimate_clear(struct estimate *estimate)
{
    manifest_reader_free(estimate->records);
    (void)pthread_mutex_destroy(&estimate->lock);
}

/* An empty region is that of its credentials. */
static bool is_far(const struct run *run)
{
    const struct source *source = &run->source;
    const char *from = source->region[0] != '\0' ? source->region : access_region(source->access);

    return strcmp(from, access_region(run->options->vault_access)) != 0;
}

static enum verdict walk(struct run *run, struct estimate *estimate)
{
    enum verdict verdict;

    run->job.preview = preview;
    run->job.preview_ctx = estimate;
    run_set_up_job(run);
    verdict = run_walk(run);
    run_take_out_of_pool(run);
    run->report->listed = atomic_load(&run->job.tally.listed);
    run->report->unchanged = atomic_load(&run->job.tally.unchanged);
    run->report->archived = atomic_load(&run->job.tally.archived);
    if (verdict == VERDICT_OK && !run->walk_ended)
        verdict = failure_set(&run->failure, VERDICT_CANCELLED, "stopped before the listing of source \"%s\" had ended",
                run->source.name);
    return verdict;
}

enum verdict estimate_make(struct run *run, struct estimate *estimate)
{
    struct state_error error;
    enum state_status status = manifest_reader_new(run->manifest, MANIFEST_LIVE, &estimate->records, &error);
    enum verdict verdict;

    if (status != STATE_OK)
        return failure_from_state(
                &run->failure, status, &error, "reading the manifest of source \"%s\"", run->source.name);
    estimate->streams = run->source.config->copy == CONFIG_COPY_STREAM;
    estimate->far = is_far(run);
    verdict = walk(run, estimate);
    if (verdict == VERDICT_OK && estimate->status != STATE_OK)
        verdict = failure_from_state(&run->failure, estimate->status, &estimate->error,
                "reading the manifest of source \"%s\"", run->source.name);
    return verdict;
}

static void are_there(const struct estimate *estimate, struct state_totals there[CLASS_COUNT])
{
    struct manifest_totals totals;

    manifest_totals(estimate->run->manifest, &totals);
    for (int i = 0; i < CLASS_COUNT; i++)
        there[i] = (struct state_totals){ totals.by_class[i].objects, totals.by_class[i].bytes };
}

void estimate_after(const struct estimate *estimate, struct state_totals after[CLASS_COUNT])
{
    are_there(estimate, after);
    for (int i = 0; i < CLASS_COUNT; i++) {
        take_away(&after[i], &estimate->over[i]);
        after[i].objects += estimate->into[i].objects;
        after[i].bytes += estimate->into[i].bytes;
    }
}

static void price_months(
        const struct prices *prices, const struct state_totals what[CLASS_COUNT], double sums[CLASS_COUNT])
{
    for (int i = 0; i < CLASS_COUNT; i++) {
        sums[i] = 0;
        price_add_month(&sums[i], prices, (enum storage_class)i, what[i], (struct state_totals){ 0, 0 });
    }
}

void estimate_months(const struct estimate *estimate, double before[CLASS_COUNT], double after[CLASS_COUNT])
{
    struct state_totals totals[CLASS_COUNT];

    are_there(estimate, totals);
    price_months(&estimate->run->prices, totals, before);
    estimate_after(estimate, totals);
    price_months(&estimate->run->prices, totals, after);
}

struct cost estimate_cost(const struct estimate *estimate)
{
    const struct prices *prices = &estimate->run->prices;
    const double copies = (double)(estimate->copy + estimate->recopy) / 1000, gb = price_gb(estimate->copy_bytes);
    const uint64_t lists = atomic_load(&estimate->run->counters.requests[REQUEST_LIST]);
    struct cost cost = { .requests = 0 };

    price_add(&cost.requests, prices->list_1k, (double)lists / 1000);
    if (estimate->streams)
        price_add(&cost.requests, prices->classes[CLASS_STANDARD].get_1k, copies);
    if (estimate->streams) /* depends on where this machine stands */
        price_add(&cost.transfer, PRICE_UNKNOWN, gb);
    else if (estimate->far)
        price_add(&cost.transfer, prices->transfer_gb, gb);
    for (int i = 0; i < CLASS_COUNT; i++) {
        const enum storage_class class_ = (enum storage_class)i;
        price_add(&cost.requests, prices->classes[i].get_1k, (double)estimate->left[i].objects / 1000); /* looked at */
        price_add(&cost.requests, prices->classes[i].put_1k, (double)estimate->into[i].objects / 1000);
        price_add_month(&cost.storage_month, prices, class_, estimate->into[i], estimate->small[i]);
        if (estimate->from[i].objects > 0)
            price_add_retrieval(&cost.retrieval, prices, class_, THAW_STANDARD, estimate->from[i]);
        if (estimate->left[i].objects > 0)
            price_add_retrieval(&cost.retrieval, prices, class_, THAW_BULK, estimate->left[i]);
    }
    return cost;
}
