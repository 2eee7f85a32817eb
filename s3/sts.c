/* See sts.h. */
#include "s3/sts.h"

#include <stdio.h>

#include "s3/form.h"

enum { SECONDS_SIZE = 16 };

static void begin_session(struct form *form, const char *action, const struct s3_assume_role_options *options,
        char seconds[static SECONDS_SIZE])
{
    (void)snprintf(seconds, SECONDS_SIZE, "%u", options->duration_seconds);
    form_add(form, "Action", action);
    form_add(form, "Version", "2011-06-15");
    form_add(form, "RoleArn", options->role_arn);
    form_add(form, "RoleSessionName", options->session_name);
    form_add(form, "Policy", options->policy);
    form_add(form, "DurationSeconds", options->duration_seconds > 0 ? seconds : NULL);
}

enum s3_status s3_assume_role(struct s3_conn *conn, struct s3_client *client,
        const struct s3_assume_role_options *options, struct s3_session_answer *session, struct s3_error *error)
{
    struct form form = { .count = 0 };
    char seconds[SECONDS_SIZE];

    begin_session(&form, "AssumeRole", options, seconds);
    form_add(&form, "ExternalId", options->external_id);
    return form_send(conn, client, "AssumeRole", &form, S3_ANSWER_ASSUME_ROLE, session, error);
}

enum s3_status s3_assume_role_with_web_identity(struct s3_conn *conn, struct s3_client *client,
        const struct s3_assume_role_options *options, const char *token, struct s3_session_answer *session,
        struct s3_error *error)
{
    struct form form = { .count = 0 };
    char seconds[SECONDS_SIZE];

    begin_session(&form, "AssumeRoleWithWebIdentity", options, seconds);
    form_add(&form, "WebIdentityToken", token);
    return form_send(conn, client, "AssumeRoleWithWebIdentity", &form, S3_ANSWER_ASSUME_ROLE, session, error);
}

enum s3_status s3_get_caller_identity(
        struct s3_conn *conn, struct s3_client *client, struct s3_identity_answer *identity, struct s3_error *error)
{
    struct form form = { .count = 0 };

    form_add(&form, "Action", "GetCallerIdentity");
    form_add(&form, "Version", "2011-06-15");
    return form_send(conn, client, "GetCallerIdentity", &form, S3_ANSWER_CALLER_IDENTITY, identity, error);
}
