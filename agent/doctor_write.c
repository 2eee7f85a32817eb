/* See doctor_write.h. */
#include "agent/doctor_write.h"

#include <stdio.h>
#include <string.h>

#include "s3/list.h"

static const char body[] = "vaultferry doctor tries whether the vault may be written\n";

static struct s3_target probe_target(const struct doctor *doctor)
{
    return vault_target(&doctor->vault, doctor->probe, strlen(doctor->probe));
}

static enum s3_status write_probe(struct doctor *doctor, bool acl, bool key, struct s3_error *error)
{
    struct s3_put_options options = {
        .target = probe_target(doctor), .body = body, .body_len = sizeof body - 1, .content_md5 = true
    };
    struct s3_put_result result;
    enum s3_status status;

    vault_write_defaults(&doctor->vault, &options.write);
    if (!acl)
        options.write.acl = NULL;
    if (!key) {
        options.write.encryption = NULL;
        options.write.kms_key_id = NULL;
        options.write.bucket_key = false;
    }
    status = s3_put_object(doctor->conn, doctor->hasty, &options, &result, error);
    if (status == S3_OK) {
        doctor->is_written = true;
        (void)snprintf(doctor->written, sizeof doctor->written, "%s", result.version);
    }
    return status;
}

void doctor_try_writing(struct doctor *doctor, const struct doctor_side *side)
{
    const struct config_vault *config = doctor->vault.config;
    struct s3_error error, plain;
    enum s3_status status = write_probe(doctor, true, true, &error);
    struct permission_denial denial;

    permission_denial_read(status == S3_OK ? "" : error.message, &denial);
    if (status != S3_OK && config->kms_key_id != NULL &&
            (denial.of_key || strncmp(error.code, "KMS.", 4) == 0 ||
                    write_probe(doctor, true, false, &plain) == S3_OK)) {
        struct doctor_side of_key = *side;
        of_key.other = PERMISSION_VAULT_KEY;
        (void)doctor_judge(doctor, &of_key, "kms:GenerateDataKey", S3_DENIED, &error);
        (void)doctor_say(doctor, side->subject, "s3:PutObject", doctor->is_written ? DOCTOR_OK : DOCTOR_UNKNOWN,
                doctor->is_written ? "" : "the key is what is refused");
        return;
    }
    if (status == S3_DENIED && config->acl != NULL && write_probe(doctor, false, true, &plain) == S3_OK) {
        (void)doctor_judge(doctor, side, "s3:PutObjectAcl", status, &error);
        (void)doctor_say(doctor, side->subject, "s3:PutObject", DOCTOR_OK, "%s", "");
        return;
    }
    if (status == S3_OK && config->acl != NULL)
        (void)doctor_say(doctor, side->subject, "s3:PutObjectAcl", DOCTOR_OK, "%s", "");
    if (status == S3_OK && config->kms_key_id != NULL)
        (void)doctor_say(doctor, side->subject, "kms:GenerateDataKey", DOCTOR_OK, "%s", "");
    (void)doctor_judge(doctor, side, "s3:PutObject", status, &error);
}

enum offer { UNLOCKED, LOCKED_SHORTLY, LOCKED };

static enum s3_status offer_wrong(
        const struct doctor *doctor, const char *path, enum offer offer, struct s3_error *error)
{
    enum { SHORTLY_MS = 3600 * 1000 };
    const int64_t whole_ms = (int64_t)doctor->vault.config->lock.days * 86400 * 1000;
    struct s3_put_options options = { .target = vault_target(&doctor->vault, path, strlen(path)),
        .body = body,
        .body_len = sizeof body - 1,
        .content_md5_base64 = DOCTOR_WRONG_MD5,
        .write = { .if_none_match = "*" } };
    struct s3_put_result result;
    char until[STATE_TIME_SIZE];

    if (offer == LOCKED)
        vault_write_lock(&doctor->vault, &options.write, until);
    else if (offer == LOCKED_SHORTLY)
        vault_lock_from(&doctor->vault, vault_now_ms(&doctor->vault) - whole_ms + SHORTLY_MS, &options.write, until);
    return s3_put_object(doctor->conn, doctor->once, &options, &result, error);
}

/* The store's own conduct, where nothing can come of it. */
static bool refuses_wrong(struct doctor *doctor)
{
    char path[sizeof doctor->probe + 8];
    struct s3_error error;
    enum s3_status status;

    (void)snprintf(path, sizeof path, "%s-wrong", doctor->probe);
    status = offer_wrong(doctor, path, UNLOCKED, &error);
    doctor->keeps_wrong = status == S3_OK;
    if (status == S3_OK) {
        const struct s3_delete_options gone = { .target = vault_target(&doctor->vault, path, strlen(path)) };
        struct s3_delete_result marker;
        (void)!s3_delete_object(doctor->conn, doctor->hasty, &gone, &marker, &error);
    }
    return status != S3_OK && strcmp(error.code, "BadDigest") == 0;
}

/* A lock is refused for its length alone: the bucket's policy was written for fewer days. */
static bool is_bounded(struct doctor *doctor, const char *path)
{
    struct s3_error error;

    if (offer_wrong(doctor, path, LOCKED_SHORTLY, &error) == S3_DENIED)
        return false;
    doctor_say(doctor, "vault bucket", "length of locks", DOCTOR_FAILED,
            "a lock of %lld days is refused, a shorter one is not: the bucket's policy (LocksHaveABound) was written "
            "for fewer days. `vaultferry bootstrap` brings it up to the config",
            (long long)doctor->vault.config->lock.days)
            ->needed = true;
    return true;
}

