/* Operations on buckets themselves. See ops.h. */
#include "access.h"
#include "lifecycle.h"
#include "lock.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "xmlin.h"

#include <stdlib.h>

#define MINIMUM "x-amz-transition-default-minimum-object-size"

void op_list_buckets(struct request *q)
{
    struct buf *b = &q->reply.text;
    const char *prefix = request_value(q, "prefix"), *region = request_value(q, "bucket-region");
    const char *token = request_value(q, "continuation-token"), *max = request_value(q, "max-buckets");
    uint64_t most = 10000, shown = 0;
    bool paged = max || token || prefix || region;
    if (max && (!text_u64(max, 10000, &most) || most == 0)) {
        reply_fail(q, E_INVALID_ARGUMENT);
        return;
    }
    if (token && strncmp(token, "b~", 2) != 0) {
        reply_fail(q, E_INVALID_TOKEN_ARG);
        return;
    }
    q->reply.status = 200;
    reply_xml(q, "ListAllMyBucketsResult");
    BUF_LIT(b, "<Owner><ID>");
    buf_str(b, access_account(q));
    BUF_LIT(b, "</ID></Owner><Buckets>");
    const char *more = NULL;
    for (size_t i = token ? bucket_from(token + 2) : 0;; i++) {
        struct bucket *k = bucket_at(i);
        if (!k)
            break;
        if (strcmp(k->account, access_account(q)) != 0 || (prefix && strncmp(k->name, prefix, strlen(prefix)) != 0) ||
                (region && strcmp(k->region, region) != 0))
            continue;
        if (shown++ == most) {
            more = k->name;
            break;
        }
        BUF_LIT(b, "<Bucket>");
        buf_element(b, "Name", k->name);
        BUF_LIT(b, "<CreationDate>");
        stamp_iso(b, k->created);
        BUF_LIT(b, "</CreationDate>");
        if (paged)
            buf_element(b, "BucketRegion", k->region);
        BUF_LIT(b, "</Bucket>");
    }
    BUF_LIT(b, "</Buckets>");
    if (more) {
        BUF_LIT(b, "<ContinuationToken>b~");
        buf_str(b, more);
        BUF_LIT(b, "</ContinuationToken>");
    }
    if (prefix)
        buf_element(b, "Prefix", prefix);
    BUF_LIT(b, "</ListAllMyBucketsResult>");
}

static bool name_is_valid(const char *s)
{
    size_t n = strlen(s);
    if (n < 3 || n > 63 || s[0] == '.' || s[0] == '-' || s[n - 1] == '.' || s[n - 1] == '-')
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n && !strstr(s, "..");
}

void op_create_bucket(struct request *q)
{
    const char *region = q->region[0] ? q->region : "us-east-1";
    const char *lock = request_header(q, "x-amz-bucket-object-lock-enabled");
    struct xml *x = q->upload.n ? xml_parse(q->upload.p, q->upload.n) : NULL;
    struct bucket *b = bucket_find(q->bucket);
    if (!name_is_valid(q->bucket)) {
        reply_fail(q, E_BUCKET_NAME);
    } else if (q->upload.n && !x) {
        reply_fail(q, E_MALFORMED_XML);
    } else if (!access_allowed(q, "s3:CreateBucket", NULL, NULL, 0)) {
        reply_fail(q, E_ACCESS_DENIED);
    } else if (b) {
        reply_fail(q, strcmp(b->account, access_account(q)) ? E_BUCKET_EXISTS : E_BUCKET_OWNED);
    } else {
        const char *where = xml_text(x, "LocationConstraint");
        if (where && *where && strlen(where) < sizeof b->region)
            region = where;
        b = bucket_create(q->bucket, access_account(q), region, clock_now());
        if (lock && !strcmp(lock, "true")) {
            b->object_lock = true;
            b->versioning = VERSIONING_ENABLED;
        }
        struct buf t = { 0 };
        buf_char(&t, '/');
        buf_str(&t, q->bucket);
        reply_header(q, "Location", buf_cstr(&t));
        buf_free(&t);
        q->reply.status = 200;
    }
    xml_free(x);
}

