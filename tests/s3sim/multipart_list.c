/* ListParts and ListMultipartUploads. See multipart.h and ops.h. */
#include "digest.h"
#include "multipart.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"

#include <stdlib.h>

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
    struct upload **at = multipart_find_locked(q);
    if (!at) {
        pthread_mutex_unlock(&q->where->upload_lock);
        reply_fail(q, E_NO_UPLOAD);
        return;
    }
    const struct upload *u = *at;
    bool truncated = false;
    q->reply.status = 200;
    reply_xml(q, "ListPartsResult");
    multipart_put_target(q);
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
