/* See request.h. */
#include "request.h"

#include "digest.h"
#include "stamp.h"

#include <stdlib.h>
#include <strings.h>

static const struct {
    int status;
    const char *code, *message;
} errors[] = {
#define E(id, status, code, message) { status, code, message },
#include "errors.inc"
#undef E
};

const char *request_header(const struct request *q, const char *name)
{
    size_t n = strlen(name);
    for (unsigned i = 0; i < q->headers; i++)
        if (q->header[i].name_len == n && !strcasecmp(q->header[i].name, name))
            return q->header[i].value;
    return NULL;
}

const struct param *request_param(const struct request *q, const char *name)
{
    for (unsigned i = 0; i < q->params; i++)
        if (!strcmp(q->param[i].name, name))
            return &q->param[i];
    return NULL;
}

const char *request_value(const struct request *q, const char *name)
{
    const struct param *p = request_param(q, name);
    return p ? p->value : NULL;
}

static char *split_query(struct request *q, char *o)
{
    const char *p = q->target + q->path_len;
    if (*p == '?')
        p++;
    while (*p) {
        size_t n = strcspn(p, "&"), name = 0;
        while (name < n && p[name] != '=')
            name++;
        if (n > 0) {
            if (q->params == MAX_PARAMS) {
                q->bad_target = "too many parameters";
                return o;
            }
            struct param *a = &q->param[q->params++];
            a->has_value = name < n;
            a->name = o;
            long m = text_unescape(p, name, o, 1);
            long v = m < 0 || !a->has_value ? 0 : text_unescape(p + name + 1, n - name - 1, o + m + 1, 1);
            if (m < 0 || v < 0) {
                q->params--;
                q->bad_target = "bad escape in the query";
                return o;
            }
            o[m] = 0;
            a->name_len = (size_t)m;
            a->value = o + m + 1;
            a->value[v] = 0;
            a->value_len = (size_t)v;
            o = a->value + v + 1;
        }
        p += n + (p[n] == '&');
    }
    return o;
}

/* bucket.s3.localhost:port */
static size_t bucket_of_host(const struct request *q)
{
    const char *host = request_header(q, "host");
    if (!host)
        return 0;
    size_t n = strcspn(host, ":");
    static const char suffix[] = ".s3.localhost";
    size_t m = sizeof suffix - 1;
    return n > m && !strncasecmp(host + n - m, suffix, m) ? n - m : 0;
}

void request_target(struct request *q)
{
    size_t n = strlen(q->target);
    q->path_len = strcspn(q->target, "?");
    q->decoded = mem_get(n + 3 * MAX_PARAMS + 8);
    char *o = split_query(q, q->decoded);
    const char *path = q->target;
    if (*path != '/') {
        q->bad_target = "the target has no leading slash";
        return;
    }
    size_t at = 1, host = bucket_of_host(q);
    if (host) {
        if (host < sizeof q->bucket)
            memcpy(q->bucket, request_header(q, "host"), host);
        else
            q->bad_target = "bucket name";
    } else {
        while (at < q->path_len && path[at] != '/')
            at++;
        long m = at - 1 < 3 * sizeof q->bucket ? text_unescape(path + 1, at - 1, o, 0) : -1;
        if (m < 0 || (size_t)m >= sizeof q->bucket || memchr(o, 0, (size_t)m)) {
            q->bad_target = "bucket name";
            return;
        }
        memcpy(q->bucket, o, (size_t)m);
        at += at < q->path_len;
    }
    long m = text_unescape(path + at, q->path_len - at, o, 0);
    if (m < 0) {
        q->bad_target = "bad escape in the path";
        return;
    }
    o[m] = 0;
    q->key = o;
    q->key_len = (size_t)m;
}

static void add_trailer(struct request *q, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || q->headers == MAX_HEADERS)
        return;
    *colon++ = 0;
    while (*colon == ' ')
        colon++;
    q->header[q->headers++] = (struct header){ line, colon, strlen(line) };
}

