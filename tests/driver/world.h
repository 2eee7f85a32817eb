/*
 * What the driver's threads share: clock, CA store, credentials, clients. The clock can run faster than the real one
 * and be off, so that minutes of waiting and skewed machines can be tested within seconds.
 */
#ifndef DRIVER_WORLD_H
#define DRIVER_WORLD_H

#include "s3/client.h"
#include "s3/credentials.h"
#include "s3/http.h"

struct world_options {
    const char *endpoint, *sts_endpoint, *region, *ca;
    const char *role_arn, *external_id, *session_name;
    bool path_style, anonymous, traced;
    int attempts;
    unsigned role_seconds;
    double rate;         /* requests a second; 0: none is set */
    int64_t speed;       /* of waits and the monotonic clock: 1 is real time */
    int64_t offset_ms;   /* of the wall clock */
    bool without_chance; /* every wait has length zero */
};

struct world {
    struct s3_clock clock;
    struct s3_environment environment;
    struct s3_tls *tls;
    struct s3_provider *chain, *role; /* role: NULL without one */
    struct s3_limiter *limiter;
    struct s3_client *client, *sts;
};

enum s3_status world_open(struct world *world, const struct world_options *options,
        void (*trace)(void *ctx, const struct s3_trace *trace), struct s3_error *error)
        __attribute__((warn_unused_result));
void world_close(struct world *world);

/* Requests of the calling thread are to be broken off after so many real milliseconds; 0: never. */
void world_stop_after(int64_t ms);
int64_t world_real_ms(void);

#endif
