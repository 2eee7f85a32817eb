/* See record.h. */
#include "agent/record.h"

#include <stdlib.h>
#include <string.h>

#include "agent/acls.h"
#include "agent/pool.h"
#include "state/manifest_batch.h"

static int by_key(const void *a, const void *b)
{
    const struct action *one = *(const struct action *const *)a, *other = *(const struct action *const *)b;
    int order = memcmp(one->key.ptr, other->key.ptr, one->key.len < other->key.len ? one->key.len : other->key.len);

    return order != 0 ? order : one->key.len < other->key.len ? -1 : one->key.len > other->key.len;
}

static enum state_status add_line(struct recorder *recorder, struct manifest_batch *batch,
        const struct state_change *change, struct state_error *error)
{
    char line[STATE_CHANGE_LINE_MAX];
    size_t length;
    enum state_status status = state_change_format(change, line, &length, error);

    if (status == STATE_OK)
        status = manifest_outbox_append(batch, line, length, NULL, error);
    if (status == STATE_OK) {
        recorder->lines++;
        recorder->line_bytes += length;
    }
    return status;
}

static enum state_status not_found_is_fine(enum state_status status)
{
    return status == STATE_NOT_FOUND ? STATE_OK : status;
}

/*
 * Whether an object gets another content than it had when the point was made that the guard compares with. One that
 * has been replaced since then counts no more; nor does one that is newer. A record made by a later run of an object
 * that is older holds what it held then: it was copied again as it was.
 */
static bool is_replaced(const struct recorder *recorder, const struct state_entry *before, struct state_text etag)
{
    struct state_text run = before->run;
    bool known_since = recorder->base_point[0] != '\0' && run.len == STATE_POINT_SIZE - 1 &&
                       memcmp(run.ptr, recorder->base_point, run.len) > 0 && before->source_time_ms > recorder->base_ms;

    return !known_since && (before->etag.len != etag.len || memcmp(before->etag.ptr, etag.ptr, etag.len) != 0);
}

/* Counts what is replaced, before its record is. */
static enum state_status judge_replacement(
        struct recorder *recorder, struct manifest_batch *batch, const struct action *action, struct state_error *error)
{
    struct state_entry before;
    enum state_status status;

    if (action->kind != ACTION_RECOPY || (action->outcome == OUTCOME_LEFT && action->again))
        return STATE_OK;
    status = manifest_batch_get(batch, action->key, &before, error);
    if (status == STATE_OK && action->outcome == OUTCOME_LEFT)
        recorder->left_changed += is_replaced(recorder, &before, action->etag);
    else if (status == STATE_OK && action->outcome == OUTCOME_DONE)
        recorder->repeated += !is_replaced(recorder, &before, action->result.entry.etag);
    return not_found_is_fine(status);
}

static enum state_status record_copy(
        struct recorder *recorder, struct manifest_batch *batch, struct action *action, struct state_error *error)
{
    struct state_change change = action->result;
    enum state_status status = judge_replacement(recorder, batch, action, error);

    if (status != STATE_OK)
        return status;
    change.entry.run = (struct state_text){ recorder->point, strlen(recorder->point) };
    status = manifest_batch_put(batch, &change.entry, error);
    if (status == STATE_OK)
        status = acls_note(batch, &change, error);
    change.entry.run = (struct state_text){ NULL, 0 }; /* the log's header says it */
    if (status == STATE_OK)
        status = add_line(recorder, batch, &change, error);
    if (status == STATE_OK && recorder->failed_before)
        status = not_found_is_fine(manifest_job_remove(batch, JOB_KIND_FAILED, action->key, error));
    return status;
}

static enum state_status record_deletion(
        struct recorder *recorder, struct manifest_batch *batch, const struct action *action, struct state_error *error)
{
    struct state_change change = { .did = STATE_DELETED };
    enum state_status status = manifest_batch_get(batch, action->key, &change.entry, error);

