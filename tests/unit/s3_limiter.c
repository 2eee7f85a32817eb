/* The limiter against a simulated server: workers, latency and capacity in simulated milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "s3/limiter.h"

enum { WORKERS = 64 };

struct world {
    struct s3_limiter *limiter;
    int64_t now_ms, latency_ms;
    double capacity, tokens; /* requests a second; 0: no bound */
    struct {
        bool sent;
        enum s3_status status;
        int64_t at_ms; /* when it is done, or asks again */
    } workers[WORKERS];
    unsigned in_flight, most_in_flight;
    uint64_t asked, succeeded, throttled;
};

static enum s3_status serve(struct world *world)
{
    if (world->capacity > 0) {
        if (world->tokens < 1) {
            return S3_THROTTLED;
        }
        world->tokens -= 1;
    }
    return S3_OK;
}

static void step(struct world *world)
{
    world->tokens += world->capacity / 1000;
    if (world->tokens > world->capacity / 20) {
        world->tokens = world->capacity / 20;
    }
    for (size_t i = 0; i < WORKERS; i++) {
        /* Turns change, so that no worker always comes first. */
        size_t w = (i + (size_t)world->now_ms) % WORKERS;
        if (world->now_ms < world->workers[w].at_ms) {
            continue;
        }
        if (world->workers[w].sent) {
            world->workers[w].sent = false;
            world->in_flight--;
            world->succeeded += world->workers[w].status == S3_OK;
            world->throttled += world->workers[w].status == S3_THROTTLED;
            s3_limiter_done(world->limiter, world->workers[w].status, world->now_ms);
        }
        int64_t wait = s3_limiter_ask(world->limiter, world->now_ms);
        world->asked++;
        assert_in_range(wait, 0, 1000);
        if (wait == 0) {
            world->workers[w].sent = true;
            world->workers[w].status = serve(world);
            world->in_flight++;
            if (world->in_flight > world->most_in_flight) {
                world->most_in_flight = world->in_flight;
            }
        }
        world->workers[w].at_ms = world->now_ms + (wait == 0 ? world->latency_ms : wait);
    }
    world->now_ms++;
}

static void run(struct world *world, int64_t seconds)
{
    world->asked = world->succeeded = world->throttled = 0;
    world->most_in_flight = 0;
    for (int64_t end = world->now_ms + seconds * 1000; world->now_ms < end;) {
        step(world);
    }
}

static struct world make_world(double fixed_rate, unsigned max_concurrent, double capacity, int64_t latency_ms)
{
    struct world world = { .now_ms = 1000000, .capacity = capacity, .latency_ms = latency_ms };
    world.limiter = s3_limiter_new(fixed_rate, max_concurrent);
    assert_non_null(world.limiter);
    return world;
}

static void report(const struct world *world, const char *when, int64_t seconds)
{
    double rate;
    unsigned in_flight;
    s3_limiter_state(world->limiter, &rate, &in_flight);
    assert_int_equal(in_flight, world->in_flight);
    print_message("%-28s %6.0f/s done, %5.1f %% throttled, %.1f asks a request, rate %.0f, most in flight %u\n", when,
            (double)world->succeeded / (double)seconds,
            100.0 * (double)world->throttled / (double)(world->succeeded + world->throttled + 1),
            (double)world->asked / (double)(world->succeeded + world->throttled + 1), rate, world->most_in_flight);
}

static void without_limits_nothing_waits(void **state)
{
    (void)state;
    struct world world = make_world(0, 0, 0, 30);
    run(&world, 10);
    assert_in_range(world.succeeded, 10 * WORKERS * 1000 / 30 - 2 * WORKERS, 10 * WORKERS * 1000 / 30);
    double rate;
    unsigned in_flight;
    s3_limiter_state(world.limiter, &rate, &in_flight);
    assert_true(rate <= 0);
    assert_int_equal(in_flight, WORKERS);
    s3_limiter_free(world.limiter);
}

static void fixed_rate_is_kept_and_used(void **state)
{
    (void)state;
    static const double rates[] = { 0.5, 3, 50, 1000 };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct world world = make_world(rates[i], 0, 0, 10);
        run(&world, 60);
        report(&world, "fixed rate", 60);
        double sent = (double)world.succeeded + world.in_flight;
        assert_true(sent <= 60 * rates[i] + (rates[i] / 50 > 1 ? rates[i] / 50 : 1) + 0.5 + 1e-6);
        assert_true(sent >= 0.97 * 60 * rates[i] - 1);
        s3_limiter_free(world.limiter);
    }
}

static void concurrency_never_passes_its_bound(void **state)
{
    (void)state;
    struct world world = make_world(0, 7, 0, 20);
    run(&world, 10);
    report(&world, "at most 7", 10);
    assert_int_equal(world.most_in_flight, 7);
    assert_true(world.succeeded >= 7 * 10 * 50 * 6 / 10);
    s3_limiter_free(world.limiter);
}

