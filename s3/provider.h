/*
 * What a provider of credentials is made of: a source that fetches, and the keeping of what was fetched. Private to
 * s3/.
 *
 * A source fetches in one thread at a time, outside of any lock. Its errors name where the keys should have come from,
 * and hold nothing of the keys.
 */
#ifndef S3_PROVIDER_H
#define S3_PROVIDER_H

#include "s3/credentials.h"

struct provider_source {
    enum s3_status (*fetch)(
            void *ctx, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error);
    int64_t (*now_ms)(void *ctx); /* the clock by which the fetched keys expire, UTC; NULL: the local one */
    void (*free)(void *ctx);
    void *ctx;
};

/* Takes source->ctx, also where it fails. Borrows `clock` for life. */
enum s3_status provider_new(const struct provider_source *source, const struct s3_clock *clock,
        struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

/* A provider of keys that never change; takes the reference, also where it fails. NULL credentials are S3_NO_MEMORY. */
enum s3_status provider_new_fixed(struct s3_credentials *credentials, struct s3_provider **provider,
        struct s3_error *error) __attribute__((warn_unused_result));

/* Whether keys can go into a header and a signature: an access key and a secret key, and no byte below 0x21 or above
 * 0x7E in any (a secret that was pasted with its line end is the common accident). Else *what is the bad one's name. */
bool provider_keys_are_sound(
        struct s3_text access_key, struct s3_text secret_key, struct s3_text token, const char **what);

/* A provider of keys that were found as strings; token and account may be NULL. Keys that are not sound are S3_FATAL,
 * with a message that begins with `origin`. */
enum s3_status provider_new_keys(const char *access_key, const char *secret_key, const char *token, const char *account,
        const char *origin, struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

/* The environment's keys; *provider is NULL where it has none. Half a pair is S3_FATAL and names the missing variable.
 */
enum s3_status provider_new_environment(const struct s3_environment *environment, struct s3_provider **provider,
        struct s3_error *error) __attribute__((warn_unused_result));

/* The environment's variable, NULL where it is absent or empty. */
const char *provider_variable(const struct s3_environment *environment, const char *name);

#endif
