/* Multipart uploads. See multipart.h and ops.h. */
#include "multipart.h"

#include "access.h"
#include "copysource.h"
#include "digest.h"
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "world.h"
#include "xmlin.h"

#include <stdlib.h>

struct upload_part {
    unsigned number;
    struct body *body;
    uint64_t size;
    int64_t mtime;
    uint8_t md5[16];
    struct bag *sums;
};

struct upload {
    struct upload *next;
    uint64_t id;
    char *key;
    size_t key_len;
    int64_t initiated;
    char account[13];
    struct version v; /* all that was said at the creation */
    int algorithm;    /* of the additional checksum; -1 none */
    bool full_object;
    struct upload_part *part; /* by number */
    size_t parts, cap;
};

static void part_clear(struct upload_part *p)
{
    body_drop(p->body);
    bag_drop(p->sums);
}

static void upload_free(struct upload *u)
{
    for (size_t i = 0; i < u->parts; i++)
        part_clear(&u->part[i]);
    version_drop(&u->v);
    free(u->part);
    free(u->key);
    free(u);
}

void multipart_clear(struct bucket *b)
{
    while (b->uploads) {
        struct upload *u = b->uploads;
        b->uploads = u->next;
        upload_free(u);
    }
}

int multipart_any(struct bucket *b)
{
    pthread_mutex_lock(&b->upload_lock);
    int any = b->uploads != NULL;
    pthread_mutex_unlock(&b->upload_lock);
    return any;
}

/* The place of the request's upload in the list; NULL when there is none. Under the upload lock. */
static struct upload **find_locked(const struct request *q)
{
    const struct param *p = request_param(q, "uploadId");
    uint64_t id;
    if (!p || !version_id_parse(p->value, p->value_len, &id) || id == 0)
        return NULL;
    for (struct upload **at = &q->where->uploads; *at; at = &(*at)->next)
        if ((*at)->id == id && (*at)->key_len == q->key_len && !memcmp((*at)->key, q->key, q->key_len))
            return at;
    return NULL;
}

static void put_target(struct request *q)
{
    buf_element(&q->reply.text, "Bucket", q->bucket);
    BUF_LIT(&q->reply.text, "<Key>");
    buf_xml(&q->reply.text, q->key, q->key_len);
    BUF_LIT(&q->reply.text, "</Key>");
}

void op_create_upload(struct request *q)
{
    struct upload *u = mem_get(sizeof *u);
    const char *algorithm = request_header(q, "x-amz-checksum-algorithm");
    const char *type = request_header(q, "x-amz-checksum-type");
    u->algorithm = algorithm ? sum_by_name(algorithm) : -1;
    u->full_object = type ? !strcmp(type, "FULL_OBJECT") : u->algorithm == SUM_CRC64NVME;
    int e = algorithm && u->algorithm < 0 ? E_CHECKSUM_ALGORITHM : -1;
    e = e < 0 ? props_class(q, &u->v) : e;
    e = e < 0 ? props_attrs(q, &u->v) : e;
    e = e < 0 ? props_extra(q, &u->v) : e;
    e = e < 0 ? props_tags(q, &u->v) : e;
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
        upload_free(u);
        return;
    }
    char id[40];
    u->id = version_new_id();
    u->key = mem_dup(q->key, q->key_len);
    u->key_len = q->key_len;
    u->initiated = clock_now();
    memcpy(u->account, q->where->account, sizeof u->account);
    version_id_text(u->id, id);
    q->reply.status = 200;
    props_reply_encryption(q, u->v.extra);
    if (u->algorithm >= 0) {
        reply_header(q, "x-amz-checksum-algorithm", sum_name(u->algorithm));
        reply_header(q, "x-amz-checksum-type", u->full_object ? "FULL_OBJECT" : "COMPOSITE");
    }
    reply_xml(q, "InitiateMultipartUploadResult");
    put_target(q);
    buf_element(&q->reply.text, "UploadId", id);
    BUF_LIT(&q->reply.text, "</InitiateMultipartUploadResult>");
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = &q->where->uploads;
    while (*at) /* in the order of their beginning */
        at = &(*at)->next;
    *at = u;
    pthread_mutex_unlock(&q->where->upload_lock);
}

static bool part_number(struct request *q, unsigned *out)
{
    const char *text = request_value(q, "partNumber");
    uint64_t n = 0;
    if (text && text_u64(text, 10000, &n) && n > 0) {
        *out = (unsigned)n;
        return true;
    }
    reply_fail(q, E_PART_NUMBER);
    return false;
}

