/* See manifest_db.h. */
#include "state/manifest_db.h"
#include "state/manifest_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DB_FORMAT ".format"

enum { DATABASES = DB_PARTS * TREE_LEVELS + 2 };

/* mmap refuses what the address space cannot hold (valgrind's with EINVAL): the reservation is then halved, to this */
#define MAP_LEAST (UINT64_C(64) << 20)

static const char *const names[DB_PARTS][TREE_LEVELS] = {
    { "live", "long", "longer" },
    { "pending", "pending-long", "pending-longer" },
    { "jobs", "jobs-long", "jobs-longer" },
};

static enum state_status damaged(struct state_error *error, const char *what)
{
    return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (%s)", what);
}

static uint64_t value_checksum(const char *part, const MDB_val *key, const void *value, size_t len)
{
    uint64_t seed = manifest_hash(0, part, strlen(part));
    return manifest_hash(manifest_hash(seed, key->mv_data, key->mv_size), value, len);
}

bool db_value(const char *part, const MDB_val *key, const MDB_val *stored, struct state_text *value)
{
    uint64_t check;
    if (stored->mv_size < sizeof check)
        return false;
    memcpy(&check, stored->mv_data, sizeof check);
    *value = (struct state_text){ (const char *)stored->mv_data + sizeof check, stored->mv_size - sizeof check };
    return check == value_checksum(part, key, value->ptr, value->len);
}

static int value_put(MDB_txn *txn, MDB_dbi dbi, const char *part, MDB_val *key, struct state_text value, unsigned flags)
{
    uint64_t check = value_checksum(part, key, value.ptr, value.len);
    MDB_val stored = { sizeof check + value.len, NULL };
    int code = mdb_put(txn, dbi, key, &stored, flags | MDB_RESERVE);
    if (code == 0) {
        memcpy(stored.mv_data, &check, sizeof check);
        if (value.len > 0)
            memcpy((char *)stored.mv_data + sizeof check, value.ptr, value.len);
    }
    return code;
}

enum state_status db_meta_get(MDB_txn *txn, const struct manifest_db *db, const char *name, struct state_text *value,
        struct state_error *error)
{
    MDB_val key = { strlen(name), (void *)name };
    MDB_val stored;
    int code = mdb_get(txn, db->meta, &key, &stored);
    if (code == MDB_NOTFOUND)
        return STATE_NOT_FOUND;
    if (code != 0)
        return manifest_lmdb_fail(code, error, "reading meta");
    return db_value(DB_META, &key, &stored, value) ? STATE_OK : damaged(error, "a value of meta");
}

enum state_status db_meta_put(MDB_txn *txn, const struct manifest_db *db, struct state_text name,
        struct state_text value, unsigned flags, struct state_error *error)
{
    MDB_val key = { name.len, (void *)name.ptr };
    int code =
            value.len > 0 ? value_put(txn, db->meta, DB_META, &key, value, flags) : mdb_del(txn, db->meta, &key, NULL);
    if (code != 0 && !(value.len == 0 && code == MDB_NOTFOUND))
        return manifest_lmdb_fail(code, error, "writing meta");
    return STATE_OK;
}

void db_line_key(uint64_t sequence, unsigned char key[8])
{
    for (unsigned i = 0; i < 8; i++)
        key[i] = (unsigned char)(sequence >> 8 * (7 - i));
}

uint64_t db_line_number(const MDB_val *key)
{
    uint64_t number = 0;
    for (size_t i = 0; i < key->mv_size && i < 8; i++)
        number = number << 8 | ((const unsigned char *)key->mv_data)[i];
    return number;
}

enum state_status db_line_put(MDB_txn *txn, const struct manifest_db *db, uint64_t sequence, struct state_text line,
        unsigned flags, struct state_error *error)
{
    unsigned char bytes[8];
    db_line_key(sequence, bytes);
    MDB_val key = { sizeof bytes, bytes };
    int code = value_put(txn, db->outbox, DB_OUTBOX, &key, line, flags);
    return code == 0 ? STATE_OK : manifest_lmdb_fail(code, error, "writing to the outbox");
}

