/* The vault's bucket: made where it is not there, and each of its settings. See bootstrap.h. */
#include <stdio.h>
#include <string.h>

#include "agent/bootstrap_inside.h"
#include "agent/bootstrap_policy.h"
#include "agent/rules.h"
#include "s3/bucket.h"

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* One setting that is a document: what it is called, and what it should be. */
struct setting {
    const char *what, *subresource, *document;
    char detail[300];
};

static void change(struct bootstrap *work, const struct bootstrap_bucket *bucket, const struct setting *setting)
{
    struct failure failure;

    if (!work->options->dry_run &&
            bootstrap_write(work, bucket, setting->subresource, setting->document, &failure) != VERDICT_OK) {
        bootstrap_failed(work, setting->what, bucket->name, &failure, PERMISSION_BOOTSTRAP, "SetUpVault");
        return;
    }
    bootstrap_note(work, setting->what, bucket->name, BOOTSTRAP_CHANGE, "%s", setting->detail);
}

/* Reads a setting's document; false where that has been told already. */
static bool look(struct bootstrap *work, const struct bootstrap_bucket *bucket, const struct setting *setting,
        json_t **found, enum bootstrap_found *state)
{
    struct failure failure;

    *found = NULL;
    *state = work->fresh ? BOOTSTRAP_NONE : bootstrap_read(work, bucket, setting->subresource, found, &failure);
    if (*state == BOOTSTRAP_BAD)
        bootstrap_failed(work, setting->what, bucket->name, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
    return *state != BOOTSTRAP_BAD;
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static const json_t *first_rule(const json_t *document)
{
    return json_array_get(json_object_get(document, "Rules"), 0);
}

static void versioning(struct bootstrap *work, const struct bootstrap_bucket *bucket)
{
    const struct s3_bucket_options options = bootstrap_bucket_options(bucket);
    struct s3_versioning_answer answer = { .enabled = false };
    struct failure failure;
    struct s3_error error;
    enum s3_status status = S3_OK;
    const char *sid = "LookAtVault";

    if (!work->fresh)
        status = s3_get_bucket_versioning(work->conn, bucket->client, &options, &answer, &error);
    if (status == S3_OK && answer.enabled) {
        bootstrap_note(work, "versioning", bucket->name, BOOTSTRAP_OK, "every copy is a version of its own");
        return;
    }
    if (status == S3_OK && !work->options->dry_run) {
        sid = "SetUpVault";
        status = s3_put_bucket_versioning(work->conn, bucket->client, &options, true, &error);
    }
    if (status != S3_OK) {
        failure_from_s3(&failure, status, &error, "switching versions on");
        bootstrap_failed(work, "versioning", bucket->name, &failure, PERMISSION_BOOTSTRAP, sid);
        return;
    }
    bootstrap_note(work, "versioning", bucket->name, BOOTSTRAP_CHANGE,
            answer.suspended ? "it was suspended" : "every copy is a version of its own");
}

/* Also tells AWS from other stores: they list the bucket instead, or refuse. */
static void ownership(struct bootstrap *work, const struct bootstrap_bucket *bucket)
{
    const struct setting setting = { "object ownership", "ownershipControls",
        "<OwnershipControls" XMLNS "><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
        "</OwnershipControls>",
        "the bucket's owner owns every object, and ACLs mean nothing" };
    enum bootstrap_found state;
    json_t *found;

    if (!look(work, bucket, &setting, &found, &state))
        return;
    work->bare = state == BOOTSTRAP_LACKS || (state == BOOTSTRAP_FOUND && first_rule(found) == NULL);
    if (work->bare)
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_SKIPPED, "this store lacks it");
    else if (strcmp(text_at(first_rule(found), "ObjectOwnership"), "BucketOwnerEnforced") == 0)
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_OK, "%s", setting.detail);
    else
        change(work, bucket, &setting);
    json_decref(found);
}

