/* The points against each other, and the files that they name against those that are there; see verify_inside.h. */
#include "agent/verify_inside.h"

#include <stdlib.h>
#include <string.h>

enum fault { REWRITTEN, HIDDEN, MISSING, CHANGED };

/* A stable name for what is wrong with a file. */
static const char *problem_of(enum layout_kind kind, enum fault fault)
{
    static const char *const names[][4] = { { "point-rewritten", "point-hidden", "point-missing", "point-changed" },
        { "log-rewritten", "log-hidden", "log-missing", "log-changed" },
        { "full-rewritten", "full-hidden", "full-missing", "full-changed" },
        { "record-rewritten", "record-hidden", "record-missing", "record-changed" } };

    return names[kind == LAYOUT_POINT ? 0 : kind == LAYOUT_CHANGES ? 1 : kind == LAYOUT_FULL ? 2 : 3][fault];
}

/* Files are written once: a second version or a marker is not ours. */
static void check_written_once(struct verifying *verifying)
{
    for (size_t i = 0; i < verifying->file_count; i++) {
        const struct verify_file *file = &verifying->files[i];
        struct layout_path path;
        if ((!file->hidden && !file->rewritten) || verifying->points[file->folder].removed)
            continue;
        verify_path(verifying, verifying->points[file->folder].listed.id, file->kind, file->number, &path);
        const struct state_text key = { path.ptr, path.len };
        if (file->rewritten)
            verify_tell(verifying, problem_of(file->kind, REWRITTEN), key,
                    "another content was written over it: what counts is its oldest version, which restores read");
        if (file->hidden && file->there)
            verify_tell(verifying, problem_of(file->kind, HIDDEN), key,
                    "a delete marker lies over it: its version is still there and is read, remove the marker");
        else if (file->hidden)
            verify_tell(verifying, problem_of(file->kind, MISSING), key, "only a delete marker is left of it");
    }
}

/* A point that is only hidden or damaged was told by itself. */
static bool was_told(struct verifying *verifying, const char *id)
{
    const struct verify_file *file = verify_find_file(verifying, id, LAYOUT_POINT, 0);

    return file != NULL && (file->there || file->hidden);
}

/* A point whose link fails: what lies around it is not known for sure. */
static enum verdict tell_fault(
        struct verifying *verifying, const struct chain_verdict *found, const size_t *index, struct failure *failure)
{
    struct verify_point *point = &verifying->points[index[found->at]];
    const struct state_point_link *before = &point->slim->predecessor;
    int64_t from_ms = INT64_MIN;
    size_t back = found->fault == CHAIN_GAP ? 1 : 2;
    struct layout_path path;

    verify_path(verifying, point->listed.id, LAYOUT_POINT, 0, &path);
    const struct state_text key = { path.ptr, path.len };
    switch (found->fault) {
    case CHAIN_GAP:
        verify_path(verifying, before->point, LAYOUT_POINT, 0, &path);
        if (!was_told(verifying, before->point))
            verify_tell(verifying, "point-missing", (struct state_text){ path.ptr, path.len },
                    "the chain is broken: point %s was written after it, and no prune has removed it",
                    point->listed.id);
        for (size_t i = 0; i < verifying->point_count; i++)
            if (strcmp(verifying->points[i].listed.id, before->point) == 0)
                verifying->points[i].stray = true;
        break;
    case CHAIN_ALTERED:
        verify_path(verifying, before->point, LAYOUT_POINT, 0, &path);
        verify_tell(verifying, "point-changed", (struct state_text){ path.ptr, path.len },
                "the chain is broken: point %s was written after a file with SHA-256 %s: one of the two was changed",
                point->listed.id, before->sha256);
        break;
    default:
        verify_tell(verifying, "chain-broken", key, "%s: a run does not write such a point",
                state_chain_fault_name(found->fault));
        break;
    }
    if (found->at >= back)
        from_ms = verifying->points[index[found->at - back]].finished_ms;
    return verify_add_lost(verifying, from_ms, point->started_ms)
                   ? VERDICT_OK
                   : failure_set(failure, VERDICT_INTERNAL, "out of memory");
}

/* Every break, not only the first: behind one, the chain begins anew. */
static enum verdict check_links(struct verifying *verifying, struct failure *failure)
{
    struct chain_point *chain = calloc(verifying->point_count + 1, sizeof *chain);
    size_t *index = calloc(verifying->point_count + 1, sizeof *index), count = 0, from = 0;
    enum verdict verdict = VERDICT_OK;

    if (chain == NULL || index == NULL)
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < verifying->point_count && verdict == VERDICT_OK; i++) {
        if (verifying->points[i].slim == NULL)
            continue;
        memcpy(chain[count].sha256, verifying->points[i].sha256, sizeof chain[count].sha256);
        chain[count].point = verifying->points[i].slim;
        index[count++] = i;
    }
    while (verdict == VERDICT_OK && from < count) {
        struct chain_verdict found = state_chain_check(chain + from, count - from);
        if (found.fault == CHAIN_WHOLE)
            break;
        found.at += from;
        verdict = tell_fault(verifying, &found, index, failure);
        verifying->points[index[found.at]].slim->has_predecessor = false;
        from = found.at;
    }
    free(index);
    free(chain);
    return verdict;
}

enum verdict verify_check_chain(struct verifying *verifying, struct failure *failure)
{
    check_written_once(verifying);
    return check_links(verifying, failure);
}

static void check_named(struct verifying *verifying, const struct verify_point *point)
{
    for (size_t i = 0; i < point->files_count; i++) {
        const struct state_point_file *named = &point->files[i];
        struct verify_file *file = verify_find_file(verifying, named->point, named->kind, named->number);
        struct layout_path path;
        bool missing = file == NULL || !file->there;
        verify_path(verifying, named->point, named->kind, named->number, &path);
        if (file != NULL)
            file->named = true;
        if (missing && (file == NULL || !file->hidden)) /* else it was told */
            verify_tell(verifying, problem_of(named->kind, MISSING), (struct state_text){ path.ptr, path.len },
                    "point %s names it, and it is not in the vault", point->listed.id);
        else if (!missing && file->size != named->sum.bytes)
            verify_tell(verifying, problem_of(named->kind, CHANGED), (struct state_text){ path.ptr, path.len },
                    "it has %llu bytes, point %s says %llu", (unsigned long long)file->size, point->listed.id,
                    (unsigned long long)named->sum.bytes);
    }
}

void verify_check_files(struct verifying *verifying)
{
    for (size_t i = 0; i < verifying->point_count; i++)
        if (verifying->points[i].slim != NULL)
            check_named(verifying, &verifying->points[i]);
    for (size_t i = 0; i < verifying->file_count; i++) {
        const struct verify_file *file = &verifying->files[i];
        struct layout_path path;
        if (file->named || !file->there || (file->kind != LAYOUT_CHANGES && file->kind != LAYOUT_FULL) ||
                verifying->points[file->folder].removed)
            continue;
        verify_path(verifying, verifying->points[file->folder].listed.id, file->kind, file->number, &path);
        verify_note(verifying, VERIFY_NOTE_LOGS, "%s", path.ptr);
    }
}
