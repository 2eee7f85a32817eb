/*
 * The guard's place in a run (see guard.h): what it compares with is read from the chain of points, so that it is the
 * same on every machine; guarded is a state of the source until somebody accepts what happened.
 */
#include "agent/run_inside.h"

#include <string.h>

#include "agent/event.h"

enum {
    LOOK_BACK = 1200,   /* points in a row that are not complete: more than three years of nights */
    PARTIAL_ENOUGH = 60 /* of these, such as the guard let pass: a source like that is judged by its last months */
};

static void stand_on(struct guard_base *base, const struct state_point *point)
{
    const struct state_totals totals = state_point_totals(point);

    base->has = true;
    base->objects = totals.objects;
    base->bytes = totals.bytes;
}

/* One point further back. `partial` is what to stand on where there is no complete point, nor an accepted one. */
static void look_at(struct guard_base *base, struct guard_base *partial, const struct state_point *point)
{
    bool accepted = point->has_guard && point->state != STATE_POINT_GUARDED;

    if (point->state == STATE_POINT_COMPLETE)
        memcpy(base->complete, point->id, sizeof base->complete);
    if (base->has)
        return;
    if (point->state == STATE_POINT_COMPLETE || accepted) {
        stand_on(base, point);
        return;
    }
    if (point->state == STATE_POINT_PARTIAL && !partial->has) {
        *partial = *base;
        stand_on(partial, point);
    }
    base->replaced += point->did.recopied;
    base->deleted += point->did.deleted;
}

/* Where no point can be stood on, what the manifest had before this run is better than nothing: points may be damaged
 * or gone, or all have been guarded since a bootstrap that never was complete. */
static void stand_on_manifest(struct run *run)
{
    const struct source_report *report = run->report;
    struct manifest_totals totals;

    manifest_totals(run->manifest, &totals);
    for (int i = 0; i < CLASS_COUNT; i++)
        run->base.objects += totals.by_class[i].objects;
    run->base.objects -= report->copied < run->base.objects ? report->copied : run->base.objects;
    run->base.has = run->base.objects > 0;
}

/* Back from the newest point to the last complete one. */
static enum verdict find_base(struct run *run)
{
    struct guard_base *base = &run->base, partial = { .has = false };
    char id[STATE_POINT_SIZE];
    bool more = run->rebuilt.has_newest;
    int partials = 0;

    memset(base, 0, sizeof *base);
    memcpy(id, run->rebuilt.newest.point, sizeof id);
    for (int i = 0; i < LOOK_BACK && more && base->complete[0] == '\0' && partials < PARTIAL_ENOUGH; i++) {
        struct point_listed listed;
        struct point_read read;
        enum verdict verdict = points_find_one(&run->vault, run->conn, run->source.name, id, &listed, &run->failure);

        if (verdict == VERDICT_OK)
            verdict = points_read(&run->vault, run->conn, run->source.name, &listed, &read, &run->failure);
        if (verdict == VERDICT_NOT_FOUND || verdict == VERDICT_BAD_DATA)
            break; /* a broken chain is told where it is read for its logs */
        if (verdict != VERDICT_OK)
            return verdict;
        look_at(base, &partial, read.point);
        partials += read.point->state == STATE_POINT_PARTIAL;
        more = read.point->has_predecessor;
        memcpy(id, read.point->predecessor.point, sizeof id);
        point_read_free(&read);
    }
    if (!base->has && partial.has)
        *base = partial;
    if (!base->has)
        stand_on_manifest(run);
    return VERDICT_OK;
}

/* An operator who has everything copied again attacks nothing. */
static uint64_t replaced_now(const struct run *run)
{
    return run->options->kind == RUN_RECOPY ? 0 : run->report->recopied;
}

static void look_at_sizes(const struct run *run, uint64_t listed_bytes)
{
    const struct guard_base *base = &run->base;

    if (base->bytes == 0)
        return;
    if (listed_bytes < base->bytes / 2 || listed_bytes > base->bytes + base->bytes / 2)
        event_warn("size-anomaly", run->source.name, "the source has %llu bytes, the last good point had %llu",
                (unsigned long long)listed_bytes, (unsigned long long)base->bytes);
}

enum verdict run_guard(struct run *run)
{
    struct tally *tally = &run->job.tally;
    struct guard_view view = { .listed = atomic_load(&tally->listed), .customer_keys = run->recorder.customer_keys };

    if (run->options->prefix != NULL)
        return VERDICT_OK; /* a part of a source that an operator named says nothing about the whole */
    if (find_base(run) != VERDICT_OK)
        return run->failure.verdict;
    view.has_before = run->base.has;
    view.before = run->base.objects;
    view.missing = run->base.deleted + run->recorder.pending;
    view.replaced = run->base.replaced + replaced_now(run);
    look_at_sizes(run, atomic_load(&tally->listed_bytes));
    if (!guard_trips(&run->source.policy->guard, &view, run->guard_reason))
        return VERDICT_OK;
    run->tripped = true;
    if (run->options->accept) {
        event_warn("guard-accepted", run->source.name, "%s: accepted", run->guard_reason);
        return VERDICT_OK;
    }
    run->guarded = true;
    event_warn("guarded", run->source.name,
            "%s: copies are kept as new versions, nothing is marked as deleted%s%s. If this was meant: run --accept %s",
            run->guard_reason, run->base.complete[0] != '\0' ? ", and the last good point is " : "", run->base.complete,
            run->source.name);
    return VERDICT_OK;
}
