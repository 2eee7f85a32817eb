/* See permission_hint.h. */
#include "agent/permission_hint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ACTIONS = 4 };

/* What each operation needs on the bucket that it names, and what on the source of a copy. Where more than one is
 * named the service may mean any of them. */
static const struct {
    const char *operation;
    const char *actions[ACTIONS], *of_source[ACTIONS];
} operations[] = {
    { "ListBuckets", { "s3:ListAllMyBuckets" }, { NULL } },
    { "ListObjectsV2", { "s3:ListBucket" }, { NULL } },
    { "ListObjectVersions", { "s3:ListBucketVersions" }, { NULL } },
    { "ListMultipartUploads", { "s3:ListBucketMultipartUploads" }, { NULL } },
    { "HeadBucket", { "s3:ListBucket" }, { NULL } },
    { "GetBucketLocation", { "s3:GetBucketLocation" }, { NULL } },
    { "GetBucketVersioning", { "s3:GetBucketVersioning" }, { NULL } },
    { "GetBucketLifecycleConfiguration", { "s3:GetLifecycleConfiguration" }, { NULL } },
    { "GetBucketTagging", { "s3:GetBucketTagging" }, { NULL } },
    { "GetObjectLockConfiguration", { "s3:GetBucketObjectLockConfiguration" }, { NULL } },
    /* without the right to list, what is not there is denied as well */
    { "HeadObject", { "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket" }, { NULL } },
    { "GetObject", { "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket" }, { NULL } },
    { "GetObjectTagging", { "s3:GetObjectTagging", "s3:GetObjectVersionTagging" }, { NULL } },
    { "GetObjectAcl", { "s3:GetObjectAcl" }, { NULL } },
    { "GetObjectRetention", { "s3:GetObjectRetention" }, { NULL } },
    { "PutObject", { "s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl", "s3:PutObjectRetention" }, { NULL } },
    { "CreateMultipartUpload", { "s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl", "s3:PutObjectRetention" },
            { NULL } },
    { "UploadPart", { "s3:PutObject" }, { NULL } },
    { "CompleteMultipartUpload", { "s3:PutObject" }, { NULL } },
    { "PutObjectTagging", { "s3:PutObjectTagging" }, { NULL } },
    { "PutObjectAcl", { "s3:PutObjectAcl" }, { NULL } },
    { "PutObjectRetention", { "s3:PutObjectRetention" }, { NULL } },
    { "CopyObject", { "s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl", "s3:PutObjectRetention" },
            { "s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket" } },
    { "UploadPartCopy", { "s3:PutObject" }, { "s3:GetObject", "s3:ListBucket" } },
    { "DeleteObject", { "s3:DeleteObject" }, { NULL } },
    { "DeleteObjects", { "s3:DeleteObject", "s3:DeleteObjectVersion" }, { NULL } },
    { "AbortMultipartUpload", { "s3:AbortMultipartUpload" }, { NULL } },
    { "ListParts", { "s3:ListMultipartUploadParts" }, { NULL } },
    { "RestoreObject", { "s3:RestoreObject" }, { NULL } },
    { "Publish", { "sns:Publish" }, { NULL } },
};

enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* Set by main before threads start, read-only afterwards. */
static const struct config *known;
static enum permission_document asker = PERMISSION_VAULT_ROLE;

static const struct {
    const char *words;
    enum permission_side side;
} sides[] = { { "identity-based policy", PERMISSION_SIDE_IDENTITY },
    { "resource-based polic", PERMISSION_SIDE_RESOURCE }, /* policy, policies */
    { "service control policy", PERMISSION_SIDE_ORGANIZATION },
    { "resource control policy", PERMISSION_SIDE_ORGANIZATION }, { "permissions boundary", PERMISSION_SIDE_BOUNDARY },
    { "session policy", PERMISSION_SIDE_SESSION }, { "VPC endpoint policy", PERMISSION_SIDE_ENDPOINT } };

/* "... is not authorized to perform: s3:GetObject on resource: ..." */
static void read_action(const char *message, char *out, size_t size)
{
    static const char before[] = "not authorized to perform: ";
    const char *at = strstr(message, before);
    size_t length;

    if (at == NULL)
        return;
    at += sizeof before - 1;
    length = strcspn(at, " ,;");
    if (memchr(at, ':', length) != NULL)
        (void)snprintf(out, size, "%.*s", (int)length, at);
}

void permission_denial_read(const char *message, struct permission_denial *denial)
{
    memset(denial, 0, sizeof *denial);
    read_action(message, denial->action, sizeof denial->action);
    denial->denies = strstr(message, "explicit deny") != NULL;
    denial->of_key = strncmp(denial->action, "kms:", 4) == 0 || strstr(message, "kms:") != NULL ||
                     strstr(message, "KMS") != NULL || strstr(message, "ciphertext refers to a customer") != NULL;
    for (size_t i = 0; i < sizeof sides / sizeof sides[0] && denial->side == PERMISSION_SIDE_UNKNOWN; i++)
        if (strstr(message, sides[i].words) != NULL)
            denial->side = sides[i].side;
}

