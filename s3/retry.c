/* See retry.h. */
#include "s3/retry.h"

#include <stdatomic.h>

enum { TRANSIENT_MS = 50, THROTTLED_MS = 1000, LONGEST_MS = 20 * 1000, SERVER_MORE_MS = 5 * 1000 };
enum { TRANSIENT_COST = 14, THROTTLED_COST = 5 };

void s3_retry_budget_init(struct s3_retry_budget *budget, int64_t capacity)
{
    budget->capacity = capacity;
    atomic_init(&budget->tokens, capacity);
}

static bool take(struct s3_retry_budget *budget, int64_t cost)
{
    int64_t tokens = atomic_load_explicit(&budget->tokens, memory_order_relaxed);
    do {
        if (tokens < cost) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(
            &budget->tokens, &tokens, tokens - cost, memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* The cap goes before the jitter, so that the late attempts of many threads do not gather at it. */
static int64_t backoff(enum s3_status status, int attempt, double random)
{
    int64_t longest = status == S3_THROTTLED ? THROTTLED_MS : TRANSIENT_MS;
    for (int i = 1; i < attempt && longest < LONGEST_MS; i++) {
        longest *= 2;
    }
    if (longest > LONGEST_MS) {
        longest = LONGEST_MS;
    }
    return (int64_t)((double)longest * random);
}

struct s3_retry_decision s3_retry_decide(
        enum s3_status status, const struct s3_error *error, int attempt, struct s3_retry_budget *budget, double random)
{
    struct s3_retry_decision decision = { .again = false };
    bool can_help = status == S3_RETRY || status == S3_THROTTLED;
    int64_t cost = status == S3_THROTTLED ? THROTTLED_COST : TRANSIENT_COST;
    if (!can_help || attempt >= S3_RETRY_ATTEMPTS || !take(budget, cost)) {
        return decision;
    }
    decision.again = true;
    decision.cost = cost;
    decision.wait_ms = backoff(status, attempt, random);
    if (error != NULL && error->retry_after_ms > decision.wait_ms) {
        int64_t most = decision.wait_ms + SERVER_MORE_MS;
        decision.wait_ms = error->retry_after_ms < most ? error->retry_after_ms : most;
    }
    return decision;
}

void s3_retry_success(struct s3_retry_budget *budget, int64_t cost)
{
    int64_t back = cost > 0 ? cost : 1;
    int64_t tokens = atomic_load_explicit(&budget->tokens, memory_order_relaxed);
    int64_t wanted;
    do {
        if (tokens >= budget->capacity) {
            return; /* the usual case: a full budget is only read */
        }
        wanted = tokens + back < budget->capacity ? tokens + back : budget->capacity;
    } while (!atomic_compare_exchange_weak_explicit(
            &budget->tokens, &tokens, wanted, memory_order_relaxed, memory_order_relaxed));
}
