/* See credentials.h: one set of keys. Where keys come from is provider.c and its sources. */
#include "s3/credentials.h"

#include <stdio.h>
#include <stdlib.h>

struct s3_credentials *s3_credentials_new(
        struct s3_text access_key, struct s3_text secret_key, struct s3_text token, int64_t expires, const char *origin)
{
    struct s3_credentials *made = calloc(1, sizeof *made);

    if (made == NULL)
        return NULL;
    atomic_init(&made->references, 1);
    made->expires = expires;
    (void)snprintf(made->origin, sizeof made->origin, "%s", origin);
    if (!s3_secret_set(&made->access_key, access_key.ptr, access_key.len) ||
            !s3_secret_set(&made->secret_key, secret_key.ptr, secret_key.len) ||
            !s3_secret_set(&made->token, token.ptr, token.len)) {
        s3_credentials_release(made);
        return NULL;
    }
    return made;
}

void s3_credentials_release(struct s3_credentials *credentials)
{
    if (credentials == NULL || atomic_fetch_sub_explicit(&credentials->references, 1, memory_order_acq_rel) > 1)
        return;
    s3_secret_clear(&credentials->access_key);
    s3_secret_clear(&credentials->secret_key);
    s3_secret_clear(&credentials->token);
    free(credentials);
}
