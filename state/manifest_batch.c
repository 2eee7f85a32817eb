/* See manifest_batch.h. */
#include "state/manifest_batch.h"
#include "state/manifest_internal.h"
#include "state/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a change may cost in pages: its leaf is copied, and one in some splits; plus the branches and the free list. */
enum { CHANGE_SPACE = 2 * 4096, COMMIT_SPACE = 1 << 20 };

struct manifest_batch {
    struct manifest *manifest;
    MDB_txn *txn;
    struct manifest_counts counts; /* as they will be */
    uint64_t changes;
    uint64_t bytes;
    enum state_status failed; /* STATE_OK, or why the commit will refuse */
    struct state_error error;
    struct record_texts texts;
};

static const struct state_text no_text = { NULL, 0 };

enum state_status manifest_batch_begin(
        struct manifest *manifest, struct manifest_batch **batch, struct state_error *error)
{
    assert(!manifest->writing);
    *batch = NULL;
    if (manifest->db.env == NULL)
        return manifest_unusable(error);
    struct manifest_batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "a batch for the manifest: out of memory");
    int code = mdb_txn_begin(manifest->db.env, NULL, 0, &b->txn);
    if (code != 0) {
        free(b);
        return manifest_lmdb_fail(code, error, "writing to the manifest");
    }
    b->manifest = manifest;
    manifest->writing = true;
    pthread_mutex_lock(&manifest->lock);
    b->counts = manifest->counts;
    pthread_mutex_unlock(&manifest->lock);
    *batch = b;
    return STATE_OK;
}

static void batch_free(struct manifest_batch *batch)
{
    batch->manifest->writing = false;
    free(batch);
}

void manifest_batch_abort(struct manifest_batch *batch)
{
    if (batch == NULL)
        return;
    mdb_txn_abort(batch->txn);
    batch_free(batch);
}

/* Every way out of a change: a failure is kept for the commit. */
static enum state_status changed(struct manifest_batch *batch, enum state_status status, const struct state_error *why,
        struct state_error *error)
{
    if (status == STATE_OK || status == STATE_NOT_FOUND)
        return status;
    if (batch->failed == STATE_OK) {
        batch->failed = status;
        batch->error = *why;
    }
    if (error != NULL)
        *error = batch->error;
    return batch->failed;
}

enum state_status manifest_batch_commit(struct manifest_batch *batch, struct state_error *error)
{
    struct manifest *manifest = batch->manifest;
    struct state_error why = { 0 };
    enum state_status status = batch->failed;
    if (status == STATE_OK)
        status = manifest_has_space(manifest, COMMIT_SPACE + batch->changes * CHANGE_SPACE + batch->bytes, &why);
    if (status == STATE_OK)
        status = db_counts_put(batch->txn, &manifest->db, &batch->counts, &why);
    status = changed(batch, status, &why, error);
    if (status != STATE_OK) {
        manifest_batch_abort(batch);
        return status;
    }
    status = manifest_commit(manifest, batch->txn, FOLDER_FILE, error);
    if (status == STATE_OK) {
        pthread_mutex_lock(&manifest->lock);
        manifest->counts = batch->counts;
        pthread_mutex_unlock(&manifest->lock);
    }
    batch_free(batch);
    return status;
}

static enum state_status key_check(struct state_text key, struct state_error *error)
{
    if (key.len < 1 || key.len > STATE_KEY_MAX)
        return state_fail(error, STATE_BAD_DATA, 0, "a key of %zu bytes", key.len);
    return STATE_OK;
}

/* Puts `value`; `old` is what was there (len TREE_NEW: nothing). */
static enum state_status part_put(struct manifest_batch *batch, enum manifest_part part, struct state_text key,
        struct state_text value, size_t old, struct state_error *error)
{
    batch->changes++;
    batch->bytes += key.len + value.len;
    return tree_put(batch->txn, &batch->manifest->db.tree[part], key, value, old, 0, &batch->counts.last_link,
            &batch->counts.tree[part], error);
}

static enum state_status part_remove(struct manifest_batch *batch, enum manifest_part part, struct state_text key,
        size_t old, struct state_error *error)
{
    batch->changes++;
    return tree_remove(batch->txn, &batch->manifest->db.tree[part], key, old, &batch->counts.tree[part], error);
}

