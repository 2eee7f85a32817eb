/* See rebuild.h. Here: what to rebuild from; the other files of this name do it. */
#include "agent/rebuild_inside.h"

#include <string.h>

#include "agent/publish.h"

/* How a manifest that is kept stands to the vault. */
enum standing {
    STANDS,     /* at the newest point, or was brought there */
    OUT_OF_STEP /* something was published or put that it does not follow from: begin anew */
};

static const struct point_listed *newest_of(const struct points_list *list)
{
    for (size_t i = list->count; i > 0; i--)
        if (list->items[i - 1].has_point)
            return &list->items[i - 1];
    return NULL;
}

static bool has_outbox(const struct rebuild *rebuild)
{
    struct manifest_totals totals;

    manifest_totals(rebuild->manifest, &totals);
    return totals.outbox_lines > 0;
}

static bool is_empty(const struct rebuild *rebuild)
{
    struct manifest_totals totals;

    manifest_totals(rebuild->manifest, &totals);
    return totals.records == 0 && totals.outbox_lines == 0 && rebuild->named.count == 0;
}

static void note_folders(struct rebuild *rebuild, const struct points_list *list)
{
    if (list->count > 0)
        memcpy(rebuild->result->last_folder, list->items[list->count - 1].id, STATE_POINT_SIZE);
}

static void note_newest(struct rebuild *rebuild, const struct state_point_link *newest)
{
    rebuild->result->has_newest = true;
    rebuild->result->newest = *newest;
    if (strcmp(rebuild->result->last_folder, newest->point) < 0)
        memcpy(rebuild->result->last_folder, newest->point, STATE_POINT_SIZE);
}

/* Nothing newer than the manifest's point: it must still be in the vault, and the same. */
static enum verdict check_last(
        struct rebuild *rebuild, const struct state_point_link *last, enum standing *standing, struct failure *failure)
{
    const char *source = rebuild->source->name;
    struct point_listed listed;
    struct point_read read = { .point = NULL };
    enum verdict verdict = points_find_one(rebuild->vault, rebuild->conn, source, last->point, &listed, failure);

    if (verdict == VERDICT_OK && !listed.has_point)
        verdict = VERDICT_NOT_FOUND;
    if (verdict == VERDICT_OK)
        verdict = points_read(rebuild->vault, rebuild->conn, source, &listed, &read, failure);
    if (verdict == VERDICT_NOT_FOUND) {
        *standing = OUT_OF_STEP;
        return VERDICT_OK;
    }
    if (verdict == VERDICT_OK && strcmp(read.link.sha256, last->sha256) != 0)
        verdict = failure_set(failure, VERDICT_BAD_DATA,
                "source \"%s\": point %s in the vault is not the one that was written: it was changed. `vaultferry "
                "resync` goes on with what is in the vault",
                source, last->point);
    point_read_free(&read);
    if (verdict == VERDICT_OK)
        note_newest(rebuild, last);
    return verdict;
}

/* Whether these points name every log that the manifest knows to be without one. */
static bool names_all(const struct rebuild_chain *chain, const struct publish_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        bool found = false;
        for (size_t j = 0; j < chain->count && !found; j++)
            found = publish_logs_has(&chain->steps[j].files, &logs->items[i]);
        if (!found)
            return false;
    }
    return true;
}

static enum verdict apply_chain(
        struct rebuild *rebuild, const struct rebuild_chain *chain, size_t count, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    for (size_t i = count; i > 0 && verdict == VERDICT_OK; i--)
        verdict = rebuild_apply_step(rebuild, &chain->steps[i - 1], failure);
    if (verdict != VERDICT_OK)
        rebuild_drop(rebuild);
    if (chain->count > 0)
        note_newest(rebuild, &chain->steps[0].link);
    return verdict;
}

/* Points were written after the manifest's. */
static enum verdict follow(struct rebuild *rebuild, const struct points_list *list, const struct state_point_link *last,
        enum standing *standing, struct failure *failure)
{
    struct rebuild_chain chain = { NULL, 0, 0, false };
    enum verdict verdict;

    *standing = OUT_OF_STEP;
    if (has_outbox(rebuild)) /* these lines would be told after later ones */
        return VERDICT_OK;
    verdict = rebuild_chain_walk(rebuild, list, last, 0, &chain, failure);
    if (verdict == VERDICT_OK && names_all(&chain, &rebuild->named)) {
        verdict = apply_chain(rebuild, &chain, chain.count, failure);
        if (verdict == VERDICT_OK) {
            *standing = STANDS;
            rebuild->result->from = REBUILD_LOGS;
            publish_logs_free(&rebuild->named);
        } else if (verdict == VERDICT_BAD_DATA) {
            verdict = VERDICT_NOT_FOUND; /* a full file may hold what is damaged here */
        }
    }
    rebuild_chain_free(&chain);
    return verdict == VERDICT_NOT_FOUND ? VERDICT_OK : verdict;
}

