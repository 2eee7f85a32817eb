/* See http.h. Uses libcurl; the only file that does. */
#include "s3/http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <curl/curl.h>

enum {
    CONNECT_TIMEOUT_MS = 10000,
    /* A dead peer is noticed by keep-alive probes within a minute, while a server that only thinks is left in peace. */
    KEEPALIVE_IDLE_S = 20,
    KEEPALIVE_INTERVAL_S = 10,
    UNACKNOWLEDGED_MS = 45000, /* TCP_USER_TIMEOUT: what we sent was not even acknowledged */
    /* A worker talks to a source, the vault, STS and perhaps a second source: more would only hold descriptors. */
    CONNECTIONS_KEPT = 4
};

/* What curl would add by itself: no header goes out that was not asked for. */
static char no_expect[] = "Expect:", no_accept[] = "Accept:", no_type[] = "Content-Type:";

struct s3_http {
    CURL *curl;
    const struct s3_tls *tls;
    const struct s3_clock *clock;
    uint64_t connections;
    char message[CURL_ERROR_SIZE];

    /* of the request under way */
    const struct s3_http_request *request;
    int status;
    bool whole_head; /* the empty line at its end has come */
    bool refused;    /* on_body broke off */
    bool stopped;
    bool idle; /* nothing moved for idle_ms */
    int64_t moved_ms;
    curl_off_t moved_bytes;
    struct curl_slist headers[S3_HTTP_HEADERS_MAX + 3];
};

enum s3_status s3_http_global_init(struct s3_error *error)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return s3_fail(error, S3_FATAL, "Curl", "libcurl cannot be initialised");
    return S3_OK;
}

void s3_http_global_cleanup(void)
{
    curl_global_cleanup();
}

static CURLcode use_store(CURL *curl, void *ssl_ctx, void *ctx)
{
    const struct s3_http *http = ctx;

    (void)curl;
    return s3_tls_use(http->tls, ssl_ctx) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static int tune_socket(void *ctx, curl_socket_t socket, curlsocktype purpose)
{
    struct s3_http *http = ctx;
    unsigned milliseconds = UNACKNOWLEDGED_MS;

    (void)purpose;
    http->connections++;
    /* A system without it loses the shorter detection only: keep-alive still finds the dead peer. */
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return CURL_SOCKOPT_OK;
}

static size_t take_header(char *line, size_t size, size_t count, void *ctx)
{
    struct s3_http *http = ctx;
    size_t length = size * count;
    const char *colon, *value, *end = line + length;

    while (end > line && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    if (length >= 9 &&
            memcmp(line, "HTTP/", 5) == 0) { /* a status line: of a 100 Continue, then of the answer itself */
        long status = 0;
        (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
        http->status = (int)status;
        http->whole_head = false;
        return length;
    }
    if (end == line) {
        http->whole_head = true;
        return length;
    }
    colon = memchr(line, ':', (size_t)(end - line));
    if (colon == NULL || http->request->on_header == NULL || http->status < 200)
        return length;
    value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    http->request->on_header(http->request->ctx, line, (size_t)(colon - line), value, (size_t)(end - value));
    return length;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct s3_http *http = ctx;
    size_t length = size * count;

    if (http->request->on_body != NULL && !http->request->on_body(http->request->ctx, http->status, bytes, length)) {
        http->refused = true;
        return 0;
    }
    return length;
}

static size_t give_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct s3_http *http = ctx;
    const struct s3_reader *reader = http->request->reader;
    size_t room = size * count, given;

    if (reader == NULL)
        return 0;
    given = reader->read(reader->ctx, bytes, room);
    return given <= room ? given : CURL_READFUNC_ABORT;
}

/* curl goes back to the start when a kept connection turns out to be closed. */
static int seek_body(void *ctx, curl_off_t offset, int origin)
{
    struct s3_http *http = ctx;
    const struct s3_reader *reader = http->request->reader;

    if (offset != 0 || origin != SEEK_SET || reader == NULL)
        return CURL_SEEKFUNC_CANTSEEK;
    return reader->rewind != NULL && reader->rewind(reader->ctx) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK;
}

/* curl calls this at least once a second: it watches for a stop and for silence. curl's own low-speed limit would also
 * end a transfer that trickles below a byte a second on average, which is what a copy that takes minutes looks like. */
static int watch(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct s3_http *http = ctx;
    const struct s3_clock *clock = http->clock;
    int64_t now;

    (void)down_total;
    (void)up_total;
    if (clock->stopped != NULL && clock->stopped(clock->ctx)) {
        http->stopped = true;
        return 1;
    }
    now = clock->monotonic_ms(clock->ctx);
    if (down + up != http->moved_bytes) {
        http->moved_bytes = down + up;
        http->moved_ms = now;
    } else if (http->request->idle_ms > 0 && now - http->moved_ms > http->request->idle_ms) {
        http->idle = true;
        return 1;
    }
    return 0;
}

/* What stays the same for the life of the handle. */
static bool set_up(struct s3_http *http)
{
    CURL *curl = http->curl;
    CURLcode bad = CURLE_OK;

#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        CURLcode result_ = curl_easy_setopt(curl, option, value);                                                      \
        if (result_ != CURLE_OK)                                                                                       \
            bad = result_;                                                                                             \
    } while (0)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    SET(CURLOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    SET(CURLOPT_USERAGENT, "vaultferry/" VAULTFERRY_VERSION);
    SET(CURLOPT_ERRORBUFFER, http->message);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CAINFO, NULL); /* or curl would load the system's store for every handle */
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSL_CTX_FUNCTION, use_store);
    SET(CURLOPT_SSL_CTX_DATA, http);
    SET(CURLOPT_SOCKOPTFUNCTION, tune_socket);
    SET(CURLOPT_SOCKOPTDATA, http);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, http);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, http);
    SET(CURLOPT_READFUNCTION, give_body);
    SET(CURLOPT_READDATA, http);
    SET(CURLOPT_SEEKFUNCTION, seek_body);
    SET(CURLOPT_SEEKDATA, http);
    SET(CURLOPT_XFERINFOFUNCTION, watch);
    SET(CURLOPT_XFERINFODATA, http);
    SET(CURLOPT_NOPROGRESS, 0L);
