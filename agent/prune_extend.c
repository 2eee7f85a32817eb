/*
 * Locks that are extended (lock.extend) for what stays because a point needs it: versions as they are counted, names of
 * long keys, and the points' own files from where the chain is to begin. See prune_inside.h and lock_extend.h.
 *
 * Before anything is taken away, and also where a prune then stops and asks: what is kept must not wait for that. What
 * goes, or is only kept by its lock, is never touched: it would stay for ever.
 */
#include "agent/prune_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/event.h"

enum verdict prune_extend_begin(struct pruning *pruning, struct failure *failure)
{
    const struct prune_options *options = pruning->options;

    if (!lock_extend_wanted(options->vault))
        return VERDICT_OK;
    pruning->report->extends = true;
    return lock_extender_new(options->program, options->vault, options->dry_run, &pruning->extender, failure);
}

enum verdict prune_extend(struct pruning *pruning, const struct prune_item *item, struct failure *failure)
{
    return pruning->extender == NULL
                   ? VERDICT_OK
                   : lock_extender_give(pruning->extender, item->path, item->version, item->modified_ms, failure);
}

/* Whether the chain from its beginning on names this file: its own point does, or a later one where its run was killed.
 */
static bool is_named(const struct pruning *pruning, size_t root, const struct layout_parts *parts)
{
    const struct verifying *verifying = &pruning->verifying;

    for (size_t i = root; i < verifying->point_count; i++) {
        const struct verify_point *point = &verifying->points[i];
        int order = memcmp(point->listed.id, parts->point.ptr, STATE_POINT_LEN);
        if (order < 0 || point->slim == NULL)
            continue;
        if (order == 0 && parts->kind == LAYOUT_POINT)
            return true;
        for (size_t f = 0; f < point->files_count; f++)
            if (point->files[f].kind == parts->kind && point->files[f].number == parts->number &&
                    memcmp(point->files[f].point, parts->point.ptr, STATE_POINT_LEN) == 0)
                return true;
    }
    return false;
}

/* The oldest version of a file is the one that counts; it is listed last. */
struct oldest {
    char path[S3_KEY_MAX], version[POINT_VERSION_SIZE];
    struct prune_item item;
};

static enum verdict settle(struct pruning *pruning, const struct oldest *oldest, size_t root, struct failure *failure)
{
    struct layout_parts parts;

    if (oldest->item.path.len == 0 ||
            layout_parse(&pruning->options->vault->layout, oldest->path, oldest->item.path.len, &parts) != STATE_OK)
        return VERDICT_OK;
    return is_named(pruning, root, &parts) ? prune_extend(pruning, &oldest->item, failure) : VERDICT_OK;
}

static void note(struct oldest *oldest, const struct s3_page_entry *entry)
{
    memcpy(oldest->path, entry->key.ptr, entry->key.len);
    if (entry->version.len > 0)
        memcpy(oldest->version, entry->version.ptr, entry->version.len);
    oldest->item = (struct prune_item){ .kind = PRUNE_POINT_FILE,
        .path = { oldest->path, entry->key.len },
        .version = { oldest->version, entry->version.len },
        .modified_ms = entry->modified_ms };
}

static bool is_same(const struct oldest *oldest, const struct s3_page_entry *entry)
{
    return oldest->item.path.len == entry->key.len && memcmp(oldest->path, entry->key.ptr, entry->key.len) == 0;
}

static enum verdict list_files(
        struct pruning *pruning, struct points_versions *cursor, size_t root, struct failure *failure)
{
    struct oldest *oldest = calloc(1, sizeof *oldest);
    const struct s3_page_entry *entry = NULL;
    enum verdict verdict;

    if (oldest == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    verdict = points_versions_next(cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        if (!is_same(oldest, entry)) {
            verdict = settle(pruning, oldest, root, failure);
            oldest->item.path.len = 0;
        }
        if (!entry->is_marker && entry->version.len <= sizeof oldest->version)
            note(oldest, entry);
        if (verdict == VERDICT_OK)
            verdict = prune_may_go_on(pruning, failure);
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(cursor, &entry, failure);
    }
    if (verdict == VERDICT_OK)
        verdict = settle(pruning, oldest, root, failure);
    free(oldest);
    return verdict;
}

enum verdict prune_extend_points(struct pruning *pruning, struct failure *failure)
{
    const struct prune_options *options = pruning->options;
    struct points_versions cursor;
    struct layout_path path;
    size_t root = 0;
    enum verdict verdict;

    if (pruning->extender == NULL || pruning->verifying.point_count == 0)
        return VERDICT_OK;
    if (layout_folder(&options->vault->layout, LAYOUT_POINT, options->source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    verdict = prune_chain_begin(pruning, &root, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    points_versions_begin(&cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = list_files(pruning, &cursor, root, failure);
    points_versions_end(&cursor);
    return verdict;
}

void prune_extend_end(struct pruning *pruning)
{
    struct lock_extended *done = &pruning->report->extended;

    lock_extender_end(pruning->extender, done);
    pruning->extender = NULL;
    if (done->failed > 0)
        event_warn("locks-not-extended", pruning->report->source, "%llu locks could not be extended; the first: %s",
                (unsigned long long)done->failed, done->failure.what);
}
