/* See body.h. */
#include "body.h"

#include "buf.h"
#include "digest.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum kind { BYTES, PATTERN, SLICE, ROPE };

struct body {
    _Atomic int refs;
    enum kind kind;
    uint64_t size;
    uint64_t offset; /* SLICE */
    size_t n;        /* ROPE */
    union {
        uint8_t *bytes;
        uint8_t pattern[16];
        struct body *parent;
        struct body **child;
    } u;
};

static struct body *fresh(enum kind kind, uint64_t size)
{
    struct body *b = mem_get(sizeof *b);
    atomic_init(&b->refs, 1);
    b->kind = kind;
    b->size = size;
    return b;
}

struct body *body_bytes(void *takes, size_t n)
{
    struct body *b = fresh(BYTES, n);
    b->u.bytes = takes;
    return b;
}

struct body *body_pattern(const uint8_t pattern[16], uint64_t size)
{
    struct body *b = fresh(PATTERN, size);
    memcpy(b->u.pattern, pattern, 16);
    return b;
}

struct body *body_slice(struct body *b, uint64_t offset, uint64_t size)
{
    if (offset == 0 && size == b->size)
        return body_hold(b);
    if (b->kind == PATTERN) { /* turned so that it begins with its own first byte: equal bytes, equal description */
        uint8_t turned[16];
        for (unsigned i = 0; i < 16; i++)
            turned[i] = b->u.pattern[(offset + i) & 15];
        return body_pattern(turned, size);
    }
    if (b->kind == SLICE)
        return body_slice(b->u.parent, b->offset + offset, size);
    if (b->kind == ROPE) {
        uint64_t at = 0;
        for (size_t i = 0; i < b->n; at += b->u.child[i++]->size)
            if (offset >= at && offset + size <= at + b->u.child[i]->size)
                return body_slice(b->u.child[i], offset - at, size);
    }
    struct body *s = fresh(SLICE, size);
    s->offset = offset;
    s->u.parent = body_hold(b);
    return s;
}

struct body *body_rope(struct body **takes_refs, size_t n)
{
    uint64_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += takes_refs[i]->size;
    struct body *b = fresh(ROPE, size);
    b->n = n;
    b->u.child = mem_get(n * sizeof *b->u.child);
    memcpy(b->u.child, takes_refs, n * sizeof *b->u.child);
    return b;
}

