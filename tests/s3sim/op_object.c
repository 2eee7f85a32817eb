/* PutObject, GetObject, HeadObject. See ops.h. */
#include "access.h"
#include "lock.h"
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

bool object_version_param(struct request *q, struct version_ref *out)
{
    const struct param *p = request_param(q, "versionId");
    out->given = p != NULL;
    out->id = 0;
    if (!p || version_id_parse(p->value, p->value_len, &out->id))
        return true;
    reply_fail(q, E_VERSION_ID);
    return false;
}

void object_reply_version(struct request *q, const char *header, const struct bucket *b, uint64_t id)
{
    char text[40];
    if (b->versioning == VERSIONING_NEVER)
        return;
    version_id_text(id, text);
    reply_header(q, header, text);
}

void object_missing(struct request *q, enum found f, struct version_ref which, const struct version *v)
{
    if (f == IS_MARKER) {
        reply_header(q, "x-amz-delete-marker", "true");
        object_reply_version(q, "x-amz-version-id", q->where, v->id);
    }
    if (f == IS_MARKER && which.given) {
        reply_header_time(q, "Last-Modified", v->mtime);
        reply_fail(q, E_METHOD_NOT_ALLOWED);
    } else if (f == NO_VERSION) {
        reply_fail(q, E_NO_VERSION);
    } else {
        reply_fail(q, access_allowed(q, "s3:ListBucket", q->where, NULL, 0) ? E_NO_KEY : E_ACCESS_DENIED);
    }
}

bool object_condition_failed(struct request *q, enum put_result r)
{
    if (r == PUT_DONE)
        return false;
    if (r == PUT_NO_KEY)
        reply_fail(q, E_NO_KEY);
    else
        reply_fail_with(
                q, E_PRECONDITION, "Condition", request_header(q, "if-none-match") ? "If-None-Match" : "If-Match");
    return true;
}

void op_put_object(struct request *q)
{
    struct version v = { .mtime = clock_now(), .size = q->upload.n };
    struct condition c = { request_header(q, "if-match"), request_header(q, "if-none-match") };
    if (v.size > world_limits()->max_put_size) {
        reply_fail(q, E_ENTITY_TOO_LARGE);
        return;
    }
    if (v.size) {
        v.body = body_bytes(q->upload.p, q->upload.n);
        q->upload = (struct buf){ 0 };
    }
    int e = props_class(q, &v);
    e = e < 0 ? props_attrs(q, &v) : e;
    e = e < 0 ? props_extra(q, &v) : e;
    e = e < 0 ? props_tags(q, &v) : e;
    e = e < 0 ? props_verify(q, v.body, &v.extra) : e;
    if (e < 0 && bag_get(v.extra, LOCK_MODE) && !request_header(q, "content-md5") && !props_checksum_name(v.extra))
        e = E_LOCK_MD5;
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
        version_drop(&v);
        return;
    }
    body_md5(v.body, v.md5);
    if (props_hides_md5(&v))
        props_veil_md5(&v);
    struct bag *extra = bag_hold(v.extra);
    if (!object_condition_failed(q, store_put(q->where, q->key, q->key_len, &v, &c))) {
        v.parts = NULL;
        reply_etag(q, &v);
        object_reply_version(q, "x-amz-version-id", q->where, v.id);
        props_reply_encryption(q, extra);
        props_reply_checksums(q, extra);
        if (props_checksum_name(extra))
            reply_header(q, "x-amz-checksum-type", "FULL_OBJECT");
    }
    bag_drop(extra);
}

static bool time_header(const struct request *q, const char *name, int64_t *t)
{
    const char *value = request_header(q, name);
    return value && stamp_parse(value, t);
}

int object_conditions(const struct request *q, const char *prefix, const struct version *v)
{
    char name[4][48];
    static const char *const tail[4] = { "if-match", "if-none-match", "if-modified-since", "if-unmodified-since" };
    for (int i = 0; i < 4; i++)
        snprintf(name[i], sizeof name[i], "%s%s", prefix, tail[i]);
    const char *match = request_header(q, name[0]), *none = request_header(q, name[1]);
    int64_t t;
    if (match && !version_etag_is(v, match))
        return 412;
    if (!match && time_header(q, name[3], &t) && v->mtime > t)
        return 412;
    if (none && version_etag_is(v, none))
        return 304;
    if (!none && time_header(q, name[2], &t) && v->mtime <= t)
        return 304;
    return -1;
}

