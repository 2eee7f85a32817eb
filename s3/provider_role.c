/* See provider_role.h. */
#include "s3/provider_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/client.h"
#include "s3/endpoint.h"
#include "s3/provider.h"
#include "s3/provider_file.h"
#include "s3/sts.h"

enum {
    HOUR = 3600, /* what STS gives by default, and the most that it gives to a role that asks for a role */
    LONGEST = 12 * HOUR,
    ARN_MAX = 2048,
    /* The call that needs the keys tries again by itself: nine times nine attempts would be hours. */
    STS_ATTEMPTS = 3
};

struct role {
    struct s3_provider *parent;
    bool owned;
    struct s3_client *sts;
    char *arn, *session_name;
    char *external_id, *policy; /* NULL: none */
    char *token_file;           /* NULL: the parent asks */
    unsigned duration_seconds;
};

static void free_role(void *ctx)
{
    struct role *role = ctx;

    s3_client_free(role->sts);
    if (role->owned)
        s3_provider_free(role->parent);
    free(role->arn);
    free(role->session_name);
    free(role->external_id);
    free(role->policy);
    free(role->token_file);
    free(role);
}

static int64_t now_ms(void *ctx)
{
    const struct role *role = ctx;

    return s3_client_now_ms(role->sts); /* by STS's Date, as the expiry is */
}

/* Parents with a session token are sessions themselves: STS refuses more than an hour then. */
static enum s3_status choose_duration(
        const struct role *role, struct s3_conn *conn, unsigned *seconds, struct s3_error *error)
{
    struct s3_credentials *parents;
    enum s3_status status = s3_provider_get(role->parent, conn, &parents, error);

    if (status != S3_OK)
        return status;
    *seconds = role->duration_seconds;
    if (parents->token.len > 0 && *seconds > HOUR)
        *seconds = HOUR;
    s3_credentials_release(parents);
    return S3_OK;
}

static struct s3_text text_of(const char *text)
{
    return (struct s3_text){ text, strlen(text) };
}

static enum s3_status take(const struct role *role, const struct s3_session_answer *session,
        struct s3_credentials **credentials, struct s3_error *error)
{
    char origin[ARN_MAX + 8];
    const char *what;
    struct s3_credentials *made;

    if (!provider_keys_are_sound(
                text_of(session->access_key), text_of(session->secret_key), text_of(session->token), &what))
        return s3_fail(error, S3_BAD_DATA, "BadKeys", "the answer's %s is empty or malformed", what);
    if (session->expires <= 0)
        return s3_fail(error, S3_BAD_DATA, "BadKeys", "the answer's keys have no end");
    (void)snprintf(origin, sizeof origin, "role %s", role->arn);
    made = s3_credentials_new(text_of(session->access_key), text_of(session->secret_key), text_of(session->token),
            session->expires, origin);
    if (made == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    (void)snprintf(made->account, sizeof made->account, "%s", session->account);
    *credentials = made;
    return S3_OK;
}

/* The token is read for each session: whoever gives it replaces the file before the token ends. */
static enum s3_status ask_with_token(struct role *role, struct s3_conn *conn,
        const struct s3_assume_role_options *options, struct s3_session_answer *session, struct s3_error *error)
{
    struct s3_secret token = { NULL, 0 };
    enum s3_status status =
            provider_file_read(role->token_file, "web identity", "its token's file", true, &token, error);

    if (status == S3_OK)
        status = s3_assume_role_with_web_identity(conn, role->sts, options, token.ptr, session, error);
    s3_secret_clear(&token);
    return status;
}

static enum s3_status fetch(
        void *ctx, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error)
{
    struct role *role = ctx;
    struct s3_session_answer session;
    struct s3_assume_role_options options = { .role_arn = role->arn,
        .session_name = role->session_name,
        .external_id = role->external_id,
        .policy = role->policy,
        .duration_seconds = role->duration_seconds };
    enum s3_status status =
            role->parent != NULL ? choose_duration(role, conn, &options.duration_seconds, error) : S3_OK;

    if (status == S3_OK) {
        status = role->token_file != NULL ? ask_with_token(role, conn, &options, &session, error)
                                          : s3_assume_role(conn, role->sts, &options, &session, error);
        if (status == S3_OK)
            status = take(role, &session, credentials, error);
        s3_session_answer_wipe(&session);
    }
    if (status != S3_OK) /* STS may name the role or nothing at all */
        status = s3_fail(error, status, error->code, "role %s: %s", role->arn,
                error->message[0] != '\0' ? error->message : error->code);
    return status;
}

static bool is_word(const char *text, size_t length, const char *others)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    (c != '\0' && strchr(others, c) != NULL)))
            return false;
    }
    return true;
}

