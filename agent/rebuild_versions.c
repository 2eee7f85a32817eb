/* Disaster mode: records from the versions of the objects alone; see rebuild_inside.h. */
#include "agent/rebuild_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/points_versions.h"
#include "state/manifest_load.h"

enum { BATCH_RECORDS = 2000 };

/* No log tells of these records: more lines than any source has records, so that the next point wants a full file. */
static const struct publish_since nothing_logged = { PUBLISH_NOTHING_LOGGED, 0 };

static struct state_text text_of(struct s3_text text)
{
    return (struct state_text){ text.ptr, text.len };
}

/* The source's own time is not known: 1970 never equals a listed one, so the next run looks at the object. */
static struct state_entry entry_of(struct state_text key, const struct s3_page_entry *entry)
{
    struct state_entry record = { .key = key,
        .etag = text_of(entry->etag),
        .size = entry->size,
        .vault_version = text_of(entry->version),
        .class_ = storage_class_from(entry->class_.ptr, entry->class_.len),
        .copied_ms = entry->modified_ms };

    if (record.vault_version.len == 4 && memcmp(record.vault_version.ptr, "null", 4) == 0)
        record.vault_version.len = 0;
    return record;
}

/* Of a listing, what belongs to one object: the first of its versions that is old enough counts. */
struct walk {
    struct points_versions cursor;
    bool has_last;
    size_t last_len;
    char last[S3_KEY_MAX]; /* the object that was decided */
};

static enum verdict begin(struct rebuild *rebuild, enum layout_kind kind, struct walk *walk, struct failure *failure)
{
    const struct state_text prefix = kind == LAYOUT_DATA ? rebuild->prefix : (struct state_text){ NULL, 0 };
    struct layout_path path;
    bool beyond = true;

