/* See manifest_reader.h. */
#include "state/manifest_reader.h"
#include "state/manifest_internal.h"
#include "state/record.h"

#include <assert.h>
#include <stdlib.h>

struct manifest_reader {
    struct manifest *manifest;
    enum manifest_part part;
    MDB_txn *txn; /* kept over end and begin, its slot in the lock table with it; NULL before the first begin */
    bool open;
    enum state_status failed; /* STATE_OK, or what _next goes on to return */
    struct state_error error;
    struct state_text key; /* the current one */
    struct state_text value;
    struct record_texts texts;
    struct tree_cursor cursor;
    struct manifest_reader *next; /* the manifest's list, guarded by its lock */
};

static const struct state_text no_text = { NULL, 0 };

enum state_status manifest_reader_new(
        struct manifest *manifest, enum manifest_part part, struct manifest_reader **reader, struct state_error *error)
{
    *reader = calloc(1, sizeof **reader);
    if (*reader == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "a reader of the manifest: out of memory");
    (*reader)->manifest = manifest;
    (*reader)->part = part;
    pthread_mutex_lock(&manifest->lock);
    (*reader)->next = manifest->readers;
    manifest->readers = *reader;
    pthread_mutex_unlock(&manifest->lock);
    return STATE_OK;
}

static void drop_transaction(struct manifest_reader *reader)
{
    if (reader->txn == NULL)
        return;
    tree_cursor_close(&reader->cursor);
    mdb_txn_abort(reader->txn);
    reader->txn = NULL;
}

void manifest_reader_free(struct manifest_reader *reader)
{
    if (reader == NULL)
        return;
    struct manifest *manifest = reader->manifest;
    manifest_reader_end(reader);
    drop_transaction(reader);
    pthread_mutex_lock(&manifest->lock);
    struct manifest_reader **link = &manifest->readers;
    while (*link != reader)
        link = &(*link)->next;
    *link = reader->next;
    pthread_mutex_unlock(&manifest->lock);
    free(reader);
}

void manifest_readers_detach(struct manifest *manifest)
{
    pthread_mutex_lock(&manifest->lock);
    assert(manifest->open_readers == 0);
    for (struct manifest_reader *reader = manifest->readers; reader != NULL; reader = reader->next)
        drop_transaction(reader);
    pthread_mutex_unlock(&manifest->lock);
}

static enum state_status begin_fresh(struct manifest_reader *reader, struct state_error *error)
{
    const struct manifest_db *db = &reader->manifest->db;
    int code = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &reader->txn);
    if (code != 0) {
        reader->txn = NULL;
        return manifest_lmdb_fail(code, error, "reading the manifest");
    }
    enum state_status status = tree_cursor_open(reader->txn, &db->tree[reader->part], &reader->cursor, error);
    if (status != STATE_OK) {
        mdb_txn_abort(reader->txn);
        reader->txn = NULL;
    }
    return status;
}

static enum state_status begin_again(struct manifest_reader *reader, struct state_error *error)
{
    int code = mdb_txn_renew(reader->txn);
    enum state_status status = code == 0 ? tree_cursor_renew(reader->txn, &reader->cursor, error)
                                         : manifest_lmdb_fail(code, error, "reading the manifest");
    if (status != STATE_OK)
        drop_transaction(reader);
    return status;
}

enum state_status manifest_reader_begin(struct manifest_reader *reader, struct state_error *error)
{
    struct manifest *manifest = reader->manifest;
    assert(!reader->open);
    if (manifest->db.env == NULL)
        return manifest_unusable(error);
    reader->failed = STATE_OK;
    reader->key = no_text;
    reader->value = no_text;
    enum state_status status = reader->txn == NULL ? begin_fresh(reader, error) : begin_again(reader, error);
    if (status != STATE_OK)
        return status;
    reader->open = true;
    pthread_mutex_lock(&manifest->lock);
    manifest->open_readers++;
    pthread_mutex_unlock(&manifest->lock);
    return STATE_OK;
}

void manifest_reader_end(struct manifest_reader *reader)
{
    if (!reader->open)
        return;
    mdb_txn_reset(reader->txn);
    reader->open = false;
    pthread_mutex_lock(&reader->manifest->lock);
    reader->manifest->open_readers--;
    pthread_mutex_unlock(&reader->manifest->lock);
}

static enum state_status fail_for_good(struct manifest_reader *reader, enum state_status status,
        const struct state_error *why, struct state_error *error)
{
    reader->failed = status;
    reader->error = *why;
    if (error != NULL)
        *error = *why;
    return status;
}

enum state_status manifest_reader_seek(
        struct manifest_reader *reader, struct state_text key, bool after, struct state_error *error)
{
    struct state_error why = { 0 };
    assert(reader->open && key.len <= TREE_KEY_MAX);
    if (reader->failed != STATE_OK)
        return fail_for_good(reader, reader->failed, &reader->error, error);
    enum state_status status = tree_cursor_seek(&reader->cursor, key, after, &why);
    return status == STATE_OK ? status : fail_for_good(reader, status, &why, error);
}

enum state_status manifest_reader_next(
        struct manifest_reader *reader, struct state_text *key, struct state_error *error)
{
    struct state_error why;
    assert(reader->open);
    if (reader->failed != STATE_OK)
        return fail_for_good(reader, reader->failed, &reader->error, error);
    enum state_status status = tree_cursor_next(&reader->cursor, &reader->key, &reader->value, &why);
    *key = reader->key;
    return status == STATE_OK || status == STATE_END ? status : fail_for_good(reader, status, &why, error);
}

enum state_status manifest_reader_get(struct manifest_reader *reader, struct state_text key, struct state_error *error)
{
    assert(reader->open && key.len <= TREE_KEY_MAX);
    if (key.len == 0)
        return STATE_NOT_FOUND;
    enum state_status status =
            tree_get(reader->txn, &reader->manifest->db.tree[reader->part], key, &reader->value, error);
    reader->key = key;
    return status;
}

bool manifest_reader_matches(
        const struct manifest_reader *reader, struct state_text etag, uint64_t size, int64_t source_time_ms)
{
    assert(reader->part == MANIFEST_LIVE);
    return record_matches((const unsigned char *)reader->value.ptr, reader->value.len, etag, size, source_time_ms);
}

enum storage_class manifest_reader_class(const struct manifest_reader *reader)
{
    assert(reader->part == MANIFEST_LIVE);
    return record_class((const unsigned char *)reader->value.ptr, reader->value.len);
}

enum state_status manifest_reader_entry(
        struct manifest_reader *reader, struct state_entry *entry, struct state_error *error)
{
    assert(reader->open && reader->part != MANIFEST_JOBS);
    struct state_text value = reader->value;
    if (reader->part == MANIFEST_PENDING) {
        enum state_status status =
                tree_get(reader->txn, &reader->manifest->db.tree[MANIFEST_LIVE], reader->key, &value, error);
        if (status != STATE_OK)
            return status;
    }
    entry->key = reader->key;
    if (!record_decode((const unsigned char *)value.ptr, value.len, &reader->texts, entry))
        return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (a record)");
    return STATE_OK;
}

void manifest_reader_job(
        const struct manifest_reader *reader, unsigned char *kind, struct state_text *key, struct state_text *value)
{
    assert(reader->part == MANIFEST_JOBS && reader->key.len > 0);
    *kind = (unsigned char)reader->key.ptr[0];
    *key = (struct state_text){ reader->key.ptr + 1, reader->key.len - 1 };
    *value = reader->value;
}
