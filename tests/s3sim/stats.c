/* See stats.h. */
#include "stats.h"

#include "ops.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MAX_OPS = 128, RING = 4096 };

static _Atomic uint64_t by_op[MAX_OPS], by_op_failed[MAX_OPS], by_status[600];
static _Atomic uint64_t total, bytes_in, bytes_out, accepted, used;
static _Atomic int64_t in_flight, peak, open_now, open_peak;

struct seen { /* text: method, target, headers… each with NUL */
    const char *operation;
    int status;
    uint64_t number;
    char bucket[64];
    struct buf text, key, caller;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen ring[RING];
static uint64_t next_number;

void stats_start(void)
{
    stats_reset();
}

void stats_stop(void)
{
    for (size_t i = 0; i < RING; i++) {
        buf_free(&ring[i].text);
        buf_free(&ring[i].key);
        buf_free(&ring[i].caller);
    }
}

static void raise_peak(_Atomic int64_t *top, int64_t now)
{
    int64_t was = atomic_load_explicit(top, memory_order_relaxed);
    while (now > was &&
            !atomic_compare_exchange_weak_explicit(top, &was, now, memory_order_relaxed, memory_order_relaxed))
        ;
}

void stats_connection(bool opened)
{
    if (opened) {
        atomic_fetch_add(&accepted, 1);
        raise_peak(&open_peak, atomic_fetch_add(&open_now, 1) + 1);
    } else {
        atomic_fetch_sub(&open_now, 1);
    }
}

void stats_connection_used(void)
{
    atomic_fetch_add(&used, 1);
}

void stats_begin(void)
{
    raise_peak(&peak, atomic_fetch_add_explicit(&in_flight, 1, memory_order_relaxed) + 1);
}

void stats_end(void)
{
    atomic_fetch_sub_explicit(&in_flight, 1, memory_order_relaxed);
}

static void put(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s) + 1);
}

void stats_record(const struct request *q, int status)
{
    size_t i = ops_index(q->op);
    atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&by_op[i], 1, memory_order_relaxed);
    if (status >= 400 || status <= 0)
        atomic_fetch_add_explicit(&by_op_failed[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&by_status[status > 0 && status < 600 ? status : 0], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes_in, q->received, memory_order_relaxed);
    if (!q->is_head)
        atomic_fetch_add_explicit(&bytes_out, q->reply.body ? q->reply.size : q->reply.text.n, memory_order_relaxed);
    pthread_mutex_lock(&lock);
    struct seen *s = &ring[next_number % RING];
    s->number = next_number++;
    s->operation = q->op->name;
    s->status = status;
    memcpy(s->bucket, q->bucket, sizeof s->bucket);
    s->text.n = s->key.n = s->caller.n = 0;
    buf_put(&s->key, q->key, q->key_len);
    put(&s->text, q->method);
    put(&s->text, q->target);
    put(&s->text, q->reply.code ? q->reply.code : "");
    put(&s->caller, q->caller);
    for (unsigned k = 0; k < q->headers; k++) {
        const char *name = q->header[k].name;
        bool secret = !strcasecmp(name, "authorization") || !strcasecmp(name, "x-amz-security-token") ||
                      !strcasecmp(name, "x-amz-server-side-encryption-customer-key");
        put(&s->text, name);
        put(&s->text, secret ? "(not kept)" : q->header[k].value);
    }
    pthread_mutex_unlock(&lock);
}

void stats_reset(void)
{
    for (int i = 0; i < MAX_OPS; i++)
        by_op[i] = by_op_failed[i] = 0;
    for (int i = 0; i < 600; i++)
        by_status[i] = 0;
    total = bytes_in = bytes_out = accepted = used = 0;
    atomic_store(&peak, atomic_load(&in_flight));
    atomic_store(&open_peak, atomic_load(&open_now));
    pthread_mutex_lock(&lock);
    next_number = 0;
    pthread_mutex_unlock(&lock);
}

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

json_t *stats_counters(void)
{
    json_t *out = json_object(), *ops = json_object(), *failed = json_object(), *statuses = json_object();
    for (size_t i = 0; ops_at(i); i++) {
        const char *name = ops_at(i)->name; /* several rows may share a name */
        if (by_op[i])
            json_object_set_new(ops, name, number(by_op[i] + (uint64_t)json_integer_value(json_object_get(ops, name))));
        if (by_op_failed[i])
            json_object_set_new(failed, name,
                    number(by_op_failed[i] + (uint64_t)json_integer_value(json_object_get(failed, name))));
    }
    for (int i = 0; i < 600; i++)
        if (by_status[i]) {
            char name[8];
            snprintf(name, sizeof name, "%d", i);
            json_object_set_new(statuses, i ? name : "none", number(by_status[i]));
        }
    json_object_set_new(out, "requests", number(total));
    json_object_set_new(out, "operations", ops);
    json_object_set_new(out, "failed", failed);
    json_object_set_new(out, "statuses", statuses);
    json_object_set_new(out, "bytes_in", number(bytes_in));
    json_object_set_new(out, "bytes_out", number(bytes_out));
    json_object_set_new(out, "peak_concurrency", json_integer(peak));
    json_object_set_new(out, "connections",
            json_pack("{s:I, s:I, s:I, s:I}", "accepted", (json_int_t)accepted, "used", (json_int_t)used, "open",
                    (json_int_t)open_now, "peak", (json_int_t)open_peak));
    return out;
}

/* JSON text is UTF-8; headers and targets may hold any byte, so bytes over 0x7e become U+0080 and up, one for one. */
static json_t *latin(const char *s, size_t n)
{
    struct buf b = { 0 };
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x80)
            buf_char(&b, (char)(0xc0 | c >> 6));
        buf_char(&b, (char)(c >= 0x80 ? 0x80 | (c & 63) : c));
    }
    json_t *j = json_stringn(b.p ? b.p : "", b.n);
    buf_free(&b);
    return j ? j : json_string("");
}

static json_t *describe(const struct seen *s)
{
    const char *p = s->text.p, *end = p + s->text.n;
    json_t *o = json_object(), *headers = json_object(), *key = json_stringn(s->key.p ? s->key.p : "", s->key.n);
    json_object_set_new(o, "method", json_string(p));
    p += strlen(p) + 1;
    json_object_set_new(o, "target", latin(p, strlen(p)));
    p += strlen(p) + 1;
    json_object_set_new(o, "code", *p ? json_string(p) : json_null());
    p += strlen(p) + 1;
    while (p < end) {
        char name[128] = "";
        for (size_t i = 0; i < sizeof name - 1 && p[i]; i++)
            name[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
        const char *value = p + strlen(p) + 1;
        json_object_set_new(headers, name, latin(value, strlen(value)));
        p = value + strlen(value) + 1;
    }
    json_object_set_new(o, "operation", json_string(s->operation));
    json_object_set_new(o, "bucket", latin(s->bucket, strlen(s->bucket)));
    json_object_set_new(o, "key", key ? key : latin(s->key.p, s->key.n));
    json_object_set_new(o, "caller", json_string(s->caller.p));
    json_object_set_new(o, "status", json_integer(s->status));
    json_object_set_new(o, "number", number(s->number));
    json_object_set_new(o, "headers", headers);
    return o;
}

json_t *stats_requests(size_t last)
{
    json_t *out = json_array();
    pthread_mutex_lock(&lock);
    uint64_t n = next_number < RING ? next_number : RING;
    if (last < n)
        n = last;
    for (uint64_t i = next_number - n; i < next_number; i++)
        json_array_append_new(out, describe(&ring[i % RING]));
    pthread_mutex_unlock(&lock);
    return out;
}
