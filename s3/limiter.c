/*
 * See limiter.h. Two ways through. While nothing limits, ask and done touch two atomic counters and compare one time.
 * From the first throttling answer on, or where the user set a bound, both take the lock, for some tens of nanoseconds.
 *
 * The rate follows the SDKs' adaptive mode: CUBIC around the rate at which the last throttling came, at most twice the
 * rate that is really sent, at least one request in 2 s. Three things differ, because one limiter serves many threads
 * for hours:
 * - A cut is made once a round trip (but at least 200 ms), since one overload is answered many times.
 * - The measured rate is not diluted by idle time, and a throttling in the first half second is measured by what there
 * is, else the first answer could set the rate to nearly nothing.
 * - A minute without throttling ends it: CUBIC is back at its old rate after 25 s even at 20,000 requests/s, so that
 * after a minute the server has room. Should it not, the next throttling starts it again.
 */
#include "s3/limiter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static const double beta = 0.7, cubic_scale = 0.4, smoothing = 0.8;
static const double lowest_rate = 0.5, burst_seconds = 0.02;
enum {
    BUCKET_MS = 500,
    IDLE_MS = 2000,
    CUT_MS = 200,
    LONGEST_CUT_MS = 5000,
    QUIET_MS = 60 * 1000,
    LONGEST_WAIT_MS = 1000
};

struct bucket {
    double rate; /* tokens a second; 0: not in use */
    double tokens;
    int64_t filled_ms;
    double queued_until_ms; /* the slots that were given to those who wait */
};

struct s3_limiter {
    _Atomic bool limits; /* whether the lock must be taken */
    _Atomic unsigned in_flight;
    _Atomic uint64_t answers;
    _Atomic int64_t measure_ms; /* when the measured rate is due again */

    pthread_mutex_t lock;
    /* All below is guarded by the lock. */
    struct bucket fixed, adaptive;
    double max_concurrent, window; /* the user's bound and the adaptive one; 0: none */
    double measured_rate;
    uint64_t measured_answers;
    int64_t measured_ms;       /* when the measuring of this bucket began; -1: not yet */
    double cubic_max, cubic_k; /* the rate before the cut, and the seconds until CUBIC is back at it */
    int64_t cut_ms, throttled_ms;
};

struct s3_limiter *s3_limiter_new(double requests_per_second, unsigned max_concurrent)
{
    struct s3_limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&limiter->lock, NULL) != 0) {
        free(limiter);
        return NULL;
    }
    limiter->fixed.rate = requests_per_second > 0 ? requests_per_second : 0;
    limiter->fixed.tokens = 1;
    limiter->max_concurrent = max_concurrent;
    limiter->measured_ms = -1;
    atomic_init(&limiter->limits, limiter->fixed.rate > 0 || max_concurrent > 0);
    return limiter;
}

void s3_limiter_free(struct s3_limiter *limiter)
{
    if (limiter != NULL) {
        pthread_mutex_destroy(&limiter->lock);
        free(limiter);
    }
}

/* By Newton's method from above, which needs no libm; called once a cut. */
static double cube_root(double x)
{
    double root = x > 1 ? x : 1;
    for (int i = 0; i < 200; i++) {
        double next = (2 * root + x / (root * root)) / 3;
        if (next >= root) {
            break;
        }
        root = next;
    }
    return root;
}

static void fill(struct bucket *bucket, int64_t now_ms)
{
    double most = bucket->rate * burst_seconds > 1 ? bucket->rate * burst_seconds : 1;
    if (now_ms > bucket->filled_ms) {
        bucket->tokens += (double)(now_ms - bucket->filled_ms) * bucket->rate / 1000;
        bucket->filled_ms = now_ms;
    }
    if (bucket->tokens > most) {
        bucket->tokens = most;
    }
}

/*
 * How long until there may be a token. Each who is refused gets a later slot than the one before, so that they do not
 * all wake for the same token; the slot is a time to ask again, not a promise.
 */
