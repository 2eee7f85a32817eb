/* See sts.h. */
#include "s3/sts.h"

#include <stdio.h>
#include <string.h>

#include "sigv4/sigv4.h"
#include "s3/call.h"

enum { FORM_MAX = 64 * 1024, FORM_FIELDS = 8, SECONDS_SIZE = 16 };

struct form {
    struct sigv4_pair fields[FORM_FIELDS];
    size_t count;
};

static void add_field(struct form *form, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        form->fields[form->count++] = (struct sigv4_pair){ { name, strlen(name) }, { value, strlen(value) } };
}

/* The query's encoding serves the form as well: a space is %20, which every server understands, where not all take a
 * plus. */
static enum s3_status send_form(struct s3_conn *conn, struct s3_client *client, const char *operation,
        const struct form *form, enum s3_answer_kind answer, void *out, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    enum s3_status status;
    char *at;
    size_t length = (size_t)-1;

    s3_buffer_init(&body, FORM_MAX);
    at = s3_buffer_reserve(&body, FORM_MAX - 1);
    if (at != NULL)
        length = sigv4_build_query(at, FORM_MAX - 1, form->fields, form->count);
    call_begin(&call, conn, client, operation, "POST", NULL, (struct s3_text){ NULL, 0 });
    if (length == (size_t)-1)
        call.overflow = true;
    call.body = at;
    call.body_len = length;
    call.form = true;
    call_header(&call, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    call.answer = answer;
    call.answer_out = out;
    status = call_perform(&call, error);
    if (length != (size_t)-1)
        s3_wipe(at, length); /* it may hold a token */
    s3_buffer_free(&body);
    return status;
}

static void begin_session(struct form *form, const char *action, const struct s3_assume_role_options *options,
        char seconds[static SECONDS_SIZE])
{
    (void)snprintf(seconds, SECONDS_SIZE, "%u", options->duration_seconds);
    add_field(form, "Action", action);
    add_field(form, "Version", "2011-06-15");
    add_field(form, "RoleArn", options->role_arn);
    add_field(form, "RoleSessionName", options->session_name);
    add_field(form, "Policy", options->policy);
    add_field(form, "DurationSeconds", options->duration_seconds > 0 ? seconds : NULL);
}

enum s3_status s3_assume_role(struct s3_conn *conn, struct s3_client *client,
        const struct s3_assume_role_options *options, struct s3_session_answer *session, struct s3_error *error)
{
    struct form form = { .count = 0 };
    char seconds[SECONDS_SIZE];

    begin_session(&form, "AssumeRole", options, seconds);
    add_field(&form, "ExternalId", options->external_id);
    return send_form(conn, client, "AssumeRole", &form, S3_ANSWER_ASSUME_ROLE, session, error);
}

enum s3_status s3_assume_role_with_web_identity(struct s3_conn *conn, struct s3_client *client,
        const struct s3_assume_role_options *options, const char *token, struct s3_session_answer *session,
        struct s3_error *error)
{
    struct form form = { .count = 0 };
    char seconds[SECONDS_SIZE];

    begin_session(&form, "AssumeRoleWithWebIdentity", options, seconds);
    add_field(&form, "WebIdentityToken", token);
    return send_form(conn, client, "AssumeRoleWithWebIdentity", &form, S3_ANSWER_ASSUME_ROLE, session, error);
}

enum s3_status s3_get_caller_identity(
        struct s3_conn *conn, struct s3_client *client, struct s3_identity_answer *identity, struct s3_error *error)
{
    struct form form = { .count = 0 };

    add_field(&form, "Action", "GetCallerIdentity");
    add_field(&form, "Version", "2011-06-15");
    return send_form(conn, client, "GetCallerIdentity", &form, S3_ANSWER_CALLER_IDENTITY, identity, error);
}