static void public_access(struct bootstrap *work, const struct bootstrap_bucket *bucket)
{
    static const char *const names[] = { "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
        "RestrictPublicBuckets" };
    struct setting setting = { .what = "public access block", .subresource = "publicAccessBlock" };
    char document[600];
    enum bootstrap_found state;
    json_t *found;
    bool well = true, acls;

    if (!look(work, bucket, &setting, &found, &state))
        return;
    if (state == BOOTSTRAP_LACKS) {
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_SKIPPED, "this store lacks it");
        json_decref(found);
        return;
    }
    /* Ceph RGW refuses every write to a bucket that blocks public ACLs; where it is so already, it stays */
    acls = !work->bare || strcmp(text_at(found, names[0]), "true") == 0;
    for (size_t i = acls ? 0 : 1; i < sizeof names / sizeof names[0]; i++)
        well = well && strcmp(text_at(found, names[i]), "true") == 0;
    (void)snprintf(setting.detail, sizeof setting.detail, "%s",
            acls ? "no policy and no ACL makes it public"
                 : "no policy makes it public; BlockPublicAcls is left out, with which stores like this one refuse "
                   "every write");
    (void)snprintf(document, sizeof document,
            "<PublicAccessBlockConfiguration" XMLNS "><BlockPublicAcls>%s</BlockPublicAcls>"
            "<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>"
            "<RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
            acls ? "true" : "false");
    setting.document = document;
    if (well)
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_OK, "%s", setting.detail);
    else
        change(work, bucket, &setting);
    json_decref(found);
}

/* A key is named by its id, its ARN or an alias; the service may give back another of these. */
static bool is_same_key(const char *found, const char *wanted)
{
    size_t found_len = strlen(found), wanted_len = strlen(wanted);
    const char *longer = found_len > wanted_len ? found : wanted, *shorter = found_len > wanted_len ? wanted : found;
    size_t more = strlen(longer) - strlen(shorter);

    return shorter[0] != '\0' && strcmp(longer + more, shorter) == 0 &&
           (more == 0 || longer[more - 1] == '/' || longer[more - 1] == ':');
}

static void encryption(struct bootstrap *work, const struct bootstrap_bucket *bucket)
{
    const char *key = work->program->config->vault.kms_key_id;
    struct setting setting = { .what = "default encryption", .subresource = "encryption" };
    char document[3500], blocked[300] = "";
    enum bootstrap_found state;
    const json_t *by_default;
    const char *algorithm;
    json_t *found;
    bool kms;

    if (!look(work, bucket, &setting, &found, &state))
        return;
    by_default = json_object_get(first_rule(found), "ApplyServerSideEncryptionByDefault");
    algorithm = text_at(by_default, "SSEAlgorithm");
    if (text_at(json_object_get(first_rule(found), "BlockedEncryptionTypes"), "EncryptionType")[0] != '\0')
        (void)snprintf(blocked, sizeof blocked,
                "<BlockedEncryptionTypes><EncryptionType>%.100s</EncryptionType></BlockedEncryptionTypes>",
                text_at(json_object_get(first_rule(found), "BlockedEncryptionTypes"), "EncryptionType"));
    kms = strncmp(algorithm, "aws:kms", 7) == 0;
    (void)snprintf(setting.detail, sizeof setting.detail, key != NULL ? "SSE-KMS with key %s" : "SSE-S3",
            key != NULL ? key : "");
    (void)snprintf(document, sizeof document,
            "<ServerSideEncryptionConfiguration" XMLNS "><Rule><ApplyServerSideEncryptionByDefault>"
            "<SSEAlgorithm>%s</SSEAlgorithm>%s%s%s</ApplyServerSideEncryptionByDefault>%s%s</Rule>"
            "</ServerSideEncryptionConfiguration>",
            key == NULL                              ? "AES256"
            : strcmp(algorithm, "aws:kms:dsse") == 0 ? "aws:kms:dsse"
                                                     : "aws:kms",
            key != NULL ? "<KMSMasterKeyID>" : "", key != NULL ? key : "", key != NULL ? "</KMSMasterKeyID>" : "",
            key != NULL ? "<BucketKeyEnabled>true</BucketKeyEnabled>" : "", blocked);
    setting.document = document;
    if (state == BOOTSTRAP_LACKS || (state == BOOTSTRAP_FOUND && by_default == NULL))
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_SKIPPED, "this store lacks it");
    else if (key == NULL && kms)
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_OK,
                "%s with key %s stays, although the config names none: it is stricter", algorithm,
                text_at(by_default, "KMSMasterKeyID"));
    else if (key == NULL ? strcmp(algorithm, "AES256") == 0
                         : kms && is_same_key(text_at(by_default, "KMSMasterKeyID"), key) &&
                                   (json_is_true(json_object_get(first_rule(found), "BucketKeyEnabled")) ||
                                           strcmp(algorithm, "aws:kms:dsse") == 0))
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_OK, "%s", setting.detail);
    else
        change(work, bucket, &setting);
    json_decref(found);
}

