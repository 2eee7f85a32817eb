/* See pool.h. */
#include "agent/pool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "agent/copy_tags.h"
#include "agent/diff.h"
#include "agent/mark.h"
#include "s3/list.h"

enum {
    QUEUE_LOW = 4 * 1024 * 1024,
    QUEUE_HIGH = 16 * 1024 * 1024, /* all sources together */
    IDLE_WAIT_MS = 500             /* how late a worker sees a stop that nobody woke it for */
};

struct worker {
    pthread_t thread;
    struct pool *pool;
    struct clock_bound clock; /* of its connection */
    struct s3_conn *conn;
    struct s3_page page;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* guarded by lock, as all below */
    struct job *jobs;    /* a ring: the next to be served */
    size_t bytes;        /* of all jobs' queues */
    bool ending;
    unsigned count, started;
    struct worker workers[];
};

enum task_kind { TASK_NONE, TASK_PAGE, TASK_ACTION, TASK_MARK, TASK_PARTS };

struct task {
    enum task_kind kind;
    struct job *job;
    struct walk_request request;
    struct action *action;
    uint64_t reserved; /* of the run's bytes, for the action */
    struct mark_batch *marks;
    struct shared_parts *parts;
};

/* A condition variable that waits by the monotonic clock. */
static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void wait_cond(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t milliseconds)
{
    struct timespec until;
    int64_t at = clock_monotonic_ms() + milliseconds;

    until.tv_sec = (time_t)(at / 1000);
    until.tv_nsec = (long)(at % 1000) * 1000000;
    (void)pthread_cond_timedwait(cond, lock, &until);
}

static struct action *pop_locked(struct job *job)
{
    struct action *action = job->queue;

    job->queue = action->next;
    if (job->queue == NULL)
        job->queue_end = &job->queue;
    action->next = NULL;
    return action;
}

bool pool_is_stopping(const struct job *job)
{
    int64_t now;

    if (atomic_load_explicit(&job->stop, memory_order_relaxed) || clock_stop_asked())
        return true;
    now = clock_monotonic_ms();
    return budget_is_spent(&job->own, now) || (job->budget != NULL && budget_is_spent(job->budget, now));
}

/* What is queued goes back untried. */
static void give_back_locked(struct job *job)
{
    while (job->queue != NULL) {
        struct action *action = pop_locked(job);
        action->outcome = OUTCOME_LEFT;
        *job->results_end = action;
        job->results_end = &action->next;
        job->result_count++;
    }
    if (job->marks != NULL) {
        mark_batches_free(job->marks);
        job->marks_dropped = true;
        job->marks = NULL;
        job->marks_end = &job->marks;
    }
    if (job->plan != NULL && job->listing == 0) {
        job->walk_stuck = true;
        job->plan = NULL;
    }
    (void)pthread_cond_signal(&job->changed);
}

static bool take_page_locked(struct pool *pool, struct job *job, struct task *task)
{
    if (job->plan == NULL || pool->bytes + job->page_bytes * (job->listing + 1) > QUEUE_HIGH)
        return false;
    switch (walk_plan_next(job->plan, &task->request)) {
    case WALK_PAGE:
        task->kind = TASK_PAGE;
        job->listing++;
        return true;
    case WALK_WAIT:
        return false;
    case WALK_DONE:
        job->walk_done = true;
        job->plan = NULL;
        break;
    case WALK_STUCK:
        job->walk_stuck = true;
        job->plan = NULL;
        break;
    }
    (void)pthread_cond_signal(&job->changed);
    return false;
}

static void take_action_locked(struct job *job, struct task *task)
{
    struct action *action = pop_locked(job);

    task->kind = TASK_ACTION;
    task->action = action;
    task->reserved = 0;
    if (job->budget != NULL && action->kind != ACTION_TAGS)
        task->reserved = budget_reserve(job->budget, !action->again, action->size);
    job->acting++;
}

static bool take_task_locked(struct pool *pool, struct job *job, struct task *task)
{
    bool room = job->budget == NULL || budget_has_room(job->budget);

    task->job = job;
    if (pool_is_stopping(job)) {
        give_back_locked(job);
        return false;
    }
    if (room && (job->queue == NULL || pool->bytes <= QUEUE_LOW))
        if (take_page_locked(pool, job, task))
            return true;
    if (room && job->queue != NULL) {
        take_action_locked(job, task);
        return true;
    }
    if (job->marks != NULL) {
        task->kind = TASK_MARK;
        task->marks = job->marks;
        job->marks = task->marks->next;
        if (job->marks == NULL)
            job->marks_end = &job->marks;
        task->marks->next = NULL;
        job->acting++;
        return true;
    }
    for (struct shared_parts *shared = job->parts; shared != NULL; shared = shared->next) {
        if (copy_parts_wanted(shared->parts)) {
            task->kind = TASK_PARTS;
            task->parts = shared;
            shared->helpers++;
            return true;
        }
    }
    return false;
}