/* Takes the part. False when the upload is gone. */
static bool keep_part(struct request *q, struct upload_part *p)
{
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = find_locked(q);
    if (!at) {
        pthread_mutex_unlock(&q->where->upload_lock);
        part_clear(p);
        reply_fail(q, E_NO_UPLOAD);
        return false;
    }
    struct upload *u = *at;
    size_t i = u->parts;
    while (i > 0 && u->part[i - 1].number >= p->number)
        i--;
    if (i < u->parts && u->part[i].number == p->number) {
        part_clear(&u->part[i]);
    } else {
        if (u->parts == u->cap) {
            u->cap = u->cap ? u->cap * 2 : 16;
            u->part = realloc(u->part, u->cap * sizeof *u->part);
            if (!u->part)
                abort();
        }
        memmove(u->part + i + 1, u->part + i, (u->parts - i) * sizeof *u->part);
        u->parts++;
    }
    u->part[i] = *p;
    pthread_mutex_unlock(&q->where->upload_lock);
    return true;
}

static int upload_algorithm(struct request *q)
{
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = find_locked(q);
    int a = at ? (*at)->algorithm : -2;
    pthread_mutex_unlock(&q->where->upload_lock);
    return a;
}

static void forget_bytes(const struct request *q, struct upload_part *p)
{
    if (!q->where->metadata_only || !p->body)
        return;
    body_drop(p->body);
    p->body = body_pattern(p->md5, p->size);
}

void op_upload_part(struct request *q)
{
    struct upload_part p = { .mtime = clock_now(), .size = q->upload.n };
    int algorithm = upload_algorithm(q);
    if (!part_number(q, &p.number))
        return;
    if (algorithm == -2) {
        reply_fail(q, E_NO_UPLOAD);
        return;
    }
    p.body = body_bytes(q->upload.p, q->upload.n);
    q->upload = (struct buf){ 0 };
    int e = props_verify(q, p.body, &p.sums);
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
        part_clear(&p);
        return;
    }
    if (algorithm >= 0 && !p.sums)
        (void)props_checksum(p.body, algorithm, &p.sums);
    body_md5(p.body, p.md5);
    forget_bytes(q, &p);
    struct bag *sums = bag_hold(p.sums);
    struct version shown = { 0 };
    memcpy(shown.md5, p.md5, 16);
    if (keep_part(q, &p)) {
        q->reply.status = 200;
        reply_etag(q, &shown);
        props_reply_encryption(q, NULL);
        props_reply_checksums(q, sums);
    }
    bag_drop(sums);
}

static bool source_range(struct request *q, const struct copy_source *s, uint64_t *from, uint64_t *n)
{
    const char *text = request_header(q, "x-amz-copy-source-range");
    uint64_t to;
    *from = 0;
    *n = s->v.size;
    if (!text) {
        if (s->v.size <= world_limits()->max_copy_size)
            return true;
        reply_fail(q, E_COPY_TOO_LARGE);
        return false;
    }
    if (!object_exact_range(text, from, &to)) {
        reply_fail(q, E_COPY_RANGE);
        return false;
    }
    *n = to - *from + 1;
    if (to < s->v.size && *n <= world_limits()->max_copy_size)
        return true;
    reply_fail(q, E_COPY_RANGE_SIZE);
    return false;
}

