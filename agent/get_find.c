/* Which version of a key was there at a time; see get.h. Nothing is stored: the files of the points are read from the
 * newest back, looking for one key. */
#include "agent/get.h"

#include <stdio.h>
#include <string.h>

#include "agent/event.h"
#include "agent/points_versions.h"

/* What the points say of the key. */
struct sight {
    struct state_text key;
    bool seen, deleted;
    uint64_t size;
    int64_t copied_ms;
    char version[S3_VERSION_MAX + 1];
};

static enum state_status see(void *ctx, const struct state_change *change)
{
    struct sight *sight = ctx;
    const struct state_entry *entry = &change->entry;

    if (entry->key.len != sight->key.len || memcmp(entry->key.ptr, sight->key.ptr, sight->key.len) != 0)
        return STATE_OK;
    sight->seen = true; /* the last line of a file is the one that counts */
    sight->deleted = change->did == STATE_DELETED;
    sight->size = entry->size;
    sight->copied_ms = entry->copied_ms;
    (void)snprintf(sight->version, sizeof sight->version, "%.*s", (int)entry->vault_version.len,
            entry->vault_version.len > 0 ? entry->vault_version.ptr : "");
    return STATE_OK;
}

static enum verdict read_file(const struct get_place *place, const struct state_point_file *file, struct sight *sight,
        struct failure *failure)
{
    struct change_file_id id = { .kind = file->kind, .number = file->number };

    (void)snprintf(id.source, sizeof id.source, "%s", place->source);
    memcpy(id.point, file->point, sizeof id.point);
    return points_read_file(
            place->vault, place->conn, &id, &file->sum, (struct change_file_visitor){ see, sight }, NULL, failure);
}

/* The files of one point, the newest first. *settled: no older point has to be asked. */
static enum verdict look_into(const struct get_place *place, const struct state_point *point, struct sight *sight,
        bool *settled, struct failure *failure)
{
    bool has_full = false;
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < point->files_count; i++)
        has_full = has_full || point->files[i].kind == LAYOUT_FULL;
    for (size_t i = point->files_count; i > 0 && verdict == VERDICT_OK && !sight->seen; i--)
        if (!has_full || point->files[i - 1].kind == LAYOUT_FULL)
            verdict = read_file(place, &point->files[i - 1], sight, failure);
    *settled = sight->seen || has_full || !point->has_predecessor;
    return verdict;
}

/* Follows the links from a point back until the key is settled. Takes over `read`. VERDICT_BAD_DATA: a link or a file
 * is not what it has to be. */
static enum verdict look_back(const struct get_place *place, const struct points_list *list, struct point_read *read,
        struct sight *sight, struct failure *failure)
{
    bool settled = false;
    enum verdict verdict = look_into(place, read->point, sight, &settled, failure);

    while (verdict == VERDICT_OK && !settled) {
        const struct state_point_link link = read->point->predecessor;
        const struct point_listed *listed = get_listed_point(list, link.point);
        point_read_free(read);
        if (listed == NULL)
            return failure_set(failure, VERDICT_BAD_DATA, "point %s is not in the vault", link.point);
        verdict = points_read(place->vault, place->conn, place->source, listed, read, failure);
        if (verdict == VERDICT_OK && strcmp(read->link.sha256, link.sha256) != 0)
            verdict = failure_set(failure, VERDICT_BAD_DATA,
                    "point %s is not the one that its successor was written after", link.point);
        if (verdict == VERDICT_OK)
            verdict = look_into(place, read->point, sight, &settled, failure);
    }
    point_read_free(read);
    return verdict;
}

