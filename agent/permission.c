/* Documents from the table; see permission.h. */
#include "agent/permission.h"

#include <stdio.h>
#include <string.h>

#include "agent/select.h"
#include "s3/endpoint.h"

static const char *const names[PERMISSION_DOCUMENTS] = { "source-bucket", "source-role", "source-key", "vault-role",
    "vault-key", "vault-bucket", "prune-role", "restore-role", "vault-trust", "prune-trust", "restore-trust",
    "source-trust", "bootstrap", "bootstrap-source" };

enum { ARN_SIZE = PERMISSION_ARN_SIZE, ROLE_NAME_MAX = 64 };

struct writer {
    const struct config *config;
    const char *source;
    enum permission_document document;
    json_t *statements;
    bool failed; /* memory */
};

enum permission_document permission_document_of(const char *name)
{
    unsigned i = 0;

    while (i < PERMISSION_DOCUMENTS && strcmp(names[i], name) != 0)
        i++;
    return (enum permission_document)i;
}

const char *permission_document_name(enum permission_document document)
{
    return names[document];
}

static bool is_meant(const struct writer *writer, const struct config_source *source)
{
    return source->kind == CONFIG_KIND_BUCKET &&
           (writer->source == NULL || select_source_of(writer->config, writer->source) == source ||
                   (source->name != NULL && select_needs_listing(source) == false &&
                           select_next_literal(source, &(size_t){ 0 }) != NULL &&
                           strcmp(select_next_literal(source, &(size_t){ 0 }), writer->source) == 0));
}

static const char *partition(const struct config_access *access)
{
    return s3_partition_name(access->region != NULL ? access->region : "us-east-1");
}

static void add(struct writer *writer, json_t *array, const char *text)
{
    writer->failed = json_array_append_new(array, json_string(text)) != 0 || writer->failed;
}

static void add_bucket(
        struct writer *writer, json_t *array, const struct config_access *access, const char *bucket, const char *tail)
{
    char arn[ARN_SIZE];

    (void)snprintf(arn, sizeof arn, "arn:%s:s3:::%s%s", partition(access), bucket, tail);
    add(writer, array, arn);
}

/* `path`: under the vault's prefix, with wildcards. */
static void add_path(struct writer *writer, json_t *array, const char *path)
{
    const struct config_vault *vault = &writer->config->vault;
    char tail[1100];

    (void)snprintf(tail, sizeof tail, "/%s%s", vault->prefix, path);
    add_bucket(writer, array, &vault->access, vault->bucket, tail);
}

bool permission_restore_role(const struct config *config, char arn[PERMISSION_ARN_SIZE])
{
    const char *vault = config->vault.access.role_arn;
    int length = vault != NULL ? snprintf(arn, PERMISSION_ARN_SIZE, "%s-restore", vault) : -1;

    return length > 0 && length < PERMISSION_ARN_SIZE && strlen(strrchr(arn, '/') + 1) <= ROLE_NAME_MAX;
}

void permission_account_of(const char *arn, char account[16])
{
    const char *at = arn;

    for (int i = 0; i < 4 && at != NULL; i++) {
        at = strchr(at, ':');
        at = at != NULL ? at + 1 : NULL;
    }
    (void)snprintf(account, 16, "%.*s", at != NULL ? (int)strcspn(at, ":") : 0, at != NULL ? at : "");
}

void permission_vault_account(const struct config *config, char account[16])
{
    account[0] = '\0';
    if (config->vault.access.account != NULL)
        (void)snprintf(account, 16, "%s", config->vault.access.account);
    else if (config->vault.access.role_arn != NULL)
        permission_account_of(config->vault.access.role_arn, account);
}

static void add_vault_roles(struct writer *writer, json_t *array)
{
    const struct config_vault *vault = &writer->config->vault;
    char restore[ARN_SIZE];

    if (vault->access.role_arn != NULL)
        add(writer, array, vault->access.role_arn);
    if (vault->prune_role_arn != NULL)
        add(writer, array, vault->prune_role_arn);
    if (permission_restore_role(writer->config, restore))
        add(writer, array, restore);
}

