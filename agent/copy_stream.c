/*
 * See copy.h: where no one principal can read the source and write the vault, or the two are different stores, the
 * bytes pass through here. Each side is spoken to with its own credentials; every GET is under the condition that the
 * source is still what was listed, every PUT and part carries the MD5 of what was read.
 *
 * A small object is one GET and one PUT, a large one goes by parts (copy_parts.c), each of which is held in memory on
 * its way: all that is under way, in all threads, has a bound.
 */
#include "agent/copy_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/stream_memory.h"
#include "s3/multipart.h"
#include "state/digest.h"

#define MEMORY_MAX (UINT64_C(256) << 20) /* 32 workers with parts of 8 MiB; more of them wait for each other */

static const char SHA256_HEADER[] = "x-amz-checksum-sha256", SHA256_NAME[] = "SHA256:";

/* Of the process: what it bounds is the process's memory. */
static struct stream_budget budget = STREAM_BUDGET(MEMORY_MAX);

bool copying_is_streamed(const struct copying *copying)
{
    return copying->job->source->config->copy == CONFIG_COPY_STREAM;
}

/* Bytes of the source, as many as the memory holds: all of it, or a range from `first` on. */
static enum s3_status fetch(const struct copying *copying, struct s3_conn *conn, const struct stream_memory *memory,
        bool ranged, uint64_t first, struct s3_head *head, struct s3_error *error)
{
    const struct source *source = copying->job->source;
    struct stream_landing landing = { .ptr = memory->ptr, .size = memory->size };
    const struct s3_sink sink = stream_landing_sink(&landing);
    const struct s3_get_options options = { .target = { .bucket = source->bucket,
                                                    .key = { copying->action->key.ptr, copying->action->key.len },
                                                    .expected_owner = source->owner },
        .ranged = ranged,
        .first = first,
        .last = first + memory->size - 1,
        .if_match = copying->quoted };
    enum s3_status status = s3_get_object(conn, source->client, &options, &sink, head, error);

    if (status == S3_OK && strcmp(head->etag, copying->etag) != 0) /* a store that ignores the condition */
        return s3_fail(error, S3_CHANGED, "Changed", "the source was written meanwhile");
    if (status == S3_FULL || (status == S3_OK && landing.used != memory->size))
        return s3_fail(error, S3_BAD_DATA, "NotEqual", "the source gave another number of bytes than was asked for");
    return status;
}

/* Whether what the service says of the copy proves that it got the bytes that were sent. */
static enum state_compared compared(
        const struct copying *copying, const struct stream_memory *memory, const struct s3_put_result *result)
{
    struct state_digest *digest = NULL;
    char md5[STATE_SHA256_HEX_SIZE];
    struct state_error ignored;
    bool same;

    if (strcmp(result->etag, copying->etag) == 0)
        return STATE_BY_ETAG;
    if (copying->checksum[0] != '\0')
        return STATE_BY_CHECKSUM; /* the service computed and compared it */
    digest = state_digest_new(STATE_MD5);
    if (digest == NULL)
        return STATE_BY_SIZE;
    state_digest_update(digest, memory->ptr, memory->size);
    same = state_digest_hex(digest, md5, &ignored) == STATE_OK && strcmp(md5, result->etag) == 0;
    state_digest_free(digest);
    return same ? STATE_BY_CHECKSUM : STATE_BY_SIZE;
}

static enum s3_status sha256_of(
        const struct stream_memory *memory, char out[STATE_DIGEST_BASE64_SIZE], struct s3_error *error)
{
    struct state_digest *digest = state_digest_new(STATE_SHA256);
    struct state_error bad;
    enum state_status status;

    if (digest == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    state_digest_update(digest, memory->ptr, memory->size);
    status = state_digest_base64(digest, out, &bad);
    state_digest_free(digest);
    return status == STATE_OK ? S3_OK : s3_fail(error, S3_FATAL, "Digest", "%s", bad.what);
}

static enum s3_status settle_version(struct copying *copying, struct s3_error *error)
{
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = copying_look_at_vault(copying, &head, error);
    if (status == S3_OK)
        (void)snprintf(copying->version, sizeof copying->version, "%s", head.version);
    if (status == S3_OK)
        copying_note_class(copying, &head);
    s3_head_free(&head);
    return status;
}

static enum s3_status put(
        struct copying *copying, const struct stream_memory *memory, const char *tagging, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    char sha256[STATE_DIGEST_BASE64_SIZE], until[STATE_TIME_SIZE];
    struct s3_put_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len),
        .body = memory->ptr,
        .body_len = memory->size,
        .content_md5 = true,
        .checksum_name = SHA256_HEADER,
        .checksum_value = sha256 };
    struct s3_put_result result;
    enum s3_status status = sha256_of(memory, sha256, error);

    copying_write(copying, &options.write, until);
    options.write.headers = copying->source.pairs;
    options.write.header_count = copying->source.pair_count;
    options.write.tagging = tagging;
    if (status == S3_OK)
        status = s3_put_object(copying->conn, vault->client, &options, &result, error);
    if (status != S3_OK)
        return status;
    /* The answer does not tell the version's time, but its own, which is not before it. */
    copying->copied_ms = error->server_time > 0 ? error->server_time * 1000 : vault_now_ms(vault);
    copying->in_seconds = true;
    (void)snprintf(copying->version, sizeof copying->version, "%s", result.version);
    (void)snprintf(copying->source_version, sizeof copying->source_version, "%s", copying->source.version);
    if (strncmp(result.checksum, SHA256_NAME, sizeof SHA256_NAME - 1) == 0 &&
            strcmp(result.checksum + sizeof SHA256_NAME - 1, sha256) == 0)
        (void)snprintf(copying->checksum, sizeof copying->checksum, "%s", result.checksum);
    copying->by = compared(copying, memory, &result);
    if (copying->version[0] == '\0')
        status = settle_version(copying, error);
    return status == S3_OK ? copying_settle_lock(copying, LOCK_BY_PUT, NULL, error) : status;
}

enum s3_status copying_by_stream(struct copying *copying, struct s3_error *error)
{
    struct stream_memory memory;
    char *tagging = malloc(COPY_TAGGING_MAX);
    bool has_tags = false;
    enum s3_status status;

    if (tagging == NULL || !stream_memory_take(&budget, (size_t)copying->size, &memory)) {
        free(tagging);
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    status = fetch(copying, copying->conn, &memory, false, 0, &copying->source, error);
    if (status == S3_OK)
        status = copying_read_tags(copying, tagging, &has_tags, error);
    if (status == S3_OK)
        status = put(copying, &memory, has_tags ? tagging : NULL, error);
    stream_memory_free(&memory);
    free(tagging);
    return status;
}

enum s3_status copying_stream_part(const struct copying *copying, struct s3_conn *conn, const struct copying_part *part,
        char etag[S3_ETAG_MAX + 1], struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct s3_upload_part_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len),
        .upload_id = part->upload_id,
        .number = part->number,
        .content_md5 = true };
    struct stream_memory memory;
    struct s3_put_result result;
    struct s3_head head;
    enum s3_status status;

    if (!stream_memory_take(&budget, (size_t)part->size, &memory))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    s3_head_init(&head);
    status = fetch(copying, conn, &memory, true, part->first, &head, error);
    s3_head_free(&head);
    if (status == S3_OK) {
        options.body = memory.ptr;
        options.body_len = memory.size;
        status = s3_upload_part(conn, vault->client, &options, &result, error);
        if (status == S3_OK)
            memcpy(etag, result.etag, sizeof result.etag);
    }
    stream_memory_free(&memory);
    return status;
}
