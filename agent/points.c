/* See points.h. */
#include "agent/points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/points_versions.h"

enum { PATH_SIZE = STATE_PATH_MAX + 1, WAIT_MS = 500 };

void points_list_free(struct points_list *list)
{
    free(list->items);
    *list = (struct points_list){ NULL, 0, 0 };
}

static struct point_listed *folder_of(struct points_list *list, struct state_text id)
{
    struct point_listed *last = list->count > 0 ? &list->items[list->count - 1] : NULL;

    if (last != NULL && strlen(last->id) == id.len && memcmp(last->id, id.ptr, id.len) == 0)
        return last;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 64;
        struct point_listed *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    last = &list->items[list->count++];
    memset(last, 0, sizeof *last);
    (void)snprintf(last->id, sizeof last->id, "%.*s", (int)id.len, id.ptr);
    return last;
}

/* What the oldest version of a file says of it: called for each version of a file, the oldest last. */
static bool note_version(
        struct point_listed *folder, const struct layout_parts *parts, const struct s3_page_entry *entry)
{
    uint32_t number = (uint32_t)parts->number;

    switch (parts->kind) {
    case LAYOUT_POINT:
        if (entry->version.len >= sizeof folder->version)
            return false;
        folder->has_point = true;
        folder->written_ms = entry->modified_ms;
        (void)snprintf(folder->version, sizeof folder->version, "%.*s", (int)entry->version.len, entry->version.ptr);
        /* "null" is what a bucket without versions says, and what need not be asked for when it is the current one */
        if (entry->is_latest && strcmp(folder->version, "null") == 0)
            folder->version[0] = '\0';
        break;
    case LAYOUT_FORGOTTEN:
        folder->forgotten = true;
        folder->forgotten_ms = entry->modified_ms;
        break;
    case LAYOUT_INTERRUPTED:
        folder->interrupted = true;
        break;
    case LAYOUT_PINNED:
        folder->pinned = true;
        break;
    case LAYOUT_CHANGES:
        folder->logs = number > folder->logs ? number : folder->logs;
        break;
    case LAYOUT_FULL:
        folder->fulls = number > folder->fulls ? number : folder->fulls;
        break;
    default:
        break;
    }
    return true;
}

/* The version before in the listing, to see a second one of the same file. */
struct former {
    size_t key_len, etag_len;
    uint64_t size;
    char key[S3_KEY_MAX], etag[S3_ETAG_MAX];
};

/* A store that ignores If-None-Match makes a second, equal version of a put that was sent twice: harmless. */
static bool is_second(const struct former *former, const struct s3_page_entry *entry)
{
    return former->key_len == entry->key.len && memcmp(former->key, entry->key.ptr, entry->key.len) == 0 &&
           (former->size != entry->size || former->etag_len != entry->etag.len ||
                   memcmp(former->etag, entry->etag.ptr, entry->etag.len) != 0);
}

static void remember(struct former *former, const struct s3_page_entry *entry)
{
    former->key_len = entry->key.len;
    memcpy(former->key, entry->key.ptr, entry->key.len);
    former->etag_len = entry->etag.len < sizeof former->etag ? entry->etag.len : sizeof former->etag;
    if (former->etag_len > 0)
        memcpy(former->etag, entry->etag.ptr, former->etag_len);
    former->size = entry->size;
}

static enum verdict note_entry(const struct vault *vault, const struct s3_page_entry *entry, struct former *former,
        struct points_list *list, struct failure *failure)
{
    struct layout_parts parts;
    struct point_listed *folder;

    if (layout_parse(&vault->layout, entry->key.ptr, entry->key.len, &parts) != STATE_OK)
        return VERDICT_OK; /* no file of ours */
    folder = folder_of(list, parts.point);
    if (folder == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "listing the points: out of memory");
    if (entry->is_marker || is_second(former, entry))
        folder->tampered = true;
    if (!entry->is_marker)
        remember(former, entry);
    if (!entry->is_marker && !note_version(folder, &parts, entry))
        return failure_set(failure, VERDICT_BAD_DATA, "listing the points: a version id of more than %d bytes",
                POINT_VERSION_SIZE - 1);
    return VERDICT_OK;
}

bool points_is_to_come(const struct vault *vault, const char *id, size_t length)
{
    int64_t seconds;

    return state_utc_from_point(id, length, &seconds) && seconds > vault_now_ms(vault) / 1000 + POINT_FUTURE_S;
}

static enum verdict find(const struct vault *vault, struct s3_conn *conn, struct state_text prefix,
        struct state_text after, struct points_list *list, struct failure *failure)
{
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    struct former former = { .key_len = 0 };
    enum verdict verdict;

    *list = (struct points_list){ NULL, 0, 0 };
    points_versions_begin(&cursor, vault, conn, prefix, after);
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        /* Ceph RGW begins with the marker's own key */
        if (entry->key.len != after.len || memcmp(entry->key.ptr, after.ptr, after.len) != 0)
            verdict = note_entry(vault, entry, &former, list, failure);
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    while (list->count > 0 &&
            points_is_to_come(vault, list->items[list->count - 1].id, strlen(list->items[list->count - 1].id)))
        list->count--;
    if (verdict != VERDICT_OK)
        points_list_free(list);
    return verdict;
}