enum state_status db_counts_get(
        MDB_txn *txn, const struct manifest_db *db, struct manifest_counts *counts, struct state_error *error)
{
    struct state_text value;
    enum state_status status = db_meta_get(txn, db, DB_COUNTS, &value, error);
    if (status == STATE_NOT_FOUND || (status == STATE_OK && value.len != sizeof *counts))
        return damaged(error, "the counts");
    if (status == STATE_OK)
        memcpy(counts, value.ptr, sizeof *counts);
    return status;
}

enum state_status db_counts_put(
        MDB_txn *txn, const struct manifest_db *db, struct manifest_counts *counts, struct state_error *error)
{
    counts->commit = mdb_txn_id(txn);
    struct state_text name = { DB_COUNTS, sizeof DB_COUNTS - 1 };
    return db_meta_put(txn, db, name, (struct state_text){ (const char *)counts, sizeof *counts }, 0, error);
}

enum state_status db_counts_agree(
        MDB_txn *txn, const struct manifest_db *db, const struct manifest_counts *counts, struct state_error *error)
{
    MDB_stat stat;
    if (counts->commit != mdb_txn_id(txn))
        return damaged(error, "its last transaction");
    for (unsigned part = 0; part < DB_PARTS; part++) {
        uint64_t entries = 0;
        for (unsigned level = 0; level < TREE_LEVELS; level++) {
            int code = mdb_stat(txn, db->tree[part].level[level], &stat);
            if (code != 0)
                return manifest_lmdb_fail(code, error, "counting records");
            entries += stat.ms_entries;
        }
        if (entries != counts->tree[part].records + counts->tree[part].links)
            return damaged(error, "the number of records is not the recorded one");
    }
    int code = mdb_stat(txn, db->outbox, &stat);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "counting lines");
    return stat.ms_entries == counts->outbox_lines ? STATE_OK : damaged(error, "the number of lines in the outbox");
}

void db_count_entry(struct manifest_counts *counts, enum storage_class class_, uint64_t size, bool came)
{
    struct manifest_class_total *total = &counts->by_class[class_];
    total->objects += came ? 1 : (uint64_t)-1;
    total->bytes += came ? size : (uint64_t)-size;
}

static enum state_status open_dbi(
        MDB_txn *txn, const char *name, enum db_mode mode, MDB_dbi *dbi, struct state_error *error)
{
    unsigned flags = 0;
    int code = mdb_dbi_open(txn, name, mode == DB_CREATE ? MDB_CREATE : 0, dbi);
    if (code == 0)
        code = mdb_dbi_flags(txn, *dbi, &flags);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "opening the manifest's databases");
    return flags == 0 ? STATE_OK : damaged(error, "the flags of a database");
}

static enum state_status check_format(
        MDB_txn *txn, const struct manifest_db *db, enum db_mode mode, struct state_error *error)
{
    uint32_t format = MANIFEST_FORMAT;
    if (mode == DB_CREATE)
        return db_meta_put(txn, db, (struct state_text){ DB_FORMAT, sizeof DB_FORMAT - 1 },
                (struct state_text){ (const char *)&format, sizeof format }, 0, error);
    struct state_text value;
    enum state_status status = db_meta_get(txn, db, DB_FORMAT, &value, error);
    if (status == STATE_NOT_FOUND || (status == STATE_OK && value.len != sizeof format))
        return damaged(error, "the format version");
    if (status != STATE_OK)
        return status;
    memcpy(&format, value.ptr, sizeof format);
    if (format > MANIFEST_FORMAT)
        return state_fail(error, STATE_TOO_NEW, 0,
                "the manifest has format %u, this version knows up to %d: use the newer vaultferry, or remove the "
                "manifest",
                format, MANIFEST_FORMAT);
    if (format < MANIFEST_FORMAT)
        return state_fail(error, STATE_BAD_DATA, 0, "the manifest has the older format %u", format);
    return STATE_OK;
}

