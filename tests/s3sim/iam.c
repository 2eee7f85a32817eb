/* See iam.h. A role may be given its documents by IAM or by the control API; what was given last counts. */
#include "iam.h"

#include "access.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IAM_NS "https://iam.amazonaws.com/doc/2010-05-08/"
enum { DOCUMENT_MAX = 10240 };

bool iam_is_asked(const struct request *q, const char *action)
{
    char *asked = q->upload.n && memmem(q->upload.p, q->upload.n, "Version=2010-05-08", 18) ? request_form(q, "Action")
                                                                                            : NULL;
    bool yes = asked && !strcmp(asked, action);
    free(asked);
    return yes;
}

static void put_id(struct request *q)
{
    char id[40];
    version_id_text(q->id, id);
    BUF_LIT(&q->reply.text, "<ResponseMetadata>");
    buf_element(&q->reply.text, "RequestId", id);
    BUF_LIT(&q->reply.text, "</ResponseMetadata>");
}

static void iam_fail(struct request *q, int status, const char *code, const char *message)
{
    struct buf *b = &q->reply.text;
    q->reply.status = status;
    q->reply.code = code;
    q->reply.is_xml = true;
    b->n = 0;
    BUF_LIT(b, "<ErrorResponse xmlns=\"" IAM_NS "\"><Error><Type>Sender</Type>");
    buf_element(b, "Code", code);
    buf_element(b, "Message", message);
    BUF_LIT(b, "</Error></ErrorResponse>");
}

/* As IAM answers documents: all but unreserved characters is escaped. */
static void put_document(struct buf *b, const char *name, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
    static const char hex[] = "0123456789ABCDEF";
    buf_char(b, '<');
    buf_str(b, name);
    buf_char(b, '>');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(plain, c)) {
            buf_char(b, (char)c);
        } else {
            buf_char(b, '%');
            buf_char(b, hex[c >> 4]);
            buf_char(b, hex[c & 15]);
        }
    }
    BUF_LIT(b, "</");
    buf_str(b, name);
    buf_char(b, '>');
}

static void put_role(struct request *q, const char *action, const struct identity *role)
{
    struct buf *b = &q->reply.text;
    q->reply.status = 200;
    q->reply.is_xml = true;
    buf_char(b, '<');
    buf_str(b, action);
    BUF_LIT(b, "Response xmlns=\"" IAM_NS "\"><");
    buf_str(b, action);
    BUF_LIT(b, "Result><Role><Path>/</Path>");
    buf_element(b, "RoleName", role->name);
    BUF_LIT(b, "<RoleId>AROA");
    buf_str(b, role->name);
    BUF_LIT(b, "</RoleId>");
    buf_element(b, "Arn", role->arn);
    BUF_LIT(b, "<CreateDate>2026-01-01T00:00:00Z</CreateDate>");
    if (role->trust_text)
        put_document(b, "AssumeRolePolicyDocument", role->trust_text);
    BUF_LIT(b, "</Role></");
    buf_str(b, action);
    BUF_LIT(b, "Result>");
    put_id(q);
    BUF_LIT(b, "</");
    buf_str(b, action);
    BUF_LIT(b, "Response>");
}

static void put_empty(struct request *q, const char *action)
{
    struct buf *b = &q->reply.text;
    q->reply.status = 200;
    q->reply.is_xml = true;
    buf_char(b, '<');
    buf_str(b, action);
    BUF_LIT(b, "Response xmlns=\"" IAM_NS "\">");
    put_id(q);
    BUF_LIT(b, "</");
    buf_str(b, action);
    BUF_LIT(b, "Response>");
}

/* Principals and external id of a trust policy; false where it is none. */
static bool set_trust(struct identity *role, const char *text)
{
    json_t *document = text ? json_loads(text, 0, NULL) : NULL, *one;
    json_t *list = json_object_get(document, "Statement"), *trust = json_array();
    const char *id = NULL;
    size_t i, k;
    json_array_foreach(list, i, one)
    {
        json_t *who = json_object_get(json_object_get(one, "Principal"), "AWS"), *each;
        const json_t *wanted = json_object_get(json_object_get(one, "Condition"), "StringEquals");
        if (json_is_string(who))
            json_array_append(trust, who);
        json_array_foreach(who, k, each) json_array_append(trust, each);
        if (json_is_string(json_object_get(wanted, "sts:ExternalId")))
            id = json_string_value(json_object_get(wanted, "sts:ExternalId"));
    }
    if (!json_is_array(list) || strlen(text) > DOCUMENT_MAX) {
        json_decref(trust);
        json_decref(document);
        return false;
    }
    json_decref(role->trust);
    role->trust = trust;
    free(role->external_id);
    role->external_id = id ? mem_dup(id, strlen(id)) : NULL;
    free(role->trust_text);
    role->trust_text = mem_dup(text, strlen(text));
    json_decref(document);
    return true;
}

/* What all of its inline policies together allow and deny. */
static void compile(struct identity *role)
{
    json_t *all = json_object(), *statements = json_array(), *text;
    const char *name, *why;
    json_object_foreach(role->inline_policies, name, text)
    {
        json_t *one = json_loads(json_string_value(text), 0, NULL);
        json_t *list = json_object_get(one, "Statement");
        if (json_is_array(list))
            json_array_extend(statements, list);
        else if (list)
            json_array_append(statements, list);
        json_decref(one);
    }
    json_object_set_new(all, "Statement", statements);
    policy_free(role->policy);
    role->policy = policy_new(all, &why);
    json_decref(all);
}

