/*
 * One small request to a source of keys on this machine: never by a proxy, with a bounded answer that is wiped, tried
 * three times. Private to s3/.
 */
#ifndef S3_PROVIDER_HTTP_H
#define S3_PROVIDER_HTTP_H

#include "s3/client.h"
#include "s3/secret.h"

enum { PROVIDER_HTTP_MAX = 64 * 1024, PROVIDER_HTTP_TRIES = 3 };

struct provider_http {
    struct s3_conn *conn;
    const struct s3_clock *clock;
    const char *origin;        /* begins each message */
    int64_t total_ms, wait_ms; /* of one try; between two */
};

/*
 * S3_OK: an answer under 300, whose body is in `body` (initialised before; it may be empty). Else the status is what
 * the last try came to, with *http_status 0 where there was no answer: S3_RETRY for what may pass (no connection, 5xx,
 * 429), S3_FATAL for another HTTP status, S3_BAD_DATA for a body that is too long, S3_CANCELLED, S3_NO_MEMORY.
 * `header` is one "Name: value" line, or NULL.
 */
enum s3_status provider_http_send(const struct provider_http *http, const char *method, const char *url,
        const char *header, struct s3_secret *body, int *http_status, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
