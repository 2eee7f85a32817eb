/* See stream_upload.h. What happens once all bytes are there is stream_finish.c. */
#include "agent/stream_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPOOLED_MAX = 2 };               /* files at a time: one that is filled, one that is uploaded */
#define MEMORY_MAX (UINT64_C(96) << 20) /* three parts of 32 MiB */

enum verdict stream_upload_new(
        const struct stream_upload_options *options, struct stream_upload **upload, struct failure *failure)
{
    struct stream_upload *made = calloc(1, sizeof *made);

    if (made == NULL || (made->entries = calloc(STREAM_PARTS_MAX, sizeof *made->entries)) == NULL) {
        free(made);
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    made->options = *options;
    made->budget = (struct stream_budget)STREAM_BUDGET(MEMORY_MAX);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->changed, NULL);
    made->queue_end = &made->queue;
    *upload = made;
    return VERDICT_OK;
}

static enum s3_status upload_piece(struct stream_upload *upload, struct s3_conn *conn, const struct stream_piece *piece,
        struct s3_put_result *result, struct s3_error *error)
{
    const struct vault *vault = upload->options.vault;
    const struct s3_upload_part_options options = { .target = vault_target(vault, upload->options.path->ptr,
                                                            upload->options.path->len),
        .upload_id = upload->upload_id,
        .number = piece->number,
        .body = piece->memory.ptr,
        .body_len = piece->length,
        .content_md5 = true };

    return s3_upload_part(conn, vault->client, &options, result, error);
}

static void free_piece(struct stream_piece *piece)
{
    if (piece == NULL)
        return;
    stream_memory_free(&piece->memory);
    free(piece);
}

/* The next piece; NULL at the end. After a failure the pieces are only thrown away. */
static struct stream_piece *next_piece(struct stream_upload *upload, bool *wanted)
{
    struct stream_piece *piece;

    (void)pthread_mutex_lock(&upload->lock);
    while (upload->queue == NULL && !upload->closed)
        (void)pthread_cond_wait(&upload->changed, &upload->lock);
    piece = upload->queue;
    if (piece != NULL) {
        upload->queue = piece->next;
        if (upload->queue == NULL)
            upload->queue_end = &upload->queue;
    }
    *wanted = upload->status == S3_OK;
    (void)pthread_mutex_unlock(&upload->lock);
    return piece;
}

static void *upload_pieces(void *ctx)
{
    struct stream_uploader *uploader = ctx;
    struct stream_upload *upload = uploader->upload;
    struct stream_piece *piece;
    bool wanted;

    while ((piece = next_piece(upload, &wanted)) != NULL) {
        struct s3_put_result result = { .etag = "" };
        struct s3_error error;
        enum s3_status status = S3_OK;
        if (wanted)
            status = upload_piece(upload, uploader->conn, piece, &result, &error);
        (void)pthread_mutex_lock(&upload->lock);
        if (wanted && status == S3_OK) {
            struct s3_part_entry *entry = &upload->entries[piece->number - 1];
            entry->number = piece->number;
            memcpy(entry->etag, result.etag, sizeof entry->etag);
        } else if (wanted && upload->status == S3_OK) { /* the first failure is the story */
            upload->status = status;
            upload->error = error;
        }
        upload->under_way--;
        (void)pthread_cond_broadcast(&upload->changed);
        (void)pthread_mutex_unlock(&upload->lock);
        free_piece(piece);
    }
    return NULL;
}

static enum verdict start_threads(struct stream_upload *upload, struct failure *failure)
{
    while (upload->started < STREAM_UPLOADERS) {
        struct stream_uploader *uploader = &upload->uploaders[upload->started];
        uploader->upload = upload;
        if (program_connect(upload->options.program, &uploader->conn, failure) != VERDICT_OK)
            return failure->verdict;
        if (pthread_create(&uploader->thread, NULL, upload_pieces, uploader) != 0) {
            s3_conn_free(uploader->conn);
            uploader->conn = NULL;
            if (upload->started > 0)
                break; /* fewer do as well */
            return failure_set(failure, VERDICT_INTERNAL, "no thread could be started");
        }
        upload->started++;
    }
    return VERDICT_OK;
}

void stream_join(struct stream_upload *upload)
{
    (void)pthread_mutex_lock(&upload->lock);
    upload->closed = true;
    (void)pthread_cond_broadcast(&upload->changed);
    (void)pthread_mutex_unlock(&upload->lock);
    for (unsigned i = 0; i < upload->started; i++) {
        (void)pthread_join(upload->uploaders[i].thread, NULL);
        s3_conn_free(upload->uploaders[i].conn);
    }
    upload->started = 0;
}

