/* See latency.h. Sleepers are a binary heap by deadline. */
#include "latency.h"

#include "buf.h"
#include "stamp.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_NAMES = 64 };

static pthread_mutex_t rule_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int64_t rule_ms; /* read without the lock: most runs have none */
static char rule_names[MAX_NAMES][40];
static size_t rule_n; /* 0: all operations */

void latency_clear(void)
{
    pthread_mutex_lock(&rule_lock);
    rule_n = 0;
    atomic_store(&rule_ms, 0);
    pthread_mutex_unlock(&rule_lock);
}

const char *latency_set(const json_t *j)
{
    const json_t *list = json_object_get(j, "operations");
    json_int_t ms = json_integer_value(json_object_get(j, "ms"));
    if (ms < 0 || ms > 600000 || json_array_size(list) > MAX_NAMES)
        return "ms: 0 to 600000; operations: at most 64 names";
    pthread_mutex_lock(&rule_lock);
    rule_n = 0;
    size_t i;
    json_t *e;
    json_array_foreach(list, i, e)
    {
        const char *name = json_string_value(e);
        if (!name || strlen(name) >= sizeof rule_names[0])
            continue;
        memcpy(rule_names[rule_n++], name, strlen(name) + 1);
    }
    atomic_store(&rule_ms, ms);
    pthread_mutex_unlock(&rule_lock);
    return NULL;
}

int64_t latency_of(const char *operation)
{
    int64_t ms = atomic_load_explicit(&rule_ms, memory_order_relaxed);
    if (ms == 0)
        return 0;
    pthread_mutex_lock(&rule_lock);
    bool hit = rule_n == 0;
    for (size_t i = 0; i < rule_n && !hit; i++)
        hit = !strcmp(rule_names[i], operation);
    pthread_mutex_unlock(&rule_lock);
    return hit ? ms : 0;
}

struct sleeper {
    int64_t until_us;
    struct MHD_Connection *c;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake;
static pthread_t thread;
static bool stopping;
static struct sleeper *heap;
static size_t heap_n, heap_cap;

static int64_t steady_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sift_up(size_t i)
{
    for (; i && heap[(i - 1) / 2].until_us > heap[i].until_us; i = (i - 1) / 2) {
        struct sleeper t = heap[i];
        heap[i] = heap[(i - 1) / 2];
        heap[(i - 1) / 2] = t;
    }
}

static struct MHD_Connection *take_first(void)
{
    struct MHD_Connection *c = heap[0].c;
    heap[0] = heap[--heap_n];
    for (size_t i = 0;;) {
        size_t l = 2 * i + 1, m = i;
        if (l < heap_n && heap[l].until_us < heap[m].until_us)
            m = l;
        if (l + 1 < heap_n && heap[l + 1].until_us < heap[m].until_us)
            m = l + 1;
        if (m == i)
            return c;
        struct sleeper t = heap[i];
        heap[i] = heap[m];
        heap[m] = t;
        i = m;
    }
}

static void *run(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!stopping || heap_n) {
        if (!heap_n) {
            pthread_cond_wait(&wake, &lock);
            continue;
        }
        int64_t until = heap[0].until_us;
        if (stopping || until <= steady_us()) {
            struct MHD_Connection *c = take_first();
            pthread_mutex_unlock(&lock);
            MHD_resume_connection(c);
            pthread_mutex_lock(&lock);
            continue;
        }
        struct timespec t = { .tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000 };
        pthread_cond_timedwait(&wake, &lock, &t);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void timer_start(void)
{
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(&wake, &a);
    pthread_condattr_destroy(&a);
    if (pthread_create(&thread, NULL, run, NULL))
        abort();
}

void timer_stop(void)
{
    pthread_mutex_lock(&lock);
    stopping = true;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    free(heap);
    heap = NULL;
}

bool timer_sleep(struct MHD_Connection *c, int64_t ms)
{
    pthread_mutex_lock(&lock);
    if (stopping) {
        pthread_mutex_unlock(&lock);
        return false;
    }
    if (heap_n == heap_cap) {
        heap_cap = heap_cap ? heap_cap * 2 : 256;
        heap = realloc(heap, heap_cap * sizeof *heap);
        if (!heap)
            abort();
    }
    MHD_suspend_connection(c); /* before the timer can see it */
    heap[heap_n] = (struct sleeper){ steady_us() + ms * 1000, c };
    sift_up(heap_n++);
    if (heap[0].c == c)
        pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
    return true;
}
