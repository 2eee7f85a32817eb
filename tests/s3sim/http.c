/* See http.h. The target is taken from the log callback, before the library touches it, and the library's unescaping is
 * off. */
#include "http.h"

#include "control.h"
#include "latency.h"
#include "serve.h"
#include "stamp.h"
#include "stats.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { MAX_UPLOAD = 1 << 30, TRICKLE_MS = 100 };

struct http {
    struct MHD_Daemon *daemon;
};

enum phase { NEW, READING, SLEEPING, ANSWERED };

struct exchange {
    struct request *q;
    enum phase phase;
    bool control;
};

/* What a streamed answer needs; freed with the response. */
struct stream {
    struct MHD_Connection *c;
    struct body *body; /* or text */
    struct buf text;
    uint64_t from;
    uint64_t stop;    /* truncated: bytes after which the connection breaks; UINT64_MAX: never */
    int64_t until_ms; /* trickle: white space until then */
    uint64_t head, spaces;
    bool slept;
};

/* A connection's own: the library forgets to report the end of a request whose target it refuses, so what is under way
 * is remembered here too. */
struct link {
    bool used;
    struct exchange *now;
};

static struct link *link_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void exchange_end(struct link *l)
{
    struct exchange *x = l ? l->now : NULL;
    if (!x)
        return;
    if (!x->control)
        stats_end();
    request_free(x->q);
    free(x);
    l->now = NULL;
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
    struct exchange *x = mem_get(sizeof *x);
    struct link *l = link_of(c);
    exchange_end(l);
    x->q = mem_get(sizeof *x->q);
    x->q->target = mem_dup(target, strlen(target));
    x->q->tls = cls != NULL;
    x->control = !strncmp(target, "/_s3sim/", 8);
    if (!x->control)
        stats_begin();
    l->now = x;
    return x;
}

static void on_done(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)why;
    if (*state)
        exchange_end(link_of(c));
    *state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
    (void)cls, (void)c;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = mem_get(sizeof(struct link));
        stats_connection(true);
    } else {
        exchange_end(*context);
        free(*context);
        *context = NULL;
        stats_connection(false);
    }
}

static size_t no_unescape(void *cls, struct MHD_Connection *c, char *s)
{
    (void)cls, (void)c;
    return strlen(s);
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *q = cls;
    (void)kind;
    if (q->headers < MAX_HEADERS - 8) /* room for the trailers of a chunked body */
        q->header[q->headers++] = (struct header){ name, value ? value : "", strlen(name) };
    return MHD_YES;
}

static void begin(struct exchange *x, struct MHD_Connection *c, const char *method)
{
    struct request *q = x->q;
    uint64_t length;
    q->method = method;
    q->is_head = !strcmp(method, "HEAD");
    (void)MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, q);
    const char *said = request_header(q, "content-length");
    if (said && text_u64(said, MAX_UPLOAD, &length) && length)
        buf_grow(&q->upload, (size_t)length + 1);
    struct link *l = link_of(c);
    if (!l->used && !x->control) {
        l->used = true;
        stats_connection_used();
    }
}

static void take_body(struct request *q, const char *p, size_t n)
{
    if (q->upload.n + n > MAX_UPLOAD)
        q->over_limit = true;
    else
        buf_put(&q->upload, p, n);
}