void doctor_try_folders(struct doctor *doctor, const struct doctor_side *side)
{
    static const char *const folders[] = { "data", "data-long", "names", "points" };
    const bool locks = doctor->vault.config->lock.given;
    char path[STATE_PATH_MAX + 1];

    if (!refuses_wrong(doctor))
        return;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const char *action = "s3:PutObject";
        struct s3_error error, plain;
        enum s3_status status;
        char check[64];

        (void)snprintf(path, sizeof path, "%s%s/.doctor/never-written", doctor->vault.config->prefix, folders[i]);
        status = offer_wrong(doctor, path, locks ? LOCKED : UNLOCKED, &error);
        if (status == S3_DENIED && locks && is_bounded(doctor, path))
            return;
        if (status == S3_DENIED && locks && offer_wrong(doctor, path, UNLOCKED, &plain) != S3_DENIED)
            action = "s3:PutObjectRetention";
        (void)snprintf(check, sizeof check, "%s under %s/", action, folders[i]);
        if (status != S3_DENIED) {
            (void)doctor_say(doctor, side->subject, check, DOCTOR_OK, "%s", "");
        } else if (doctor_judge(doctor, side, action, status, &error) == DOCTOR_MISSING) {
            struct doctor_check *said = &doctor->report->checks[doctor->report->count - 1];
            (void)snprintf(said->check, sizeof said->check, "%s", check);
        }
    }
}

void doctor_try_deleting(struct doctor *doctor, const struct doctor_side *side)
{
    const struct s3_delete_item item = { .key = { doctor->probe, strlen(doctor->probe) } };
    const struct s3_delete_many_options options = {
        .bucket = doctor->vault.bucket, .expected_owner = doctor->vault.owner, .items = &item, .count = 1
    };
    struct s3_deleted deleted;
    struct s3_error error;
    enum s3_status status;

    s3_deleted_init(&deleted);
    status = s3_delete_objects(doctor->conn, side->client, &options, &deleted, &error);
    if (status == S3_OK && deleted.entries[0].failed) {
        const struct s3_deleted_entry *entry = &deleted.entries[0];
        s3_error_clear(&error);
        error.operation = "DeleteObjects";
        (void)snprintf(error.code, sizeof error.code, "%.*s", (int)entry->code.len,
                entry->code.len > 0 ? entry->code.ptr : "");
        (void)snprintf(error.message, sizeof error.message, "%.*s", (int)entry->message.len,
                entry->message.len > 0 ? entry->message.ptr : "");
        status = s3_classify(403, error.code, false);
    }
    (void)doctor_judge(doctor, side, "s3:DeleteObject", status, &error);
    s3_deleted_free(&deleted);
}

static enum s3_status end_version(struct doctor *doctor, struct s3_client *client, struct s3_text key,
        const char *version, struct s3_error *error)
{
    const struct s3_delete_options options = { .target = { .bucket = doctor->vault.bucket,
                                                       .key = key,
                                                       .version = version,
                                                       .expected_owner = doctor->vault.owner } };
    struct s3_delete_result result;

    return s3_delete_object(doctor->conn, client, &options, &result, error);
}

void doctor_try_ending(struct doctor *doctor, const struct doctor_side *side)
{
    const struct config_vault *config = doctor->vault.config;
    struct s3_error error;
    enum s3_status status;

    if (doctor->written[0] == '\0' || strcmp(doctor->written, "null") == 0)
        return;
    if (config->prune_role_arn != NULL && config->access.role_arn != NULL &&
            strcmp(config->prune_role_arn, config->access.role_arn) == 0) {
        (void)doctor_say(doctor, side->subject, "ends no version", DOCTOR_WARNING,
                "the role that writes the vault is also the one that prunes it: who takes it can delete every version");
        return;
    }
    status = end_version(doctor, doctor->hasty, probe_target(doctor).key, doctor->written, &error);
    if (status == S3_OK) {
        doctor->written[0] = '\0';
        (void)doctor_say(doctor, side->subject, "ends no version", DOCTOR_WARNING,
                "who writes the vault may also delete versions: who takes these credentials can delete every backup. "
                "Take s3:DeleteObjectVersion away; `policy vault-bucket` denies it to all but the prune role");
    } else if (status == S3_DENIED) {
        (void)doctor_say(
                doctor, side->subject, "ends no version", DOCTOR_OK, "it may not delete versions, as it should be");
    }
}

void doctor_try_pruning(struct doctor *doctor, const struct doctor_side *side)
{
    const struct s3_versions_options options = { .bucket = doctor->vault.bucket,
        .expected_owner = doctor->vault.owner,
        .prefix = { doctor->probe, strlen(doctor->probe) } };
    struct s3_page page;
    struct s3_error error, unlisted;
    enum s3_status status = S3_OK;

    s3_page_init(&page);
    if (s3_list_versions(doctor->conn, side->client, &options, &page, &unlisted) != S3_OK)
        page.count = 0;
    for (size_t i = 0; i < page.count && status == S3_OK; i++) {
        char version[S3_VERSION_MAX + 1];
        (void)snprintf(version, sizeof version, "%.*s", (int)page.entries[i].version.len,
                page.entries[i].version.len > 0 ? page.entries[i].version.ptr : "");
        if (version[0] != '\0')
            status = end_version(doctor, side->client, page.entries[i].key, version, &error);
    }
    if (page.count == 0) /* the end of what is not there says as much */
        status = end_version(doctor, side->client, options.prefix, "null", &error);
    s3_page_free(&page);
    /* the bucket's default retention lies on it, which is told elsewhere */
    if (status == S3_DENIED && strstr(error.message, "object lock") != NULL)
        (void)doctor_say(
                doctor, side->subject, "s3:DeleteObjectVersion", DOCTOR_UNKNOWN, "what could be ended is locked");
    else
        (void)doctor_judge(doctor, side, "s3:DeleteObjectVersion", status, &error);
}