    if (status == STATE_OK) {
        change.entry.vault_version = action->result.entry.vault_version;
        change.entry.copied_ms = action->result.entry.copied_ms;
        change.entry.run = (struct state_text){ NULL, 0 };
        status = add_line(recorder, batch, &change, error);
    }
    if (status == STATE_OK)
        status = acls_note(batch, &change, error);
    if (status == STATE_OK)
        status = manifest_batch_remove(batch, action->key, error);
    status = not_found_is_fine(status);
    if (status == STATE_OK)
        status = not_found_is_fine(manifest_pending_remove(batch, action->key, error));
    return status;
}

/* A key that the listing did not have, and that is there. Made again meanwhile, it has another time; as the record
 * knows it, it has been there all the time. Some servers list milliseconds and tell whole seconds by HEAD. */
static enum state_status judge_still_there(
        struct recorder *recorder, struct manifest_batch *batch, const struct action *action, struct state_error *error)
{
    struct state_entry entry;
    enum state_status status = manifest_batch_get(batch, action->key, &entry, error);

    if (status == STATE_OK && entry.size == action->size && entry.etag.len == action->etag.len &&
            memcmp(entry.etag.ptr, action->etag.ptr, action->etag.len) == 0 &&
            entry.source_time_ms / 1000 == action->source_time_ms / 1000)
        recorder->left_out++;
    return not_found_is_fine(status);
}

static enum state_status record_missing(
        struct recorder *recorder, struct manifest_batch *batch, const struct action *action, struct state_error *error)
{
    if (!action->marking)
        return manifest_pending_add(batch, action->key, error);
    switch (action->outcome) {
    case OUTCOME_DONE:
        return record_deletion(recorder, batch, action, error);
    case OUTCOME_ADOPTED: {
        enum state_status status = judge_still_there(recorder, batch, action, error);
        if (status != STATE_OK)
            return status;
        return not_found_is_fine(manifest_pending_remove(batch, action->key, error));
    }
    default:
        return STATE_OK;
    }
}

/* A record's texts, which a batch's next call takes away. */
struct kept_texts {
    char bytes[STATE_ETAG_MAX + 2 * STATE_VERSION_MAX + STATE_CHECKSUM_MAX + STATE_RUN_MAX];
    size_t used;
};

static void keep_text(struct kept_texts *kept, struct state_text *text)
{
    if (text->len > 0)
        memcpy(kept->bytes + kept->used, text->ptr, text->len);
    text->ptr = kept->bytes + kept->used;
    kept->used += text->len;
}

/*
 * The record gets another class, and where it was copied in place another version; all else stays. Only the record that
 * the action was made from: the copy of an object that was copied anew since is another one.
 *
 * A class that was only learned has no line: lines tell what runs did, the version is the same, and the next full file
 * has the class. One line for each object that a rule moves would be as much as all that was ever copied.
 */
static enum state_status record_move(
        struct recorder *recorder, struct manifest_batch *batch, struct action *action, struct state_error *error)
{
    struct state_change change = { .did = action->result.did, .by = action->result.by };
    struct kept_texts kept = { .used = 0 };
    struct state_entry *entry = &change.entry;
    enum state_status status = manifest_batch_get(batch, action->key, entry, error);

    if (status == STATE_NOT_FOUND ||
            (status == STATE_OK &&
                    (entry->vault_version.len != action->version.len ||
                            memcmp(entry->vault_version.ptr, action->version.ptr, action->version.len) != 0))) {
        action->outcome = OUTCOME_LEFT;
        return STATE_OK;
    }
    if (status != STATE_OK)
        return status;
    keep_text(&kept, &entry->etag);
    keep_text(&kept, &entry->source_version);
    keep_text(&kept, &entry->vault_version);
    keep_text(&kept, &entry->checksum);
    keep_text(&kept, &entry->run);
    change.from = entry->class_;
    entry->class_ = action->result.entry.class_;
    if (change.did != STATE_MOVED)
        return manifest_batch_put(batch, entry, error);
    entry->vault_version = action->result.entry.vault_version;
    entry->copied_ms = action->result.entry.copied_ms;
    if (action->result.entry.checksum.len > 0)
        entry->checksum = action->result.entry.checksum;
    entry->run = (struct state_text){ recorder->point, strlen(recorder->point) };
    status = manifest_batch_put(batch, entry, error);
    entry->run = (struct state_text){ NULL, 0 }; /* the log's header says it */
    return status == STATE_OK ? add_line(recorder, batch, &change, error) : status;
}