static bool number(const char **p, uint64_t *out)
{
    const char *from = *p;
    for (*out = 0; **p >= '0' && **p <= '9' && *p - from < 19; ++*p)
        *out = *out * 10 + (uint64_t)(**p - '0');
    return *p > from;
}

bool object_exact_range(const char *p, uint64_t *from, uint64_t *to)
{
    if (strncmp(p, "bytes=", 6) != 0)
        return false;
    p += 6;
    if (!number(&p, from) || *p++ != '-' || !number(&p, to))
        return false;
    return *p == 0 && *from <= *to;
}

/* 1: from and to are set; 0: no range, or one to ignore; -1: not satisfiable */
static int range_of(const struct request *q, uint64_t size, uint64_t *from, uint64_t *to)
{
    const char *p = request_header(q, "range");
    if (!p || strncmp(p, "bytes=", 6) != 0 || strchr(p, ','))
        return 0;
    p += 6;
    if (*p == '-') {
        uint64_t last;
        p++;
        if (!number(&p, &last) || *p)
            return 0;
        if (last == 0 || size == 0)
            return -1;
        *from = last < size ? size - last : 0;
        *to = size - 1;
        return 1;
    }
    if (!number(&p, from) || *p++ != '-')
        return 0;
    *to = UINT64_MAX;
    if (*p && (!number(&p, to) || *p || *to < *from))
        return 0;
    if (*from >= size)
        return -1;
    if (*to >= size)
        *to = size - 1;
    return 1;
}

/* The byte range of ?partNumber. As range_of. */
static int part_of(struct request *q, const struct version *v, uint64_t *from, uint64_t *to)
{
    const char *text = request_value(q, "partNumber");
    uint64_t n;
    if (!text)
        return 0;
    if (!text_u64(text, 10000, &n) || n == 0)
        return -1;
    if (!v->parts) {
        *from = 0;
        *to = v->size ? v->size - 1 : 0;
        return n == 1 ? 1 : -1;
    }
    if (n > v->parts->n)
        return -1;
    *from = 0;
    for (uint64_t i = 0; i + 1 < n; i++)
        *from += v->parts->part[i].size;
    *to = *from + v->parts->part[n - 1].size - 1;
    reply_header_u64(q, "x-amz-mp-parts-count", v->parts->n);
    return 1;
}

static void reply_content(struct request *q, const struct version *v)
{
    uint64_t from = 0, to = v->size ? v->size - 1 : 0;
    bool by_part = request_param(q, "partNumber") != NULL;
    int some = by_part ? part_of(q, v, &from, &to) : range_of(q, v->size, &from, &to);
    if (some < 0) {
        reply_fail(q, by_part ? E_PART_RANGE : E_RANGE);
        return;
    }
    const char *mode = request_header(q, "x-amz-checksum-mode");
    q->reply.status = some && v->size ? 206 : 200;
    q->reply.body = version_body(v);
    q->reply.from = some ? from : 0;
    q->reply.size = v->size == 0 ? 0 : to - from + 1;
    if (q->reply.status == 206) {
        char text[80];
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)from, (unsigned long long)to,
                (unsigned long long)v->size);
        reply_header(q, "Content-Range", text);
    }
    reply_header(q, "accept-ranges", "bytes");
    props_reply(q, v, mode && !strcmp(mode, "ENABLED") && !some);
}

static bool wrong_customer_key(const struct request *q, const struct version *v)
{
    static const char name[] = "x-amz-server-side-encryption-customer-key-md5";
    const char *want = bag_get(v->extra, name), *have = request_header(q, name);
    return want ? !have || strcmp(want, have) != 0 : have != NULL;
}

void op_get_object(struct request *q)
{
    struct version v;
    struct version_ref which;
    if (!object_version_param(q, &which))
        return;
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    int c = f == FOUND ? object_conditions(q, "", &v) : -1;
    if (f != FOUND) {
        object_missing(q, f, which, &v);
    } else if (wrong_customer_key(q, &v)) {
        reply_fail(q, E_CUSTOMER_KEY);
    } else if (c == 412) {
        reply_fail(q, E_PRECONDITION);
    } else if (!q->is_head && props_is_archived(&v)) {
        reply_fail_with(q, E_OBJECT_STATE, "StorageClass", class_name(v.storage_class));
    } else {
        reply_header_time(q, "Last-Modified", v.mtime);
        reply_etag(q, &v);
        object_reply_version(q, "x-amz-version-id", q->where, v.id);
        if (c == 304)
            q->reply.status = 304;
        else
            reply_content(q, &v);
    }
    version_drop(&v);
}