/* The buckets of one source: as they are selected; where tags decide alone, all. */
static void add_source(struct writer *writer, json_t *array, const struct config_source *source, const char *tail)
{
    const struct config_select *select = &source->select;
    char arn[ARN_SIZE];

    if (writer->source != NULL && source->name == NULL) {
        add_bucket(writer, array, &source->access, writer->source, tail);
        return;
    }
    for (size_t i = 0; i < select->buckets.count; i++)
        add_bucket(writer, array, &source->access, select->buckets.items[i], tail);
    for (size_t i = 0; i < select->arns.count; i++) {
        (void)snprintf(arn, sizeof arn, "%s%s", select->arns.items[i], tail);
        add(writer, array, arn);
    }
    if (select->buckets.count + select->arns.count == 0)
        add_bucket(writer, array, &source->access, "*", tail);
}

static void add_source_key(struct writer *writer, json_t *array, const struct config_source *source)
{
    char arn[ARN_SIZE];

    (void)snprintf(arn, sizeof arn, "arn:%s:kms:*:%s:key/*", partition(&source->access),
            source->access.account != NULL ? source->access.account : "*");
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)), arn) == 0)
            return;
    add(writer, array, arn);
}

/* The config may name the key by its id or an alias; a policy takes the ARNs of keys only. */
static void add_vault_key(struct writer *writer, json_t *array)
{
    const struct config_vault *vault = &writer->config->vault;
    char arn[ARN_SIZE];

    if (strncmp(vault->kms_key_id, "arn:", 4) == 0) {
        add(writer, array, vault->kms_key_id);
        return;
    }
    (void)snprintf(arn, sizeof arn, "arn:%s:kms:%s:%s:key/%s", partition(&vault->access),
            vault->access.region != NULL ? vault->access.region : "*",
            vault->access.account != NULL ? vault->access.account : "*",
            strncmp(vault->kms_key_id, "alias/", 6) == 0 ? "*" : vault->kms_key_id);
    add(writer, array, arn);
}

static json_t *resources(struct writer *writer, enum permission_resource resource)
{
    const struct config_vault *vault = &writer->config->vault;
    json_t *array = json_array();

    if (resource == PERMISSION_EVERYTHING)
        add(writer, array, "*");
    else if (resource == PERMISSION_VAULT)
        add_bucket(writer, array, &vault->access, vault->bucket, "");
    else if (resource == PERMISSION_VAULT_ENCRYPTION)
        add_vault_key(writer, array);
    else if (resource == PERMISSION_TOPIC)
        add(writer, array, writer->config->notify.sns_topic_arn);
    else if (resource == PERMISSION_VAULT_ROLES)
        add_vault_roles(writer, array);
    else if (resource == PERMISSION_VAULT_OBJECTS)
        add_path(writer, array, "*");
    if (resource == PERMISSION_VAULT_POINTS || resource == PERMISSION_VAULT_NOTES ||
            resource == PERMISSION_VAULT_CATALOG)
        add_path(writer, array, "points/*");
    if (resource == PERMISSION_VAULT_DRILLS)
        add_path(writer, array, "points/*/drill-*.json");
    if (resource == PERMISSION_VAULT_NOTES || resource == PERMISSION_VAULT_CATALOG) {
        add_path(writer, array, "lease/*");
        add_path(writer, array, "prune/*");
    }
    if (resource == PERMISSION_VAULT_CATALOG)
        add_path(writer, array, "names/*");
    for (size_t i = 0; i < writer->config->source_count; i++) {
        const struct config_source *source = &writer->config->sources[i];
        if (!is_meant(writer, source))
            continue;
        if (resource == PERMISSION_SOURCE || resource == PERMISSION_SOURCE_OBJECTS)
            add_source(writer, array, source, resource == PERMISSION_SOURCE ? "" : "/*");
        else if (resource == PERMISSION_SOURCE_ENCRYPTION)
            add_source_key(writer, array, source);
        else if (resource == PERMISSION_SOURCE_ROLES && source->access.role_arn != NULL)
            add(writer, array, source->access.role_arn);
    }
    return array;
}