void op_delete_bucket(struct request *q)
{
    if (!bucket_is_empty(q->where)) {
        reply_fail(q, E_BUCKET_NOT_EMPTY);
        return;
    }
    bucket_delete(q->where);
    q->where = NULL;
    q->reply.status = 204;
}

void op_head_bucket(struct request *q)
{
    q->reply.status = 200;
    reply_header(q, "x-amz-bucket-region", q->where->region);
    reply_header(q, "x-amz-access-point-alias", "false");
    reply_header(q, "content-type", "application/xml");
}

void op_get_location(struct request *q)
{
    q->reply.status = 200;
    reply_xml(q, "LocationConstraint");
    if (strcmp(q->where->region, "us-east-1") != 0)
        buf_xmls(&q->reply.text, q->where->region);
    BUF_LIT(&q->reply.text, "</LocationConstraint>");
}

void op_get_versioning(struct request *q)
{
    q->reply.status = 200;
    reply_xml(q, "VersioningConfiguration");
    if (q->where->versioning != VERSIONING_NEVER)
        buf_element(&q->reply.text, "Status", q->where->versioning == VERSIONING_ENABLED ? "Enabled" : "Suspended");
    BUF_LIT(&q->reply.text, "</VersioningConfiguration>");
}

void op_put_versioning(struct request *q)
{
    struct xml *x = xml_parse(q->upload.p, q->upload.n);
    const char *status = x && !strcmp(x->name, "VersioningConfiguration") ? xml_text(x, "Status") : NULL;
    q->reply.status = 200;
    if (status && !strcmp(status, "Enabled"))
        q->where->versioning = VERSIONING_ENABLED;
    else if (!status || strcmp(status, "Suspended") != 0)
        reply_fail(q, E_MALFORMED_XML);
    else if (q->where->object_lock)
        reply_fail(q, E_BUCKET_STATE);
    else
        q->where->versioning = VERSIONING_SUSPENDED;
    xml_free(x);
}

static const enum s3_error document_absent[DOC_COUNT] = { [DOC_POLICY] = E_NO_POLICY,
    [DOC_LIFECYCLE] = E_NO_LIFECYCLE,
    [DOC_CORS] = E_NO_CORS,
    [DOC_WEBSITE] = E_NO_WEBSITE,
    [DOC_ENCRYPTION] = E_NO_ENCRYPTION,
    [DOC_PUBLIC_ACCESS] = E_NO_PUBLIC_ACCESS,
    [DOC_OWNERSHIP] = E_NO_OWNERSHIP,
    [DOC_OBJECT_LOCK] = E_NO_OBJECT_LOCK };

static void default_acl(struct request *q)
{
    struct buf *b = &q->reply.text;
    reply_xml(q, "AccessControlPolicy");
    BUF_LIT(b, "<Owner><ID>");
    buf_str(b, q->where->account);
    BUF_LIT(b,
            "</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
            "xsi:type=\"CanonicalUser\"><ID>");
    buf_str(b, q->where->account);
    BUF_LIT(b, "</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>"
               "</AccessControlPolicy>");
}

static void reply_minimum(struct request *q)
{
    reply_header(q, MINIMUM, q->where->small_moves ? "varies_by_storage_class" : "all_storage_classes_128K");
}

void op_get_document(struct request *q)
{
    int d = q->op->document;
    const char *text = q->where->document[d];
    q->reply.status = 200;
    q->reply.is_xml = d != DOC_POLICY;
    if (text && d == DOC_LIFECYCLE)
        reply_minimum(q);
    if (text) {
        buf_str(&q->reply.text, text);
    } else if (d == DOC_ACL) {
        default_acl(q);
    } else if (d == DOC_NOTIFICATION) {
        reply_xml(q, "NotificationConfiguration");
        BUF_LIT(&q->reply.text, "</NotificationConfiguration>");
    } else if (d == DOC_LOGGING) {
        reply_xml(q, "BucketLoggingStatus");
        BUF_LIT(&q->reply.text, "</BucketLoggingStatus>");
    } else if (d == DOC_OBJECT_LOCK && q->where->object_lock) {
        reply_xml(q, "ObjectLockConfiguration");
        BUF_LIT(&q->reply.text, "<ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>");
    } else {
        reply_fail(q, document_absent[d]);
    }
}