enum verdict stream_failure(struct stream_upload *upload, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    (void)pthread_mutex_lock(&upload->lock);
    if (upload->status != S3_OK)
        verdict = failure_from_s3(failure, upload->status, &upload->error, "uploading the stream");
    (void)pthread_mutex_unlock(&upload->lock);
    return verdict;
}

bool stream_upload_has_failed(struct stream_upload *upload)
{
    bool failed;

    (void)pthread_mutex_lock(&upload->lock);
    failed = upload->status != S3_OK;
    (void)pthread_mutex_unlock(&upload->lock);
    return failed;
}

static enum verdict begin_multipart(struct stream_upload *upload, struct failure *failure)
{
    const struct vault *vault = upload->options.vault;
    struct s3_create_upload_options options = { .target = vault_target(
                                                        vault, upload->options.path->ptr, upload->options.path->len) };
    char until[STATE_TIME_SIZE];
    struct s3_upload_answer answer;
    struct s3_error error;
    enum s3_status status;

    if (stream_look(upload, NULL, upload->version_before, failure) != VERDICT_OK)
        return failure->verdict;
    stream_write(upload, PLACE_SIZE_UNKNOWN, &options.write, until);
    status = s3_create_upload(upload->options.conn, vault->client, &options, &answer, &error);
    if (status != S3_OK)
        return stream_refused(upload, status, &error, "beginning to upload the stream", failure);
    (void)snprintf(upload->upload_id, sizeof upload->upload_id, "%s", answer.upload_id);
    upload->begun = true;
    return start_threads(upload, failure);
}

static void wait_for_spool(struct stream_upload *upload)
{
    (void)pthread_mutex_lock(&upload->lock);
    while (upload->under_way >= SPOOLED_MAX)
        (void)pthread_cond_wait(&upload->changed, &upload->lock);
    (void)pthread_mutex_unlock(&upload->lock);
}

enum verdict stream_upload_room(struct stream_upload *upload, char **at, size_t *size, struct failure *failure)
{
    struct stream_piece *piece;
    enum verdict verdict = VERDICT_OK;

    free_piece(upload->filling); /* where a failure left one */
    upload->filling = NULL;
    if (upload->given == STREAM_PARTS_MAX)
        return failure_set(failure, VERDICT_FULL, "the stream is longer than S3 takes of one object");
    piece = calloc(1, sizeof *piece);
    if (piece == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    piece->number = upload->given + 1;
    piece->length = (size_t)stream_part_size(piece->number);
    if (piece->length > STREAM_PART_IN_MEMORY) {
        wait_for_spool(upload);
        verdict = stream_memory_spool(upload->options.spool_folder, piece->length, &piece->memory, failure);
    } else if (!stream_memory_take(&upload->budget, piece->length, &piece->memory)) {
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    if (verdict == VERDICT_OK)
        verdict = stream_failure(upload, failure);
    if (verdict != VERDICT_OK) {
        free_piece(piece);
        return verdict;
    }
    upload->filling = piece;
    *at = piece->memory.ptr;
    *size = piece->length;
    return VERDICT_OK;
}

/* Hands the filled piece to the threads. */
void stream_enqueue(struct stream_upload *upload)
{
    struct stream_piece *piece = upload->filling;

    upload->filling = NULL;
    upload->given++;
    upload->size += piece->length;
    (void)pthread_mutex_lock(&upload->lock);
    *upload->queue_end = piece;
    upload->queue_end = &piece->next;
    upload->under_way++;
    (void)pthread_cond_broadcast(&upload->changed);
    (void)pthread_mutex_unlock(&upload->lock);
}

enum verdict stream_upload_give(struct stream_upload *upload, struct failure *failure)
{
    if (!upload->begun && begin_multipart(upload, failure) != VERDICT_OK)
        return failure->verdict;
    stream_enqueue(upload);
    return VERDICT_OK;
}

void stream_upload_free(struct stream_upload *upload)
{
    if (upload == NULL)
        return;
    (void)pthread_mutex_lock(&upload->lock);
    if (!upload->finished && upload->status == S3_OK) /* what is queued is not wanted any more */
        upload->status = S3_CANCELLED;
    (void)pthread_mutex_unlock(&upload->lock);
    stream_join(upload);
    if (upload->begun && !upload->finished)
        stream_abort(upload);
    free_piece(upload->filling);
    (void)pthread_cond_destroy(&upload->changed);
    (void)pthread_mutex_destroy(&upload->lock);
    free(upload->entries);
    free(upload);
}
