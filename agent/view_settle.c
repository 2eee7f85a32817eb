/* See view_settle.h. */
#include "agent/view_settle.h"

#include <stdlib.h>
#include <string.h>

#include "agent/points_versions.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum {
    BATCH = 200,    /* records that are looked for at a time: half a MiB */
    FEW = 64,       /* so many requests are always fine */
    A_REQUEST = 500 /* records a page of a listing brings, with room for older versions */
};

struct wanted {
    size_t path_len, version_len;
    bool is_long;
    bool equal; /* what was found has the record's size and ETag */
    int64_t until_ms;
    uint64_t size;
    size_t etag_len, key_len;
    char etag[STATE_ETAG_MAX], key[STATE_KEY_MAX], path[STATE_PATH_MAX], version[STATE_VERSION_MAX];
};

struct settling {
    const struct rebuild_view *view;
    struct manifest_reader *reader;
    struct points_versions all; /* under data/<source>/<prefix>, in the order of the records */
    bool by_listing;
    const struct s3_page_entry *entry; /* of `all`: not yet looked at; NULL: none, or at the end */
    bool ended;
    size_t count;
    size_t last_len; /* of the records, the last that was read */
    char last[STATE_KEY_MAX];
    struct wanted items[BATCH];
};

static enum verdict fail(enum state_status status, const struct state_error *error, struct failure *failure)
{
    return failure_from_state(failure, status, error, "looking for versions that the points do not name");
}

static bool note(struct settling *settling, const struct state_entry *entry)
{
    struct wanted *wanted = &settling->items[settling->count];
    struct layout_path path;
    enum layout_kind kind;

    if (layout_data(&settling->view->vault->layout, settling->view->source, entry->key, &path, &kind, NULL) != STATE_OK)
        return false;
    memset(wanted, 0, offsetof(struct wanted, etag));
    wanted->is_long = kind == LAYOUT_DATA_LONG;
    wanted->until_ms = entry->copied_ms + 999; /* HEAD tells whole seconds, a listing perhaps less */
    wanted->size = entry->size;
    wanted->etag_len = entry->etag.len;
    wanted->key_len = entry->key.len;
    wanted->path_len = path.len;
    memcpy(wanted->key, entry->key.ptr, entry->key.len);
    memcpy(wanted->path, path.ptr, path.len);
    if (entry->etag.len > 0)
        memcpy(wanted->etag, entry->etag.ptr, entry->etag.len);
    settling->count++;
    return true;
}

/* The next records without a version; *ended: there are no more. */
static enum verdict collect(struct settling *settling, bool *ended, struct failure *failure)
{
    struct state_text key = { settling->last, settling->last_len };
    struct state_entry entry;
    struct state_error error;
    enum state_status status = manifest_reader_begin(settling->reader, &error);

    settling->count = 0;
    if (status == STATE_OK)
        status = manifest_reader_seek(settling->reader, key, key.len > 0, &error);
    while (status == STATE_OK && settling->count < BATCH) {
        status = manifest_reader_next(settling->reader, &key, &error);
        if (status == STATE_OK)
            status = manifest_reader_entry(settling->reader, &entry, &error);
        if (status != STATE_OK)
            break;
        memcpy(settling->last, entry.key.ptr, entry.key.len);
        settling->last_len = entry.key.len;
        if (entry.vault_version.len == 0 && !note(settling, &entry))
            status = state_fail(&error, STATE_BAD_DATA, 0, "a key that no object of the vault can have");
    }
    manifest_reader_end(settling->reader);
    *ended = status == STATE_END;
    return status == STATE_OK || status == STATE_END ? VERDICT_OK : fail(status, &error, failure);
}

/* The newest by then; of two of the same second the one that is what was recorded. */
static void compare(struct wanted *wanted, const struct s3_page_entry *entry)
{
    bool equal;

    if (entry->is_marker || entry->modified_ms > wanted->until_ms || entry->version.len > sizeof wanted->version)
        return;
    equal = entry->size == wanted->size && entry->etag.len == wanted->etag_len &&
            memcmp(entry->etag.ptr, wanted->etag, wanted->etag_len) == 0;
    if (wanted->version_len > 0 && (wanted->equal || !equal))
        return;
    wanted->equal = equal;
    wanted->version_len = entry->version.len;
    memcpy(wanted->version, entry->version.ptr, entry->version.len);
}

static enum verdict find_alone(struct settling *settling, struct wanted *wanted, struct failure *failure)
{
    const struct state_text path = { wanted->path, wanted->path_len };
    const struct s3_page_entry *entry = NULL;
    struct points_versions cursor;
    enum verdict verdict;

