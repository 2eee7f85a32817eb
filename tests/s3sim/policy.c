/* See policy.h. The compiled form is the JSON itself, checked and normalised to lists: evaluation walks at most a few
 * dozen strings, and policies are few. Jansson's objects are only read after policy_new, which is safe from many
 * threads. */
#include "policy.h"

#include "buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct policy {
    json_t *statements;
};

int text_like(const char *p, const char *t)
{
    const char *star = NULL, *back = NULL;
    while (*t) {
        if (*p == '*') {
            star = p++;
            back = t;
        } else if (*p == '?' || *p == *t) {
            p++, t++;
        } else if (star) {
            p = star + 1;
            t = ++back;
        } else {
            return 0;
        }
    }
    while (*p == '*')
        p++;
    return *p == 0;
}

static const char *check(const json_t *s)
{
    const char *effect = json_string_value(json_object_get(s, "Effect"));
    if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
        return "Missing required field Effect";
    if (!json_object_get(s, "Action") && !json_object_get(s, "NotAction"))
        return "Missing required field Action";
    return NULL;
}

struct policy *policy_new(const json_t *document, const char **why)
{
    json_t *list = json_object_get(document, "Statement");
    *why = "This policy contains invalid Json";
    if (!list)
        return NULL;
    struct policy *p = mem_get(sizeof *p);
    p->statements = json_is_array(list) ? json_deep_copy(list) : json_array();
    if (json_is_object(list))
        json_array_append_new(p->statements, json_deep_copy(list));
    size_t i;
    json_t *s;
    json_array_foreach(p->statements, i, s)
    {
        const char *wrong = check(s);
        if (wrong) {
            *why = wrong;
            policy_free(p);
            return NULL;
        }
    }
    return p;
}

struct policy *policy_parse(const char *text, size_t n, const char **why)
{
    json_t *j = json_loadb(text, n, 0, NULL);
    *why = "Policies must be valid JSON and the first byte must be '{'";
    if (!j)
        return NULL;
    struct policy *p = policy_new(j, why);
    json_decref(j);
    return p;
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    json_decref(p->statements);
    free(p);
}

typedef int matcher(const char *pattern, const void *ctx);

/* One string, or any of a list. */
static int any(const json_t *v, matcher *match, const void *ctx)
{
    if (json_is_string(v))
        return match(json_string_value(v), ctx);
    size_t i;
    json_t *e;
    json_array_foreach(v, i, e) if (json_is_string(e) && match(json_string_value(e), ctx)) return 1;
    return 0;
}

static int match_action(const char *pattern, const void *ctx)
{
    /* actions are case-insensitive; ours are ASCII and short */
    char a[128], b[128];
    size_t n = strlen(pattern), m = strlen(ctx);
    if (n >= sizeof a || m >= sizeof b)
        return 0;
    for (size_t i = 0; i <= n; i++)
        a[i] = (char)(pattern[i] >= 'A' && pattern[i] <= 'Z' ? pattern[i] + 32 : pattern[i]);
    const char *t = ctx;
    for (size_t i = 0; i <= m; i++)
        b[i] = (char)(t[i] >= 'A' && t[i] <= 'Z' ? t[i] + 32 : t[i]);
    return text_like(a, b);
}

static int match_like(const char *pattern, const void *ctx)
{
    return text_like(pattern, ctx);
}

static int match_equal(const char *pattern, const void *ctx)
{
    return !strcmp(pattern, ctx);
}

static int match_nocase(const char *pattern, const void *ctx)
{
    return !strcasecmp(pattern, ctx);
}

static int match_principal(const char *pattern, const void *ctx)
{
    const struct policy_query *q = ctx;
    if (!strcmp(pattern, "*"))
        return 1;
    if (!q->account)
        return 0;
    if (!strcmp(pattern, q->account))
        return 1;
    if (!strncmp(pattern, "arn:aws:iam::", 13) && !strncmp(pattern + 13, q->account, 12) &&
            !strcmp(pattern + 25, ":root"))
        return 1;
    return !strcmp(pattern, q->principal_arn) || (q->session_arn && !strcmp(pattern, q->session_arn));
}