static int64_t slot_wait(struct bucket *bucket, int64_t now_ms)
{
    double now = (double)now_ms;
    double first = now + (1 - bucket->tokens) * 1000 / bucket->rate;
    double next = bucket->queued_until_ms + 1000 / bucket->rate;
    double slot = next > first ? next : first;
    if (slot > now + LONGEST_WAIT_MS) {
        return LONGEST_WAIT_MS; /* too far away to plan; the place in the queue is not kept */
    }
    bucket->queued_until_ms = slot;
    int64_t wait = (int64_t)(slot - now) + 1; /* rounded up: early would be in vain */
    return wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS;
}

/* How long a request is under way, by Little's law. */
static int64_t round_trip_ms(const struct s3_limiter *limiter)
{
    double in_flight = atomic_load_explicit(&limiter->in_flight, memory_order_relaxed);
    double milliseconds = limiter->measured_rate > 0 ? in_flight * 1000 / limiter->measured_rate : 0;
    return milliseconds < LONGEST_CUT_MS ? (int64_t)milliseconds : LONGEST_CUT_MS;
}

static int64_t ask_locked(struct s3_limiter *limiter, int64_t now_ms)
{
    double in_flight = atomic_load_explicit(&limiter->in_flight, memory_order_relaxed);
    bool too_many = (limiter->max_concurrent > 0 && in_flight >= limiter->max_concurrent) ||
                    (limiter->window > 0 && in_flight + 1 > limiter->window);
    if (too_many) {
        int64_t wait = round_trip_ms(limiter) / 2;
        return wait < 2 ? 2 : wait > 50 ? 50 : wait;
    }
    struct bucket *buckets[] = { &limiter->fixed, &limiter->adaptive };
    for (size_t i = 0; i < 2; i++) {
        if (buckets[i]->rate > 0) {
            fill(buckets[i], now_ms);
            /* Who wakes 2 ms early goes, and the bucket owes that time; sent back, it would lose its turn for nothing.
             */
            double early = buckets[i]->rate * 0.002;
            if (buckets[i]->tokens < 1 - (early < 0.5 ? early : 0.5)) {
                return slot_wait(buckets[i], now_ms);
            }
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (buckets[i]->rate > 0) {
            buckets[i]->tokens -= 1;
        }
    }
    atomic_fetch_add_explicit(&limiter->in_flight, 1, memory_order_relaxed);
    return 0;
}

int64_t s3_limiter_ask(struct s3_limiter *limiter, int64_t now_ms)
{
    if (!atomic_load_explicit(&limiter->limits, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&limiter->in_flight, 1, memory_order_relaxed);
        return 0;
    }
    pthread_mutex_lock(&limiter->lock);
    int64_t wait = ask_locked(limiter, now_ms);
    pthread_mutex_unlock(&limiter->lock);
    return wait;
}

static void measure_locked(struct s3_limiter *limiter, int64_t now_ms)
{
    uint64_t answers = atomic_load_explicit(&limiter->answers, memory_order_relaxed);
    int64_t elapsed = now_ms - limiter->measured_ms;
    if (limiter->measured_ms >= 0 && elapsed < BUCKET_MS) {
        return;
    }
    if (limiter->measured_ms >= 0 && elapsed < IDLE_MS) {
        double rate = (double)(answers - limiter->measured_answers) * 1000 / (double)elapsed;
        bool is_first = limiter->measured_rate <= 0;
        limiter->measured_rate = is_first ? rate : rate * smoothing + limiter->measured_rate * (1 - smoothing);
    }
    limiter->measured_answers = answers;
    limiter->measured_ms = now_ms;
    atomic_store_explicit(&limiter->measure_ms, now_ms + BUCKET_MS, memory_order_relaxed);
}

/* The measured rate, or what can be said of it before the first bucket is full. */
static double known_rate(const struct s3_limiter *limiter, int64_t now_ms)
{
    if (limiter->measured_rate > 0) {
        return limiter->measured_rate;
    }
    uint64_t answers = atomic_load_explicit(&limiter->answers, memory_order_relaxed) - limiter->measured_answers;
    double sent = (double)answers + (double)atomic_load_explicit(&limiter->in_flight, memory_order_relaxed) + 1;
    int64_t elapsed = now_ms - limiter->measured_ms;
    return sent * 1000 / (double)(elapsed > 50 ? elapsed : 50);
}

static void set_rate(struct s3_limiter *limiter, double rate, int64_t now_ms)
{
    double most = 2 * known_rate(limiter, now_ms);
    if (rate > most) {
        rate = most;
    }
    fill(&limiter->adaptive, now_ms);
    limiter->adaptive.rate = rate > lowest_rate ? rate : lowest_rate;
}

static void throttled_locked(struct s3_limiter *limiter, int64_t now_ms)
{
    bool is_first = limiter->adaptive.rate <= 0;
    int64_t round_trip = round_trip_ms(limiter);
    limiter->throttled_ms = now_ms;
    if (!is_first && now_ms - limiter->cut_ms < (round_trip > CUT_MS ? round_trip : CUT_MS)) {
        return;
    }
    double in_flight = 1 + (double)atomic_load_explicit(&limiter->in_flight, memory_order_relaxed);
    double rate = known_rate(limiter, now_ms);
    if (is_first) {
        limiter->adaptive = (struct bucket){ .rate = lowest_rate, .filled_ms = now_ms };
        limiter->window = in_flight;
    } else if (rate > limiter->adaptive.rate) {
        rate = limiter->adaptive.rate;
    }
    limiter->cubic_max = rate;
    limiter->cubic_k = cube_root(rate * (1 - beta) / cubic_scale);
    limiter->cut_ms = now_ms;
    set_rate(limiter, rate * beta, now_ms);
    limiter->window *= beta;
    if (limiter->window < 1) {
        limiter->window = 1;
    }
    atomic_store_explicit(&limiter->limits, true, memory_order_relaxed);
}

static void succeeded_locked(struct s3_limiter *limiter, int64_t now_ms)
{
    if (limiter->adaptive.rate <= 0) {
        return;
    }
    if (now_ms - limiter->throttled_ms >= QUIET_MS) {
        limiter->adaptive = (struct bucket){ .rate = 0 };
        limiter->window = 0;
        atomic_store_explicit(
                &limiter->limits, limiter->fixed.rate > 0 || limiter->max_concurrent > 0, memory_order_relaxed);
        return;
    }
    double seconds = (double)(now_ms - limiter->cut_ms) / 1000 - limiter->cubic_k;
    set_rate(limiter, cubic_scale * seconds * seconds * seconds + limiter->cubic_max, now_ms);
    limiter->window += 1 / limiter->window; /* one more a round trip */
}

void s3_limiter_done(struct s3_limiter *limiter, enum s3_status status, int64_t now_ms)
{
    atomic_fetch_sub_explicit(&limiter->in_flight, 1, memory_order_relaxed);
    if (status != S3_CANCELLED) {
        atomic_fetch_add_explicit(&limiter->answers, 1, memory_order_relaxed);
    }
    bool measure = now_ms >= atomic_load_explicit(&limiter->measure_ms, memory_order_relaxed);
    if (!measure && status != S3_THROTTLED && !atomic_load_explicit(&limiter->limits, memory_order_relaxed)) {
        return;
    }
    pthread_mutex_lock(&limiter->lock);
    measure_locked(limiter, now_ms);
    if (status == S3_THROTTLED) {
        throttled_locked(limiter, now_ms);
    } else if (status != S3_RETRY && status != S3_CANCELLED) {
        succeeded_locked(limiter, now_ms); /* also a refusal is an answer for which the server had room */
    }
    pthread_mutex_unlock(&limiter->lock);
}

void s3_limiter_state(struct s3_limiter *limiter, double *rate, unsigned *in_flight)
{
    pthread_mutex_lock(&limiter->lock);
    *rate = limiter->adaptive.rate;
    *in_flight = atomic_load_explicit(&limiter->in_flight, memory_order_relaxed);
    pthread_mutex_unlock(&limiter->lock);
}
