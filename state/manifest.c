/* See manifest.h. */
#include "state/manifest.h"
#include "state/manifest_check.h"
#include "state/manifest_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A bound for machines whose disk is larger than what address space and kernels like: 5,000 million records */
#define MAP_MOST (UINT64_C(1) << 40)
/* Even a disk that is nearly full gets some: the check before each commit is what says no */
#define MAP_SPARE (UINT64_C(16) << 20)

enum { READERS_SPARE = 8 /* beside the workers: the callers of meta, outbox and sizes, and readers of other parts */ };

enum { CHECK_SECONDS_LEAST = 60, CHECK_BYTES_A_SECOND = 8 << 20 /* a cold, slow disk */ };

enum state_status manifest_unusable(struct state_error *error)
{
    return state_fail(error, STATE_IO, 0, "the manifest is not open any more: its new file could not be opened");
}

enum state_status manifest_map_size(const struct manifest *manifest, uint64_t *map, struct state_error *error)
{
    uint64_t size = 0;
    uint64_t space = 0;
    enum state_status status = folder_size(&manifest->folder, FOLDER_FILE, &size, error);
    if (status == STATE_OK || status == STATE_NOT_FOUND)
        status = folder_free_space(&manifest->folder, &space, error);
    if (status != STATE_OK)
        return status;
    *map = size + space + MAP_SPARE;
    if (*map > MAP_MOST)
        *map = MAP_MOST > size ? MAP_MOST : size;
    if (manifest->map_max != 0 && *map > manifest->map_max)
        *map = manifest->map_max;
    *map &= ~(uint64_t)0xffff; /* LMDB wants whole pages; 64 KiB are the largest */
    return STATE_OK;
}

enum state_status manifest_has_space(const struct manifest *manifest, uint64_t need, struct state_error *error)
{
    uint64_t space = 0;
    enum state_status status = folder_free_space(&manifest->folder, &space, error);
    if (status == STATE_OK && space < need)
        status = state_fail(error, STATE_FULL, 0,
                "%s has %llu KiB left, the next commit may need %llu: free disk space and run again",
                manifest->folder.path, (unsigned long long)(space >> 10), (unsigned long long)(need >> 10));
    return status;
}

enum state_status manifest_commit(
        const struct manifest *manifest, MDB_txn *txn, const char *file, struct state_error *error)
{
    uint64_t size = 0;
    int code = mdb_txn_commit(txn);
    if (code == 0)
        return STATE_OK;
    if (code == EIO && folder_size(&manifest->folder, file, &size, NULL) == STATE_OK &&
            !folder_can_grow(&manifest->folder, size))
        code = ENOSPC;
    return manifest_lmdb_fail(code, error, "committing to the manifest");
}

enum state_status manifest_name_check(const char *name, size_t length, struct state_error *error)
{
    size_t len = strlen(name);
    if (len == 0 || len > MANIFEST_NAME_MAX || name[0] == '.' || length > MANIFEST_META_MAX)
        return state_fail(error, STATE_FULL, 0, "meta: the name \"%.70s\" or its value of %zu bytes breaks a bound",
                name, length);
    return STATE_OK;
}

