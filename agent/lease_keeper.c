/* See lease.h: the thread that renews. Its lock is never held across a request. */
#include "agent/lease_inside.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "agent/event.h"

enum { WAKE_S = 1 };

struct lease_keeper {
    const struct program *program;
    struct s3_conn *conn; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* to the thread: stop */
    pthread_cond_t idle; /* from the thread: a renewal ended */
    /* guarded by lock */
    struct lease *leases;
    bool stop;
};

static int64_t monotonic(const struct lease_keeper *keeper)
{
    return keeper->program->clock->monotonic_ms(keeper->program->clock->ctx);
}

static struct lease *find_due_locked(const struct lease_keeper *keeper)
{
    int64_t now = monotonic(keeper);
    struct lease *due = NULL;

    for (struct lease *lease = keeper->leases; lease != NULL; lease = lease->next)
        if (!atomic_load(&lease->lost) && lease->due <= now && (due == NULL || lease->due < due->due))
            due = lease;
    return due;
}

static void wait_locked(struct lease_keeper *keeper)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAKE_S;
    (void)pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
}

/* -> when it is due again */
static int64_t renew(const struct lease_keeper *keeper, struct lease *lease)
{
    struct failure failure;
    enum verdict verdict = lease_renew(lease, keeper->conn, &failure);

    if (verdict == VERDICT_OK)
        return atomic_load(&lease->renewed) + LEASE_RENEW_MS;
    event_warn(verdict == VERDICT_HELD ? "lease-lost" : "lease-not-renewed", lease->source, "%s", failure.what);
    return monotonic(keeper) + LEASE_RETRY_MS;
}

static void *keep(void *argument)
{
    struct lease_keeper *keeper = argument;

    (void)pthread_mutex_lock(&keeper->lock);
    while (!keeper->stop) {
        struct lease *lease = find_due_locked(keeper);
        int64_t due;
        if (lease == NULL) {
            wait_locked(keeper);
            continue;
        }
        lease->busy = true;
        (void)pthread_mutex_unlock(&keeper->lock);
        due = renew(keeper, lease);
        (void)pthread_mutex_lock(&keeper->lock);
        lease->due = due;
        lease->busy = false;
        (void)pthread_cond_broadcast(&keeper->idle);
    }
    (void)pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

static bool init_waiting(struct lease_keeper *keeper)
{
    pthread_condattr_t attributes;
    bool ok;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(&keeper->wake, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (ok && pthread_cond_init(&keeper->idle, NULL) != 0) {
        (void)pthread_cond_destroy(&keeper->wake);
        ok = false;
    }
    if (ok && pthread_mutex_init(&keeper->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&keeper->wake);
        (void)pthread_cond_destroy(&keeper->idle);
        ok = false;
    }
    return ok;
}

static void discard(struct lease_keeper *keeper)
{
    (void)pthread_cond_destroy(&keeper->wake);
    (void)pthread_cond_destroy(&keeper->idle);
    (void)pthread_mutex_destroy(&keeper->lock);
    s3_conn_free(keeper->conn);
    free(keeper);
}

enum verdict lease_keeper_start(const struct program *program, struct lease_keeper **keeper, struct failure *failure)
{
    struct lease_keeper *made = calloc(1, sizeof *made);
    enum verdict verdict;

    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    made->program = program;
    if (!init_waiting(made)) {
        free(made);
        return failure_set(failure, VERDICT_INTERNAL, "the thread that renews leases cannot be prepared");
    }
    verdict = program_connect(program, &made->conn, failure);
    if (verdict == VERDICT_OK && pthread_create(&made->thread, NULL, keep, made) != 0)
        verdict = failure_set(failure, VERDICT_INTERNAL, "the thread that renews leases cannot be started");
    if (verdict != VERDICT_OK) {
        discard(made);
        return verdict;
    }
    *keeper = made;
    return VERDICT_OK;
}

void lease_keeper_stop(struct lease_keeper *keeper)
{
    if (keeper == NULL)
        return;
    (void)pthread_mutex_lock(&keeper->lock);
    assert(keeper->leases == NULL);
    keeper->stop = true;
    (void)pthread_cond_signal(&keeper->wake);
    (void)pthread_mutex_unlock(&keeper->lock);
    (void)pthread_join(keeper->thread, NULL);
    discard(keeper);
}

void lease_keeper_add(struct lease_keeper *keeper, struct lease *lease)
{
    (void)pthread_mutex_lock(&keeper->lock);
    lease->due = atomic_load(&lease->renewed) + LEASE_RENEW_MS;
    lease->busy = false;
    lease->next = keeper->leases;
    keeper->leases = lease;
    (void)pthread_mutex_unlock(&keeper->lock);
}

void lease_keeper_remove(struct lease_keeper *keeper, struct lease *lease)
{
    (void)pthread_mutex_lock(&keeper->lock);
    for (struct lease **at = &keeper->leases; *at != NULL; at = &(*at)->next)
        if (*at == lease) {
            *at = lease->next;
            break;
        }
    while (lease->busy)
        (void)pthread_cond_wait(&keeper->idle, &keeper->lock);
    (void)pthread_mutex_unlock(&keeper->lock);
}
