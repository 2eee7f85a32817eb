/* Multipart uploads: create, parts, abort. See multipart.h and ops.h. */
#include "multipart.h"

#include "copysource.h"
#include "digest.h"
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "world.h"

#include <stdlib.h>

static void part_clear(struct upload_part *p)
{
    body_drop(p->body);
    bag_drop(p->sums);
}

void multipart_free(struct upload *u)
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
        multipart_free(u);
    }
}

struct upload **multipart_find_locked(const struct request *q)
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

void multipart_put_target(struct request *q)
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
        multipart_free(u);
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
    multipart_put_target(q);
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
    struct upload **at = multipart_find_locked(q);
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
    struct upload **at = multipart_find_locked(q);
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
    if (s->v.size <= world_limits()->min_part_size) {
        reply_fail(q, E_COPY_RANGE_SMALL);
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

void op_abort_upload(struct request *q)
{
    pthread_mutex_lock(&q->where->upload_lock);
    struct upload **at = multipart_find_locked(q);
    if (at) {
        struct upload *u = *at;
        *at = u->next;
        multipart_free(u);
        q->reply.status = 204;
    } else {
        reply_fail(q, E_NO_UPLOAD);
    }
    pthread_mutex_unlock(&q->where->upload_lock);
}