const char *permission_side_name(enum permission_side side)
{
    static const char *const names[] = { [PERMISSION_SIDE_UNKNOWN] = "unknown",
        [PERMISSION_SIDE_IDENTITY] = "identity",
        [PERMISSION_SIDE_RESOURCE] = "resource",
        [PERMISSION_SIDE_ORGANIZATION] = "organization",
        [PERMISSION_SIDE_BOUNDARY] = "boundary",
        [PERMISSION_SIDE_SESSION] = "session",
        [PERMISSION_SIDE_ENDPOINT] = "endpoint" };

    return names[side];
}

const char *permission_side_advice(const struct permission_denial *denial)
{
    switch (denial->side) {
    case PERMISSION_SIDE_ORGANIZATION:
        return "a control policy of the organization (SCP or RCP) stands against it, which no statement of the account "
               "outweighs: its administrators have to allow it";
    case PERMISSION_SIDE_BOUNDARY:
        return "the role's permissions boundary stands against it: allow it there too";
    case PERMISSION_SIDE_SESSION:
        return "the session's policy stands against it";
    case PERMISSION_SIDE_ENDPOINT:
        return "the policy of the VPC endpoint stands against it: allow it there too";
    case PERMISSION_SIDE_IDENTITY:
        return denial->denies ? "a policy of the role denies it explicitly: take that Deny away" : NULL;
    case PERMISSION_SIDE_RESOURCE:
        return denial->denies
                       ? "the policy of the bucket or key denies it explicitly: take that Deny away; where it is "
                         "one of vaultferry's (LocksHaveABound, when a lock has more days than before), "
                         "`vaultferry bootstrap` brings it up to the config"
                       : NULL;
    case PERMISSION_SIDE_UNKNOWN:
        break;
    }
    return denial->denies ? "something denies it explicitly" : NULL;
}

static bool is_of_source(enum permission_resource resource)
{
    return resource == PERMISSION_SOURCE || resource == PERMISSION_SOURCE_OBJECTS ||
           resource == PERMISSION_SOURCE_ENCRYPTION;
}

static bool is_of_roles(enum permission_document document)
{
    return document == PERMISSION_VAULT_ROLE || document == PERMISSION_RESTORE_ROLE ||
           document == PERMISSION_PRUNE_ROLE;
}

static bool has_action(const struct permission *permission, const char *action)
{
    for (size_t i = 0; i < PERMISSION_ACTIONS_MAX && permission->actions[i] != NULL; i++)
        if (strcmp(permission->actions[i], action) == 0)
            return true;
    return false;
}

static bool is_about(
        const struct permission *permission, enum permission_document document, const char *action, bool on_source)
{
    return permission->document == document &&
           (!is_of_roles(document) || is_of_source(permission->resource) == on_source) &&
           has_action(permission, action);
}

const struct permission *permission_find(enum permission_document document, const char *action, bool on_source)
{
    size_t count;
    const struct permission *table = permission_table(&count);

    for (size_t i = 0; i < count; i++)
        if (is_about(&table[i], document, action, on_source))
            return &table[i];
    return NULL;
}

const struct permission *permission_find_other(
        const struct config *config, const struct permission *one, const char *action, bool on_source)
{
    size_t count;
    const struct permission *table = permission_table(&count);

    for (size_t i = 0; i < count; i++)
        if (&table[i] != one && is_about(&table[i], one->document, action, on_source) &&
                permission_is_needed(config, &table[i]))
            return &table[i];
    return NULL;
}

void permission_hint_know(const struct config *config)
{
    known = config;
    asker = config != NULL && config->source_count == 0 ? PERMISSION_RESTORE_ROLE : PERMISSION_VAULT_ROLE;
}

void permission_hint_as(enum permission_document document)
{
    asker = document;
}

/* A sentence that grows; what does not fit is left out whole. */
struct sentence {
    char *out;
    size_t size, used;
};

static void say(struct sentence *sentence, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(sentence->out + sentence->used, sentence->size - sentence->used, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sentence->size - sentence->used)
        sentence->used += (size_t)length;
    else
        sentence->out[sentence->used] = '\0';
}

static void name_statement(struct sentence *sentence, const struct permission *one, const struct permission *beside)
{
    say(sentence, " (\"%s\"%s%s%s of `policy %s`)", one->sid, beside != NULL ? " and \"" : "",
            beside != NULL ? beside->sid : "", beside != NULL ? "\"" : "", permission_document_name(one->document));
}

/* The actions of `wanted` that the document knows and this config needs: all those of one statement together. */
static void name_statements(struct sentence *sentence, enum permission_document document, const char *const *wanted,
        bool on_source, const char *between)
{
    const struct permission *last = NULL, *beside = NULL;

    for (size_t i = 0; i < ACTIONS && wanted[i] != NULL; i++) {
        const struct permission *one = permission_find(document, wanted[i], on_source);
        if (one == NULL || !permission_is_needed(known, one))
            continue;
        if (one == last) {
            say(sentence, ", %s", wanted[i]);
            continue;
        }
        if (last != NULL)
            name_statement(sentence, last, beside);
        say(sentence, "%s%s", sentence->used == 0 ? "" : last != NULL ? ", " : between, wanted[i]);
        last = one;
        beside = permission_find_other(known, one, wanted[i], on_source);
    }
    if (last != NULL)
        name_statement(sentence, last, beside);
}

