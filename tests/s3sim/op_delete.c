/* DeleteObject, DeleteObjects, and what hangs on single versions: tags. See ops.h. */
#include "access.h"
#include "lock.h"
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "xmlin.h"

#include <stdlib.h>

void op_delete_object(struct request *q)
{
    struct version_ref which;
    bool marker = false;
    uint64_t id;
    const char *match = request_header(q, "if-match");
    struct version now;
    if (!object_version_param(q, &which))
        return;
    if (match) {
        enum found f = store_get(q->where, q->key, q->key_len, which, &now);
        bool fits = f == FOUND && version_etag_is(&now, match);
        version_drop(&now);
        if (!fits) {
            reply_fail(q, f == FOUND ? E_PRECONDITION : E_NO_KEY);
            return;
        }
    }
    q->reply.status = 204;
    if (!which.given) {
        store_delete(q->where, q->key, q->key_len, clock_now(), &marker, &id);
        if (marker) {
            object_reply_version(q, "x-amz-version-id", q->where, id);
            reply_header(q, "x-amz-delete-marker", "true");
        }
        return;
    }
    enum delete_result r = store_delete_version(
            q->where, q->key, q->key_len, which.id, clock_now(), lock_may_bypass(q, q->key, q->key_len));
    if (r == DELETE_LOCKED) {
        reply_fail_as(q, 403, "AccessDenied", "Access Denied because object protected by object lock.");
        return;
    }
    object_reply_version(q, "x-amz-version-id", q->where, which.id);
    if (r == DELETE_DONE_MARKER)
        reply_header(q, "x-amz-delete-marker", "true");
}

static void one_error(struct buf *b, const struct xml *key, const char *version, const char *code, const char *message)
{
    BUF_LIT(b, "<Error><Key>");
    buf_xml(b, key->text, key->text_len);
    BUF_LIT(b, "</Key>");
    if (version)
        buf_element(b, "VersionId", version);
    buf_element(b, "Code", code);
    buf_element(b, "Message", message);
    BUF_LIT(b, "</Error>");
}

static void delete_one(struct request *q, const struct xml *o, bool quiet)
{
    struct buf *b = &q->reply.text;
    const struct xml *key = xml_child(o, "Key");
    const char *version = xml_text(o, "VersionId");
    uint64_t id = 0;
    bool marker = false;
    enum delete_result r = DELETE_DONE;
    if (!access_allowed(
                q, version ? "s3:DeleteObjectVersion" : "s3:DeleteObject", q->where, key->text, key->text_len)) {
        one_error(b, key, version, "AccessDenied", "Access Denied");
        return;
    }
    if (version && !version_id_parse(version, strlen(version), &id)) {
        one_error(b, key, version, "NoSuchVersion", "The specified version does not exist.");
        return;
    }
    if (version)
        r = store_delete_version(
                q->where, key->text, key->text_len, id, clock_now(), lock_may_bypass(q, key->text, key->text_len));
    else
        store_delete(q->where, key->text, key->text_len, clock_now(), &marker, &id);
    if (r == DELETE_LOCKED) {
        one_error(b, key, version, "AccessDenied", "Access Denied because object protected by object lock.");
        return;
    }
    if (quiet)
        return;
    char text[40];
    version_id_text(id, text);
    BUF_LIT(b, "<Deleted><Key>");
    buf_xml(b, key->text, key->text_len);
    BUF_LIT(b, "</Key>");
    if (version)
        buf_element(b, "VersionId", version);
    if (marker || r == DELETE_DONE_MARKER) {
        BUF_LIT(b, "<DeleteMarker>true</DeleteMarker>");
        buf_element(b, "DeleteMarkerVersionId", text);
    }
    BUF_LIT(b, "</Deleted>");
}

void op_delete_objects(struct request *q)
{
    struct body *body = q->upload.n ? body_bytes(q->upload.p, q->upload.n) : NULL;
    struct bag *sums = NULL;
    int e = props_verify(q, body, &sums);
    if (e < 0 && !request_header(q, "content-md5") && !sums)
        e = E_NO_MD5;
    struct xml *x = e < 0 ? xml_parse(q->upload.p, q->upload.n) : NULL;
    if (e < 0 && (!x || strcmp(x->name, "Delete") != 0))
        e = E_MALFORMED_XML;
    size_t n = 0;
    for (struct xml *o = x ? x->child : NULL; o && e < 0; o = o->next)
        if (!strcmp(o->name, "Object") && (++n > 1000 || !xml_child(o, "Key")))
            e = E_MALFORMED_XML;
    if (e >= 0 || n == 0) {
        reply_fail(q, e >= 0 ? (enum s3_error)e : E_MALFORMED_XML);
    } else {
        const char *quiet = xml_text(x, "Quiet");
        q->reply.status = 200;
        reply_xml(q, "DeleteResult");
        for (struct xml *o = x->child; o; o = o->next)
            if (!strcmp(o->name, "Object"))
                delete_one(q, o, quiet && !strcmp(quiet, "true"));
        BUF_LIT(&q->reply.text, "</DeleteResult>");
    }
    xml_free(x);
    bag_drop(sums);
    q->upload = (struct buf){ 0 };
    body_drop(body);
}

void op_get_tagging(struct request *q)
{
    struct version v;
    struct version_ref which;
    if (!object_version_param(q, &which))
        return;
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    if (f != FOUND) {
        object_missing(q, f, which, &v);
    } else {
        const char *key, *value;
        struct buf *b = &q->reply.text;
        q->reply.status = 200;
        object_reply_version(q, "x-amz-version-id", q->where, v.id);
        reply_xml(q, "Tagging");
        BUF_LIT(b, "<TagSet>");
        for (size_t at = 0; bag_next(v.tags, &at, &key, &value);) {
            BUF_LIT(b, "<Tag>");
            buf_element(b, "Key", key);
            buf_element(b, "Value", value);
            BUF_LIT(b, "</Tag>");
        }
        BUF_LIT(b, "</TagSet></Tagging>");
    }
    version_drop(&v);
}

static void set_tags(struct request *q, struct bag *takes, int status)
{
    struct version_ref which;
    struct version none = { 0 };
    uint64_t id = 0;
    if (!object_version_param(q, &which)) {
        bag_drop(takes);
        return;
    }
    enum found f = store_set_tags(q->where, q->key, q->key_len, which, takes, &id);
    if (f != FOUND) {
        object_missing(q, f, which, &none);
        return;
    }
    q->reply.status = status;
    object_reply_version(q, "x-amz-version-id", q->where, id);
}

void op_put_tagging(struct request *q)
{
    struct bag *tags = NULL;
    int e = props_tags_of_xml(q->upload.p, q->upload.n, 10, &tags);
    if (e >= 0) {
        bag_drop(tags);
        reply_fail(q, (enum s3_error)e);
        return;
    }
    set_tags(q, tags, 200);
}

void op_delete_tagging(struct request *q)
{
    set_tags(q, NULL, 204);
}
