/* ListObjects (both versions) and ListObjectVersions. See ops.h.
 *
 * A page is written while the bucket's lock is held for reading, by hand: a page of a thousand keys is a matter of tens
 * of microseconds, as benches of listing clients need it. */
#include "ops.h"
#include "props.h"
#include "stamp.h"

#include <stdlib.h>

struct page {
    struct request *q;
    struct buf *b;
    const char *prefix, *delimiter;
    size_t prefix_len, delimiter_len;
    bool url, owner;
    uint64_t max, shown;
    struct buf prefixes, last; /* the last thing shown: a key, or a common prefix */
    bool truncated;
    int64_t date;
    char date_text[24];
};

static void text(struct page *p, const char *s, size_t n)
{
    if (p->url)
        buf_list_url(p->b, s, n);
    else
        buf_xml(p->b, s, n);
}

static void text_element(struct page *p, const char *name, const char *s, size_t n)
{
    buf_char(p->b, '<');
    buf_str(p->b, name);
    buf_char(p->b, '>');
    text(p, s, n);
    BUF_LIT(p->b, "</");
    buf_str(p->b, name);
    buf_char(p->b, '>');
}

static bool page_open(struct page *p, struct request *q)
{
    const struct param *prefix = request_param(q, "prefix"), *delimiter = request_param(q, "delimiter");
    const char *encoding = request_value(q, "encoding-type"), *max = request_value(q, "max-keys");
    const char *owner = request_value(q, "fetch-owner");
    memset(p, 0, sizeof *p);
    p->q = q;
    p->b = &q->reply.text;
    p->prefix = prefix ? prefix->value : "";
    p->prefix_len = prefix ? prefix->value_len : 0;
    p->delimiter = delimiter ? delimiter->value : "";
    p->delimiter_len = delimiter ? delimiter->value_len : 0;
    p->owner = owner && !strcmp(owner, "true");
    p->max = 1000;
    p->date = INT64_MIN;
    if (encoding && strcmp(encoding, "url") != 0) {
        reply_fail_with(q, E_INVALID_ARGUMENT, "ArgumentName", "encoding-type");
        return false;
    }
    p->url = encoding != NULL;
    if (max && !text_u64(max, INT32_MAX, &p->max)) {
        reply_fail(q, E_MAX_KEYS);
        return false;
    }
    if (p->max > 1000)
        p->max = 1000;
    q->reply.status = 200;
    return true;
}

static void page_close(struct page *p)
{
    buf_free(&p->prefixes);
    buf_free(&p->last);
}

static void put_date(struct page *p, int64_t t)
{
    if (t != p->date) {
        stamp_iso(p->b, t);
        memcpy(p->date_text, p->b->p + p->b->n - 24, 24);
        p->date = t;
        return;
    }
    buf_put(p->b, p->date_text, 24);
}

static void put_owner(struct page *p)
{
    BUF_LIT(p->b, "<Owner><ID>");
    buf_str(p->b, p->q->where->account);
    BUF_LIT(p->b, "</ID></Owner>");
}

#define PUT(o, lit) (memcpy((o), "" lit, sizeof(lit) - 1), (o) + sizeof(lit) - 1)

/* One reservation and plain stores: this is the inner loop of every bench of a listing client. */
static void put_common(struct page *p, int64_t mtime, const uint8_t md5[16], unsigned parts, uint64_t size, int class)
{
    struct buf *b = p->b;
    BUF_LIT(b, "<LastModified>");
    put_date(p, mtime);
    char *start = buf_room(b, 256), *o = start;
    o = PUT(o, "</LastModified><ETag>&quot;");
    for (size_t i = 0; i < 16; i++) {
        *o++ = "0123456789abcdef"[md5[i] >> 4];
        *o++ = "0123456789abcdef"[md5[i] & 15];
    }
    if (parts) {
        b->n += (size_t)(o - start);
        buf_char(b, '-');
        buf_u64(b, parts);
        start = o = buf_room(b, 200);
    }
    o = PUT(o, "&quot;</ETag><Size>");
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + size % 10);
    while (size /= 10);
    memcpy(o, digits + i, sizeof digits - i);
    o += sizeof digits - i;
    o = PUT(o, "</Size><StorageClass>");
    const char *name = class_name(class);
    while (*name)
        *o++ = *name++;
    o = PUT(o, "</StorageClass>");
    b->n += (size_t)(o - start);
}

