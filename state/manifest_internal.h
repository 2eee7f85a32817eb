/* The manifest's inside, shared by manifest.c, manifest_reader.c, manifest_batch.c and manifest_load.c; nobody else. */
#ifndef STATE_MANIFEST_INTERNAL_H
#define STATE_MANIFEST_INTERNAL_H

#include "state/manifest_db.h"
#include "state/manifest_folder.h"

#include <pthread.h>

struct manifest {
    struct manifest_folder folder;
    struct manifest_db db; /* env is NULL once a new file could not be opened: the manifest is unusable */
    uint64_t map_max;
    unsigned readers_max;
    bool writing; /* committer thread: a batch is open */

    pthread_mutex_t lock;
    /* guarded by lock */
    struct manifest_counts counts; /* as of the last commit */
    struct manifest_reader *readers;
    unsigned open_readers;
};

/* The file's size and what the disk has left, within bounds. */
enum state_status manifest_map_size(const struct manifest *manifest, uint64_t *map, struct state_error *error)
        __attribute__((warn_unused_result));

/* Opens the file in place and takes its counts over. */
enum state_status manifest_attach(struct manifest *manifest, enum db_mode mode, struct state_error *error)
        __attribute__((warn_unused_result));

enum state_status manifest_unusable(struct state_error *error) __attribute__((warn_unused_result));

/* STATE_FULL where the disk has less than `need` left: found out before LMDB is half-way through a commit. */
enum state_status manifest_has_space(const struct manifest *manifest, uint64_t need, struct state_error *error)
        __attribute__((warn_unused_result));

/*
 * Commits. LMDB reports a write that was cut short, as the last one on a disk that fills up is, as EIO like a broken
 * disk: those two are told apart here. `file` is the one that is written.
 */
enum state_status manifest_commit(const struct manifest *manifest, MDB_txn *txn, const char *file,
        struct state_error *error) __attribute__((warn_unused_result));

/* A name of meta that callers may use: 1 to MANIFEST_NAME_MAX bytes, no dot first. */
enum state_status manifest_name_check(const char *name, size_t length, struct state_error *error)
        __attribute__((warn_unused_result));

/* Gives up the transactions that idle readers keep for their next begin: the environment is about to be closed. */
void manifest_readers_detach(struct manifest *manifest);

#endif