/* Which documents speak of it: of the bucket that the request names, then of the source that a copy reads. */
static void name_all(struct sentence *sentence, bool of_vault, const char *const *actions, const char *const *of_source,
        enum permission_side side)
{
    if (!of_vault) {
        name_statements(sentence, PERMISSION_SOURCE_ROLE, actions, true, "");
        return;
    }
    name_statements(sentence, asker, actions, false, "");
    if (sentence->used == 0)
        name_statements(sentence, PERMISSION_VAULT_ROLE, actions, false, "");
    if (sentence->used == 0)
        name_statements(sentence, PERMISSION_PRUNE_ROLE, actions, false, "");
    if (side != PERMISSION_SIDE_RESOURCE)
        name_statements(sentence, PERMISSION_VAULT_ROLE, of_source, true, "; on the source ");
    if (side != PERMISSION_SIDE_IDENTITY) {
        bool key = of_source[0] != NULL && strncmp(of_source[0], "kms:", 4) == 0;
        name_statements(sentence, key ? PERMISSION_SOURCE_KEY : PERMISSION_SOURCE_BUCKET, of_source, true,
                side == PERMISSION_SIDE_RESOURCE ? "" : "; and in the source's account ");
    }
}

bool permission_is_of_role(const struct s3_error *error)
{
    struct permission_denial denial;

    /* s3/ puts the role's name before what STS said of it */
    permission_denial_read(error->message, &denial);
    return strncmp(error->message, "role arn:", 9) == 0 || strncmp(denial.action, "sts:AssumeRole", 14) == 0;
}

static bool hint_of_role(const struct s3_error *error, char *out, size_t size)
{
    if (!permission_is_of_role(error))
        return false;
    (void)snprintf(out, size,
            "the role cannot be taken: its trust policy has to name whoever asks, with the external id of the config "
            "where it demands one, and whoever asks needs sts:AssumeRole on it");
    return true;
}

/* Whether a copy means its source by this action. */
static bool is_read(const char *action)
{
    return strcmp(action, "kms:Decrypt") == 0 || strncmp(action, "s3:Get", 6) == 0 ||
           strncmp(action, "s3:List", 7) == 0;
}

/* The bucket's policy bounds locks by the days that the config had when it was written; S3 may not say that it is this.
 */
static bool may_be_lock(const struct permission_denial *denial, const char *const *actions, bool of_vault)
{
    bool locks = false;

    for (size_t i = 0; i < ACTIONS && actions[i] != NULL; i++)
        locks = locks || strcmp(actions[i], "s3:PutObjectRetention") == 0;
    return locks && of_vault && known->vault.lock.given && denial->side == PERMISSION_SIDE_UNKNOWN;
}

static bool is_copy(const char *operation)
{
    return strcmp(operation, "CopyObject") == 0 || strcmp(operation, "UploadPartCopy") == 0;
}

bool permission_hint(const struct s3_error *error, char *out, size_t size)
{
    struct sentence sentence = { .out = out, .size = size };
    struct permission_denial denial;
    const char *said[ACTIONS] = { NULL }, *none[ACTIONS] = { NULL };
    const char *const *actions = none, *const *of_source = none, *advice;
    bool of_vault;

    out[0] = '\0';
    if (known == NULL || error->operation == NULL || strcmp(error->code, "SignatureDoesNotMatch") == 0 ||
            strcmp(error->code, "InvalidAccessKeyId") == 0)
        return false;
    if (hint_of_role(error, out, size))
        return true;
    of_vault = strcmp(error->bucket, known->vault.bucket) == 0 || strcmp(error->operation, "Publish") == 0;
    permission_denial_read(error->message, &denial);
    for (size_t i = 0; i < OPERATIONS; i++)
        if (strcmp(operations[i].operation, error->operation) == 0) {
            actions = operations[i].actions;
            of_source = operations[i].of_source;
        }
    if (denial.action[0] != '\0') {
        bool source = is_copy(error->operation) && is_read(denial.action);
        said[0] = denial.action;
        actions = source ? none : said;
        of_source = source ? said : none;
    }
    name_all(&sentence, of_vault, actions, of_source, denial.side);
    if (may_be_lock(&denial, actions, of_vault))
        say(&sentence, "%sif \"lock\" has more days than before, `vaultferry bootstrap` has to be called",
                sentence.used > 0 ? "; " : "");
    if (of_source[0] != NULL && denial.action[0] == '\0' && sentence.used > 0)
        say(&sentence, "; `vaultferry doctor` says which of them is missing");
    advice = permission_side_advice(&denial);
    if (sentence.used == 0 && advice == NULL)
        return false;
    if (advice != NULL)
        say(&sentence, "%s%s", sentence.used > 0 ? "; " : "", advice);
    return true;
}
