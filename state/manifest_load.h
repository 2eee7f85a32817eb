/*
 * Writing a whole manifest in key order into a new file, which then takes the old one's place by rename: for the import
 * of a full file from the vault, and to pack a file that many small inserts have left half empty. Killed at any
 * instant, either the old file is there or the whole new one; a left-over new file is removed at the next open.
 *
 * A load replaces records, pending keys and meta; jobs and the outbox are carried over from the old file. A compaction
 * carries everything over.
 *
 * Threads: as the committer, and from _finish, or during the whole of manifest_compact, no reader may be open (readers
 * between end and begin are fine and see the new file at their next begin), and no batch.
 */
#ifndef STATE_MANIFEST_LOAD_H
#define STATE_MANIFEST_LOAD_H

#include "state/manifest.h"

struct manifest_load;

enum state_status manifest_load_begin(struct manifest *manifest, struct manifest_load **load, struct state_error *error)
        __attribute__((warn_unused_result));
/* Keys strictly ascending in byte order, else STATE_BAD_DATA. After a failure only abort is left. */
enum state_status manifest_load_put(struct manifest_load *load, const struct state_entry *entry,
        struct state_error *error) __attribute__((warn_unused_result));
/* Meta of the new file, once a name, e.g. the point that the records come from. */
enum state_status manifest_load_meta(struct manifest_load *load, const char *name, const void *value, size_t length,
        struct state_error *error) __attribute__((warn_unused_result));
/* On disk and in place when it returns STATE_OK. Frees the load in any case; on failure the old file stays. */
enum state_status manifest_load_finish(struct manifest_load *load, struct state_error *error)
        __attribute__((warn_unused_result));
void manifest_load_abort(struct manifest_load *load); /* NULL is fine */

/* Whether the file is over 1.4 x its keys and records, large enough to care, and a compaction would help. */
enum state_status manifest_is_loose(struct manifest *manifest, bool *loose, struct state_error *error)
        __attribute__((warn_unused_result));
/*
 * STATE_BAD_DATA: a record does not fit its checksum; the old file stays, and wants a rebuild. Only where the packed
 * file was put in place but could not be opened is the manifest unusable: then every later call fails, and close is
 * left.
 */
enum state_status manifest_compact(struct manifest *manifest, struct state_error *error)
        __attribute__((warn_unused_result));

#endif
