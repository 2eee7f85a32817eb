/* CopyObject, and the source side of UploadPartCopy. See ops.h and copysource.h. */
#include "access.h"
#include "copysource.h"
#include "digest.h"
#include "mutate.h"
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "world.h"

#include <stdlib.h>

static bool split_source(struct request *q, struct copy_source *s, char bucket[64])
{
    const char *p = request_header(q, "x-amz-copy-source");
    const char *version = strstr(p, "?versionId=");
    size_t n = version ? (size_t)(version - p) : strlen(p);
    s->text = mem_get(n + 1);
    long m = text_unescape(p, n, s->text, 0);
    if (m < 0)
        return false;
    s->text[m] = 0;
    char *t = s->text + (s->text[0] == '/');
    char *slash = memchr(t, '/', (size_t)(s->text + m - t));
    if (!slash || slash - t > 63 || slash == t || slash + 1 == s->text + m)
        return false;
    memcpy(bucket, t, (size_t)(slash - t));
    bucket[slash - t] = 0;
    s->key = slash + 1;
    s->key_len = (size_t)(s->text + m - s->key);
    s->which.given = version != NULL;
    return !version || version_id_parse(version + 11, strlen(version + 11), &s->which.id);
}

static bool source_allowed(struct request *q, const struct copy_source *s)
{
    const char *owner = request_header(q, "x-amz-source-expected-bucket-owner");
    if (owner && strcmp(owner, s->bucket->account) != 0)
        return false;
    return access_allowed(q, s->which.given ? "s3:GetObjectVersion" : "s3:GetObject", s->bucket, s->key, s->key_len);
}

static bool wrong_customer_key(const struct request *q, const struct version *v)
{
    const char *want = bag_get(v->extra, "x-amz-server-side-encryption-customer-key-md5");
    const char *have = request_header(q, "x-amz-copy-source-server-side-encryption-customer-key-md5");
    return want ? !have || strcmp(want, have) != 0 : have != NULL;
}

bool copy_source_open(struct request *q, struct copy_source *s)
{
    char name[64] = "";
    memset(s, 0, sizeof *s);
    if (!split_source(q, s, name)) {
        reply_fail(q, E_COPY_SOURCE);
        return false;
    }
    s->bucket = bucket_find(name);
    if (!s->bucket) {
        reply_fail(q, E_NO_BUCKET);
        return false;
    }
    if (!source_allowed(q, s)) {
        reply_fail(q, E_ACCESS_DENIED);
        return false;
    }
    mutate_now(&q->fault, s->bucket, s->key, s->key_len);
    enum found f = store_get(s->bucket, s->key, s->key_len, s->which, &s->v);
    if (f == IS_MARKER && s->which.given)
        reply_fail(q, E_COPY_MARKER);
    else if (f == NO_VERSION)
        reply_fail(q, E_NO_VERSION);
    else if (f != FOUND)
        reply_fail(q, access_allowed(q, "s3:ListBucket", s->bucket, NULL, 0) ? E_NO_KEY : E_ACCESS_DENIED);
    else if (wrong_customer_key(q, &s->v))
        reply_fail(q, E_CUSTOMER_KEY);
    else if (object_conditions(q, "x-amz-copy-source-", &s->v) >= 0)
        reply_fail_with(q, E_PRECONDITION, "Condition", "x-amz-copy-source-if-match");
    else if (props_is_archived(&s->v))
        reply_fail_with(q, E_OBJECT_STATE, "StorageClass", class_name(s->v.storage_class));
    else
        return true;
    return false;
}

void copy_source_close(struct copy_source *s)
{
    version_drop(&s->v);
    free(s->text);
}

static bool directive(const struct request *q, const char *header, const char *other, bool *is_other)
{
    const char *d = request_header(q, header);
    *is_other = d && !strcmp(d, other);
    return !d || *is_other || !strcmp(d, "COPY");
}

static int copy_tags(struct request *q, const struct copy_source *s, bool replace, struct version *v)
{
    if (replace)
        return props_tags(q, v);
    if (!bag_count(s->v.tags))
        return -1;
    if (!access_allowed(q, s->which.given ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging", s->bucket, s->key,
                s->key_len) ||
            !access_allowed(q, "s3:PutObjectTagging", q->where, q->key, q->key_len))
        return E_ACCESS_DENIED;
    v->tags = bag_hold(s->v.tags);
    return -1;
}

