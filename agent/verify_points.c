/* The files under points/ by one listing, and the points read; see verify_inside.h. */
#include "agent/verify_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK_S = 120, LATE_S = 3600 };

void verify_path(const struct verifying *verifying, const char *point, enum layout_kind kind, uint64_t number,
        struct layout_path *path)
{
    if (layout_point_file(&verifying->options->vault->layout, verifying->options->source, point, kind, number, path) !=
            STATE_OK)
        path->len = (size_t)snprintf(path->ptr, sizeof path->ptr, "%s", point);
}

static bool grow(void **items, size_t *capacity, size_t count, size_t size)
{
    size_t larger = *capacity == 0 ? 64 : *capacity * 2;
    void *grown;

    if (count < *capacity)
        return true;
    grown = realloc(*items, larger * size);
    if (grown == NULL)
        return false;
    *items = grown;
    *capacity = larger;
    return true;
}

static struct verify_point *folder_of(struct verifying *verifying, struct state_text id)
{
    struct verify_point *last = verifying->point_count > 0 ? &verifying->points[verifying->point_count - 1] : NULL;
    void *items = verifying->points;

    if (last != NULL && strlen(last->listed.id) == id.len && memcmp(last->listed.id, id.ptr, id.len) == 0)
        return last;
    if (!grow(&items, &verifying->point_capacity, verifying->point_count, sizeof *verifying->points))
        return NULL;
    verifying->points = items;
    last = &verifying->points[verifying->point_count++];
    memset(last, 0, sizeof *last);
    (void)snprintf(last->listed.id, sizeof last->listed.id, "%.*s", (int)id.len, id.ptr);
    return last;
}

/* The file of this path, a new one where the one before was another. */
static struct verify_file *file_of(struct verifying *verifying, const struct layout_parts *parts)
{
    uint32_t folder = (uint32_t)verifying->point_count - 1;
    struct verify_file *last = verifying->file_count > 0 ? &verifying->files[verifying->file_count - 1] : NULL;
    void *items = verifying->files;

    if (last != NULL && last->folder == folder && last->kind == parts->kind && last->number == parts->number)
        return last;
    if (!grow(&items, &verifying->file_capacity, verifying->file_count, sizeof *verifying->files))
        return NULL;
    verifying->files = items;
    last = &verifying->files[verifying->file_count++];
    *last = (struct verify_file){ .folder = folder, .number = parts->number, .kind = parts->kind };
    return last;
}

/* The version before, of the same file. */
struct former {
    char etag[S3_ETAG_MAX];
    size_t etag_len;
};

static bool note_version(
        struct verify_point *folder, struct verify_file *file, const struct s3_page_entry *entry, struct former *former)
{
    struct point_listed *listed = &folder->listed;

    if (entry->is_marker) {
        file->hidden = true;
        return true;
    }
    if (file->there && (file->size != entry->size || former->etag_len != entry->etag.len ||
                               memcmp(former->etag, entry->etag.ptr, entry->etag.len) != 0))
        file->rewritten = true;
    file->there = true;
    file->size = entry->size;
    former->etag_len = entry->etag.len < sizeof former->etag ? entry->etag.len : sizeof former->etag;
    if (former->etag_len > 0)
        memcpy(former->etag, entry->etag.ptr, former->etag_len);
    listed->pinned = listed->pinned || file->kind == LAYOUT_PINNED;
    if (file->kind == LAYOUT_FORGOTTEN) {
        listed->forgotten = true;
        listed->forgotten_ms = entry->modified_ms;
    }
    if (file->kind != LAYOUT_POINT)
        return true;
    if (entry->version.len >= sizeof listed->version)
        return false;
    listed->has_point = true;
    listed->written_ms = entry->modified_ms;
    (void)snprintf(listed->version, sizeof listed->version, "%.*s", (int)entry->version.len, entry->version.ptr);
    if (entry->is_latest && strcmp(listed->version, "null") == 0) /* a bucket without versions */
        listed->version[0] = '\0';
    return true;
}

static enum verdict take_entry(
        struct verifying *verifying, const struct s3_page_entry *entry, struct former *former, struct failure *failure)
{
    struct layout_parts parts;
    struct verify_point *folder;
    struct verify_file *file;
    char path[1100];

