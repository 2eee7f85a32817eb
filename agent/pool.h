/*
 * The workers: a fixed number of threads, each with one connection for life, that serve all sources in flight. No
 * roles: a worker takes an action when the queue is above low water, else a page of a walk, else any action; sources
 * take turns. Nothing blocks on a push: a page is only begun while there is room for the actions that it may make.
 */
#ifndef AGENT_POOL_H
#define AGENT_POOL_H

#include "agent/job.h"
#include "agent/program.h"

struct pool;

enum verdict pool_start(const struct program *program, unsigned workers, struct pool **pool, struct failure *failure)
        __attribute__((warn_unused_result));
/* No job may be in it. */
void pool_stop(struct pool *pool);
unsigned pool_workers(const struct pool *pool);
/* Connections that all workers have opened. After pool_stop's join only; see pool_stop. */
uint64_t pool_connections(const struct pool *pool);

/* Prepares the lock-guarded part of a job, before pool_add. */
void pool_prepare(struct job *job);
void pool_add(struct pool *pool, struct job *job);
/* After the job is idle (see pool_take_results). */
void pool_remove(struct pool *pool, struct job *job);
/* Whether nothing new is to be begun: a failure, a signal, the end of the window. Any thread. */
bool pool_is_stopping(const struct job *job);
/* Wakes workers, after the caller has given the job a plan, marks or actions by the functions below. */
void pool_give_plan(struct pool *pool, struct job *job, struct walk_plan *plan);
void pool_give_marks(struct pool *pool, struct job *job, struct mark_batch *batch);
/* Queues a list of actions (of one page), by workers and by the source's thread. */
void pool_push(struct pool *pool, struct job *job, struct action *first, struct action **last, size_t bytes);
/* Hands a list of results to the source's thread. */
void pool_give_results(struct pool *pool, struct job *job, struct action *first, struct action **last, size_t count);

struct pool_view {
    bool idle; /* nothing queued, nothing in work, no walk left */
    bool walk_done, walk_stuck;
    size_t results;
    size_t marks; /* batches that wait */
};
/*
 * For the source's thread: waits until there are `enough` results, or the job is idle, or `wait_ms` have passed; takes
 * all results that are there (a list; NULL: none).
 */
struct action *pool_take_results(
        struct pool *pool, struct job *job, size_t enough, int64_t wait_ms, struct pool_view *view);
/* A page of actions is recorded and freed: its bytes no longer count. */
void pool_release_bytes(struct pool *pool, struct job *job, size_t bytes);

/* For copy_job: offers the parts of a large copy to idle workers; withdraws them, and waits for those that are at it.
 */
void pool_offer_parts(struct pool *pool, struct job *job, struct shared_parts *shared); /* takes `shared` */
void pool_withdraw_parts(struct pool *pool, struct job *job, const struct copy_parts *parts);

/* For workers with much to hand over: waits until fewer than `most` results wait for the source's thread, or the job
 * stops. */
void pool_wait_results(struct pool *pool, struct job *job, size_t most);

#endif