static void put_checksum(struct page *p, const struct version *v)
{
    const char *name = props_checksum_name(v->extra);
    if (!name)
        return;
    const char *type = bag_get(v->extra, "x-amz-checksum-type");
    buf_element(p->b, "ChecksumAlgorithm", name);
    buf_element(p->b, "ChecksumType", type ? type : "FULL_OBJECT");
}

static void put_entry(struct page *p, const struct entry *e)
{
    BUF_LIT(p->b, "<Contents><Key>");
    text(p, e->key, e->n);
    BUF_LIT(p->b, "</Key>");
    if (e->head) {
        const struct version *v = e->head;
        if (v->extra)
            put_checksum(p, v);
        put_common(p, v->mtime, v->md5, v->parts ? v->parts->n : 0, v->size, v->storage_class);
    } else {
        struct synth_entry s;
        synth_entry(p->q->where->synth, e->k, &s);
        put_common(p, s.mtime, s.md5, 0, s.size, CLASS_STANDARD);
    }
    if (p->owner)
        put_owner(p);
    BUF_LIT(p->b, "</Contents>");
}

static void set_last(struct page *p, const char *s, size_t n)
{
    p->last.n = 0;
    buf_put(&p->last, s, n);
}

/* The length of the common prefix that this key rolls up into, or 0. */
static size_t rolled_up(const struct page *p, const char *key, size_t n)
{
    if (!p->delimiter_len || n < p->prefix_len)
        return 0;
    const char *at = memmem(key + p->prefix_len, n - p->prefix_len, p->delimiter, p->delimiter_len);
    return at ? (size_t)(at - key) + p->delimiter_len : 0;
}

static void put_prefix(struct page *p, const char *s, size_t n)
{
    struct buf *b = p->b;
    p->b = &p->prefixes;
    BUF_LIT(p->b, "<CommonPrefixes>");
    text_element(p, "Prefix", s, n);
    BUF_LIT(p->b, "</CommonPrefixes>");
    p->b = b;
}

/* Goes to the first key behind all that begin with s. */
static bool seek_behind(struct cursor *c, struct bucket *bucket, const char *s, size_t n)
{
    struct buf t = { 0 };
    buf_put(&t, s, n);
    while (t.n && (unsigned char)t.p[t.n - 1] == 0xff)
        t.n--;
    if (t.n == 0)
        return false;
    t.p[t.n - 1]++;
    cursor_seek(c, bucket, t.p, t.n, false);
    buf_free(&t);
    return true;
}

/* Fills a page of current objects from behind `after` (a key, or a common prefix that is done with). */
static void fill(struct page *p, const char *after, size_t after_len)
{
    struct bucket *bucket = p->q->where;
    struct cursor c = { .b = bucket, .k = UINT64_MAX };
    struct entry e;
    size_t rolled =
            after_len > p->prefix_len && !memcmp(after, p->prefix, p->prefix_len) ? rolled_up(p, after, after_len) : 0;
    if (rolled == after_len && rolled)
        (void)seek_behind(&c, bucket, after, after_len);
    else if (after_len && (after_len >= p->prefix_len || memcmp(after, p->prefix, after_len) > 0))
        cursor_seek(&c, bucket, after, after_len, true);
    else
        cursor_seek(&c, bucket, p->prefix, p->prefix_len, false);
    while (cursor_next(&c, &e)) {
        int order = memcmp(e.key, p->prefix, e.n < p->prefix_len ? e.n : p->prefix_len);
        if (order < 0 || (order == 0 && e.n < p->prefix_len)) { /* start-after lies before the prefix */
            cursor_seek(&c, bucket, p->prefix, p->prefix_len, false);
            continue;
        }
        if (order > 0)
            break;
        if (e.head && e.head->marker)
            continue;
        if (p->shown == p->max) {
            p->truncated = true;
            break;
        }
        size_t n = rolled_up(p, e.key, e.n);
        p->shown++;
        if (!n) {
            put_entry(p, &e);
            set_last(p, e.key, e.n);
            continue;
        }
        put_prefix(p, e.key, n);
        set_last(p, e.key, n);
        if (!seek_behind(&c, bucket, p->last.p, n))
            break;
    }
    if (p->max == 0)
        p->truncated = false;
}

/* Tokens are the last key in hex behind a mark: opaque, and a client that uses a token as a key is found out. */
static void put_token(struct buf *b, const struct buf *last)
{
    BUF_LIT(b, "1~");
    for (size_t i = last->n; i-- > 0;) {
        uint8_t c = (uint8_t)last->p[i] ^ 0x5a;
        buf_hex(b, &c, 1);
    }
}