    if (layout_parse(&verifying->options->vault->layout, entry->key.ptr, entry->key.len, &parts) != STATE_OK) {
        verify_note(
                verifying, VERIFY_NOTE_TOLD, "%s", key_for_people(entry->key.ptr, entry->key.len, path, sizeof path));
        return VERDICT_OK;
    }
    folder = folder_of(verifying, parts.point);
    file = folder != NULL ? file_of(verifying, &parts) : NULL;
    if (file == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (!note_version(folder, file, entry, former))
        return failure_set(failure, VERDICT_BAD_DATA, "listing the points: a version id of more than %d bytes",
                POINT_VERSION_SIZE - 1);
    return VERDICT_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct verify_file *one = a, *other = b;

    if (one->folder != other->folder)
        return one->folder < other->folder ? -1 : 1;
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    return one->number < other->number ? -1 : one->number > other->number;
}

enum verdict verify_list_points(struct verifying *verifying, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    struct former former = { .etag_len = 0 };
    struct layout_path path;
    enum verdict verdict;

    if (layout_folder(&options->vault->layout, LAYOUT_POINT, options->source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    points_versions_begin(&cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        verdict = take_entry(verifying, entry, &former, failure);
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    if (verifying->file_count > 1)
        qsort(verifying->files, verifying->file_count, sizeof *verifying->files, by_place);
    return verdict;
}

/* The folder of this id; point_count: none. */
static size_t find_folder(const struct verifying *verifying, const char *id)
{
    size_t low = 0, high = verifying->point_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(verifying->points[middle].listed.id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < verifying->point_count && strcmp(verifying->points[low].listed.id, id) == 0 ? low
                                                                                             : verifying->point_count;
}

struct verify_file *verify_find_file(struct verifying *verifying, const char *point, enum layout_kind kind, uint64_t n)
{
    const struct verify_file wanted = { .folder = (uint32_t)find_folder(verifying, point), .kind = kind, .number = n };

    if (verifying->file_count == 0)
        return NULL;
    return bsearch(&wanted, verifying->files, verifying->file_count, sizeof *verifying->files, by_place);
}

/* Whether the point's own words agree with each other and with the server's time of its file. */
static void check_times(struct verifying *verifying, const struct verify_point *point, struct state_text path)
{
    int64_t id_s = 0, now_ms = vault_now_ms(verifying->options->vault), written_ms = point->listed.written_ms;

    (void)!state_utc_from_point(point->listed.id, strlen(point->listed.id), &id_s);
    if (id_s > now_ms / 1000 + POINT_FUTURE_S)
        verify_tell(verifying, "point-future", path,
                "the point is of a time that has not come: a run does not write "
                "such a one, and `latest` may mean it");
    if (point->started_ms / 1000 > id_s + SLACK_S || point->started_ms / 1000 < id_s - POINT_LEAD_S - SLACK_S ||
            point->finished_ms < point->started_ms || written_ms / 1000 < point->started_ms / 1000 - SLACK_S ||
            written_ms / 1000 > point->finished_ms / 1000 + LATE_S ||
            written_ms / 1000 < point->finished_ms / 1000 - SLACK_S)
        verify_tell(verifying, "point-forged", path,
                "the point's id, its started and finished times and the time of its file do not agree: no run wrote "
                "it so");
}

/* What is kept of a point: the chain's part, and its files. */
static bool keep(struct verify_point *point, const struct point_read *read)
{
    const struct state_point *from = read->point;

    point->slim = calloc(1, sizeof *point->slim);
    point->files = calloc(from->files_count + 1, sizeof *point->files);
    if (point->slim == NULL || point->files == NULL)
        return false;
    memcpy(point->slim->id, from->id, sizeof from->id);
    point->slim->has_predecessor = from->has_predecessor;
    point->slim->predecessor = from->predecessor;
    point->follows = from->has_predecessor;
    point->slim->has_root = from->has_root;
    memcpy(point->slim->root, from->root, sizeof from->root);
    point->slim->root_removed = from->root_removed;
    memcpy(point->sha256, read->link.sha256, sizeof point->sha256);
    (void)snprintf(point->account, sizeof point->account, "%s", from->account);
    point->started_ms = from->started_ms;
    point->finished_ms = from->finished_ms;
    point->state = from->state;
    point->walk_ended = from->walk_ended;
    point->totals = state_point_totals(from);
    if (from->files_count > 0)
        memcpy(point->files, from->files, from->files_count * sizeof *point->files);
    point->files_count = from->files_count;
    return true;
}

static enum verdict read_point(struct verifying *verifying, struct verify_point *point, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct point_read read = { .point = NULL };
    struct layout_path path;
    enum verdict verdict = points_read(options->vault, options->conn, options->source, &point->listed, &read, failure);
    bool kept = true;

    verify_path(verifying, point->listed.id, LAYOUT_POINT, 0, &path);
    if (verdict == VERDICT_BAD_DATA || verdict == VERDICT_NOT_FOUND || verdict == VERDICT_FULL) {
        verify_tell(verifying, "point-damaged", (struct state_text){ path.ptr, path.len }, "%s", failure->what);
        return VERDICT_OK;
    }
    if (verdict != VERDICT_OK)
        return verdict;
    kept = keep(point, &read);
    point_read_free(&read);
    if (!kept)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    verifying->report->points++;
    check_times(verifying, point, (struct state_text){ path.ptr, path.len });
    return VERDICT_OK;
}

/* Whether a prune may have taken points away: it has forgotten some, or one's predecessor is not there. */
static bool was_pruned(const struct verifying *verifying)
{
    for (size_t i = 0; i < verifying->point_count; i++) {
        const struct verify_point *point = &verifying->points[i];
        if (point->listed.forgotten)
            return true;
        if (point->slim != NULL && point->follows &&
                find_folder(verifying, point->slim->predecessor.point) == verifying->point_count)
            return true;
    }
    return false;
}

/* After the listing: a prune leaves word before it takes anything away. */
static enum verdict read_record(struct verifying *verifying, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct layout_path path;
    enum verdict verdict;

    if (verifying->has_record || !was_pruned(verifying))
        return VERDICT_OK;
    verdict = prune_record_read(options->vault, options->conn, options->source, &verifying->record, failure);
    if (verdict != VERDICT_BAD_DATA || layout_prune(&options->vault->layout, options->source, &path) != STATE_OK)
        return verdict;
    verify_tell(verifying, "prune-record-damaged", (struct state_text){ path.ptr, path.len }, "%s", failure->what);
    return VERDICT_OK;
}

/* What lies before the root, and was forgotten, is what a prune has not come to. */
static void drop_removed(struct verifying *verifying)
{
    const struct prune_record *record = &verifying->record;

    for (size_t i = 0; i < verifying->point_count && record->has_root; i++) {
        struct verify_point *point = &verifying->points[i];
        if (strcmp(point->listed.id, record->root) >= 0)
            return;
        if (point->listed.has_point && !point->listed.forgotten)
            continue;
        point->removed = true;
        free(point->slim);
        point->slim = NULL;
    }
}

/* That its predecessor is gone is then no gap, where it is the one that was recorded. */
static void root_of(const struct prune_record *record, struct verify_point *point)
{
    if (point->slim == NULL || !record->has_root || strcmp(point->listed.id, record->root) != 0)
        return;
    point->slim->has_root = true;
    memcpy(point->slim->root, record->root, sizeof record->root);
    point->slim->root_removed = record->removed;
}

enum verdict verify_read_points(struct verifying *verifying, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    verifying->newest = verifying->point_count;
    verifying->kept = calloc(verifying->point_count + 2, sizeof *verifying->kept);
    if (verifying->kept == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < verifying->point_count && verdict == VERDICT_OK && !verify_stops(verifying); i++)
        if (verifying->points[i].listed.has_point)
            verdict = read_point(verifying, &verifying->points[i], failure);
    if (verdict == VERDICT_OK)
        verdict = read_record(verifying, failure);
    drop_removed(verifying);
    for (size_t i = 0; i < verifying->point_count; i++) {
        struct verify_point *point = &verifying->points[i];
        root_of(&verifying->record, point);
        verifying->kept[i + 1] = verifying->kept[i] + (point->slim != NULL && !point->listed.forgotten);
        if (point->slim != NULL)
            verifying->newest = i;
    }
    if (verifying->newest < verifying->point_count)
        memcpy(verifying->report->newest, verifying->points[verifying->newest].listed.id, STATE_POINT_SIZE);
    return verdict;
}

bool verify_is_kept(const struct verifying *verifying, size_t from, size_t to)
{
    return from < to && verifying->kept[to] > verifying->kept[from];
}

void verify_free_points(struct verifying *verifying)
{
    for (size_t i = 0; i < verifying->point_count; i++) {
        free(verifying->points[i].slim);
        free(verifying->points[i].files);
    }
    free(verifying->points);
    free(verifying->files);
    free(verifying->kept);
}
