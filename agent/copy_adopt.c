/* Whether the vault has an object already, for runs after an unclean end; see copy_inside.h. */
#include "agent/copy_inside.h"

#include <stdio.h>
#include <string.h>

enum {
    ADOPT_MARGIN_MS = 60000
}; /* the vault's copy must be so much younger than the source: two clocks are compared */

/* The same ETag says that the bytes are equal; metadata and tags may have been written anew since. Only a copy that is
 * younger than its source has them. Within the second that HEAD tells, they are compared. */
static enum s3_status is_copy_of(
        struct copying *copying, const struct s3_head *head, bool *is_copy, struct s3_error *error)
{
    int64_t source_s = copying->source_time_ms / 1000;
    enum s3_status status;

    *is_copy = head->modified_s > source_s;
    if (head->modified_s != source_s)
        return S3_OK;
    status = copying_look_at_source(copying, true, error);
    *is_copy = status == S3_OK && copying_same_headers(&copying->source, head);
    return status == S3_CHANGED ? S3_OK : status; /* what it is now is copied */
}

/* Neither of an upload's parts nor under a KMS key: then it is the content's MD5. */
static bool etag_is_of_content(const char *etag, const char *encryption)
{
    return strchr(etag, '-') == NULL && strncmp(encryption, "aws:kms", strlen("aws:kms")) != 0;
}

/*
 * Copies have other ETags than their sources where parts or keys differ: then size and time say whether it is one. But
 * a source may have got an older content again, of the same size: whoever takes an attacker's versions away finds it
 * below them, and an upload is dated by its begin. So what is recorded to be a copy of another content is none of this
 * one, and neither is what has another MD5.
 */
static enum s3_status may_be_copy_of(
        struct copying *copying, const struct s3_head *head, bool *may_be, struct s3_error *error)
{
    const struct copy_job *job = copying->job;
    enum s3_status status;

    *may_be = head->modified_s * 1000 - copying->source_time_ms >= ADOPT_MARGIN_MS &&
              !job->holds_other(job->ctx, copying->action->key, copying->action->etag, head->version);
    if (!*may_be || !etag_is_of_content(head->etag, head->encryption) || strchr(copying->etag, '-') != NULL)
        return S3_OK;
    status = copying_look_at_source(copying, true, error);
    *may_be = status == S3_OK && !etag_is_of_content(copying->etag, copying->source.encryption);
    return status == S3_CHANGED ? S3_OK : status;
}

enum s3_status copying_adopt(struct copying *copying, bool *adopted, struct s3_error *error)
{
    struct s3_head head;
    enum s3_status status;
    int64_t vault_ms;
    bool same_etag = false;

    *adopted = false;
    s3_head_init(&head);
    status = copying_look_at_vault(copying, &head, error);
    if (status == S3_NOT_FOUND) {
        s3_head_free(&head);
        return S3_OK;
    }
    vault_ms = head.modified_s * 1000;
    if (status == S3_OK && head.size == copying->size) {
        same_etag = strcmp(head.etag, copying->etag) == 0;
        status =
                same_etag ? is_copy_of(copying, &head, adopted, error) : may_be_copy_of(copying, &head, adopted, error);
    }
    if (*adopted) {
        (void)snprintf(copying->version, sizeof copying->version, "%s", head.version);
        (void)snprintf(copying->checksum, sizeof copying->checksum, "%s", head.checksum);
        copying_note_class(copying, &head);
        copying->copied_ms = vault_ms;
        copying->in_seconds = true;
        copying->by = same_etag ? STATE_BY_ETAG : STATE_BY_SIZE;
    }
    if (*adopted)
        status = copying_settle_found(copying, &head, error);
    s3_head_free(&head);
    return status;
}
