/* The vault bucket, and the roles that read, write and prune it; see doctor_inside.h. */
#include "agent/doctor_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/health.h"
#include "s3/bucket.h"
#include "s3/buffer.h"
#include "s3/list.h"

static const char role[] = "vault role", bucket[] = "vault bucket";

enum { DOCUMENT_MAX = 64 * 1024 };

static void look_at_region(struct doctor *doctor)
{
    const struct s3_bucket_options options = { .bucket = doctor->vault.bucket, .expected_owner = doctor->vault.owner };
    const char *wanted = doctor->vault.config->access.region;
    struct s3_bucket_head head;
    struct s3_error error;

    if (s3_head_bucket(doctor->conn, doctor->hasty, &options, &head, &error) != S3_OK || head.region[0] == '\0')
        return;
    if (wanted != NULL && strcmp(wanted, head.region) != 0 && access_endpoint(doctor->vault.access) == NULL)
        (void)doctor_say(
                doctor, bucket, "region", DOCTOR_WARNING, "it lies in %s, the config says %s", head.region, wanted);
    else
        (void)doctor_say(doctor, bucket, "region", DOCTOR_OK, "%s", head.region);
}

static bool says(const struct s3_buffer *document, const char *what)
{
    return document->len > 0 && memmem(document->ptr, document->len, what, strlen(what)) != NULL;
}

static void look_at_lock(struct doctor *doctor, const struct doctor_side *side)
{
    const struct config_lock *lock = &doctor->vault.config->lock;
    struct s3_buffer document;
    struct s3_error error;
    enum s3_status status;
    bool enabled;

    s3_buffer_init(&document, DOCUMENT_MAX);
    status = doctor_document(doctor, side, "object-lock", &document, &error);
    enabled = status == S3_OK && says(&document, "<ObjectLockEnabled>Enabled");
    if (!lock->given)
        (void)doctor_say(doctor, bucket, "lock", DOCTOR_OK,
                "no \"lock\" in the config: who gets the rights of the vault account's owner, or of the prune role, "
                "can delete every version");
    else if (enabled)
        (void)doctor_say(doctor, bucket, "lock", DOCTOR_OK, "each version is locked for %lld days (%s)",
                (long long)lock->days, lock->mode == CONFIG_LOCK_COMPLIANCE ? "compliance" : "governance");
    else if (status == S3_OK || status == S3_NOT_FOUND)
        doctor_say(doctor, bucket, "lock", DOCTOR_FAILED,
                "the config wants a lock, but the bucket has no Object Lock: `vaultferry bootstrap` makes a bucket "
                "with it")
                ->needed = true;
    else
        (void)doctor_say(doctor, bucket, "lock", DOCTOR_WARNING,
                "it may not be read (%s): grant "
                "s3:GetBucketObjectLockConfiguration",
                error.code);
    if (enabled && says(&document, "<DefaultRetention>"))
        (void)doctor_say(doctor, bucket, "default retention", DOCTOR_WARNING,
                "the bucket locks every object by default, leases and this doctor's as well: take the default rule "
                "away, vaultferry locks what it has to by itself");
    s3_buffer_free(&document);
}

static void look_at_public_access(struct doctor *doctor, const struct doctor_side *side)
{
    struct s3_buffer document;
    struct s3_error error;
    enum s3_status status;

    s3_buffer_init(&document, DOCUMENT_MAX);
    status = doctor_document(doctor, side, "publicAccessBlock", &document, &error);
    if (status == S3_OK && !says(&document, ">false<"))
        (void)doctor_say(doctor, bucket, "public access", DOCTOR_OK, "blocked");
    else if (status == S3_OK || status == S3_NOT_FOUND)
        (void)doctor_say(doctor, bucket, "public access", DOCTOR_WARNING,
                "the bucket does not block all public access: `vaultferry bootstrap` sets it");
    else
        (void)doctor_say(doctor, bucket, "public access", DOCTOR_UNKNOWN, "this role may not read it (%s)", error.code);
    s3_buffer_free(&document);
}

void doctor_look_at_health(struct doctor *doctor)
{
    struct health *health;

    if (!doctor->vault_answers || clock_stop_asked() || doctor->program->config->source_count == 0)
        return;
    health = calloc(1, sizeof *health);
    if (health == NULL) {
        doctor->report->no_memory = true;
        return;
    }
    health_check(doctor->program, doctor->vault.access, doctor->sources, doctor->source_count, health);
    if (health->refused)
        (void)doctor_say_failure(doctor, bucket, "health", &health->failure);
    for (size_t i = 0; i < health->count; i++)
        (void)doctor_say(doctor, bucket, "health", DOCTOR_WARNING, "%s", health->warnings[i]);
    if (!health->refused && health->count == 0)
        (void)doctor_say(doctor, bucket, "health", DOCTOR_OK,
                "it keeps versions, and no lifecycle rule takes away what a restore needs");
    health_free(health);
    free(health);
}

/* Something to look at where nothing could be written: the first object of the catalog. */
static void find_object(struct doctor *doctor, struct doctor_side *side, struct s3_page *page)
{
    char prefix[STATE_PREFIX_MAX + 16];
    struct s3_versions_options options = { .bucket = side->bucket, .expected_owner = side->owner, .max_keys = 100 };
    struct s3_error error;

    (void)snprintf(prefix, sizeof prefix, "%spoints/", doctor->vault.config->prefix);
    options.prefix = (struct s3_text){ prefix, strlen(prefix) };
    if (s3_list_versions(doctor->conn, side->client, &options, page, &error) != S3_OK)
        return;
    for (size_t i = 0; i < page->count && !side->key_exists; i++)
        if (!page->entries[i].is_marker && page->entries[i].version.len <= S3_VERSION_MAX) {
            side->key = page->entries[i].key;
            side->key_exists = true;
            (void)snprintf(doctor->found, sizeof doctor->found, "%.*s", (int)page->entries[i].version.len,
                    page->entries[i].version.len > 0 ? page->entries[i].version.ptr : "");
            side->version = doctor->found[0] != '\0' ? doctor->found : NULL;
        }
}

