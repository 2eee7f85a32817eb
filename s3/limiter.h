/*
 * How much an endpoint is asked for at once: all threads that talk to it share one limiter. A fixed rate if the user
 * set one; and adaptive: a throttling answer cuts rate (CUBIC: beta 0.7, C 0.4) and concurrency, once a round trip
 * however many there are; successes let both recover, and after a minute without throttling nothing is limited any
 * more. Time is an argument (a monotonic clock in milliseconds); the waiting is the caller's, so that a stop can
 * interrupt it. Any thread may call; while nothing limits, two atomic counters are all that a request costs.
 */
#ifndef S3_LIMITER_H
#define S3_LIMITER_H

#include "s3/error.h"

struct s3_limiter;
/* `requests_per_second` 0: no fixed rate. `max_concurrent` 0: no bound beyond the threads. NULL without memory. */
struct s3_limiter *s3_limiter_new(double requests_per_second, unsigned max_concurrent);
void s3_limiter_free(struct s3_limiter *limiter);
/* Asks to send one request: 0 = go (and s3_limiter_done must follow), else milliseconds to wait before asking again.
 * Any thread. */
int64_t s3_limiter_ask(struct s3_limiter *limiter, int64_t now_ms) __attribute__((warn_unused_result));
/* The request that was let go is over: S3_THROTTLED cuts, S3_RETRY and S3_CANCELLED say nothing, all else is an answer.
 */
void s3_limiter_done(struct s3_limiter *limiter, enum s3_status status, int64_t now_ms);
/* For reports: the rate that throttling has set (0: none), and how many are under way. */
void s3_limiter_state(struct s3_limiter *limiter, double *rate, unsigned *in_flight);

#endif
