/* One object of a restore that listings alone could not settle: looked at, thawed, brought. By threads of the crew. See
 * restore_inside.h. */
#include "agent/restore_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/points_versions.h"

static struct state_text keep(char **at, struct state_text text)
{
    struct state_text kept = { text.len > 0 ? *at : NULL, text.len };

    if (text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return kept;
}

struct restore_task *restore_task_new(struct restore *restore, const struct restore_sight *sight)
{
    const struct state_entry *entry = &sight->object->entry;
    const struct state_text *texts[] = { &entry->key, &entry->etag, &entry->source_version, &entry->vault_version,
        &entry->checksum, &entry->run, &sight->object->acl };
    struct restore_task *task;
    size_t size = 0;
    char *at;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        size += texts[i]->len;
    task = malloc(sizeof *task + size);
    if (task == NULL)
        return NULL;
    at = task->bytes;
    *task = (struct restore_task){ .restore = restore,
        .ordinal = sight->ordinal,
        .vault = sight->vault,
        .there = sight->there,
        .copy = sight->copy,
        .entry = *entry };
    task->entry.key = keep(&at, entry->key);
    task->entry.etag = keep(&at, entry->etag);
    task->entry.source_version = keep(&at, entry->source_version);
    task->entry.vault_version = keep(&at, entry->vault_version);
    task->entry.checksum = keep(&at, entry->checksum);
    task->entry.run = keep(&at, entry->run);
    task->acl = keep(&at, sight->object->acl);
    return task;
}

/* A key that is too long for data/ has a path of its own, which no listing in key order comes by. */
static enum verdict look_singly(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    const struct vault *vault = &task->restore->vault;
    const struct state_text path = { task->path.ptr, task->path.len };
    const struct s3_page_entry *entry = NULL;
    struct points_versions cursor;
    int64_t best_ms = INT64_MIN;
    enum verdict verdict;

    task->vault = RESTORE_GONE;
    points_versions_begin(&cursor, vault, conn, path, (struct state_text){ NULL, 0 });
    cursor.restore_status = true;
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL && entry->key.len == path.len) {
        if (restore_is_version(&task->entry, entry, &best_ms))
            task->vault = restore_take(&task->copy, entry, vault_now_ms(vault));
        verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    return verdict;
}

struct s3_target restore_task_target(const struct restore_task *task)
{
    const struct restore_target *target = &task->restore->target;

    return (struct s3_target){ .bucket = target->bucket, .key = { task->key_there, task->key_there_len } };
}

/* Where it goes: prefix + the whole key. */
static enum verdict find_place(struct restore_task *task, struct failure *failure)
{
    const struct restore_target *target = &task->restore->target;
    const struct state_text key = task->entry.key;
    struct state_error error;
    enum layout_kind kind;
    enum state_status status =
            layout_data(&task->restore->vault.layout, task->restore->source, key, &task->path, &kind, &error);

    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "finding its place in the vault");
    if (target->folder != NULL)
        return VERDICT_OK;
    if (target->prefix_len + key.len > sizeof task->key_there)
        return failure_set(failure, VERDICT_USAGE,
                "with the prefix \"%s\" its key would be longer than the %d bytes that S3 takes", target->prefix,
                S3_KEY_MAX);
    memcpy(task->key_there, target->prefix, target->prefix_len);
    memcpy(task->key_there + target->prefix_len, key.ptr, key.len);
    task->key_there_len = target->prefix_len + key.len;
    return VERDICT_OK;
}

/* All that the listings left open. */
static enum verdict look(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    enum verdict verdict = find_place(task, failure);

    if (verdict == VERDICT_OK && task->vault == RESTORE_SINGLY)
        verdict = look_singly(task, conn, failure);
    if (verdict == VERDICT_OK && task->there == RESTORE_UNSEEN)
        verdict = restore_look_in_folder(task, failure);
    if (verdict == VERDICT_OK && task->there == RESTORE_DOUBTFUL && task->restore->target.folder == NULL &&
            task->vault != RESTORE_GONE)
        verdict = restore_compare(task, conn, failure);
    return verdict;
}

/* What an earlier restore has brought is not brought again, nor called a conflict, where no ETag or checksum tells. */
static bool wants_bytes(const struct restore_task *task, bool brought)
{
    const struct restore_options *options = task->restore->options;

    return task->there == RESTORE_DOUBTFUL && !brought && task->restore->target.folder == NULL &&
           task->vault == RESTORE_READABLE && !options->dry_run && options->conflict != RESTORE_OVERWRITE;
}

/* Brings it, or has it thawed. */
static void bring(struct restore_task *task, struct s3_conn *conn)
{
    struct failure failure;
    enum verdict verdict;

    if (task->vault == RESTORE_GONE) {
        (void)failure_set(&failure, VERDICT_BAD_DATA, "version %.*s of it is not in the vault any more",
                (int)task->entry.vault_version.len,
                task->entry.vault_version.len > 0 ? task->entry.vault_version.ptr : "");
        restore_note_failed(task->restore, task, &failure);
        return;
    }
    if (task->restore->options->dry_run) {
        restore_note_forecast(task->restore, task);
        return;
    }
    verdict = task->vault == RESTORE_READABLE ? restore_bring(task, conn, &failure) : VERDICT_OK;
    if (task->vault == RESTORE_ARCHIVED) {
        verdict = restore_thaw(task, conn, &failure);
        if (verdict == VERDICT_OK && task->vault == RESTORE_READABLE) /* it was thawed already */
            verdict = restore_bring(task, conn, &failure);
    }
    if (verdict == VERDICT_OK && task->vault == RESTORE_THAWING)
        restore_note_thawing(task->restore, task);
    else if (verdict == VERDICT_OK)
        restore_note_brought(task->restore, task);
    else if (verdict == VERDICT_CANCELLED)
        restore_note_left(task->restore);
    else
        restore_note_failed(task->restore, task, &failure);
}

static void settle(struct restore_task *task, struct s3_conn *conn)
{
    struct restore *restore = task->restore;
    bool brought = restore_is_brought(restore, task);
    struct failure failure;
    enum verdict verdict = look(task, conn, &failure);

    if (verdict == VERDICT_OK && wants_bytes(task, brought))
        verdict = restore_compare_bytes(task, conn, &failure);
    if (verdict != VERDICT_OK) {
        if (failure.verdict == VERDICT_CANCELLED)
            restore_note_left(restore);
        else
            restore_note_failed(restore, task, &failure);
        return;
    }
    /* what was compared while it was brought, and still has its size, is it */
    if (task->there == RESTORE_EQUAL || (task->there == RESTORE_DOUBTFUL && brought)) {
        restore_note_equal(restore, task);
    } else if (brought) {
        (void)failure_set(&failure, VERDICT_CHANGED, "%s after it was brought: does somebody else write there?",
                task->there == RESTORE_ABSENT ? "it was gone" : "it was another one");
        restore_note_failed(restore, task, &failure);
    } else if (task->there != RESTORE_ABSENT && restore->options->conflict != RESTORE_OVERWRITE) {
        restore_note_conflict(restore, task,
                task->there == RESTORE_DIFFERENT
                        ? "another object is there"
                        : "an object of the same size is there, and nothing tells whether it is the same");
    } else {
        bring(task, conn);
    }
}

void restore_task_do(void *ctx, struct s3_conn *conn, void *given)
{
    struct restore *restore = ctx;
    struct restore_task *task = given;

    if (restore_is_over(restore))
        restore_note_left(restore);
    else
        settle(task, conn);
    free(task);
}
