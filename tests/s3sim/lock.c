/* See lock.h, and for the operations ops.h. */
#include "lock.h"

#include "access.h"
#include "object.h"
#include "ops.h"
#include "stamp.h"
#include "xmlin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DAY = 86400 };

static bool is_mode(const char *mode)
{
    return !strcmp(mode, "GOVERNANCE") || !strcmp(mode, "COMPLIANCE");
}

bool lock_may_bypass(struct request *q, const char *key, size_t n)
{
    const char *asked = request_header(q, "x-amz-bypass-governance-retention");
    return asked && !strcmp(asked, "true") && access_allowed(q, "s3:BypassGovernanceRetention", q->where, key, n);
}

static int headers(struct request *q, const char *mode, const char *until, const char *hold)
{
    int64_t end;
    if (!q->where->object_lock)
        return E_LOCK_ABSENT;
    if (!mode != !until || (mode && !is_mode(mode)) || (hold && strcmp(hold, "ON") != 0 && strcmp(hold, "OFF") != 0) ||
            (until && !stamp_parse(until, &end)))
        return E_INVALID_ARGUMENT;
    if (until && end <= clock_now())
        return E_LOCK_PAST;
    if ((mode && !access_allowed(q, "s3:PutObjectRetention", q->where, q->key, q->key_len)) ||
            (hold && !access_allowed(q, "s3:PutObjectLegalHold", q->where, q->key, q->key_len)))
        return E_ACCESS_DENIED;
    return -1;
}

/* days of the bucket's default retention and its mode, which the caller frees with x; 0: none. */
static uint64_t default_days(const char *text, struct xml **x, const char **mode)
{
    uint64_t days = 0;
    *x = text ? xml_parse(text, strlen(text)) : NULL;
    const struct xml *rule = xml_child(xml_child(*x, "Rule"), "DefaultRetention");
    const char *in_days = xml_text(rule, "Days"), *in_years = xml_text(rule, "Years");
    *mode = xml_text(rule, "Mode");
    if (!*mode || !is_mode(*mode) || !in_days == !in_years)
        return 0;
    if (in_days && text_u64(in_days, 36500, &days))
        return days;
    return in_years && text_u64(in_years, 100, &days) ? days * 365 : 0;
}

bool lock_document_is_well(const char *text, size_t n)
{
    struct xml *x = xml_parse(text, n), *again = NULL;
    const char *enabled = x && !strcmp(x->name, "ObjectLockConfiguration") ? xml_text(x, "ObjectLockEnabled") : NULL;
    const char *mode;
    bool well = enabled && !strcmp(enabled, "Enabled");
    if (well && xml_child(x, "Rule")) {
        struct buf copy = { 0 };
        buf_put(&copy, text, n);
        well = default_days(buf_cstr(&copy), &again, &mode) > 0;
        buf_free(&copy);
    }
    xml_free(again);
    xml_free(x);
    return well;
}

static void add_default(const struct bucket *b, struct version *v)
{
    struct xml *x;
    const char *mode;
    uint64_t days = default_days(b->document[DOC_OBJECT_LOCK], &x, &mode);
    if (days) {
        struct buf until = { 0 };
        stamp_iso(&until, clock_now() + (int64_t)days * DAY);
        bag_add(&v->extra, LOCK_MODE, mode);
        bag_add(&v->extra, LOCK_UNTIL, buf_cstr(&until));
        buf_free(&until);
    }
    xml_free(x);
}

int lock_of_write(struct request *q, struct version *v)
{
    const char *mode = request_header(q, LOCK_MODE), *until = request_header(q, LOCK_UNTIL);
    const char *hold = request_header(q, LOCK_HOLD);
    int e = mode || until || hold ? headers(q, mode, until, hold) : -1;
    if (e >= 0)
        return e;
    if (mode) {
        bag_add(&v->extra, LOCK_MODE, mode);
        bag_add(&v->extra, LOCK_UNTIL, until);
    } else if (q->where->document[DOC_OBJECT_LOCK]) {
        add_default(q->where, v);
    }
    if (hold)
        bag_add(&v->extra, LOCK_HOLD, hold);
    return -1;
}

void lock_reply(struct request *q, const struct version *v)
{
    const char *mode = bag_get(v->extra, LOCK_MODE), *until = bag_get(v->extra, LOCK_UNTIL);
    const char *hold = bag_get(v->extra, LOCK_HOLD);
    if (mode && until && access_allowed(q, "s3:GetObjectRetention", q->where, q->key, q->key_len)) {
        reply_header(q, LOCK_MODE, mode);
        reply_header(q, LOCK_UNTIL, until);
    }
    if (hold && access_allowed(q, "s3:GetObjectLegalHold", q->where, q->key, q->key_len))
        reply_header(q, LOCK_HOLD, hold);
}

