/* See crew.h: a ring of tasks under one lock, and threads that take from it. */
#include "agent/crew.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "s3/conn.h"

struct worker {
    struct crew *crew;
    struct s3_conn *conn;
    pthread_t thread;
};

struct crew {
    /* fixed after crew_start */
    crew_work *work;
    void *ctx;
    struct worker *workers;
    unsigned count; /* that run */
    unsigned waiting_max;

    pthread_mutex_t lock;
    pthread_cond_t given, taken, idle;
    /* guarded by lock */
    void **ring;
    unsigned first, waiting; /* of the ring */
    unsigned working;
    bool ending;
};

static void *serve(void *ctx)
{
    struct worker *worker = ctx;
    struct crew *crew = worker->crew;

    (void)pthread_mutex_lock(&crew->lock);
    for (;;) {
        void *task;
        while (crew->waiting == 0 && !crew->ending)
            (void)pthread_cond_wait(&crew->given, &crew->lock);
        if (crew->waiting == 0)
            break;
        task = crew->ring[crew->first];
        crew->first = (crew->first + 1) % crew->waiting_max;
        crew->waiting--;
        crew->working++;
        (void)pthread_cond_signal(&crew->taken);
        (void)pthread_mutex_unlock(&crew->lock);
        crew->work(crew->ctx, worker->conn, task);
        (void)pthread_mutex_lock(&crew->lock);
        crew->working--;
        if (crew->working == 0 && crew->waiting == 0)
            (void)pthread_cond_broadcast(&crew->idle);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static enum verdict hire(
        const struct program *program, struct crew *crew, struct worker *worker, struct failure *failure)
{
    enum verdict verdict;

    worker->crew = crew;
    verdict = program_connect(program, &worker->conn, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (pthread_create(&worker->thread, NULL, serve, worker) != 0) {
        s3_conn_free(worker->conn);
        return failure_set(failure, VERDICT_INTERNAL, "the system gives no further thread: lower limits.workers");
    }
    crew->count++;
    return VERDICT_OK;
}

enum verdict crew_start(const struct crew_options *options, struct crew **out, struct failure *failure)
{
    struct crew *crew = calloc(1, sizeof *crew);
    enum verdict verdict = VERDICT_OK;

    assert(options->workers > 0 && options->waiting_max > 0);
    if (crew == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    crew->work = options->work;
    crew->ctx = options->ctx;
    crew->waiting_max = options->waiting_max;
    crew->workers = calloc(options->workers, sizeof *crew->workers);
    crew->ring = calloc(options->waiting_max, sizeof *crew->ring);
    (void)pthread_mutex_init(&crew->lock, NULL);
    (void)pthread_cond_init(&crew->given, NULL);
    (void)pthread_cond_init(&crew->taken, NULL);
    (void)pthread_cond_init(&crew->idle, NULL);
    if (crew->workers == NULL || crew->ring == NULL)
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (unsigned i = 0; i < options->workers && verdict == VERDICT_OK; i++)
        verdict = hire(options->program, crew, &crew->workers[i], failure);
    if (verdict != VERDICT_OK) {
        crew_stop(crew);
        return verdict;
    }
    *out = crew;
    return VERDICT_OK;
}

void crew_give(struct crew *crew, void *task)
{
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->waiting == crew->waiting_max)
        (void)pthread_cond_wait(&crew->taken, &crew->lock);
    crew->ring[(crew->first + crew->waiting) % crew->waiting_max] = task;
    crew->waiting++;
    (void)pthread_cond_signal(&crew->given);
    (void)pthread_mutex_unlock(&crew->lock);
}

void crew_wait(struct crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->waiting > 0 || crew->working > 0)
        (void)pthread_cond_wait(&crew->idle, &crew->lock);
    (void)pthread_mutex_unlock(&crew->lock);
}

void crew_stop(struct crew *crew)
{
    if (crew == NULL)
        return;
    (void)pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    (void)pthread_cond_broadcast(&crew->given);
    (void)pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->count; i++) {
        (void)pthread_join(crew->workers[i].thread, NULL);
        s3_conn_free(crew->workers[i].conn);
    }
    (void)pthread_cond_destroy(&crew->given);
    (void)pthread_cond_destroy(&crew->taken);
    (void)pthread_cond_destroy(&crew->idle);
    (void)pthread_mutex_destroy(&crew->lock);
    free(crew->workers);
    free(crew->ring);
    free(crew);
}
