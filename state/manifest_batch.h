/*
 * Writing to a manifest: one batch is one transaction of the committer thread. All of it is recorded or none; records,
 * their change lines in the outbox, pending keys, jobs, meta and the totals move together.
 *
 * At most some thousand changes a batch, sorted by key where there is a choice (neighbours share their pages). A commit
 * is safe against SIGKILL at once. Power loss between open and clean close costs a rebuild, synced or not.
 *
 * A failure of any call below but STATE_NOT_FOUND spoils the batch: its commit then returns that failure and records
 * nothing. A full disk or a file at its bound is STATE_FULL, with what is free and needed in `error`.
 *
 * Threads: begin to commit or abort in one thread, one batch at a time.
 */
#ifndef STATE_MANIFEST_BATCH_H
#define STATE_MANIFEST_BATCH_H

#include "state/manifest.h"

struct manifest_batch;

enum state_status manifest_batch_begin(struct manifest *manifest, struct manifest_batch **batch,
        struct state_error *error) __attribute__((warn_unused_result));
/* Frees the batch, whatever it returns. */
enum state_status manifest_batch_commit(struct manifest_batch *batch, struct state_error *error)
        __attribute__((warn_unused_result));
void manifest_batch_abort(struct manifest_batch *batch); /* NULL is fine */

/* Records: insert or replace by key; remove (STATE_NOT_FOUND where there is none). */
enum state_status manifest_batch_put(struct manifest_batch *batch, const struct state_entry *entry,
        struct state_error *error) __attribute__((warn_unused_result));
enum state_status manifest_batch_remove(struct manifest_batch *batch, struct state_text key, struct state_error *error)
        __attribute__((warn_unused_result));
/* The record as this batch sees it; borrowed until the batch's next call. */
enum state_status manifest_batch_get(struct manifest_batch *batch, struct state_text key, struct state_entry *entry,
        struct state_error *error) __attribute__((warn_unused_result));

/* Outbox: a line gets the next sequence number (from 1 on, never used twice) in `sequence` (may be NULL). */
enum state_status manifest_outbox_append(struct manifest_batch *batch, const char *line, size_t length,
        uint64_t *sequence, struct state_error *error) __attribute__((warn_unused_result));
/* Removes all lines up to and with this number, after the log that holds them was put. */
enum state_status manifest_outbox_trim(struct manifest_batch *batch, uint64_t through, struct state_error *error)
        __attribute__((warn_unused_result));

/* Pending: a set of keys. Adding twice is fine; removing gives STATE_NOT_FOUND where it is not in. */
enum state_status manifest_pending_add(struct manifest_batch *batch, struct state_text key, struct state_error *error)
        __attribute__((warn_unused_result));
enum state_status manifest_pending_remove(struct manifest_batch *batch, struct state_text key,
        struct state_error *error) __attribute__((warn_unused_result));
enum state_status manifest_pending_clear(struct manifest_batch *batch, struct state_error *error)
        __attribute__((warn_unused_result));

/* Jobs: opaque bytes by kind and object key, at most MANIFEST_JOB_MAX. */
enum state_status manifest_job_put(struct manifest_batch *batch, unsigned char kind, struct state_text key,
        struct state_text value, struct state_error *error) __attribute__((warn_unused_result));
enum state_status manifest_job_remove(struct manifest_batch *batch, unsigned char kind, struct state_text key,
        struct state_error *error) __attribute__((warn_unused_result));

/* Meta: names do not begin with a dot and have at most MANIFEST_NAME_MAX bytes. An empty value removes the name. */
enum state_status manifest_meta_put(struct manifest_batch *batch, const char *name, const void *value, size_t length,
        struct state_error *error) __attribute__((warn_unused_result));

#endif
