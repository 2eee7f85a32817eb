/* ListObjectVersions. See ops.h. */
#include "ops.h"
#include "page.h"

#include <stdlib.h>

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
    page_text(p, e->key, e->n);
    BUF_LIT(p->b, "</Key>");
    version_id_text(v->id, id);
    buf_element(p->b, "VersionId", id);
    buf_element(p->b, "IsLatest", latest ? "true" : "false");
    if (v->marker) {
        BUF_LIT(p->b, "<LastModified>");
        page_date(p, v->mtime);
        BUF_LIT(p->b, "</LastModified>");
    } else {
        page_checksum(p, v);
        page_restore(p, v);
        page_common(p, v->mtime, v->md5, v->parts ? v->parts->n : 0, v->size, v->storage_class);
    }
    page_owner(p);
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
    size_t rolled = m->n ? page_rolled_up(p, m->key, m->n) : 0;
    if (rolled && rolled == m->n)
        (void)page_seek_behind(&c, bucket, m->key, m->n);
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
        size_t n = page_rolled_up(p, e.key, e.n);
        if (n) {
            if (p->shown == p->max) {
                p->truncated = true;
                break;
            }
            p->shown++;
            page_prefix(p, e.key, n);
            page_set_last(p, e.key, n);
            *last_id = 0;
            if (!page_seek_behind(&c, bucket, p->last.p, n))
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
            page_set_last(p, e.key, e.n);
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
    page_head(&p);
    page_element(&p, "KeyMarker", m.key, m.n);
    buf_element(p.b, "VersionIdMarker", id ? id->value : "");
    pthread_rwlock_rdlock(&q->where->lock);
    fill_versions(&p, &m, &last);
    pthread_rwlock_unlock(&q->where->lock);
    if (q->fault.kind == FAULT_LIST_END_EARLY)
        p.truncated = false;
    buf_put(p.b, p.prefixes.p, p.prefixes.n);
    page_truncated(&p);
    if (p.truncated) {
        char t[40];
        version_id_text(last, t);
        page_element(&p, "NextKeyMarker", p.last.p, p.last.n);
        buf_element(p.b, "NextVersionIdMarker", t);
    }
    BUF_LIT(p.b, "</ListVersionsResult>");
    page_close(&p);
}
