/*
 * The oldest points' own files: all folders before the first one that what is left of the chain names. First the word
 * of where the chain begins, then the files, of each folder its forgotten.json last. See prune_inside.h.
 */
#include "agent/prune_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/event.h"

/* Whether the chain may begin there, as it does already, or by what its full file says. */
static enum verdict check_root(struct pruning *pruning, size_t root, bool *may, struct failure *failure)
{
    const char *id = pruning->verifying.points[root].listed.id;
    enum verdict verdict;

    *may = (pruning->record.has_root && strcmp(pruning->record.root, id) == 0) || strcmp(pruning->true_full, id) == 0;
    if (*may)
        return VERDICT_OK;
    verdict = prune_full_is_true(pruning, root, may, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (*may)
        memcpy(pruning->true_full, id, sizeof pruning->true_full);
    else
        event_warn("full-differs", pruning->options->source,
                "the full file of point %s does not say what the logs up to it say, so that the chain of points cannot "
                "begin with it. `vaultferry verify` says more",
                id);
    return VERDICT_OK;
}

/* Where the chain is to begin; point_count: where it begins now. */
static enum verdict choose_root(struct pruning *pruning, size_t *root, struct failure *failure)
{
    const struct verifying *verifying = &pruning->verifying;
    bool *has_full = calloc(verifying->point_count + 1, sizeof *has_full), may = false;
    enum verdict verdict = VERDICT_OK;

    if (has_full == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < verifying->point_count; i++)
        for (size_t f = 0; verifying->points[i].slim != NULL && f < verifying->points[i].files_count; f++)
            has_full[i] = has_full[i] || verifying->points[i].files[f].kind == LAYOUT_FULL;
    while (verdict == VERDICT_OK && !may) {
        *root = prune_judge_root(&pruning->report->points, has_full);
        if (*root == verifying->point_count)
            break;
        verdict = check_root(pruning, *root, &may, failure);
        has_full[*root] = may;
    }
    free(has_full);
    return verdict;
}

/* The first folder that a point from the root on names a file in: logs of a killed run lie in that run's own folder. */
static const char *first_named(const struct verifying *verifying, size_t root)
{
    const char *first = verifying->points[root].listed.id;

    for (size_t i = root; i < verifying->point_count; i++)
        for (size_t f = 0; verifying->points[i].slim != NULL && f < verifying->points[i].files_count; f++)
            if (strcmp(verifying->points[i].files[f].point, first) < 0)
                first = verifying->points[i].files[f].point;
    return first;
}

enum verdict prune_chain_begin(struct pruning *pruning, size_t *root, struct failure *failure)
{
    enum verdict verdict = choose_root(pruning, root, failure);

    if (verdict == VERDICT_OK && *root == pruning->verifying.point_count)
        *root = 0; /* nothing can go: all belongs to it */
    return verdict;
}

static enum verdict leave_word(struct pruning *pruning, size_t root, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    const struct verify_point *point = &pruning->verifying.points[root];
    struct prune_record *record = &pruning->record;

    if (record->has_root && strcmp(record->root, point->listed.id) == 0)
        return VERDICT_OK;
    record->has_root = true;
    memcpy(record->root, point->listed.id, sizeof record->root);
    record->removed = point->slim->predecessor;
    return prune_record_write(options->vault, options->conn, options->source, record, failure);
}

/* A folder while it is listed, and the versions of its forgotten.json. */
enum { WORDS_MAX = 8 };
struct folder {
    char id[STATE_POINT_SIZE];
    bool rest; /* something besides forgotten.json is there */
    size_t count;
    struct {
        char path[S3_KEY_MAX], version[POINT_VERSION_SIZE];
        size_t path_len, version_len;
    } words[WORDS_MAX];
};

static void keep_word(struct folder *folder, const struct prune_item *item)
{
    if (folder->count == WORDS_MAX || item->version.len > sizeof folder->words[0].version)
        return;
    memcpy(folder->words[folder->count].path, item->path.ptr, item->path.len);
    memcpy(folder->words[folder->count].version, item->version.ptr, item->version.len);
    folder->words[folder->count].path_len = item->path.len;
    folder->words[folder->count++].version_len = item->version.len;
}

static enum verdict end_folder(struct folder *folder, struct prune_batch *batch, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < folder->count && !folder->rest && verdict == VERDICT_OK; i++) {
        const struct prune_item item = { .kind = PRUNE_POINT_FILE,
            .path = { folder->words[i].path, folder->words[i].path_len },
            .version = { folder->words[i].version, folder->words[i].version_len } };
        verdict = prune_batch_add(batch, &item, false, failure);
    }
    folder->count = 0;
    folder->rest = false;
    return verdict;
}

