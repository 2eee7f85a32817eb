/*
 * What the files of a run share. Private to run.c and the run_*.c.
 */
#ifndef AGENT_RUN_INSIDE_H
#define AGENT_RUN_INSIDE_H

#include "agent/clock.h"
#include "agent/guard.h"
#include "agent/mark.h"
#include "agent/move.h"
#include "agent/move_due.h"
#include "agent/prices.h"
#include "agent/publish.h"
#include "agent/rebuild.h"
#include "agent/record.h"
#include "agent/run.h"
#include "agent/source_config.h"
#include "agent/state_folder.h"

/* What the guard compares with, and what has happened since: the last complete point, or a later one whose change
 * somebody has accepted; where there never was one, the newest that was not guarded. */
struct guard_base {
    bool has, walked;             /* walked: its listing came to its end */
    char point[STATE_POINT_SIZE]; /* that one; "": the manifest, as there is none */
    int64_t finished_ms;
    uint64_t objects, bytes;
    uint64_t customer_keys;              /* objects that wanted a customer's key then already */
    uint64_t left_changed, left_deleted; /* what was accepted, and not copied and marked then */
    uint64_t replaced, deleted;          /* by runs since then, whose points are partial or guarded */
    char complete[STATE_POINT_SIZE];     /* the last complete point; "": none */
};

struct run {
    const struct run_options *options;
    struct source_report *report;
    struct counters counters;
    struct source source; /* with clients of its own, that count */
    struct vault vault;
    struct clock_bound clock; /* of the connection */
    struct s3_conn *conn;
    struct prices prices;
    int64_t placed_ms; /* by the vault's clock: what objects' ages are counted to, the same for a whole run */
    struct manifest *manifest;
    enum manifest_found found;
    char owner[STATE_FOLDER_OWNER_SIZE]; /* this state folder's name in leases */
    struct lease *lease;
    bool served;       /* of the schedule's slot: there is nothing to be done */
    bool kept_renewed; /* the keeper has the lease */
    struct rebuild_result rebuilt;
    struct source_config source_config;
    struct publisher *publisher;
    char point[STATE_POINT_SIZE];
    int64_t began_ms;   /* monotonic */
    int64_t started_ms; /* by the vault's clock */
    struct job job;
    bool in_pool;
    struct recorder recorder;
    _Atomic uint64_t bytes_copied, without_tags, without_acl;
    struct mark_cursor marks; /* how far the missing keys were handed out */
    struct move_setup move;
    struct move_due due;
    struct moves_walk *moves_walk; /* while they are done */
    bool moves_cut;                /* some that are due were not handed out */
    int64_t flushed_ms;            /* monotonic: the last log */
    struct guard_base base;        /* what the guard compares with */
    enum verdict base_verdict;
    struct failure base_failure;
    struct guard_view seen; /* what it was shown */
    bool tripped;           /* the guard has seen too much */
    bool guarded;           /* and nobody has accepted it: nothing is marked */
    char guard_reason[GUARD_REASON_SIZE];
    bool walk_ended;     /* every key of the source was seen */
    bool too_dear;       /* it would cost more than limits.max_cost: nothing was begun */
    bool damaged;        /* the points in the vault are; told already */
    bool manifest_stale; /* somebody else has published: rebuild next time */
    struct failure failure;
};

/* When the policy's window is over, by the monotonic clock; 0: it has none. */
int64_t run_window_end(const struct run *run);
/* Clients, manifest, a look at the vault. */
enum verdict run_open(struct run *run) __attribute__((warn_unused_result));
/* The manifest to the vault's newest point. */
enum verdict run_catch_up(struct run *run) __attribute__((warn_unused_result));
/* Lets go of everything, and fills in the report's totals. */
void run_close(struct run *run);

/* Puts the job into the pool, and takes it out again. */
void run_set_up_job(struct run *run);
void run_take_out_of_pool(struct run *run);
/* Records what comes back until nothing is queued, in work or left to list. `feed` (may be NULL) is asked for more work
 * each time. */
enum verdict run_record(struct run *run, enum verdict (*feed)(struct run *run, const struct pool_view *view,
                                                 bool *more)) __attribute__((warn_unused_result));
/* Where limits.max_cost is set and this run is not accepted: what it would cost is counted before anything is copied.
 * VERDICT_FULL, with `too_dear`: more than that. */
enum verdict run_within_cost(struct run *run) __attribute__((warn_unused_result));
/* One walk over all that is wanted; records, where it is not a preview. */
enum verdict run_walk(struct run *run) __attribute__((warn_unused_result));
/* Adds the records outside of the selected prefixes to the missing keys, after a whole walk. */
enum verdict run_outside(struct run *run) __attribute__((warn_unused_result));
/* Copies what differs: the pool lists, compares and copies, this thread records. VERDICT_OK also where objects failed.
 */
enum verdict run_work(struct run *run) __attribute__((warn_unused_result));
/* Finds what the guard compares with, before anything is copied. What fails is told by run_guard. */
void run_guard_base(struct run *run);
/* Asks the guard, after a whole walk. */
enum verdict run_guard(struct run *run) __attribute__((warn_unused_result));
/* Marks the keys that are gone. */
enum verdict run_marks(struct run *run) __attribute__((warn_unused_result));
/* Compares the tags of the manifest's objects instead: of all the above, nothing is done. */
enum verdict run_tags(struct run *run) __attribute__((warn_unused_result));
/* Where the agent moves copies: what the walk is to look for. */
void run_moves_set_up(struct run *run);
/* Moves what it found, after everything was copied and marked. */
enum verdict run_moves(struct run *run) __attribute__((warn_unused_result));
/* Full file, packing, point.json. */
enum verdict run_point(struct run *run) __attribute__((warn_unused_result));

#endif