static void throttled_load_converges_near_capacity_and_recovers(void **state)
{
    (void)state;
    static const struct {
        double capacity;
        int64_t latency_ms;
        double least; /* the share of the capacity that must be used; a server of 20/s that allows no burst at all is
                         the hardest */
    } rows[] = { { 100, 30, 0.85 }, { 500, 30, 0.85 }, { 1000, 30, 0.85 }, { 300, 100, 0.85 }, { 3000, 5, 0.8 },
        { 20, 200, 0.6 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world = make_world(0, 0, rows[i].capacity, rows[i].latency_ms);
        run(&world, 20);
        report(&world, "settling", 20);
        run(&world, 60);
        report(&world, "settled", 60);
        assert_true((double)world.succeeded >= rows[i].least * 60 * rows[i].capacity);
        assert_true(world.throttled * 10 <= world.succeeded);

        world.capacity = 0;
        run(&world, 90);
        report(&world, "recovering", 90);
        run(&world, 10);
        report(&world, "recovered", 10);
        assert_true((int64_t)world.succeeded * rows[i].latency_ms >= WORKERS * 10000 * 97 / 100);
        assert_int_equal(world.most_in_flight, WORKERS);
        s3_limiter_free(world.limiter);
    }
}

static void one_overload_is_one_cut(void **state)
{
    (void)state;
    struct s3_limiter *limiter = s3_limiter_new(0, 0);
    assert_non_null(limiter);
    int64_t now = 5000;
    for (int i = 0; i < 1000; i++) { /* 1,000 a second, ten at a time */
        for (int k = 0; k < 10; k++) {
            assert_int_equal(s3_limiter_ask(limiter, now), 0);
        }
        now += 10;
        for (int k = 0; k < 10; k++) {
            s3_limiter_done(limiter, S3_OK, now);
        }
    }
    for (int k = 0; k < 10; k++) {
        assert_int_equal(s3_limiter_ask(limiter, now), 0);
    }
    double rate;
    unsigned in_flight;
    for (int k = 0; k < 10; k++) {
        s3_limiter_done(limiter, S3_THROTTLED, now + k);
        s3_limiter_state(limiter, &rate, &in_flight);
        assert_true(rate > 650 && rate < 750);
    }
    assert_int_equal(in_flight, 0);
    assert_true(s3_limiter_ask(limiter, now) > 0);
    s3_limiter_free(limiter);
}

static void first_answer_of_all_may_be_a_throttling_one(void **state)
{
    (void)state;
    struct s3_limiter *limiter = s3_limiter_new(0, 0);
    assert_non_null(limiter);
    for (int k = 0; k < 64; k++) {
        assert_int_equal(s3_limiter_ask(limiter, 0), 0);
    }
    s3_limiter_done(limiter, S3_THROTTLED, 30);
    double rate;
    unsigned in_flight;
    s3_limiter_state(limiter, &rate, &in_flight);
    assert_true(rate >= 10);
    s3_limiter_free(limiter);
    s3_limiter_free(NULL);
}

static void rate_never_falls_below_one_in_two_seconds(void **state)
{
    (void)state;
    struct s3_limiter *limiter = s3_limiter_new(0, 0);
    assert_non_null(limiter);
    int64_t now = 0;
    unsigned sent = 0;
    for (; now < 100000; now += 10) {
        if (s3_limiter_ask(limiter, now) == 0) {
            s3_limiter_done(limiter, S3_THROTTLED, now);
            sent++;
        }
    }
    assert_in_range(sent, 40, 110);
    s3_limiter_free(limiter);
}

static void *hammer(void *argument)
{
    struct s3_limiter *limiter = argument;
    for (int64_t i = 0; i < 20000; i++) {
        if (s3_limiter_ask(limiter, i) == 0) {
            s3_limiter_done(limiter, i % 1000 == 999 ? S3_THROTTLED : i % 100 == 7 ? S3_RETRY : S3_OK, i);
        }
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    (void)state;
    struct s3_limiter *limiter = s3_limiter_new(0, 0);
    assert_non_null(limiter);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, limiter), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    double rate;
    unsigned in_flight;
    s3_limiter_state(limiter, &rate, &in_flight);
    assert_int_equal(in_flight, 0);
    s3_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_nothing_waits),
        cmocka_unit_test(fixed_rate_is_kept_and_used),
        cmocka_unit_test(concurrency_never_passes_its_bound),
        cmocka_unit_test(throttled_load_converges_near_capacity_and_recovers),
        cmocka_unit_test(one_overload_is_one_cut),
        cmocka_unit_test(first_answer_of_all_may_be_a_throttling_one),
        cmocka_unit_test(rate_never_falls_below_one_in_two_seconds),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