/* One file of a folder that goes. In the first sweep all but the forgotten.json are removed; in the second that, where
 * nothing else is left. */
static enum verdict take_file(struct pruning *pruning, struct prune_batch *batch, struct folder *folder,
        const struct prune_item *item, const struct layout_parts *parts, bool second, struct failure *failure)
{
    const struct prune_points *points = &pruning->report->points;
    enum verdict verdict = VERDICT_OK;

    if (memcmp(parts->point.ptr, folder->id, STATE_POINT_LEN) != 0) {
        verdict = end_folder(folder, batch, failure);
        memcpy(folder->id, parts->point.ptr, STATE_POINT_LEN);
    }
    if (verdict != VERDICT_OK)
        return verdict;
    folder->rest = folder->rest || parts->kind != LAYOUT_FORGOTTEN;
    if (second && parts->kind == LAYOUT_FORGOTTEN)
        keep_word(folder, item);
    else if (!second && parts->kind != LAYOUT_FORGOTTEN && item->modified_ms < points->items[points->newest].started_ms)
        return prune_batch_add(batch, item, false, failure);
    return VERDICT_OK;
}

static enum verdict list_folders(struct pruning *pruning, struct prune_batch *batch, struct points_versions *cursor,
        const char *end, bool second, struct failure *failure)
{
    const struct s3_page_entry *entry = NULL;
    struct folder folder = { .count = 0 };
    struct layout_parts parts;
    enum verdict verdict = points_versions_next(cursor, &entry, failure);

    while (verdict == VERDICT_OK && entry != NULL) {
        const struct prune_item item = { .kind = PRUNE_POINT_FILE,
            .path = { entry->key.ptr, entry->key.len },
            .version = { entry->version.ptr, entry->version.len },
            .modified_ms = entry->modified_ms };
        if (layout_parse(&pruning->options->vault->layout, entry->key.ptr, entry->key.len, &parts) == STATE_OK) {
            if (memcmp(parts.point.ptr, end, STATE_POINT_LEN) >= 0)
                break;
            verdict = take_file(pruning, batch, &folder, &item, &parts, second, failure);
        }
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(cursor, &entry, failure);
    }
    if (verdict == VERDICT_OK)
        verdict = end_folder(&folder, batch, failure);
    return verdict == VERDICT_OK ? prune_batch_flush(batch, failure) : verdict;
}

static enum verdict sweep(struct pruning *pruning, const char *end, bool second, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct prune_batch *batch = prune_batch_new(pruning);
    struct points_versions cursor;
    struct layout_path path;
    enum verdict verdict;

    if (batch == NULL || layout_folder(&options->vault->layout, LAYOUT_POINT, options->source, &path) != STATE_OK) {
        prune_batch_free(batch);
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    points_versions_begin(&cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = list_folders(pruning, batch, &cursor, end, second, failure);
    points_versions_end(&cursor);
    prune_batch_free(batch);
    return verdict;
}

enum verdict prune_segment(struct pruning *pruning, struct failure *failure)
{
    const struct verifying *verifying = &pruning->verifying;
    const char *end;
    size_t root = 0;
    enum verdict verdict = choose_root(pruning, &root, failure);

    if (verdict != VERDICT_OK || root == verifying->point_count)
        return verdict;
    end = first_named(verifying, root);
    if (strcmp(verifying->points[0].listed.id, end) >= 0)
        return VERDICT_OK;
    verdict = leave_word(pruning, root, failure);
    if (verdict == VERDICT_OK)
        verdict = sweep(pruning, end, false, failure);
    if (verdict == VERDICT_OK)
        verdict = sweep(pruning, end, true, failure);
    return verdict;
}