/* By the versions of the object alone: the newest that was made by then. */
static enum verdict find_version(
        const struct get_place *place, int64_t until_ms, struct get_found *found, struct failure *failure)
{
    const struct state_text path = { found->path.ptr, found->path.len };
    const struct s3_page_entry *entry = NULL;
    struct points_versions cursor;
    int64_t newest_ms = INT64_MIN;
    bool marker = true;
    enum verdict verdict;

    points_versions_begin(&cursor, place->vault, place->conn, path, (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    /* what merely begins with the path comes after all its versions */
    while (verdict == VERDICT_OK && entry != NULL && entry->key.len == path.len) {
        if (entry->modified_ms <= until_ms && entry->modified_ms > newest_ms) {
            newest_ms = entry->modified_ms;
            marker = entry->is_marker;
            found->size = entry->size;
            (void)snprintf(found->version, sizeof found->version, "%.*s", (int)entry->version.len, entry->version.ptr);
        }
        verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    if (verdict != VERDICT_OK)
        return verdict;
    found->has_size = true;
    if (marker)
        return failure_set(failure, VERDICT_NOT_FOUND, "source \"%s\" had no such object then", place->source);
    if (strcmp(found->version, "null") == 0)
        found->version[0] = '\0';
    return VERDICT_OK;
}

static enum verdict take(const struct get_place *place, const struct sight *sight, const char *point,
        struct get_found *found, struct failure *failure)
{
    enum verdict verdict;

    if (!sight->seen || sight->deleted)
        return failure_set(failure, VERDICT_NOT_FOUND, "source \"%s\" had no such object at point %s%s", place->source,
                point, sight->deleted ? ": it was deleted before" : "");
    if (sight->version[0] == '\0') { /* the record does not know it: by its time, of which HEAD tells whole seconds */
        verdict = find_version(place, sight->copied_ms + 999, found, failure);
        if (verdict != VERDICT_OK)
            return verdict;
    }
    memcpy(found->version, sight->version[0] != '\0' ? sight->version : found->version, sizeof found->version);
    found->has_size = true;
    found->size = sight->size;
    return VERDICT_OK;
}

static bool has_any_point(const struct points_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].has_point)
            return true;
    return false;
}

static enum verdict find_in_points(const struct get_place *place, const struct points_list *list,
        const struct get_when *when, struct get_found *found, struct failure *failure)
{
    int64_t until_ms = get_when_ms(when, vault_now_ms(place->vault));
    struct sight sight = { .key = place->key };
    struct get_choice choice;
    char point[STATE_POINT_SIZE];
    enum verdict verdict = get_choose(place, list, when, &choice, failure);

    if (verdict == VERDICT_OK) {
        until_ms = choice.read.point->finished_ms;
        memcpy(point, choice.read.point->id, sizeof point);
        verdict = look_back(place, list, &choice.read, &sight, failure);
        if (verdict == VERDICT_OK)
            return take(place, &sight, point, found, failure);
        if (verdict == VERDICT_NOT_FOUND) /* a file that a point names */
            verdict = VERDICT_BAD_DATA;
    }
    if (verdict != VERDICT_BAD_DATA || (when->kind == GET_POINT && until_ms == INT64_MAX))
        return verdict;
    event_warn("points-damaged", place->source,
            "%s. What is given is the version that was the newest by its time; run `vaultferry verify`", failure->what);
    found->doubtful = true;
    return find_version(place, until_ms, found, failure);
}

enum verdict get_find(
        const struct get_place *place, const struct get_when *when, struct get_found *found, struct failure *failure)
{
    struct points_list list;
    struct state_error error;
    enum layout_kind kind;
    enum verdict verdict;

    memset(found, 0, sizeof *found);
    if (layout_data(&place->vault->layout, place->source, place->key, &found->path, &kind, &error) != STATE_OK)
        return failure_set(failure, VERDICT_USAGE, "no object can have this key: %s", error.what);
    verdict = points_find(place->vault, place->conn, place->source, NULL, &list, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (has_any_point(&list)) {
        verdict = find_in_points(place, &list, when, found, failure);
    } else if (when->kind == GET_POINT) {
        verdict = failure_set(failure, VERDICT_NOT_FOUND, "source \"%s\" has no point %s", place->source, when->point);
    } else {
        event_warn("no-points", place->source, "there are no points: the versions' own times say what was there");
        verdict = find_version(place, get_when_ms(when, vault_now_ms(place->vault)), found, failure);
    }
    points_list_free(&list);
    return verdict;
}