static enum state_status record_one(
        struct recorder *recorder, struct manifest_batch *batch, struct action *action, struct state_error *error)
{
    if (action->kind == ACTION_MISSING)
        return record_missing(recorder, batch, action, error);
    if (action->kind == ACTION_MOVE)
        return action->outcome == OUTCOME_DONE || action->outcome == OUTCOME_ADOPTED
                       ? record_move(recorder, batch, action, error)
                       : STATE_OK;
    if (action->kind == ACTION_NOTE && action->text != NULL)
        return manifest_job_put(
                batch, JOB_KIND_UPLOAD, action->key, (struct state_text){ action->text, action->size }, error);
    if (action->kind == ACTION_NOTE)
        return not_found_is_fine(manifest_job_remove(batch, JOB_KIND_UPLOAD, action->key, error));
    switch (action->outcome) {
    case OUTCOME_DONE:
    case OUTCOME_ADOPTED:
        return record_copy(recorder, batch, action, error);
    case OUTCOME_FAILED: /* tried first by the next run */
        if (action->again)
            break;
        return manifest_job_put(batch, JOB_KIND_FAILED, action->key, (struct state_text){ "1", 1 }, error);
    case OUTCOME_GONE:
        return recorder->failed_before
                       ? not_found_is_fine(manifest_job_remove(batch, JOB_KIND_FAILED, action->key, error))
                       : STATE_OK;
    case OUTCOME_LEFT:
        return judge_replacement(recorder, batch, action, error);
    case OUTCOME_ARCHIVED:
    case OUTCOME_THAWING:
        break;
    }
    return STATE_OK;
}

static void note_time(struct recorder *recorder, const struct action *action)
{
    int64_t copied_ms = action->result.entry.copied_ms + (action->in_seconds ? 999 : 0);

    if (copied_ms > recorder->newest_ms)
        recorder->newest_ms = copied_ms;
}

static void count_missing(struct recorder *recorder, struct action *action)
{
    struct source_report *report = recorder->report;

    if (!action->marking) {
        recorder->pending++;
    } else if (action->outcome == OUTCOME_DONE) {
        report->deleted++;
        note_time(recorder, action);
    } else if (action->outcome == OUTCOME_ADOPTED) {
        recorder->still_there++;
    } else if (action->outcome == OUTCOME_FAILED) {
        recorder->mark_failed++;
        source_report_add(report, action->key, action->failure);
        action->failure = NULL;
    }
}

/* S3 has no code of its own for an object that is encrypted with a key which the caller has to bring: it says so in
 * words, HEAD in none. Ceph copies no encrypted object at all, and answers that it cannot. */
static bool needs_customer_key(const struct failure *failure)
{
    const struct s3_error *error;

    if (failure == NULL || failure->s3.operation == NULL)
        return false;
    error = &failure->s3;
    if (error->http_status == 400)
        return strstr(error->message, "Server Side Encryption") != NULL || strcmp(error->operation, "HeadObject") == 0;
    return error->http_status == 501 && strcmp(error->operation, "CopyObject") == 0;
}

