/* See call.h: how a request is sent, judged and sent again. */
#include "s3/call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "s3/call_inside.h"
#include "s3/client_inside.h"
#include "s3/conn.h"

enum {
    IDLE_MS = 60 * 1000,
    /* CopyObject of 5 GB and CompleteMultipartUpload of 10,000 parts may be silent for minutes; a dead peer is found by
       TCP's own probes. */
    SLOW_IDLE_MS = 15 * 60 * 1000,
    LIMITER_NAP_MS = 1000,
    CLOCKS_APART_MS = 5 * 60 * 1000 /* services allow 15 minutes: a denial beyond this may well come from it */
};

/* What a call remembers between its attempts. */
struct progress {
    int attempt;
    int64_t cost;
    bool redirected, renewed, corrected;
};

static void take_own_header(
        struct call_attempt *at, const char *name, size_t name_len, const char *value, size_t value_len)
{
    struct s3_error *error = at->error;

    if (name_len == 16 && strncasecmp(name, "x-amz-request-id", 16) == 0) {
        (void)snprintf(error->request_id, sizeof error->request_id, "%.*s", (int)value_len, value);
    } else if (name_len == 4 && strncasecmp(name, "date", 4) == 0) {
        int64_t seconds;
        if (s3_parse_http_time(value, value_len, &seconds))
            error->server_time = seconds;
    } else if (name_len == 17 && strncasecmp(name, "x-amz-retry-after", 17) == 0) {
        char digits[16];
        long long milliseconds;
        (void)snprintf(digits, sizeof digits, "%.*s", (int)value_len, value);
        if (sscanf(digits, "%lld", &milliseconds) == 1 && milliseconds >= 0)
            error->retry_after_ms = milliseconds;
    } else if (name_len == 16 && strncasecmp(name, "x-amzn-requestid", 16) == 0) { /* STS */
        (void)snprintf(error->request_id, sizeof error->request_id, "%.*s", (int)value_len, value);
    }
}

static void on_header(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len)
{
    struct call_attempt *at = ctx;

    take_own_header(at, name, name_len, value, value_len);
    s3_head_line(at->head, name, name_len, value, value_len);
}

static bool begin_parsing(struct call_attempt *at, enum s3_answer_kind kind, void *out)
{
    if (s3_parser_begin(at->call->conn->parser, kind, out) != S3_OK)
        return false;
    at->parsing = true;
    return true;
}

static bool on_body(void *ctx, int http_status, const char *bytes, size_t length)
{
    struct call_attempt *at = ctx;
    const struct s3_sink *sink = at->call->sink;

    at->received += length;
    if (sink != NULL && http_status < 300) {
        at->whole = at->call->partial && http_status != 206;
        if (at->whole)
            return false;
        if (!sink->write(sink->ctx, bytes, length))
            return false;
        at->delivered += length;
        return true;
    }
    if (!at->parsing && !begin_parsing(at, S3_ANSWER_ERROR_ONLY, NULL))
        return false;
    s3_parser_feed(at->call->conn->parser, bytes, length);
    return true;
}

/* What can be seen to be wrong before anything is sent. */
static enum s3_status inspect(const struct s3_call *call, struct s3_error *error)
{
    if (call->no_key)
        return s3_fail(error, S3_REFUSED, "KeyLength", "a key has 1 to %d bytes", S3_KEY_MAX);
    return call->overflow ? call_too_long(error) : S3_OK;
}

static enum s3_status send_signed(struct call_attempt *at, int *http_status)
{
    struct s3_call *call = at->call;
    struct sigv4_pair headers[S3_CALL_HEADERS + 8];
    const char *lines[S3_CALL_HEADERS + 8];
    _Static_assert(sizeof lines / sizeof lines[0] <= S3_HTTP_HEADERS_MAX, "else a call's own headers are refused");
    struct sigv4_headers signature;
    size_t count = call->header_count;
    enum s3_status status;
    struct s3_http_request request;

    memcpy(headers, call->headers, count * sizeof headers[0]);
    status = call_address(at);
    if (status == S3_OK)
        status = call_sign(at, headers, &count, &signature);
    if (status != S3_OK)
        return status;
    if (!call_write_lines(&call->conn->lines, headers, count, lines))
        return call_too_long(at->error);
    if (call->answer != S3_ANSWER_ERROR_ONLY && call->sink == NULL &&
            !begin_parsing(at, call->answer, call->answer_out))
        return s3_fail(at->error, S3_NO_MEMORY, "NoMemory", "out of memory");
    request = (struct s3_http_request){ .method = call->method,
        .url = call->conn->url.ptr,
        .headers = lines,
        .header_count = count,
        .body = call->body,
        .body_len = call->body_len,
        .reader = call->reader,
        .on_header = on_header,
        .on_body = on_body,
        .ctx = at,
        .idle_ms = call->slow ? SLOW_IDLE_MS : IDLE_MS };
    status = s3_http_perform(call->conn->http, &request, http_status, at->error);
    s3_wipe(call->conn->lines.ptr, call->conn->lines.len); /* the session token stands there */
    return status;
}

