/* RestoreObject: an archived object can be read for some days, after the hours that its class and the tier take by the
 * server's clock, which a test can set. See ops.h and props.h. */
#include "object.h"
#include "ops.h"
#include "props.h"
#include "stamp.h"
#include "xmlin.h"

#include <stdlib.h>

enum { HOUR = 3600, DAY = 86400 };

/* Seconds until it is ready; -1: the class has no such tier. */
static int64_t delay_of(const struct version *v, const char *tier)
{
    bool deep = v->storage_class == CLASS_DEEP_ARCHIVE;
    if (!strcmp(tier, "Expedited"))
        return deep ? -1 : 300;
    if (!strcmp(tier, "Bulk"))
        return deep ? 48 * HOUR : 12 * HOUR;
    if (!strcmp(tier, "Standard"))
        return deep ? 12 * HOUR : 5 * HOUR;
    return -1;
}

static void keep(struct request *q, const struct version *v, int64_t ready, int64_t expiry)
{
    struct buf t = { 0 };
    buf_u64(&t, (uint64_t)ready);
    buf_char(&t, ' ');
    buf_u64(&t, (uint64_t)expiry);
    struct version_ref which = { true, v->id };
    (void)store_set_extra(q->where, q->key, q->key_len, which, PROPS_RESTORE, buf_cstr(&t));
    buf_free(&t);
}

static void restore(struct request *q, const struct version *v, uint64_t days, const char *tier)
{
    struct thaw t = props_thaw(v);
    int64_t now = clock_now(), delay = delay_of(v, tier);
    if (v->storage_class != CLASS_GLACIER && v->storage_class != CLASS_DEEP_ARCHIVE) {
        reply_fail_with(q, E_OBJECT_STATE, "StorageClass", class_name(v->storage_class));
    } else if (delay < 0) {
        reply_fail(q, E_INVALID_ARGUMENT);
    } else if (t.asked && now < t.ready) {
        reply_fail(q, E_RESTORE_IN_PROGRESS);
    } else if (t.asked && now < t.expiry) {
        keep(q, v, t.ready, now + (int64_t)days * DAY);
        q->reply.status = 200;
    } else {
        keep(q, v, now + delay, now + delay + (int64_t)days * DAY);
        q->reply.status = 202;
    }
}

void op_restore_object(struct request *q)
{
    struct version v;
    struct version_ref which;
    uint64_t days = 0;
    if (!object_version_param(q, &which))
        return;
    struct xml *x = xml_parse(q->upload.p, q->upload.n);
    const char *text = xml_text(x, "Days"), *tier = xml_text(xml_child(x, "GlacierJobParameters"), "Tier");
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    if (f != FOUND)
        object_missing(q, f, which, &v);
    else if (!x || strcmp(x->name, "RestoreRequest") != 0 || !text || !text_u64(text, 10000, &days) || days == 0)
        reply_fail(q, E_MALFORMED_XML);
    else
        restore(q, &v, days, tier ? tier : "Standard");
    version_drop(&v);
    xml_free(x);
}
