/*
 * Whether and when to try again: a pure decision, by the constants of the AWS SDKs' 2026 rules (50 ms for transient
 * failures, 1 s for throttling, doubled each time, at most 20 s, of which a random share is waited; a server's
 * x-amz-retry-after is obeyed, by at most 5 s more), with more attempts, since nobody waits at a prompt for one object
 * of a million.
 *
 * How long it holds out. Nine attempts have eight waits. Transient: up to 50 ms to 6.4 s, together 12.75 s at most, 6.4
 * s on average. Throttling: up to 1, 2, 4, 8, 16, 20, 20, 20 s, together 91 s at most, 45 s on average; that is a
 * server that refuses this one request nine times in a row. While it lets half of the requests through, one of 500 is
 * lost so; a limiter that slows down makes that share better.
 *
 * The budget is shared by the threads of an endpoint, so that an endpoint that is down for all is not asked nine times
 * by each. A transient retry costs 14, a throttled one 5, and a success gives its cost back. For n threads to ride out
 * a phase without any success, each with all its retries, it takes n x 8 x 5 tokens if they are throttled, n x 8 x 14
 * if the failures are transient: 2,560 and 7,168 for 64. With the SDKs' 500 tokens, 64 throttled threads get 100
 * retries between them, which is one or two each. Any thread may call.
 */
#ifndef S3_RETRY_H
#define S3_RETRY_H

#include "s3/error.h"

enum { S3_RETRY_ATTEMPTS = 9 }; /* the first included */

struct s3_retry_budget {
    _Atomic int64_t tokens; /* starts full; see s3_retry_budget_init */
    int64_t capacity;
};
void s3_retry_budget_init(struct s3_retry_budget *budget, int64_t capacity);

struct s3_retry_decision {
    bool again;
    int64_t wait_ms;
    int64_t cost; /* taken from the budget; give it back with s3_retry_success */
};
/* `attempt` counts from 1: the one that failed. `random` is in [0, 1). Takes its cost from the budget where it says
 * again. */
struct s3_retry_decision s3_retry_decide(enum s3_status status, const struct s3_error *error, int attempt,
        struct s3_retry_budget *budget, double random) __attribute__((warn_unused_result));
/* A request came through: gives back what its retries took (the sum), or one token where it needed none. */
void s3_retry_success(struct s3_retry_budget *budget, int64_t cost);

#endif