static bool records_acls(const struct writer *writer)
{
    for (size_t i = 0; i < writer->config->source_count; i++)
        if (is_meant(writer, &writer->config->sources[i]) &&
                writer->config->sources[i].policy->acl == CONFIG_ACL_RECORD)
            return true;
    return false;
}

/* An interface endpoint of AWS's is AWS as well. */
static bool is_aws(const struct config_access *access)
{
    return access->endpoint == NULL || strstr(access->endpoint, ".amazonaws.") != NULL;
}

static bool streams(const struct writer *writer)
{
    for (size_t i = 0; i < writer->config->source_count; i++)
        if (is_meant(writer, &writer->config->sources[i]) && writer->config->sources[i].copy == CONFIG_COPY_STREAM &&
                is_aws(&writer->config->sources[i].access))
            return true;
    return false;
}

static bool is_wanted(const struct writer *writer, const struct permission *permission)
{
    const struct config_vault *vault = &writer->config->vault;

    return permission->document == writer->document &&
           (permission->when == PERMISSION_ALWAYS ||
                   (permission->when == PERMISSION_WITH_KEY && vault->kms_key_id != NULL) ||
                   (permission->when == PERMISSION_WITH_ACL && vault->acl != NULL) ||
                   (permission->when == PERMISSION_WITH_LOCK && vault->lock.given) ||
                   (permission->when == PERMISSION_WITH_EXTENSION && vault->lock.given && vault->lock.extend) ||
                   (permission->when == PERMISSION_WITH_TOPIC && writer->config->notify.sns_topic_arn != NULL) ||
                   (permission->when == PERMISSION_IN_AWS && is_aws(&vault->access)) ||
                   (permission->when == PERMISSION_ELSEWHERE && !is_aws(&vault->access)) ||
                   (permission->when == PERMISSION_WITH_STREAMS && streams(writer)) ||
                   (permission->when == PERMISSION_WITH_RECORDED_ACL && records_acls(writer)));
}

bool permission_is_needed(const struct config *config, const struct permission *permission)
{
    const struct writer writer = { .config = config, .document = permission->document };

    return is_wanted(&writer, permission);
}

/* Policies of buckets and keys name who may; a role's is about the role. */
static bool names_principal(enum permission_document document)
{
    return document == PERMISSION_SOURCE_BUCKET || document == PERMISSION_SOURCE_KEY ||
           document == PERMISSION_VAULT_KEY;
}

/* Whom a policy lets in: the vault role; to the vault's own key all roles of its account, since a key whose policy
 * does not leave it to IAM would shut out who restores. */
static json_t *principal(struct writer *writer)
{
    json_t *roles;

    if (writer->document != PERMISSION_VAULT_KEY)
        return json_pack("{ss}", "AWS", writer->config->vault.access.role_arn);
    roles = json_array();
    add_vault_roles(writer, roles);
    return json_pack("{so}", "AWS", roles);
}

static void add_statement(struct writer *writer, const struct permission *permission)
{
    json_t *statement = json_pack("{ss ss}", "Sid", permission->sid, "Effect", "Allow"), *actions = json_array();
    json_t *on = resources(writer, permission->resource);

    for (size_t i = 0; i < PERMISSION_ACTIONS_MAX && permission->actions[i] != NULL; i++)
        add(writer, actions, permission->actions[i]);
    if (names_principal(permission->document))
        writer->failed = json_object_set_new(statement, "Principal", principal(writer)) != 0 || writer->failed;
    writer->failed = json_object_set_new(statement, "Action", actions) != 0 || writer->failed;
    if (json_array_size(on) == 0) { /* a config of streams alone has no source to be read */
        json_decref(on);
        json_decref(statement);
        return;
    }
    writer->failed = json_object_set_new(statement, "Resource", on) != 0 || writer->failed;
    if (permission->resource == PERMISSION_SOURCE_ENCRYPTION) /* any key, but only as S3 uses it */
        writer->failed = json_object_set_new(statement, "Condition",
                                 json_pack("{s{ss}}", "StringLike", "kms:ViaService", "s3.*")) != 0 ||
                         writer->failed;
    writer->failed = json_array_append_new(writer->statements, statement) != 0 || writer->failed;
}