const char *lock_condition(const struct request *q, const char *name, char out[40])
{
    bool by_headers = strcmp(q->op->name, "PutObjectRetention") != 0;
    struct xml *x = !by_headers && q->upload.n ? xml_parse(q->upload.p, q->upload.n) : NULL;
    const char *mode = by_headers ? request_header(q, LOCK_MODE) : xml_text(x, "Mode");
    const char *until = by_headers ? request_header(q, LOCK_UNTIL) : xml_text(x, "RetainUntilDate");
    const char *found = NULL;
    int64_t end;
    if (!strcasecmp(name, "s3:object-lock-mode"))
        found = mode;
    else if (!strcasecmp(name, "s3:object-lock-retain-until-date"))
        found = until;
    else if (!strcasecmp(name, "s3:object-lock-legal-hold"))
        found = request_header(q, LOCK_HOLD);
    out[0] = 0;
    if (found)
        snprintf(out, 40, "%s", found);
    else if (!strcasecmp(name, "s3:object-lock-remaining-retention-days") && until && stamp_parse(until, &end))
        snprintf(out, 40, "%lld", (long long)((end - clock_now()) / DAY));
    xml_free(x);
    return out[0] ? out : NULL;
}

/* ?retention and ?legal-hold of a version. */
void op_get_object_lock(struct request *q)
{
    struct version v = { 0 };
    struct version_ref which;
    bool hold = request_param(q, "legal-hold") != NULL;
    if (!object_version_param(q, &which))
        return;
    if (!q->where->object_lock) {
        reply_fail(q, E_LOCK_ABSENT);
        return;
    }
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    const char *mode = bag_get(v.extra, hold ? LOCK_HOLD : LOCK_MODE), *until = bag_get(v.extra, LOCK_UNTIL);
    if (f != FOUND) {
        object_missing(q, f, which, &v);
    } else if (!mode) {
        reply_fail_as(q, 404, "NoSuchObjectLockConfiguration",
                "The specified object does not have a ObjectLock configuration");
    } else if (hold) {
        q->reply.status = 200;
        reply_xml(q, "LegalHold");
        buf_element(&q->reply.text, "Status", mode);
        BUF_LIT(&q->reply.text, "</LegalHold>");
    } else {
        q->reply.status = 200;
        reply_xml(q, "Retention");
        buf_element(&q->reply.text, "Mode", mode);
        buf_element(&q->reply.text, "RetainUntilDate", until ? until : "");
        BUF_LIT(&q->reply.text, "</Retention>");
    }
    version_drop(&v);
}

/* A later end is always allowed, and so is the stricter mode. mode NULL: no retention any more. */
static bool may_change(struct request *q, const struct version *v, const char *mode, int64_t until)
{
    const char *old = bag_get(v->extra, LOCK_UNTIL), *was = bag_get(v->extra, LOCK_MODE);
    int64_t before;
    if (!old || !was || !stamp_parse(old, &before) || before <= clock_now())
        return true;
    if (mode && until >= before && (!strcmp(was, mode) || !strcmp(mode, "COMPLIANCE")))
        return true;
    return !strcmp(was, "GOVERNANCE") && lock_may_bypass(q, q->key, q->key_len);
}

static void put_hold(struct request *q, struct version_ref which, const char *status)
{
    if (!status || (strcmp(status, "ON") != 0 && strcmp(status, "OFF") != 0)) {
        reply_fail(q, E_MALFORMED_XML);
        return;
    }
    (void)store_set_extra(q->where, q->key, q->key_len, which, LOCK_HOLD, status);
    q->reply.status = 200;
}

static void put_retention(struct request *q, struct version_ref which, const struct version *v, const struct xml *x)
{
    const char *mode = xml_text(x, "Mode"), *until = xml_text(x, "RetainUntilDate");
    int64_t end = 0;
    if (!x || strcmp(x->name, "Retention") != 0 || !mode != !until || (mode && !is_mode(mode)) ||
            (until && !stamp_parse(until, &end))) {
        reply_fail(q, E_MALFORMED_XML);
    } else if (until && end <= clock_now()) {
        reply_fail(q, E_LOCK_PAST);
    } else if (!may_change(q, v, mode, end)) {
        reply_fail_as(q, 403, "AccessDenied", "Access Denied because object protected by object lock.");
    } else {
        (void)store_set_extra(q->where, q->key, q->key_len, which, LOCK_MODE, mode);
        (void)store_set_extra(q->where, q->key, q->key_len, which, LOCK_UNTIL, until);
        q->reply.status = 200;
    }
}

void op_put_object_lock(struct request *q)
{
    struct version v = { 0 };
    struct version_ref which;
    if (!object_version_param(q, &which))
        return;
    struct xml *x = xml_parse(q->upload.p, q->upload.n);
    enum found f = store_get(q->where, q->key, q->key_len, which, &v);
    if (!q->where->object_lock) {
        reply_fail(q, E_LOCK_ABSENT);
    } else if (f != FOUND) {
        object_missing(q, f, which, &v);
    } else {
        which = (struct version_ref){ true, v.id };
        if (request_param(q, "legal-hold"))
            put_hold(q, which, xml_text(x, "Status"));
        else
            put_retention(q, which, &v, x);
    }
    version_drop(&v);
    xml_free(x);
}
