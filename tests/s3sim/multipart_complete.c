/* CompleteMultipartUpload: the parts that were named become an object. See multipart.h and ops.h. */
#include "digest.h"
#include "multipart.h"
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "world.h"
#include "xmlin.h"

#include <stdlib.h>

static bool etag_is(const char *text, const uint8_t md5[16])
{
    struct version v = { 0 };
    memcpy(v.md5, md5, 16);
    return text && version_etag_is(&v, text) && strcmp(text, "*") != 0;
}

/* Takes the listed parts out of the upload into chosen[]. */
static int choose_parts(const struct upload *u, const struct xml *x, const struct upload_part **chosen, size_t *n)
{
    unsigned long before = 0;
    for (const struct xml *c = x->child; c; c = c->next) {
        const char *number = xml_text(c, "PartNumber"), *etag = xml_text(c, "ETag");
        uint64_t want;
        if (strcmp(c->name, "Part") != 0 || !number || !etag || !text_u64(number, 10000, &want) || *n == 10000)
            return E_MALFORMED_XML;
        if (want <= before)
            return E_PART_ORDER;
        before = want;
        size_t i = 0;
        while (i < u->parts && u->part[i].number != want)
            i++;
        if (i == u->parts || !etag_is(etag, u->part[i].md5))
            return E_INVALID_PART;
        for (int a = 0; a < SUM_MD5; a++) {
            const char *said = xml_text(c, sum_element(a)), *have = bag_get(u->part[i].sums, sum_header(a));
            if (said && have && strcmp(said, have) != 0)
                return E_INVALID_PART;
        }
        chosen[(*n)++] = &u->part[i];
    }
    for (size_t i = 0; i + 1 < *n; i++)
        if (chosen[i]->size < world_limits()->min_part_size)
            return E_ENTITY_TOO_SMALL;
    return *n ? -1 : E_MALFORMED_XML;
}

/* Of the parts' sums (composite), or of the whole where its bytes are at hand and not too many. */
static void object_checksum(const struct upload *u, const struct upload_part **chosen, size_t n, struct version *v)
{
    struct sum s;
    uint8_t d[64];
    struct buf t = { 0 };
    if (u->algorithm < 0)
        return;
    if (u->full_object) {
        if (props_checksum(v->body, u->algorithm, &v->extra))
            bag_add(&v->extra, "x-amz-checksum-type", "FULL_OBJECT");
        return;
    }
    sum_begin(&s, u->algorithm);
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        const char *text = bag_get(chosen[i]->sums, sum_header(u->algorithm));
        long m = text && strlen(text) <= 60 ? text_base64(text, strlen(text), d) : -1;
        all = all && m > 0;
        if (m > 0)
            sum_add(&s, d, (size_t)m);
    }
    size_t m = sum_end(&s, d);
    buf_base64(&t, d, m);
    buf_char(&t, '-');
    buf_u64(&t, n);
    if (all) {
        bag_add(&v->extra, sum_header(u->algorithm), buf_cstr(&t));
        bag_add(&v->extra, "x-amz-checksum-type", "COMPOSITE");
    }
    buf_free(&t);
}

static void assemble(const struct upload *u, const struct upload_part **chosen, size_t n, struct version *v)
{
    struct body **ropes = mem_get(n * sizeof *ropes);
    uint8_t *sums = mem_get(n * 16);
    *v = u->v;
    v->attrs = bag_hold(u->v.attrs);
    v->tags = bag_hold(u->v.tags);
    v->extra = NULL;
    const char *name, *value; /* a bag of our own: the checksum is added to it */
    for (size_t at = 0; bag_next(u->v.extra, &at, &name, &value);)
        bag_add(&v->extra, name, value);
    v->parts = parts_new((unsigned)n);
    for (size_t i = 0; i < n; i++) {
        ropes[i] = body_hold(chosen[i]->body);
        memcpy(sums + 16 * i, chosen[i]->md5, 16);
        v->parts->part[i].size = chosen[i]->size;
        memcpy(v->parts->part[i].md5, chosen[i]->md5, 16);
    }
    v->body = body_rope(ropes, n);
    v->size = body_size(v->body);
    v->mtime = clock_now();
    digest_md5(sums, n * 16, v->md5);
    object_checksum(u, chosen, n, v);
    free(ropes);
    free(sums);
}

static int build(struct request *q, const struct upload *u, const struct xml *x, struct version *v)
{
    const struct upload_part **chosen = mem_get(10000 * sizeof *chosen);
    const char *said = request_header(q, "x-amz-mp-object-size");
    uint64_t want;
    size_t n = 0;
    int e = choose_parts(u, x, chosen, &n);
    if (e < 0) {
        assemble(u, chosen, n, v);
        if (said && (!text_u64(said, UINT64_MAX, &want) || want != v->size)) {
            version_drop(v);
            e = E_MP_SIZE;
        }
    }
    free(chosen);
    return e;
}

static void reply_complete(struct request *q, const struct version *v, unsigned parts, struct bag *extra)
{
    struct buf *b = &q->reply.text;
    q->reply.status = 200;
    object_reply_version(q, "x-amz-version-id", q->where, v->id);
    props_reply_encryption(q, extra);
    reply_xml(q, "CompleteMultipartUploadResult");
    BUF_LIT(b, "<Location>http://127.0.0.1/");
    buf_xmls(b, q->bucket);
    buf_char(b, '/');
    buf_uri(b, q->key, q->key_len);
    BUF_LIT(b, "</Location>");
    multipart_put_target(q);
    BUF_LIT(b, "<ETag>&quot;");
    buf_hex(b, v->md5, 16);
    buf_char(b, '-');
    buf_u64(b, parts);
    BUF_LIT(b, "&quot;</ETag>");
    props_checksum_elements(b, extra);
    BUF_LIT(b, "</CompleteMultipartUploadResult>");
}

void op_complete_upload(struct request *q)
{
    struct version v = { 0 };
    struct condition c = { request_header(q, "if-match"), request_header(q, "if-none-match") };
    struct xml *x = xml_parse(q->upload.p, q->upload.n);
    if (!x || strcmp(x->name, "CompleteMultipartUpload") != 0) {
        reply_fail(q, E_MALFORMED_XML);
        xml_free(x);
        return;
    }
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = multipart_find_locked(q), *u = at ? *at : NULL;
    int e = u ? build(q, u, x, &v) : E_NO_UPLOAD;
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
    } else {
        struct bag *extra = bag_hold(v.extra);
        unsigned parts = v.parts->n;
        if (!object_condition_failed(q, store_put(q->where, q->key, q->key_len, &v, &c))) {
            reply_complete(q, &v, parts, extra);
            *at = u->next;
            multipart_free(u);
        }
        bag_drop(extra);
    }
    pthread_mutex_unlock(&q->where->upload_lock);
    xml_free(x);
}
