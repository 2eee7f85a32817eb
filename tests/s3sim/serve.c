/* See serve.h. */
#include "serve.h"

#include "access.h"
#include "auth.h"
#include "latency.h"
#include "mutate.h"
#include "ops.h"
#include "stamp.h"
#include "stats.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

int64_t serve_prepare(struct request *q)
{
    q->id = version_new_id();
    q->received = q->upload.n;
    request_target(q);
    q->op = ops_route(q);
    world_read();
    struct credential *c = auth_peek(q);
    if (c)
        snprintf(q->caller, sizeof q->caller, "%s", c->who->name);
    world_unlock();
    struct fault_query f = { q->op->name, q->bucket, q->key ? q->key : "", q->key_len, q->caller };
    fault_choose(&f, &q->fault);
    int64_t ms = latency_of(q->op->name);
    return ms + (q->fault.kind == FAULT_STALL ? q->fault.ms : 0);
}

/* Faults that answer in the operation's place. True: replied. */
static bool fault_before(struct request *q)
{
    const struct fault_action *f = &q->fault;
    switch (f->kind) {
    case FAULT_ERROR:
        if (f->perform)
            return false;
        reply_fail_as(q, f->status, f->code, f->message);
        return true;
    case FAULT_SLOWDOWN_RPS:
        reply_fail(q, E_SLOW_DOWN);
        return true;
    case FAULT_EXPIRED_TOKEN:
        reply_fail(q, E_EXPIRED_TOKEN);
        return true;
    case FAULT_SKEWED_CLOCK:
        reply_fail(q, E_TIME_SKEWED);
        return true;
    case FAULT_REDIRECT:
        reply_header(q, "x-amz-bucket-region", f->region);
        reply_fail_with(q, E_PERMANENT_REDIRECT, "Region", f->region);
        return true;
    case FAULT_RESET:
        q->reply.status = 0;
        return true;
    case FAULT_ERROR_IN_200:
        return !f->perform;
    default:
        return false;
    }
}

static void error_in_200(struct request *q)
{
    struct buf b = { 0 };
    reply_fail_as(q, 500, q->fault.code, q->fault.message);
    q->reply.status = 200;
    if (q->fault.keep_alive) { /* as S3 does it: the declaration, then white space, then what went wrong */
        const char *end = memchr(q->reply.text.p, '\n', q->reply.text.n); /* the text is not terminated */
        size_t head = end != NULL ? (size_t)(end - q->reply.text.p) + 1 : 0;
        buf_put(&b, q->reply.text.p, head);
        BUF_LIT(&b, "\n   \n\n");
        buf_put(&b, q->reply.text.p + head, q->reply.text.n - head);
        buf_free(&q->reply.text);
        q->reply.text = b;
    }
}

/* Faults that spoil what the operation answered. */
static void fault_after(struct request *q)
{
    struct buf *b = &q->reply.text;
    switch (q->fault.kind) {
    case FAULT_ERROR:
        reply_fail_as(q, q->fault.status, q->fault.code, q->fault.message);
        break;
    case FAULT_ERROR_IN_200:
        error_in_200(q);
        break;
    case FAULT_LOST_ANSWER:
        q->reply.status = 0;
        break;
    case FAULT_EMPTY_BODY:
        b->n = 0;
        q->reply.size = 0;
        body_drop(q->reply.body);
        q->reply.body = NULL;
        break;
    case FAULT_WRONG_ROOT:
        b->n = 0;
        reply_xml(q, "SomethingElse");
        BUF_LIT(b, "</SomethingElse>");
        break;
    case FAULT_GARBLE:
        for (size_t i = b->n / 2; i < b->n; i += 3)
            b->p[i] = "<&\x01>"[i & 3];
        break;
    default:
        break;
    }
}

static bool wrong_region(struct request *q)
{
    const struct bucket *b = q->where;
    if (!b || !b->check_region || !q->region[0] || !strcmp(q->region, b->region))
        return false;
    reply_header(q, "x-amz-bucket-region", b->region);
    reply_fail_with(q, E_PERMANENT_REDIRECT, "Region", b->region);
    return true;
}

static bool denied(struct request *q)
{
    const char *owner = request_header(q, "x-amz-expected-bucket-owner");
    const char *action = q->op->action;
    bool no = owner && q->where && strcmp(owner, q->where->account) != 0;
    if (!no && !(q->op->flags & OP_OWN_ACCESS)) {
        if (q->op->version_action && request_param(q, "versionId"))
            action = q->op->version_action;
        if (q->op->level == ON_SERVICE)
            no = !q->credential || !access_allowed(q, action, NULL, NULL, 0);
        else
            no = !access_allowed(q, action, q->where, q->op->level == ON_OBJECT ? q->key : NULL, q->key_len);
    } else if (!no && q->op->level == ON_BUCKET && !(q->op->flags & OP_NO_BUCKET)) {
        no = !q->credential;
    }
    if (!no)
        return false;
    if (q->op->level == ON_BUCKET && q->is_head && q->where)
        reply_header(q, "x-amz-bucket-region", q->where->region);
    reply_fail(q, E_ACCESS_DENIED);
    return true;
}

static bool bad_key(struct request *q)
{
    if (q->bad_target || (q->key_len && (memchr(q->key, 0, q->key_len) || !text_is_utf8(q->key, q->key_len)))) {
        reply_fail(q, E_INVALID_URI);
        return true;
    }
    if (q->key_len > KEY_MAX)
        reply_fail(q, E_KEY_TOO_LONG);
    return q->key_len > KEY_MAX;
}

static void perform_locked(struct request *q)
{
    int e = auth_check(q);
    if (e < 0 && q->service[0] &&
            ((q->op->run == op_sts) != !strcmp(q->service, "sts") ||
                    (q->op->run == op_iam) != !strcmp(q->service, "iam")))
        e = E_CREDENTIALS_MALFORMED;
    e = e < 0 ? auth_payload(q) : e;
    if (e < 0 && request_header(q, "transfer-encoding") && !request_header(q, "x-amz-decoded-content-length"))
        e = E_NOT_IMPLEMENTED;
    if (e < 0 && q->over_limit)
        e = E_ENTITY_TOO_LARGE;
    if (e >= 0) {
        reply_fail(q, (enum s3_error)e);
        return;
    }
    if (bad_key(q))
        return;
    if (q->op->level != ON_SERVICE) {
        q->where = bucket_find(q->bucket);
        if (!q->where && !(q->op->flags & OP_NO_BUCKET)) {
            reply_fail(q, E_NO_BUCKET);
            return;
        }
    }
    if ((!(q->op->flags & OP_NO_BUCKET) && wrong_region(q)) || denied(q))
        return;
    if (q->where && !(q->op->flags & OP_COPIES))
        mutate_now(&q->fault, q->where, q->key, q->key_len);
    q->reply.status = 200;
    q->op->run(q);
}

void serve_perform(struct request *q)
{
    if (!fault_before(q)) {
        if (q->op->flags & OP_WRITES_WORLD)
            world_write();
        else
            world_read();
        perform_locked(q);
        q->where = NULL;
        q->credential = NULL;
        world_unlock();
        if (q->fault.kind != FAULT_NONE && (q->reply.status < 300 || q->fault.kind == FAULT_LOST_ANSWER))
            fault_after(q);
    } else if (q->fault.kind == FAULT_ERROR_IN_200) {
        error_in_200(q);
    }
    stats_record(q, q->reply.status);
}
