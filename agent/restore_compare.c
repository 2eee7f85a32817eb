/* Whether an object of the destination is the vault's where size and ETag do not tell: encryption by a KMS or customer
 * key makes ETags of their own, and so do parts with other bounds. See restore_inside.h. */
#include "agent/restore_inside.h"

#include <string.h>

#include "state/digest.h"

/* A checksum over the whole object; one over the checksums of parts ends in "-N". */
static bool is_whole(const char *checksum)
{
    return checksum[0] != '\0' && strchr(checksum, '-') == NULL;
}

static bool is_same_algorithm(const char *one, const char *other)
{
    size_t len = strcspn(one, ":");

    return strncmp(one, other, len + 1) == 0;
}

/* Whether the ETag is the MD5 of the bytes. */
static bool is_md5(const struct s3_head *head)
{
    return strlen(head->etag) == 32 && strchr(head->etag, '-') == NULL && head->customer_algorithm[0] == '\0' &&
           strncmp(head->encryption, "aws:kms", strlen("aws:kms")) != 0;
}

enum restore_there restore_judge_heads(const struct s3_head *vault, const struct s3_head *there)
{
    if (vault->size != there->size)
        return RESTORE_DIFFERENT;
    if (is_whole(vault->checksum) && is_whole(there->checksum) && is_same_algorithm(vault->checksum, there->checksum))
        return strcmp(vault->checksum, there->checksum) == 0 ? RESTORE_EQUAL : RESTORE_DIFFERENT;
    if (is_md5(vault) && is_md5(there))
        return strcmp(vault->etag, there->etag) == 0 ? RESTORE_EQUAL : RESTORE_DIFFERENT;
    return RESTORE_DOUBTFUL;
}

static enum verdict head(struct s3_client *client, struct s3_conn *conn, const struct s3_target *target,
        struct s3_head *into, const char *what, struct failure *failure)
{
    const struct s3_head_options options = { .target = *target, .checksum = true };
    struct s3_error error;
    enum s3_status status = s3_head_object(conn, client, &options, into, &error);

    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "comparing with %s", what);
}

static bool take(void *ctx, const char *bytes, size_t length)
{
    state_digest_update(ctx, bytes, length);
    return true;
}

static bool begin_anew(void *ctx)
{
    char ignored[STATE_SHA256_HEX_SIZE];

    return state_digest_hex(ctx, ignored, NULL) == STATE_OK;
}

/* False: it cannot be read, and *verdict says whether that is a stop. */
static bool sum(struct s3_client *client, struct s3_conn *conn, const struct s3_target *target,
        struct state_digest *digest, char hex[static STATE_SHA256_HEX_SIZE], enum verdict *verdict)
{
    const struct s3_sink sink = { .write = take, .restart = begin_anew, .ctx = digest };
    const struct s3_get_options options = { .target = *target };
    struct s3_head head;
    struct s3_error error;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_get_object(conn, client, &options, &sink, &head, &error);
    s3_head_free(&head);
    *verdict = status == S3_CANCELLED ? VERDICT_CANCELLED : VERDICT_OK;
    return status == S3_OK && state_digest_hex(digest, hex, NULL) == STATE_OK;
}

enum verdict restore_compare_bytes(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    struct restore *restore = task->restore;
    struct s3_target target = vault_target(&restore->vault, task->path.ptr, task->path.len);
    struct state_digest *digest = state_digest_new(STATE_SHA256);
    char vault[STATE_SHA256_HEX_SIZE], there[STATE_SHA256_HEX_SIZE];
    enum verdict verdict = VERDICT_OK;

    if (digest == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    target.version = task->copy.version[0] != '\0' ? task->copy.version : NULL;
    if (sum(restore->vault.client, conn, &target, digest, vault, &verdict)) {
        target = restore_task_target(task);
        if (sum(restore->target.client, conn, &target, digest, there, &verdict))
            task->there = strcmp(vault, there) == 0 ? RESTORE_EQUAL : RESTORE_DIFFERENT;
    }
    state_digest_free(digest);
    return verdict == VERDICT_OK ? VERDICT_OK : failure_set(failure, verdict, "stopped while it was compared");
}

enum verdict restore_compare(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    struct restore *restore = task->restore;
    struct s3_target target = vault_target(&restore->vault, task->path.ptr, task->path.len);
    struct s3_head vault, there;
    enum verdict verdict;

    s3_head_init(&vault);
    s3_head_init(&there);
    target.version = task->copy.version[0] != '\0' ? task->copy.version : NULL;
    verdict = head(restore->vault.client, conn, &target, &vault, "the vault's copy", failure);
    if (verdict == VERDICT_OK) {
        target = restore_task_target(task);
        verdict = head(restore->target.client, conn, &target, &there, "what the destination has", failure);
    }
    if (verdict == VERDICT_OK)
        task->there = restore_judge_heads(&vault, &there);
    s3_head_free(&vault);
    s3_head_free(&there);
    return verdict;
}
