/*
 * The folder of a source: that it is a fit place, that one process has it, and what the last one left behind. The
 * `dirty` file lies there from open to clean close and holds the boot id: what a killed process wrote survives in the
 * page cache of the same boot, and may be anything after another.
 *
 * Threads: one; internal to the manifest.
 */
#ifndef STATE_MANIFEST_FOLDER_H
#define STATE_MANIFEST_FOLDER_H

#include "state/manifest.h"

enum { FOLDER_PATH_MAX = 4096, FOLDER_BOOT_ID_SIZE = 64 };

#define FOLDER_FILE "manifest.mdb"
#define FOLDER_FILE_LOCK "manifest.mdb-lock" /* LMDB's own */
#define FOLDER_FILE_NEW "manifest.mdb.new"
#define FOLDER_FILE_DIRTY "dirty"

struct manifest_folder {
    char path[FOLDER_PATH_MAX];
    int fd;
    int lock;
    char boot_id[FOLDER_BOOT_ID_SIZE]; /* empty where the system does not tell: then no boot is the same */
};

enum folder_dirt { FOLDER_CLEAN, FOLDER_SAME_BOOT, FOLDER_OTHER_BOOT };

/* Makes it where missing, refuses what it must, takes the lock. On failure nothing is held. */
enum state_status manifest_folder_open(const struct manifest_options *options, struct manifest_folder *folder,
        struct state_error *error) __attribute__((warn_unused_result));
void manifest_folder_close(struct manifest_folder *folder);

enum state_status folder_dirt(const struct manifest_folder *folder, enum folder_dirt *dirt, struct state_error *error)
        __attribute__((warn_unused_result));
/* Both are on disk when they return. */
enum state_status folder_mark_dirty(const struct manifest_folder *folder, struct state_error *error)
        __attribute__((warn_unused_result));
enum state_status folder_mark_clean(const struct manifest_folder *folder, struct state_error *error)
        __attribute__((warn_unused_result));

/* The whole path of a file in it. */
enum state_status folder_file(const struct manifest_folder *folder, const char *name, char out[FOLDER_PATH_MAX],
        struct state_error *error) __attribute__((warn_unused_result));
/* STATE_NOT_FOUND without writing `error`. */
enum state_status folder_size(const struct manifest_folder *folder, const char *name, uint64_t *bytes,
        struct state_error *error) __attribute__((warn_unused_result));
/* Missing is fine. */
enum state_status folder_remove(const struct manifest_folder *folder, const char *name, struct state_error *error)
        __attribute__((warn_unused_result));
enum state_status folder_rename(const struct manifest_folder *folder, const char *from, const char *to,
        struct state_error *error) __attribute__((warn_unused_result));
enum state_status folder_free_space(const struct manifest_folder *folder, uint64_t *bytes, struct state_error *error)
        __attribute__((warn_unused_result));
/* Whether a file that has `size` bytes could grow by a little: false for a full disk, a quota, a limit of the process.
 */
bool folder_can_grow(const struct manifest_folder *folder, uint64_t size) __attribute__((warn_unused_result));

#endif
