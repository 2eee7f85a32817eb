/* Records whose copies are not in the vault any more; see rebuild.h. */
#include "agent/rebuild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/points_versions.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum { BLOCK_RECORDS = 1000 };

/* What has to be in the vault, by its record. */
struct wanted {
    bool missing;
    uint16_t key_len, version_len;
    uint64_t size;
    char key[STATE_KEY_MAX];
    char version[S3_VERSION_MAX];
};

struct search {
    const struct rebuild_view *of;
    struct points_versions cursor; /* of data/, in the order of the records */
    const struct s3_page_entry *entry;
    struct wanted *wanted; /* a block of records: no read transaction is open while the vault is asked */
    size_t count;
    struct state_error error;
};

static struct state_text key_of(const struct wanted *one)
{
    return (struct state_text){ one->key, one->key_len };
}

static bool is_in_prefix(const struct search *search, struct state_text key)
{
    const struct state_text prefix = search->of->prefix;

    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.ptr, prefix.ptr, prefix.len) == 0);
}

static void want(struct search *search, const struct state_entry *record)
{
    struct wanted *one = &search->wanted[search->count++];

    one->missing = false;
    one->size = record->size;
    one->key_len = (uint16_t)record->key.len;
    memcpy(one->key, record->key.ptr, record->key.len);
    one->version_len = (uint16_t)record->vault_version.len;
    if (record->vault_version.len > 0)
        memcpy(one->version, record->vault_version.ptr, record->vault_version.len);
}

/* The next records from `from` on, or after it, at most a block. */
static enum state_status read_block(
        struct search *search, struct manifest_reader *reader, struct state_text from, bool after)
{
    struct state_error *error = &search->error;
    struct state_entry record;
    struct state_text key;
    enum state_status status = manifest_reader_begin(reader, error);

    search->count = 0;
    if (status == STATE_OK)
        status = manifest_reader_seek(reader, from, after, error);
    while (status == STATE_OK && search->count < BLOCK_RECORDS) {
        status = manifest_reader_next(reader, &key, error);
        if (status == STATE_OK && !is_in_prefix(search, key))
            status = STATE_END;
        if (status == STATE_OK)
            status = manifest_reader_entry(reader, &record, error);
        if (status == STATE_OK)
            want(search, &record);
    }
    manifest_reader_end(reader);
    return status == STATE_END ? STATE_OK : status;
}

/* A record that does not know its version is content with any of its size. */
static bool is_copy(const struct wanted *one, const struct s3_page_entry *entry)
{
    if (entry->is_marker)
        return false;
    return one->version_len == 0 ? entry->size == one->size
                                 : entry->version.len == one->version_len &&
                                           memcmp(entry->version.ptr, one->version, one->version_len) == 0;
}

static int order(const struct s3_page_entry *entry, const struct layout_path *path)
{
    size_t shorter = entry->key.len < path->len ? entry->key.len : path->len;
    int found = memcmp(entry->key.ptr, path->ptr, shorter);

    return found != 0 ? found : (entry->key.len > path->len) - (entry->key.len < path->len);
}

/* On to the path, and over its versions. */
static enum verdict find(struct points_versions *cursor, const struct s3_page_entry **entry,
        const struct layout_path *path, struct wanted *one, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    one->missing = true;
    while (verdict == VERDICT_OK && *entry != NULL && order(*entry, path) <= 0) {
        if (order(*entry, path) == 0 && is_copy(one, *entry))
            one->missing = false;
        verdict = points_versions_next(cursor, entry, failure);
    }
    return verdict;
}

