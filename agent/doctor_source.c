/* See doctor_source.h. */
#include "agent/doctor_source.h"

#include <stdio.h>
#include <string.h>

#include "s3/bucket.h"
#include "s3/buffer.h"
#include "s3/list.h"

enum {
    LISTED = 100,             /* of so many keys the samples are taken */
    COPIED_MAX = 1024 * 1024, /* a larger object is not copied to find something out */
    DOCUMENT_MAX = 64 * 1024
};

/* What one look at a source knows. */
struct looking {
    struct doctor *doctor;
    const struct doctor_source *source;
    struct doctor_side own, vault; /* its own credentials; the vault's role */
    struct s3_page page;
    const struct s3_page_entry *smallest, *largest; /* NULL: the bucket is empty, or may not be listed */
    struct s3_head head;                            /* of the smallest */
    bool has_head;
    bool managed_key; /* new objects are encrypted with aws/s3 */
    bool tenants;     /* the vault's role cannot address the bucket but as the source of a copy */
};

static void take_samples(struct looking *looking)
{
    const struct config_strings *prefixes = &looking->source->config->select.prefixes;
    struct s3_list_options options = {
        .bucket = looking->own.bucket, .expected_owner = looking->own.owner, .max_keys = LISTED
    };
    struct s3_error error;

    if (prefixes->count > 0)
        options.prefix = (struct s3_text){ prefixes->items[0], strlen(prefixes->items[0]) };
    if (s3_list_objects(looking->doctor->conn, looking->own.client, &options, &looking->page, &error) != S3_OK)
        return;
    for (size_t i = 0; i < looking->page.count; i++) {
        const struct s3_page_entry *entry = &looking->page.entries[i];
        if (looking->smallest == NULL || entry->size < looking->smallest->size)
            looking->smallest = entry;
        if (looking->largest == NULL || entry->size > looking->largest->size)
            looking->largest = entry;
    }
    if (looking->smallest != NULL) {
        looking->own.key = looking->vault.key = looking->smallest->key;
        looking->own.key_exists = looking->vault.key_exists = true;
    }
}

