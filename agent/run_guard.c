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

static uint64_t less(uint64_t count, uint64_t by)
{
    return count > by ? count - by : 0;
}

static void stand_on(struct guard_base *base, const struct state_point *point)
{
    const struct state_totals totals = state_point_totals(point);

    base->has = true;
    memcpy(base->point, point->id, sizeof base->point);
    base->finished_ms = point->finished_ms;
    base->objects = totals.objects;
    base->bytes = totals.bytes;
    base->customer_keys = point->did.customer_keys;
    base->left_changed = point->has_guard ? point->guard.left_changed : 0;
    base->left_deleted = point->has_guard ? point->guard.left_deleted : 0;
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
    if (point->state == STATE_POINT_PARTIAL && (!partial->has || (!partial->walked && point->walk_ended))) {
        *partial = *base;
        stand_on(partial, point);
        partial->walked = point->walk_ended;
    }
    base->replaced += less(point->did.recopied, point->did.repeated);
    base->deleted += point->did.deleted;
}

/* Where no point can be stood on, what the manifest had before this run is better than nothing: points may be damaged
 * or gone, or all have been guarded since a bootstrap that never was complete. */
static void stand_on_manifest(struct run *run)
{
    struct manifest_totals totals;

    manifest_totals(run->manifest, &totals);
    for (int i = 0; i < CLASS_COUNT; i++)
        run->base.objects += totals.by_class[i].objects;
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

static void look_at_sizes(const struct run *run, uint64_t listed_bytes)
{
    const struct guard_base *base = &run->base;

    if (base->bytes == 0)
        return;
    if (listed_bytes < base->bytes / 2 || listed_bytes > base->bytes + base->bytes / 2)
        event_warn("size-anomaly", run->source.name, "the source has %llu bytes, the last good point had %llu",
                (unsigned long long)listed_bytes, (unsigned long long)base->bytes);
}

void run_guard_base(struct run *run)
{
    if (run->options->prefix == NULL)
        run->base_verdict = find_base(run);
    run->base_failure = run->failure;
    memset(&run->failure, 0, sizeof run->failure);
}

enum verdict run_guard(struct run *run)
{
    struct tally *tally = &run->job.tally;
    const struct guard_base *base = &run->base;
    const struct recorder *recorder = &run->recorder;

    if (run->options->prefix != NULL)
        return VERDICT_OK; /* a part of a source that an operator named says nothing about the whole */
    if (run->base_verdict != VERDICT_OK) {
        run->failure = run->base_failure;
        return run->base_verdict;
    }
    run->seen = (struct guard_view){ .has_before = base->has,
        .before = base->objects,
        .listed = atomic_load(&tally->listed),
        .replaced = less(base->replaced + less(run->report->recopied, recorder->repeated) + recorder->left_changed,
                base->left_changed),
        .missing = less(base->deleted + recorder->pending, base->left_deleted),
        .customer_keys = less(recorder->customer_keys, base->customer_keys) };
    look_at_sizes(run, atomic_load(&tally->listed_bytes));
    if (!guard_trips(&run->source.policy->guard, &run->seen, run->guard_reason))
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