/* No step to skip: a run refuses such a vault. */
static void no_lock(struct bootstrap *work, const struct bootstrap_bucket *bucket, const char *why)
{
    struct failure failure;

    failure_set(&failure, VERDICT_USAGE, "%s", why);
    bootstrap_failed(work, "object lock", bucket->name, &failure, PERMISSION_BOOTSTRAP, "SetUpVault");
}

static void object_lock(struct bootstrap *work, const struct bootstrap_bucket *bucket)
{
    struct setting setting = { "object lock", "object-lock",
        "<ObjectLockConfiguration" XMLNS "><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        "on, without a default retention: each object gets its own" };
    enum bootstrap_found state;
    json_t *found;

    if (!work->program->config->vault.lock.given || !look(work, bucket, &setting, &found, &state))
        return;
    if (state == BOOTSTRAP_LACKS)
        no_lock(work, bucket, "this store has no Object Lock: take \"lock\" out of the config's vault");
    else if (strcmp(text_at(found, "ObjectLockEnabled"), "Enabled") != 0 && work->bare)
        no_lock(work, bucket,
                "this store gives a bucket Object Lock only when it is made: choose another vault.bucket, or take "
                "\"lock\" out of the config's vault");
    else if (strcmp(text_at(found, "ObjectLockEnabled"), "Enabled") != 0)
        change(work, bucket, &setting);
    else if (json_object_get(found, "Rules") != NULL)
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_OK,
                "on, with a default retention, which stays. It locks leases as well: better without");
    else
        bootstrap_note(work, setting.what, bucket->name, BOOTSTRAP_OK, "%s", setting.detail);
    json_decref(found);
}

static void bucket_policy(struct bootstrap *work, const struct bootstrap_bucket *bucket, const struct access *access)
{
    static const char *const beyond[] = { "PointsAreWrittenOnce", "RolesChangeNoSettings" };
    const char *endpoint = access_endpoint(access);
    struct failure failure;
    char detail[500] = "";
    size_t used = 0;
    json_t *wanted;

    if (permission_policy(work->program->config, PERMISSION_VAULT_BUCKET, NULL, &wanted, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "bucket policy", bucket->name, &failure, PERMISSION_BOOTSTRAP, "SetUpVault");
        return;
    }
    if (endpoint != NULL && strncmp(endpoint, "http://", 7) == 0 &&
            bootstrap_policy_drop(wanted, "OnlyEncryptedConnections"))
        used = (size_t)snprintf(
                detail, sizeof detail, "without OnlyEncryptedConnections, since the config itself speaks HTTP to it; ");
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0] && work->bare; i++)
        if (bootstrap_policy_drop(wanted, beyond[i]))
            used += (size_t)snprintf(
                    detail + used, sizeof detail - used, "without %s, which this store does not know; ", beyond[i]);
    (void)snprintf(detail + used, sizeof detail - used, "statements of others stay");
    bootstrap_bucket_policy(work, bucket, wanted, false, PERMISSION_BOOTSTRAP, "bucket policy", detail);
    json_decref(wanted);
}

static void lifecycle(struct bootstrap *work, const struct program *admin, const struct vault *vault)
{
    struct rules_install done = { .differs = false };
    struct failure failure;

    if (work->fresh) {
        bootstrap_note(work, "lifecycle rules", vault->bucket, BOOTSTRAP_CREATE, "from the policies' tiers");
        return;
    }
    if (rules_install(admin, vault, work->conn, work->options->dry_run, &done, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "lifecycle rules", vault->bucket, &failure, PERMISSION_BOOTSTRAP, "SetUpVault");
        return;
    }
    bootstrap_note(
            work, "lifecycle rules", vault->bucket, done.differs ? BOOTSTRAP_CHANGE : BOOTSTRAP_OK, "%s", done.detail);
}

