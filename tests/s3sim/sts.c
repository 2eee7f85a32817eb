/* STS's query API: AssumeRole and GetCallerIdentity, with AWS's shapes of answers and errors. See ops.h. */
#include "access.h"
#include "ops.h"
#include "stamp.h"
#include "world.h"

#include <stdlib.h>

#define STS_NS "https://sts.amazonaws.com/doc/2011-06-15/"

static void put_id(struct request *q)
{
    char id[40];
    version_id_text(q->id, id);
    buf_element(&q->reply.text, "RequestId", id);
}

static void sts_fail(struct request *q, int status, const char *code, const char *message)
{
    struct buf *b = &q->reply.text;
    q->reply.status = status;
    q->reply.code = code;
    q->reply.is_xml = true;
    b->n = 0;
    BUF_LIT(b, "<ErrorResponse xmlns=\"" STS_NS "\"><Error><Type>Sender</Type>");
    buf_element(b, "Code", code);
    buf_element(b, "Message", message);
    BUF_LIT(b, "</Error>");
    put_id(q);
    BUF_LIT(b, "</ErrorResponse>");
}

static void caller_identity(struct request *q)
{
    struct buf *b = &q->reply.text;
    const struct credential *c = q->credential;
    q->reply.status = 200;
    q->reply.is_xml = true;
    BUF_LIT(b, "<GetCallerIdentityResponse xmlns=\"" STS_NS "\"><GetCallerIdentityResult>");
    buf_element(b, "Arn", c->session_arn[0] ? c->session_arn : c->who->arn);
    BUF_LIT(b, "<UserId>AIDA");
    buf_str(b, c->who->name);
    if (c->session_name[0]) {
        buf_char(b, ':');
        buf_str(b, c->session_name);
    }
    BUF_LIT(b, "</UserId>");
    buf_element(b, "Account", c->who->account);
    BUF_LIT(b, "</GetCallerIdentityResult><ResponseMetadata>");
    put_id(q);
    BUF_LIT(b, "</ResponseMetadata></GetCallerIdentityResponse>");
}

static bool trusted(const struct identity *role, const struct credential *c)
{
    char root[64] = "arn:aws:iam::";
    memcpy(root + 13, c->who->account, 12);
    memcpy(root + 25, ":root", 6);
    size_t i;
    json_t *e;
    json_array_foreach(role->trust, i, e)
    {
        const char *s = json_string_value(e);
        if (s && (!strcmp(s, "*") || !strcmp(s, c->who->account) || !strcmp(s, root) || !strcmp(s, c->who->arn) ||
                         (c->session_arn[0] && !strcmp(s, c->session_arn))))
            return true;
    }
    return false;
}

/* The caller's own policy must allow sts:AssumeRole too, where it has one. */
static bool may_assume(struct request *q, const char *arn)
{
    const struct credential *c = q->credential;
    struct policy_query p = { .action = "sts:AssumeRole", .resource = arn, .account = c->who->account };
    if (c->who->policy && policy_eval(c->who->policy, &p) != POLICY_ALLOW)
        return false;
    return !c->session_policy || policy_eval(c->session_policy, &p) == POLICY_ALLOW;
}

struct assume {
    char *arn, *name, *duration, *external_id, *policy;
    struct identity *role;
    int64_t seconds;
    struct policy *session_policy;
};

static bool session_name_is_valid(const char *s)
{
    size_t n = strlen(s);
    return n >= 2 && n <= 64 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") == n;
}

static bool check_assume(struct request *q, struct assume *a)
{
    uint64_t seconds = 3600;
    const char *why;
    if (!a->arn || !a->name || !session_name_is_valid(a->name)) {
        sts_fail(q, 400, "ValidationError", "1 validation error detected: RoleArn and RoleSessionName must be valid");
        return false;
    }
    if (a->duration && !text_u64(a->duration, 43200, &seconds)) {
        sts_fail(q, 400, "ValidationError",
                "1 validation error detected: Value at 'durationSeconds' failed to satisfy "
                "constraint: Member must have value less than or equal to 43200");
        return false;
    }
    a->seconds = (int64_t)seconds;
    if (a->seconds < world_limits()->min_session_seconds) {
        sts_fail(q, 400, "ValidationError",
                "1 validation error detected: Value at 'durationSeconds' failed to satisfy "
                "constraint: Member must have value greater than or equal to 900");
        return false;
    }
    a->role = account_find_role(a->arn);
    if (!a->role || !trusted(a->role, q->credential) || !may_assume(q, a->arn) ||
            (a->role->external_id && (!a->external_id || strcmp(a->role->external_id, a->external_id) != 0))) {
        struct buf t = { 0 };
        const struct credential *c = q->credential;
        BUF_LIT(&t, "User: ");
        buf_str(&t, c->session_arn[0] ? c->session_arn : c->who->arn);
        BUF_LIT(&t, " is not authorized to perform: sts:AssumeRole on resource: ");
        buf_str(&t, a->arn);
        sts_fail(q, 403, "AccessDenied", buf_cstr(&t));
        buf_free(&t);
        return false;
    }
    if (q->credential->token && a->seconds > 3600) {
        sts_fail(q, 400, "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                "assumed by role chaining");
        return false;
    }
    if (a->seconds > a->role->max_seconds) {
        sts_fail(q, 400, "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
        return false;
    }
    if (a->policy && !(a->session_policy = policy_parse(a->policy, strlen(a->policy), &why))) {
        sts_fail(q, 400, "MalformedPolicyDocument", why);
        return false;
    }
    return true;
}

static void assume_role(struct request *q)
{
    struct assume a = { request_form(q, "RoleArn"), request_form(q, "RoleSessionName"),
        request_form(q, "DurationSeconds"), request_form(q, "ExternalId"), request_form(q, "Policy"), NULL, 0, NULL };
    if (check_assume(q, &a)) {
        struct buf *b = &q->reply.text;
        struct credential *c = account_session(a.role, a.name, clock_now() + a.seconds);
        c->session_policy = a.session_policy;
        q->reply.status = 200;
        q->reply.is_xml = true;
        BUF_LIT(b, "<AssumeRoleResponse xmlns=\"" STS_NS "\"><AssumeRoleResult><AssumedRoleUser>");
        BUF_LIT(b, "<AssumedRoleId>AROA");
        buf_str(b, a.role->name);
        buf_char(b, ':');
        buf_str(b, a.name);
        BUF_LIT(b, "</AssumedRoleId>");
        buf_element(b, "Arn", c->session_arn);
        BUF_LIT(b, "</AssumedRoleUser><Credentials>");
        buf_element(b, "AccessKeyId", c->access_key);
        buf_element(b, "SecretAccessKey", c->secret);
        buf_element(b, "SessionToken", c->token);
        BUF_LIT(b, "<Expiration>");
        stamp_plain(b, c->expires);
        BUF_LIT(b, "</Expiration></Credentials></AssumeRoleResult><ResponseMetadata>");
        put_id(q);
        BUF_LIT(b, "</ResponseMetadata></AssumeRoleResponse>");
    }
    free(a.arn);
    free(a.name);
    free(a.duration);
    free(a.external_id);
    free(a.policy);
}

void op_sts(struct request *q)
{
    char *action = request_form(q, "Action");
    if (!q->credential)
        sts_fail(q, 403, "MissingAuthenticationToken", "Request is missing Authentication Token");
    else if (action && !strcmp(action, "AssumeRole"))
        assume_role(q);
    else if (action && !strcmp(action, "GetCallerIdentity"))
        caller_identity(q);
    else
        sts_fail(q, 400, "InvalidAction", "Could not find operation in the query API");
    free(action);
}
