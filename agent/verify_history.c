/*
 * All that the logs say, sorted; and of one place, what a kept point needs. A log that cannot be read is told; what it
 * may have recorded is then not held against anybody. See verify_inside.h.
 */
#include "agent/verify_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event.h"

/* Where a file's lines go. */
struct taking {
    struct verifying *verifying;
    uint32_t point;
    enum verdict verdict;
    struct failure failure;
};

static enum state_status take(void *ctx, const struct state_change *change)
{
    struct taking *taking = ctx;
    struct verifying *verifying = taking->verifying;
    const struct verify_options *options = verifying->options;
    size_t folder_len = strlen("data/") + strlen(options->source) + 1;
    struct layout_path path;
    enum layout_kind kind;
    struct state_error error;
    struct verify_record record = { .key = change->entry.key,
        .name = change->entry.key,
        .version = change->entry.vault_version,
        .etag = change->entry.etag,
        .checksum = change->entry.checksum,
        .sequence = verifying->sequence++,
        .size = change->entry.size,
        .copied_ms = change->entry.copied_ms,
        .point = taking->point,
        .did = change->did,
        .by = change->by,
        .class_ = change->entry.class_ };

    if (folder_len + options->vault->layout.prefix_len + change->entry.key.len > STATE_PATH_MAX) {
        enum state_status status =
                layout_data(&options->vault->layout, options->source, change->entry.key, &path, &kind, &error);
        if (status != STATE_OK)
            return status;
        record.is_long = true;
        record.name =
                (struct state_text){ path.ptr + path.len - (STATE_SHA256_HEX_SIZE - 1), STATE_SHA256_HEX_SIZE - 1 };
    }
    taking->verdict = verify_sort_add(verifying->history, &record, &taking->failure);
    return taking->verdict == VERDICT_OK ? STATE_OK : STATE_FULL;
}

static enum state_status see(void *ctx, const struct state_change *change)
{
    (void)ctx;
    (void)change;
    return STATE_OK;
}

/* Reads one file: its lines into the history, or only to see that it is whole. *lost: it cannot be read. */
static enum verdict read_file(struct verifying *verifying, const struct state_point_file *file, bool known,
        uint32_t point, bool only_look, bool *lost, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct taking taking = { .verifying = verifying, .point = point, .verdict = VERDICT_OK };
    const struct change_file_visitor visitor = { only_look ? see : take, &taking };
    const struct verify_file *listed = verify_find_file(verifying, file->point, file->kind, file->number);
    struct change_file_id id = { .kind = file->kind, .number = file->number };
    struct layout_path path;
    enum verdict verdict;

    *lost = listed == NULL || !listed->there; /* told by its listing */
    if (*lost)
        return VERDICT_OK;
    (void)snprintf(id.source, sizeof id.source, "%s", options->source);
    memcpy(id.point, file->point, sizeof id.point);
    verdict = points_read_file(options->vault, options->conn, &id, known ? &file->sum : NULL, visitor, NULL, failure);
    if (taking.verdict != VERDICT_OK) {
        *failure = taking.failure;
        return taking.verdict;
    }
    *lost = verdict == VERDICT_BAD_DATA || verdict == VERDICT_NOT_FOUND || verdict == VERDICT_FULL;
    if (!*lost)
        return verdict;
    verify_path(verifying, file->point, file->kind, file->number, &path);
    if (!known)
        verify_note(verifying, VERIFY_NOTE_LOGS, "%s cannot be read", path.ptr);
    else if (listed->size == file->sum.bytes) /* else it was told */
        verify_tell(verifying, file->kind == LAYOUT_FULL ? "full-changed" : "log-changed",
                (struct state_text){ path.ptr, path.len }, "%s", failure->what);
    return VERDICT_OK;
}

/* What a file that cannot be read may have recorded was written after its folder's time, and before the point's end. */
static enum verdict lose(struct verifying *verifying, const char *folder, int64_t to_ms, struct failure *failure)
{
    int64_t from_s = 0;

    (void)!state_utc_from_point(folder, strlen(folder), &from_s);
    return verify_add_lost(verifying, from_s * 1000, to_ms) ? VERDICT_OK
                                                            : failure_set(failure, VERDICT_INTERNAL, "out of memory");
}

static enum verdict read_logs(struct verifying *verifying, size_t index, struct failure *failure)
{
    const struct verify_point *point = &verifying->points[index];
    enum verdict verdict = VERDICT_OK;
    bool lost = false;

