/* A manifest made anew: the mark that says so, and the records of full files; see rebuild_inside.h. */
#include "agent/rebuild_inside.h"

#include <stdio.h>
#include <string.h>

#include "agent/acls.h"
#include "state/manifest_load.h"

enum { BATCH_ACLS = 2000 };

/* Present while the records are neither the old ones nor yet the new ones. */
static const char META_REBUILDING[] = "rebuilding";
/* Who the state folder is: outlives its content. */
static const char META_OWNER[] = "owner";

bool rebuild_is_unfinished(const struct rebuild *rebuild)
{
    char value[8];
    size_t length;

    return manifest_meta_get(rebuild->manifest, META_REBUILDING, value, sizeof value, &length, NULL) != STATE_NOT_FOUND;
}

enum verdict rebuild_begin_anew(struct rebuild *rebuild, struct failure *failure)
{
    struct publish_logs none = { NULL, 0, 0 };
    enum state_status status = rebuild_batch(rebuild);

    if (status == STATE_OK)
        status = manifest_outbox_trim(rebuild->batch, UINT64_MAX, &rebuild->error);
    if (status == STATE_OK)
        status = publish_point_put(rebuild->batch, NULL, &rebuild->error);
    if (status == STATE_OK)
        status = publish_logs_put(rebuild->batch, &none, &rebuild->error);
    if (status == STATE_OK)
        status = manifest_meta_put(rebuild->batch, META_REBUILDING, "1", 1, &rebuild->error);
    if (status != STATE_OK)
        return rebuild_manifest_fail(rebuild, status, failure);
    publish_logs_free(&rebuild->named);
    rebuild->since = (struct publish_since){ 0, 0 };
    return rebuild_commit(rebuild, failure);
}

enum verdict rebuild_finish(struct rebuild *rebuild, struct failure *failure)
{
    enum state_status status = rebuild_batch(rebuild);

    if (status == STATE_OK)
        status = manifest_meta_put(rebuild->batch, META_REBUILDING, NULL, 0, &rebuild->error);
    if (status != STATE_OK)
        return rebuild_manifest_fail(rebuild, status, failure);
    return rebuild_commit(rebuild, failure);
}

enum verdict rebuild_load_begin(
        struct rebuild *rebuild, bool done, struct manifest_load **load, struct failure *failure)
{
    char owner[64];
    size_t length = 0;
    enum state_status kept =
            manifest_meta_get(rebuild->manifest, META_OWNER, owner, sizeof owner, &length, &rebuild->error);
    enum state_status status = manifest_load_begin(rebuild->manifest, load, &rebuild->error);

    if (status == STATE_OK) /* a full file says them again */
        status = acls_clear(rebuild->manifest, &rebuild->error);
    if (status == STATE_OK && kept == STATE_OK)
        status = manifest_load_meta(*load, META_OWNER, owner, length, &rebuild->error);
    if (status == STATE_OK && !done)
        status = manifest_load_meta(*load, META_REBUILDING, "1", 1, &rebuild->error);
    if (status == STATE_OK)
        return VERDICT_OK;
    manifest_load_abort(*load);
    *load = NULL;
    return rebuild_manifest_fail(rebuild, status, failure);
}

struct full_taker {
    struct rebuild *rebuild;
    struct manifest_load *load;
};

/* Into the file that is about to be replaced: a load carries its jobs over. */
static enum state_status take_acl(struct rebuild *rebuild, const struct state_change *change)
{
    enum state_status status = rebuild_batch(rebuild);

    if (status == STATE_OK)
        status = acls_note(rebuild->batch, change, &rebuild->error);
    if (status == STATE_OK && ++rebuild->batched >= BATCH_ACLS) {
        status = manifest_batch_commit(rebuild->batch, &rebuild->error);
        rebuild->batch = NULL;
    }
    return status;
}

static enum state_status take(void *ctx, const struct state_change *change)
{
    struct full_taker *taker = ctx;

    if (!rebuild_wants(taker->rebuild, change->entry.key))
        return STATE_OK;
    taker->rebuild->unknown += change->entry.vault_version.len == 0;
    taker->rebuild->status = manifest_load_put(taker->load, &change->entry, &taker->rebuild->error);
    if (taker->rebuild->status == STATE_OK && change->acl.len > 0)
        taker->rebuild->status = take_acl(taker->rebuild, change);
    return taker->rebuild->status;
}

static enum verdict load_files(
        struct rebuild *rebuild, const struct rebuild_step *step, struct manifest_load *load, struct failure *failure)
{
    struct full_taker taker = { rebuild, load };
    const struct change_file_visitor visitor = { take, &taker };
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < step->files.count && verdict == VERDICT_OK; i++) {
        const struct state_point_file *file = &step->files.items[i];
        struct change_file_id id = { .kind = file->kind, .number = file->number };
        if (file->kind != LAYOUT_FULL)
            continue;
        (void)snprintf(id.source, sizeof id.source, "%s", rebuild->source->name);
        memcpy(id.point, file->point, sizeof id.point);
        rebuild->status = STATE_OK;
        verdict = points_read_file(rebuild->vault, rebuild->conn, &id, &file->sum, visitor, NULL, failure);
        if (rebuild->status != STATE_OK)
            verdict = rebuild_manifest_fail(rebuild, rebuild->status, failure);
        else if (verdict != VERDICT_OK)
            verdict = rebuild_file_fail(rebuild, step, verdict, failure);
        rebuild->result->files++;
        rebuild->result->lines += file->sum.lines;
    }
    return verdict;
}

static enum state_status put_meta(struct rebuild *rebuild, const struct rebuild_step *step, struct manifest_load *load)
{
    char point[PUBLISH_POINT_TEXT_SIZE], since[PUBLISH_SINCE_TEXT_SIZE];
    size_t length = publish_point_text(&step->link, point);
    enum state_status status = manifest_load_meta(load, PUBLISH_META_POINT, point, length, &rebuild->error);

    if (status != STATE_OK)
        return status;
    length = publish_since_text(&rebuild->since, since);
    return manifest_load_meta(load, PUBLISH_META_SINCE, since, length, &rebuild->error);
}

enum verdict rebuild_load_full(struct rebuild *rebuild, const struct rebuild_step *step, struct failure *failure)
{
    struct manifest_load *load = NULL;
    enum state_status status = STATE_OK;
    enum verdict verdict = rebuild_load_begin(rebuild, step != NULL, &load, failure);

    if (verdict == VERDICT_OK && step != NULL) {
        verdict = load_files(rebuild, step, load, failure);
        if (verdict == VERDICT_OK)
            verdict = rebuild_commit(rebuild, failure);
        else
            rebuild_drop(rebuild);
        if (verdict == VERDICT_OK)
            status = put_meta(rebuild, step, load);
        if (status != STATE_OK)
            verdict = rebuild_manifest_fail(rebuild, status, failure);
    }
    if (verdict != VERDICT_OK) {
        manifest_load_abort(load);
        return verdict;
    }
    status = manifest_load_finish(load, &rebuild->error);
    return status == STATE_OK ? VERDICT_OK : rebuild_manifest_fail(rebuild, status, failure);
}
