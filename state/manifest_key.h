/*
 * An ordered map from keys of up to 1,516 bytes to values, on LMDB, whose own keys end at 511. Three databases:
 *
 *   level 0   a key of up to 510 bytes is itself; a longer one's first 511 bytes are a link, whose value is an id
 *   level 1   id + the rest, where that has up to 502 bytes; else id + 503 bytes is a link to another id
 *   level 2   id + the rest, up to 502 bytes
 *
 * So S3's 1,024 bytes need at most three look-ups, identity is exact, and a walk that goes down at each link where it
 * stands yields byte order: a link sorts after the shorter keys that it begins with, and all keys below it share its
 * bytes. A link exists exactly as long as there are keys below it. Ids ascend in the order in which links are made, so
 * that keys appended in order arrive in order at each level (this is why level 2 does not share a database with level
 * 1).
 *
 * Every value starts with a checksum over the map's seed, the whole key and the value; links have their own. A read
 * verifies it: STATE_BAD_DATA.
 *
 * Threads: as LMDB's transactions. Internal to the manifest.
 */
#ifndef STATE_MANIFEST_KEY_H
#define STATE_MANIFEST_KEY_H

#include "state/entry.h"
#include "state/error.h"

#include <lmdb.h>

enum {
    TREE_LEVELS = 3,
    TREE_ENTRY_MAX = 511, /* LMDB's compile-time bound of a key */
    TREE_HEAD = 511,      /* bytes that a link of level 0 takes off a key */
    TREE_STEP = 503,      /* those that a link of level 1 takes: 511 less the id */
    TREE_ID = 8,
    TREE_KEY_MAX = TREE_HEAD + TREE_STEP + TREE_STEP - 1,
    TREE_CHECK = 8,   /* the checksum before each value */
    TREE_NODE = 8 + 2 /* what LMDB adds to an entry: a node's header and its slot in the page */
};

struct tree {
    MDB_dbi level[TREE_LEVELS];
    uint64_t seed;
};

/* Kept by the writer beside the tree, in the same transaction. */
struct tree_count {
    uint64_t records;
    uint64_t links;
    uint64_t payload; /* bytes that records and links take, TREE_NODE included */
};

/* STATE_NOT_FOUND without writing `error`. `value` is borrowed until the transaction's next write. */
enum state_status tree_get(MDB_txn *txn, const struct tree *tree, struct state_text key, struct state_text *value,
        struct state_error *error) __attribute__((warn_unused_result));

/*
 * Inserts, or replaces the value of length `old`, which the caller has just read (TREE_NEW: there is none). `flags`: 0,
 * or MDB_APPEND where all keys of this tree come in order and none is there yet.
 */
#define TREE_NEW SIZE_MAX
enum state_status tree_put(MDB_txn *txn, const struct tree *tree, struct state_text key, struct state_text value,
        size_t old, unsigned flags, uint64_t *next_link, struct tree_count *count, struct state_error *error)
        __attribute__((warn_unused_result));

/* Removes a key whose value has the length `old`, and the links that have nothing below them then. */
enum state_status tree_remove(MDB_txn *txn, const struct tree *tree, struct state_text key, size_t old,
        struct tree_count *count, struct state_error *error) __attribute__((warn_unused_result));

/* What a record of these lengths takes; links are counted by tree_put and tree_remove. */
uint64_t tree_payload(size_t key, size_t value);

/* The checksum that value and key should have. */
uint64_t tree_checksum(const struct tree *tree, struct state_text key, struct state_text value);
/* Splits a stored value into checksum and value, and verifies it. */
bool tree_value(const struct tree *tree, struct state_text key, const MDB_val *stored, struct state_text *value)
        __attribute__((warn_unused_result));

struct tree_cursor {
    const struct tree *tree;
    MDB_cursor *at[TREE_LEVELS];
    unsigned level;                         /* where it stands */
    unsigned char id[TREE_LEVELS][TREE_ID]; /* of the link that led to each level */
    bool ready;                             /* it stands on an entry that was not yielded yet */
    bool empty;                             /* it stands behind the last entry */
    MDB_val entry;                          /* ready: that entry's key and value, on `level` */
    MDB_val stored;
    struct state_text last;  /* the key yielded before; empty at first */
    unsigned turn;           /* long keys are put together in one of two buffers, so that `last` stays */
    char head[TREE_KEY_MAX]; /* the bytes of the links above */
    char key[2][TREE_KEY_MAX];
};

/* The cursors belong to `txn`; a renewed read transaction is given again to tree_cursor_renew. Open is before the
 * first. */
enum state_status tree_cursor_open(MDB_txn *txn, const struct tree *tree, struct tree_cursor *cursor,
        struct state_error *error) __attribute__((warn_unused_result));
enum state_status tree_cursor_renew(MDB_txn *txn, struct tree_cursor *cursor, struct state_error *error)
        __attribute__((warn_unused_result));
void tree_cursor_close(struct tree_cursor *cursor);

/* The next key >= `key`, or > `key` with `after`, will be yielded. */
enum state_status tree_cursor_seek(struct tree_cursor *cursor, struct state_text key, bool after,
        struct state_error *error) __attribute__((warn_unused_result));
/* STATE_END at the end. Keys that do not ascend and values that do not fit are STATE_BAD_DATA. */
enum state_status tree_cursor_next(struct tree_cursor *cursor, struct state_text *key, struct state_text *value,
        struct state_error *error) __attribute__((warn_unused_result));

/* What an LMDB code means to a caller of state/, with what was being done. */
enum state_status manifest_lmdb_fail(int code, struct state_error *error, const char *doing)
        __attribute__((warn_unused_result));

#endif
