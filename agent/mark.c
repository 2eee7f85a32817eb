/* See mark.h. */
#include "agent/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "s3/bucket.h"
#include "s3/list.h"
#include "state/manifest_reader.h"

enum {
    /* A LIST costs as much as 12 HEADs: it pays where it settles more keys than that. */
    LIST_PAYS = 12,
    HEADS_IN_A_ROW = 32
};

enum answer { ANSWER_UNKNOWN, ANSWER_GONE, ANSWER_THERE };

void mark_batches_free(struct mark_batch *batch)
{
    while (batch != NULL) {
        struct mark_batch *gone = batch;
        batch = gone->next;
        free(gone);
    }
}

static struct mark_batch *make_batch(const char *bytes, size_t used, const uint16_t *lengths, size_t count)
{
    struct mark_batch *batch = malloc(sizeof *batch + count * sizeof batch->keys[0] + used);
    char *at;

    if (batch == NULL)
        return NULL;
    batch->next = NULL;
    batch->keys = (struct state_text *)(void *)(batch + 1);
    batch->count = count;
    at = (char *)(batch->keys + count);
    memcpy(at, bytes, used);
    for (size_t i = 0; i < count; i++) {
        batch->keys[i] = (struct state_text){ at, lengths[i] };
        at += lengths[i];
    }
    return batch;
}