#undef SET
    return bad == CURLE_OK;
}

enum s3_status s3_http_new(
        const struct s3_tls *tls, const struct s3_clock *clock, struct s3_http **http, struct s3_error *error)
{
    struct s3_http *made = calloc(1, sizeof *made);

    if (made == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    made->tls = tls;
    made->clock = clock;
    made->curl = curl_easy_init();
    if (made->curl == NULL || !set_up(made)) {
        s3_http_free(made);
        return s3_fail(error, S3_FATAL, "Curl", "a libcurl handle cannot be set up");
    }
    *http = made;
    return S3_OK;
}

void s3_http_free(struct s3_http *http)
{
    if (http == NULL)
        return;
    if (http->curl != NULL)
        curl_easy_cleanup(http->curl);
    free(http);
}

uint64_t s3_http_connections(const struct s3_http *http)
{
    return http->connections;
}

/* curl's list, laid over the request's own lines: curl reads them only. Built by curl_slist_append, each line would be
 * copied, wiped (there may be a session token) and freed again. */
static bool list_headers(struct s3_http *http, const struct s3_http_request *request)
{
    struct curl_slist *node = http->headers;
    bool has_type = false;

    if (request->header_count > S3_HTTP_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < request->header_count; i++) {
        (node++)->data = (char *)request->headers[i];
        if (strncasecmp(request->headers[i], no_type, sizeof no_type - 1) == 0)
            has_type = true;
    }
    (node++)->data = no_expect;
    (node++)->data = no_accept;
    if (!has_type)
        (node++)->data = no_type;
    for (struct curl_slist *at = http->headers; at + 1 < node; at++)
        at->next = at + 1;
    node[-1].next = NULL;
    return true;
}

/* A body in memory goes as curl's POST data whatever the method is: curl then sends it again by itself when a kept
 * connection turns out to be closed, where an upload by callback was seen to hang: such a one gets a new connection. */
static CURLcode set_body(struct s3_http *http, const struct s3_http_request *request)
{
    CURL *curl = http->curl;
    CURLcode result;

    if (request->reader != NULL) {
        result = curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        if (result == CURLE_OK)
            result = curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        if (result == CURLE_OK)
            result = curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->reader->length);
        return result;
    }
    result = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    return result;
}