static void create(struct bootstrap *work, const struct bootstrap_bucket *bucket, const char *region)
{
    const bool lock = work->program->config->vault.lock.given;
    struct failure failure;
    struct s3_error error;
    enum s3_status status = S3_OK;

    if (work->options->dry_run)
        work->fresh = true;
    else
        status = s3_create_bucket(work->conn, bucket->client, bucket->name, region, lock, &error);
    if (status != S3_OK && strcmp(error.code, "BucketAlreadyOwnedByYou") != 0) {
        if (strcmp(error.code, "BucketAlreadyExists") == 0)
            failure_set(&failure, VERDICT_NO_ACCESS,
                    "the name \"%s\" belongs to another account: names of buckets are one space for all, so choose "
                    "another as vault.bucket",
                    bucket->name);
        else
            failure_from_s3(&failure, status, &error, "making the bucket in %s", region);
        bootstrap_failed(work, "bucket", bucket->name, &failure, PERMISSION_BOOTSTRAP, "SetUpVault");
        return;
    }
    bootstrap_note(work, "bucket", bucket->name, BOOTSTRAP_CREATE, "in %s%s", region, lock ? ", with object lock" : "");
}

/* Whether there is a bucket that is ours, or would be. */
static bool have_bucket(struct bootstrap *work, const struct bootstrap_bucket *bucket, const struct access *access)
{
    const struct s3_bucket_options options = bootstrap_bucket_options(bucket);
    const size_t failed = json_array_size(work->report->steps);
    const char *wanted = work->program->config->vault.access.region, *state;
    struct s3_bucket_head head = { .region = "" };
    struct failure failure;
    struct s3_error error;
    enum s3_status status = s3_head_bucket(work->conn, bucket->client, &options, &head, &error);

    if (status == S3_NOT_FOUND) {
        create(work, bucket, access_region(access));
    } else if (status == S3_DENIED) {
        failure_from_s3(&failure, status, &error,
                "the bucket is not account %s's, or these credentials may not look at it (statement LookAtVault of "
                "`vaultferry policy bootstrap`)",
                bucket->owner != NULL ? bucket->owner : "this");
        failure.s3.http_status = 0; /* it is said already */
        bootstrap_failed(work, "bucket", bucket->name, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
    } else if (status != S3_OK) {
        failure_from_s3(&failure, status, &error, "looking for the bucket");
        bootstrap_failed(work, "bucket", bucket->name, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
    } else if (wanted != NULL && head.region[0] != '\0' && strcmp(head.region, wanted) != 0 &&
               access_endpoint(access) == NULL) {
        failure_set(&failure, VERDICT_USAGE, "the bucket lies in %s, but vault.region is %s", head.region, wanted);
        bootstrap_failed(work, "bucket", bucket->name, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
    } else {
        bootstrap_note(work, "bucket", bucket->name, BOOTSTRAP_OK, "in %s",
                head.region[0] != '\0' ? head.region : access_region(access));
    }
    state = text_at(json_array_get(work->report->steps, failed), "state");
    return strcmp(state, "failed") != 0;
}

void bootstrap_vault_bucket(struct bootstrap *work, const struct program *admin)
{
    static void (*const settings[])(struct bootstrap *, const struct bootstrap_bucket *) = { versioning, ownership,
        public_access, encryption, object_lock };
    const struct access_options options = { .session_name = "vaultferry-bootstrap" };
    struct bootstrap_bucket bucket;
    struct failure failure;
    struct vault vault;

    if (vault_open(admin, &options, &vault, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "bucket", admin->config->vault.bucket, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
        return;
    }
    bucket = (struct bootstrap_bucket){
        .client = vault.client, .name = vault.bucket, .owner = work->account[0] != '\0' ? work->account : NULL
    };
    vault.owner = bucket.owner;
    if (have_bucket(work, &bucket, vault.access)) {
        for (size_t i = 0; i < sizeof settings / sizeof settings[0] && bootstrap_goes_on(work); i++)
            settings[i](work, &bucket);
        if (bootstrap_goes_on(work))
            bucket_policy(work, &bucket, vault.access);
        if (bootstrap_goes_on(work))
            lifecycle(work, admin, &vault);
    }
    vault_close(&vault);
}
