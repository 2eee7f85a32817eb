/* See manifest_load.h. */
#include "state/manifest_load.h"
#include "state/manifest_internal.h"
#include "state/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Dirty pages are anonymous memory until their commit; more of it would not make a load faster */
enum { CHUNK = 8 << 20 };

/* Below this a compaction is not worth a sync */
enum { LOOSE_LEAST = 1 << 20 };

struct manifest_load {
    struct manifest *manifest;
    struct manifest_db db;
    MDB_txn *txn;
    struct manifest_counts counts;
    uint64_t uncommitted; /* bytes */
    size_t last_len;
    char last[STATE_KEY_MAX];
};

static enum state_status load_txn(struct manifest_load *load, struct state_error *error)
{
    int code = mdb_txn_begin(load->db.env, NULL, 0, &load->txn);
    if (code == 0)
        return STATE_OK;
    load->txn = NULL;
    return manifest_lmdb_fail(code, error, "writing the new manifest");
}

enum state_status manifest_load_begin(struct manifest *manifest, struct manifest_load **load, struct state_error *error)
{
    char path[FOLDER_PATH_MAX];
    uint64_t map = 0;
    *load = NULL;
    if (manifest->db.env == NULL)
        return manifest_unusable(error);
    struct manifest_load *l = calloc(1, sizeof *l);
    if (l == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "loading the manifest: out of memory");
    l->manifest = manifest;
    enum state_status status = folder_file(&manifest->folder, FOLDER_FILE_NEW, path, error);
    if (status == STATE_OK)
        status = folder_remove(&manifest->folder, FOLDER_FILE_NEW, error);
    if (status == STATE_OK)
        status = manifest_map_size(manifest, &map, error);
    if (status == STATE_OK)
        status = db_open(path, DB_CREATE, map, manifest->readers_max, &l->db, error);
    if (status == STATE_OK)
        status = load_txn(l, error);
    if (status != STATE_OK) {
        manifest_load_abort(l);
        return status;
    }
    *load = l;
    return STATE_OK;
}

void manifest_load_abort(struct manifest_load *load)
{
    if (load == NULL)
        return;
    mdb_txn_abort(load->txn);
    db_close(&load->db);
    enum state_status removed = folder_remove(&load->manifest->folder, FOLDER_FILE_NEW, NULL);
    (void)removed; /* if it could not, the next load or open does */
    free(load);
}

static enum state_status load_commit(struct manifest_load *load, struct state_error *error)
{
    enum state_status status = manifest_has_space(load->manifest, 2 * load->uncommitted + CHUNK / 2, error);
    if (status == STATE_OK)
        status = db_counts_put(load->txn, &load->db, &load->counts, error);
    if (status != STATE_OK)
        return status;
    status = manifest_commit(load->manifest, load->txn, FOLDER_FILE_NEW, error);
    load->txn = NULL;
    load->uncommitted = 0;
    return status;
}

/* A value as it is stored, after all keys before it. */
static enum state_status append(struct manifest_load *load, enum manifest_part part, struct state_text key,
        struct state_text value, struct state_error *error)
{
    enum state_status status = STATE_OK;
    if (part == MANIFEST_LIVE) {
        enum storage_class class_;
        uint64_t size;
        if (!record_class_size((const unsigned char *)value.ptr, value.len, &class_, &size))
            return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (a record)");
        db_count_entry(&load->counts, class_, size, true);
    }
    status = tree_put(load->txn, &load->db.tree[part], key, value, TREE_NEW, MDB_APPEND, &load->counts.last_link,
            &load->counts.tree[part], error);
    load->uncommitted += key.len + value.len;
    if (status == STATE_OK && load->uncommitted > CHUNK) {
        status = load_commit(load, error);
        if (status == STATE_OK)
            status = load_txn(load, error);
    }
    return status;
}

enum state_status manifest_load_put(
        struct manifest_load *load, const struct state_entry *entry, struct state_error *error)
{
    unsigned char record[RECORD_MAX];
    size_t len = record_encode(entry, record);
    struct state_text key = entry->key;
    if (key.len < 1 || key.len > STATE_KEY_MAX || len == 0)
        return state_fail(error, STATE_BAD_DATA, 0, "a record with a field beyond its bound");
    size_t shared = key.len < load->last_len ? key.len : load->last_len;
    int order = memcmp(load->last, key.ptr, shared);
    if (order > 0 || (order == 0 && key.len <= load->last_len))
        return state_fail(error, STATE_BAD_DATA, 0, "keys out of order: \"%.*s\" comes after \"%.*s\"",
                key.len < 80 ? (int)key.len : 80, key.ptr, load->last_len < 80 ? (int)load->last_len : 80, load->last);
    memcpy(load->last, key.ptr, key.len);
    load->last_len = key.len;
    return append(load, MANIFEST_LIVE, key, (struct state_text){ (const char *)record, len }, error);
}

enum state_status manifest_load_meta(
        struct manifest_load *load, const char *name, const void *value, size_t length, struct state_error *error)
{
    enum state_status status = manifest_name_check(name, length, error);
    if (status != STATE_OK)
        return status;
    load->uncommitted += length;
    return db_meta_put(load->txn, &load->db, (struct state_text){ name, strlen(name) },
            (struct state_text){ value, length }, 0, error);
}