void op_upload_part_copy(struct request *q)
{
    struct upload_part p = { .mtime = clock_now() };
    struct copy_source s;
    uint64_t from, n;
    int algorithm = upload_algorithm(q);
    if (!part_number(q, &p.number))
        return;
    if (algorithm == -2) {
        reply_fail(q, E_NO_UPLOAD);
        return;
    }
    if (!copy_source_open(q, &s) || !source_range(q, &s, &from, &n)) {
        copy_source_close(&s);
        return;
    }
    struct body *whole = version_body(&s.v);
    p.size = n;
    p.body = n ? body_slice(whole, from, n) : body_bytes(NULL, 0);
    body_drop(whole);
    if (algorithm >= 0)
        (void)props_checksum(p.body, algorithm, &p.sums);
    if (!s.v.parts && from == 0 && n == s.v.size && !props_hides_md5(&s.v))
        memcpy(p.md5, s.v.md5, 16);
    else
        body_md5(p.body, p.md5);
    forget_bytes(q, &p);
    struct bag *sums = bag_hold(p.sums);
    struct version shown = { 0 };
    memcpy(shown.md5, p.md5, 16);
    if (keep_part(q, &p)) {
        struct buf *b = &q->reply.text;
        q->reply.status = 200;
        if (s.bucket->versioning != VERSIONING_NEVER)
            object_reply_version(q, "x-amz-copy-source-version-id", s.bucket, s.v.id);
        props_reply_encryption(q, NULL);
        reply_xml(q, "CopyPartResult");
        BUF_LIT(b, "<LastModified>");
        stamp_iso(b, p.mtime);
        BUF_LIT(b, "</LastModified><ETag>&quot;");
        version_etag(&shown, b);
        BUF_LIT(b, "&quot;</ETag>");
        for (int a = 0; sums && a < SUM_MD5; a++)
            if (bag_get(sums, sum_header(a)))
                buf_element(b, sum_element(a), bag_get(sums, sum_header(a)));
        BUF_LIT(b, "</CopyPartResult>");
    }
    bag_drop(sums);
    copy_source_close(&s);
}

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
    put_target(q);
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
    struct upload **at = find_locked(q), *u = at ? *at : NULL;
    int e = u ? build(q, u, x, &v) : E_NO_UPLOAD;
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
    } else {
        struct bag *extra = bag_hold(v.extra);
        unsigned parts = v.parts->n;
        if (!object_condition_failed(q, store_put(q->where, q->key, q->key_len, &v, &c))) {
            reply_complete(q, &v, parts, extra);
            *at = u->next;
            upload_free(u);
        }
        bag_drop(extra);
    }
    pthread_mutex_unlock(&q->where->upload_lock);
    xml_free(x);
}

void op_abort_upload(struct request *q)
{
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = find_locked(q);
    if (at) {
        struct upload *u = *at;
        *at = u->next;
        upload_free(u);
        q->reply.status = 204;
    } else {
        reply_fail(q, E_NO_UPLOAD);
    }
    pthread_mutex_unlock(&q->where->upload_lock);
}

static void put_people(struct buf *b, const struct upload *u)
{
    BUF_LIT(b, "<Initiator><ID>");
    buf_str(b, u->account);
    BUF_LIT(b, "</ID></Initiator><Owner><ID>");
    buf_str(b, u->account);
    BUF_LIT(b, "</ID></Owner>");
    buf_element(b, "StorageClass", class_name(u->v.storage_class));
}

static void put_part(struct buf *b, const struct upload_part *p)
{
    BUF_LIT(b, "<Part><PartNumber>");
    buf_u64(b, p->number);
    BUF_LIT(b, "</PartNumber><LastModified>");
    stamp_iso(b, p->mtime);
    BUF_LIT(b, "</LastModified><ETag>&quot;");
    buf_hex(b, p->md5, 16);
    BUF_LIT(b, "&quot;</ETag><Size>");
    buf_u64(b, p->size);
    BUF_LIT(b, "</Size>");
    for (int a = 0; p->sums && a < SUM_MD5; a++)
        if (bag_get(p->sums, sum_header(a)))
            buf_element(b, sum_element(a), bag_get(p->sums, sum_header(a)));
    BUF_LIT(b, "</Part>");
}

void op_list_parts(struct request *q)
{
    struct buf *b = &q->reply.text;
    const char *max_text = request_value(q, "max-parts"), *marker_text = request_value(q, "part-number-marker");
    uint64_t max = 1000, marker = 0, shown = 0, last = 0;
    if ((max_text && !text_u64(max_text, INT32_MAX, &max)) ||
            (marker_text && !text_u64(marker_text, INT32_MAX, &marker))) {
        reply_fail(q, E_INVALID_ARGUMENT);
        return;
    }
    if (max > 1000)
        max = 1000;
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = find_locked(q);
    if (!at) {
        pthread_mutex_unlock(&q->where->upload_lock);
        reply_fail(q, E_NO_UPLOAD);
        return;
    }
    const struct upload *u = *at;
    bool truncated = false;
    q->reply.status = 200;
    reply_xml(q, "ListPartsResult");
    put_target(q);
    buf_element(b, "UploadId", request_value(q, "uploadId"));
    put_people(b, u);
    for (size_t i = 0; i < u->parts; i++) {
        if (u->part[i].number <= marker)
            continue;
        if (shown == max) {
            truncated = true;
            break;
        }
        put_part(b, &u->part[i]);
        last = u->part[i].number;
        shown++;
    }
    pthread_mutex_unlock(&q->where->upload_lock);
    BUF_LIT(b, "<PartNumberMarker>");
    buf_u64(b, marker);
    BUF_LIT(b, "</PartNumberMarker><NextPartNumberMarker>");
    buf_u64(b, last);
    BUF_LIT(b, "</NextPartNumberMarker><MaxParts>");
    buf_u64(b, max);
    BUF_LIT(b, "</MaxParts>");
    buf_element(b, "IsTruncated", truncated ? "true" : "false");
    BUF_LIT(b, "</ListPartsResult>");
}