bool request_aws_chunked(struct request *q)
{
    char *p = q->upload.p, *end = p + q->upload.n, *o = p;
    if (!p)
        return false;
    (void)buf_cstr(&q->upload);
    p = q->upload.p, end = p + q->upload.n, o = p;
    for (;;) {
        char *line = memchr(p, '\n', (size_t)(end - p)), *stop;
        if (!line)
            return false;
        unsigned long long n = strtoull(p, &stop, 16);
        if (stop == p || (*stop != '\r' && *stop != ';'))
            return false;
        p = line + 1;
        if (n == 0)
            break;
        if ((unsigned long long)(end - p) < n + 2)
            return false;
        memmove(o, p, n);
        o += n;
        p += n + 2;
    }
    size_t decoded = (size_t)(o - q->upload.p);
    /* a copy: the block they stand in becomes the object's */
    free(q->trailers);
    q->trailers = mem_dup(p, (size_t)(end - p));
    end = q->trailers + (end - p);
    p = q->trailers;
    while (p < end) {
        char *line = memchr(p, '\n', (size_t)(end - p));
        if (!line)
            break;
        *line = 0;
        if (line > p && line[-1] == '\r')
            line[-1] = 0;
        add_trailer(q, p);
        p = line + 1;
    }
    q->upload.n = decoded;
    const char *said = request_header(q, "x-amz-decoded-content-length");
    uint64_t want;
    return said && text_u64(said, UINT64_MAX, &want) && want == decoded;
}

char *request_form(const struct request *q, const char *name)
{
    const char *p = q->upload.p, *end = p + q->upload.n;
    size_t want = strlen(name);
    while (p < end) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        if (!stop)
            stop = end;
        if ((size_t)(stop - p) > want && !memcmp(p, name, want) && p[want] == '=') {
            char *out = mem_get((size_t)(stop - p) + 1);
            long n = text_unescape(p + want + 1, (size_t)(stop - p) - want - 1, out, 1);
            if (n >= 0)
                return out;
            free(out);
            return NULL;
        }
        p = stop + 1;
    }
    return NULL;
}

void request_free(struct request *q)
{
    free(q->target);
    free(q->decoded);
    free(q->trailers);
    buf_free(&q->upload);
    buf_free(&q->detail);
    buf_free(&q->reply.headers);
    buf_free(&q->reply.text);
    body_drop(q->reply.body);
    free(q);
}

void reply_header(struct request *q, const char *name, const char *value)
{
    buf_put(&q->reply.headers, name, strlen(name) + 1);
    buf_put(&q->reply.headers, value, strlen(value) + 1);
}

void reply_header_u64(struct request *q, const char *name, uint64_t value)
{
    buf_put(&q->reply.headers, name, strlen(name) + 1);
    buf_u64(&q->reply.headers, value);
    buf_char(&q->reply.headers, 0);
}

void reply_header_time(struct request *q, const char *name, int64_t seconds)
{
    char t[30];
    stamp_http(t, seconds);
    reply_header(q, name, t);
}

void reply_etag(struct request *q, const struct version *v)
{
    struct buf *b = &q->reply.headers;
    buf_put(b, "ETag", 5);
    buf_char(b, '"');
    version_etag(v, b);
    buf_char(b, '"');
    buf_char(b, 0);
}

void reply_xml(struct request *q, const char *root)
{
    struct buf *b = &q->reply.text;
    q->reply.is_xml = true;
    BUF_LIT(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    buf_str(b, root);
    BUF_LIT(b, " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
}

static void fail(
        struct request *q, int status, const char *code, const char *message, const char *element, const char *value)
{
    struct buf *b = &q->reply.text;
    q->reply.status = status;
    q->reply.code = code;
    q->reply.is_xml = true;
    body_drop(q->reply.body);
    q->reply.body = NULL;
    q->reply.from = q->reply.size = 0;
    b->n = 0;
    BUF_LIT(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    buf_element(b, "Code", code);
    buf_element(b, "Message", message);
    if (element)
        buf_element(b, element, value);
    if (q->bucket[0])
        buf_element(b, "BucketName", q->bucket);
    if (q->key_len && status == 404) {
        BUF_LIT(b, "<Key>");
        buf_xml(b, q->key, q->key_len);
        BUF_LIT(b, "</Key>");
    }
    buf_put(b, q->detail.p, q->detail.n);
    char id[40];
    version_id_text(q->id, id);
    id[16] = 0;
    buf_element(b, "RequestId", id);
    buf_element(b, "HostId", "s3sim+host/id=");
    BUF_LIT(b, "</Error>");
}

void reply_fail(struct request *q, enum s3_error e)
{
    fail(q, errors[e].status, errors[e].code, errors[e].message, NULL, NULL);
}

void reply_fail_as(struct request *q, int status, const char *code, const char *message)
{
    fail(q, status, code, message, NULL, NULL);
}

void reply_fail_with(struct request *q, enum s3_error e, const char *element, const char *value)
{
    fail(q, errors[e].status, errors[e].code, errors[e].message, element, value);
}