static void count_move(struct recorder *recorder, struct action *action)
{
    struct source_report *report = recorder->report;
    const bool in_place = action->result.did == STATE_IS;

    recorder->moves_back++;
    switch (action->outcome) {
    case OUTCOME_DONE:
    case OUTCOME_ADOPTED:
        if (in_place)
            report->reclassed++;
        else
            report->moved++;
        if (!in_place)
            note_time(recorder, action);
        break;
    case OUTCOME_THAWING:
        report->thawing++;
        break;
    case OUTCOME_FAILED:
        source_report_add_move(report, action->key, action->failure);
        action->failure = NULL;
        break;
    case OUTCOME_GONE:
    case OUTCOME_ARCHIVED:
    case OUTCOME_LEFT:
        recorder->moves_left++;
        break;
    }
}

/* After the commit: what is not recorded is not counted. */
static void count_one(struct recorder *recorder, struct action *action)
{
    struct source_report *report = recorder->report;

    if (action->kind == ACTION_MISSING) {
        count_missing(recorder, action);
        return;
    }
    if (action->kind == ACTION_MOVE) {
        count_move(recorder, action);
        return;
    }
    if (action->kind == ACTION_NOTE)
        return;
    if (action->outcome == OUTCOME_DONE || action->outcome == OUTCOME_ADOPTED)
        note_time(recorder, action);
    switch (action->outcome) {
    case OUTCOME_DONE:
        if (action->kind == ACTION_COPY)
            report->copied++;
        else
            report->recopied++;
        break;
    case OUTCOME_ADOPTED:
        report->adopted++;
        break;
    case OUTCOME_GONE:
        report->gone++;
        break;
    case OUTCOME_ARCHIVED:
        report->archived++;
        break;
    case OUTCOME_FAILED:
        if (action->kind == ACTION_RECOPY && !action->again && needs_customer_key(action->failure))
            recorder->customer_keys++;
        if (!action->again) {
            source_report_add(report, action->key, action->failure);
            action->failure = NULL;
        }
        break;
    case OUTCOME_LEFT:
        recorder->left++;
        break;
    case OUTCOME_THAWING:
        break;
    }
}

static enum state_status commit(
        struct recorder *recorder, struct action **sorted, size_t count, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status = manifest_batch_begin(recorder->job->manifest, &batch, error);

    if (status != STATE_OK)
        return status;
    for (size_t i = 0; i < count && status == STATE_OK; i++)
        status = record_one(recorder, batch, sorted[i], error);
    if (status != STATE_OK) {
        manifest_batch_abort(batch);
        return status;
    }
    return manifest_batch_commit(batch, error);
}

void results_free(struct recorder *recorder, struct action *results)
{
    struct action *next;
    size_t freed = 0;

    for (struct action *action = results; action != NULL; action = next) {
        next = action->next;
        freed += action_release(action);
    }
    if (freed > 0)
        pool_release_bytes(recorder->pool, recorder->job, freed);
}

enum verdict record_results(struct recorder *recorder, struct action *results, size_t count, struct failure *failure)
{
    struct action **sorted = malloc((count + 1) * sizeof *sorted);
    struct state_error error;
    enum state_status status = STATE_OK;
    size_t at = 0;

    if (sorted == NULL)
        status = state_fail(&error, STATE_NO_MEMORY, 0, "out of memory");
    for (struct action *action = results; action != NULL && sorted != NULL; action = action->next)
        sorted[at++] = action;
    /* some thousands a transaction: the results of a large deletion may be more */
    for (size_t from = 0; from < at && status == STATE_OK; from += JOB_RESULTS_ENOUGH) {
        size_t some = at - from < JOB_RESULTS_ENOUGH ? at - from : JOB_RESULTS_ENOUGH;
        qsort(sorted + from, some, sizeof *sorted, by_key);
        status = commit(recorder, sorted + from, some, &error);
        for (size_t i = 0; i < some && status == STATE_OK; i++)
            count_one(recorder, sorted[from + i]);
    }
    free(sorted);
    results_free(recorder, results);
    if (status != STATE_OK)
        return failure_from_state(
                failure, status, &error, "recording in the manifest of source \"%s\"", recorder->job->source->name);
    return VERDICT_OK;
}
