/*
 * Who signs. A provider yields credentials to any thread and renews them ahead of their expiry: one thread fetches, the
 * others go on with the old ones while those are good, and wait only when they are not.
 *
 * Credentials are immutable once handed out and counted; the last release wipes them.
 */
#ifndef S3_CREDENTIALS_H
#define S3_CREDENTIALS_H

#include <stdatomic.h>

#include "s3/clock.h"
#include "s3/error.h"
#include "s3/secret.h"

struct s3_conn;

struct s3_credentials {
    atomic_uint references;
    struct s3_secret access_key, secret_key, token; /* token empty for long-lived keys */
    int64_t expires;                                /* seconds since 1970; 0: never */
    char account[16];                               /* where the source said it, else "" */
    char origin[96]; /* for messages: "environment", "profile \"ops\"", "container", "role arn:aws:..." */
};

/* Copies its arguments. Returns one reference, or NULL without memory. */
struct s3_credentials *s3_credentials_new(struct s3_text access_key, struct s3_text secret_key, struct s3_text token,
        int64_t expires, const char *origin);
void s3_credentials_release(struct s3_credentials *credentials);

struct s3_provider;

/* Returns one reference (release it); fetches where needed, with `conn`, which must be idle. Errors name the source
 * that failed. */
enum s3_status s3_provider_get(struct s3_provider *provider, struct s3_conn *conn, struct s3_credentials **credentials,
        struct s3_error *error) __attribute__((warn_unused_result));
/* The service said that these are expired: the next get fetches, unless somebody has done so since. */
void s3_provider_rejected(struct s3_provider *provider, const struct s3_credentials *credentials);
/* Nobody may be using it. A provider that builds on others frees those it made itself; a parent that was handed in is
 * borrowed. */
void s3_provider_free(struct s3_provider *provider);

/* Fixed keys. */
enum s3_status s3_provider_fixed(struct s3_text access_key, struct s3_text secret_key, struct s3_text token,
        struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

/* The environment, as a look-up that tests can replace; NULL for an absent variable. Values are borrowed for the call.
 */
struct s3_environment {
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
};

struct s3_chain_options {
    const struct s3_environment *environment; /* borrowed for life */
    const struct s3_clock *clock;             /* borrowed for life */
    /* NULL: AWS_PROFILE, else "default". One that is named here or there and missing is S3_FATAL, as is one that is
     * named here and has neither keys nor a role. */
    const char *profile;
    const char *region;       /* for STS calls of profiles with role_arn; NULL: found as below, else us-east-1 */
    const char *sts_endpoint; /* NULL: AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, else the region's own */
};
/*
 * The SDKs' chain: environment keys (not if options->profile names a profile), shared credentials and config files
 * (keys; role_arn with source_profile or credential_source; external_id; role_session_name; duration_seconds),
 * container (relative and full URI), IMDSv2. The order is settled when it is made, so that a malformed file is one
 * clear line then; the fetching happens at get. Files that AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE name must be
 * there. Single sign-on and MFA are S3_FATAL "NotSupported" where they would be used.
 */
enum s3_status s3_provider_chain(const struct s3_chain_options *options, struct s3_provider **provider,
        struct s3_error *error) __attribute__((warn_unused_result));

/* The region that environment and profile name (AWS_REGION, AWS_DEFAULT_REGION, the profile's region); "" where none
 * does. */
enum s3_status s3_chain_region(const struct s3_environment *environment, const char *profile, char *region,
        size_t region_size, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_role_options {
    struct s3_provider *parent; /* borrowed; who asks for the role; NULL with a token_file */
    const char *token_file;     /* of a web identity, which asks for the role instead; NULL: none */
    const struct s3_clock *clock;
    const char *role_arn;
    const char *external_id;    /* NULL: none */
    const char *session_name;   /* 2 to 64 of [\w+=,.@-]; NULL: "vaultferry" */
    const char *session_policy; /* JSON; NULL: none */
    unsigned duration_seconds;  /* 0: an hour, which is also the cap where a role asks for a role */
    const char *region;
    const char *sts_endpoint; /* NULL: the region's own */
};
enum s3_status s3_provider_role(const struct s3_role_options *options, struct s3_provider **provider,
        struct s3_error *error) __attribute__((warn_unused_result));

#endif
