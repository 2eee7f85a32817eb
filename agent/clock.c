/* See clock.h. */
#include "agent/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/random.h>
#include <time.h>

enum { NAP_MS = 100 }; /* how late a sleeper may notice a stop */

static _Atomic int64_t stop_asked_ms; /* monotonic; 0: not asked */
static _Atomic int64_t grace;
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

void clock_catch_signals(int64_t grace_ms)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    atomic_store(&grace, grace_ms);
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

bool clock_stop_asked(void)
{
    return atomic_load_explicit(&stop_asked_ms, memory_order_relaxed) != 0;
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

static bool stopped(void *ctx)
{
    const int64_t *parts = ctx; /* into how many the grace time is cut: the first of them is this clock's */
    int64_t asked = atomic_load_explicit(&stop_asked_ms, memory_order_relaxed);

    if (asked == 0)
        return false;
    return atomic_load(&broken_off) || clock_monotonic_ms() - asked > atomic_load(&grace) / *parts;
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

static int64_t whole = 1, half = 2; /* never written: s3_clock's ctx is not const */

static const struct s3_clock clocks[] = {
    { wall_of, monotonic_of, sleep_for, stopped, random_of, &whole },
    { wall_of, monotonic_of, sleep_for, stopped, random_of, &half },
};

const struct s3_clock *clock_real(void)
{
    return &clocks[0];
}

const struct s3_clock *clock_of_workers(void)
{
    return &clocks[1];
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