static int by_key(const void *a, const void *b)
{
    const struct upload *x = *(struct upload *const *)a, *y = *(struct upload *const *)b;
    int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
    if (c || x->key_len != y->key_len)
        return c ? c : x->key_len < y->key_len ? -1 : 1;
    if (x->initiated != y->initiated)
        return x->initiated < y->initiated ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void put_key(struct buf *b, const char *name, const char *s, size_t n, bool url)
{
    buf_char(b, '<');
    buf_str(b, name);
    buf_char(b, '>');
    if (url)
        buf_list_url(b, s, n);
    else
        buf_xml(b, s, n);
    BUF_LIT(b, "</");
    buf_str(b, name);
    buf_char(b, '>');
}

/* Where the page begins: behind the marked key, or behind the marked upload of it. */
static size_t first_upload(struct upload **all, size_t n, const struct param *key, const struct param *id)
{
    struct upload mark = { 0 };
    if (!key || !key->value_len)
        return 0;
    mark.key = key->value;
    mark.key_len = key->value_len;
    mark.initiated = INT64_MAX;
    const struct upload *m = &mark;
    uint64_t want;
    bool exact = id && version_id_parse(id->value, id->value_len, &want);
    for (size_t i = 0; i < n; i++) {
        if (exact && all[i]->id == want)
            return i + 1;
        if (!exact && by_key(&all[i], &m) > 0)
            return i;
    }
    return n;
}

void op_list_uploads(struct request *q)
{
    struct buf *b = &q->reply.text;
    const struct param *prefix = request_param(q, "prefix"), *key = request_param(q, "key-marker"),
                       *id = request_param(q, "upload-id-marker");
    const char *max_text = request_value(q, "max-uploads");
    bool url = request_value(q, "encoding-type") != NULL, truncated = false;
    uint64_t max = 1000, shown = 0;
    char text[40];
    if (max_text && (!text_u64(max_text, 1000, &max) || max == 0)) {
        reply_fail(q, E_INVALID_ARGUMENT);
        return;
    }
    q->reply.status = 200;
    reply_xml(q, "ListMultipartUploadsResult");
    buf_element(b, "Bucket", q->bucket);
    put_key(b, "KeyMarker", key ? key->value : "", key ? key->value_len : 0, url);
    put_key(b, "Prefix", prefix ? prefix->value : "", prefix ? prefix->value_len : 0, url);
    pthread_mutex_lock(&q->where->upload_lock);
    size_t n = 0;
    for (struct upload *u = q->where->uploads; u; u = u->next)
        n += !prefix || (u->key_len >= prefix->value_len && !memcmp(u->key, prefix->value, prefix->value_len));
    struct upload **all = mem_get((n + 1) * sizeof *all), *last = NULL;
    n = 0;
    for (struct upload *u = q->where->uploads; u; u = u->next)
        if (!prefix || (u->key_len >= prefix->value_len && !memcmp(u->key, prefix->value, prefix->value_len)))
            all[n++] = u;
    qsort(all, n, sizeof all[0], by_key);
    for (size_t i = first_upload(all, n, key, id); i < n; i++) {
        if (shown++ == max) {
            truncated = true;
            break;
        }
        last = all[i];
        BUF_LIT(b, "<Upload>");
        put_key(b, "Key", last->key, last->key_len, url);
        version_id_text(last->id, text);
        buf_element(b, "UploadId", text);
        put_people(b, last);
        BUF_LIT(b, "<Initiated>");
        stamp_iso(b, last->initiated);
        BUF_LIT(b, "</Initiated></Upload>");
    }
    if (truncated && last) {
        put_key(b, "NextKeyMarker", last->key, last->key_len, url);
        version_id_text(last->id, text);
        buf_element(b, "NextUploadIdMarker", text);
    }
    free(all);
    pthread_mutex_unlock(&q->where->upload_lock);
    if (url)
        BUF_LIT(b, "<EncodingType>url</EncodingType>");
    BUF_LIT(b, "<MaxUploads>");
    buf_u64(b, max);
    BUF_LIT(b, "</MaxUploads>");
    buf_element(b, "IsTruncated", truncated ? "true" : "false");
    BUF_LIT(b, "</ListMultipartUploadsResult>");
}
