/*
 * One HTTP connection handle: a blocking libcurl easy handle that belongs to one thread for life and keeps its
 * connections. It knows HTTP and nothing of S3. Redirects are not followed, nothing is retried, the path goes out as it
 * is given.
 */
#ifndef S3_HTTP_H
#define S3_HTTP_H

#include "s3/clock.h"
#include "s3/error.h"
#include "s3/tls.h"

struct s3_http;

enum { S3_HTTP_HEADERS_MAX = 192 }; /* lines of a request; more are refused */

/* Where a request's body comes from when it is not one piece of memory. `read` fills up to `size` bytes and returns how
 * many, 0 at the end, or SIZE_MAX to give up; `rewind` goes back to the start for another attempt, false where it
 * cannot. */
struct s3_reader {
    size_t (*read)(void *ctx, char *bytes, size_t size);
    bool (*rewind)(void *ctx);
    void *ctx;
    uint64_t length;
};

struct s3_http_request {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value" lines; an empty value as "Name;" */
    size_t header_count;
    const void *body; /* borrowed */
    size_t body_len;
    const struct s3_reader *reader; /* instead of body */
    /* Called for each header line of the final answer, without its line end. */
    void (*on_header)(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len);
    /* Called for the body as it arrives; false breaks off. */
    bool (*on_body)(void *ctx, int http_status, const char *bytes, size_t length);
    void *ctx;
    int64_t idle_ms;  /* no byte for so long: the peer counts as dead */
    int64_t total_ms; /* 0: no bound */
    bool direct;      /* never by a proxy: instance metadata, container credentials */
};

/* Once in the program, before any thread starts, and at its end. */
enum s3_status s3_http_global_init(struct s3_error *error) __attribute__((warn_unused_result));
void s3_http_global_cleanup(void);

/* Keeps `tls` and `clock` (borrowed). */
enum s3_status s3_http_new(const struct s3_tls *tls, const struct s3_clock *clock, struct s3_http **http,
        struct s3_error *error) __attribute__((warn_unused_result));
void s3_http_free(struct s3_http *http);

/*
 * Sends a request and reads its answer to the end. S3_OK means that a whole answer came, whatever *http_status it has.
 * Else: S3_RETRY (reset, time-out, cut off, name not resolved), S3_FATAL (certificate not trusted, malformed URL),
 * S3_CANCELLED (the clock's stop), S3_FULL (on_body broke off), S3_NO_MEMORY. Fills code and message of `error`.
 */
enum s3_status s3_http_perform(struct s3_http *http, const struct s3_http_request *request, int *http_status,
        struct s3_error *error) __attribute__((warn_unused_result));

/* Connections that this handle has opened so far. */
uint64_t s3_http_connections(const struct s3_http *http);

#endif
