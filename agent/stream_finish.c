/* How a stream becomes an object; see stream_upload.h. */
#include "agent/stream_inside.h"

#include <stdio.h>
#include <string.h>

#include "agent/event.h"

void stream_write(struct stream_upload *upload, uint64_t size, struct s3_write *write, char until[STATE_TIME_SIZE])
{
    static const char name[] = "content-type", type[] = "application/octet-stream";
    static const struct s3_pair header = { { name, sizeof name - 1 }, { type, sizeof type - 1 } };

    upload->class_ = upload->options.class_for(upload->options.ctx, size);
    vault_write_defaults(upload->options.vault, write);
    vault_write_lock(upload->options.vault, write, until);
    write->storage_class = storage_class_name(upload->class_);
    write->headers = &header;
    write->header_count = 1;
}

enum verdict stream_refused(const struct stream_upload *upload, enum s3_status status, const struct s3_error *error,
        const char *what, struct failure *failure)
{
    if (!vault_refuses_class(error, upload->class_))
        return failure_from_s3(failure, status, error, "%s", what);
    return failure_from_s3(failure, status, error,
            "%s as class %s, a tier of policy \"%s\": take the tier out if the vault does not know the class", what,
            storage_class_name(upload->class_), upload->options.policy);
}

static enum s3_status head_of(
        struct stream_upload *upload, const char *version, struct s3_head *head, struct s3_error *error)
{
    const struct vault *vault = upload->options.vault;
    struct s3_head_options options = { .target = vault_target(
                                               vault, upload->options.path->ptr, upload->options.path->len) };

    options.target.version = version;
    return s3_head_object(upload->options.conn, vault->client, &options, head, error);
}

enum verdict stream_look(
        struct stream_upload *upload, struct s3_head *head, char version[S3_VERSION_MAX + 1], struct failure *failure)
{
    struct s3_head own;
    struct s3_head *into = head != NULL ? head : &own;
    struct s3_error error;
    enum s3_status status;

    s3_head_init(&own);
    status = head_of(upload, NULL, into, &error);
    (void)snprintf(version, S3_VERSION_MAX + 1, "%s", status == S3_OK ? into->version : "-");
    s3_head_free(&own);
    if (status != S3_OK && status != S3_NOT_FOUND)
        return failure_from_s3(failure, status, &error, "looking at what the vault holds under the stream's name");
    return VERDICT_OK;
}

void stream_abort(struct stream_upload *upload)
{
    const struct vault *vault = upload->options.vault;
    const struct s3_target target = vault_target(vault, upload->options.path->ptr, upload->options.path->len);
    struct s3_error error;
    struct failure failure;
    enum s3_status status = s3_abort_upload(upload->options.conn, vault->client, &target, upload->upload_id, &error);

    if (status == S3_OK || status == S3_NOT_FOUND)
        return;
    failure_from_s3(&failure, status, &error, "aborting the upload of the stream: the next put does it");
    event_warn("upload-left", NULL, "%s", failure.what);
}

/* The parts, the last of them included. An upload that is gone may have been completed by an attempt whose answer was
 * lost. */
static enum verdict complete(struct stream_upload *upload, char version[S3_VERSION_MAX + 1], struct failure *failure)
{
    const struct vault *vault = upload->options.vault;
    const struct s3_complete_upload_options options = { .target = vault_target(vault, upload->options.path->ptr,
                                                                upload->options.path->len),
        .upload_id = upload->upload_id,
        .parts = upload->entries,
        .count = upload->given,
        .size = upload->size };
    char now[S3_VERSION_MAX + 1];
    struct s3_copy_result result;
    struct s3_error error;
    struct s3_head head;
    bool completed = false;
    enum s3_status status = s3_complete_upload(upload->options.conn, vault->client, &options, &result, &error);

