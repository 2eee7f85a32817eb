/*
 * The inside of a client. Private to s3/: client.c and the call_*.c.
 */
#ifndef S3_CLIENT_INSIDE_H
#define S3_CLIENT_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "s3/client.h"
#include "s3/endpoint.h"
#include "s3/retry.h"

struct client_region {
    struct client_region *next;
    char region[32];
    char bucket[]; /* terminated */
};

struct s3_client {
    /* fixed after s3_client_new */
    uint64_t serial;
    char service[16];
    char region[32];
    struct s3_endpoint custom; /* where custom.custom */
    bool path_style;
    struct s3_provider *credentials;
    struct s3_limiter *limiter;
    const struct s3_clock *clock;
    int attempts;
    void (*trace)(void *ctx, const struct s3_trace *trace);
    void *trace_ctx;

    struct s3_retry_budget budget;
    _Atomic int64_t offset_ms; /* the service's clock less ours */
    pthread_rwlock_t lock;
    /* guarded by lock; a list is enough: only buckets that live elsewhere are in it */
    struct client_region *regions;
};

#endif
