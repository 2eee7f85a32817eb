/* See provider_profile.h. */
#include "s3/provider_profile.h"

#include <stdio.h>
#include <string.h>

#include "s3/container.h"
#include "s3/decode.h"
#include "s3/imds.h"
#include "s3/provider.h"
#include "s3/provider_process.h"
#include "s3/provider_role.h"

enum { CHAIN_MAX = 16, DURATION_MAX = 43200 };

/* The profiles on the way to this one, to see a circle. */
struct way {
    const struct profile *profile;
    const struct way *before;
    unsigned length;
};

static enum s3_status bad(const struct profile *profile, struct s3_error *error, const char *what, const char *value)
{
    return s3_fail(error, S3_FATAL, "BadProfile", "profile \"%.128s\": %s%.200s", profile->name, what, value);
}

static enum s3_status unsupported(const struct profile *profile, struct s3_error *error, const char *what)
{
    return s3_fail(error, S3_FATAL, "NotSupported", "profile \"%.128s\" uses %s, which this version does not support",
            profile->name, what);
}

static enum s3_status make_keys(const struct provider_profile_options *options, const struct profile *profile,
        struct s3_provider **provider, struct s3_error *error)
{
    const char *access_key = profile_value(profile, PROFILE_ACCESS_KEY);
    const char *secret_key = profile_value(profile, PROFILE_SECRET_KEY);
    char origin[PROFILE_NAME_MAX + 16];

    *provider = NULL;
    if (profile_value(profile, PROFILE_WEB_IDENTITY) != NULL)
        return bad(profile, error, "web_identity_token_file needs role_arn", "");
    if (profile_value(profile, PROFILE_SSO) != NULL)
        return unsupported(profile, error, "single sign-on (sso_...)");
    if (profile_value(profile, PROFILE_LOGIN) != NULL)
        return unsupported(profile, error, "login_session");
    (void)snprintf(origin, sizeof origin, "profile \"%s\"", profile->name);
    if (access_key == NULL && secret_key == NULL)
        return profile_value(profile, PROFILE_PROCESS) == NULL
                       ? S3_OK
                       : process_provider_new(
                                 profile_value(profile, PROFILE_PROCESS), origin, options->clock, provider, error);
    if (access_key == NULL || secret_key == NULL)
        return s3_fail(error, S3_FATAL, "BadKeys", "profile \"%.128s\" has %s, but no %s", profile->name,
                access_key != NULL ? "aws_access_key_id" : "aws_secret_access_key",
                access_key != NULL ? "aws_secret_access_key" : "aws_access_key_id");
    return provider_new_keys(access_key, secret_key, profile_value(profile, PROFILE_TOKEN),
            profile_value(profile, PROFILE_ACCOUNT), origin, provider, error);
}

static enum s3_status make(const struct provider_profile_options *options, const struct way *way,
        struct s3_provider **provider, struct s3_error *error);

/* The keys of another profile, or of this one itself, which is how a role beside keys is written. */
static enum s3_status make_source(const struct provider_profile_options *options, const struct way *way,
        const char *name, struct s3_provider **parent, struct s3_error *error)
{
    const struct profile *profile = way->profile, *source = profile_find(options->profiles, name);
    const struct way next = { .profile = source, .before = way, .length = way->length + 1 };
    enum s3_status status;
    char files[320];

    if (source == NULL) {
        profile_paths(options->profiles, files, sizeof files);
        return s3_fail(error, S3_FATAL, "NoProfile", "profile \"%.64s\": its source_profile \"%.64s\" is not in %s",
                profile->name, name, files);
    }
    if (source == profile) {
        status = make_keys(options, profile, parent, error);
    } else {
        for (const struct way *at = way; at != NULL; at = at->before)
            if (at->profile == source)
                return bad(profile, error, "source_profile goes in a circle, back to ", name);
        if (next.length > CHAIN_MAX)
            return bad(profile, error, "the chain of source_profile is longer than 16 at ", name);
        status = make(options, &next, parent, error);
    }
    if (status == S3_OK && *parent == NULL)
        return bad(profile, error, "there are neither keys nor a role in its source_profile ", name);
    return status;
}