static void put_policy(struct request *q, struct identity *role, const char *name, const char *text)
{
    const char *why = "The policy document is missing";
    struct policy *p = name && text ? policy_parse(text, strlen(text), &why) : NULL;
    if (!p) {
        iam_fail(q, 400, "MalformedPolicyDocument", why);
    } else if (strlen(text) > DOCUMENT_MAX) {
        iam_fail(q, 409, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role");
    } else {
        if (!role->inline_policies)
            role->inline_policies = json_object();
        json_object_set_new(role->inline_policies, name, json_string(text));
        compile(role);
        put_empty(q, "PutRolePolicy");
    }
    policy_free(p);
}

static void get_policy(struct request *q, const struct identity *role, const char *name)
{
    struct buf *b = &q->reply.text;
    const char *text = name ? json_string_value(json_object_get(role->inline_policies, name)) : NULL;
    if (!text) {
        iam_fail(q, 404, "NoSuchEntity", "The role policy cannot be found.");
        return;
    }
    q->reply.status = 200;
    q->reply.is_xml = true;
    BUF_LIT(b, "<GetRolePolicyResponse xmlns=\"" IAM_NS "\"><GetRolePolicyResult>");
    buf_element(b, "RoleName", role->name);
    buf_element(b, "PolicyName", name);
    put_document(b, "PolicyDocument", text);
    BUF_LIT(b, "</GetRolePolicyResult>");
    put_id(q);
    BUF_LIT(b, "</GetRolePolicyResponse>");
}

static void list_policies(struct request *q, const struct identity *role)
{
    struct buf *b = &q->reply.text;
    const char *name;
    json_t *text;
    q->reply.status = 200;
    q->reply.is_xml = true;
    BUF_LIT(b, "<ListRolePoliciesResponse xmlns=\"" IAM_NS "\"><ListRolePoliciesResult><PolicyNames>");
    json_object_foreach(role->inline_policies, name, text) buf_element(b, "member", name);
    BUF_LIT(b, "</PolicyNames><IsTruncated>false</IsTruncated></ListRolePoliciesResult>");
    put_id(q);
    BUF_LIT(b, "</ListRolePoliciesResponse>");
}

static bool may(struct request *q, const char *action, const char *name)
{
    char wanted[80] = "iam:";
    struct buf arn = { 0 };
    snprintf(wanted + 4, sizeof wanted - 4, "%s", action);
    BUF_LIT(&arn, "arn:aws:iam::");
    buf_str(&arn, access_account(q));
    BUF_LIT(&arn, ":role/");
    buf_str(&arn, name);
    struct policy_query p = { .action = wanted, .resource = buf_cstr(&arn), .account = access_account(q) };
    const struct policy *own = q->credential->who->policy;
    /* a user without a policy may do what its account may, but not give itself rights */
    bool yes = own ? policy_eval(own, &p) == POLICY_ALLOW : q->credential->who->is_owner;
    if (!yes) {
        struct buf t = { 0 };
        BUF_LIT(&t, "User: ");
        buf_str(&t, q->credential->who->arn);
        BUF_LIT(&t, " is not authorized to perform: ");
        buf_str(&t, wanted);
        BUF_LIT(&t, " on resource: ");
        buf_str(&t, buf_cstr(&arn));
        iam_fail(q, 403, "AccessDenied", buf_cstr(&t));
        buf_free(&t);
    }
    buf_free(&arn);
    return yes;
}

static void create_role(struct request *q, const char *name, const char *trust)
{
    struct identity probe = { 0 };
    if (account_find(access_account(q), name, true)) {
        iam_fail(q, 409, "EntityAlreadyExists", "Role with that name already exists.");
        return;
    }
    if (!set_trust(&probe, trust)) {
        iam_fail(q, 400, "MalformedPolicyDocument", "This policy contains invalid Json");
        return;
    }
    struct identity *role = account_role(access_account(q), name);
    role->trust = probe.trust;
    role->external_id = probe.external_id;
    role->trust_text = probe.trust_text;
    compile(role); /* it may do nothing yet */
    put_role(q, "CreateRole", role);
}

static void on_role(struct request *q, const char *action, const char *name)
{
    struct identity *role = account_find(access_account(q), name, true);
    char *policy = request_form(q, "PolicyName"), *document = request_form(q, "PolicyDocument");
    if (!role) {
        iam_fail(q, 404, "NoSuchEntity", "The role cannot be found.");
    } else if (!strcmp(action, "GetRole")) {
        put_role(q, action, role);
    } else if (!strcmp(action, "PutRolePolicy")) {
        put_policy(q, role, policy, document);
    } else if (!strcmp(action, "GetRolePolicy")) {
        get_policy(q, role, policy);
    } else if (!strcmp(action, "ListRolePolicies")) {
        list_policies(q, role);
    } else if (!strcmp(action, "UpdateAssumeRolePolicy")) {
        if (set_trust(role, document))
            put_empty(q, action);
        else
            iam_fail(q, 400, "MalformedPolicyDocument", "This policy contains invalid Json");
    } else {
        iam_fail(q, 400, "InvalidAction", "Could not find operation in the query API");
    }
    free(policy);
    free(document);
}

void op_iam(struct request *q)
{
    char *action = request_form(q, "Action"), *name = request_form(q, "RoleName");
    char *trust = request_form(q, "AssumeRolePolicyDocument");
    if (!q->credential)
        iam_fail(q, 403, "MissingAuthenticationToken", "Request is missing Authentication Token");
    else if (!action || !name || !*name || strlen(name) > 64)
        iam_fail(q, 400, "ValidationError", "Action and RoleName are needed");
    else if (may(q, action, name)) {
        if (!strcmp(action, "CreateRole"))
            create_role(q, name, trust);
        else
            on_role(q, action, name);
    }
    free(action);
    free(name);
    free(trust);
}
