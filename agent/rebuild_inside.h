/* What rebuild*.c share. Private to them. */
#ifndef AGENT_REBUILD_INSIDE_H
#define AGENT_REBUILD_INSIDE_H

#include "agent/publish_meta.h"
#include "agent/rebuild.h"
#include "state/manifest_batch.h"

struct rebuild {
    const struct vault *vault;
    const struct source *source;
    struct s3_conn *conn;
    struct manifest *manifest;
    struct rebuild_result *result;
    struct publish_since since; /* as it will stand in meta */
    struct publish_logs named;  /* logs without a point that meta names */
    struct manifest_batch *batch;
    unsigned batched;         /* changes in the batch */
    struct state_text prefix; /* of the keys that are taken over; empty: all */
    bool for_view;            /* the manifest is an index for reading once: see rebuild_view.c */
    int64_t until_ms;         /* where versions are read: the newest by then count; INT64_MAX: the current ones */
    uint64_t unknown;         /* records that came without their vault version */
    enum state_status status; /* of the manifest, while a file is read: STATE_OK, or what `error` tells of */
    struct state_error error;
};

/* One point on the way back. */
struct rebuild_step {
    struct state_point_link link;
    struct publish_logs files;
    bool has_full;
};
/* From the newest point back to the one where the rebuild begins. */
struct rebuild_chain {
    struct rebuild_step *steps;
    size_t count, capacity;
    bool from_full; /* the last step's full files are where it begins, not its logs */
};
void rebuild_chain_free(struct rebuild_chain *chain);
/*
 * Follows the links from the list's newest point. With `stop` to the point after it (VERDICT_NOT_FOUND: it is not among
 * the ancestors); without to a point with full files, `skip_fulls` of them passed over, or to the first point.
 */
enum verdict rebuild_chain_walk(struct rebuild *rebuild, const struct points_list *list,
        const struct state_point_link *stop, unsigned skip_fulls, struct rebuild_chain *chain, struct failure *failure)
        __attribute__((warn_unused_result));

/* Whether a record of this key is taken over. */
bool rebuild_wants(const struct rebuild *rebuild, struct state_text key);
/* A manifest without content becomes what the list's newest point says. */
enum verdict rebuild_from_chain(struct rebuild *rebuild, const struct points_list *list, struct failure *failure)
        __attribute__((warn_unused_result));
/* The open batch, begun where there is none. */
enum state_status rebuild_batch(struct rebuild *rebuild) __attribute__((warn_unused_result));
/* Commits the open batch; nothing open is fine. On failure, and by rebuild_drop, nothing of it is kept. */
enum verdict rebuild_commit(struct rebuild *rebuild, struct failure *failure) __attribute__((warn_unused_result));
void rebuild_drop(struct rebuild *rebuild);
enum verdict rebuild_manifest_fail(struct rebuild *rebuild, enum state_status status, struct failure *failure);

/* The changes of a log into the manifest; the last of them wait in the open batch. */
enum verdict rebuild_apply_log(struct rebuild *rebuild, const struct state_point_file *file, bool known,
        struct change_file_sum *sum, struct failure *failure) __attribute__((warn_unused_result));
/* A file that a point names cannot be had: what to do about it. */
enum verdict rebuild_file_fail(
        const struct rebuild *rebuild, const struct rebuild_step *step, enum verdict verdict, struct failure *failure);
/* All logs of a point; then the manifest stands there. */
enum verdict rebuild_apply_step(struct rebuild *rebuild, const struct rebuild_step *step, struct failure *failure)
        __attribute__((warn_unused_result));
/* Logs of folders without a point that are above `newest` (""): those that meta does not name yet. */
enum verdict rebuild_apply_orphans(struct rebuild *rebuild, const struct points_list *list, const char *newest,
        struct failure *failure) __attribute__((warn_unused_result));

/* Gives up what the manifest holds beyond its records: outbox, point and logs; marks it as being rebuilt. */
enum verdict rebuild_begin_anew(struct rebuild *rebuild, struct failure *failure) __attribute__((warn_unused_result));
bool rebuild_is_unfinished(const struct rebuild *rebuild);
/* The mark goes. */
enum verdict rebuild_finish(struct rebuild *rebuild, struct failure *failure) __attribute__((warn_unused_result));

struct manifest_load;
/* A load that keeps what must outlive it in meta, and carries the mark on unless `done`. */
enum verdict rebuild_load_begin(struct rebuild *rebuild, bool done, struct manifest_load **load,
        struct failure *failure) __attribute__((warn_unused_result));
/* The records of a point's full files in place of the manifest's, which then stands there; NULL: no records. */
enum verdict rebuild_load_full(struct rebuild *rebuild, const struct rebuild_step *step, struct failure *failure)
        __attribute__((warn_unused_result));
/* The records that the versions under data/ and data-long/ tell of; `newest` (may be NULL) is where the manifest then
 * stands. */
enum verdict rebuild_load_versions(struct rebuild *rebuild, const struct state_point_link *newest,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