static enum state_status part_get(struct manifest_batch *batch, enum manifest_part part, struct state_text key,
        struct state_text *value, struct state_error *error)
{
    return tree_get(batch->txn, &batch->manifest->db.tree[part], key, value, error);
}

/* Takes a live record's value out of the totals, or adds it. */
static enum state_status count(
        struct manifest_batch *batch, struct state_text value, bool came, struct state_error *error)
{
    enum storage_class class_;
    uint64_t size;
    if (!record_class_size((const unsigned char *)value.ptr, value.len, &class_, &size))
        return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (a record)");
    db_count_entry(&batch->counts, class_, size, came);
    return STATE_OK;
}

enum state_status manifest_batch_put(
        struct manifest_batch *batch, const struct state_entry *entry, struct state_error *error)
{
    struct state_error why = { 0 };
    unsigned char record[RECORD_MAX];
    struct state_text old = no_text;
    size_t len = record_encode(entry, record);
    struct state_text value = { (const char *)record, len };
    size_t old_len = TREE_NEW;
    enum state_status status = key_check(entry->key, &why);
    if (status == STATE_OK && len == 0)
        status = state_fail(&why, STATE_BAD_DATA, 0, "a record with a field beyond its bound");
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_LIVE, entry->key, &old, &why);
    if (status == STATE_OK) {
        old_len = old.len;
        status = count(batch, old, false, &why);
    } else if (status == STATE_NOT_FOUND) {
        status = STATE_OK;
    }
    if (status == STATE_OK)
        status = count(batch, value, true, &why);
    if (status == STATE_OK)
        status = part_put(batch, MANIFEST_LIVE, entry->key, value, old_len, &why);
    return changed(batch, status, &why, error);
}

enum state_status manifest_batch_remove(struct manifest_batch *batch, struct state_text key, struct state_error *error)
{
    struct state_error why = { 0 };
    struct state_text old = no_text;
    enum state_status status = key_check(key, &why);
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_LIVE, key, &old, &why);
    if (status == STATE_OK)
        status = count(batch, old, false, &why);
    if (status == STATE_OK)
        status = part_remove(batch, MANIFEST_LIVE, key, old.len, &why);
    return changed(batch, status, &why, error);
}

enum state_status manifest_batch_get(
        struct manifest_batch *batch, struct state_text key, struct state_entry *entry, struct state_error *error)
{
    struct state_error why = { 0 };
    struct state_text value = no_text;
    enum state_status status = key_check(key, &why);
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_LIVE, key, &value, &why);
    if (status == STATE_OK && !record_decode((const unsigned char *)value.ptr, value.len, &batch->texts, entry))
        status = state_fail(&why, STATE_BAD_DATA, 0, "the manifest is damaged (a record)");
    if (status == STATE_OK)
        entry->key = key;
    return changed(batch, status, &why, error);
}

enum state_status manifest_outbox_append(
        struct manifest_batch *batch, const char *line, size_t length, uint64_t *sequence, struct state_error *error)
{
    struct state_error why = { 0 };
    enum state_status status = STATE_OK;
    if (length == 0 || length > MANIFEST_LINE_MAX)
        status = state_fail(&why, STATE_BAD_DATA, 0, "a change line of %zu bytes", length);
    uint64_t number = batch->counts.last_line + 1;
    if (status == STATE_OK)
        status = db_line_put(
                batch->txn, &batch->manifest->db, number, (struct state_text){ line, length }, MDB_APPEND, &why);
    if (status == STATE_OK) {
        batch->counts.last_line = number;
        batch->counts.outbox_lines++;
        batch->counts.outbox_bytes += length;
        batch->bytes += length;
        if (sequence != NULL)
            *sequence = number;
    }
    return changed(batch, status, &why, error);
}

enum state_status manifest_outbox_trim(struct manifest_batch *batch, uint64_t through, struct state_error *error)
{
    struct state_error why = { 0 };
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val stored;
    enum state_status status = STATE_OK;
    int code = mdb_cursor_open(batch->txn, batch->manifest->db.outbox, &cursor);
    while (code == 0 && (code = mdb_cursor_get(cursor, &key, &stored, MDB_FIRST)) == 0 &&
            db_line_number(&key) <= through) {
        struct state_text line;
        if (!db_value(DB_OUTBOX, &key, &stored, &line)) {
            status = state_fail(&why, STATE_BAD_DATA, 0, "the manifest is damaged (a line of the outbox)");
            break;
        }
        batch->counts.outbox_lines--;
        batch->counts.outbox_bytes -= line.len;
        code = mdb_cursor_del(cursor, 0);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (status == STATE_OK && code != 0 && code != MDB_NOTFOUND)
        status = manifest_lmdb_fail(code, &why, "trimming the outbox");
    return changed(batch, status, &why, error);
}

enum state_status manifest_pending_add(struct manifest_batch *batch, struct state_text key, struct state_error *error)
{
    struct state_error why = { 0 };
    struct state_text old = no_text;
    enum state_status status = key_check(key, &why);
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_PENDING, key, &old, &why);
    if (status == STATE_NOT_FOUND)
        status = part_put(batch, MANIFEST_PENDING, key, no_text, TREE_NEW, &why);
    return changed(batch, status, &why, error);
}