/* HEAD has no body to name its error in. What can be read from the rest: the region that it names is not the one that
 * we asked; the two clocks are far apart. */
static enum s3_status read_silent_error(const struct call_attempt *at, enum s3_status status, int http_status)
{
    const struct s3_error *error = at->error;
    int64_t apart = error->server_time * 1000 - s3_client_now_ms(at->call->client);

    if (status == S3_REFUSED && http_status == 400 && at->head->region[0] != '\0' &&
            strcmp(at->head->region, at->region) != 0)
        return S3_REDIRECT;
    if (status == S3_DENIED && at->credentials != NULL && error->server_time > 0 &&
            (apart > CLOCKS_APART_MS || apart < -CLOCKS_APART_MS))
        return S3_CLOCK;
    return status;
}

/* From what came back to a decision. */
static enum s3_status judge(struct call_attempt *at, enum s3_status status, int http_status)
{
    struct s3_error *error = at->error;
    bool whole_head = s3_head_finish(at->head);

    if (at->whole || (status == S3_OK && at->call->partial && http_status < 300 && http_status != 206))
        return s3_fail(error, S3_BAD_DATA, "BadAnswer", "a range was asked for, and the answer is no range");
    if (status != S3_OK)
        return status;
    if (error->region[0] == '\0')
        (void)memccpy(error->region, at->head->region, '\0', sizeof error->region);
    if (at->parsing)
        status = s3_parser_finish(at->call->conn->parser, http_status, error);
    else if (http_status >= 300 || http_status < 200)
        status = s3_fail(error, s3_classify(http_status, "", false), "", "HTTP status %d", http_status);
    else
        status = S3_OK;
    if (status == S3_OK && (http_status >= 300 || http_status < 200)) /* an error whose body says nothing of it */
        status = s3_fail(error, s3_classify(http_status, "", false), "", "HTTP status %d", http_status);
    if (status == S3_OK && !whole_head)
        status = s3_fail(error, S3_BAD_DATA, "BadAnswer", "a header of the answer is malformed or too long");
    if (status != S3_OK && error->code[0] == '\0')
        status = read_silent_error(at, status, http_status);
    if (status == S3_DENIED && at->credentials != NULL && at->credentials->expires > 0 &&
            s3_client_now_ms(at->call->client) / 1000 >= at->credentials->expires)
        status = s3_classify(http_status, error->code, true);
    return status;
}

/* Only where the service itself has answered, with a success or under an id of its own: a 502 may be the word of a
 * balancer or proxy whose clock stands anywhere, and what is written next is dated and locked by what we take for the
 * service's time. A refusal counts, as it may be the time that was refused. */
static void follow_clock(struct s3_client *client, enum s3_status status, const struct s3_error *error)
{
    int64_t offset = error->server_time * 1000 + 500 - client->clock->wall_ms(client->clock->ctx);
    int64_t known = atomic_load_explicit(&client->offset_ms, memory_order_relaxed);

    if (error->server_time <= 0 || (status != S3_OK && status != S3_CLOCK && error->request_id[0] == '\0'))
        return;
    /* a Date has whole seconds: less than that is no news, unless the service's clock was seen to be ahead of what we
     * take it for */
    if (offset - known > 1500 || known - offset > 1500)
        atomic_store_explicit(&client->offset_ms, offset, memory_order_relaxed);
    else if (offset - 500 > known)
        atomic_store_explicit(&client->offset_ms, offset - 500, memory_order_relaxed);
}

static void tell(const struct call_attempt *at, int number, enum s3_status status, int http_status, int64_t began_ms)
{
    const struct s3_call *call = at->call;
    const struct s3_client *client = call->client;
    struct s3_trace trace;

    if (client->trace == NULL)
        return;
    trace = (struct s3_trace){ .operation = call->operation,
        .method = call->method,
        .bucket = call->bucket != NULL ? call->bucket : "",
        .key = call->key,
        .attempt = number,
        .status = status,
        .http_status = http_status,
        .code = status == S3_OK ? "" : at->error->code,
        .request_id = at->error->request_id,
        .milliseconds = client->clock->monotonic_ms(client->clock->ctx) - began_ms,
        .bytes_sent = call->reader != NULL ? call->reader->length : call->body_len,
        .bytes_received = at->received };
    client->trace(client->trace_ctx, &trace);
}

static enum s3_status wait_for_turn(
        const struct s3_client *client, const struct s3_clock *clock, struct s3_error *error)
{
    int64_t wait_ms;

    if (client->limiter == NULL)
        return S3_OK;
    while ((wait_ms = s3_limiter_ask(client->limiter, clock->monotonic_ms(clock->ctx))) > 0)
        if (!clock->sleep_ms(clock->ctx, wait_ms < LIMITER_NAP_MS ? wait_ms : LIMITER_NAP_MS))
            return s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
    return S3_OK;
}

static void name_error(const struct s3_call *call, struct s3_error *error)
{
    size_t length = call->key.len < S3_KEY_MAX ? call->key.len : S3_KEY_MAX;

    error->operation = call->operation;
    (void)memccpy(error->bucket, call->bucket != NULL ? call->bucket : "", '\0', sizeof error->bucket);
    error->bucket[sizeof error->bucket - 1] = '\0';
    if (length > 0)
        memcpy(error->key, call->key.ptr, length);
    error->key[length] = '\0';
    error->key_len = length;
}

