/* See props.h. */
#include "props.h"

#include "access.h"
#include "digest.h"
#include "lock.h"
#include "stamp.h"
#include "xmlin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MAX_METADATA = 8192, MAX_SUM_SIZE = 256 << 20 };

static const char *const content_headers[] = { "cache-control", "content-disposition", "content-encoding",
    "content-language", "content-type", "expires" };
static const char *const extra_headers[] = { "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context", "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key-md5", "x-amz-website-redirect-location" };
enum { N_CONTENT = 6, N_EXTRA = 7, N_ENCRYPTION = 6 };

/* Content-Encoding without aws-chunked, which is the framing of the request and not the object's. */
static void add_encoding(const char *value, struct bag **attrs)
{
    struct buf t = { 0 };
    while (*value) {
        size_t n = strcspn(value, ",");
        if (n != 11 || memcmp(value, "aws-chunked", 11) != 0) {
            if (t.n)
                BUF_LIT(&t, ",");
            buf_put(&t, value, n);
        }
        value += n;
        value += strspn(value, ", ");
    }
    if (t.n)
        bag_add(attrs, "content-encoding", buf_cstr(&t));
    buf_free(&t);
}

int props_attrs(const struct request *q, struct version *v)
{
    size_t metadata = 0;
    for (size_t i = 0; i < N_CONTENT; i++) {
        const char *value = request_header(q, content_headers[i]);
        if (value && i == 2) {
            add_encoding(value, &v->attrs);
            continue;
        }
        if (value)
            bag_add(&v->attrs, content_headers[i], value);
    }
    for (unsigned i = 0; i < q->headers; i++) {
        char name[512];
        if (strncasecmp(q->header[i].name, "x-amz-meta-", 11) != 0)
            continue;
        size_t n = q->header[i].name_len;
        metadata += n - 11 + strlen(q->header[i].value);
        if (n >= sizeof name || metadata > 2048 + MAX_METADATA)
            return E_METADATA_TOO_LARGE;
        for (size_t k = 0; k <= n; k++) {
            char c = q->header[i].name[k];
            name[k] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        bag_add(&v->attrs, name, q->header[i].value);
    }
    return metadata > 2048 ? E_METADATA_TOO_LARGE : -1;
}

/* The bucket's default encryption, where the request names none. */
static void default_encryption(const struct bucket *b, struct version *v)
{
    const char *text = b->document[DOC_ENCRYPTION];
    struct xml *x = text ? xml_parse(text, strlen(text)) : NULL;
    struct xml *rule = xml_child(xml_child(x, "Rule"), "ApplyServerSideEncryptionByDefault");
    const char *algorithm = xml_text(rule, "SSEAlgorithm"), *key = xml_text(rule, "KMSMasterKeyID");
    if (algorithm && strcmp(algorithm, "AES256") != 0) {
        bag_add(&v->extra, extra_headers[0], algorithm);
        if (key)
            bag_add(&v->extra, extra_headers[1], key);
    }
    xml_free(x);
}

int props_extra(struct request *q, struct version *v)
{
    const char *sse = request_header(q, extra_headers[0]);
    if (sse && strcmp(sse, "AES256") != 0 && strcmp(sse, "aws:kms") != 0 && strcmp(sse, "aws:kms:dsse") != 0)
        return E_INVALID_ARGUMENT;
    int e = lock_of_write(q, v);
    if (e >= 0)
        return e;
    if (request_header(q, "x-amz-acl") && !access_allowed(q, "s3:PutObjectAcl", q->where, q->key, q->key_len))
        return E_ACCESS_DENIED;
    if (request_header(q, "x-amz-acl"))
        bag_add(&v->extra, PROPS_ACL, request_header(q, "x-amz-acl"));
    for (size_t i = 0; i < N_EXTRA; i++) {
        const char *value = request_header(q, extra_headers[i]);
        if (value)
            bag_add(&v->extra, extra_headers[i], value);
    }
    if (!sse && !bag_get(v->extra, extra_headers[4]) && q->where->document[DOC_ENCRYPTION])
        default_encryption(q->where, v);
    return -1;
}

int props_class(const struct request *q, struct version *v)
{
    const char *name = request_header(q, "x-amz-storage-class");
    int c = name ? class_by_name(name) : CLASS_STANDARD;
    if (c < 0)
        return E_STORAGE_CLASS;
    v->storage_class = (uint8_t)c;
    return -1;
}

static int add_tag(struct bag **out, const char *key, const char *value, size_t most)
{
    if (!*key || strlen(key) > 128 * 4 || strlen(value) > 256 * 4 || bag_get(*out, key))
        return E_INVALID_TAG;
    if (bag_count(*out) == most)
        return E_TOO_MANY_TAGS;
    bag_add(out, key, value);
    return -1;
}

int props_tags(struct request *q, struct version *v)
{
    const char *p = request_header(q, "x-amz-tagging");
    if (!p || !*p)
        return -1;
    if (!access_allowed(q, "s3:PutObjectTagging", q->where, q->key, q->key_len))
        return E_ACCESS_DENIED;
    int e = -1;
    while (*p && e < 0) {
        size_t n = strcspn(p, "&"), name = 0;
        while (name < n && p[name] != '=')
            name++;
        char *text = mem_get(n + 2);
        long a = text_unescape(p, name, text, 1);
        long b = a < 0 || name == n ? 0 : text_unescape(p + name + 1, n - name - 1, text + a + 1, 1);
        e = a < 0 || b < 0 ? E_INVALID_ARGUMENT : add_tag(&v->tags, text, text + a + 1, 10);
        free(text);
        p += n + (p[n] == '&');
    }
    return e;
}

int props_tags_of_xml(const char *p, size_t n, size_t most, struct bag **out)
{
    struct xml *x = xml_parse(p, n), *set = xml_child(x, "TagSet");
    int e = set && !strcmp(x->name, "Tagging") ? -1 : E_MALFORMED_XML;
    for (struct xml *t = set ? set->child : NULL; t && e < 0; t = t->next) {
        const char *key = xml_text(t, "Key"), *value = xml_text(t, "Value");
        e = key && value ? add_tag(out, key, value, most) : E_MALFORMED_XML;
    }
    xml_free(x);
    return e;
}

static int verify_md5(const struct request *q, const struct body *body)
{
    const char *said = request_header(q, "content-md5");
    uint8_t want[64], have[32];
    if (!said)
        return -1;
    size_t n = strlen(said);
    if (n != 24 || text_base64(said, n, want) != 16)
        return E_INVALID_DIGEST;
    (void)body_sum(body, SUM_MD5, have);
    return memcmp(want, have, 16) ? E_BAD_DIGEST : -1;
}

int props_verify(const struct request *q, const struct body *body, struct bag **extra)
{
    int e = verify_md5(q, body);
    bool noted = false;
    for (int a = 0; a < SUM_MD5 && e < 0; a++) {
        const char *said = request_header(q, sum_header(a));
        uint8_t want[64], have[32];
        if (!said)
            continue;
        size_t n = strlen(said), m = body_sum(body, a, have);
        if (n > 60 || text_base64(said, n, want) != (long)m)
            return E_CHECKSUM_VALUE;
        if (memcmp(want, have, m) != 0)
            return E_BAD_CHECKSUM;
        bag_add(extra, sum_header(a), said);
        noted = true;
    }
    const char *algorithm = request_header(q, "x-amz-sdk-checksum-algorithm");
    if (e < 0 && !noted && algorithm) {
        int a = sum_by_name(algorithm);
        if (a < 0)
            return E_CHECKSUM_ALGORITHM;
    }
    return e;
}

int props_checksum(const struct body *body, int algorithm, struct bag **extra)
{
    uint8_t d[32];
    struct buf t = { 0 };
    if (body_size(body) > MAX_SUM_SIZE)
        return 0;
    size_t n = body_sum(body, algorithm, d);
    buf_base64(&t, d, n);
    bag_add(extra, sum_header(algorithm), buf_cstr(&t));
    buf_free(&t);
    return 1;
}

bool props_hides_md5(const struct version *v)
{
    const char *sse = bag_get(v->extra, extra_headers[0]);
    return (sse && strcmp(sse, "AES256") != 0) || bag_get(v->extra, extra_headers[4]);
}

void props_veil_md5(struct version *v)
{
    static _Atomic uint64_t sequence;
    uint64_t mix[3] = { digest_mix(atomic_fetch_add(&sequence, 1)) };
    memcpy(mix + 1, v->md5, 16);
    digest_md5(mix, sizeof mix, v->md5);
}

struct thaw props_thaw(const struct version *v)
{
    struct thaw t = { 0 };
    const char *text = bag_get(v->extra, PROPS_RESTORE);
    if (text) {
        char *rest;
        t.asked = true;
        t.ready = strtoll(text, &rest, 10);
        t.expiry = strtoll(rest, NULL, 10);
    }
    return t;
}

bool props_is_archived(const struct version *v)
{
    if (v->storage_class != CLASS_GLACIER && v->storage_class != CLASS_DEEP_ARCHIVE)
        return false;
    struct thaw t = props_thaw(v);
    int64_t now = clock_now();
    return !t.asked || now < t.ready || now >= t.expiry;
}

static void reply_thaw(struct request *q, const struct version *v)
{
    struct thaw t = props_thaw(v);
    int64_t now = clock_now();
    char text[80] = "ongoing-request=\"true\"", date[30];
    if (!t.asked || now >= t.expiry)
        return;
    if (now >= t.ready) {
        stamp_http(date, t.expiry);
        snprintf(text, sizeof text, "ongoing-request=\"false\", expiry-date=\"%s\"", date);
    }
    reply_header(q, "x-amz-restore", text);
}

void props_reply_encryption(struct request *q, const struct bag *extra)
{
    bool any = false;
    for (size_t i = 0; i < N_ENCRYPTION; i++) {
        const char *value = bag_get(extra, extra_headers[i]);
        if (value && i != 3) /* the context is not given back */
            reply_header(q, extra_headers[i], value), any = true;
    }
    if (!any)
        reply_header(q, extra_headers[0], "AES256");
}

void props_reply_checksums(struct request *q, const struct bag *extra)
{
    const char *name, *value;
    for (size_t at = 0; bag_next(extra, &at, &name, &value);)
        if (!strncmp(name, "x-amz-checksum-", 15))
            reply_header(q, name, value);
}

const char *props_checksum_name(const struct bag *extra)
{
    for (int a = 0; extra && a < SUM_MD5; a++)
        if (bag_get(extra, sum_header(a)))
            return sum_name(a);
    return NULL;
}

void props_checksum_elements(struct buf *b, const struct bag *extra)
{
    const char *type = bag_get(extra, "x-amz-checksum-type");
    bool any = false;
    for (int a = 0; extra && a < SUM_MD5; a++) {
        const char *value = bag_get(extra, sum_header(a));
        if (value)
            buf_element(b, sum_element(a), value), any = true;
    }
    if (any)
        buf_element(b, "ChecksumType", type ? type : "FULL_OBJECT");
}

void props_reply(struct request *q, const struct version *v, bool checksums)
{
    const char *name, *value;
    bool typed = false;
    for (size_t at = 0; bag_next(v->attrs, &at, &name, &value);) {
        reply_header(q, name, value);
        typed = typed || !strcmp(name, "content-type");
    }
    if (!typed)
        reply_header(q, "content-type", "binary/octet-stream");
    for (size_t i = N_ENCRYPTION; i < N_EXTRA; i++)
        if (v->extra && (value = bag_get(v->extra, extra_headers[i])))
            reply_header(q, extra_headers[i], value);
    lock_reply(q, v);
    props_reply_encryption(q, v->extra);
    if (v->storage_class != CLASS_STANDARD)
        reply_header(q, "x-amz-storage-class", class_name(v->storage_class));
    reply_thaw(q, v);
    if (bag_count(v->tags))
        reply_header_u64(q, "x-amz-tagging-count", bag_count(v->tags));
    if (checksums) {
        props_reply_checksums(q, v->extra);
        if (props_checksum_name(v->extra) && !bag_get(v->extra, "x-amz-checksum-type"))
            reply_header(q, "x-amz-checksum-type", "FULL_OBJECT");
    }
}