enum state_status manifest_pending_remove(
        struct manifest_batch *batch, struct state_text key, struct state_error *error)
{
    struct state_error why = { 0 };
    struct state_text old = no_text;
    enum state_status status = key_check(key, &why);
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_PENDING, key, &old, &why);
    if (status == STATE_OK)
        status = part_remove(batch, MANIFEST_PENDING, key, old.len, &why);
    return changed(batch, status, &why, error);
}

enum state_status manifest_pending_clear(struct manifest_batch *batch, struct state_error *error)
{
    struct state_error why = { 0 };
    enum state_status status = STATE_OK;
    for (unsigned level = 0; level < TREE_LEVELS && status == STATE_OK; level++) {
        int code = mdb_drop(batch->txn, batch->manifest->db.tree[MANIFEST_PENDING].level[level], 0);
        if (code != 0)
            status = manifest_lmdb_fail(code, &why, "clearing the pending keys");
    }
    batch->counts.tree[MANIFEST_PENDING] = (struct tree_count){ 0 };
    return changed(batch, status, &why, error);
}

/* A job's key: its kind before the object's. */
static enum state_status job_key(unsigned char kind, struct state_text key, char bytes[1 + STATE_KEY_MAX],
        struct state_text *whole, struct state_error *error)
{
    enum state_status status = key_check(key, error);
    if (status != STATE_OK)
        return status;
    bytes[0] = (char)kind;
    memcpy(bytes + 1, key.ptr, key.len);
    *whole = (struct state_text){ bytes, key.len + 1 };
    return STATE_OK;
}

enum state_status manifest_job_put(struct manifest_batch *batch, unsigned char kind, struct state_text key,
        struct state_text value, struct state_error *error)
{
    struct state_error why = { 0 };
    char bytes[1 + STATE_KEY_MAX];
    struct state_text whole = no_text;
    struct state_text old = no_text;
    size_t old_len = TREE_NEW;
    enum state_status status = job_key(kind, key, bytes, &whole, &why);
    if (status == STATE_OK && value.len > MANIFEST_JOB_MAX)
        status = state_fail(&why, STATE_FULL, 0, "a job of %zu bytes", value.len);
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_JOBS, whole, &old, &why);
    if (status == STATE_OK)
        old_len = old.len;
    if (status == STATE_OK || status == STATE_NOT_FOUND)
        status = part_put(batch, MANIFEST_JOBS, whole, value, old_len, &why);
    return changed(batch, status, &why, error);
}

enum state_status manifest_job_remove(
        struct manifest_batch *batch, unsigned char kind, struct state_text key, struct state_error *error)
{
    struct state_error why = { 0 };
    char bytes[1 + STATE_KEY_MAX];
    struct state_text whole = no_text;
    struct state_text old = no_text;
    enum state_status status = job_key(kind, key, bytes, &whole, &why);
    if (status == STATE_OK)
        status = part_get(batch, MANIFEST_JOBS, whole, &old, &why);
    if (status == STATE_OK)
        status = part_remove(batch, MANIFEST_JOBS, whole, old.len, &why);
    return changed(batch, status, &why, error);
}

enum state_status manifest_meta_put(
        struct manifest_batch *batch, const char *name, const void *value, size_t length, struct state_error *error)
{
    struct state_error why = { 0 };
    enum state_status status = manifest_name_check(name, length, &why);
    if (status == STATE_OK) {
        batch->changes++;
        batch->bytes += length;
        status = db_meta_put(batch->txn, &batch->manifest->db, (struct state_text){ name, strlen(name) },
                (struct state_text){ value, length }, 0, &why);
    }
    return changed(batch, status, &why, error);
}
