/* Policy documents of roles, users, sessions and buckets: compiled once, evaluated for each request.
 *
 * Effect, Principal, (Not)Action and (Not)Resource with wildcards, and a few conditions (StringEquals, StringLike,
 * their Not and IfExists forms, Bool, Null). A condition that is not understood makes an Allow not match and a Deny not
 * match. A compiled policy is immutable: any thread may evaluate it. */
#ifndef S3SIM_POLICY_H
#define S3SIM_POLICY_H

#include <jansson.h>

struct policy;

enum verdict { POLICY_NONE, POLICY_ALLOW, POLICY_DENY };

struct policy_query {
    const char *action;        /* s3:GetObject */
    const char *resource;      /* arn:aws:s3:::bucket/key */
    const char *principal_arn; /* the user's or the role's; NULL when the policy has no Principal (identity policies) */
    const char *session_arn;   /* arn:aws:sts::…:assumed-role/…, or NULL */
    const char *account;       /* of the caller, NULL for an anonymous one */
    /* returns the value of a condition key, or NULL when the request has none; NULL: no key is known */
    const char *(*key)(void *ctx, const char *name);
    void *ctx;
};

/* NULL for a document that is no policy; *why then says what is wrong. */
struct policy *policy_new(const json_t *document, const char **why) __attribute__((warn_unused_result));
struct policy *policy_parse(const char *text, size_t n, const char **why) __attribute__((warn_unused_result));
void policy_free(struct policy *p);
enum verdict policy_eval(const struct policy *p, const struct policy_query *q);
int text_like(const char *pattern, const char *text); /* * and ? */

#endif
