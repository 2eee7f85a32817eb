/* A role: made where it is not there, who may take it, and what it may. See bootstrap.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bootstrap_inside.h"
#include "agent/bootstrap_policy.h"
#include "s3/endpoint.h"
#include "s3/iam.h"

/* The inline policy that is ours; what else a role has is not touched. */
static const char policy_name[] = "vaultferry";

/* arn:aws:iam::444455556666:role/team/vault: name and path of it. */
struct role_name {
    const char *name;
    char path[520];
};

static struct role_name name_of(const char *arn)
{
    const char *role = strstr(arn, ":role/"), *slash = strrchr(arn, '/');
    struct role_name out = { .name = slash != NULL ? slash + 1 : arn, .path = "/" };

    if (role != NULL)
        (void)snprintf(out.path, sizeof out.path, "%.*s", (int)(slash + 1 - (role + 5)), role + 5);
    return out;
}

/* Stores without IAM answer so. */
static bool is_lacking(enum s3_status status, const struct s3_error *error)
{
    return (status == S3_REFUSED && (error->http_status == 405 || error->http_status == 501)) ||
           strcmp(error->code, "InvalidAction") == 0;
}

static void went_wrong(struct bootstrap *work, const struct bootstrap_role *role, const char *what,
        enum s3_status status, const struct s3_error *error)
{
    struct failure failure;

    if (is_lacking(status, error)) {
        bootstrap_note(work, what, role->arn, BOOTSTRAP_SKIPPED,
                "this store has no IAM: `vaultferry policy %s` and `policy %s` say what the role needs",
                permission_document_name(role->policy), permission_document_name(role->trust));
        return;
    }
    failure_from_s3(&failure, status, error, "setting up role %s", role->arn);
    bootstrap_failed(work, what, role->arn, &failure, role->needs, role->sid);
}

/* The text of one of the role's documents; free it. NULL has been told. */
static char *document_of(
        struct bootstrap *work, const struct bootstrap_role *role, enum permission_document document, json_t **policy)
{
    struct failure failure;
    char *text;

    if (permission_policy(role->config, document, NULL, policy, &failure) != VERDICT_OK) {
        bootstrap_failed(work, role->what, role->arn, &failure, role->needs, role->sid);
        return NULL;
    }
    text = json_dumps(*policy, JSON_COMPACT);
    if (text == NULL) {
        json_decref(*policy);
        failure_set(&failure, VERDICT_INTERNAL, "out of memory");
        bootstrap_failed(work, role->what, role->arn, &failure, role->needs, role->sid);
    }
    return text;
}

static void trust_is_there(
        struct bootstrap *work, const struct bootstrap_role *role, const char *found_text, const json_t *wanted)
{
    const char *name = name_of(role->arn).name;
    json_t *found = json_loads(found_text, 0, NULL), *merged = bootstrap_policy_trust(found, wanted);
    char *text = json_dumps(merged, JSON_COMPACT), what[80];
    struct s3_error error;
    enum s3_status status = S3_OK;

    (void)snprintf(what, sizeof what, "%s's trust", role->what);
    if (found == NULL || text == NULL) {
        bootstrap_note(work, what, role->arn, BOOTSTRAP_SKIPPED, "the store does not say who may take the role");
    } else if (bootstrap_policy_same(found, merged)) {
        bootstrap_note(work, what, role->arn, BOOTSTRAP_OK,
                strstr(found_text, "VaultferryTakesIt") != NULL ? "who may take it"
                                                                : "who may take it was said by others, and stays");
    } else {
        if (!work->options->dry_run)
            status = s3_update_role_trust(work->conn, role->iam, name, text, &error);
        if (status == S3_OK)
            bootstrap_note(work, what, role->arn, BOOTSTRAP_CHANGE, "who may take it");
        else
            went_wrong(work, role, what, status, &error);
    }
    free(text);
    json_decref(merged);
    json_decref(found);
}

static enum s3_status make(
        struct bootstrap *work, const struct bootstrap_role *role, const char *trust, struct s3_error *error)
{
    const struct role_name name = name_of(role->arn);
    const struct s3_create_role_options options = {
        .name = name.name, .path = name.path, .trust = trust, .description = "Made by vaultferry bootstrap"
    };
    struct s3_role_answer *answer = calloc(1, sizeof *answer);
    enum s3_status status = S3_NO_MEMORY;

    if (answer != NULL)
        status = work->options->dry_run ? S3_OK : s3_create_role(work->conn, role->iam, &options, answer, error);
    free(answer);
    return status;
}

/* The role itself, and its trust. False: there is none to go on with. */
static bool have_role(struct bootstrap *work, const struct bootstrap_role *role, bool *is_new)
{
    const char *name = name_of(role->arn).name;
    struct s3_role_answer *answer = calloc(1, sizeof *answer);
    json_t *trust = NULL;
    char *text = document_of(work, role, role->trust, &trust);
    struct s3_error error;
    enum s3_status status = S3_NO_MEMORY;

    *is_new = false;
    s3_error_clear(&error);
    if (answer == NULL || text == NULL)
        goto out;
    status = s3_get_role(work->conn, role->iam, name, answer, &error);
    if (status == S3_NOT_FOUND) {
        status = make(work, role, text, &error);
        *is_new = status == S3_OK;
        if (status != S3_OK && strcmp(error.code, "EntityAlreadyExists") == 0) /* another bootstrap was faster */
            status = s3_get_role(work->conn, role->iam, name, answer, &error);
    }
    if (status != S3_OK) {
        went_wrong(work, role, role->what, status, &error);
    } else if (*is_new) {
        bootstrap_note(work, role->what, role->arn, BOOTSTRAP_CREATE, "with who may take it");
    } else {
        bootstrap_note(work, role->what, role->arn, BOOTSTRAP_OK, "it is there");
        trust_is_there(work, role, answer->trust, trust);
    }
out:
    if (text != NULL)
        json_decref(trust);
    free(text);
    free(answer);
    return status == S3_OK;
}

