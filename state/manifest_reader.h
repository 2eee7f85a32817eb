/*
 * Reading a manifest in key order: the side of the diff. A worker makes one reader for life and opens it for each page:
 *
 *     manifest_reader_begin -> _seek -> { _next, _matches or _entry }... -> _end
 *
 * Between begin and end lies one LMDB read transaction: pages that a writer replaces meanwhile cannot be used again, so
 * it must not span a network call, a wait for a queue, or an action.
 *
 * Guarantees: keys ascend in byte order, each exactly once, as of begin; each record's checksum was verified before the
 * caller sees it; the end of the manifest is STATE_END, and a failure is never taken for it: it stays until _end.
 *
 * Threads: a reader belongs to one thread at a time; any number of readers beside one committer.
 * Ownership: what a reader yields is borrowed until its next call of _seek, _get, _next or _end.
 */
#ifndef STATE_MANIFEST_READER_H
#define STATE_MANIFEST_READER_H

#include "state/manifest.h"

struct manifest_reader;

enum manifest_part {
    MANIFEST_LIVE,    /* the records */
    MANIFEST_PENDING, /* missing keys of this walk; _entry gives the live record of such a key */
    MANIFEST_JOBS     /* keys are a kind's byte and the object's key, values opaque */
};

/* Borrows the manifest, which must outlive it. At most options.workers + 4 readers exist at once: LMDB has a table. */
enum state_status manifest_reader_new(struct manifest *manifest, enum manifest_part part,
        struct manifest_reader **reader, struct state_error *error) __attribute__((warn_unused_result));
void manifest_reader_free(struct manifest_reader *reader);

/* Opens it before the first key, with a fresh view. */
enum state_status manifest_reader_begin(struct manifest_reader *reader, struct state_error *error)
        __attribute__((warn_unused_result));
void manifest_reader_end(struct manifest_reader *reader);

/* The next _next yields the first key >= `key`, or > `key` with `after`. `key` may be empty: from the start. */
enum state_status manifest_reader_seek(struct manifest_reader *reader, struct state_text key, bool after,
        struct state_error *error) __attribute__((warn_unused_result));

/* STATE_OK with the key, STATE_END, or a failure that stays. */
enum state_status manifest_reader_next(struct manifest_reader *reader, struct state_text *key,
        struct state_error *error) __attribute__((warn_unused_result));

/* Exactly this key: STATE_OK makes it the current one (borrowing `key`), STATE_NOT_FOUND. Does not move _next. */
enum state_status manifest_reader_get(struct manifest_reader *reader, struct state_text key, struct state_error *error)
        __attribute__((warn_unused_result));

/* LIVE: whether the current record has this ETag, size and time of the source. Compares packed forms, cannot fail. */
bool manifest_reader_matches(const struct manifest_reader *reader, struct state_text etag, uint64_t size,
        int64_t source_time_ms) __attribute__((warn_unused_result));

/* LIVE: the class of the current record, without decoding it. */
enum storage_class manifest_reader_class(const struct manifest_reader *reader) __attribute__((warn_unused_result));

/* LIVE: the current record; PENDING: the live record of the current key, STATE_NOT_FOUND where it has gone. */
enum state_status manifest_reader_entry(struct manifest_reader *reader, struct state_entry *entry,
        struct state_error *error) __attribute__((warn_unused_result));

/* JOBS: the current job. */
void manifest_reader_job(
        const struct manifest_reader *reader, unsigned char *kind, struct state_text *key, struct state_text *value);

#endif