static int principal_fits(const json_t *s, const struct policy_query *q)
{
    const json_t *p = json_object_get(s, "Principal"), *np = json_object_get(s, "NotPrincipal");
    if (json_is_object(p))
        p = json_object_get(p, "AWS");
    if (json_is_object(np))
        np = json_object_get(np, "AWS");
    if (np)
        return !any(np, match_principal, q);
    return p && any(p, match_principal, q);
}

static int match_less(const char *bound, const void *ctx)
{
    return strtod(ctx, NULL) < strtod(bound, NULL);
}

static int match_more(const char *bound, const void *ctx)
{
    return strtod(ctx, NULL) > strtod(bound, NULL);
}

/* 1 true, 0 false, -1 not understood */
static int condition(const char *operator, const char * name, const json_t *values, const struct policy_query *q)
{
    const char *have = q->key ? q->key(q->ctx, name) : NULL;
    size_t n = strlen(operator);
    int if_exists = n > 8 && !strcmp(operator+ n - 8, "IfExists");
    char op[40];
    if (n >= sizeof op)
        return -1;
    memcpy(op, operator, n + 1);
    if (if_exists)
        op[n - 8] = 0;
    if (!strcmp(op, "Null"))
        return any(values, match_nocase, have ? "false" : "true");
    int negate = !strncmp(op, "StringNot", 9) || !strncmp(op, "ArnNot", 6);
    matcher *m;
    if (!strcmp(op, "StringEquals") || !strcmp(op, "StringNotEquals") || !strcmp(op, "NumericEquals"))
        m = match_equal;
    else if (!strcmp(op, "StringLike") || !strcmp(op, "StringNotLike") || !strcmp(op, "ArnLike") ||
             !strcmp(op, "ArnEquals") || !strcmp(op, "ArnNotLike") || !strcmp(op, "ArnNotEquals"))
        m = match_like;
    else if (!strcmp(op, "Bool") || !strcmp(op, "StringEqualsIgnoreCase"))
        m = match_nocase;
    else if (!strcmp(op, "NumericLessThan") || !strcmp(op, "NumericGreaterThanEquals"))
        m = match_less;
    else if (!strcmp(op, "NumericGreaterThan") || !strcmp(op, "NumericLessThanEquals"))
        m = match_more;
    else
        return -1;
    if (have && !strncmp(op, "Numeric", 7) && n > 6 && !strcmp(op + strlen(op) - 6, "Equals") && m != match_equal)
        negate = 1; /* one is what the other is not */
    if (!have)
        return if_exists || negate;
    return any(values, m, have) != negate;
}

static int conditions_hold(const json_t *s, const struct policy_query *q)
{
    const char *op, *name;
    json_t *tests, *values;
    json_object_foreach(json_object_get(s, "Condition"), op, tests) json_object_foreach(tests, name, values)
    {
        if (json_is_boolean(values))
            values = json_is_true(values) ? json_string("true") : json_string("false");
        else
            json_incref(values);
        int r = condition(op, name, values, q);
        json_decref(values);
        if (r != 1)
            return 0;
    }
    return 1;
}

enum verdict policy_eval(const struct policy *p, const struct policy_query *q)
{
    enum verdict v = POLICY_NONE;
    size_t i;
    json_t *s;
    json_array_foreach(p->statements, i, s)
    {
        const json_t *a = json_object_get(s, "Action"), *na = json_object_get(s, "NotAction");
        const json_t *r = json_object_get(s, "Resource"), *nr = json_object_get(s, "NotResource");
        if (q->principal_arn && !principal_fits(s, q))
            continue;
        if (a ? !any(a, match_action, q->action) : any(na, match_action, q->action))
            continue;
        if (r ? !any(r, match_like, q->resource) : nr ? any(nr, match_like, q->resource) : 0)
            continue;
        if (!conditions_hold(s, q))
            continue;
        if (!strcmp(json_string_value(json_object_get(s, "Effect")), "Deny"))
            return POLICY_DENY;
        v = POLICY_ALLOW;
    }
    return v;
}