enum state_status manifest_attach(struct manifest *manifest, enum db_mode mode, struct state_error *error)
{
    char path[FOLDER_PATH_MAX];
    uint64_t map = 0;
    MDB_txn *txn = NULL;
    struct manifest_counts counts;
    enum state_status status = folder_file(&manifest->folder, FOLDER_FILE, path, error);
    if (status == STATE_OK)
        status = manifest_map_size(manifest, &map, error);
    /* the lock table of a killed process: nobody else can be in it, for we hold the folder */
    if (status == STATE_OK)
        status = folder_remove(&manifest->folder, FOLDER_FILE_LOCK, error);
    if (status == STATE_OK)
        status = db_open(path, mode, map, manifest->readers_max, &manifest->db, error);
    if (status != STATE_OK)
        return status;
    int code = mdb_txn_begin(manifest->db.env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        status = manifest_lmdb_fail(code, error, "opening the manifest");
    if (status == STATE_OK)
        status = db_counts_get(txn, &manifest->db, &counts, error);
    if (status == STATE_OK)
        status = db_counts_agree(txn, &manifest->db, &counts, error);
    mdb_txn_abort(txn);
    if (status != STATE_OK) {
        db_close(&manifest->db);
        return status;
    }
    pthread_mutex_lock(&manifest->lock);
    manifest->counts = counts;
    pthread_mutex_unlock(&manifest->lock);
    return STATE_OK;
}

/* An empty one, made beside and renamed, so that a half-made one never lies in place. */
static enum state_status create(struct manifest *manifest, struct state_error *error)
{
    char path[FOLDER_PATH_MAX];
    struct manifest_db db;
    uint64_t map = 0;
    enum state_status status = folder_file(&manifest->folder, FOLDER_FILE_NEW, path, error);
    if (status == STATE_OK)
        status = manifest_map_size(manifest, &map, error);
    if (status == STATE_OK)
        status = manifest_has_space(manifest, UINT64_C(1) << 20, error);
    if (status == STATE_OK)
        status = db_open(path, DB_CREATE, map, manifest->readers_max, &db, error);
    if (status != STATE_OK)
        return status;
    int code = mdb_env_sync(db.env, 1);
    if (code != 0)
        status = manifest_lmdb_fail(code, error, "making the manifest");
    db_close(&db);
    return status == STATE_OK ? folder_rename(&manifest->folder, FOLDER_FILE_NEW, FOLDER_FILE, error) : status;
}

/* What lies in the folder: STATE_OK with new, clean or verified. */
static enum state_status judge(struct manifest *manifest, const struct manifest_options *options,
        enum manifest_found *found, struct state_error *error)
{
    char path[FOLDER_PATH_MAX];
    enum folder_dirt dirt = FOLDER_CLEAN;
    uint64_t size = 0;
    enum state_status status = folder_remove(&manifest->folder, FOLDER_FILE_NEW, error);
    if (status == STATE_OK)
        status = folder_file(&manifest->folder, FOLDER_FILE, path, error);
    if (status == STATE_OK)
        status = folder_dirt(&manifest->folder, &dirt, error);
    if (status != STATE_OK)
        return status;
    status = folder_size(&manifest->folder, FOLDER_FILE, &size, error);
    *found = status == STATE_NOT_FOUND ? MANIFEST_NEW : MANIFEST_CLEAN;
    if (status == STATE_NOT_FOUND)
        return STATE_OK;
    if (status != STATE_OK || dirt == FOLDER_CLEAN)
        return status;
    if (dirt == FOLDER_OTHER_BOOT)
        return state_fail(error, STATE_BAD_DATA, 0,
                "the manifest in %s was open when the machine went down: it has to be rebuilt", options->folder);
    *found = MANIFEST_VERIFIED;
    uint64_t seconds = CHECK_SECONDS_LEAST + size / CHECK_BYTES_A_SECOND;
    return check_in_child(path, size, options->check_seconds != 0 ? options->check_seconds : (unsigned)seconds,
            manifest->folder.lock, error);
}

enum state_status manifest_open(const struct manifest_options *options, struct manifest **manifest,
        enum manifest_found *found, struct state_error *error)
{
    enum manifest_found as = MANIFEST_REBUILD;
    *manifest = NULL;
    if (found != NULL)
        *found = as;
    struct manifest *m = calloc(1, sizeof *m);
    if (m == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "opening the manifest: out of memory");
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        return state_fail(error, STATE_NO_MEMORY, 0, "opening the manifest: no lock");
    }
    m->map_max = options->map_max;
    m->readers_max = options->workers + READERS_SPARE;
    enum state_status status = manifest_folder_open(options, &m->folder, error);
    if (status == STATE_OK) {
        status = judge(m, options, &as, error);
        if (status == STATE_OK && as == MANIFEST_NEW)
            status = create(m, error);
        if (status == STATE_OK)
            status = manifest_attach(m, as == MANIFEST_CLEAN ? DB_CLEAN : DB_KNOWN, error);
        if (status == STATE_OK)
            status = folder_mark_dirty(&m->folder, error);
        if (status != STATE_OK) {
            db_close(&m->db);
            manifest_folder_close(&m->folder);
        }
    }
    if (status != STATE_OK) {
        pthread_mutex_destroy(&m->lock);
        free(m);
        return status;
    }
    if (found != NULL)
        *found = as;
    *manifest = m;
    return STATE_OK;
}

enum state_status manifest_close(struct manifest *manifest, bool clean, struct state_error *error)
{
    if (manifest == NULL)
        return STATE_OK;
    assert(!manifest->writing && manifest->readers == NULL);
    char path[FOLDER_PATH_MAX];
    enum state_status status = STATE_OK;
    if (clean) {
        status = manifest->db.env == NULL ? manifest_unusable(error)
                                          : folder_file(&manifest->folder, FOLDER_FILE, path, error);
        if (status == STATE_OK)
            status = db_extend(&manifest->db, path, error);
        if (status == STATE_OK)
            status = manifest_sync(manifest, error);
    }
    db_close(&manifest->db);
    if (clean && status == STATE_OK)
        status = folder_mark_clean(&manifest->folder, error);
    manifest_folder_close(&manifest->folder);
    pthread_mutex_destroy(&manifest->lock);
    free(manifest);
    return status;
}