/* The source's checksum goes along, unless another was asked for or the parts it was made of are gone. */
static int copy_checksum(const struct request *q, const struct copy_source *s, struct version *v)
{
    const char *asked = request_header(q, "x-amz-checksum-algorithm");
    const char *name = asked ? asked : props_checksum_name(s->v.extra);
    if (!name)
        return -1;
    int a = sum_by_name(name);
    if (a < 0)
        return E_CHECKSUM_ALGORITHM;
    const char *had = s->v.parts ? NULL : bag_get(s->v.extra, sum_header(a));
    if (had) {
        bag_add(&v->extra, sum_header(a), had);
        return -1;
    }
    struct body *body = version_body(&s->v);
    (void)props_checksum(body, a, &v->extra);
    body_drop(body);
    return -1;
}

static bool changes_nothing(const struct request *q, const struct copy_source *s, const struct version *v, bool replace)
{
    return s->bucket == q->where && s->key_len == q->key_len && !memcmp(s->key, q->key, q->key_len) &&
           !s->which.given && !replace && v->storage_class == s->v.storage_class &&
           !request_header(q, "x-amz-server-side-encryption") && !request_header(q, "x-amz-website-redirect-location");
}

static int build(struct request *q, const struct copy_source *s, struct version *v)
{
    bool replace, replace_tags, exclude;
    if (!directive(q, "x-amz-metadata-directive", "REPLACE", &replace) ||
            !directive(q, "x-amz-tagging-directive", "REPLACE", &replace_tags) ||
            !directive(q, "x-amz-object-annotation-directive", "EXCLUDE", &exclude))
        return E_INVALID_ARGUMENT;
    if (s->v.size > world_limits()->max_copy_size)
        return E_COPY_TOO_LARGE;
    int e = props_class(q, v);
    e = e < 0 ? props_extra(q, v) : e;
    if (e < 0 && changes_nothing(q, s, v, replace))
        e = E_SELF_COPY;
    if (e < 0 && replace)
        e = props_attrs(q, v);
    else if (e < 0)
        v->attrs = bag_hold(s->v.attrs);
    e = e < 0 ? copy_tags(q, s, replace_tags, v) : e;
    e = e < 0 ? copy_checksum(q, s, v) : e;
    if (e >= 0)
        return e;
    v->size = s->v.size;
    v->mtime = clock_now();
    v->body = q->where->metadata_only && !s->v.parts && !props_hides_md5(&s->v) ? NULL : version_body(&s->v);
    if (!s->v.parts && !(props_hides_md5(&s->v) && s->v.body))
        memcpy(v->md5, s->v.md5, 16);
    else
        body_md5(v->body, v->md5); /* the copy of a multipart object has one part, hence another ETag */
    if (props_hides_md5(v))
        props_veil_md5(v);
    return -1;
}

static void reply_copy(struct request *q, const struct copy_source *s, const struct version *v, struct bag *extra)
{
    struct buf *b = &q->reply.text;
    struct version shown = *v;
    shown.parts = NULL;
    q->reply.status = 200;
    if (s->bucket->versioning != VERSIONING_NEVER)
        object_reply_version(q, "x-amz-copy-source-version-id", s->bucket, s->v.id);
    object_reply_version(q, "x-amz-version-id", q->where, v->id);
    props_reply_encryption(q, extra);
    reply_xml(q, "CopyObjectResult");
    BUF_LIT(b, "<LastModified>");
    stamp_iso(b, v->mtime);
    BUF_LIT(b, "</LastModified><ETag>&quot;");
    version_etag(&shown, b);
    BUF_LIT(b, "&quot;</ETag>");
    props_checksum_elements(b, extra);
    BUF_LIT(b, "</CopyObjectResult>");
}

void op_copy_object(struct request *q)
{
    struct copy_source s;
    struct version v = { 0 };
    struct condition c = { request_header(q, "if-match"), request_header(q, "if-none-match") };
    if (!copy_source_open(q, &s)) {
        copy_source_close(&s);
        return;
    }
    int e = build(q, &s, &v);
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
        version_drop(&v);
    } else {
        struct bag *extra = bag_hold(v.extra);
        if (!object_condition_failed(q, store_put(q->where, q->key, q->key_len, &v, &c)))
            reply_copy(q, &s, &v, extra);
        bag_drop(extra);
    }
    copy_source_close(&s);
}