static bool read_token(const struct param *t, struct buf *key)
{
    size_t n = t->value_len;
    if (n < 2 || memcmp(t->value, "1~", 2) != 0 || n % 2)
        return false;
    for (size_t i = n; i > 2; i -= 2) {
        char pair[4] = { '%', t->value[i - 2], t->value[i - 1], 0 }, c;
        if (text_unescape(pair, 3, &c, 0) != 1)
            return false;
        buf_char(key, (char)(c ^ 0x5a));
    }
    return true;
}

static void put_head(struct page *p)
{
    buf_element(p->b, "Name", p->q->where->name);
    text_element(p, "Prefix", p->prefix, p->prefix_len);
    if (p->delimiter_len)
        text_element(p, "Delimiter", p->delimiter, p->delimiter_len);
    BUF_LIT(p->b, "<MaxKeys>");
    buf_u64(p->b, p->max);
    BUF_LIT(p->b, "</MaxKeys>");
    if (p->url)
        BUF_LIT(p->b, "<EncodingType>url</EncodingType>");
}

static void put_truncated(struct page *p)
{
    buf_element(p->b, "IsTruncated", p->truncated ? "true" : "false");
}

/* The page faults that need to know what a page is; the rest is done on the finished text. */
static void spoil(struct page *p)
{
    if (p->q->fault.kind == FAULT_LIST_EMPTY_PAGE && p->shown) {
        char *start = strstr(buf_cstr(p->b), "<Contents>");
        p->b->n = start ? (size_t)(start - p->b->p) : p->b->n;
        p->prefixes.n = 0;
        p->shown = 0;
        p->truncated = true;
    } else if (p->q->fault.kind == FAULT_LIST_END_EARLY) {
        p->truncated = false;
    }
}

/* Swaps the first two entries. */
static void disorder(struct buf *b)
{
    char *one = strstr(buf_cstr(b), "<Contents>");
    char *two = one ? strstr(one + 1, "<Contents>") : NULL;
    char *three = two ? strstr(two + 1, "</Contents>") : NULL;
    if (!three)
        return;
    three += 11;
    struct buf t = { 0 };
    buf_put(&t, two, (size_t)(three - two));
    buf_put(&t, one, (size_t)(two - one));
    memcpy(one, t.p, t.n);
    buf_free(&t);
}

void op_list_objects(struct request *q)
{
    struct page p;
    struct buf token = { 0 };
    const char *type = request_value(q, "list-type");
    bool v2 = type && !strcmp(type, "2");
    const struct param *after = request_param(q, v2 ? "start-after" : "marker");
    const struct param *given = v2 ? request_param(q, "continuation-token") : NULL;
    if (!page_open(&p, q))
        return;
    if (!v2)
        p.owner = true;
    if (given && !read_token(given, &token)) {
        reply_fail(q, E_INVALID_TOKEN_ARG);
        buf_free(&token);
        page_close(&p);
        return;
    }
    const char *from = given ? token.p : after ? after->value : "";
    size_t from_len = given ? token.n : after ? after->value_len : 0;
    if (q->fault.kind == FAULT_LIST_REPEAT) /* the first page again, whatever was asked for */
        from = "", from_len = 0;
    buf_grow(p.b, p.max * 320 + 1024);
    reply_xml(q, "ListBucketResult");
    put_head(&p);
    if (after && (v2 || after->value_len))
        text_element(&p, v2 ? "StartAfter" : "Marker", after->value, after->value_len);
    if (given)
        buf_element(p.b, "ContinuationToken", given->value);
    pthread_rwlock_rdlock(&q->where->lock);
    fill(&p, from ? from : "", from_len);
    pthread_rwlock_unlock(&q->where->lock);
    spoil(&p);
    buf_put(p.b, p.prefixes.p, p.prefixes.n);
    if (v2) {
        BUF_LIT(p.b, "<KeyCount>");
        buf_u64(p.b, p.shown);
        BUF_LIT(p.b, "</KeyCount>");
    }
    put_truncated(&p);
    if (p.truncated && v2) {
        BUF_LIT(p.b, "<NextContinuationToken>");
        put_token(p.b, &p.last);
        BUF_LIT(p.b, "</NextContinuationToken>");
    } else if (p.truncated && p.delimiter_len) {
        text_element(&p, "NextMarker", p.last.p, p.last.n);
    }
    BUF_LIT(p.b, "</ListBucketResult>");
    if (q->fault.kind == FAULT_LIST_DISORDER)
        disorder(p.b);
    buf_free(&token);
    page_close(&p);
}

