/*
 * Two halves of a request. A client is what threads share about one endpoint and one identity: address, credentials,
 * limiter, retry budget, the regions of buckets, the clock's offset. A connection is what one thread owns: handle,
 * parser, signers, buffers. Any connection can be used with any client, so a worker has one connection for all it talks
 * to.
 */
#ifndef S3_CLIENT_H
#define S3_CLIENT_H

#include "s3/clock.h"
#include "s3/credentials.h"
#include "s3/error.h"
#include "s3/limiter.h"
#include "s3/tls.h"

/* One attempt of one request, told to the trace callback after it ended. Text is borrowed for the call. */
struct s3_trace {
    const char *operation, *method;
    const char *bucket;
    struct s3_text key;
    int attempt; /* from 1 */
    enum s3_status status;
    int http_status;
    const char *code, *request_id;
    int64_t milliseconds;
    uint64_t bytes_sent, bytes_received; /* bodies only */
};

struct s3_client_options {
    const char *service;  /* NULL: "s3" */
    const char *region;   /* NULL or "": us-east-1 */
    const char *endpoint; /* NULL or "": AWS's own for service and region */
    bool path_style;
    struct s3_provider *credentials; /* borrowed; NULL: requests are not signed */
    struct s3_limiter *limiter;      /* borrowed, may be shared by clients of one endpoint; NULL: none */
    const struct s3_clock *clock;    /* borrowed */
    int attempts;                    /* 0: S3_RETRY_ATTEMPTS */
    void (*trace)(void *ctx, const struct s3_trace *trace); /* called from any thread */
    void *trace_ctx;
};

struct s3_client;
enum s3_status s3_client_new(const struct s3_client_options *options, struct s3_client **client, struct s3_error *error)
        __attribute__((warn_unused_result));
void s3_client_free(struct s3_client *client);

/* The service's clock: the local one corrected by the Date of the last answer that was the service's own. Milliseconds
 * since 1970. */
int64_t s3_client_now_ms(const struct s3_client *client);
/* The region in which a bucket was found to be, or the client's own. */
void s3_client_region(struct s3_client *client, const char *bucket, char *region, size_t region_size);
/* Remembers a bucket's region, e.g. as ListBuckets or HeadBucket said. */
void s3_client_set_region(struct s3_client *client, const char *bucket, const char *region);

struct s3_conn;
/* Keeps `tls` and `clock`. Belongs to the thread that uses it. */
enum s3_status s3_conn_new(const struct s3_tls *tls, const struct s3_clock *clock, struct s3_conn **conn,
        struct s3_error *error) __attribute__((warn_unused_result));
/* Another one like it, for a request in the middle of one of its own. */
enum s3_status s3_conn_beside(const struct s3_conn *conn, struct s3_conn **other, struct s3_error *error)
        __attribute__((warn_unused_result));
void s3_conn_free(struct s3_conn *conn);
/* Connections opened so far. */
uint64_t s3_conn_opened(const struct s3_conn *conn);

#endif