/* Sources take turns: the ring moves on with every task. */
static bool find_task_locked(struct pool *pool, struct task *task)
{
    struct job *first = pool->jobs, *job = first;

    task->kind = TASK_NONE;
    if (first == NULL)
        return false;
    do {
        if (take_task_locked(pool, job, task)) {
            pool->jobs = job->next;
            return true;
        }
        job = job->next;
    } while (job != first);
    return false;
}

void job_fail(struct pool *pool, struct job *job, const struct failure *failure)
{
    (void)pthread_mutex_lock(&pool->lock);
    if (!job->has_failure) {
        job->has_failure = true;
        job->failure = *failure;
    }
    atomic_store(&job->stop, true);
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_cond_signal(&job->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* One LIST. A page that promises more and has no keys is followed by its token once: some servers filter after they
 * have cut the page. */
static enum s3_status list_page(
        struct worker *worker, const struct job *job, const struct walk_request *request, struct s3_error *error)
{
    const struct source *source = job->source;
    struct s3_list_options options = { .bucket = source->bucket,
        .expected_owner = source->owner,
        .prefix = { (const char *)request->prefix.ptr, request->prefix.len },
        .start_after = { (const char *)request->after.bytes, request->after.len },
        .restore_status = true };
    enum s3_status status = s3_list_objects(worker->conn, source->client, &options, &worker->page, error);

    if (status == S3_OK && worker->page.truncated && worker->page.count == 0 && worker->page.next_token.len > 0) {
        char token[4096];
        if (worker->page.next_token.len > sizeof token)
            return s3_fail(
                    error, S3_BAD_DATA, "BadAnswer", "a continuation token of %zu bytes", worker->page.next_token.len);
        memcpy(token, worker->page.next_token.ptr, worker->page.next_token.len);
        options.token = (struct s3_text){ token, worker->page.next_token.len };
        status = s3_list_objects(worker->conn, source->client, &options, &worker->page, error);
    }
    return status;
}

static struct walk_bytes page_key(const void *ctx, size_t i)
{
    const struct s3_page *page = ctx;

    return (struct walk_bytes){ (const unsigned char *)page->entries[i].key.ptr, page->entries[i].key.len };
}

static void close_page_locked(struct pool *pool, struct job *job)
{
    job->listing--;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_cond_signal(&job->changed);
}

static void do_page(struct worker *worker, struct task *task)
{
    struct pool *pool = worker->pool;
    struct job *job = task->job;
    struct s3_error error;
    struct failure failure;
    struct walk_interval interval;
    enum walk_verdict verdict = WALK_TAKEN;
    enum s3_status status = list_page(worker, job, &task->request, &error);
    const struct walk_page page = {
        .key = page_key, .ctx = &worker->page, .count = worker->page.count, .truncated = worker->page.truncated
    };

    (void)pthread_mutex_lock(&pool->lock);
    if (status == S3_OK)
        verdict = walk_plan_answer(job->plan, &task->request, &page, &interval);
    else
        walk_plan_failed(job->plan, &task->request, WALK_BREAK);
    (void)pthread_cond_broadcast(&pool->work); /* the answer makes work for others; this page is still to be compared */
    (void)pthread_mutex_unlock(&pool->lock);

    if (status != S3_OK)
        failure_from_s3(&failure, status, &error, "listing source \"%s\"", job->source->name);
    else if (verdict != WALK_TAKEN)
        failure_set(
                &failure, VERDICT_BAD_DATA, "listing source \"%s\": %s", job->source->name, walk_verdict_text(verdict));
    if (status != S3_OK || verdict != WALK_TAKEN) {
        (void)atomic_fetch_add(&job->tally.failed_listings, 1);
        if (status != S3_CANCELLED)
            job_fail(pool, job, &failure);
    } else if (diff_page(pool, job, &worker->page, &interval, &failure) != VERDICT_OK) {
        job_fail(pool, job, &failure);
    }
    (void)pthread_mutex_lock(&pool->lock);
    close_page_locked(pool, job);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void do_copy(struct pool *pool, struct job *job, struct s3_conn *conn, struct action *action)
{
    if (action->kind == ACTION_TAGS)
        copy_tags_do(&job->copy, conn, action);
    else
        copy_do(&job->copy, conn, action);
    if (action->outcome == OUTCOME_FAILED && action->failure != NULL && action->failure->verdict == VERDICT_NO_ACCESS) {
        /* every object would be denied: that is not to be tried a million times */
        if (atomic_fetch_add(&job->denied_in_a_row, 1) + 1 == JOB_DENIED_MAX)
            job_fail(pool, job, action->failure);
    } else if (action->outcome == OUTCOME_DONE || action->outcome == OUTCOME_ADOPTED) {
        atomic_store_explicit(&job->denied_in_a_row, 0, memory_order_relaxed);
    }
}

/* What is denied to moves ends the moves alone: everything was copied by then. */
static void do_move(struct job *job, struct s3_conn *conn, struct action *action)
{
    if (atomic_load_explicit(&job->moves_denied, memory_order_relaxed) >= JOB_DENIED_MAX) {
        action->outcome = OUTCOME_LEFT;
        return;
    }
    move_do(job->move, conn, action);
    if (action->outcome == OUTCOME_DONE)
        atomic_store_explicit(&job->moves_denied, 0, memory_order_relaxed);
    else if (action->failure != NULL && action->failure->verdict == VERDICT_NO_ACCESS)
        (void)atomic_fetch_add_explicit(&job->moves_denied, 1, memory_order_relaxed);
}

static void do_action(struct worker *worker, struct task *task)
{
    struct pool *pool = worker->pool;
    struct job *job = task->job;
    struct action *action = task->action;

    if (action->kind == ACTION_MOVE)
        do_move(job, worker->conn, action);
    else
        do_copy(pool, job, worker->conn, action);
    (void)pthread_mutex_lock(&pool->lock);
    if (job->budget != NULL && action->kind != ACTION_TAGS) {
        budget_settle(job->budget, task->reserved, action->outcome == OUTCOME_DONE ? action->result.entry.size : 0);
        if (job->budget->max_bytes != 0)
            (void)pthread_cond_broadcast(&pool->work); /* there may be room again */
    }
    job->acting--;
    *job->results_end = action;
    job->results_end = &action->next;
    job->result_count++;
    if (job->result_count == JOB_RESULTS_ENOUGH || (job->acting == 0 && job->queue == NULL))
        (void)pthread_cond_signal(&job->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void do_marks(struct worker *worker, struct task *task)
{
    struct pool *pool = worker->pool;
    struct job *job = task->job;
    struct failure failure;

    if (mark_batch_do(pool, job, worker->conn, task->marks, &failure) != VERDICT_OK)
        job_fail(pool, job, &failure);
    mark_batches_free(task->marks);
    (void)pthread_mutex_lock(&pool->lock);
    job->acting--;
    (void)pthread_cond_signal(&job->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void do_parts(struct worker *worker, struct task *task)
{
    struct pool *pool = worker->pool;

    copy_parts_help(task->parts->parts, worker->conn);
    (void)pthread_mutex_lock(&pool->lock);
    task->parts->helpers--;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void *work(void *ctx)
{
    struct worker *worker = ctx;
    struct pool *pool = worker->pool;
    struct task task;

    (void)pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        if (!find_task_locked(pool, &task)) {
            wait_cond(&pool->work, &pool->lock, IDLE_WAIT_MS);
            continue;
        }
        (void)pthread_mutex_unlock(&pool->lock);
        worker->clock.over_ms = task.job->own.deadline_ms;
        if (task.kind == TASK_PAGE)
            do_page(worker, &task);
        else if (task.kind == TASK_ACTION)
            do_action(worker, &task);
        else if (task.kind == TASK_MARK)
            do_marks(worker, &task);
        else
            do_parts(worker, &task);
        (void)pthread_mutex_lock(&pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static enum verdict connect_worker(const struct program *program, struct worker *worker, struct failure *failure)
{
    struct s3_error error;
    enum s3_status status;

    clock_bound_init(&worker->clock, clock_of_workers());
    s3_error_clear(&error);
    status = s3_conn_new(program->tls, &worker->clock.clock, &worker->conn, &error);

    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "preparing a worker");
}

enum verdict pool_start(const struct program *program, unsigned workers, struct pool **pool, struct failure *failure)
{
    struct pool *made = calloc(1, sizeof *made + workers * sizeof made->workers[0]);

    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    (void)pthread_mutex_init(&made->lock, NULL);
    init_cond(&made->work);
    made->count = workers;
    for (unsigned i = 0; i < workers; i++) {
        struct worker *worker = &made->workers[i];
        worker->pool = made;
        s3_page_init(&worker->page);
        if (connect_worker(program, worker, failure) != VERDICT_OK) {
            pool_stop(made);
            return failure->verdict;
        }
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            pool_stop(made);
            return failure_set(failure, VERDICT_INTERNAL, "worker %u of %u cannot be started", i + 1, workers);
        }
        made->started++;
    }
    *pool = made;
    return VERDICT_OK;
}

void pool_stop(struct pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    for (unsigned i = 0; i < pool->count; i++) {
        s3_conn_free(pool->workers[i].conn);
        s3_page_free(&pool->workers[i].page);
    }
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned pool_workers(const struct pool *pool)
{
    return pool->count;
}

void pool_prepare(struct job *job)
{
    job->queue = job->results = NULL;
    job->queue_end = &job->queue;
    job->results_end = &job->results;
    job->marks = NULL;
    job->marks_end = &job->marks;
    init_cond(&job->changed);
}

void pool_add(struct pool *pool, struct job *job)
{
    (void)pthread_mutex_lock(&pool->lock);
    if (pool->jobs == NULL) {
        job->next = job;
    } else {
        job->next = pool->jobs->next;
        pool->jobs->next = job;
    }
    pool->jobs = job;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_remove(struct pool *pool, struct job *job)
{
    struct job *before = job;

    (void)pthread_mutex_lock(&pool->lock);
    while (before->next != job)
        before = before->next;
    before->next = job->next;
    if (pool->jobs == job)
        pool->jobs = before == job ? NULL : before;
    (void)pthread_mutex_unlock(&pool->lock);
    (void)pthread_cond_destroy(&job->changed);
}

void pool_give_plan(struct pool *pool, struct job *job, struct walk_plan *plan)
{
    (void)pthread_mutex_lock(&pool->lock);
    job->plan = plan;
    job->walk_done = job->walk_stuck = false;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_give_marks(struct pool *pool, struct job *job, struct mark_batch *batch)
{
    (void)pthread_mutex_lock(&pool->lock);
    *job->marks_end = batch;
    job->marks_end = &batch->next;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_push(struct pool *pool, struct job *job, struct action *first, struct action **last, size_t bytes)
{
    (void)pthread_mutex_lock(&pool->lock);
    *job->queue_end = first;
    job->queue_end = last;
    first->page->queued = true;
    job->queue_bytes += bytes;
    pool->bytes += bytes;
    job->page_bytes = bytes > job->page_bytes ? bytes : job->page_bytes - (job->page_bytes - bytes) / 8;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_give_results(struct pool *pool, struct job *job, struct action *first, struct action **last, size_t count)
{
    (void)pthread_mutex_lock(&pool->lock);
    *job->results_end = first;
    job->results_end = last;
    job->result_count += count;
    if (job->result_count >= JOB_RESULTS_ENOUGH)
        (void)pthread_cond_signal(&job->changed);
    (void)pthread_mutex_unlock(&pool->lock);
}

static bool idle_locked(const struct job *job)
{
    return job->plan == NULL && job->queue == NULL && job->marks == NULL && job->listing == 0 && job->acting == 0;
}

struct action *pool_take_results(
        struct pool *pool, struct job *job, size_t enough, int64_t wait_ms, struct pool_view *view)
{
    int64_t until = clock_monotonic_ms() + wait_ms, left;
    struct action *taken;

    (void)pthread_mutex_lock(&pool->lock);
    if (pool_is_stopping(job))
        give_back_locked(job);
    while (job->result_count < enough && !idle_locked(job) && (left = until - clock_monotonic_ms()) > 0)
        wait_cond(&job->changed, &pool->lock, left);
    taken = job->results;
    view->results = job->result_count;
    job->results = NULL;
    job->results_end = &job->results;
    job->result_count = 0;
    view->idle = idle_locked(job);
    view->walk_done = job->walk_done;
    view->walk_stuck = job->walk_stuck;
    view->marks = 0;
    for (const struct mark_batch *batch = job->marks; batch != NULL; batch = batch->next)
        view->marks++;
    (void)pthread_cond_broadcast(&pool->work); /* those in pool_wait_results */
    (void)pthread_mutex_unlock(&pool->lock);
    return taken;
}

void pool_release_bytes(struct pool *pool, struct job *job, size_t bytes)
{
    (void)pthread_mutex_lock(&pool->lock);
    job->queue_bytes -= bytes;
    pool->bytes -= bytes;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_offer_parts(struct pool *pool, struct job *job, struct shared_parts *shared)
{
    (void)pthread_mutex_lock(&pool->lock);
    shared->helpers = 0;
    shared->next = job->parts;
    job->parts = shared;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
}

void pool_withdraw_parts(struct pool *pool, struct job *job, const struct copy_parts *parts)
{
    struct shared_parts **at = &job->parts, *shared;

    (void)pthread_mutex_lock(&pool->lock);
    while (*at != NULL && (*at)->parts != parts)
        at = &(*at)->next;
    shared = *at;
    if (shared != NULL) { /* else there was no memory to offer them */
        *at = shared->next;
        while (shared->helpers > 0)
            wait_cond(&pool->work, &pool->lock, IDLE_WAIT_MS);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    free(shared);
}

void pool_wait_results(struct pool *pool, struct job *job, size_t most)
{
    (void)pthread_mutex_lock(&pool->lock);
    while (job->result_count >= most && !pool_is_stopping(job))
        wait_cond(&pool->work, &pool->lock, IDLE_WAIT_MS);
    (void)pthread_mutex_unlock(&pool->lock);
}