    if (status == S3_OK) {
        (void)snprintf(version, S3_VERSION_MAX + 1, "%s", result.version);
        return VERDICT_OK;
    }
    if (status != S3_NOT_FOUND)
        return failure_from_s3(failure, status, &error, "completing the upload of the stream");
    s3_head_init(&head);
    if (stream_look(upload, &head, now, failure) == VERDICT_OK)
        completed = strcmp(now, upload->version_before) != 0 && strcmp(now, "-") != 0 && head.size == upload->size;
    s3_head_free(&head);
    if (!completed)
        return failure_from_s3(failure, S3_RETRY, &error, "completing the upload of the stream");
    (void)snprintf(version, S3_VERSION_MAX + 1, "%s", now);
    return VERDICT_OK;
}

static enum verdict put_whole(struct stream_upload *upload, char version[S3_VERSION_MAX + 1], struct failure *failure)
{
    const struct vault *vault = upload->options.vault;
    struct s3_put_options options = { .target =
                                              vault_target(vault, upload->options.path->ptr, upload->options.path->len),
        .body = upload->filling->memory.ptr,
        .body_len = (size_t)upload->size,
        .content_md5 = true };
    char until[STATE_TIME_SIZE];
    struct s3_put_result result;
    struct s3_error error;
    enum s3_status status;

    stream_write(upload, upload->size, &options.write, until);
    status = s3_put_object(upload->options.conn, vault->client, &options, &result, &error);
    if (status != S3_OK)
        return stream_refused(upload, status, &error, "uploading the stream", failure);
    (void)snprintf(version, S3_VERSION_MAX + 1, "%s", result.version);
    return VERDICT_OK;
}

/* A stream may take days: its lock counts from its beginning. */
static enum verdict settle_lock(struct stream_upload *upload, const struct s3_head *head, struct failure *failure)
{
    const struct lock_written written = { .way = upload->begun ? LOCK_BY_UPLOAD : LOCK_BY_PUT,
        .path = upload->options.path->ptr,
        .path_len = upload->options.path->len,
        .version = head->version,
        .head = head };
    struct s3_error error;
    enum s3_status status = lock_watch_settle(upload->options.vault, upload->options.conn, &written, &error);

    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "locking the stream's object");
}

static enum verdict take_note(
        struct stream_upload *upload, const char *version, struct stream_uploaded *uploaded, struct failure *failure)
{
    struct s3_head head;
    struct s3_error error;
    enum s3_status status;
    enum verdict verdict = VERDICT_OK;

    s3_head_init(&head);
    status = head_of(upload, version[0] != '\0' ? version : NULL, &head, &error);
    if (status != S3_OK) {
        verdict = failure_from_s3(failure, status, &error, "looking at the stream's object");
    } else if (head.size != upload->size) {
        verdict = failure_set(failure, VERDICT_BAD_DATA,
                "the vault's object has %llu bytes, the stream had %llu; it was left where it is",
                (unsigned long long)head.size, (unsigned long long)upload->size);
    } else {
        uploaded->size = upload->size;
        uploaded->parts = upload->begun ? upload->given : 1;
        uploaded->modified_ms = head.modified_s * 1000;
        uploaded->class_ = storage_class_from(head.class_, strlen(head.class_));
        uploaded->by = STATE_BY_CHECKSUM; /* each part by its MD5 */
        (void)snprintf(uploaded->etag, sizeof uploaded->etag, "%s", head.etag);
        (void)snprintf(uploaded->version, sizeof uploaded->version, "%s", head.version);
        (void)snprintf(uploaded->checksum, sizeof uploaded->checksum, "%s", head.checksum);
        verdict = settle_lock(upload, &head, failure);
    }
    s3_head_free(&head);
    return verdict;
}

enum verdict stream_upload_finish(
        struct stream_upload *upload, size_t length, struct stream_uploaded *uploaded, struct failure *failure)
{
    char version[S3_VERSION_MAX + 1] = "";
    enum verdict verdict = VERDICT_OK;

    upload->filling->length = length;
    if (!upload->begun) {
        upload->size = length;
        verdict = put_whole(upload, version, failure);
    } else {
        if (length > 0)
            stream_enqueue(upload);
        stream_join(upload);
        verdict = stream_failure(upload, failure);
        if (verdict == VERDICT_OK)
            verdict = complete(upload, version, failure);
    }
    upload->finished = verdict == VERDICT_OK;
    return verdict == VERDICT_OK ? take_note(upload, version, uploaded, failure) : verdict;
}
