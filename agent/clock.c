/* See clock.h. */
#include "agent/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum {
    NAP_MS = 100,     /* how late a sleeper may notice a stop */
    CLOSING_MS = 2000 /* of the grace time: for requests that see its end a second late, and for closing */
};

static _Atomic int64_t stop_asked_ms; /* monotonic; 0: not asked */
static _Atomic int64_t grace, stop_at;
static atomic_bool signalled, broken_off;

static int64_t read_clock(clockid_t which)
{
    struct timespec now;

    (void)clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Safe in a signal handler: clock_gettime and lock-free atomics are. */
static void on_signal(int number)
{
    (void)number;
    if (atomic_exchange(&signalled, true))
        atomic_store(&broken_off, true);
    else
        clock_ask_stop();
}

/* Where whoever runs us waits longer, or less long, before it kills: as ECS by its stopTimeout. */
static int64_t grace_of_environment(int64_t otherwise)
{
    const char *text = getenv("VAULTFERRY_GRACE_SECONDS");
    char *end = NULL;
    long seconds = text != NULL ? strtol(text, &end, 10) : 0;

    return seconds >= 2 && seconds <= 3600 && *end == '\0' ? (int64_t)seconds * 1000 : otherwise;
}

void clock_catch_signals(int64_t grace_ms)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    atomic_store(&grace, grace_ms == 0 ? 0 : grace_of_environment(grace_ms));
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL);
}

void clock_ask_stop(void)
{
    int64_t none = 0;

    (void)atomic_compare_exchange_strong(&stop_asked_ms, &none, clock_monotonic_ms());
}

void clock_stop_at(int64_t monotonic_ms)
{
    atomic_store(&stop_at, monotonic_ms);
}

bool clock_stop_asked(void)
{
    int64_t at = atomic_load_explicit(&stop_at, memory_order_relaxed);

    if (atomic_load_explicit(&stop_asked_ms, memory_order_relaxed) != 0)
        return true;
    if (at == 0 || clock_monotonic_ms() < at)
        return false;
    clock_ask_stop();
    return true;
}

bool clock_signalled(void)
{
    return atomic_load(&signalled);
}

void clock_outlast(int64_t monotonic_ms)
{
    int64_t end = clock_monotonic_ms() + 1000, left;

    if (monotonic_ms < end)
        end = monotonic_ms;
    while (!clock_stop_asked() && (left = end - clock_monotonic_ms()) >= 0) {
        int64_t nap = left < NAP_MS ? left + 1 : NAP_MS;
        struct timespec span = { .tv_sec = 0, .tv_nsec = (long)nap * 1000000 };
        (void)nanosleep(&span, NULL);
    }
}

static int64_t wall_of(void *ctx)
{
    (void)ctx;
    return clock_wall_ms();
}

static int64_t monotonic_of(void *ctx)
{
    (void)ctx;
    return clock_monotonic_ms();
}

/* The part of the grace time after which what is in flight is broken off. */
static int64_t share_of(const struct clock_bound *bound)
{
    int64_t whole = atomic_load(&grace);

    return bound->of_worker || whole < 2 * CLOSING_MS ? whole / 2 : whole - CLOSING_MS;
}

static bool stopped(void *ctx)
{
    const struct clock_bound *bound = ctx;
    int64_t share = share_of(bound);

    if (bound->over_ms != 0 && clock_monotonic_ms() - bound->over_ms > share)
        return true;
    if (!clock_stop_asked())
        return false;
    return atomic_load(&broken_off) || clock_monotonic_ms() - atomic_load(&stop_asked_ms) > share;
}

static bool sleep_for(void *ctx, int64_t milliseconds)
{
    int64_t until = clock_monotonic_ms() + milliseconds, left;

    while ((left = until - clock_monotonic_ms()) > 0) {
        int64_t nap = left < NAP_MS ? left : NAP_MS;
        struct timespec span = { .tv_sec = 0, .tv_nsec = (long)nap * 1000000 };
        if (stopped(ctx))
            return false;
        (void)nanosleep(&span, NULL);
    }
    return !stopped(ctx);
}

/* xorshift64*, seeded once a thread: jitter needs no more. */
static double random_of(void *ctx)
{
    static _Thread_local uint64_t state;

    (void)ctx;
    if (state == 0 && !clock_random_bytes(&state, sizeof state))
        state = (uint64_t)read_clock(CLOCK_MONOTONIC);
    state |= state == 0;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

/* Never written: s3_clock's ctx is not const. */
static struct clock_bound clocks[] = {
    { { wall_of, monotonic_of, sleep_for, stopped, random_of, &clocks[0] }, false, 0 },
    { { wall_of, monotonic_of, sleep_for, stopped, random_of, &clocks[1] }, true, 0 },
};

const struct s3_clock *clock_real(void)
{
    return &clocks[0].clock;
}

const struct s3_clock *clock_of_workers(void)
{
    return &clocks[1].clock;
}

void clock_bound_init(struct clock_bound *bound, const struct s3_clock *as)
{
    const struct clock_bound *model = as->ctx;

    *bound = *model;
    bound->clock.ctx = bound;
}

bool clock_random_bytes(void *out, unsigned length)
{
    unsigned have = 0;

    while (have < length) {
        ssize_t got = getrandom((char *)out + have, length - have, 0);
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            have += (unsigned)got;
    }
    return true;
}