static void put_version(struct page *p, const struct entry *e, const struct version *v, bool latest)
{
    char id[40];
    struct version computed = { 0 };
    if (!v) {
        struct synth_entry s;
        synth_entry(p->q->where->synth, e->k, &s);
        computed.mtime = s.mtime;
        computed.size = s.size;
        memcpy(computed.md5, s.md5, 16);
        v = &computed;
    }
    if (v->marker)
        BUF_LIT(p->b, "<DeleteMarker><Key>");
    else
        BUF_LIT(p->b, "<Version><Key>");
    text(p, e->key, e->n);
    BUF_LIT(p->b, "</Key>");
    version_id_text(v->id, id);
    buf_element(p->b, "VersionId", id);
    buf_element(p->b, "IsLatest", latest ? "true" : "false");
    if (v->marker) {
        BUF_LIT(p->b, "<LastModified>");
        put_date(p, v->mtime);
        BUF_LIT(p->b, "</LastModified>");
    } else {
        put_checksum(p, v);
        put_common(p, v->mtime, v->md5, v->parts ? v->parts->n : 0, v->size, v->storage_class);
    }
    put_owner(p);
    if (v->marker)
        BUF_LIT(p->b, "</DeleteMarker>");
    else
        BUF_LIT(p->b, "</Version>");
}

struct marker {
    const char *key;
    size_t n;
    uint64_t id;
    bool has_id;
};

static void fill_versions(struct page *p, const struct marker *m, uint64_t *last_id)
{
    struct bucket *bucket = p->q->where;
    struct cursor c = { .b = bucket, .k = UINT64_MAX };
    struct entry e;
    size_t rolled = m->n ? rolled_up(p, m->key, m->n) : 0;
    if (rolled && rolled == m->n)
        (void)seek_behind(&c, bucket, m->key, m->n);
    else
        cursor_seek(&c, bucket, m->key, m->n, m->n && !m->has_id);
    while (!p->truncated && cursor_next(&c, &e)) {
        int order = memcmp(e.key, p->prefix, e.n < p->prefix_len ? e.n : p->prefix_len);
        if (order < 0 || (order == 0 && e.n < p->prefix_len)) {
            cursor_seek(&c, bucket, p->prefix, p->prefix_len, false);
            continue;
        }
        if (order > 0)
            break;
        size_t n = rolled_up(p, e.key, e.n);
        if (n) {
            if (p->shown == p->max) {
                p->truncated = true;
                break;
            }
            p->shown++;
            put_prefix(p, e.key, n);
            set_last(p, e.key, n);
            *last_id = 0;
            if (!seek_behind(&c, bucket, p->last.p, n))
                break;
            continue;
        }
        const struct version *v = e.head;
        if (m->has_id && m->n == e.n && !memcmp(m->key, e.key, e.n)) {
            while (v && v->id != m->id)
                v = v->older;
            v = v ? v->older : NULL;
            if (!v)
                continue;
        }
        do {
            if (p->shown == p->max) {
                p->truncated = true;
                break;
            }
            p->shown++;
            put_version(p, &e, v, v == e.head);
            set_last(p, e.key, e.n);
            *last_id = v ? v->id : 0;
            v = v ? v->older : NULL;
        } while (v);
    }
    if (p->max == 0)
        p->truncated = false;
}

void op_list_versions(struct request *q)
{
    struct page p;
    const struct param *key = request_param(q, "key-marker"), *id = request_param(q, "version-id-marker");
    struct marker m = { .key = key ? key->value : "", .n = key ? key->value_len : 0 };
    uint64_t last = 0;
    if (!page_open(&p, q))
        return;
    m.has_id = id && id->value_len;
    if (m.has_id && (!key || !version_id_parse(id->value, id->value_len, &m.id))) {
        reply_fail(q, E_VERSION_ID);
        page_close(&p);
        return;
    }
    reply_xml(q, "ListVersionsResult");
    put_head(&p);
    text_element(&p, "KeyMarker", m.key, m.n);
    buf_element(p.b, "VersionIdMarker", id ? id->value : "");
    pthread_rwlock_rdlock(&q->where->lock);
    fill_versions(&p, &m, &last);
    pthread_rwlock_unlock(&q->where->lock);
    if (q->fault.kind == FAULT_LIST_END_EARLY)
        p.truncated = false;
    buf_put(p.b, p.prefixes.p, p.prefixes.n);
    put_truncated(&p);
    if (p.truncated) {
        char t[40];
        version_id_text(last, t);
        text_element(&p, "NextKeyMarker", p.last.p, p.last.n);
        buf_element(p.b, "NextVersionIdMarker", t);
    }
    BUF_LIT(p.b, "</ListVersionsResult>");
    page_close(&p);
}
