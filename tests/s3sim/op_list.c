/* ListObjects, both versions. See ops.h. */
#include "ops.h"
#include "page.h"
#include "props.h"

#include <stdlib.h>

static void put_entry(struct page *p, const struct entry *e)
{
    BUF_LIT(p->b, "<Contents><Key>");
    page_text(p, e->key, e->n);
    BUF_LIT(p->b, "</Key>");
    if (e->head) {
        const struct version *v = e->head;
        if (v->extra) {
            page_checksum(p, v);
            page_restore(p, v);
        }
        page_common(p, v->mtime, v->md5, v->parts ? v->parts->n : 0, v->size, v->storage_class);
    } else {
        struct synth_entry s;
        synth_entry(p->q->where->synth, e->k, &s);
        page_common(p, s.mtime, s.md5, 0, s.size, CLASS_STANDARD);
    }
    if (p->owner)
        page_owner(p);
    BUF_LIT(p->b, "</Contents>");
}

/* Fills a page of current objects from behind `after` (a key, or a common prefix that is done with). */
static void fill(struct page *p, const char *after, size_t after_len)
{
    struct bucket *bucket = p->q->where;
    struct cursor c = { .b = bucket, .k = UINT64_MAX };
    struct entry e;
    size_t rolled = after_len > p->prefix_len && !memcmp(after, p->prefix, p->prefix_len)
                            ? page_rolled_up(p, after, after_len)
                            : 0;
    if (rolled == after_len && rolled)
        (void)page_seek_behind(&c, bucket, after, after_len);
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
        size_t n = page_rolled_up(p, e.key, e.n);
        p->shown++;
        if (!n) {
            put_entry(p, &e);
            page_set_last(p, e.key, e.n);
            continue;
        }
        page_prefix(p, e.key, n);
        page_set_last(p, e.key, n);
        if (!page_seek_behind(&c, bucket, p->last.p, n))
            break;
    }
    if (p->max == 0)
        p->truncated = false;
}

/* Tokens are the last key in hex behind a mark: opaque, and a client that uses a token as a key is found out. */
static void put_token(struct buf *b, const struct buf *last, bool again)
{
    buf_str(b, again ? "2~" : "1~"); /* the same place again is another token: some clients refuse one that repeats */
    for (size_t i = last->n; i-- > 0;) {
        uint8_t c = (uint8_t)last->p[i] ^ 0x5a;
        buf_hex(b, &c, 1);
    }
}

static bool read_token(const struct param *t, struct buf *key)
{
    size_t n = t->value_len;
    if (n < 2 || (memcmp(t->value, "1~", 2) != 0 && memcmp(t->value, "2~", 2) != 0) || n % 2)
        return false;
    for (size_t i = n; i > 2; i -= 2) {
        char pair[4] = { '%', t->value[i - 2], t->value[i - 1], 0 }, c;
        if (text_unescape(pair, 3, &c, 0) != 1)
            return false;
        buf_char(key, (char)(c ^ 0x5a));
    }
    return true;
}

static void drop_entries(struct page *p)
{
    char *start = strstr(buf_cstr(p->b), "<Contents>");
    p->b->n = start ? (size_t)(start - p->b->p) : p->b->n;
    p->prefixes.n = 0;
    p->shown = 0;
}

/* The page faults that need to know what a page is; the rest is done on the finished text. */
static void spoil(struct page *p, const char *from, size_t from_len)
{
    if (p->q->fault.kind == FAULT_LIST_EMPTY_PAGE &&
            p->shown) { /* its token leads to where the page began: nothing is lost */
        drop_entries(p);
        p->truncated = true;
        page_set_last(p, from, from_len);
    } else if (p->q->fault.kind == FAULT_LIST_END_EARLY) {
        p->truncated = false;
    } else if (p->q->fault.kind == FAULT_LIST_EMPTY) {
        drop_entries(p);
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
    page_head(&p);
    if (after && (v2 || after->value_len))
        page_element(&p, v2 ? "StartAfter" : "Marker", after->value, after->value_len);
    if (given)
        buf_element(p.b, "ContinuationToken", given->value);
    pthread_rwlock_rdlock(&q->where->lock);
    fill(&p, from ? from : "", from_len);
    pthread_rwlock_unlock(&q->where->lock);
    spoil(&p, from ? from : "", from_len);
    buf_put(p.b, p.prefixes.p, p.prefixes.n);
    if (v2) {
        BUF_LIT(p.b, "<KeyCount>");
        buf_u64(p.b, p.shown);
        BUF_LIT(p.b, "</KeyCount>");
    }
    page_truncated(&p);
    if (p.truncated && v2) {
        BUF_LIT(p.b, "<NextContinuationToken>");
        put_token(p.b, &p.last, p.shown == 0);
        BUF_LIT(p.b, "</NextContinuationToken>");
    } else if (p.truncated && p.delimiter_len) {
        page_element(&p, "NextMarker", p.last.p, p.last.n);
    }
    BUF_LIT(p.b, "</ListBucketResult>");
    if (q->fault.kind == FAULT_LIST_DISORDER)
        disorder(p.b);
    buf_free(&token);
    page_close(&p);
}