static struct doctor_side side_of(
        const struct doctor *doctor, const char *subject, enum permission_document document, struct s3_client *client)
{
    return (struct doctor_side){ .subject = subject,
        .document = document,
        .other = PERMISSION_DOCUMENTS,
        .client = client,
        .bucket = doctor->vault.bucket,
        .owner = doctor->vault.owner,
        .key = { doctor->probe, strlen(doctor->probe) } };
}

void doctor_look_at_vault(struct doctor *doctor)
{
    bool only_read = doctor->program->config->source_count == 0;
    struct doctor_side side =
            side_of(doctor, role, only_read ? PERMISSION_RESTORE_ROLE : PERMISSION_VAULT_ROLE, doctor->hasty);
    enum doctor_state listed;
    struct s3_page page;

    doctor_look_at_endpoint(doctor, role, doctor->vault.access);
    if (!doctor_identity(doctor, role, doctor->vault.access, doctor->vault.owner))
        return;
    listed = doctor_probe(doctor, &side, "s3:ListBucket");
    if (listed == DOCTOR_FAILED) /* it is not there, or nobody answers: so would each further request end */
        return;
    doctor->vault_answers = true;
    s3_page_init(&page);
    side.lists = listed == DOCTOR_OK;
    if (!only_read)
        doctor_try_writing(doctor, &side);
    side.key_exists = doctor->is_written;
    side.version = doctor->written[0] != '\0' ? doctor->written : NULL;
    if (!doctor->is_written && side.lists)
        find_object(doctor, &side, &page);
    doctor_probe_all(doctor, &side);
    if (!only_read) {
        doctor_try_folders(doctor, &side);
    }
    look_at_region(doctor);
    if (!only_read && !clock_stop_asked()) { /* who restores need not know the bucket's own configuration */
        look_at_lock(doctor, &side);
        look_at_public_access(doctor, &side);
    }
    s3_page_free(&page);
}

/* A role beside the one of the runs: taken, and asked for all that its document has. */
struct other_role {
    const char *subject, *arn, *absent;
    enum permission_document document;
    bool may_be_absent;
};

/* Over all that was read before. Once. */
static void clean_as_writer(struct doctor *doctor)
{
    const struct doctor_side side = side_of(doctor, role, PERMISSION_VAULT_ROLE, doctor->hasty);

    if (!doctor->vault_answers || doctor->is_cleaned || doctor->program->config->source_count == 0)
        return;
    doctor->is_cleaned = true;
    doctor_try_deleting(doctor, &side);
    doctor_try_ending(doctor, &side);
}

static void look_as(struct doctor *doctor, const struct other_role *other)
{
    const struct config_vault *config = doctor->vault.config;
    const struct access_options options = {
        .config = &config->access, .role_arn = other->arn, .session_name = "vaultferry-doctor"
    };
    struct access *access = NULL;
    struct s3_client *client = NULL;
    struct doctor_side side;
    struct failure failure;
    size_t said = doctor->report->count;

    if (access_open(doctor->program, &options, &access, &failure) != VERDICT_OK ||
            access_hasty(access, DOCTOR_ATTEMPTS, &client, &failure) != VERDICT_OK) {
        doctor_say_failure(doctor, other->subject, "credentials", &failure)->needed = false;
    } else if (doctor_identity(doctor, other->subject, access, config->access.account)) {
        side = side_of(doctor, other->subject, other->document, client);
        side.not_needed = true;
        side.lists = doctor_probe(doctor, &side, "s3:ListBucket") == DOCTOR_OK;
        side.key_exists = doctor->is_written;
        side.version = doctor->written[0] != '\0' ? doctor->written : NULL;
        doctor_probe_all(doctor, &side);
        if (other->document == PERMISSION_PRUNE_ROLE) {
            clean_as_writer(doctor);
            doctor_try_deleting(doctor, &side);
            doctor_try_pruning(doctor, &side);
        }
    } else if (doctor->report->count > said) {
        struct doctor_check *check = &doctor->report->checks[said];
        check->needed = false;
        if (other->may_be_absent && check->state == DOCTOR_FAILED) {
            check->state = DOCTOR_SKIPPED;
            (void)snprintf(check->detail, sizeof check->detail, "%s", other->absent);
        }
    }
    s3_client_free(client);
    access_close(access);
}

void doctor_look_at_roles(struct doctor *doctor)
{
    const struct config *config = doctor->program->config;
    char arn[PERMISSION_ARN_SIZE];
    const struct other_role of_prune = {
        .subject = "prune role", .arn = config->vault.prune_role_arn, .document = PERMISSION_PRUNE_ROLE
    };
    const struct other_role of_restore = { .subject = "restore role",
        .arn = arn,
        .document = PERMISSION_RESTORE_ROLE,
        .may_be_absent = true,
        .absent = "it is not there, or may not be taken from here: restores then use the vault role" };

    if (!doctor->vault_answers)
        return;
    if (!clock_stop_asked() && config->source_count > 0 && permission_restore_role(config, arn))
        look_as(doctor, &of_restore);
    if (config->vault.prune_role_arn == NULL)
        (void)doctor_say(doctor, of_prune.subject, "credentials", DOCTOR_SKIPPED,
                "the config names no prune_role_arn: nothing is pruned by it");
    else if (!clock_stop_asked())
        look_as(doctor, &of_prune); /* it takes away what the others left */
    clean_as_writer(doctor);
}