/* "points/<source>/" and, with an id, "points/<source>/<id>/". */
static enum verdict folder_path(const struct vault *vault, const char *source, const char *id, char out[PATH_SIZE],
        size_t *len, struct failure *failure)
{
    struct layout_path path;

    if (layout_folder(&vault->layout, LAYOUT_POINT, source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", source);
    *len = (size_t)snprintf(out, PATH_SIZE, "%s%s%s", path.ptr, id, id[0] != '\0' ? "/" : "");
    return VERDICT_OK;
}

enum verdict points_find(const struct vault *vault, struct s3_conn *conn, const char *source, const char *after,
        struct points_list *list, struct failure *failure)
{
    char prefix[PATH_SIZE];
    struct layout_path marker = { .len = 0 };
    size_t prefix_len;
    enum verdict verdict = folder_path(vault, source, "", prefix, &prefix_len, failure);

    *list = (struct points_list){ NULL, 0, 0 };
    if (verdict != VERDICT_OK)
        return verdict;
    /* The last file of its folder by name. A marker that is there: moto leaves out what follows on one that is not. */
    if (after != NULL && after[0] != '\0' &&
            layout_point_file(&vault->layout, source, after, LAYOUT_POINT, 0, &marker) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid point of source \"%s\"", after, source);
    return find(vault, conn, (struct state_text){ prefix, prefix_len }, (struct state_text){ marker.ptr, marker.len },
            list, failure);
}

enum verdict points_find_one(const struct vault *vault, struct s3_conn *conn, const char *source, const char *id,
        struct point_listed *listed, struct failure *failure)
{
    char prefix[PATH_SIZE];
    struct points_list list;
    size_t len;
    enum verdict verdict = folder_path(vault, source, id, prefix, &len, failure);

    if (verdict == VERDICT_OK)
        verdict = find(vault, conn, (struct state_text){ prefix, len }, (struct state_text){ NULL, 0 }, &list, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (list.count == 1)
        *listed = list.items[0];
    else
        verdict = failure_set(failure, VERDICT_NOT_FOUND, "source \"%s\" has no point %s in the vault", source, id);
    points_list_free(&list);
    return verdict;
}

static enum verdict parse_point(const char *source, const char *id, const char *bytes, size_t len,
        struct point_read *read, struct failure *failure)
{
    struct state_error error;
    enum state_status status = state_point_link_to(id, bytes, len, &read->link, &error);

    if (status == STATE_OK)
        status = state_point_read(bytes, len, &read->point, &error);
    if (status == STATE_OK && (strcmp(read->point->source, source) != 0 || strcmp(read->point->id, id) != 0))
        status = state_fail(&error, STATE_BAD_DATA, 0, "its point.json is that of point %s of source \"%s\"",
                read->point->id, read->point->source);
    if (status == STATE_OK)
        return VERDICT_OK;
    point_read_free(read);
    return failure_from_state(failure, status, &error, "point %s of source \"%s\"", id, source);
}

enum verdict points_read(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct point_listed *listed, struct point_read *read, struct failure *failure)
{
    const char *version = listed->version[0] != '\0' ? listed->version : NULL;
    struct layout_path path;
    char *bytes = NULL;
    size_t len;
    enum verdict verdict;

    memset(read, 0, sizeof *read);
    if (layout_point_file(&vault->layout, source, listed->id, LAYOUT_POINT, 0, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid point of source \"%s\"", listed->id, source);
    verdict = vault_get(vault, conn, path.ptr, path.len, version, STATE_POINT_BYTES_MAX, &bytes, &len, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    verdict = parse_point(source, listed->id, bytes, len, read, failure);
    free(bytes);
    return verdict;
}

void point_read_free(struct point_read *read)
{
    state_point_free(read->point);
    read->point = NULL;
}

enum verdict points_next(const struct vault *vault, const char *last_folder, int64_t *started_ms,
        char id[STATE_POINT_SIZE], struct failure *failure)
{
    const struct s3_clock *clock = clock_real();
    int64_t seconds, before;

    *started_ms = vault_now_ms(vault);
    seconds = *started_ms / 1000;
    if (state_utc_from_point(last_folder, strlen(last_folder), &before) && seconds <= before)
        seconds = before + 1;
    while (seconds > *started_ms / 1000 + POINT_LEAD_S) {
        if (!clock->sleep_ms(clock->ctx, WAIT_MS))
            return failure_set(failure, VERDICT_CANCELLED,
                    "a stop was asked for while waiting for the time of the next point: the newest is of a time to "
                    "come");
        *started_ms = vault_now_ms(vault);
    }
    if (!state_utc_to_point(seconds, id))
        return failure_set(failure, VERDICT_INTERNAL, "the vault's clock shows no usable time");
    return VERDICT_OK;
}
