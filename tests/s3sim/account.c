/* See account.h. */
#include "account.h"

#include "buf.h"
#include "digest.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 4096 };

static struct identity *identities;
static struct credential *slots[SLOTS];
static uint64_t sequence = 1;

static size_t slot_of(const char *p, size_t n)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    return (size_t)(h % SLOTS);
}

static struct identity *identity_make(const char *account, const char *name, bool is_role)
{
    struct identity *w = account_find(account, name, is_role);
    if (w)
        return w;
    w = mem_get(sizeof *w);
    w->is_role = is_role;
    w->is_owner = !is_role && !strcmp(name, "owner");
    snprintf(w->account, sizeof w->account, "%s", account);
    snprintf(w->name, sizeof w->name, "%s", name);
    snprintf(w->arn, sizeof w->arn, "arn:aws:iam::%s:%s/%s", w->account, is_role ? "role" : "user", w->name);
    w->max_seconds = 3600;
    w->next = identities;
    identities = w;
    return w;
}

static struct credential *credential_make(const char *access_key, const char *secret, struct identity *who)
{
    size_t n = strlen(access_key), s = slot_of(access_key, n);
    struct credential *c = account_credential(access_key, n);
    if (c) {
        snprintf(c->secret, sizeof c->secret, "%s", secret);
        memset(c->cached, 0, sizeof c->cached);
        c->who = who;
        return c;
    }
    c = mem_get(sizeof *c);
    snprintf(c->access_key, sizeof c->access_key, "%s", access_key);
    snprintf(c->secret, sizeof c->secret, "%s", secret);
    c->who = who;
    pthread_mutex_init(&c->lock, NULL);
    c->next = slots[s];
    slots[s] = c;
    return c;
}

struct identity *account_user(const char *account, const char *name, const char *access_key, const char *secret)
{
    struct identity *w = identity_make(account, name, false);
    (void)credential_make(access_key, secret, w);
    return w;
}

struct identity *account_role(const char *account, const char *name)
{
    return identity_make(account, name, true);
}

struct identity *account_find(const char *account, const char *name, bool is_role)
{
    for (struct identity *w = identities; w; w = w->next)
        if (w->is_role == is_role && !strcmp(w->account, account) && !strcmp(w->name, name))
            return w;
    return NULL;
}

struct identity *account_find_role(const char *arn)
{
    for (struct identity *w = identities; w; w = w->next)
        if (w->is_role && !strcmp(w->arn, arn))
            return w;
    return NULL;
}

struct credential *account_credential(const char *access_key, size_t n)
{
    for (struct credential *c = slots[slot_of(access_key, n)]; c; c = c->next)
        if (!strncmp(c->access_key, access_key, n) && c->access_key[n] == 0)
            return c;
    return NULL;
}

struct credential *account_session(struct identity *role, const char *session_name, int64_t expires)
{
    char key[64], secret[64], token[400];
    uint64_t a = digest_mix(sequence++), b = digest_mix(a);
    snprintf(key, sizeof key, "ASIA%016llX", (unsigned long long)a);
    snprintf(secret, sizeof secret, "s3sim+/%016llx%016llx", (unsigned long long)b, (unsigned long long)digest_mix(b));
    /* as long as real tokens are, and with the characters that careless encoders lose */
    size_t n = (size_t)snprintf(
            token, sizeof token, "FwoGZXIvYXdzE%016llx+/%016llx==", (unsigned long long)b, (unsigned long long)a);
    while (n < 340)
        n += (size_t)snprintf(token + n, sizeof token - n, "%016llx+/=", (unsigned long long)(b = digest_mix(b)));
    struct credential *c = credential_make(key, secret, role);
    c->token = mem_dup(token, strlen(token));
    c->expires = expires;
    snprintf(c->session_name, sizeof c->session_name, "%s", session_name);
    snprintf(c->session_arn, sizeof c->session_arn, "arn:aws:sts::%s:assumed-role/%s/%s", role->account, role->name,
            c->session_name);
    return c;
}

void account_derived_key(struct credential *c, const char *scope, size_t n, uint8_t out[32])
{
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < 4; i++)
        if (!strncmp(c->cached[i].scope, scope, n) && n < sizeof c->cached[i].scope && c->cached[i].scope[n] == 0) {
            memcpy(out, c->cached[i].key, 32);
            pthread_mutex_unlock(&c->lock);
            return;
        }
    pthread_mutex_unlock(&c->lock);

    char first[80];
    int m = snprintf(first, sizeof first, "AWS4%s", c->secret);
    const char *slash = memchr(scope, '/', n);
    const char *second = memchr(slash + 1, '/', n - (size_t)(slash + 1 - scope));
    uint8_t k[32];
    digest_hmac(first, (size_t)m, scope, (size_t)(slash - scope), k);
    digest_hmac(k, 32, slash + 1, (size_t)(second - slash - 1), k);
    digest_hmac(k, 32, second + 1, n - (size_t)(second + 1 - scope), k);
    digest_hmac(k, 32, "aws4_request", 12, k);
    memcpy(out, k, 32);
    if (n >= sizeof c->cached[0].scope)
        return;
    pthread_mutex_lock(&c->lock);
    struct signing_key *s = &c->cached[c->cached_next++ & 3];
    memset(s->scope, 0, sizeof s->scope);
    memcpy(s->scope, scope, n);
    memcpy(s->key, k, 32);
    pthread_mutex_unlock(&c->lock);
}

void account_start(void)
{
    (void)account_user("111122223333", "owner", "SRCOWNER", "srcownersecret");
    (void)account_user("111122223333", "agent", "SRCAGENT", "srcagentsecret");
    (void)account_user("444455556666", "owner", "VAULTOWNER", "vaultownersecret");
    (void)account_user("444455556666", "agent", "VAULTAGENT", "vaultagentsecret");
}

void account_reset(void)
{
    for (size_t i = 0; i < SLOTS; i++)
        while (slots[i]) {
            struct credential *c = slots[i];
            slots[i] = c->next;
            free(c->token);
            policy_free(c->session_policy);
            pthread_mutex_destroy(&c->lock);
            free(c);
        }
    while (identities) {
        struct identity *w = identities;
        identities = w->next;
        policy_free(w->policy);
        json_decref(w->trust);
        free(w->external_id);
        free(w->trust_text);
        json_decref(w->inline_policies);
        free(w);
    }
}