void op_put_document(struct request *q)
{
    int d = q->op->document;
    const char *why = NULL;
    if (d == DOC_POLICY) {
        struct policy *p = policy_parse(q->upload.p, q->upload.n, &why);
        if (!p) {
            reply_fail_as(q, 400, "MalformedPolicy", why);
            return;
        }
        policy_free(q->where->policy);
        q->where->policy = p;
    } else {
        struct xml *x = q->upload.n ? xml_parse(q->upload.p, q->upload.n) : NULL;
        bool canned = d == DOC_ACL && q->upload.n == 0;
        if (!x && !canned) {
            reply_fail(q, E_MALFORMED_XML);
            return;
        }
        why = d == DOC_LIFECYCLE ? lifecycle_check(x) : NULL;
        xml_free(x);
        if (why) {
            reply_fail_as(q, 400, "InvalidRequest", why);
            return;
        }
        if (d == DOC_LIFECYCLE) {
            const char *minimum = request_header(q, MINIMUM);
            q->where->small_moves = minimum && !strcmp(minimum, "varies_by_storage_class");
            reply_minimum(q);
        }
        if (d == DOC_OBJECT_LOCK && !lock_document_is_well(q->upload.p, q->upload.n)) {
            reply_fail(q, E_MALFORMED_XML);
            return;
        }
        if (d == DOC_OBJECT_LOCK) {
            q->where->object_lock = true;
            q->where->versioning = VERSIONING_ENABLED;
        }
        if (canned) {
            q->reply.status = 200;
            return;
        }
    }
    bucket_set_document(q->where, (enum document)d, q->upload.p, q->upload.n);
    q->reply.status = d == DOC_POLICY ? 204 : 200;
}

void op_delete_document(struct request *q)
{
    int d = q->op->document;
    if (d == DOC_OBJECT_LOCK) { /* for ever */
        reply_fail(q, E_METHOD_NOT_ALLOWED);
        return;
    }
    if (d == DOC_POLICY) {
        policy_free(q->where->policy);
        q->where->policy = NULL;
    }
    bucket_set_document(q->where, (enum document)d, NULL, 0);
    q->reply.status = 204;
}

void op_get_bucket_tagging(struct request *q)
{
    struct buf *b = &q->reply.text;
    const char *key, *value;
    if (!bag_count(q->where->tags)) {
        reply_fail(q, E_NO_TAGS);
        return;
    }
    q->reply.status = 200;
    reply_xml(q, "Tagging");
    BUF_LIT(b, "<TagSet>");
    for (size_t at = 0; bag_next(q->where->tags, &at, &key, &value);) {
        BUF_LIT(b, "<Tag>");
        buf_element(b, "Key", key);
        buf_element(b, "Value", value);
        BUF_LIT(b, "</Tag>");
    }
    BUF_LIT(b, "</TagSet></Tagging>");
}

void op_put_bucket_tagging(struct request *q)
{
    struct bag *tags = NULL;
    int e = props_tags_of_xml(q->upload.p, q->upload.n, 50, &tags);
    if (e >= 0) {
        bag_drop(tags);
        reply_fail(q, (enum s3_error)e);
        return;
    }
    bag_drop(q->where->tags);
    q->where->tags = tags;
    q->reply.status = 204;
}

void op_delete_bucket_tagging(struct request *q)
{
    bag_drop(q->where->tags);
    q->where->tags = NULL;
    q->reply.status = 204;
}
