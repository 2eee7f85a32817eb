/*
 * The LMDB file behind a manifest: its databases by name, its format version, and the counts that are held against what
 * LMDB itself says. Used for the file in place, for the new file of a load, and read-only by the child that checks.
 *
 * Threads: as LMDB's. Internal to the manifest.
 */
#ifndef STATE_MANIFEST_DB_H
#define STATE_MANIFEST_DB_H

#include "state/manifest.h"
#include "state/manifest_key.h"
#include "state/manifest_reader.h"

enum { DB_PARTS = MANIFEST_JOBS + 1 };

struct manifest_db {
    MDB_env *env;
    struct tree tree[DB_PARTS]; /* by enum manifest_part */
    MDB_dbi outbox;             /* sequence number, big-endian -> checksum, line */
    MDB_dbi meta;               /* name -> checksum, value */
};

/* One value of meta, written once a commit: host byte order, as LMDB's file itself. */
struct manifest_counts {
    struct tree_count tree[DB_PARTS];
    struct manifest_class_total by_class[CLASS_COUNT];
    uint64_t outbox_lines;
    uint64_t outbox_bytes;
    uint64_t last_line; /* the last sequence number that was given */
    uint64_t last_link; /* the last id of a link */
    uint64_t commit;    /* LMDB's transaction id, so that a damaged one does not choose an older state */
};

#define DB_COUNTS ".counts"

enum db_mode {
    DB_CLEAN,    /* the file in place, as a clean close left it */
    DB_KNOWN,    /* the file in place, which this process wrote or its child has read: its end may be unwritten */
    DB_CREATE,   /* a new file, alone and without a lock table */
    DB_READ_ONLY /* without a lock table */
};

/*
 * `map` bytes are reserved, less where the address space has no room. STATE_TOO_NEW, STATE_BAD_DATA (also: an older
 * format, a file that is cut off).
 */
enum state_status db_open(const char *path, enum db_mode mode, uint64_t map, unsigned readers, struct manifest_db *db,
        struct state_error *error) __attribute__((warn_unused_result));
void db_close(struct manifest_db *db);

/*
 * Makes the file as long as LMDB thinks it is: pages that a transaction took and gave back are in the free list, but
 * were never written. With this done at a clean close, a shorter file is a damaged one.
 */
enum state_status db_extend(struct manifest_db *db, const char *path, struct state_error *error)
        __attribute__((warn_unused_result));

enum state_status db_meta_get(MDB_txn *txn, const struct manifest_db *db, const char *name, struct state_text *value,
        struct state_error *error) __attribute__((warn_unused_result));
/* An empty value removes the name. */
enum state_status db_meta_put(MDB_txn *txn, const struct manifest_db *db, struct state_text name,
        struct state_text value, unsigned flags, struct state_error *error) __attribute__((warn_unused_result));
/* The value behind its checksum; false where that does not fit. For outbox and meta. */
bool db_value(const char *part, const MDB_val *key, const MDB_val *stored, struct state_text *value)
        __attribute__((warn_unused_result));
#define DB_OUTBOX "outbox"
#define DB_META "meta"

enum state_status db_line_put(MDB_txn *txn, const struct manifest_db *db, uint64_t sequence, struct state_text line,
        unsigned flags, struct state_error *error) __attribute__((warn_unused_result));
void db_line_key(uint64_t sequence, unsigned char key[8]);
uint64_t db_line_number(const MDB_val *key);

enum state_status db_counts_get(MDB_txn *txn, const struct manifest_db *db, struct manifest_counts *counts,
        struct state_error *error) __attribute__((warn_unused_result));
/* The last write of every transaction. */
enum state_status db_counts_put(MDB_txn *txn, const struct manifest_db *db, struct manifest_counts *counts,
        struct state_error *error) __attribute__((warn_unused_result));
/* Whether LMDB's numbers of entries, and its transaction, are what `counts` say. */
enum state_status db_counts_agree(MDB_txn *txn, const struct manifest_db *db, const struct manifest_counts *counts,
        struct state_error *error) __attribute__((warn_unused_result));

/* A record came or went. */
void db_count_entry(struct manifest_counts *counts, enum storage_class class_, uint64_t size, bool came);

#endif