static void add_denial(struct writer *writer, json_t *denial)
{
    writer->failed = json_array_append_new(writer->statements, denial) != 0 || writer->failed;
}

/* Takes both lists. */
static void add_prune_only(struct writer *writer, const char *sid, json_t *actions, json_t *on)
{
    const char *prune = writer->config->vault.prune_role_arn;
    json_t *denial = json_pack(
            "{ss ss ss so so}", "Sid", sid, "Effect", "Deny", "Principal", "*", "Action", actions, "Resource", on);

    if (prune != NULL)
        writer->failed = json_object_set_new(denial, "Condition",
                                 json_pack("{s{ss}}", "ArnNotEquals", "aws:PrincipalArn", prune)) != 0 ||
                         writer->failed;
    add_denial(writer, denial);
}

/* What the prune role alone may. Without any role one identity does all, and prunes as well. */
static void add_prune_denials(struct writer *writer)
{
    const struct config_vault *vault = &writer->config->vault;
    json_t *words, *notes;

    if (vault->prune_role_arn == NULL && vault->access.role_arn == NULL)
        return;
    words = json_array();
    notes = resources(writer, PERMISSION_VAULT_POINTS);
    add_path(writer, words, "points/*/forgotten.json");
    add_path(writer, words, "prune/*");
    add_path(writer, notes, "prune/*");
    add_prune_only(writer, "OnlyPruneEndsVersions", json_pack("[s]", "s3:DeleteObjectVersion"),
            resources(writer, PERMISSION_VAULT_OBJECTS));
    add_prune_only(writer, "OnlyPruneForgets", json_pack("[s]", "s3:PutObject"), words);
    add_prune_only(writer, "OnlyPruneTakesPointsAway", json_pack("[s]", "s3:DeleteObject"), notes);
}

/* What the vault refuses to everybody: who may grant permissions in its account cannot end a version by a slip. Who
 * administers the account can still change this very policy. */
static void add_denials(struct writer *writer)
{
    const struct config_vault *vault = &writer->config->vault;
    json_t *everything = resources(writer, PERMISSION_VAULT), *roles = resources(writer, PERMISSION_VAULT_ROLES);

    add_bucket(writer, everything, &vault->access, vault->bucket, "/*");
    add_denial(writer, json_pack("{ss ss ss ss so s{s{ss}}}", "Sid", "OnlyEncryptedConnections", "Effect", "Deny",
                               "Principal", "*", "Action", "s3:*", "Resource", everything, "Condition", "Bool",
                               "aws:SecureTransport", "false"));
    add_denial(
            writer, json_pack("{ss ss ss ss so s{s{ss}}}", "Sid", "PointsAreWrittenOnce", "Effect", "Deny", "Principal",
                            "*", "Action", "s3:PutObject", "Resource", resources(writer, PERMISSION_VAULT_POINTS),
                            "Condition", "Null", "s3:if-none-match", "true"));
    add_prune_denials(writer);
    add_denial(writer,
            json_pack("{ss ss ss ss so}", "Sid", "NobodyBypassesLocks", "Effect", "Deny", "Principal", "*", "Action",
                    "s3:BypassGovernanceRetention", "Resource", resources(writer, PERMISSION_VAULT_OBJECTS)));
    if (json_array_size(roles) > 0)
        add_denial(writer,
                json_pack("{ss ss ss s[ssssssssss] so s{s{sO}}}", "Sid", "RolesChangeNoSettings", "Effect", "Deny",
                        "Principal", "*", "Action", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration",
                        "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutEncryptionConfiguration",
                        "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls",
                        "s3:PutBucketObjectLockConfiguration", "s3:PutReplicationConfiguration", "s3:DeleteBucket",
                        "Resource", resources(writer, PERMISSION_VAULT), "Condition", "ArnEquals", "aws:PrincipalArn",
                        roles));
    json_decref(roles);
}

/* Whoever steals the writer's role may not lock for a hundred years: some time beyond what the config asks for, since a
 * lock counts by whole days, is all. */