/* data-long/ is in the order of hashes, and rare: each is asked for by itself. */
static enum verdict find_long(
        const struct search *search, const struct layout_path *path, struct wanted *one, struct failure *failure)
{
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    enum verdict verdict;

    points_versions_begin(&cursor, search->of->vault, search->of->conn, (struct state_text){ path->ptr, path->len },
            (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    if (verdict == VERDICT_OK)
        verdict = find(&cursor, &entry, path, one, failure);
    points_versions_end(&cursor);
    return verdict;
}

static enum verdict look_for_block(struct search *search, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < search->count && verdict == VERDICT_OK; i++) {
        struct wanted *one = &search->wanted[i];
        struct layout_path path;
        enum layout_kind kind;
        if (layout_data(&search->of->vault->layout, search->of->source, key_of(one), &path, &kind, NULL) != STATE_OK)
            return failure_set(failure, VERDICT_INTERNAL, "a record of source \"%s\" has no path", search->of->source);
        verdict = kind == LAYOUT_DATA ? find(&search->cursor, &search->entry, &path, one, failure)
                                      : find_long(search, &path, one, failure);
    }
    return verdict;
}

/* 1970 never equals a listed time. The rest of the record stays: totals are those of the points. */
static enum state_status doubt_block(struct search *search, uint64_t *missing)
{
    struct manifest_batch *batch = NULL;
    struct state_entry record;
    enum state_status status = STATE_OK;

    for (size_t i = 0; i < search->count && status == STATE_OK; i++) {
        if (!search->wanted[i].missing)
            continue;
        if (batch == NULL)
            status = manifest_batch_begin(search->of->manifest, &batch, &search->error);
        if (status == STATE_OK)
            status = manifest_batch_get(batch, key_of(&search->wanted[i]), &record, &search->error);
        if (status != STATE_OK)
            break;
        record.source_time_ms = 0;
        status = manifest_batch_put(batch, &record, &search->error);
        ++*missing;
    }
    if (batch == NULL)
        return status;
    if (status == STATE_OK)
        return manifest_batch_commit(batch, &search->error);
    manifest_batch_abort(batch);
    return status;
}

static enum verdict search_all(
        struct search *search, struct manifest_reader *reader, uint64_t *missing, struct failure *failure)
{
    char last[STATE_KEY_MAX];
    struct state_text from = search->of->prefix;
    bool after = false;
    enum verdict verdict = points_versions_next(&search->cursor, &search->entry, failure);

    while (verdict == VERDICT_OK) {
        enum state_status status = read_block(search, reader, from, after);
        if (status == STATE_OK && search->count == 0)
            break;
        if (status == STATE_OK)
            verdict = look_for_block(search, failure);
        if (status == STATE_OK && verdict == VERDICT_OK)
            status = doubt_block(search, missing);
        if (status != STATE_OK)
            return failure_from_state(
                    failure, status, &search->error, "looking for the copies of source \"%s\"", search->of->source);
        if (search->count > 0) {
            from = (struct state_text){ last, search->wanted[search->count - 1].key_len };
            memcpy(last, search->wanted[search->count - 1].key, from.len);
            after = true;
        }
    }
    return verdict;
}

enum verdict rebuild_doubt_missing(const struct rebuild_view *of, uint64_t *missing, struct failure *failure)
{
    struct search search = { .of = of, .wanted = calloc(BLOCK_RECORDS, sizeof *search.wanted) };
    struct manifest_reader *reader = NULL;
    struct layout_path folder;
    enum verdict verdict;

    *missing = 0;
    if (search.wanted == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (layout_folder(&of->vault->layout, LAYOUT_DATA, of->source, &folder) != STATE_OK ||
            manifest_reader_new(of->manifest, MANIFEST_LIVE, &reader, &search.error) != STATE_OK) {
        free(search.wanted);
        return failure_set(failure, VERDICT_INTERNAL, "the copies of source \"%s\" cannot be looked for", of->source);
    }
    if (folder.len + of->prefix.len <= STATE_PATH_MAX) { /* else all such keys are long ones */
        if (of->prefix.len > 0)
            memcpy(folder.ptr + folder.len, of->prefix.ptr, of->prefix.len);
        folder.len += of->prefix.len;
    }
    points_versions_begin(&search.cursor, of->vault, of->conn, (struct state_text){ folder.ptr, folder.len },
            (struct state_text){ NULL, 0 });
    verdict = search_all(&search, reader, missing, failure);
    points_versions_end(&search.cursor);
    manifest_reader_free(reader);
    free(search.wanted);
    return verdict;
}