/* One batch from the pending keys after *from. */
static enum state_status read_batch(struct manifest_reader *reader, struct mark_cursor *from, struct mark_batch **batch,
        bool *more, struct state_error *error)
{
    char *bytes = malloc((size_t)MARK_BATCH * STATE_KEY_MAX);
    uint16_t lengths[MARK_BATCH];
    size_t count = 0, used = 0;
    struct state_text key;
    enum state_status status;

    *batch = NULL;
    if (bytes == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    status = manifest_reader_begin(reader, error);
    if (status == STATE_OK)
        status = manifest_reader_seek(reader, (struct state_text){ from->key, from->len }, from->len > 0, error);
    while (status == STATE_OK && count < MARK_BATCH) {
        status = manifest_reader_next(reader, &key, error);
        if (status != STATE_OK)
            break;
        memcpy(bytes + used, key.ptr, key.len);
        lengths[count++] = (uint16_t)key.len;
        used += key.len;
    }
    manifest_reader_end(reader);
    *more = status == STATE_OK;
    if (status == STATE_END)
        status = STATE_OK;
    if (status == STATE_OK && count > 0) {
        *batch = make_batch(bytes, used, lengths, count);
        if (*batch == NULL) {
            status = state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
        } else {
            from->len = lengths[count - 1];
            memcpy(from->key, bytes + used - from->len, from->len);
        }
    }
    free(bytes);
    return status;
}

enum verdict mark_feed(
        struct pool *pool, struct job *job, struct mark_cursor *from, size_t most, bool *more, struct failure *failure)
{
    struct manifest_reader *reader = NULL;
    struct state_error error;
    enum state_status status = manifest_reader_new(job->manifest, MANIFEST_PENDING, &reader, &error);

    *more = true;
    for (size_t i = 0; i < most && *more && status == STATE_OK; i++) {
        struct mark_batch *batch;
        status = read_batch(reader, from, &batch, more, &error);
        if (status == STATE_OK && batch != NULL)
            pool_give_marks(pool, job, batch);
    }
    manifest_reader_free(reader);
    if (status != STATE_OK)
        return failure_from_state(
                failure, status, &error, "reading the missing keys of source \"%s\"", job->source->name);
    return VERDICT_OK;
}

/* The greatest key below `key`, nearly: its last character, if plain, made one smaller and followed by the last of all
 * characters. Only keys that differ in less than that lie between. False where the key does not allow it. */
static bool key_before(struct state_text key, char out[S3_KEY_MAX], size_t *length)
{
    unsigned char last = (unsigned char)key.ptr[key.len - 1];

    if (last < 0x02 || last > 0x7f || key.len + 4 > S3_KEY_MAX)
        return false;
    memcpy(out, key.ptr, key.len - 1);
    out[key.len - 1] = (char)(last - 1);
    memcpy(out + key.len, "\xf4\x8f\xbf\xbf", 4);
    *length = key.len + 4;
    return true;
}

static int compare(struct state_text a, struct s3_text b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* A key that is there, as the second look saw it. */
struct seen {
    char etag[S3_ETAG_MAX + 1];
    uint64_t size;
    int64_t modified_ms;
};

struct confirmation {
    const struct job *job;
    const struct mark_batch *batch;
    struct s3_conn *conn;
    struct s3_page page;
    enum answer answers[MARK_BATCH];
    struct seen seen[MARK_BATCH]; /* beside ANSWER_THERE */
    bool headed;                  /* some answers come from a HEAD, whose 404 could be a missing bucket's */
};

static void see(struct confirmation *confirmation, size_t at, struct s3_text etag, uint64_t size, int64_t modified_ms)
{
    struct seen *seen = &confirmation->seen[at];

    (void)snprintf(seen->etag, sizeof seen->etag, "%.*s", (int)etag.len, etag.len > 0 ? etag.ptr : "");
    seen->size = size;
    seen->modified_ms = modified_ms;
    confirmation->answers[at] = ANSWER_THERE;
}

/* Settles keys from `at` on by one page; returns how many, 0 where it could not ask. */
static enum s3_status settle_by_list(
        struct confirmation *confirmation, size_t at, size_t *settled, struct s3_error *error)
{
    const struct source *source = confirmation->job->source;
    const struct mark_batch *batch = confirmation->batch;
    char before[S3_KEY_MAX];
    size_t length, i = 0;
    struct s3_list_options options = { .bucket = source->bucket, .expected_owner = source->owner };
    enum s3_status status;

    *settled = 0;
    if (!key_before(batch->keys[at], before, &length))
        return S3_OK;
    options.start_after = (struct s3_text){ before, length };
    status = s3_list_objects(confirmation->conn, source->client, &options, &confirmation->page, error);
    if (status != S3_OK)
        return status;
    for (; at + *settled < batch->count; ++*settled) {
        struct state_text key = batch->keys[at + *settled];
        int order = 1;
        while (i < confirmation->page.count && (order = compare(key, confirmation->page.entries[i].key)) > 0)
            i++;
        if (i == confirmation->page.count && confirmation->page.truncated)
            break; /* beyond the page: not known */
        confirmation->answers[at + *settled] = ANSWER_GONE;
        if (i < confirmation->page.count && order == 0 && source_wants_key(source, key.ptr, key.len)) {
            const struct s3_page_entry *entry = &confirmation->page.entries[i];
            see(confirmation, at + *settled, entry->etag, entry->size, entry->modified_ms);
        }
    }
    return S3_OK;
}

static enum s3_status settle_by_head(struct confirmation *confirmation, size_t at, struct s3_error *error)
{
    const struct source *source = confirmation->job->source;
    struct state_text key = confirmation->batch->keys[at];
    struct s3_head_options options = {
        .target = { .bucket = source->bucket, .key = { key.ptr, key.len }, .expected_owner = source->owner }
    };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(confirmation->conn, source->client, &options, &head, error);
    confirmation->headed = true;
    if (status == S3_OK)
        see(confirmation, at, (struct s3_text){ head.etag, strlen(head.etag) }, head.size, head.modified_s * 1000);
    else if (status == S3_NOT_FOUND)
        confirmation->answers[at] = ANSWER_GONE;
    s3_head_free(&head);
    return status == S3_NOT_FOUND ? S3_OK : status;
}

static enum s3_status confirm(struct confirmation *confirmation, struct s3_error *error)
{
    const struct mark_batch *batch = confirmation->batch;
    const struct source *source = confirmation->job->source;
    enum s3_status status = S3_OK;
    size_t at = 0, heads = 0, settled;

    while (at < batch->count && status == S3_OK) {
        if (!source_wants_key(source, batch->keys[at].ptr, batch->keys[at].len)) {
            confirmation->answers[at++] = ANSWER_GONE; /* excluded: whether the source has it is no matter */
        } else if (heads > 0 || batch->count - at < LIST_PAYS) {
            heads -= heads > 0;
            status = settle_by_head(confirmation, at++, error);
        } else {
            status = settle_by_list(confirmation, at, &settled, error);
            at += settled;
            if (settled < LIST_PAYS)
                heads = HEADS_IN_A_ROW;
        }
    }
    if (status == S3_OK && confirmation->headed) {
        /* asked after the HEADs: a bucket that is there now was there then, or it would be empty and its owner
         * another's */
        struct s3_bucket_options options = { .bucket = source->bucket, .expected_owner = source->owner };
        struct s3_bucket_head head;
        status = s3_head_bucket(confirmation->conn, source->client, &options, &head, error);
    }
    return status;
}

struct marking {
    struct layout_path paths[MARK_BATCH];
    struct s3_delete_item items[MARK_BATCH];
    size_t index[MARK_BATCH]; /* of the batch's keys */
    size_t count;
    struct s3_deleted deleted;
};

static enum verdict delete_gone(
        const struct confirmation *confirmation, struct marking *marking, struct failure *failure)
{
    const struct job *job = confirmation->job;
    const struct vault *vault = job->vault;
    struct s3_delete_many_options options = {
        .bucket = vault->bucket, .expected_owner = vault->owner, .items = marking->items
    };
    struct s3_error error;
    struct state_error state;
    enum s3_status status;

    for (size_t i = 0; i < confirmation->batch->count; i++) {
        struct layout_path *path = &marking->paths[marking->count];
        enum layout_kind kind;
        enum state_status built;
        if (confirmation->answers[i] != ANSWER_GONE)
            continue;
        built = layout_data(&vault->layout, job->source->name, confirmation->batch->keys[i], path, &kind, &state);
        if (built != STATE_OK)
            return failure_from_state(failure, built, &state, "marking deletions of source \"%s\"", job->source->name);
        marking->items[marking->count] = (struct s3_delete_item){ .key = { path->ptr, path->len } };
        marking->index[marking->count++] = i;
    }
    options.count = marking->count;
    if (marking->count == 0)
        return VERDICT_OK;
    status = s3_delete_objects(confirmation->conn, vault->client, &options, &marking->deleted, &error);
    if (status != S3_OK)
        return failure_from_s3(
                failure, status, &error, "marking deletions of source \"%s\" in the vault", job->source->name);
    return VERDICT_OK;
}

static bool fill_marked(struct action *action, const struct s3_deleted_entry *deleted, const char *bucket)
{
    struct s3_error error;

    if (deleted->failed) {
        action->outcome = OUTCOME_FAILED;
        action->failure = calloc(1, sizeof *action->failure);
        if (action->failure == NULL)
            return false;
        s3_error_clear(&error);
        error.operation = "DeleteObjects";
        (void)snprintf(error.bucket, sizeof error.bucket, "%s", bucket);
        (void)snprintf(error.code, sizeof error.code, "%.*s", (int)deleted->code.len,
                deleted->code.len > 0 ? deleted->code.ptr : "");
        (void)snprintf(error.message, sizeof error.message, "%.*s", (int)deleted->message.len,
                deleted->message.len > 0 ? deleted->message.ptr : "");
        failure_from_s3(action->failure, s3_classify(403, error.code, false), &error, "writing the delete marker");
        return true;
    }
    action->outcome = OUTCOME_DONE;
    action->result.did = STATE_DELETED;
    if (deleted->marker_version.len > 0) {
        action->text = malloc(deleted->marker_version.len);
        if (action->text == NULL)
            return false;
        memcpy(action->text, deleted->marker_version.ptr, deleted->marker_version.len);
        action->result.entry.vault_version = (struct state_text){ action->text, deleted->marker_version.len };
    }
    return true;
}

static bool give_results(struct pool *pool, const struct confirmation *confirmation, const struct marking *marking)
{
    const struct mark_batch *batch = confirmation->batch;
    struct action_maker maker;
    size_t bytes = 0, marked = 0;
    bool well = true;
    int64_t now_ms = vault_now_ms(confirmation->job->vault);

    for (size_t i = 0; i < batch->count; i++)
        bytes += batch->keys[i].len + strlen(confirmation->seen[i].etag);
    if (!action_maker_begin(&maker, batch->count, bytes))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct seen *seen = &confirmation->seen[i];
        struct action *action = action_maker_add(
                &maker, ACTION_MISSING, batch->keys[i], (struct state_text){ seen->etag, strlen(seen->etag) });
        action->size = seen->size;
        action->source_time_ms = seen->modified_ms;
        action->marking = true;
        action->outcome = OUTCOME_ADOPTED; /* it is there after all */
        if (marked < marking->count && marking->index[marked] == i)
            well = fill_marked(action, &marking->deleted.entries[marked++], confirmation->job->vault->bucket) && well;
        action->result.entry.copied_ms = now_ms; /* the answer tells no time of the marker, but its own, in seconds */
        action->in_seconds = true;
    }
    pool_give_results(pool, (struct job *)confirmation->job, maker.first, maker.last, maker.count);
    return well;
}

enum verdict mark_batch_do(struct pool *pool, struct job *job, struct s3_conn *conn, const struct mark_batch *batch,
        struct failure *failure)
{
    struct confirmation *confirmation = calloc(1, sizeof *confirmation);
    struct marking *marking = calloc(1, sizeof *marking);
    struct s3_error error;
    enum s3_status status;
    enum verdict verdict = VERDICT_OK;

    if (confirmation == NULL || marking == NULL) {
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
        goto out;
    }
    confirmation->job = job;
    confirmation->batch = batch;
    confirmation->conn = conn;
    s3_page_init(&confirmation->page);
    s3_deleted_init(&marking->deleted);
    status = confirm(confirmation, &error);
    if (status != S3_OK)
        verdict = failure_from_s3(
                failure, status, &error, "looking again for missing keys of source \"%s\"", job->source->name);
    if (verdict == VERDICT_OK)
        verdict = delete_gone(confirmation, marking, failure);
    if (verdict == VERDICT_OK && !give_results(pool, confirmation, marking))
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    s3_page_free(&confirmation->page);
    s3_deleted_free(&marking->deleted);
out:
    free(confirmation);
    free(marking);
    return verdict;
}