static enum state_status open_databases(
        MDB_txn *txn, struct manifest_db *db, enum db_mode mode, struct state_error *error)
{
    /* meta first: a newer format may well have other databases */
    enum state_status status = open_dbi(txn, DB_META, mode, &db->meta, error);
    if (status == STATE_OK)
        status = check_format(txn, db, mode, error);
    for (unsigned part = 0; part < DB_PARTS && status == STATE_OK; part++) {
        db->tree[part].seed = part + 1;
        for (unsigned level = 0; level < TREE_LEVELS && status == STATE_OK; level++)
            status = open_dbi(txn, names[part][level], mode, &db->tree[part].level[level], error);
    }
    if (status == STATE_OK)
        status = open_dbi(txn, DB_OUTBOX, mode, &db->outbox, error);
    if (status == STATE_OK && mode == DB_CREATE) {
        struct manifest_counts counts = { 0 };
        status = db_counts_put(txn, db, &counts, error);
    }
    return status;
}

/* How long the file is, and how long LMDB thinks it is. */
static int lengths(MDB_env *env, const char *path, uint64_t *is, uint64_t *should)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;
    int code = mdb_env_info(env, &info);
    if (code == 0)
        code = mdb_env_stat(env, &stat);
    if (code == 0 && lstat(path, &st) != 0)
        code = errno;
    if (code == 0) {
        *is = (uint64_t)st.st_size;
        *should = (info.me_last_pgno + 1) * stat.ms_psize;
    }
    return code;
}

enum state_status db_extend(struct manifest_db *db, const char *path, struct state_error *error)
{
    uint64_t is = 0;
    uint64_t should = 0;
    int code = lengths(db->env, path, &is, &should);
    if (code == 0 && is < should && truncate(path, (off_t)should) != 0)
        code = errno;
    return code == 0 ? STATE_OK : manifest_lmdb_fail(code, error, "extending the manifest");
}

/* The first page that is not there would be a SIGBUS. */
static enum state_status check_length(struct manifest_db *db, const char *path, struct state_error *error)
{
    uint64_t is = 0;
    uint64_t should = 0;
    int code = lengths(db->env, path, &is, &should);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "opening the manifest");
    return is >= should ? STATE_OK : damaged(error, "its end is missing");
}

static int open_env(const char *path, enum db_mode mode, uint64_t map, unsigned readers, struct manifest_db *db)
{
    static const unsigned flags[] = {
        [DB_CLEAN] = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC,
        [DB_KNOWN] = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC,
        [DB_CREATE] = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC | MDB_NOLOCK,
        [DB_READ_ONLY] = MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK,
    };
    for (;; map /= 2) {
        int code = mdb_env_create(&db->env);
        if (code != 0)
            return code;
        code = mdb_env_set_maxdbs(db->env, DATABASES);
        if (code == 0)
            code = mdb_env_set_maxreaders(db->env, readers);
        if (code == 0)
            code = mdb_env_set_mapsize(db->env, map);
        if (code == 0)
            code = mdb_env_open(db->env, path, flags[mode], 0600);
        if (code == 0)
            return 0;
        db_close(db);
        if ((code != ENOMEM && code != EINVAL) || map / 2 < MAP_LEAST)
            return code;
    }
}

enum state_status db_open(const char *path, enum db_mode mode, uint64_t map, unsigned readers, struct manifest_db *db,
        struct state_error *error)
{
    *db = (struct manifest_db){ 0 };
    int code = open_env(path, mode, map, readers, db);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "opening the manifest");
    MDB_txn *txn = NULL;
    enum state_status status = STATE_OK;
    if (mode == DB_CLEAN)
        status = check_length(db, path, error);
    else if (mode == DB_KNOWN)
        status = db_extend(db, path, error);
    if (status == STATE_OK) {
        /* a handle from a read transaction is the environment's only once that is committed */
        code = mdb_txn_begin(db->env, NULL, mode == DB_CREATE ? 0 : MDB_RDONLY, &txn);
        status = code == 0 ? open_databases(txn, db, mode, error)
                           : manifest_lmdb_fail(code, error, "opening the manifest");
    }
    if (status == STATE_OK) {
        code = mdb_txn_commit(txn);
        if (code == 0)
            return STATE_OK;
        txn = NULL;
        status = manifest_lmdb_fail(code, error, "opening the manifest's databases");
    }
    mdb_txn_abort(txn);
    db_close(db);
    return status;
}

void db_close(struct manifest_db *db)
{
    if (db->env != NULL)
        mdb_env_close(db->env);
    db->env = NULL;
}
