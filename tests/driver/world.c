/* See world.h. */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct world_options *chosen;
static _Atomic uint64_t chance;
static _Thread_local int64_t stop_at_ms;

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t world_real_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

void world_stop_after(int64_t ms)
{
    stop_at_ms = ms > 0 ? world_real_ms() + ms : 0;
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_REALTIME) + chosen->offset_ms;
}

static int64_t monotonic_ms(void *ctx)
{
    (void)ctx;
    return world_real_ms() * chosen->speed;
}

static bool stopped(void *ctx)
{
    (void)ctx;
    return stop_at_ms > 0 && world_real_ms() >= stop_at_ms;
}

static bool sleep_ms(void *ctx, int64_t ms)
{
    int64_t end = world_real_ms() + ms / chosen->speed;
    struct timespec nap = { .tv_nsec = 1000000 };

    if (ms / chosen->speed < 5)
        nap.tv_nsec = ms * 1000000 / chosen->speed; /* shorter than the look at the stop */
    do {
        if (stopped(ctx))
            return false;
        (void)nanosleep(&nap, NULL);
    } while (world_real_ms() < end);
    return true;
}

/* splitmix64: good enough for jitter, and the same on each run of one thread. */
static double random_share(void *ctx)
{
    uint64_t state = atomic_fetch_add(&chance, 0x9e3779b97f4a7c15U) + 0x9e3779b97f4a7c15U;

    (void)ctx;
    if (chosen->without_chance)
        return 0;
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9U;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebU;
    return (double)((state ^ (state >> 31)) >> 11) / 9007199254740992.0;
}

static const char *environment_get(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static enum s3_status open_credentials(struct world *world, const struct world_options *options, struct s3_error *error)
{
    struct s3_chain_options chain = { .environment = &world->environment,
        .clock = &world->clock,
        .region = options->region,
        .sts_endpoint = options->sts_endpoint };
    struct s3_role_options role = { .clock = &world->clock,
        .role_arn = options->role_arn,
        .external_id = options->external_id,
        .session_name = options->session_name != NULL ? options->session_name : "driver",
        .duration_seconds = options->role_seconds,
        .region = options->region,
        .sts_endpoint = options->sts_endpoint };
    enum s3_status status;

    if (options->anonymous)
        return S3_OK;
    status = s3_provider_chain(&chain, &world->chain, error);
    if (status != S3_OK || options->role_arn == NULL)
        return status;
    role.parent = world->chain;
    return s3_provider_role(&role, &world->role, error);
}

static enum s3_status open_clients(struct world *world, const struct world_options *options,
        void (*trace)(void *ctx, const struct s3_trace *trace), struct s3_error *error)
{
    struct s3_client_options s3 = { .region = options->region,
        .endpoint = options->endpoint,
        .path_style = options->path_style,
        .credentials = world->role != NULL ? world->role : world->chain,
        .limiter = world->limiter,
        .clock = &world->clock,
        .attempts = options->attempts,
        .trace = trace };
    struct s3_client_options sts = s3;
    enum s3_status status;

    sts.service = "sts";
    sts.endpoint = options->sts_endpoint;
    sts.limiter = NULL;
    status = s3_client_new(&s3, &world->client, error);
    return status == S3_OK ? s3_client_new(&sts, &world->sts, error) : status;
}

enum s3_status world_open(struct world *world, const struct world_options *options,
        void (*trace)(void *ctx, const struct s3_trace *trace), struct s3_error *error)
{
    enum s3_status status;

    chosen = options;
    memset(world, 0, sizeof *world);
    world->clock = (struct s3_clock){ wall_ms, monotonic_ms, sleep_ms, stopped, random_share, NULL };
    world->environment.get = environment_get;
    status = s3_http_global_init(error);
    if (status == S3_OK)
        status = s3_tls_new(options->ca, &world->tls, error);
    if (status == S3_OK)
        status = open_credentials(world, options, error);
    if (status == S3_OK && (world->limiter = s3_limiter_new(options->rate, 0)) == NULL)
        status = S3_NO_MEMORY;
    if (status == S3_OK)
        status = open_clients(world, options, trace, error);
    return status;
}

void world_close(struct world *world)
{
    s3_client_free(world->client);
    s3_client_free(world->sts);
    s3_provider_free(world->role);
    s3_provider_free(world->chain);
    s3_limiter_free(world->limiter);
    s3_tls_free(world->tls);
    s3_http_global_cleanup();
}