static enum s3_status make_named_source(const struct provider_profile_options *options, const struct profile *profile,
        const char *name, struct s3_provider **parent, struct s3_error *error)
{
    enum s3_status status;
    char absent[PROFILE_NAME_MAX + 128];

    if (strcmp(name, "Environment") == 0) {
        status = provider_new_environment(options->environment, parent, error);
        if (status == S3_OK && *parent == NULL)
            return bad(profile, error, "there are no keys in the environment, its credential_source", "");
        return status;
    }
    if (strcmp(name, "EcsContainer") == 0)
        return container_provider_new(options->environment, options->clock, parent, error);
    if (strcmp(name, "Ec2InstanceMetadata") != 0)
        return bad(profile, error,
                "credential_source is none of Environment, Ec2InstanceMetadata and EcsContainer: ", name);
    if (imds_is_disabled(options->environment))
        return bad(profile, error, "its credential_source Ec2InstanceMetadata is off: AWS_EC2_METADATA_DISABLED", "");
    (void)snprintf(absent, sizeof absent, "profile \"%s\": its credential_source Ec2InstanceMetadata has no keys",
            profile->name);
    return imds_provider_new(options->environment, options->clock, absent, parent, error);
}

static enum s3_status make_parent(const struct provider_profile_options *options, const struct way *way,
        struct s3_provider **parent, struct s3_error *error)
{
    const struct profile *profile = way->profile;
    const char *source = profile_value(profile, PROFILE_SOURCE_PROFILE);
    const char *named = profile_value(profile, PROFILE_CREDENTIAL_SOURCE);

    if (profile_value(profile, PROFILE_MFA) != NULL)
        return unsupported(profile, error, "mfa_serial");
    if (source != NULL && named != NULL)
        return bad(profile, error, "source_profile and credential_source exclude each other", "");
    if (source == NULL && named == NULL)
        return bad(profile, error, "role_arn needs source_profile or credential_source", "");
    return source != NULL ? make_source(options, way, source, parent, error)
                          : make_named_source(options, profile, named, parent, error);
}

static bool source_is_named(const struct profile *profile)
{
    return profile_value(profile, PROFILE_SOURCE_PROFILE) != NULL ||
           profile_value(profile, PROFILE_CREDENTIAL_SOURCE) != NULL;
}

static enum s3_status make_role(const struct provider_profile_options *options, const struct way *way,
        struct s3_provider **provider, struct s3_error *error)
{
    const struct profile *profile = way->profile;
    const struct s3_secret *duration = profile_secret(profile, PROFILE_DURATION);
    uint64_t seconds = 0;
    enum s3_status status;
    struct s3_role_options role = { .clock = options->clock,
        .role_arn = profile_value(profile, PROFILE_ROLE_ARN),
        .token_file = profile_value(profile, PROFILE_WEB_IDENTITY),
        .external_id = profile_value(profile, PROFILE_EXTERNAL_ID),
        .session_name = profile_value(profile, PROFILE_SESSION_NAME),
        .region = options->region,
        .sts_endpoint = options->sts_endpoint };

    if (duration != NULL &&
            (!s3_parse_number(duration->ptr, duration->len, &seconds) || seconds == 0 || seconds > DURATION_MAX))
        return bad(profile, error, "duration_seconds is no number from 1 to 43200: ", duration->ptr);
    role.duration_seconds = (unsigned)seconds;
    status = role.token_file == NULL    ? make_parent(options, way, &role.parent, error)
             : source_is_named(profile) ? bad(profile, error,
                                                  "web_identity_token_file excludes source_profile and "
                                                  "credential_source",
                                                  "")
                                        : S3_OK;
    if (status != S3_OK)
        return status;
    status = provider_role_new(&role, true, provider, error);
    if (status == S3_FATAL && error != NULL)
        status = s3_fail(error, status, error->code, "profile \"%.128s\": %s", profile->name, error->message);
    return status;
}

static enum s3_status make(const struct provider_profile_options *options, const struct way *way,
        struct s3_provider **provider, struct s3_error *error)
{
    if (profile_value(way->profile, PROFILE_ROLE_ARN) != NULL)
        return make_role(options, way, provider, error);
    return make_keys(options, way->profile, provider, error);
}

enum s3_status provider_profile_new(const struct provider_profile_options *options, const struct profile *profile,
        struct s3_provider **provider, struct s3_error *error)
{
    return make(options, &(struct way){ .profile = profile, .length = 1 }, provider, error);
}
