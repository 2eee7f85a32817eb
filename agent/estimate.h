/*
 * What a run would do to a source, and what that would cost: the same walk and the same comparison as a run's, whose
 * actions are counted instead of queued. Missing keys are those of the listing; a run would look for each once more.
 * Writes nothing.
 *
 * Of the source's own thread; actions are counted by workers, under the estimate's lock.
 */
#ifndef AGENT_ESTIMATE_H
#define AGENT_ESTIMATE_H

#include <pthread.h>

#include "agent/place.h"
#include "agent/run_inside.h"
#include "state/manifest_reader.h"

struct estimate {
    const struct run *run;
    bool streams; /* what is copied passes through this machine */
    bool far;     /* from one region to another */
    /* Shown each action under the lock, with the class that it would go to, or be deleted in, and `place`: why; NULL
     * for a deletion. No `show`: nobody looks. */
    void (*show)(void *ctx, const struct action *action, enum storage_class class_, const struct place *place);
    void *ctx;
    pthread_mutex_t lock;
    /* guarded by lock */
    struct manifest_reader *records;
    uint64_t copy, recopy, move, missing, copy_bytes;
    struct state_totals from[CLASS_COUNT];  /* what would be copied, by its class at the source */
    struct state_totals left[CLASS_COUNT];  /* what would be moved, by the class that it lies in */
    struct state_totals into[CLASS_COUNT];  /* both by the class that they would get */
    struct state_totals small[CLASS_COUNT]; /* of these, what is below the size that the class bills at least */
    struct state_totals over[CLASS_COUNT];  /* records that it would take the place of, and that would be marked */
    enum state_status status;               /* of reading them */
    struct state_error error;
};

void estimate_init(struct estimate *estimate, const struct run *run);
void estimate_clear(struct estimate *estimate);

/* Walks. The run is open and caught up. VERDICT_CANCELLED: stopped before the listing's end. */
enum verdict estimate_make(struct run *run, struct estimate *estimate) __attribute__((warn_unused_result));

/* The objects that would be in the vault after the run. */
void estimate_after(const struct estimate *estimate, struct state_totals after[CLASS_COUNT]);
/* A month of what is there now, and would be after the run, by class: current versions, and as if none were smaller
 * than its class bills at least, since the manifest's totals do not tell. */
void estimate_months(const struct estimate *estimate, double before[CLASS_COUNT], double after[CLASS_COUNT]);
/* Requests, transfer, retrieval, and a month of the storage that it adds, each object billed as its class does. */
struct cost estimate_cost(const struct estimate *estimate);

#endif