static void tell_others(struct bootstrap *work, const struct bootstrap_role *role, char detail[300])
{
    struct s3_role_policies_answer *others = calloc(1, sizeof *others);
    size_t used = (size_t)snprintf(detail, 300, "what it may");

    if (others != NULL && s3_list_role_policies(work->conn, role->iam, name_of(role->arn).name, others, NULL) == S3_OK)
        for (size_t i = 0; i < others->count && used < 250; i++)
            if (strcmp(others->names[i], policy_name) != 0)
                used += (size_t)snprintf(
                        detail + used, 300 - used, "; beside policy \"%.100s\", which stays", others->names[i]);
    free(others);
}

static void role_policy(struct bootstrap *work, const struct bootstrap_role *role, bool is_new)
{
    const char *name = name_of(role->arn).name;
    struct s3_role_policy_answer *answer = calloc(1, sizeof *answer);
    json_t *policy = NULL, *found = NULL;
    char *text = document_of(work, role, role->policy, &policy), what[80], detail[300] = "what it may";
    struct s3_error error;
    enum s3_status status = S3_NOT_FOUND;

    (void)snprintf(what, sizeof what, "%s's policy", role->what);
    if (text == NULL || answer == NULL)
        goto out;
    if (!is_new) {
        status = s3_get_role_policy(work->conn, role->iam, name, policy_name, answer, &error);
        if (status == S3_OK || status == S3_NOT_FOUND)
            tell_others(work, role, detail);
    }
    if (status == S3_OK)
        found = json_loads(answer->document, 0, NULL);
    if (found != NULL && bootstrap_policy_same(found, policy)) {
        bootstrap_note(work, what, role->arn, BOOTSTRAP_OK, "%s", detail);
        goto out;
    }
    if ((status == S3_OK || status == S3_NOT_FOUND) && !work->options->dry_run)
        status = s3_put_role_policy(work->conn, role->iam, name, policy_name, text, &error);
    if (status == S3_OK || (status == S3_NOT_FOUND && work->options->dry_run))
        bootstrap_note(work, what, role->arn, found == NULL ? BOOTSTRAP_CREATE : BOOTSTRAP_CHANGE, "%s", detail);
    else
        went_wrong(work, role, what, status, &error);
out:
    if (text != NULL)
        json_decref(policy);
    json_decref(found);
    free(text);
    free(answer);
}

void bootstrap_role(struct bootstrap *work, const struct bootstrap_role *role)
{
    struct failure failure;
    char account[16];
    bool is_new;

    permission_account_of(role->arn, account);
    if (role->account[0] != '\0' && strcmp(account, role->account) != 0) {
        failure_set(&failure, VERDICT_USAGE, "the config names a role of account %s, but this is account %s", account,
                role->account);
        bootstrap_failed(work, role->what, role->arn, &failure, role->needs, role->sid);
        return;
    }
    if (have_role(work, role, &is_new) && bootstrap_goes_on(work))
        role_policy(work, role, is_new);
}

static void absent(struct bootstrap *work, const char *what, const char *field, const char *name)
{
    const char *region = work->program->config->vault.access.region;

    bootstrap_note(work, what, work->account, BOOTSTRAP_SKIPPED,
            "the config names none: put \"%s\": \"arn:%s:iam::%s:role/%s\" into its vault", field,
            s3_partition_name(region != NULL ? region : "us-east-1"),
            work->account[0] != '\0' ? work->account : "<account>", name);
}

void bootstrap_vault_roles(struct bootstrap *work, const struct access *access)
{
    const struct config_vault *vault = &work->program->config->vault;
    struct bootstrap_role role = {
        .account = work->account, .config = work->program->config, .needs = PERMISSION_BOOTSTRAP, .sid = "SetUpRoles"
    };
    char restore[PERMISSION_ARN_SIZE];
    struct failure failure;

    if (access_iam(work->program, access, &role.iam, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "roles", work->account, &failure, role.needs, role.sid);
        return;
    }
    role.what = "vault role";
    role.arn = vault->access.role_arn;
    role.policy = PERMISSION_VAULT_ROLE;
    role.trust = PERMISSION_VAULT_TRUST;
    if (role.arn != NULL)
        bootstrap_role(work, &role);
    else
        absent(work, role.what, "role_arn", "vaultferry-vault");
    role.what = "prune role";
    role.arn = vault->prune_role_arn;
    role.policy = PERMISSION_PRUNE_ROLE;
    role.trust = PERMISSION_PRUNE_TRUST;
    if (role.arn == NULL)
        absent(work, role.what, "prune_role_arn", "vaultferry-prune");
    else if (bootstrap_goes_on(work))
        bootstrap_role(work, &role);
    role.what = "restore role";
    role.arn = restore;
    role.policy = PERMISSION_RESTORE_ROLE;
    role.trust = PERMISSION_RESTORE_TRUST;
    if (permission_restore_role(work->program->config, restore) && bootstrap_goes_on(work))
        bootstrap_role(work, &role);
    s3_client_free(role.iam);
}
