/* See provider_http.h. */
#include "s3/provider_http.h"

#include <stdlib.h>
#include <string.h>

#include "s3/conn.h"
#include "s3/http.h"

struct answer {
    char *bytes; /* PROVIDER_HTTP_MAX */
    size_t len;
    bool too_long;
};

static bool on_body(void *ctx, int http_status, const char *bytes, size_t length)
{
    struct answer *answer = ctx;

    if (http_status >= 300)
        return true; /* an error page may be of any length: it is not read */
    answer->too_long = length > PROVIDER_HTTP_MAX - answer->len;
    if (answer->too_long)
        return false;
    memcpy(answer->bytes + answer->len, bytes, length);
    answer->len += length;
    return true;
}

static enum s3_status try_once(const struct provider_http *http, const struct s3_http_request *request,
        const struct answer *answer, int *http_status, struct s3_error *error)
{
    enum s3_status status = s3_http_perform(http->conn->http, request, http_status, error);
    bool may_pass;

    if (answer->too_long)
        return s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s: an answer of more than %d KiB", http->origin,
                PROVIDER_HTTP_MAX / 1024);
    if (status != S3_OK) {
        *http_status = 0; /* an answer that was cut off is none */
        return s3_fail(error, status, error->code, "%s: %s", http->origin, error->message);
    }
    if (*http_status >= 200 && *http_status < 300)
        return S3_OK;
    may_pass = *http_status >= 500 || *http_status == 429;
    error->http_status = *http_status;
    return s3_fail(
            error, may_pass ? S3_RETRY : S3_FATAL, "NoCredentials", "%s: HTTP status %d", http->origin, *http_status);
}

enum s3_status provider_http_send(const struct provider_http *http, const char *method, const char *url,
        const char *header, struct s3_secret *body, int *http_status, struct s3_error *error)
{
    struct answer answer = { .bytes = malloc(PROVIDER_HTTP_MAX) };
    const struct s3_http_request request = { .method = method,
        .url = url,
        .headers = &header,
        .header_count = header != NULL ? 1 : 0,
        .on_body = on_body,
        .ctx = &answer,
        .idle_ms = http->total_ms,
        .total_ms = http->total_ms,
        .direct = true };
    enum s3_status status;

    *http_status = 0;
    if (answer.bytes == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    for (int i = 1;; i++) {
        status = try_once(http, &request, &answer, http_status, error);
        if (status != S3_RETRY || i == PROVIDER_HTTP_TRIES)
            break;
        s3_wipe(answer.bytes, answer.len);
        answer.len = 0;
        if (!http->clock->sleep_ms(http->clock->ctx, http->wait_ms)) {
            status = s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
            break;
        }
    }
    if (status == S3_OK && !s3_secret_set(body, answer.bytes, answer.len))
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    s3_wipe(answer.bytes, answer.len);
    free(answer.bytes);
    return status;
}
