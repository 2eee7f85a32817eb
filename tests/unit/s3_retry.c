/* The decision to try again, its waits and its budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "s3/retry.h"

static void only_what_time_can_cure_is_tried_again(void **state)
{
    (void)state;
    for (int status = S3_OK; status <= S3_FATAL; status++) {
        struct s3_retry_budget budget;
        s3_retry_budget_init(&budget, 1000);
        struct s3_retry_decision decision = s3_retry_decide((enum s3_status)status, NULL, 1, &budget, 0.5);
        bool curable = status == S3_RETRY || status == S3_THROTTLED;
        assert_int_equal(decision.again, curable);
        int64_t cost = status == S3_RETRY ? 14 : status == S3_THROTTLED ? 5 : 0;
        assert_int_equal(decision.cost, cost);
        assert_int_equal(budget.tokens, 1000 - cost);
    }
}

static void waits_double_up_to_twenty_seconds(void **state)
{
    (void)state;
    static const int64_t transient[] = { 50, 100, 200, 400, 800, 1600, 3200, 6400 };
    static const int64_t throttled[] = { 1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000 };
    struct s3_retry_budget budget;
    s3_retry_budget_init(&budget, 100000);
    for (int attempt = 1; attempt < S3_RETRY_ATTEMPTS; attempt++) {
        struct s3_retry_decision full = s3_retry_decide(S3_RETRY, NULL, attempt, &budget, 0.9999999);
        assert_true(full.again);
        assert_in_range(full.wait_ms, transient[attempt - 1] - 1, transient[attempt - 1]);
        full = s3_retry_decide(S3_THROTTLED, NULL, attempt, &budget, 0.9999999);
        assert_in_range(full.wait_ms, throttled[attempt - 1] - 1, throttled[attempt - 1]);
        struct s3_retry_decision half = s3_retry_decide(S3_THROTTLED, NULL, attempt, &budget, 0.5);
        assert_int_equal(half.wait_ms, throttled[attempt - 1] / 2);
        assert_int_equal(s3_retry_decide(S3_RETRY, NULL, attempt, &budget, 0).wait_ms, 0);
    }
    assert_false(s3_retry_decide(S3_RETRY, NULL, S3_RETRY_ATTEMPTS, &budget, 0.5).again);
    assert_false(s3_retry_decide(S3_THROTTLED, NULL, S3_RETRY_ATTEMPTS + 100, &budget, 0.5).again);
}

static void servers_wish_is_obeyed_within_five_seconds(void **state)
{
    (void)state;
    static const struct {
        int64_t wish, expected;
    } rows[] = { { -1, 500 }, { 0, 500 }, { 499, 500 }, { 500, 500 }, { 3000, 3000 }, { 5500, 5500 }, { 5501, 5500 },
        { INT64_MAX, 5500 } };
    struct s3_retry_budget budget;
    s3_retry_budget_init(&budget, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_error error;
        s3_error_clear(&error);
        error.retry_after_ms = rows[i].wish;
        assert_int_equal(s3_retry_decide(S3_THROTTLED, &error, 1, &budget, 0.5).wait_ms, rows[i].expected);
    }
}

static void budget_ends_retries_and_successes_refill_it(void **state)
{
    (void)state;
    struct s3_retry_budget budget;
    s3_retry_budget_init(&budget, 30);
    assert_true(s3_retry_decide(S3_RETRY, NULL, 1, &budget, 0).again);
    assert_true(s3_retry_decide(S3_RETRY, NULL, 1, &budget, 0).again);
    assert_false(s3_retry_decide(S3_RETRY, NULL, 1, &budget, 0).again);
    assert_int_equal(budget.tokens, 2);
    assert_false(s3_retry_decide(S3_THROTTLED, NULL, 1, &budget, 0).again);
    s3_retry_success(&budget, 0);
    assert_int_equal(budget.tokens, 3);
    s3_retry_success(&budget, 14);
    assert_int_equal(budget.tokens, 17);
    s3_retry_success(&budget, 28);
    assert_int_equal(budget.tokens, 30);
    s3_retry_success(&budget, 0);
    assert_int_equal(budget.tokens, 30);
}

static void *take_and_give(void *argument)
{
    struct s3_retry_budget *budget = argument;
    for (int i = 0; i < 20000; i++) {
        struct s3_retry_decision decision = s3_retry_decide(S3_THROTTLED, NULL, 1, budget, 0);
        if (decision.again) {
            s3_retry_success(budget, decision.cost);
        }
    }
    return NULL;
}

static void budget_is_whole_after_many_threads(void **state)
{
    (void)state;
    struct s3_retry_budget budget;
    s3_retry_budget_init(&budget, 12); /* two of the four fit at a time */
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &budget), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(budget.tokens, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_time_can_cure_is_tried_again),
        cmocka_unit_test(waits_double_up_to_twenty_seconds),
        cmocka_unit_test(servers_wish_is_obeyed_within_five_seconds),
        cmocka_unit_test(budget_ends_retries_and_successes_refill_it),
        cmocka_unit_test(budget_is_whole_after_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
