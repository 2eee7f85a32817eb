/* See iam.h. */
#include "s3/iam.h"

#include "s3/form.h"

static void begin(struct form *form, const char *action, const char *role)
{
    form->count = 0;
    form_add(form, "Action", action);
    form_add(form, "Version", "2010-05-08");
    form_add(form, "RoleName", role);
}

enum s3_status s3_get_role(struct s3_conn *conn, struct s3_client *client, const char *name,
        struct s3_role_answer *role, struct s3_error *error)
{
    struct form form;

    begin(&form, "GetRole", name);
    return form_send(conn, client, "GetRole", &form, S3_ANSWER_ROLE, role, error);
}

enum s3_status s3_create_role(struct s3_conn *conn, struct s3_client *client,
        const struct s3_create_role_options *options, struct s3_role_answer *role, struct s3_error *error)
{
    struct form form;

    begin(&form, "CreateRole", options->name);
    form_add(&form, "Path", options->path);
    form_add(&form, "AssumeRolePolicyDocument", options->trust);
    form_add(&form, "Description", options->description);
    return form_send(conn, client, "CreateRole", &form, S3_ANSWER_ROLE, role, error);
}

enum s3_status s3_update_role_trust(
        struct s3_conn *conn, struct s3_client *client, const char *name, const char *trust, struct s3_error *error)
{
    struct form form;

    begin(&form, "UpdateAssumeRolePolicy", name);
    form_add(&form, "PolicyDocument", trust);
    return form_send(conn, client, "UpdateAssumeRolePolicy", &form, S3_ANSWER_ERROR_ONLY, NULL, error);
}

enum s3_status s3_get_role_policy(struct s3_conn *conn, struct s3_client *client, const char *role, const char *policy,
        struct s3_role_policy_answer *answer, struct s3_error *error)
{
    struct form form;

    begin(&form, "GetRolePolicy", role);
    form_add(&form, "PolicyName", policy);
    return form_send(conn, client, "GetRolePolicy", &form, S3_ANSWER_ROLE_POLICY, answer, error);
}

enum s3_status s3_put_role_policy(struct s3_conn *conn, struct s3_client *client, const char *role, const char *policy,
        const char *document, struct s3_error *error)
{
    struct form form;

    begin(&form, "PutRolePolicy", role);
    form_add(&form, "PolicyName", policy);
    form_add(&form, "PolicyDocument", document);
    return form_send(conn, client, "PutRolePolicy", &form, S3_ANSWER_ERROR_ONLY, NULL, error);
}

enum s3_status s3_list_role_policies(struct s3_conn *conn, struct s3_client *client, const char *role,
        struct s3_role_policies_answer *answer, struct s3_error *error)
{
    struct form form;

    begin(&form, "ListRolePolicies", role);
    return form_send(conn, client, "ListRolePolicies", &form, S3_ANSWER_ROLE_POLICIES, answer, error);
}
