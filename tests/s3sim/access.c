/* See access.h. */
#include "access.h"

#include "lock.h"

#include <strings.h>

const char *access_account(const struct request *q)
{
    return q->credential ? q->credential->who->account : "";
}

static const char *condition_key(void *ctx, const char *name)
{
    const struct request *q = ctx;
    if (!strcasecmp(name, "aws:SecureTransport"))
        return q->tls ? "true" : "false";
    if (q->credential && !strcasecmp(name, "aws:PrincipalArn"))
        return q->credential->who->arn;
    if (q->credential && !strcasecmp(name, "aws:PrincipalAccount"))
        return q->credential->who->account;
    if (!strcasecmp(name, "s3:prefix") || !strcasecmp(name, "s3:delimiter") || !strcasecmp(name, "s3:max-keys"))
        return request_value(q, name + 3);
    if (!strcasecmp(name, "s3:VersionId"))
        return request_value(q, "versionId");
    if (!strncasecmp(name, "s3:object-lock-", 15)) {
        static _Thread_local char value[40]; /* used before the next key is asked for */
        return lock_condition(q, name, value);
    }
    if (!strcasecmp(name, "s3:if-none-match") || !strncasecmp(name, "s3:x-amz-", 9))
        return request_header(q, name + 3);
    return NULL;
}

/* The owner may always repair a policy that locks everybody out, as the root user may. */
static bool repairs(const struct request *q, const char *action)
{
    return q->credential->who->is_owner &&
           (!strcmp(action, "s3:PutBucketPolicy") || !strcmp(action, "s3:DeleteBucketPolicy") ||
                   !strcmp(action, "s3:GetBucketPolicy"));
}

static bool decide(struct request *q, const struct bucket *b, struct policy_query *p)
{
    const struct credential *c = q->credential;
    enum verdict by_bucket = POLICY_NONE, by_identity = POLICY_ALLOW;
    p->account = c ? c->who->account : NULL;
    p->session_arn = c && c->session_arn[0] ? c->session_arn : NULL;
    p->key = condition_key;
    p->ctx = q;
    if (b && b->policy) {
        p->principal_arn = c ? c->who->arn : "anonymous";
        by_bucket = policy_eval(b->policy, p);
    }
    if (!c)
        return by_bucket == POLICY_ALLOW;
    bool own = !b || !strcmp(b->account, c->who->account);
    if (by_bucket == POLICY_DENY && !(own && repairs(q, p->action)))
        return false;
    p->principal_arn = NULL;
    if (c->who->policy)
        by_identity = policy_eval(c->who->policy, p);
    if (by_identity == POLICY_DENY || (c->session_policy && policy_eval(c->session_policy, p) != POLICY_ALLOW))
        return false;
    if (own)
        return by_identity == POLICY_ALLOW || by_bucket == POLICY_ALLOW;
    return by_identity == POLICY_ALLOW && by_bucket == POLICY_ALLOW;
}

bool access_allowed(struct request *q, const char *action, const struct bucket *b, const char *key, size_t key_len)
{
    /* the common case needs no resource text */
    const struct credential *c = q->credential;
    if (c && !c->who->policy && !c->session_policy && (!b || (!b->policy && !strcmp(b->account, c->who->account))))
        return true;
    struct buf arn = { 0 };
    BUF_LIT(&arn, "arn:aws:s3:::");
    if (b)
        buf_str(&arn, b->name);
    else
        buf_str(&arn, q->bucket[0] ? q->bucket : "*");
    if (key) {
        buf_char(&arn, '/');
        buf_put(&arn, key, key_len);
    }
    struct policy_query p = { .action = action, .resource = buf_cstr(&arn) };
    bool yes = decide(q, b, &p);
    buf_free(&arn);
    return yes;
}