static void add_lock_bound(struct writer *writer)
{
    enum { SLACK_DAYS = 2 };
    const struct config_lock *lock = &writer->config->vault.lock;
    char most[24];

    if (!lock->given)
        return;
    (void)snprintf(most, sizeof most, "%lld", (long long)lock->days + SLACK_DAYS);
    add_denial(writer, json_pack("{ss ss ss s[ss] so s{s{ss}}}", "Sid", "LocksHaveABound", "Effect", "Deny",
                               "Principal", "*", "Action", "s3:PutObject", "s3:PutObjectRetention", "Resource",
                               resources(writer, PERMISSION_VAULT_OBJECTS), "Condition", "NumericGreaterThan",
                               "s3:object-lock-remaining-retention-days", most));
}

/* Who may take a role: what may do so by its own policy in the backup account, since that is where vaultferry runs. An
 * external id keeps out who talks somebody else's program into it. */
static void add_trust(struct writer *writer)
{
    const struct config_access *access = &writer->config->vault.access;
    const char *external_id = access->external_id;
    char account[16], root[80];
    json_t *statement;

    if (writer->document == PERMISSION_SOURCE_TRUST) {
        external_id = NULL;
        for (size_t i = 0; i < writer->config->source_count && external_id == NULL; i++)
            if (is_meant(writer, &writer->config->sources[i]))
                external_id = writer->config->sources[i].access.external_id;
    }
    permission_vault_account(writer->config, account);
    (void)snprintf(root, sizeof root, "arn:%s:iam::%s:root", partition(access), account);
    statement = json_pack("{ss ss s{ss} ss}", "Sid", "VaultferryTakesIt", "Effect", "Allow", "Principal", "AWS", root,
            "Action", "sts:AssumeRole");
    if (external_id != NULL)
        writer->failed = json_object_set_new(statement, "Condition",
                                 json_pack("{s{ss}}", "StringEquals", "sts:ExternalId", external_id)) != 0 ||
                         writer->failed;
    writer->failed = json_array_append_new(writer->statements, statement) != 0 || writer->failed;
}

static bool is_trust(enum permission_document document)
{
    return document >= PERMISSION_VAULT_TRUST && document <= PERMISSION_SOURCE_TRUST;
}

static enum verdict check(const struct writer *writer, struct failure *failure)
{
    bool any = false;
    char account[16];

    for (size_t i = 0; i < writer->config->source_count; i++)
        any = any || is_meant(writer, &writer->config->sources[i]);
    if (writer->source != NULL && !any)
        return failure_set(failure, VERDICT_USAGE, "the config has no bucket source \"%s\"", writer->source);
    if (names_principal(writer->document) && writer->config->vault.access.role_arn == NULL)
        return failure_set(failure, VERDICT_USAGE, "the config has no vault.role_arn: %s would not know whom to let in",
                names[writer->document]);
    permission_vault_account(writer->config, account);
    if (is_trust(writer->document) && account[0] == '\0')
        return failure_set(failure, VERDICT_USAGE,
                "the config has neither vault.account nor vault.role_arn: %s would not know whom to let in",
                names[writer->document]);
    if (writer->document == PERMISSION_VAULT_KEY && writer->config->vault.kms_key_id == NULL)
        return failure_set(failure, VERDICT_USAGE, "the config has no vault.encryption.kms_key_id");
    return VERDICT_OK;
}

enum verdict permission_policy(const struct config *config, enum permission_document document, const char *source,
        json_t **policy, struct failure *failure)
{
    struct writer writer = { .config = config, .source = source, .document = document };
    const struct permission *table;
    size_t count;

    *policy = NULL;
    if (check(&writer, failure) != VERDICT_OK)
        return failure->verdict;
    writer.statements = json_array();
    table = permission_table(&count);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(&writer, &table[i]))
            add_statement(&writer, &table[i]);
    if (document == PERMISSION_VAULT_BUCKET) {
        add_denials(&writer);
        add_lock_bound(&writer);
    }
    if (is_trust(document))
        add_trust(&writer);
    if (!writer.failed)
        *policy = json_pack("{ss sO}", "Version", "2012-10-17", "Statement", writer.statements);
    json_decref(writer.statements);
    return *policy != NULL ? VERDICT_OK : failure_set(failure, VERDICT_INTERNAL, "out of memory");
}