    for (size_t i = 0; i < point->files_count && verdict == VERDICT_OK && !verify_stops(verifying); i++) {
        if (point->files[i].kind != LAYOUT_CHANGES)
            continue;
        verdict = read_file(verifying, &point->files[i], true, (uint32_t)index, false, &lost, failure);
        if (verdict == VERDICT_OK && lost)
            verdict = lose(verifying, point->files[i].point, point->finished_ms, failure);
    }
    return verdict;
}

/* *lost: one of them cannot be read. */
static enum verdict read_fulls(
        struct verifying *verifying, size_t index, bool only_look, bool *lost, struct failure *failure)
{
    const struct verify_point *point = &verifying->points[index];
    enum verdict verdict = VERDICT_OK;
    bool one = false;

    *lost = false;
    for (size_t i = 0; i < point->files_count && verdict == VERDICT_OK && !verify_stops(verifying); i++) {
        if (point->files[i].kind != LAYOUT_FULL)
            continue;
        verdict = read_file(verifying, &point->files[i], true, (uint32_t)index, only_look, &one, failure);
        *lost = *lost || one;
    }
    return verdict;
}

/* Logs in a folder without a point: of a run that did not end, or whose point was taken away. */
static enum verdict read_stray(struct verifying *verifying, size_t index, struct failure *failure)
{
    struct verify_point *point = &verifying->points[index];
    enum verdict verdict = VERDICT_OK;
    bool lost;

    for (size_t i = 0; i < verifying->file_count && verdict == VERDICT_OK && !verify_stops(verifying); i++) {
        struct verify_file *file = &verifying->files[i];
        struct state_point_file named = { .kind = LAYOUT_CHANGES, .number = file->number };
        if (file->folder != index || file->kind != LAYOUT_CHANGES || file->named)
            continue;
        memcpy(named.point, point->listed.id, sizeof named.point);
        verdict = read_file(verifying, &named, false, (uint32_t)index, false, &lost, failure);
    }
    return verdict;
}

/* Where the history begins: with the first log of all, or, after a prune, with the first full file that is left. */
static size_t find_base(const struct verifying *verifying, bool *from_full)
{
    size_t first = verifying->point_count;

    *from_full = false;
    for (size_t i = 0; i < verifying->point_count; i++) {
        const struct verify_point *point = &verifying->points[i];
        if (point->slim == NULL)
            continue;
        if (first == verifying->point_count)
            first = i;
        if (first == i && !point->follows)
            return i;
        for (size_t f = 0; f < point->files_count; f++)
            if (point->files[f].kind == LAYOUT_FULL) {
                *from_full = true;
                return i;
            }
    }
    return first;
}

/* What one folder adds. `base` is where the history begins, with its full files or with its logs. */
static enum verdict read_folder(
        struct verifying *verifying, size_t i, size_t base, bool from_full, struct failure *failure)
{
    const struct verify_point *point = &verifying->points[i];
    bool is_base = i == base && from_full, lost = false;
    bool counts = point->stray || i > verifying->newest || verifying->newest == verifying->point_count;
    enum verdict verdict = VERDICT_OK;

    if (point->slim == NULL)
        return counts && (i > base || base == verifying->point_count) ? read_stray(verifying, i, failure) : VERDICT_OK;
    if (is_base)
        verdict = read_fulls(verifying, i, false, &lost, failure);
    else if (i >= base)
        verdict = read_logs(verifying, i, failure);
    if (verdict == VERDICT_OK && is_base && lost && !verify_add_lost(verifying, INT64_MIN, point->finished_ms))
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    /* where something is lost, a later full file may know what it told */
    if (verdict == VERDICT_OK && !is_base && (verifying->options->read_data || verifying->lost_count > 0))
        verdict = read_fulls(verifying, i, verifying->lost_count == 0 || i < base, &lost, failure);
    return verdict;
}

static enum verdict read_all(struct verifying *verifying, struct failure *failure)
{
    bool from_full;
    size_t base = find_base(verifying, &from_full);
    enum verdict verdict = VERDICT_OK;

    if (base < verifying->point_count && verifying->points[base].follows && !from_full &&
            !verify_add_lost(verifying, INT64_MIN, verifying->points[base].started_ms))
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < verifying->point_count && verdict == VERDICT_OK && !verify_stops(verifying); i++) {
        if (i % 64 == 0)
            event_progress(
                    "%s: reading the logs of %zu of %zu points", verifying->options->source, i, verifying->point_count);
        verdict = read_folder(verifying, i, base, from_full, failure);
    }
    return verdict;
}