static enum s3_status try_once(struct call_attempt *at, int number)
{
    struct s3_call *call = at->call;
    struct s3_client *client = call->client;
    const struct s3_clock *clock = client->clock;
    enum s3_status status = S3_OK;
    int http_status = 0;
    int64_t began_ms;

    if (client->credentials != NULL)
        status = s3_provider_get(client->credentials, call->conn, &at->credentials, at->error);
    if (status != S3_OK)
        return status;
    s3_head_clear(at->head);
    status = wait_for_turn(client, call->conn->clock, at->error);
    if (status == S3_OK) {
        began_ms = clock->monotonic_ms(clock->ctx);
        status = send_signed(at, &http_status);
        status = judge(at, status, http_status);
        at->error->http_status = http_status;
        if (client->limiter != NULL)
            s3_limiter_done(client->limiter, status, clock->monotonic_ms(clock->ctx));
        follow_clock(client, status, at->error);
        tell(at, number, status, http_status, began_ms);
    }
    return status;
}

/* Whether a failure can be mended at once, without counting as an attempt. Each mending is done once a call. */
static bool mend(struct call_attempt *at, enum s3_status status, struct progress *progress)
{
    struct s3_call *call = at->call;
    struct s3_error *error = at->error;

    if (status == S3_REDIRECT && !progress->redirected && call->bucket != NULL && error->region[0] != '\0' &&
            s3_region_is_valid(error->region) && strcmp(error->region, at->region) != 0) {
        progress->redirected = true;
        s3_client_set_region(call->client, call->bucket, error->region);
        return true;
    }
    /* HEAD says of an expired token only that the request is bad */
    bool perhaps_expired = status == S3_REFUSED && error->http_status == 400 && error->code[0] == '\0' &&
                           at->credentials != NULL && at->credentials->token.len > 0;

    if ((status == S3_EXPIRED || perhaps_expired) && !progress->renewed && at->credentials != NULL) {
        progress->renewed = true;
        s3_provider_rejected(call->client->credentials, at->credentials);
        return true;
    }
    if (status == S3_CLOCK && !progress->corrected && error->server_time > 0) {
        progress->corrected = true; /* follow_clock has done it */
        return true;
    }
    return false;
}

/* Puts body and sink back to their start; false where they cannot. */
static bool begin_again(const struct s3_call *call, uint64_t delivered)
{
    if (call->reader != NULL && (call->reader->rewind == NULL || !call->reader->rewind(call->reader->ctx)))
        return false;
    return delivered == 0 || (call->sink->restart != NULL && call->sink->restart(call->sink->ctx));
}

/* One attempt and what follows from it: true where there is to be another, after *wait_ms. */
static bool attempt_and_decide(struct s3_call *call, struct s3_error *error, struct progress *progress,
        enum s3_status *status, int64_t *wait_ms)
{
    struct s3_client *client = call->client;
    struct s3_retry_decision decision;
    struct call_attempt at;
    bool again;

    at.call = call;
    at.error = error;
    at.head = call->head != NULL ? call->head : &call->conn->head;
    at.credentials = NULL;
    at.parsing = at.whole = false;
    at.received = at.delivered = 0;
    s3_error_clear(error);
    name_error(call, error);
    *status = inspect(call, error);
    if (*status == S3_OK)
        *status = try_once(&at, progress->attempt);
    error->operation = call->operation; /* fetching credentials may have left its own */
    *wait_ms = 0;
    if (*status == S3_OK) {
        again = false;
    } else if (mend(&at, *status, progress)) {
        again = begin_again(call, at.delivered);
    } else {
        /* an answer that cannot be read says nothing about the next one */
        enum s3_status kind = *status == S3_BAD_DATA ? S3_RETRY : *status;
        decision = s3_retry_decide(
                kind, error, progress->attempt, &client->budget, client->clock->random(client->clock->ctx));
        *wait_ms = decision.wait_ms;
        progress->cost += decision.cost;
        again = decision.again && progress->attempt < client->attempts && begin_again(call, at.delivered);
        progress->attempt++;
    }
    s3_credentials_release(at.credentials);
    return again;
}

enum s3_status call_perform(struct s3_call *call, struct s3_error *error)
{
    const struct s3_clock *clock = call->conn->clock; /* the thread's own, which may stop earlier than others */
    struct s3_error ignored;
    struct progress progress = { .attempt = 1 };
    enum s3_status status;
    int64_t wait_ms;

    if (error == NULL)
        error = &ignored;
    while (attempt_and_decide(call, error, &progress, &status, &wait_ms)) {
        if (wait_ms > 0 && !clock->sleep_ms(clock->ctx, wait_ms)) {
            status = s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
            break;
        }
    }
    if (status == S3_OK)
        s3_retry_success(&call->client->budget, progress.cost);
    call->conn->scratch_used = call->scratch_begin;
    return status;
}