/* Whether all logs that the manifest knows to be without a point are in the vault, and whether others are. */
static bool are_there(const struct publish_logs *logs, const struct points_list *list)
{
    for (size_t i = 0; i < logs->count; i++) {
        bool found = false;
        for (size_t j = 0; j < list->count && !found; j++)
            found = strcmp(list->items[j].id, logs->items[i].point) == 0 && !list->items[j].has_point &&
                    list->items[j].logs >= logs->items[i].number;
        if (!found)
            return false;
    }
    return true;
}

static bool has_unnamed(const struct publish_logs *logs, const struct points_list *list, const char *newest)
{
    for (size_t i = 0; i < list->count; i++) {
        struct state_point_file file = { .kind = LAYOUT_CHANGES };
        if (list->items[i].has_point || strcmp(list->items[i].id, newest) <= 0)
            continue;
        memcpy(file.point, list->items[i].id, sizeof file.point);
        for (file.number = 1; file.number <= list->items[i].logs; file.number++)
            if (!publish_logs_has(logs, &file))
                return true;
    }
    return false;
}

/*
 * Logs that a killed run left. Those that meta names are in the manifest already. Of others it cannot be told whether
 * the lines in the outbox are theirs (killed between the put and the note of it) or older: then all is begun anew.
 */
static enum verdict take_orphans(
        struct rebuild *rebuild, const struct points_list *list, enum standing *standing, struct failure *failure)
{
    const char *newest = rebuild->result->has_newest ? rebuild->result->newest.point : "";
    enum verdict verdict;

    if (!are_there(&rebuild->named, list) || (has_outbox(rebuild) && has_unnamed(&rebuild->named, list, newest))) {
        *standing = OUT_OF_STEP;
        return VERDICT_OK;
    }
    if (has_unnamed(&rebuild->named, list, newest))
        rebuild->result->from = REBUILD_LOGS;
    verdict = rebuild_apply_orphans(rebuild, list, newest, failure);
    if (verdict != VERDICT_OK)
        rebuild_drop(rebuild);
    return verdict;
}

/* The manifest is trusted: only what came after it is looked at. */
static enum verdict keep(struct rebuild *rebuild, enum standing *standing, struct failure *failure)
{
    struct points_list list = { NULL, 0, 0 };
    struct state_point_link last;
    bool has_last;
    enum verdict verdict = publish_last(rebuild->manifest, &last, failure);

    *standing = OUT_OF_STEP;
    has_last = verdict == VERDICT_OK;
    if (verdict == VERDICT_BAD_DATA || (!has_last && is_empty(rebuild)))
        return VERDICT_OK;
    if (verdict == VERDICT_OK || verdict == VERDICT_NOT_FOUND)
        verdict = points_find(
                rebuild->vault, rebuild->conn, rebuild->source->name, has_last ? last.point : NULL, &list, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    *standing = STANDS;
    note_folders(rebuild, &list);
    if (newest_of(&list) != NULL && !has_last)
        *standing = OUT_OF_STEP; /* the first run was killed here and done elsewhere */
    else if (newest_of(&list) != NULL)
        verdict = follow(rebuild, &list, &last, standing, failure);
    else if (has_last)
        verdict = check_last(rebuild, &last, standing, failure);
    if (verdict == VERDICT_OK && *standing == STANDS)
        verdict = take_orphans(rebuild, &list, standing, failure);
    points_list_free(&list);
    return verdict;
}

/* The newest full files, or older ones where those are damaged; then the logs after them. */
enum verdict rebuild_from_chain(struct rebuild *rebuild, const struct points_list *list, struct failure *failure)
{
    struct rebuild_chain chain = { NULL, 0, 0, false };
    struct failure other;
    enum verdict verdict = rebuild_chain_walk(rebuild, list, NULL, 0, &chain, failure);
    size_t count;