static enum state_status carry_part(
        struct manifest_load *load, MDB_txn *from, enum manifest_part part, struct state_error *error)
{
    struct tree_cursor *cursor = malloc(sizeof *cursor);
    if (cursor == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "packing the manifest: out of memory");
    enum state_status status = tree_cursor_open(from, &load->manifest->db.tree[part], cursor, error);
    struct state_text key;
    struct state_text value;
    while (status == STATE_OK && (status = tree_cursor_next(cursor, &key, &value, error)) == STATE_OK)
        status = append(load, part, key, value, error);
    tree_cursor_close(cursor);
    free(cursor);
    return status == STATE_END ? STATE_OK : status;
}

/* The outbox, or all of meta that callers put there. */
static enum state_status carry_values(
        struct manifest_load *load, MDB_txn *from, const char *part, struct state_error *error)
{
    bool is_meta = part[0] == DB_META[0];
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val stored;
    enum state_status status = STATE_OK;
    int code = mdb_cursor_open(from, is_meta ? load->manifest->db.meta : load->manifest->db.outbox, &cursor);
    while (code == 0 && status == STATE_OK && (code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT)) == 0) {
        struct state_text value;
        struct state_text name = { key.mv_data, key.mv_size };
        if (!db_value(part, &key, &stored, &value)) {
            status = state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (a value of %s)", part);
        } else if (!is_meta) {
            status = db_line_put(load->txn, &load->db, db_line_number(&key), value, MDB_APPEND, error);
            load->counts.outbox_lines++;
            load->counts.outbox_bytes += value.len;
        } else if (name.len > 0 && name.ptr[0] != '.') {
            status = db_meta_put(load->txn, &load->db, name, value, 0, error);
        }
        load->uncommitted += value.len;
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    if (status == STATE_OK && code != MDB_NOTFOUND)
        status = manifest_lmdb_fail(code, error, "packing the manifest");
    return status;
}

/* Puts the finished file in the old one's place. */
static enum state_status put_in_place(struct manifest *manifest, struct state_error *error)
{
    manifest_readers_detach(manifest);
    db_close(&manifest->db);
    enum state_status renamed = folder_rename(&manifest->folder, FOLDER_FILE_NEW, FOLDER_FILE, error);
    /* also where that failed: whichever file is in place is a whole one */
    enum state_status status = manifest_attach(manifest, DB_KNOWN, renamed == STATE_OK ? error : NULL);
    return renamed != STATE_OK ? renamed : status;
}

/* Carries over what a load does not replace (all: everything), and finishes. */
static enum state_status finish(struct manifest_load *load, bool all, struct state_error *error)
{
    struct manifest *manifest = load->manifest;
    struct manifest_counts before;
    assert(!manifest->writing);
    pthread_mutex_lock(&manifest->lock);
    before = manifest->counts;
    pthread_mutex_unlock(&manifest->lock);
    MDB_txn *from = NULL;
    int code = mdb_txn_begin(manifest->db.env, NULL, MDB_RDONLY, &from);
    enum state_status status = code == 0 ? STATE_OK : manifest_lmdb_fail(code, error, "reading the manifest");
    if (status == STATE_OK && all) {
        status = carry_part(load, from, MANIFEST_LIVE, error);
        if (status == STATE_OK)
            status = carry_part(load, from, MANIFEST_PENDING, error);
        if (status == STATE_OK)
            status = carry_values(load, from, DB_META, error);
    }
    if (status == STATE_OK)
        status = carry_part(load, from, MANIFEST_JOBS, error);
    if (status == STATE_OK)
        status = carry_values(load, from, DB_OUTBOX, error);
    mdb_txn_abort(from);
    load->counts.last_line = before.last_line;
    if (status == STATE_OK && all &&
            (load->counts.tree[MANIFEST_LIVE].records != before.tree[MANIFEST_LIVE].records ||
                    memcmp(load->counts.by_class, before.by_class, sizeof before.by_class) != 0))
        status = state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (its records are not those counted)");
    if (status == STATE_OK)
        status = load_commit(load, error);
    if (status == STATE_OK && (code = mdb_env_sync(load->db.env, 1)) != 0)
        status = manifest_lmdb_fail(code, error, "syncing the new manifest");
    if (status != STATE_OK) {
        manifest_load_abort(load);
        return status;
    }
    db_close(&load->db);
    free(load);
    return put_in_place(manifest, error);
}

enum state_status manifest_load_finish(struct manifest_load *load, struct state_error *error)
{
    return finish(load, false, error);
}

/*
 * What users are promised is 1.4 x the bytes of keys and records. Records so small that LMDB's own bytes beside them
 * take more than that are left alone: a packed file cannot be packed.
 */
enum state_status manifest_is_loose(struct manifest *manifest, bool *loose, struct state_error *error)
{
    uint64_t bytes = 0;
    uint64_t packed = 0;
    uint64_t raw = 0;
    enum state_status status = manifest_file_size(manifest, &bytes, &packed, &raw, error);
    *loose = status == STATE_OK && bytes > LOOSE_LEAST && bytes / 7 > raw / 5 && bytes / 8 > packed / 7;
    return status;
}

enum state_status manifest_compact(struct manifest *manifest, struct state_error *error)
{
    struct manifest_load *load = NULL;
    enum state_status status = manifest_load_begin(manifest, &load, error);
    return status == STATE_OK ? finish(load, true, error) : status;
}