    points_versions_begin(&cursor, settling->view->vault, settling->view->conn, path, (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    /* what merely begins with the path comes after all its versions */
    while (verdict == VERDICT_OK && entry != NULL && entry->key.len == path.len) {
        compare(wanted, entry);
        verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    return verdict;
}

static int by_path(const struct s3_page_entry *entry, const struct wanted *wanted)
{
    size_t shared = entry->key.len < wanted->path_len ? entry->key.len : wanted->path_len;
    int order = memcmp(entry->key.ptr, wanted->path, shared);

    return order != 0 ? order : entry->key.len < wanted->path_len ? -1 : entry->key.len > wanted->path_len;
}

/* Both are in the order of the keys. */
static enum verdict find_in_listing(struct settling *settling, struct wanted *wanted, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    while (verdict == VERDICT_OK && !settling->ended) {
        if (settling->entry != NULL) {
            int order = by_path(settling->entry, wanted);
            if (order > 0)
                return VERDICT_OK;
            if (order == 0)
                compare(wanted, settling->entry);
        }
        verdict = points_versions_next(&settling->all, &settling->entry, failure);
        settling->ended = settling->entry == NULL;
    }
    return verdict;
}

static enum state_status put_version(
        struct manifest_batch *batch, const struct wanted *wanted, struct state_error *error)
{
    struct state_entry entry;
    enum state_status status =
            manifest_batch_get(batch, (struct state_text){ wanted->key, wanted->key_len }, &entry, error);

    entry.vault_version = (struct state_text){ wanted->version, wanted->version_len };
    return status == STATE_OK ? manifest_batch_put(batch, &entry, error) : status;
}

static enum verdict write_down(struct settling *settling, struct failure *failure)
{
    struct manifest_batch *batch = NULL;
    struct state_error error;
    enum state_status status = manifest_batch_begin(settling->view->manifest, &batch, &error);

    for (size_t i = 0; i < settling->count && status == STATE_OK; i++) {
        const struct wanted *wanted = &settling->items[i];
        bool named = wanted->version_len != 4 || memcmp(wanted->version, "null", 4) != 0;
        if (wanted->version_len > 0 && named)
            status = put_version(batch, wanted, &error);
    }
    if (status == STATE_OK)
        status = manifest_batch_commit(batch, &error);
    else
        manifest_batch_abort(batch);
    return status == STATE_OK ? VERDICT_OK : fail(status, &error, failure);
}

static enum verdict settle_batch(struct settling *settling, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < settling->count && verdict == VERDICT_OK; i++) {
        struct wanted *wanted = &settling->items[i];
        if (settling->by_listing && !wanted->is_long)
            verdict = find_in_listing(settling, wanted, failure);
        else
            verdict = find_alone(settling, wanted, failure);
    }
    return verdict == VERDICT_OK && settling->count > 0 ? write_down(settling, failure) : verdict;
}

static enum verdict settle(struct settling *settling, uint64_t unknown, struct failure *failure)
{
    const struct rebuild_view *view = settling->view;
    struct manifest_totals totals;
    struct layout_path path;
    bool ended = false;
    enum verdict verdict = VERDICT_OK;

    manifest_totals(view->manifest, &totals);
    if (layout_folder(&view->vault->layout, LAYOUT_DATA, view->source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", view->source);
    settling->by_listing = unknown > FEW + totals.records / A_REQUEST && path.len + view->prefix.len <= STATE_PATH_MAX;
    if (settling->by_listing && view->prefix.len > 0)
        memcpy(path.ptr + path.len, view->prefix.ptr, view->prefix.len);
    points_versions_begin(&settling->all, view->vault, view->conn,
            (struct state_text){ path.ptr, path.len + (settling->by_listing ? view->prefix.len : 0) },
            (struct state_text){ NULL, 0 });
    while (verdict == VERDICT_OK && !ended) {
        verdict = collect(settling, &ended, failure);
        if (verdict == VERDICT_OK)
            verdict = settle_batch(settling, failure);
    }
    points_versions_end(&settling->all);
    return verdict;
}

enum verdict view_settle(const struct rebuild_view *view, uint64_t unknown, struct failure *failure)
{
    struct settling *settling = calloc(1, sizeof *settling);
    struct state_error error;
    enum state_status status;
    enum verdict verdict;

    if (settling == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    settling->view = view;
    status = manifest_reader_new(view->manifest, MANIFEST_LIVE, &settling->reader, &error);
    verdict = status == STATE_OK ? settle(settling, unknown, failure) : fail(status, &error, failure);
    manifest_reader_free(settling->reader);
    free(settling);
    return verdict;
}