static bool same(const char *one, const char *other)
{
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

static void look_at_region(struct looking *looking)
{
    const struct s3_bucket_options options = { .bucket = looking->own.bucket, .expected_owner = looking->own.owner };
    const char *vault = looking->doctor->vault.config->access.region;
    struct s3_bucket_head head;
    struct s3_error error;

    if (s3_head_bucket(looking->doctor->conn, looking->own.client, &options, &head, &error) != S3_OK ||
            head.region[0] == '\0')
        return;
    (void)doctor_say(looking->doctor, looking->own.subject, "region", DOCTOR_OK, "%s%s%s%s", head.region,
            vault != NULL && strcmp(vault, head.region) != 0 ? "; the vault is in " : "",
            vault != NULL && strcmp(vault, head.region) != 0 ? vault : "",
            vault != NULL && strcmp(vault, head.region) != 0 ? ": every byte costs its transfer" : "");
}

/* "aws:kms" without a key of one's own means the key aws/s3, whose policy nobody can change. */
static void look_at_default_key(struct looking *looking)
{
    const bool across = !same(looking->own.owner, looking->doctor->vault.owner);
    struct s3_buffer document;
    struct s3_error error;
    const char *key;

    s3_buffer_init(&document, DOCUMENT_MAX);
    if (doctor_document(looking->doctor, &looking->own, "encryption", &document, &error) == S3_OK &&
            s3_buffer_text(&document) != NULL && strstr(document.ptr, "aws:kms") != NULL) {
        key = strstr(document.ptr, "<KMSMasterKeyID>");
        looking->managed_key = key == NULL || strstr(key, "alias/aws/s3") != NULL;
    }
    s3_buffer_free(&document);
    if (looking->managed_key && across && looking->source->config->copy == CONFIG_COPY_SERVER)
        (void)doctor_say(looking->doctor, looking->own.subject, "default encryption", DOCTOR_WARNING,
                "new objects are encrypted with the account's key aws/s3, which no other account can ever use: they "
                "cannot be copied by the vault's role. Make a key of your own the bucket's default, or set \"copy\": "
                "\"stream\" with a role of the source's account");
}

/* How what is there is encrypted: a customer's key can be read by nobody here. */
static void look_at_encryption(struct looking *looking)
{
    const struct s3_page_entry *const samples[] = { looking->largest, looking->smallest };

    for (size_t i = 0; i < 2 && samples[i] != NULL; i++) {
        const struct s3_head_options options = {
            .target = { .bucket = looking->own.bucket, .key = samples[i]->key, .expected_owner = looking->own.owner }
        };
        struct s3_error error;
        enum s3_status status =
                s3_head_object(looking->doctor->conn, looking->own.client, &options, &looking->head, &error);
        looking->has_head = status == S3_OK;
        /* HEAD has no body that says why */
        if (looking->has_head ? looking->head.customer_algorithm[0] != '\0' : error.http_status == 400) {
            (void)doctor_say(looking->doctor, looking->own.subject, "encryption", DOCTOR_WARNING,
                    "there are objects under keys that the customer keeps (SSE-C): they cannot be copied");
            return;
        }
    }
}

static bool is_kms(const struct looking *looking)
{
    return looking->has_head && strncmp(looking->head.encryption, "aws:kms", 7) == 0;
}

/* One byte of an object that is encrypted with a KMS key, read as the vault's role. */
static void look_at_source_key(struct looking *looking)
{
    struct doctor_side side = looking->vault;
    const struct s3_get_options options = {
        .target = { .bucket = side.bucket, .key = side.key, .expected_owner = side.owner }, .ranged = true
    };
    const struct s3_sink sink = { .write = doctor_take_nothing };
    struct s3_head head;
    struct s3_error error;
    enum s3_status status;

    side.other = PERMISSION_SOURCE_KEY;
    s3_head_init(&head);
    status = s3_get_object(looking->doctor->conn, side.client, &options, &sink, &head, &error);
    s3_head_free(&head);
    if (status != S3_OK && looking->managed_key) {
        doctor_say(looking->doctor, side.subject, "kms:Decrypt", DOCTOR_FAILED,
                "objects are encrypted with %s, and the bucket's default is the account's key aws/s3: no other account "
                "can ever use that one. Copy them within their account under a key of your own, or set \"copy\": "
                "\"stream\" with a role of the source's account (%s: %s)",
                looking->head.kms_key, error.code, error.message)
                ->needed = true;
        return;
    }
    (void)doctor_judge(looking->doctor, &side, "kms:Decrypt", status, &error);
}

/* The request that every night's copies are, under a condition that cannot hold: it is looked at only after the
 * rights. `key` NULL: one that is not there. */
static enum s3_status try_copy(struct looking *looking, const struct s3_page_entry *entry, struct s3_error *error)
{
    const struct doctor *doctor = looking->doctor;
    const struct config_source *config = looking->source->config;
    const char *missing = strrchr(doctor->probe, '/') + 1;
    char path[sizeof doctor->probe + 8];
    struct s3_copy_options options = { .source = { .prefix = config->copy_source_prefix,
                                               .bucket = looking->own.bucket,
                                               .key = { missing, strlen(missing) },
                                               .if_match = "\"00000000000000000000000000000000\"",
                                               .expected_owner = looking->own.owner },
        .metadata_directive = "COPY",
        .tagging_directive = config->policy->tags == CONFIG_TAGS_SKIP ? "REPLACE" : "COPY",
        .annotation_directive = "EXCLUDE" };
    struct s3_copy_result result;
    enum s3_status status;

    (void)snprintf(path, sizeof path, "%s-copy", doctor->probe);
    if (entry != NULL)
        options.source.key = entry->key;
    options.target = vault_target(&doctor->vault, path, strlen(path));
    vault_write_defaults(&doctor->vault, &options.write);
    status = s3_copy_object(doctor->conn, doctor->hasty, &options, &result, error);
    if (status == S3_OK) { /* a store that ignores the condition */
        const struct s3_delete_options gone = { .target = options.target };
        struct s3_delete_result marker;
        struct s3_error other;
        (void)!s3_delete_object(doctor->conn, doctor->hasty, &gone, &marker, &other);
    }
    return status;
}

/* A key that is not there is denied to who may not list the bucket, else it is not found, on some stores also where it
 * could not be read. So an object that is there tells what may be read; on stores that ignore the condition of a copy
 * it is copied, and only a small one. */
static void try_reading(struct looking *looking)
{
    struct doctor *doctor = looking->doctor;
    struct doctor_side *side = &looking->vault;
    bool may_copy = looking->smallest != NULL && (!looking->tenants || looking->smallest->size <= COPIED_MAX);
    struct s3_error missing, error;
    enum s3_status looked = try_copy(looking, NULL, &missing), status = S3_OK;

    if (may_copy) {
        status = try_copy(looking, looking->smallest, &error);
        (void)doctor_judge(doctor, side, "s3:GetObject", status, &error);
    } else if (looked == S3_DENIED || !looking->tenants) {
        status = looked;
        (void)doctor_judge(doctor, side, "s3:GetObject", looked, &missing);
    } else {
        (void)doctor_say(
                doctor, side->subject, "s3:GetObject", DOCTOR_UNKNOWN, "there is no small object to try it on");
    }
    if (status != S3_DENIED)
        (void)doctor_judge(doctor, side, "s3:ListBucket", looked, &missing);
    else if (!looking->tenants)
        (void)doctor_probe(doctor, side, "s3:ListBucket");
    else
        (void)doctor_say(doctor, side->subject, "s3:ListBucket", DOCTOR_UNKNOWN,
                "without s3:GetObject this store does not tell");
}

/* One principal has to read the source and to write the vault. */
static void look_as_vault(struct looking *looking)
{
    struct doctor_side *side = &looking->vault;

    if (looking->source->config->copy == CONFIG_COPY_STREAM) {
        (void)doctor_say(looking->doctor, side->subject, "s3:GetObject", DOCTOR_SKIPPED,
                "\"copy\" is \"stream\": the source's own credentials read it");
        return;
    }
    if (!looking->doctor->vault_answers) {
        (void)doctor_say(
                looking->doctor, side->subject, "s3:GetObject", DOCTOR_SKIPPED, "the vault's role cannot be taken");
        return;
    }
    if (looking->doctor->is_written) {
        try_reading(looking);
    } else {
        (void)doctor_say(looking->doctor, side->subject, "s3:GetObject", DOCTOR_UNKNOWN,
                "the vault cannot be written: copies are refused for that alone");
        if (!looking->tenants)
            (void)doctor_probe(looking->doctor, side, "s3:ListBucket");
    }
    if (looking->tenants) {
        (void)doctor_say(looking->doctor, side->subject, "s3:GetObjectTagging", DOCTOR_UNKNOWN,
                "on a store with tenants only a copy of a tagged object tells");
        return;
    }
    if (looking->source->config->policy->tags != CONFIG_TAGS_SKIP)
        (void)doctor_probe(looking->doctor, side, "s3:GetObjectTagging");
    if (is_kms(looking) && looking->smallest != NULL)
        look_at_source_key(looking);
}

/* False: there is no such bucket, or nobody answers. */
static bool look_as_source(struct looking *looking)
{
    struct doctor *doctor = looking->doctor;
    const struct s3_bucket_options options = { .bucket = looking->own.bucket, .expected_owner = looking->own.owner };
    struct s3_bucket_head head;
    struct s3_error error;
    enum doctor_state listed;

    if (s3_head_bucket(doctor->conn, looking->own.client, &options, &head, &error) == S3_NOT_FOUND) {
        doctor_say(doctor, looking->own.subject, "bucket", DOCTOR_FAILED, "bucket \"%s\" does not exist",
                looking->own.bucket)
                ->needed = true;
        return false;
    }
    listed = doctor_probe(doctor, &looking->own, "s3:ListBucket");
    if (listed == DOCTOR_FAILED)
        return false;
    looking->own.lists = listed == DOCTOR_OK;
    if (looking->own.lists)
        take_samples(looking);
    doctor_probe_all(doctor, &looking->own);
    look_at_region(looking);
    look_at_default_key(looking);
    look_at_encryption(looking);
    return true;
}

void doctor_look_at_source(struct doctor *doctor, const struct doctor_source *source)
{
    char subject[128], as_vault[128];
    struct looking looking = { .doctor = doctor, .source = source };
    bool there;

    (void)snprintf(subject, sizeof subject, "source %s", source->name);
    (void)snprintf(as_vault, sizeof as_vault, "source %s, by the vault role", source->name);
    looking.tenants = source->config->copy_source_prefix != NULL && source->config->copy_source_prefix[0] != '\0';
    looking.own = (struct doctor_side){ .subject = subject,
        .document = PERMISSION_SOURCE_ROLE,
        .other = PERMISSION_DOCUMENTS,
        .on_source = true,
        .client = source->client,
        .bucket = source->bucket,
        .owner = source->config->access.account,
        .key = { strrchr(doctor->probe, '/') + 1, strlen(strrchr(doctor->probe, '/') + 1) } };
    looking.vault = looking.own;
    looking.vault.subject = as_vault;
    looking.vault.document = PERMISSION_VAULT_ROLE;
    looking.vault.other = PERMISSION_SOURCE_BUCKET;
    looking.vault.client = doctor->hasty;
    s3_page_init(&looking.page);
    s3_head_init(&looking.head);
    there = look_as_source(&looking);
    doctor_look_at_points(doctor, source->name, subject);
    if (there)
        look_as_vault(&looking);
    s3_head_free(&looking.head);
    s3_page_free(&looking.page);
}
