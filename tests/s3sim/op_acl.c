/* ACLs of objects: GET ?acl, and PUT ?acl with a document, which is stored and given back. They grant nothing. See
 * ops.h. */
#include "object.h"
#include "ops.h"
#include "props.h"
#include "xmlin.h"

#include <string.h>

#define ALL_USERS "http://acs.amazonaws.com/groups/global/AllUsers"
#define XSI "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "

static void grant_owner(struct buf *b, const char *account)
{
    BUF_LIT(b, "<Grant><Grantee " XSI "xsi:type=\"CanonicalUser\"><ID>");
    buf_str(b, account);
    BUF_LIT(b, "</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>");
}

static void grant_all(struct buf *b, const char *permission)
{
    BUF_LIT(b, "<Grant><Grantee " XSI "xsi:type=\"Group\"><URI>" ALL_USERS "</URI></Grantee><Permission>");
    buf_str(b, permission);
    BUF_LIT(b, "</Permission></Grant>");
}

static void reply_canned(struct request *q, const char *canned)
{
    struct buf *b = &q->reply.text;
    reply_xml(q, "AccessControlPolicy");
    BUF_LIT(b, "<Owner><ID>");
    buf_str(b, q->where->account);
    BUF_LIT(b, "</ID></Owner><AccessControlList>");
    grant_owner(b, q->where->account);
    if (canned && !strncmp(canned, "public-read", 11))
        grant_all(b, "READ");
    if (canned && !strcmp(canned, "public-read-write"))
        grant_all(b, "WRITE");
    BUF_LIT(b, "</AccessControlList></AccessControlPolicy>");
}

void op_get_object_acl(struct request *q)
{
    struct version v;
    struct version_ref which;
    if (!object_version_param(q, &which))
        return;
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    const char *document = f == FOUND ? bag_get(v.extra, PROPS_ACL_DOCUMENT) : NULL;
    q->reply.status = 200;
    if (f != FOUND) {
        object_missing(q, f, which, &v);
    } else if (document && *document) {
        q->reply.is_xml = true;
        buf_str(&q->reply.text, document);
    } else {
        reply_canned(q, bag_get(v.extra, PROPS_ACL));
    }
    version_drop(&v);
}

void op_put_object_acl(struct request *q)
{
    struct version v;
    struct version_ref which;
    const char *canned = request_header(q, "x-amz-acl");
    struct xml *x = q->upload.n ? xml_parse(q->upload.p, q->upload.n) : NULL;
    if (!object_version_param(q, &which)) {
        xml_free(x);
        return;
    }
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    if (f != FOUND) {
        object_missing(q, f, which, &v);
    } else if (!canned && (!x || strcmp(x->name, "AccessControlPolicy") != 0)) {
        reply_fail(q, E_MALFORMED_XML);
    } else {
        which = (struct version_ref){ true, v.id };
        if (canned)
            (void)store_set_extra(q->where, q->key, q->key_len, which, PROPS_ACL, canned);
        (void)store_set_extra(
                q->where, q->key, q->key_len, which, PROPS_ACL_DOCUMENT, canned ? "" : buf_cstr(&q->upload));
        q->reply.status = 200;
    }
    version_drop(&v);
    xml_free(x);
}