    if (layout_folder(&rebuild->vault->layout, kind, rebuild->source->name, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", rebuild->source->name);
    if (path.len + prefix.len <= STATE_PATH_MAX) {
        if (prefix.len > 0)
            memcpy(path.ptr + path.len, prefix.ptr, prefix.len);
        path.len += prefix.len;
        beyond = false;
    }
    walk->has_last = false;
    points_versions_begin(&walk->cursor, rebuild->vault, rebuild->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    walk->cursor.last = beyond; /* all such keys are long ones: nothing is listed */
    return VERDICT_OK;
}

static bool is_decided(const struct walk *walk, const struct s3_page_entry *entry)
{
    return walk->has_last && walk->last_len == entry->key.len &&
           memcmp(walk->last, entry->key.ptr, entry->key.len) == 0;
}

static bool is_meant(const struct rebuild *rebuild, struct walk *walk, const struct s3_page_entry *entry)
{
    if (rebuild->until_ms == INT64_MAX)
        return entry->is_latest && !entry->is_marker;
    if (is_decided(walk, entry) || entry->modified_ms > rebuild->until_ms)
        return false;
    walk->has_last = true;
    walk->last_len = entry->key.len;
    memcpy(walk->last, entry->key.ptr, entry->key.len);
    return !entry->is_marker;
}

/* The next object that is there now, or was then, with what its path says; *entry is NULL at the end. */
static enum verdict next_live(struct rebuild *rebuild, enum layout_kind kind, struct walk *walk,
        const struct s3_page_entry **entry, struct layout_parts *parts, struct failure *failure)
{
    enum verdict verdict;

    do {
        verdict = points_versions_next(&walk->cursor, entry, failure);
    } while (verdict == VERDICT_OK && *entry != NULL &&
             (!is_meant(rebuild, walk, *entry) ||
                     layout_parse(&rebuild->vault->layout, (*entry)->key.ptr, (*entry)->key.len, parts) != STATE_OK ||
                     parts->kind != kind));
    return verdict;
}

/* data/ is in the order of the source's keys. */
static enum verdict load_data(struct rebuild *rebuild, struct manifest_load *load, struct failure *failure)
{
    const struct s3_page_entry *entry = NULL;
    struct walk walk;
    struct layout_parts parts;
    enum verdict verdict = begin(rebuild, LAYOUT_DATA, &walk, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    verdict = next_live(rebuild, LAYOUT_DATA, &walk, &entry, &parts, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        const struct state_entry record = entry_of(parts.key, entry);
        enum state_status status = manifest_load_put(load, &record, &rebuild->error);
        verdict = status != STATE_OK ? rebuild_manifest_fail(rebuild, status, failure)
                                     : next_live(rebuild, LAYOUT_DATA, &walk, &entry, &parts, failure);
    }
    points_versions_end(&walk.cursor);
    return verdict;
}

static bool is_name(const char *bytes, size_t len, struct state_text hash)
{
    char found[STATE_SHA256_HEX_SIZE];

    return len > 0 && state_sha256_hex(bytes, len, found, NULL) == STATE_OK && hash.len == strlen(found) &&
           memcmp(found, hash.ptr, hash.len) == 0;
}

/* The key of an object under data-long/: what names/ holds proves itself by its hash. *name is NULL where there is none
 * that does. */
static enum verdict read_name(
        struct rebuild *rebuild, struct state_text hash, char **name, size_t *len, struct failure *failure)
{
    char version[S3_VERSION_MAX + 1] = "";
    struct layout_path path;
    enum verdict verdict;

    *name = NULL;
    if (layout_folder(&rebuild->vault->layout, LAYOUT_NAME, rebuild->source->name, &path) != STATE_OK ||
            path.len + hash.len > STATE_PATH_MAX)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", rebuild->source->name);
    memcpy(path.ptr + path.len, hash.ptr, hash.len);
    path.len += hash.len;
    path.ptr[path.len] = '\0';
    for (int attempt = 0; attempt < 2; attempt++) { /* the current version, then the one that was written */
        if (attempt == 1)
            verdict = points_versions_oldest(rebuild->vault, rebuild->conn, &path, version, failure);
        else
            verdict = VERDICT_OK;
        if (verdict == VERDICT_OK)
            verdict = vault_get(rebuild->vault, rebuild->conn, path.ptr, path.len, version[0] != '\0' ? version : NULL,
                    STATE_KEY_MAX, name, len, failure);
        if (verdict == VERDICT_OK && is_name(*name, *len, hash))
            return VERDICT_OK;
        if (verdict == VERDICT_OK)
            free(*name);
        *name = NULL;
        if (verdict != VERDICT_OK && verdict != VERDICT_NOT_FOUND && verdict != VERDICT_FULL)
            return verdict;
    }
    return VERDICT_OK;
}

static enum verdict put_long(
        struct rebuild *rebuild, const struct s3_page_entry *entry, struct state_text hash, struct failure *failure)
{
    struct state_entry record;
    char *name = NULL;
    size_t len = 0;
    enum state_status status;
    enum verdict verdict = read_name(rebuild, hash, &name, &len, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    if (name == NULL) {
        rebuild->result->skipped++;
        return VERDICT_OK;
    }
    if (!rebuild_wants(rebuild, (struct state_text){ name, len })) {
        free(name);
        return VERDICT_OK;
    }
    record = entry_of((struct state_text){ name, len }, entry);
    status = rebuild_batch(rebuild);
    if (status == STATE_OK)
        status = manifest_batch_put(rebuild->batch, &record, &rebuild->error);
    free(name);
    if (status != STATE_OK)
        return rebuild_manifest_fail(rebuild, status, failure);
    return ++rebuild->batched >= BATCH_RECORDS ? rebuild_commit(rebuild, failure) : VERDICT_OK;
}

/* data-long/ is in the order of hashes, and rare. */
static enum verdict put_long_keys(struct rebuild *rebuild, struct failure *failure)
{
    const struct s3_page_entry *entry = NULL;
    struct walk walk;
    struct layout_parts parts;
    enum verdict verdict = begin(rebuild, LAYOUT_DATA_LONG, &walk, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    verdict = next_live(rebuild, LAYOUT_DATA_LONG, &walk, &entry, &parts, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        verdict = put_long(rebuild, entry, parts.hash, failure);
        if (verdict == VERDICT_OK)
            verdict = next_live(rebuild, LAYOUT_DATA_LONG, &walk, &entry, &parts, failure);
    }
    points_versions_end(&walk.cursor);
    return verdict;
}

static enum verdict stand_at(struct rebuild *rebuild, const struct state_point_link *newest, struct failure *failure)
{
    enum state_status status = rebuild_batch(rebuild);

    if (status == STATE_OK && newest != NULL)
        status = publish_point_put(rebuild->batch, newest, &rebuild->error);
    if (status == STATE_OK)
        status = publish_since_put(rebuild->batch, &nothing_logged, &rebuild->error);
    return status == STATE_OK ? rebuild_commit(rebuild, failure) : rebuild_manifest_fail(rebuild, status, failure);
}

enum verdict rebuild_load_versions(
        struct rebuild *rebuild, const struct state_point_link *newest, struct failure *failure)
{
    struct manifest_load *load = NULL;
    struct manifest_totals totals;
    enum state_status status;
    enum verdict verdict = rebuild_load_begin(rebuild, false, &load, failure);

    if (verdict == VERDICT_OK)
        verdict = load_data(rebuild, load, failure);
    if (verdict != VERDICT_OK) {
        manifest_load_abort(load);
        return verdict;
    }
    status = manifest_load_finish(load, &rebuild->error);
    if (status != STATE_OK)
        return rebuild_manifest_fail(rebuild, status, failure);
    verdict = put_long_keys(rebuild, failure);
    if (verdict == VERDICT_OK)
        verdict = rebuild_commit(rebuild, failure);
    manifest_totals(rebuild->manifest, &totals);
    rebuild->result->from = totals.records > 0 || newest != NULL ? REBUILD_VERSIONS : REBUILD_EMPTY;
    if (verdict != VERDICT_OK || rebuild->result->from == REBUILD_EMPTY)
        return verdict;
    rebuild->result->orphan_logs = true; /* nothing is known of how the objects came there */
    return stand_at(rebuild, newest, failure);
}