bool manifest_was_left_open(const char *folder)
{
    char path[FOLDER_PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/" FOLDER_FILE_DIRTY, folder);

    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

enum state_status manifest_discard(const struct manifest_options *options, struct state_error *error)
{
    static const char *const files[] = { FOLDER_FILE, FOLDER_FILE_LOCK, FOLDER_FILE_NEW };
    struct manifest_folder folder;
    enum state_status status = manifest_folder_open(options, &folder, error);
    if (status != STATE_OK)
        return status;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && status == STATE_OK; i++)
        status = folder_remove(&folder, files[i], error);
    if (status == STATE_OK)
        status = folder_mark_clean(&folder, error);
    manifest_folder_close(&folder);
    return status;
}

enum state_status manifest_sync(struct manifest *manifest, struct state_error *error)
{
    if (manifest->db.env == NULL)
        return manifest_unusable(error);
    int code = mdb_env_sync(manifest->db.env, 1);
    return code == 0 ? STATE_OK : manifest_lmdb_fail(code, error, "syncing the manifest");
}

void manifest_totals(struct manifest *manifest, struct manifest_totals *totals)
{
    pthread_mutex_lock(&manifest->lock);
    const struct manifest_counts *counts = &manifest->counts;
    *totals = (struct manifest_totals){ .records = counts->tree[MANIFEST_LIVE].records,
        .pending = counts->tree[MANIFEST_PENDING].records,
        .jobs = counts->tree[MANIFEST_JOBS].records,
        .outbox_lines = counts->outbox_lines,
        .outbox_bytes = counts->outbox_bytes };
    memcpy(totals->by_class, counts->by_class, sizeof totals->by_class);
    pthread_mutex_unlock(&manifest->lock);
}

static enum state_status begin_read(struct manifest *manifest, MDB_txn **txn, struct state_error *error)
{
    if (manifest->db.env == NULL)
        return manifest_unusable(error);
    int code = mdb_txn_begin(manifest->db.env, NULL, MDB_RDONLY, txn);
    return code == 0 ? STATE_OK : manifest_lmdb_fail(code, error, "reading the manifest");
}

enum state_status manifest_meta_get(struct manifest *manifest, const char *name, void *buffer, size_t size,
        size_t *length, struct state_error *error)
{
    MDB_txn *txn = NULL;
    struct state_text value = { NULL, 0 };
    *length = 0;
    enum state_status status = manifest_name_check(name, 0, error);
    if (status == STATE_OK)
        status = begin_read(manifest, &txn, error);
    if (status != STATE_OK)
        return status;
    status = db_meta_get(txn, &manifest->db, name, &value, error);
    if (status == STATE_OK) {
        *length = value.len;
        if (value.len > size)
            status = state_fail(error, STATE_FULL, 0, "meta: \"%s\" has %zu bytes", name, value.len);
        else
            memcpy(buffer, value.ptr, value.len);
    }
    mdb_txn_abort(txn);
    return status;
}

enum state_status manifest_outbox_read(struct manifest *manifest, uint64_t from, size_t max_bytes,
        manifest_line_fn *write, void *ctx, uint64_t *last, uint64_t *lines, struct state_error *error)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    unsigned char first[8];
    *lines = 0;
    enum state_status status = begin_read(manifest, &txn, error);
    if (status != STATE_OK)
        return status;
    int code = mdb_cursor_open(txn, manifest->db.outbox, &cursor);
    db_line_key(from, first);
    MDB_val key = { sizeof first, first };
    MDB_val stored;
    if (code == 0)
        code = mdb_cursor_get(cursor, &key, &stored, MDB_SET_RANGE);
    for (size_t bytes = 0; code == 0 && status == STATE_OK && (bytes == 0 || bytes < max_bytes);) {
        struct state_text line;
        uint64_t number = db_line_number(&key);
        if (!db_value(DB_OUTBOX, &key, &stored, &line) || number < from) {
            status = state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (a line of the outbox)");
            break;
        }
        status = write(ctx, number, line.ptr, line.len);
        if (status == STATE_OK) {
            bytes += line.len;
            *last = number;
            ++*lines;
            code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT);
        }
    }
    if (status == STATE_OK && code != 0 && code != MDB_NOTFOUND)
        status = manifest_lmdb_fail(code, error, "reading the outbox");
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return status;
}

enum state_status manifest_file_size(
        struct manifest *manifest, uint64_t *bytes, uint64_t *packed, uint64_t *raw, struct state_error *error)
{
    MDB_txn *txn = NULL;
    MDB_stat outbox;
    MDB_stat meta;
    uint64_t payload = 0;
    uint64_t nodes = 0;
    enum state_status status = begin_read(manifest, &txn, error);
    if (status != STATE_OK)
        return status;
    int code = mdb_stat(txn, manifest->db.outbox, &outbox);
    if (code == 0)
        code = mdb_stat(txn, manifest->db.meta, &meta);
    mdb_txn_abort(txn);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "measuring the manifest");
    pthread_mutex_lock(&manifest->lock);
    for (unsigned part = 0; part < DB_PARTS; part++) {
        payload += manifest->counts.tree[part].payload;
        nodes += manifest->counts.tree[part].records + manifest->counts.tree[part].links;
    }
    pthread_mutex_unlock(&manifest->lock);
    /* A page's end stays empty by half a record on average (2 %), a branch page serves 50 to 100 leaves (1 to 2 %). */
    uint64_t kept = outbox.ms_branch_pages + outbox.ms_leaf_pages + outbox.ms_overflow_pages + meta.ms_branch_pages +
                    meta.ms_leaf_pages + meta.ms_overflow_pages;
    kept = (kept + 16) * meta.ms_psize;
    *packed = payload + payload / 25 + kept;
    *raw = payload - nodes * TREE_NODE + kept;
    return folder_size(&manifest->folder, FOLDER_FILE, bytes, error);
}