struct body *body_hold(struct body *b)
{
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void body_drop(struct body *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (b->kind == BYTES)
        free(b->u.bytes);
    else if (b->kind == SLICE)
        body_drop(b->u.parent);
    else if (b->kind == ROPE) {
        for (size_t i = 0; i < b->n; i++)
            body_drop(b->u.child[i]);
        free(b->u.child);
    }
    free(b);
}

uint64_t body_size(const struct body *b)
{
    return b ? b->size : 0;
}

const void *body_flat(const struct body *b, uint64_t offset, uint64_t n)
{
    while (b && b->kind == SLICE) {
        offset += b->offset;
        b = b->u.parent;
    }
    if (!b || n == 0)
        return "";
    return b->kind == BYTES ? b->u.bytes + offset : NULL;
}

void body_read(const struct body *b, uint64_t offset, void *out, size_t n)
{
    uint8_t *o = out;
    if (!b || n == 0)
        return;
    switch (b->kind) {
    case BYTES:
        memcpy(o, b->u.bytes + offset, n);
        return;
    case PATTERN:
        for (size_t i = 0; i < n; i++)
            o[i] = b->u.pattern[(offset + i) & 15];
        return;
    case SLICE:
        body_read(b->u.parent, b->offset + offset, out, n);
        return;
    case ROPE:
        for (size_t i = 0; i < b->n && n > 0; i++) {
            uint64_t have = b->u.child[i]->size;
            if (offset >= have) {
                offset -= have;
                continue;
            }
            size_t take = have - offset < n ? (size_t)(have - offset) : n;
            body_read(b->u.child[i], offset, o, take);
            o += take;
            n -= take;
            offset = 0;
        }
    }
}

bool body_damage(const struct body *b, uint64_t offset)
{
    if (!b || offset >= b->size)
        return false;
    if (b->kind == BYTES) {
        b->u.bytes[offset] ^= 1;
        return true;
    }
    if (b->kind == SLICE)
        return body_damage(b->u.parent, b->offset + offset);
    for (size_t i = 0; b->kind == ROPE && i < b->n; i++) {
        if (offset < b->u.child[i]->size)
            return body_damage(b->u.child[i], offset);
        offset -= b->u.child[i]->size;
    }
    return false;
}

static int has_pattern(const struct body *b)
{
    if (b->kind == PATTERN)
        return 1;
    if (b->kind == SLICE)
        return has_pattern(b->u.parent);
    for (size_t i = 0; b->kind == ROPE && i < b->n; i++)
        if (has_pattern(b->u.child[i]))
            return 1;
    return 0;
}

static void describe(const struct body *b, struct buf *out)
{
    if (b->kind == ROPE) {
        for (size_t i = 0; i < b->n; i++)
            describe(b->u.child[i], out);
        return;
    }
    uint64_t head[2] = { b->size, b->kind == PATTERN ? 0 : b->offset + 1 };
    buf_put(out, head, sizeof head);
    if (b->kind == PATTERN)
        buf_put(out, b->u.pattern, 16);
    else
        buf_put(out, &b->u.parent, sizeof b->u.parent);
}

size_t body_sum(const struct body *b, int algorithm, uint8_t out[32])
{
    struct sum s;
    sum_begin(&s, algorithm);
    uint64_t size = body_size(b);
    const void *flat = body_flat(b, 0, size);
    if (flat) {
        sum_add(&s, flat, (size_t)size);
        return sum_end(&s, out);
    }
    uint8_t chunk[16384];
    for (uint64_t at = 0; at < size; at += sizeof chunk) {
        size_t n = size - at < sizeof chunk ? (size_t)(size - at) : sizeof chunk;
        body_read(b, at, chunk, n);
        sum_add(&s, chunk, n);
    }
    return sum_end(&s, out);
}

void body_md5(const struct body *b, uint8_t out[16])
{
    if (b && b->size > BODY_TRUE_MD5 && has_pattern(b)) {
        struct buf d = { 0 };
        describe(b, &d);
        digest_md5(d.p, d.n, out);
        buf_free(&d);
        return;
    }
    uint8_t full[32];
    (void)body_sum(b, SUM_MD5, full);
    memcpy(out, full, 16);
}

struct bag {
    _Atomic int refs;
    unsigned count;
    size_t n;
    char text[];
};

struct bag *bag_new(void)
{
    struct bag *b = mem_get(sizeof *b);
    atomic_init(&b->refs, 1);
    return b;
}

void bag_add(struct bag **bp, const char *name, const char *value)
{
    if (!*bp)
        *bp = bag_new();
    size_t a = strlen(name) + 1, v = strlen(value) + 1;
    struct bag *b = realloc(*bp, sizeof *b + (*bp)->n + a + v);
    if (!b)
        abort();
    memcpy(b->text + b->n, name, a);
    memcpy(b->text + b->n + a, value, v);
    b->n += a + v;
    b->count++;
    *bp = b;
}

struct bag *bag_hold(struct bag *b)
{
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void bag_drop(struct bag *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}

int bag_next(const struct bag *b, size_t *at, const char **name, const char **value)
{
    if (!b || *at >= b->n)
        return 0;
    *name = b->text + *at;
    *value = *name + strlen(*name) + 1;
    *at = (size_t)(*value + strlen(*value) + 1 - b->text);
    return 1;
}

const char *bag_get(const struct bag *b, const char *name)
{
    const char *k, *v;
    for (size_t at = 0; bag_next(b, &at, &k, &v);)
        if (!strcmp(k, name))
            return v;
    return NULL;
}

size_t bag_count(const struct bag *b)
{
    return b ? b->count : 0;
}

struct parts *parts_new(unsigned n)
{
    struct parts *p = mem_get(sizeof *p + n * sizeof p->part[0]);
    atomic_init(&p->refs, 1);
    p->n = n;
    return p;
}

struct parts *parts_hold(struct parts *p)
{
    if (p)
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void parts_drop(struct parts *p)
{
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        free(p);
}
