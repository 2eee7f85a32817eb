/* See vault.h. */
#include "agent/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/buffer.h"

#define LOCK_STEP_MS (INT64_C(6) * 3600 * 1000) /* the shortest lock, a day, keeps three quarters of it */

enum verdict vault_open(
        const struct program *program, const struct access_options *extra, struct vault *vault, struct failure *failure)
{
    const struct config_vault *config = &program->config->vault;
    struct access_options options = *extra;
    struct state_error error;
    enum state_status status;

    memset(vault, 0, sizeof *vault);
    vault->config = config;
    vault->bucket = config->bucket;
    vault->owner = config->access.account;
    status = layout_init(&vault->layout, config->prefix, strlen(config->prefix), &error);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "the vault's prefix");
    options.config = &config->access;
    vault->lock_watch = lock_watch_new();
    if (vault->lock_watch == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (access_open(program, &options, &vault->access, failure) != VERDICT_OK)
        return failure->verdict;
    vault->client = access_client(vault->access);
    return VERDICT_OK;
}

void vault_close(struct vault *vault)
{
    access_close(vault->access);
    lock_watch_free(vault->lock_watch);
    vault->lock_watch = NULL;
    vault->access = NULL;
    vault->client = NULL;
}

int64_t vault_now_ms(const struct vault *vault)
{
    return s3_client_now_ms(vault->client);
}

struct s3_target vault_target(const struct vault *vault, const char *path, size_t length)
{
    return (struct s3_target){ .bucket = vault->bucket, .key = { path, length }, .expected_owner = vault->owner };
}

bool vault_refuses_class(const struct s3_error *error, enum storage_class class_)
{
    return class_ != CLASS_STANDARD &&
           (strcmp(error->code, "InvalidStorageClass") == 0 || strcmp(error->code, "InvalidArgument") == 0);
}

void vault_write_defaults(const struct vault *vault, struct s3_write *write)
{
    write->storage_class = "STANDARD";
    write->acl = vault->config->acl;
    if (vault->config->kms_key_id != NULL) {
        write->encryption = "aws:kms";
        write->kms_key_id = vault->config->kms_key_id;
        write->bucket_key = true;
    }
}

void vault_lock_from(const struct vault *vault, int64_t from_ms, struct s3_write *write, char until[STATE_TIME_SIZE])
{
    const struct config_lock *lock = &vault->config->lock;
    int64_t seconds = from_ms / 1000 + lock->days * 86400;

    if (!lock->given || state_utc_format(seconds * 1000, until) == 0)
        return;
    write->lock_mode = lock->mode == CONFIG_LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE";
    write->lock_until = until;
}

/* A point is worth as much as the copies are that it tells of: all have the same lock. A run that goes on for longer
 * than a step moves the end, or what it writes after `days` would be locked until yesterday, which S3 refuses. */
void vault_write_lock(const struct vault *vault, struct s3_write *write, char until[STATE_TIME_SIZE])
{
    int64_t now_ms = vault_now_ms(vault), from_ms = vault->locks_from_ms;

    if (from_ms == 0)
        from_ms = now_ms;
    else if (now_ms > from_ms)
        from_ms += (now_ms - from_ms) / LOCK_STEP_MS * LOCK_STEP_MS;
    vault_lock_from(vault, from_ms, write, until);
}

/* S3 answers with KMS's own codes, or denies in words that name the action. */
static bool is_about_key(const struct vault *vault, const struct s3_error *error)
{
    return vault->config->kms_key_id != NULL &&
           (strncmp(error->code, "KMS.", 4) == 0 || strstr(error->message, "kms:") != NULL ||
                   strstr(error->message, "KMS") != NULL);
}

enum verdict vault_put(const struct vault *vault, struct s3_conn *conn, const struct vault_put *put,
        struct vault_put_result *result, struct failure *failure)
{
    const char *type = put->content_type != NULL ? put->content_type : "application/octet-stream";
    const struct s3_pair header = { { "content-type", strlen("content-type") }, { type, strlen(type) } };
    struct s3_put_options options = { .target = vault_target(vault, put->path, put->path_len),
        .body = put->bytes,
        .body_len = put->len,
        .content_md5 = true };
    char until[STATE_TIME_SIZE];
    struct s3_put_result answer;
    struct s3_error error;
    enum s3_status status;

    vault_write_defaults(vault, &options.write);
    if (put->locked)
        vault_write_lock(vault, &options.write, until);
    options.write.headers = &header;
    options.write.header_count = 1;
    options.write.if_none_match = put->only_if_absent ? "*" : NULL;
    status = s3_put_object(conn, vault->client, &options, &answer, &error);
    if (status != S3_OK && is_about_key(vault, &error)) {
        /* no object would be written: as with every other right that is missing, whatever the service calls it */
        (void)failure_from_s3(failure, S3_DENIED, &error,
                "encryption key \"%s\" of the vault cannot be used: it must exist and be enabled, and let the vault's "
                "role do kms:GenerateDataKey and kms:Decrypt",
                vault->config->kms_key_id);
        return VERDICT_NO_ACCESS;
    }
    if (status != S3_OK)
        return failure_from_s3(failure, status, &error, "writing to the vault");
    if (result != NULL) {
        (void)snprintf(result->etag, sizeof result->etag, "%s", answer.etag);
        (void)snprintf(result->version, sizeof result->version, "%s", answer.version);
    }
    return VERDICT_OK;
}

static bool gather(void *ctx, const char *bytes, size_t length)
{
    return s3_buffer_add(ctx, bytes, length);
}

static bool forget(void *ctx)
{
    s3_buffer_clear(ctx);
    return true;
}

enum verdict vault_get(const struct vault *vault, struct s3_conn *conn, const char *path, size_t path_len,
        const char *version, size_t max, char **bytes, size_t *len, struct failure *failure)
{
    struct s3_get_options options = { .target = vault_target(vault, path, path_len) };
    struct s3_buffer body;
    const struct s3_sink sink = { .write = gather, .restart = forget, .ctx = &body };
    struct s3_head head;
    struct s3_error error;
    enum s3_status status;

    options.target.version = version;
    s3_buffer_init(&body, max);
    s3_head_init(&head);
    status = s3_get_object(conn, vault->client, &options, &sink, &head, &error);
    s3_head_free(&head);
    if (status == S3_OK && s3_buffer_text(&body) == NULL)
        status = s3_fail(&error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (status != S3_OK) {
        s3_buffer_free(&body);
        return failure_from_s3(failure, status, &error, "reading from the vault");
    }
    *bytes = body.ptr;
    *len = body.len;
    return VERDICT_OK;
}