    if (verdict == VERDICT_OK)
        verdict = rebuild_begin_anew(rebuild, failure);
    if (verdict != VERDICT_OK) {
        rebuild_chain_free(&chain);
        return verdict;
    }
    for (unsigned skip = 1;; skip++) {
        const struct rebuild_step *base = &chain.steps[chain.count - 1];
        struct failure *why = skip == 1 ? failure : &other; /* what is told is what is wrong with the newest */
        count = chain.from_full ? chain.count - 1 : chain.count;
        verdict = rebuild_load_full(rebuild, chain.from_full ? base : NULL, why);
        if (verdict != VERDICT_BAD_DATA || !chain.from_full)
            break;
        rebuild_chain_free(&chain);
        if (rebuild_chain_walk(rebuild, list, NULL, skip, &chain, &other) != VERDICT_OK)
            return verdict;
    }
    if (verdict == VERDICT_OK)
        verdict = apply_chain(rebuild, &chain, count, failure);
    rebuild_chain_free(&chain);
    return verdict;
}

static enum verdict anew(struct rebuild *rebuild, struct failure *failure)
{
    struct points_list list = { NULL, 0, 0 };
    const struct point_listed *newest;
    bool dropped = has_outbox(rebuild) || rebuild->named.count > 0;
    enum verdict verdict = points_find(rebuild->vault, rebuild->conn, rebuild->source->name, NULL, &list, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    newest = newest_of(&list);
    note_folders(rebuild, &list);
    rebuild->result->from = REBUILD_FULL;
    rebuild->result->orphan_logs = dropped;
    if (newest != NULL) {
        verdict = rebuild_from_chain(rebuild, &list, failure);
    } else {
        verdict = rebuild_begin_anew(rebuild, failure);
        if (verdict == VERDICT_OK && has_unnamed(&rebuild->named, &list, ""))
            verdict = rebuild_load_full(rebuild, NULL, failure);
        else if (verdict == VERDICT_OK)
            verdict = rebuild_load_versions(rebuild, NULL, failure);
    }
    if (verdict == VERDICT_OK)
        verdict = rebuild_apply_orphans(rebuild, &list, newest != NULL ? newest->id : "", failure);
    if (verdict == VERDICT_OK)
        verdict = rebuild_finish(rebuild, failure);
    rebuild_drop(rebuild);
    points_list_free(&list);
    return verdict;
}

static enum verdict end(struct rebuild *rebuild, enum verdict verdict, struct failure *failure)
{
    struct manifest_totals totals;
    enum state_status status = STATE_OK;

    if (verdict == VERDICT_OK && rebuild->result->from != REBUILD_NOTHING)
        status = manifest_sync(rebuild->manifest, &rebuild->error);
    if (status != STATE_OK)
        verdict = rebuild_manifest_fail(rebuild, status, failure);
    manifest_totals(rebuild->manifest, &totals);
    rebuild->result->records = totals.records;
    publish_logs_free(&rebuild->named);
    return verdict;
}

/* *fit: what the manifest's meta says can be used. */
static enum verdict begin(struct rebuild *rebuild, bool *fit, struct failure *failure)
{
    enum verdict verdict = publish_logs_read(rebuild->manifest, &rebuild->named, failure);

    memset(rebuild->result, 0, sizeof *rebuild->result);
    if (verdict == VERDICT_OK)
        verdict = publish_since_read(rebuild->manifest, &rebuild->since, failure);
    *fit = verdict == VERDICT_OK;
    return verdict == VERDICT_BAD_DATA ? VERDICT_OK : verdict;
}

enum verdict rebuild_catch_up(const struct vault *vault, const struct source *source, struct s3_conn *conn,
        struct manifest *manifest, bool from_scratch, struct rebuild_result *result, struct failure *failure)
{
    struct rebuild rebuild = {
        .vault = vault, .source = source, .conn = conn, .manifest = manifest, .result = result, .until_ms = INT64_MAX
    };
    enum standing standing = OUT_OF_STEP;
    bool fit;
    enum verdict verdict = begin(&rebuild, &fit, failure);

    if (verdict == VERDICT_OK && fit && !from_scratch && !rebuild_is_unfinished(&rebuild))
        verdict = keep(&rebuild, &standing, failure);
    if (verdict == VERDICT_OK && standing == OUT_OF_STEP)
        verdict = anew(&rebuild, failure);
    return end(&rebuild, verdict, failure);
}

enum verdict rebuild_from_versions(const struct vault *vault, const struct source *source, struct s3_conn *conn,
        struct manifest *manifest, struct rebuild_result *result, struct failure *failure)
{
    struct rebuild rebuild = {
        .vault = vault, .source = source, .conn = conn, .manifest = manifest, .result = result, .until_ms = INT64_MAX
    };
    struct points_list list = { NULL, 0, 0 };
    struct point_read read = { .point = NULL };
    const struct point_listed *newest;
    bool fit;
    enum verdict verdict = begin(&rebuild, &fit, failure);

    if (verdict == VERDICT_OK)
        verdict = points_find(vault, conn, source->name, NULL, &list, failure);
    if (verdict != VERDICT_OK)
        return end(&rebuild, verdict, failure);
    newest = newest_of(&list);
    note_folders(&rebuild, &list);
    if (newest != NULL)
        verdict = points_read(vault, conn, source->name, newest, &read, failure);
    if (verdict == VERDICT_BAD_DATA && read.link.point[0] != '\0')
        verdict = VERDICT_OK; /* whatever it says, the chain goes on after its bytes */
    if (verdict == VERDICT_OK && newest != NULL)
        note_newest(&rebuild, &read.link);
    if (verdict == VERDICT_OK)
        verdict = rebuild_begin_anew(&rebuild, failure);
    if (verdict == VERDICT_OK)
        verdict = rebuild_load_versions(&rebuild, newest != NULL ? &read.link : NULL, failure);
    if (verdict == VERDICT_OK)
        verdict = rebuild_finish(&rebuild, failure);
    rebuild_drop(&rebuild);
    point_read_free(&read);
    points_list_free(&list);
    return end(&rebuild, verdict, failure);
}
