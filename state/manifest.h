/*
 * The manifest of one source: what the vault holds of each key, kept in one LMDB file so that a run can compare a
 * listing without asking the vault. It is a cache: whatever is wrong with it is answered by manifest_discard and a
 * rebuild from the vault, and no function here returns a record whose checksum does not fit.
 *
 * The source's folder holds `manifest.mdb`, LMDB's lock table beside it, `lock` (one process a folder, by flock),
 * `dirty` (the boot id, from open to clean close) and, while a load or a compaction is under way, `manifest.mdb.new`.
 *
 * Threads: open, close, discard before and after all threads (open may fork a child that checks the file).
 * manifest_totals and manifest_meta_get from any thread; manifest_batch.h from the one committer thread; a reader of
 * manifest_reader.h from one thread at a time. manifest_load.h says what may run beside a load and a compaction.
 *
 * It does not read a clock, does not log, and does not know what the agent keeps under the names in meta.
 */
#ifndef STATE_MANIFEST_H
#define STATE_MANIFEST_H

#include "state/entry.h"
#include "state/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manifest;

enum {
    MANIFEST_FORMAT = 1,
    MANIFEST_NAME_MAX = 64,              /* of a name in meta */
    MANIFEST_META_MAX = 8 * 1024 * 1024, /* fences of 1,000 million keys, one every 8 pages, are 125,000 keys */
    MANIFEST_JOB_MAX = 1024 * 1024,      /* 10,000 parts with an ETag each are 400 KiB */
    MANIFEST_LINE_MAX = 32 * 1024        /* a change line, every byte of every text escaped, has at most 24 KiB */
};

struct manifest_options {
    const char *folder;       /* <state_dir>/<source>; it and its parent are made with 0700 where missing */
    unsigned workers;         /* how many threads hold readers */
    const char *boot_id_path; /* NULL: /proc/sys/kernel/random/boot_id */
    uint64_t map_max;         /* upper bound of the file's size; 0: the disk decides */
    uint64_t file_system;     /* statfs' magic number; 0: ask the folder */
    unsigned check_seconds;   /* how long the child may check; 0: by the file's size */
};

enum manifest_found {
    MANIFEST_NEW,      /* there was none: empty now, rebuild it from the vault if the vault knows the source */
    MANIFEST_CLEAN,    /* closed cleanly the last time */
    MANIFEST_VERIFIED, /* the last process was killed; everything was read and fits, nothing that was committed is lost
                        */
    MANIFEST_REBUILD   /* comes with a failure: unfit, discard it */
};

struct manifest_class_total {
    uint64_t objects;
    uint64_t bytes;
};

struct manifest_totals {
    uint64_t records;
    struct manifest_class_total by_class[CLASS_COUNT];
    uint64_t pending; /* keys that this walk did not find */
    uint64_t jobs;
    uint64_t outbox_lines;
    uint64_t outbox_bytes;
};

/*
 * Locks the folder, judges what is there and opens it. `found` (may be NULL) is always set.
 *   STATE_BUSY      another process holds the folder
 *   STATE_REFUSED   a network file system, or a folder that is none
 *   STATE_TOO_NEW   a newer version wrote it: left untouched
 *   STATE_BAD_DATA  MANIFEST_REBUILD: damaged, written before a crash of the machine, or by an older format; `error`
 * says which. Nothing is open: call manifest_discard, then open again STATE_FULL, STATE_IO, STATE_NO_MEMORY
 */
enum state_status manifest_open(const struct manifest_options *options, struct manifest **manifest,
        enum manifest_found *found, struct state_error *error) __attribute__((warn_unused_result));

/* Whether the last process in the folder did not close it cleanly, or is still at work: manifest_open will fork a child
 * to check. */
bool manifest_was_left_open(const char *folder) __attribute__((warn_unused_result));

/*
 * Frees `manifest` in any case (NULL is fine); no reader, batch or load may be left. With `clean` everything is on disk
 * when STATE_OK is returned, and the next open trusts the file. Without, or on failure, the next open checks it first.
 */
enum state_status manifest_close(struct manifest *manifest, bool clean, struct state_error *error)
        __attribute__((warn_unused_result));

/* Makes a folder, and those above it that are missing, for their owner alone; manifest_open does it by itself. One that
 * is there is fine. STATE_REFUSED: no place for a folder. */
enum state_status manifest_make_folder(const char *path, struct state_error *error) __attribute__((warn_unused_result));

/* Removes the manifest in the folder, open nowhere, so that the next open finds MANIFEST_NEW. STATE_BUSY as above. */
enum state_status manifest_discard(const struct manifest_options *options, struct state_error *error)
        __attribute__((warn_unused_result));

/* Puts all committed batches on disk: at each log flush and before point.json. Committer thread. */
enum state_status manifest_sync(struct manifest *manifest, struct state_error *error)
        __attribute__((warn_unused_result));

/* As of the last commit. */
void manifest_totals(struct manifest *manifest, struct manifest_totals *totals);

/*
 * A small opaque value by name, in a short transaction of its own. STATE_NOT_FOUND where there is none; STATE_FULL with
 * the `length` that is needed where `size` is too small.
 */
enum state_status manifest_meta_get(struct manifest *manifest, const char *name, void *buffer, size_t size,
        size_t *length, struct state_error *error) __attribute__((warn_unused_result));

/*
 * Hands outbox lines to `write` in order, from sequence number `from` on, until `max_bytes` are passed (at least one
 * line) or the outbox ends; `last` is the last number handed over, `lines` how many (0: nothing from there on). One
 * read transaction, so `write` must only copy: a failure of it ends the call with its status. Any thread.
 */
typedef enum state_status manifest_line_fn(void *ctx, uint64_t sequence, const char *line, size_t length);
enum state_status manifest_outbox_read(struct manifest *manifest, uint64_t from, size_t max_bytes,
        manifest_line_fn *write, void *ctx, uint64_t *last, uint64_t *lines, struct state_error *error)
        __attribute__((warn_unused_result));

/*
 * What the file takes (also free pages), what it would take when packed, and the plain bytes of keys and records (with
 * outbox and meta, which stay as they are). manifest_load.h says when a compaction pays.
 */
enum state_status manifest_file_size(struct manifest *manifest, uint64_t *bytes, uint64_t *packed, uint64_t *raw,
        struct state_error *error) __attribute__((warn_unused_result));

#endif
