/* Logs into the manifest, in batches; see rebuild_inside.h. */
#include "agent/rebuild_inside.h"

#include <stdio.h>
#include <string.h>

#include "agent/acls.h"

enum { BATCH_CHANGES = 2000 };

bool rebuild_wants(const struct rebuild *rebuild, struct state_text key)
{
    const struct state_text prefix = rebuild->prefix;

    return prefix.len == 0 || (key.len >= prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0);
}

enum state_status rebuild_batch(struct rebuild *rebuild)
{
    if (rebuild->batch != NULL)
        return STATE_OK;
    rebuild->batched = 0;
    return manifest_batch_begin(rebuild->manifest, &rebuild->batch, &rebuild->error);
}

enum verdict rebuild_manifest_fail(struct rebuild *rebuild, enum state_status status, struct failure *failure)
{
    return failure_from_state(failure, status, &rebuild->error, "%s source \"%s\"",
            rebuild->for_view ? "making an index of" : "rebuilding the manifest of", rebuild->source->name);
}

static enum state_status commit(struct rebuild *rebuild)
{
    struct manifest_batch *batch = rebuild->batch;

    rebuild->batch = NULL;
    return batch != NULL ? manifest_batch_commit(batch, &rebuild->error) : STATE_OK;
}

enum verdict rebuild_commit(struct rebuild *rebuild, struct failure *failure)
{
    enum state_status status = commit(rebuild);

    return status == STATE_OK ? VERDICT_OK : rebuild_manifest_fail(rebuild, status, failure);
}

void rebuild_drop(struct rebuild *rebuild)
{
    manifest_batch_abort(rebuild->batch);
    rebuild->batch = NULL;
}

static enum state_status apply(void *ctx, const struct state_change *change)
{
    struct rebuild *rebuild = ctx;
    enum state_status status;

    if (!rebuild_wants(rebuild, change->entry.key))
        return STATE_OK;
    status = rebuild_batch(rebuild);
    if (status == STATE_OK && change->did == STATE_DELETED) {
        status = manifest_batch_remove(rebuild->batch, change->entry.key, &rebuild->error);
        status = status == STATE_NOT_FOUND ? STATE_OK : status;
    } else if (status == STATE_OK) {
        status = manifest_batch_put(rebuild->batch, &change->entry, &rebuild->error);
        rebuild->unknown += change->entry.vault_version.len == 0;
    }
    if (status == STATE_OK)
        status = acls_note(rebuild->batch, change, &rebuild->error);
    if (status == STATE_OK && ++rebuild->batched >= BATCH_CHANGES)
        status = commit(rebuild);
    rebuild->status = status;
    return status;
}

enum verdict rebuild_apply_log(struct rebuild *rebuild, const struct state_point_file *file, bool known,
        struct change_file_sum *sum, struct failure *failure)
{
    const struct change_file_visitor visitor = { apply, rebuild };
    struct change_file_id id = { .kind = file->kind, .number = file->number };
    enum verdict verdict;

    (void)snprintf(id.source, sizeof id.source, "%s", rebuild->source->name);
    memcpy(id.point, file->point, sizeof id.point);
    rebuild->status = STATE_OK;
    verdict = points_read_file(rebuild->vault, rebuild->conn, &id, known ? &file->sum : NULL, visitor, sum, failure);
    if (rebuild->status != STATE_OK)
        return rebuild_manifest_fail(rebuild, rebuild->status, failure);
    if (verdict == VERDICT_OK) {
        rebuild->result->lines += sum->lines;
        rebuild->result->files++;
    }
    return verdict;
}

enum verdict rebuild_file_fail(
        const struct rebuild *rebuild, const struct rebuild_step *step, enum verdict verdict, struct failure *failure)
{
    char why[sizeof failure->what];

    if ((verdict != VERDICT_NOT_FOUND && verdict != VERDICT_BAD_DATA) || rebuild->status != STATE_OK || failure == NULL)
        return verdict == VERDICT_NOT_FOUND ? VERDICT_BAD_DATA : verdict;
    (void)snprintf(why, sizeof why, "%s", failure->what);
    return failure_set(failure, VERDICT_BAD_DATA, "source \"%s\": a file of point %s cannot be used: %.300s%s",
            rebuild->source->name, step->link.point, why,
            rebuild->for_view ? "" : ". `vaultferry resync` rebuilds the manifest from the objects' versions");
}

enum verdict rebuild_apply_step(struct rebuild *rebuild, const struct rebuild_step *step, struct failure *failure)
{
    struct publish_logs none = { NULL, 0, 0 };
    struct change_file_sum sum;
    enum verdict verdict = VERDICT_OK;
    enum state_status status;

    for (size_t i = 0; i < step->files.count && verdict == VERDICT_OK; i++) {
        if (step->files.items[i].kind != LAYOUT_CHANGES)
            continue;
        verdict = rebuild_apply_log(rebuild, &step->files.items[i], true, &sum, failure);
        rebuild->since.files++;
        rebuild->since.lines += step->files.items[i].sum.lines;
    }
    if (verdict != VERDICT_OK)
        return rebuild_file_fail(rebuild, step, verdict, failure);
    if (step->has_full)
        rebuild->since = (struct publish_since){ 0, 0 };
    status = rebuild_batch(rebuild);
    if (status == STATE_OK)
        status = publish_point_put(rebuild->batch, &step->link, &rebuild->error);
    if (status == STATE_OK)
        status = publish_since_put(rebuild->batch, &rebuild->since, &rebuild->error);
    if (status == STATE_OK) /* those that were without a point are named by this one or a later one */
        status = publish_logs_put(rebuild->batch, &none, &rebuild->error);
    if (status != STATE_OK)
        return rebuild_manifest_fail(rebuild, status, failure);
    return rebuild_commit(rebuild, failure);
}

/* One log without a point. One that is damaged says nothing that can be believed: what it would have told of is found
 * by looking. */
static enum verdict apply_orphan(struct rebuild *rebuild, struct state_point_file *file, struct failure *failure)
{
    enum state_status status;
    enum verdict verdict = rebuild_apply_log(rebuild, file, false, &file->sum, failure);

    if (verdict == VERDICT_NOT_FOUND)
        return VERDICT_OK; /* its number was passed over */
    if (verdict == VERDICT_BAD_DATA && rebuild->status == STATE_OK) {
        rebuild->result->skipped++;
        return VERDICT_OK;
    }
    if (verdict != VERDICT_OK)
        return verdict;
    if (!publish_logs_add(&rebuild->named, file))
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    status = rebuild_batch(rebuild);
    if (status == STATE_OK)
        status = publish_logs_put(rebuild->batch, &rebuild->named, &rebuild->error);
    return status == STATE_OK ? rebuild_commit(rebuild, failure) : rebuild_manifest_fail(rebuild, status, failure);
}

enum verdict rebuild_apply_orphans(
        struct rebuild *rebuild, const struct points_list *list, const char *newest, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < list->count && verdict == VERDICT_OK; i++) {
        const struct point_listed *folder = &list->items[i];
        struct state_point_file file = { .kind = LAYOUT_CHANGES };
        if (folder->has_point || strcmp(folder->id, newest) <= 0)
            continue;
        memcpy(file.point, folder->id, sizeof file.point);
        for (file.number = 1; file.number <= folder->logs && verdict == VERDICT_OK; file.number++) {
            rebuild->result->orphan_logs = true;
            if (!publish_logs_has(&rebuild->named, &file))
                verdict = apply_orphan(rebuild, &file, failure);
        }
    }
    return verdict;
}
