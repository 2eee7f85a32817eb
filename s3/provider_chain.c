/* See credentials.h: which source of keys goes first. */
#include <stdio.h>
#include <string.h>

#include "s3/container.h"
#include "s3/imds.h"
#include "s3/provider.h"
#include "s3/provider_profile.h"

enum { LINE_MAX_BYTES = 512 };

/* What the look-ups come to: which profile, by whose word, and in which files. */
struct choice {
    struct profiles profiles;
    const char *name;
    const struct profile *profile; /* NULL: none of that name */
};

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static enum s3_status choose_profile(
        const struct s3_environment *environment, const char *profile, struct choice *choice, struct s3_error *error)
{
    const char *variable = provider_variable(environment, "AWS_PROFILE");
    const char *named = profile != NULL ? profile : variable;
    char files[320];
    enum s3_status status;

    profile_init(&choice->profiles);
    choice->name = named != NULL ? named : "default";
    choice->profile = NULL;
    status = profile_load(&choice->profiles, environment, error);
    if (status != S3_OK)
        return status;
    choice->profile = profile_find(&choice->profiles, choice->name);
    if (choice->profile != NULL || named == NULL)
        return S3_OK;
    profile_paths(&choice->profiles, files, sizeof files);
    return s3_fail(error, S3_FATAL, "NoProfile", "profile \"%.128s\"%s is not in %s", named,
            profile == NULL ? " (AWS_PROFILE)" : "", files);
}

static const char *choose_region(const struct s3_environment *environment, const char *region)
{
    if (region == NULL)
        region = provider_variable(environment, "AWS_REGION");
    return region != NULL ? region : provider_variable(environment, "AWS_DEFAULT_REGION");
}

static const char *choose_sts(const struct s3_chain_options *options)
{
    const char *endpoint = or_null(options->sts_endpoint);

    if (endpoint == NULL)
        endpoint = provider_variable(options->environment, "AWS_ENDPOINT_URL_STS");
    return endpoint != NULL ? endpoint : provider_variable(options->environment, "AWS_ENDPOINT_URL");
}

/* What a cluster or a pipeline gives its containers: a token's file and the role that it is good for. */
static enum s3_status from_web_identity(
        const struct s3_chain_options *options, struct s3_provider **provider, struct s3_error *error)
{
    const struct s3_environment *environment = options->environment;
    const struct s3_role_options role = { .clock = options->clock,
        .token_file = provider_variable(environment, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        .role_arn = provider_variable(environment, "AWS_ROLE_ARN"),
        .session_name = provider_variable(environment, "AWS_ROLE_SESSION_NAME"),
        .region = choose_region(environment, or_null(options->region)),
        .sts_endpoint = choose_sts(options) };

    if (role.role_arn == NULL)
        return s3_fail(error, S3_FATAL, "NoRole", "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    return s3_provider_role(&role, provider, error);
}

static enum s3_status from_profile(const struct s3_chain_options *options, const struct choice *choice,
        struct s3_provider **provider, struct s3_error *error)
{
    const struct s3_environment *environment = options->environment;
    struct provider_profile_options made = { .environment = environment,
        .clock = options->clock,
        .profiles = &choice->profiles,
        .region = choose_region(environment, or_null(options->region)),
        .sts_endpoint = choose_sts(options) };

    if (made.region == NULL)
        made.region = profile_value(choice->profile, PROFILE_REGION);
    return provider_profile_new(&made, choice->profile, provider, error);
}

/* What is left when neither environment nor files have keys. */
static enum s3_status from_machine(const struct s3_chain_options *options, const struct choice *choice,
        struct s3_provider **provider, struct s3_error *error)
{
    char files[320], absent[LINE_MAX_BYTES];

    if (container_is_there(options->environment))
        return container_provider_new(options->environment, options->clock, provider, error);
    profile_paths(&choice->profiles, files, sizeof files);
    (void)snprintf(absent, sizeof absent,
            "no credentials: neither environment, nor profile \"%.64s\" in %s, nor container, nor instance metadata "
            "have any",
            choice->name, files);
    if (imds_is_disabled(options->environment))
        return s3_fail(error, S3_FATAL, "NoCredentials", "%s (AWS_EC2_METADATA_DISABLED is true)", absent);
    return imds_provider_new(options->environment, options->clock, absent, provider, error);
}

enum s3_status s3_provider_chain(
        const struct s3_chain_options *options, struct s3_provider **provider, struct s3_error *error)
{
    const char *profile = or_null(options->profile);
    struct s3_provider *found = NULL;
    struct choice choice;
    enum s3_status status = S3_OK;

    if (profile == NULL) {
        status = provider_new_environment(options->environment, &found, error);
        if (status == S3_OK && found == NULL &&
                provider_variable(options->environment, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL)
            status = from_web_identity(options, &found, error);
        if (status != S3_OK || found != NULL) {
            *provider = found;
            return status;
        }
    }
    status = choose_profile(options->environment, profile, &choice, error);
    if (status == S3_OK && choice.profile != NULL)
        status = from_profile(options, &choice, &found, error);
    /* a profile that was asked for by name is not silently replaced by the machine's own role */
    if (status == S3_OK && found == NULL && profile != NULL)
        status = s3_fail(error, S3_FATAL, "NoCredentials", "profile \"%.128s\" has neither keys nor a role", profile);
    if (status == S3_OK && found == NULL)
        status = from_machine(options, &choice, &found, error);
    profile_clear(&choice.profiles);
    if (status == S3_OK)
        *provider = found;
    return status;
}

enum s3_status s3_chain_region(const struct s3_environment *environment, const char *profile, char *region,
        size_t region_size, struct s3_error *error)
{
    const char *found = choose_region(environment, NULL);
    struct choice choice;
    enum s3_status status = S3_OK;

    if (found != NULL) {
        (void)snprintf(region, region_size, "%s", found);
        return S3_OK;
    }
    status = choose_profile(environment, or_null(profile), &choice, error);
    found = status == S3_OK && choice.profile != NULL ? profile_value(choice.profile, PROFILE_REGION) : NULL;
    (void)snprintf(region, region_size, "%s", found != NULL ? found : "");
    profile_clear(&choice.profiles);
    return status;
}
