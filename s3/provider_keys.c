/* See provider.h: keys that are given and stay as they are. */
#include <stdio.h>
#include <string.h>

#include "s3/provider.h"

static struct s3_text text_of(const char *text)
{
    return text != NULL ? (struct s3_text){ text, strlen(text) } : (struct s3_text){ "", 0 };
}

static bool is_sound(struct s3_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] > '~')
            return false;
    return true;
}

bool provider_keys_are_sound(
        struct s3_text access_key, struct s3_text secret_key, struct s3_text token, const char **what)
{
    *what = access_key.len == 0 || !is_sound(access_key)   ? "access key"
            : secret_key.len == 0 || !is_sound(secret_key) ? "secret key"
            : !is_sound(token)                             ? "session token"
                                                           : NULL;
    return *what == NULL;
}

static enum s3_status make(struct s3_text access_key, struct s3_text secret_key, struct s3_text token,
        const char *account, const char *origin, struct s3_provider **provider, struct s3_error *error)
{
    struct s3_credentials *credentials;
    const char *what;

    if (!provider_keys_are_sound(access_key, secret_key, token, &what))
        return s3_fail(error, S3_FATAL, "BadKeys",
                "%s: the %s is empty, or holds a blank, a line break or another byte that no key has", origin, what);
    credentials = s3_credentials_new(access_key, secret_key, token, 0, origin);
    if (credentials != NULL && account != NULL)
        (void)snprintf(credentials->account, sizeof credentials->account, "%s", account);
    return provider_new_fixed(credentials, provider, error);
}

enum s3_status provider_new_keys(const char *access_key, const char *secret_key, const char *token, const char *account,
        const char *origin, struct s3_provider **provider, struct s3_error *error)
{
    return make(text_of(access_key), text_of(secret_key), text_of(token), account, origin, provider, error);
}

enum s3_status s3_provider_fixed(struct s3_text access_key, struct s3_text secret_key, struct s3_text token,
        struct s3_provider **provider, struct s3_error *error)
{
    return make(access_key, secret_key, token, NULL, "fixed keys", provider, error);
}

const char *provider_variable(const struct s3_environment *environment, const char *name)
{
    const char *value = environment->get(environment->ctx, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

enum s3_status provider_new_environment(
        const struct s3_environment *environment, struct s3_provider **provider, struct s3_error *error)
{
    const char *access_key = provider_variable(environment, "AWS_ACCESS_KEY_ID");
    const char *secret_key = provider_variable(environment, "AWS_SECRET_ACCESS_KEY");

    *provider = NULL;
    if (access_key == NULL && secret_key == NULL)
        return S3_OK;
    if (access_key == NULL || secret_key == NULL)
        return s3_fail(error, S3_FATAL, "BadKeys", "environment: %s is set, but %s is not",
                access_key != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                access_key != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    return provider_new_keys(access_key, secret_key, provider_variable(environment, "AWS_SESSION_TOKEN"),
            provider_variable(environment, "AWS_ACCOUNT_ID"), "environment", provider, error);
}
