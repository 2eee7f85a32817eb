/* Who may ask: accounts' users, roles, and the sessions that STS gives out.
 *
 * The tables are guarded by the world lock (world.h): look up under its read lock, change under its write lock. What a
 * look-up returns lives until account_reset. */
#ifndef S3SIM_ACCOUNT_H
#define S3SIM_ACCOUNT_H

#include "policy.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct identity {
    struct identity *next;
    bool is_role, is_owner; /* the user named owner may do all in its own account */
    char account[13];
    char name[65];
    char arn[128];
    struct policy *policy;   /* NULL: everything the account may do */
    json_t *trust;           /* role: array of principals */
    char *trust_text;        /* the document that IAM gave it, if any */
    json_t *inline_policies; /* IAM's: name to text */
    char *external_id;       /* role: demanded when set */
    int64_t max_seconds;
};

struct signing_key {
    char scope[64]; /* date/region/service */
    uint8_t key[32];
};

struct credential {
    struct credential *next;
    char access_key[64], secret[64];
    struct identity *who;
    char *token; /* session only */
    char session_name[65], session_arn[196];
    struct policy *session_policy;
    int64_t expires;      /* seconds by the server's clock; 0 never */
    pthread_mutex_t lock; /* guards what follows */
    struct signing_key cached[4];
    unsigned cached_next;
};

void account_start(void); /* the default accounts; again after account_reset */
void account_reset(void); /* forgets all */

struct identity *account_user(const char *account, const char *name, const char *access_key, const char *secret);
struct identity *account_role(const char *account, const char *name);
struct identity *account_find_role(const char *arn); /* NULL when there is none */
struct identity *account_find(const char *account, const char *name, bool is_role);
struct credential *account_session(struct identity *role, const char *session_name, int64_t expires);
struct credential *account_credential(const char *access_key, size_t n);
void account_derived_key(
        struct credential *c, const char *scope, size_t n, uint8_t out[32]); /* scope date/region/service */

#endif