static CURLcode set_method(struct s3_http *http, const struct s3_http_request *request)
{
    CURL *curl = http->curl;
    CURLcode result;
    bool put = strcmp(request->method, "PUT") == 0, post = strcmp(request->method, "POST") == 0;

    result = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L); /* takes back NOBODY, POST and UPLOAD of the last request */
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 0L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
    if (result != CURLE_OK)
        return result;
    if (strcmp(request->method, "HEAD") == 0)
        return curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (put || post || request->reader != NULL)
        result = set_body(http, request);
    if (result == CURLE_OK && strcmp(request->method, "GET") != 0)
        result = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    return result;
}

static enum s3_status judge(const struct s3_http *http, CURLcode result, struct s3_error *error)
{
    const char *detail = http->message[0] != '\0' ? http->message : curl_easy_strerror(result);

    switch (result) {
    case CURLE_OK: /* also where the connection ended within the header: what was to follow would pass for absent */
        return http->whole_head ? S3_OK
                                : s3_fail(error, S3_RETRY, "CutOff", "the answer was cut off within its header");
    case CURLE_ABORTED_BY_CALLBACK:
        if (http->stopped)
            return s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
        if (http->idle)
            return s3_fail(
                    error, S3_RETRY, "Timeout", "no byte for %lld s", (long long)(http->request->idle_ms / 1000));
        return s3_fail(error, S3_BAD_DATA, "Source", "the body's source gave up");
    case CURLE_WRITE_ERROR:
        return s3_fail(error, S3_FULL, "Sink", "the receiver of the answer gave up");
    case CURLE_OUT_OF_MEMORY: /* or, once an answer has begun, a header beyond curl's own bounds */
        if (http->status > 0)
            return s3_fail(error, S3_BAD_DATA, "BadAnswer", "the answer's header is too long, or memory is short");
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return s3_fail(error, S3_RETRY, "NameNotResolved", "%s", detail);
    case CURLE_COULDNT_CONNECT:
        return s3_fail(error, S3_RETRY, "NotConnected", "%s", detail);
    case CURLE_OPERATION_TIMEDOUT:
        return s3_fail(error, S3_RETRY, "Timeout", "%s", detail);
    case CURLE_PARTIAL_FILE:
        return s3_fail(error, S3_RETRY, "CutOff", "%s", detail);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return s3_fail(error, S3_FATAL, "NotTrusted", "%s", detail);
    case CURLE_URL_MALFORMAT:
        return s3_fail(error, S3_FATAL, "BadAddress", "%s: %s", detail, http->request->url);
    default: /* resets, refused sends, broken chunks, TLS alerts, what is no HTTP: it may be well again in a moment */
        return s3_fail(error, S3_RETRY, "Connection", "%s", detail);
    }
}

enum s3_status s3_http_perform(
        struct s3_http *http, const struct s3_http_request *request, int *http_status, struct s3_error *error)
{
    CURL *curl = http->curl;
    CURLcode result;
    enum s3_status status;

    *http_status = 0;
    if (!list_headers(http, request))
        return s3_fail(error, S3_REFUSED, "TooManyHeaders", "a request has at most %d headers", S3_HTTP_HEADERS_MAX);
    http->request = request;
    http->status = 0;
    http->whole_head = false;
    http->refused = http->stopped = http->idle = false;
    http->moved_ms = http->clock->monotonic_ms(http->clock->ctx);
    http->moved_bytes = 0;
    http->message[0] = '\0';

    result = set_method(http, request);
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_URL, request->url);
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->total_ms);
    if (result == CURLE_OK)
        result = curl_easy_setopt(curl, CURLOPT_NOPROXY, request->direct ? "*" : NULL);
    if (result == CURLE_OK)
        result = curl_easy_perform(curl);

    status = judge(http, result, error);
    *http_status = http->status;
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    http->request = NULL;
    return status;
}
