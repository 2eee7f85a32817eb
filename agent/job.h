/*
 * One source while it is being run: what the pool's workers and the source's own thread share. The source's thread
 * (run.c) makes it, adds it to the pool, records what comes back, and takes it out again; workers list, compare and
 * copy for it.
 *
 * The pool's lock guards what stands under it; everything above is fixed while the job is in the pool, or atomic.
 */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/action.h"
#include "agent/budget.h"
#include "agent/copy.h"
#include "agent/move.h"
#include "agent/move_due.h"
#include "agent/source.h"
#include "agent/vault.h"
#include "agent/walk_plan.h"
#include "state/manifest.h"

enum {
    JOB_RESULTS_ENOUGH = 2000, /* a batch of the manifest */
    JOB_DENIED_MAX = 100       /* copies denied in a row, none done: then the source is given up */
};

/* What a run counts of a source; names as in the reports. */
struct tally {
    _Atomic uint64_t listed, listed_bytes, unchanged, archived, gone, excluded, surplus, failed_listings;
    _Atomic uint64_t bytes_copied;
};

/* A batch of keys that are to be marked as deleted. */
struct mark_batch {
    struct mark_batch *next;
    struct state_text *keys; /* ascending; the batch owns them: one piece of memory */
    size_t count;
};

/* A large copy whose parts anybody may copy. */
struct shared_parts {
    struct shared_parts *next;
    struct copy_parts *parts;
    unsigned helpers;
};

/* What a dry run does with an action instead of queueing it; called by workers, one at a time. */
typedef void job_preview(void *ctx, const struct action *action);

struct job {
    const struct vault *vault;
    const struct source *source;
    struct manifest *manifest;
    struct copy_job copy;
    const struct move_setup *move; /* for ACTION_MOVE */
    struct move_due *due;          /* NULL: nothing is moved by this run */
    atomic_uint moves_denied;      /* in a row: from JOB_DENIED_MAX on, the rest is given back untried */
    bool look_first;               /* an unclean end came before: ask the vault before copying */
    bool recopy;                   /* copy what is equal as well */
    job_preview *preview;          /* NULL: a real run */
    void *preview_ctx;
    struct budget *budget; /* of the whole run; NULL: none */
    struct budget own;     /* the policy's window */
    struct tally tally;
    atomic_bool stop; /* no new work: what is queued is given back untried */
    atomic_uint denied_in_a_row;

    /* guarded by the pool's lock */
    struct job *next;       /* of the pool's ring */
    struct walk_plan *plan; /* NULL once the walk is over */
    bool walk_done, walk_stuck;
    bool marks_dropped; /* missing keys were not looked for again, as the run was stopped */
    struct action *queue, **queue_end;
    size_t queue_bytes; /* of pages of actions that are queued, in work or not yet recorded */
    size_t page_bytes;  /* what the actions of a page have taken lately */
    struct mark_batch *marks, **marks_end;
    struct shared_parts *parts;            /* of large copies under way, for idle workers */
    unsigned listing, acting;              /* workers that are at it */
    struct action *results, **results_end; /* for the source's thread */
    size_t result_count;
    pthread_cond_t changed; /* the source's thread waits here */
    bool has_failure;
    struct failure failure; /* the first one that concerns the whole source: the listing, the manifest, the vault */
};

/* For workers: notes a failure of the whole source (the first is kept) and stops the job. Takes the pool's lock. */
struct pool;
void job_fail(struct pool *pool, struct job *job, const struct failure *failure);

#endif
