/*
 * Whether and when to try again: a pure decision, by the constants of the AWS SDKs' 2026 rules, with more attempts,
 * since nobody waits at a prompt for one object of a million. The budget is shared by the threads of an endpoint.
 */
#ifndef S3_RETRY_H
#define S3_RETRY_H

#include "s3/error.h"

enum { S3_RETRY_ATTEMPTS = 9 }; /* the first included: with the caps below this rides out about two minutes */

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
        struct s3_retry_budget *budget, double random);
/* A request came through: gives back what its retries took, or one token where it needed none. */
void s3_retry_success(struct s3_retry_budget *budget, int64_t cost);

#endif
