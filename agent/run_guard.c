/*
 * The guard's place in a run (see guard.h): what it compares with is read from the chain of points, so that it is the
 * same on every machine; guarded is a state of the source until somebody accepts what happened.
 */
#include "agent/run_inside.h"

#include <string.h>

#include "agent/event.h"

/* So many points that are not complete in a row are more than three years of nights. */
enum { LOOK_BACK = 1200 };

/* Back from the newest point to the last complete one. */
static enum verdict find_base(struct run *run)
{
    struct guard_base *base = &run->base;
    char id[STATE_POINT_SIZE];
    bool more = run->rebuilt.has_newest;

    memset(base, 0, sizeof *base);
    memcpy(id, run->rebuilt.newest.point, sizeof id);
    for (int i = 0; i < LOOK_BACK && more && !base->has_complete; i++) {
        struct point_listed listed;
        struct point_read read;
        enum verdict verdict = points_find_one(&run->vault, run->conn, run->source.name, id, &listed, &run->failure);

        if (verdict == VERDICT_OK)
            verdict = points_read(&run->vault, run->conn, run->source.name, &listed, &read, &run->failure);
        if (verdict == VERDICT_NOT_FOUND || verdict == VERDICT_BAD_DATA)
            return VERDICT_OK; /* a broken chain is told where it is read for its logs */
        if (verdict != VERDICT_OK)
            return verdict;
        if (read.point->state == STATE_POINT_COMPLETE) {
            const struct state_totals totals = state_point_totals(read.point);
            base->has_complete = true;
            base->objects = totals.objects;
            base->bytes = totals.bytes;
            memcpy(base->complete, id, sizeof base->complete);
        } else {
            base->replaced += read.point->did.recopied;
        }
        more = read.point->has_predecessor;
        memcpy(id, read.point->predecessor.point, sizeof id);
        point_read_free(&read);
    }
    return VERDICT_OK;
}

static void look_at_sizes(const struct run *run, uint64_t listed_bytes)
{
    const struct guard_base *base = &run->base;

    if (!base->has_complete || base->bytes == 0)
        return;
    if (listed_bytes < base->bytes / 2 || listed_bytes > base->bytes + base->bytes / 2)
        event_warn("size-anomaly", run->source.name, "the source has %llu bytes, the last complete point %s had %llu",
                (unsigned long long)listed_bytes, base->complete, (unsigned long long)base->bytes);
}

enum verdict run_guard(struct run *run)
{
    struct tally *tally = &run->job.tally;
    struct guard_view view = { .listed = atomic_load(&tally->listed),
        .missing = run->recorder.pending,
        .customer_keys = run->recorder.customer_keys };

    if (run->options->prefix != NULL)
        return VERDICT_OK; /* a part of a source that an operator named says nothing about the whole */
    if (find_base(run) != VERDICT_OK)
        return run->failure.verdict;
    view.has_before = run->base.has_complete;
    view.before = run->base.objects;
    view.replaced = run->base.replaced + run->report->recopied;
    look_at_sizes(run, atomic_load(&tally->listed_bytes));
    if (!guard_trips(&run->source.policy->guard, &view, run->guard_reason))
        return VERDICT_OK;
    if (run->options->accept) {
        event_warn("guard-accepted", run->source.name, "%s: accepted", run->guard_reason);
        return VERDICT_OK;
    }
    run->guarded = true;
    event_warn("guarded", run->source.name,
            "%s: copies are kept as new versions, nothing is marked as deleted, and point %s stays the last good one. "
            "If this was meant: run --accept %s",
            run->guard_reason, run->base.complete, run->source.name);
    return VERDICT_OK;
}