/* arn:<partition>:iam::<account>:role/<path and name> */
static bool is_role_arn(const char *arn)
{
    static const char middle[] = ":iam::", tail[] = ":role/";
    const char *at, *colon;

    if (strlen(arn) > ARN_MAX || strncmp(arn, "arn:aws", 7) != 0)
        return false;
    at = arn + 4;
    colon = strchr(at, ':');
    if (colon == NULL || !is_word(at, (size_t)(colon - at), "-") || strncmp(colon, middle, sizeof middle - 1) != 0)
        return false;
    at = colon + sizeof middle - 1;
    if (strspn(at, "0123456789") != 12 || strncmp(at + 12, tail, sizeof tail - 1) != 0)
        return false;
    at += 12 + sizeof tail - 1;
    return at[0] != '\0' && at[0] != '/' && at[strlen(at) - 1] != '/' && is_word(at, strlen(at), "+=,.@-/");
}

static bool is_between(const char *text, size_t least, size_t most, const char *others)
{
    size_t length = strlen(text);

    return length >= least && length <= most && is_word(text, length, others);
}

static const char *or_default(const char *region)
{
    return region != NULL && region[0] != '\0' ? region : "us-east-1";
}

/* STS knows the roles of its own partition only. A custom endpoint may be of any. */
static bool partition_fits(const struct s3_role_options *options)
{
    const char *partition = s3_partition_name(or_default(options->region)), *arns = options->role_arn + 4;

    return (options->sts_endpoint != NULL && options->sts_endpoint[0] != '\0') ||
           (strncmp(arns, partition, strlen(partition)) == 0 && arns[strlen(partition)] == ':');
}

static enum s3_status check(const struct s3_role_options *options, struct s3_error *error)
{
    if (options->role_arn == NULL || !is_role_arn(options->role_arn))
        return s3_fail(error, S3_FATAL, "RoleArn", "\"%.200s\" is no role's ARN (arn:aws:iam::<12 digits>:role/<name>)",
                options->role_arn != NULL ? options->role_arn : "");
    if (!partition_fits(options))
        return s3_fail(error, S3_FATAL, "Region", "role %s: region %s is of another partition", options->role_arn,
                or_default(options->region));
    if (options->external_id != NULL && !is_between(options->external_id, 2, 1224, "+=,.@:/-"))
        return s3_fail(error, S3_FATAL, "ExternalId",
                "role %s: the external id is not 2 to 1224 letters, digits and _+=,.@:/-", options->role_arn);
    if (options->session_name != NULL && !is_between(options->session_name, 2, 64, "+=,.@-"))
        return s3_fail(error, S3_FATAL, "SessionName",
                "role %s: the session name \"%.100s\" is not 2 to 64 letters, digits and _+=,.@-", options->role_arn,
                options->session_name);
    if (options->duration_seconds > LONGEST)
        return s3_fail(error, S3_FATAL, "Duration", "role %s: a session of %u s is longer than the %d s that STS gives",
                options->role_arn, options->duration_seconds, LONGEST);
    return S3_OK;
}

static bool copy(char **to, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return true;
    *to = strdup(text);
    return *to != NULL;
}

static enum s3_status set_up(struct role *role, const struct s3_role_options *options, struct s3_error *error)
{
    const struct s3_client_options sts = { .service = "sts",
        .region = options->region,
        .endpoint = options->sts_endpoint,
        .credentials = options->parent,
        .clock = options->clock,
        .attempts = STS_ATTEMPTS };
    enum s3_status status = check(options, error);

    if (status != S3_OK)
        return status;
    role->duration_seconds = options->duration_seconds > 0 ? options->duration_seconds : HOUR;
    if (!copy(&role->arn, options->role_arn) || !copy(&role->external_id, options->external_id) ||
            !copy(&role->policy, options->session_policy) || !copy(&role->token_file, options->token_file) ||
            !copy(&role->session_name, options->session_name != NULL ? options->session_name : "vaultferry"))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = s3_client_new(&sts, &role->sts, error);
    if (status != S3_OK)
        status = s3_fail(error, status, error != NULL ? error->code : "", "role %s: STS: %s", role->arn,
                error != NULL ? error->message : "");
    return status;
}

enum s3_status provider_role_new(
        const struct s3_role_options *options, bool owned, struct s3_provider **provider, struct s3_error *error)
{
    struct role *role = calloc(1, sizeof *role);
    enum s3_status status;

    if (role == NULL) {
        if (owned)
            s3_provider_free(options->parent);
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    role->parent = options->parent;
    role->owned = owned;
    status = set_up(role, options, error);
    if (status != S3_OK) {
        free_role(role);
        return status;
    }
    return provider_new(&(struct provider_source){ .fetch = fetch, .now_ms = now_ms, .free = free_role, .ctx = role },
            options->clock, provider, error);
}

enum s3_status s3_provider_role(
        const struct s3_role_options *options, struct s3_provider **provider, struct s3_error *error)
{
    return provider_role_new(options, false, provider, error);
}