static enum MHD_Result reset_connection(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct linger hard = { .l_onoff = 1 };
    if (info)
        (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    return MHD_NO;
}

static ssize_t trickle(struct stream *s, uint64_t at, char *out, size_t max)
{
    if (at < s->head) {
        size_t n = s->head - at < max ? (size_t)(s->head - at) : max;
        memcpy(out, s->text.p + at, n);
        return (ssize_t)n;
    }
    if (clock_steady_ms() < s->until_ms) {
        s->slept = !s->slept;
        if (s->slept) /* nothing yet, and no thread is held meanwhile */
            return timer_sleep(s->c, TRICKLE_MS) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
        s->spaces++;
        *out = ' ';
        return 1;
    }
    uint64_t from = at - s->spaces;
    if (from >= s->text.n)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t n = s->text.n - from < max ? (size_t)(s->text.n - from) : max;
    memcpy(out, s->text.p + from, n);
    return (ssize_t)n;
}

static ssize_t on_read(void *cls, uint64_t at, char *out, size_t max)
{
    struct stream *s = cls;
    if (s->until_ms)
        return trickle(s, at, out, max);
    if (at >= s->stop)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (max > s->stop - at)
        max = (size_t)(s->stop - at);
    uint64_t size = s->body ? UINT64_MAX : s->text.n;
    if (at >= size)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (s->body) {
        body_read(s->body, s->from + at, out, max);
        return (ssize_t)max;
    }
    if (max > size - at)
        max = (size_t)(size - at);
    memcpy(out, s->text.p + at, max);
    return (ssize_t)max;
}

static void on_stream_end(void *cls)
{
    struct stream *s = cls;
    body_drop(s->body);
    buf_free(&s->text);
    free(s);
}

static void drop_flat(void *cls)
{
    body_drop(cls);
}

static struct MHD_Response *streamed(struct request *q, struct MHD_Connection *c)
{
    struct stream *s = mem_get(sizeof *s);
    uint64_t size = q->reply.body ? q->reply.size : q->reply.text.n;
    s->c = c;
    s->body = q->reply.body;
    s->text = q->reply.text;
    s->from = q->reply.from;
    s->stop = UINT64_MAX;
    q->reply.body = NULL;
    q->reply.text = (struct buf){ 0 };
    if (q->fault.kind == FAULT_TRUNCATE)
        s->stop = q->fault.bytes < size ? q->fault.bytes : size / 2;
    if (q->fault.kind == FAULT_TRICKLE && !s->body) {
        const char *line = s->text.n ? memchr(s->text.p, '\n', s->text.n) : NULL;
        s->head = line ? (uint64_t)(line - s->text.p) + 1 : 0;
        s->until_ms = clock_steady_ms() + q->fault.ms;
        size = MHD_SIZE_UNKNOWN;
    }
    return MHD_create_response_from_callback(size, 16384, on_read, s, on_stream_end);
}

static struct MHD_Response *content(struct request *q, struct MHD_Connection *c)
{
    struct reply *r = &q->reply;
    if (q->fault.kind == FAULT_TRUNCATE || (q->fault.kind == FAULT_TRICKLE && r->status == 200))
        return streamed(q, c);
    if (r->body) {
        const void *flat = body_flat(r->body, r->from, r->size);
        if (!flat || q->is_head)
            return streamed(q, c);
        struct body *b = r->body;
        r->body = NULL;
        return MHD_create_response_from_buffer_with_free_callback_cls(
                (size_t)r->size, (void *)(uintptr_t)flat, drop_flat, b);
    }
    if (r->text.n == 0 || (q->is_head && r->status >= 300))
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *m = MHD_create_response_from_buffer(r->text.n, r->text.p, MHD_RESPMEM_MUST_FREE);
    r->text = (struct buf){ 0 };
    return m;
}

static enum MHD_Result answer(struct exchange *x, struct MHD_Connection *c)
{
    struct request *q = x->q;
    if (q->reply.status == 0)
        return reset_connection(c);
    bool type = q->reply.is_xml && q->reply.text.n && !q->is_head;
    struct MHD_Response *m = content(q, c);
    char text[40];
    if (!m)
        return MHD_NO;
    if (x->control) {
        (void)MHD_add_response_header(m, "Content-Type", "application/json");
    } else {
        version_id_text(q->id, text);
        text[16] = 0;
        (void)MHD_add_response_header(m, "x-amz-request-id", text);
        (void)MHD_add_response_header(m, "x-amz-id-2", "s3sim+host/id=");
        stamp_http(text, clock_now());
        (void)MHD_add_response_header(m, "Date", text);
        (void)MHD_add_response_header(m, "Server", "AmazonS3");
        if (type)
            (void)MHD_add_response_header(m, "Content-Type", "application/xml");
    }
    const char *p = buf_cstr(&q->reply.headers), *end = p + q->reply.headers.n;
    while (p < end) {
        const char *value = p + strlen(p) + 1;
        (void)MHD_add_response_header(m, p, value);
        p = value + strlen(value) + 1;
    }
    enum MHD_Result r = MHD_queue_response(c, (unsigned)q->reply.status, m);
    MHD_destroy_response(m);
    x->phase = ANSWERED;
    return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
        const char *version, const char *data, size_t *size, void **state)
{
    struct exchange *x = *state;
    (void)cls, (void)url, (void)version;
    if (x->phase == NEW) {
        begin(x, c, method);
        x->phase = READING;
        return MHD_YES;
    }
    if (x->phase == READING && *size) {
        take_body(x->q, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (x->control) {
        control_serve(x->q);
        return answer(x, c);
    }
    if (x->phase == READING) {
        int64_t ms = serve_prepare(x->q);
        x->phase = SLEEPING;
        if (ms > 0 && timer_sleep(c, ms))
            return MHD_YES;
    }
    serve_perform(x->q);
    return answer(x, c);
}

struct http *http_start(const struct http_options *o)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(o->port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_OptionItem more[8] = { 0 };
    size_t n = 0;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    void *tls = NULL;
    if (o->threads > 1)
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)o->threads, NULL };
    if (o->certificate) {
        flags |= MHD_USE_TLS;
        tls = (void *)(uintptr_t) "tls";
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->certificate };
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key };
    }
    more[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    struct http *h = mem_get(sizeof *h);
    h->daemon = MHD_start_daemon(flags, o->port, NULL, NULL, on_request, tls, MHD_OPTION_SOCK_ADDR, &to,
            MHD_OPTION_URI_LOG_CALLBACK, on_target, tls, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
            MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
            MHD_OPTION_CONNECTION_LIMIT, 2000u, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (!h->daemon) {
        free(h);
        return NULL;
    }
    return h;
}

uint16_t http_port(const struct http *h)
{
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return i ? i->port : 0;
}

void http_stop(struct http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon);
    free(h);
}