enum verdict verify_read_history(struct verifying *verifying, struct failure *failure)
{
    enum verdict verdict = verify_sort_new(verifying->options->program->state_dir, 0, &verifying->history, failure);

    return verdict == VERDICT_OK ? read_all(verifying, failure) : verdict;
}

enum verdict verify_read_full(struct verifying *verifying, size_t index, bool *lost, struct failure *failure)
{
    enum verdict verdict;

    verifying->history = NULL;
    verdict = verify_sort_new(verifying->options->program->state_dir, 0, &verifying->history, failure);
    return verdict == VERDICT_OK ? read_fulls(verifying, index, false, lost, failure) : verdict;
}

void verify_group_free(struct verify_group *group)
{
    free(group->changes);
    free(group->text);
    *group = (struct verify_group){ .count = 0 };
}

/* Texts are laid into memory that may move: until the group is whole, their pointers are offsets. */
static bool lay(struct verify_group *group, struct state_text *text)
{
    size_t at = group->text_used;

    if (group->text_used + text->len + 1 > group->text_capacity) {
        size_t capacity = (group->text_used + text->len + 1) * 2;
        char *larger = realloc(group->text, capacity);
        if (larger == NULL)
            return false;
        group->text = larger;
        group->text_capacity = capacity;
    }
    if (text->len > 0)
        memcpy(group->text + at, text->ptr, text->len);
    group->text[at + text->len] = '\0';
    group->text_used += text->len + 1;
    text->ptr = NULL;
    return true;
}

static bool add_change(struct verify_group *group, const struct verify_record *record)
{
    struct verify_change *change;

    if (group->count == group->capacity) {
        size_t capacity = group->capacity == 0 ? 16 : group->capacity * 2;
        struct verify_change *changes = realloc(group->changes, capacity * sizeof *changes);
        if (changes == NULL)
            return false;
        group->changes = changes;
        group->capacity = capacity;
    }
    change = &group->changes[group->count];
    *change = (struct verify_change){ .record = *record };
    if (group->count == 0) {
        group->is_long = record->is_long;
        group->name = record->name;
        group->key = record->key;
        if (!lay(group, &group->name) || !lay(group, &group->key))
            return false;
    }
    group->count++;
    return lay(group, &change->record.version) && lay(group, &change->record.etag) &&
           lay(group, &change->record.checksum);
}

static void settle(struct verify_group *group)
{
    const char *at = group->text;

    group->name.ptr = at;
    at += group->name.len + 1;
    group->key.ptr = at;
    at += group->key.len + 1;
    for (size_t i = 0; i < group->count; i++) {
        struct verify_record *record = &group->changes[i].record;
        record->name = group->name;
        record->key = group->key;
        record->version.ptr = at;
        at += record->version.len + 1;
        record->etag.ptr = at;
        at += record->etag.len + 1;
        record->checksum.ptr = at;
        at += record->checksum.len + 1;
    }
}

/* A change is needed by the kept points from its own up to the one before the next change; the newest of all also
 * without a point. */
static void mark_needed(const struct verifying *verifying, struct verify_group *group)
{
    size_t until = verifying->point_count;

    for (size_t i = 0; i < group->count; i++) {
        struct verify_change *change = &group->changes[i];
        change->needed = change->record.did != STATE_DELETED &&
                         (i == 0 || verify_is_kept(verifying, change->record.point, until));
        until = change->record.point < until ? change->record.point : until;
    }
}

static bool is_of(const struct verify_group *group, const struct verify_record *record)
{
    return group->is_long == record->is_long && group->name.len == record->name.len &&
           memcmp(group->text, record->name.ptr, record->name.len) == 0;
}

enum verdict verify_group_next(struct verifying *verifying, const struct verify_record **ahead,
        struct verify_group *group, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    group->count = group->text_used = 0;
    while (verdict == VERDICT_OK && *ahead != NULL && (group->count == 0 || is_of(group, *ahead))) {
        if (!add_change(group, *ahead))
            return failure_set(failure, VERDICT_INTERNAL, "out of memory");
        verdict = verify_sort_next(verifying->history, ahead, failure);
    }
    if (verdict != VERDICT_OK || group->count == 0)
        return verdict;
    settle(group);
    mark_needed(verifying, group);
    return VERDICT_OK;
}
