/* What prune.c and the prune_*.c share. Private to them. */
#ifndef AGENT_PRUNE_INSIDE_H
#define AGENT_PRUNE_INSIDE_H

#include "agent/prune.h"
#include "agent/verify_inside.h"

struct pruning {
    const struct prune_options *options;
    struct prune_report *report;
    struct verify_options verify;
    struct verify_report *verified; /* for the parts of verify that are used here */
    struct verifying verifying;     /* the points, and what their logs say */
    struct prune_record record;     /* of the last prune, then of this one */
    bool reading;                   /* what verify tells is damage to the history */
    bool damaged;
    struct failure damage;
    char true_full[STATE_POINT_SIZE]; /* the last point whose full file was found to say what the logs say */
    double rate;                      /* runs that the schedule wants in a second */
    struct lease *lease;
    struct manifest *manifest;      /* the state folder's lock */
    struct lock_extender *extender; /* NULL: locks are not extended */
};

/* Whether to go on: the lease is ours, and no stop was asked for. */
enum verdict prune_may_go_on(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));

/* prune_points.c: the points found, while no other thread lives (the zone of the policy is asked for); then read and
 * judged: what does not count is taken out of the history. */
enum verdict prune_list_points(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));
enum verdict prune_find_points(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));
/* Writes what is to be forgotten now, and takes back what is to be remembered. */
enum verdict prune_mark_points(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));

/* prune_pass.c: all versions of the source against the history: counted, or taken away. */
enum verdict prune_pass(struct pruning *pruning, bool only_count, struct failure *failure)
        __attribute__((warn_unused_result));

/* prune_segment.c: the oldest points' own files, from the first up to where the chain is to begin. */
enum verdict prune_segment(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));

/* The point with which the chain is to begin, where there are any. */
enum verdict prune_chain_begin(struct pruning *pruning, size_t *root, struct failure *failure)
        __attribute__((warn_unused_result));

/* prune_full.c: whether a point's full file says what the logs up to it say. */
enum verdict prune_full_is_true(struct pruning *pruning, size_t point, bool *is_true, struct failure *failure)
        __attribute__((warn_unused_result));

/* prune_batch.c: deletions, a thousand in a request. */
enum prune_kind { PRUNE_VERSION, PRUNE_MARKER, PRUNE_NAME, PRUNE_POINT_FILE };
struct prune_item {
    enum prune_kind kind;
    struct state_text path, version;
    enum storage_class class_;
    uint64_t size;
    int64_t modified_ms;
};
struct prune_batch;
struct prune_batch *prune_batch_new(struct pruning *pruning) __attribute__((warn_unused_result));
void prune_batch_free(struct prune_batch *batch);
/* What follows belongs together: what is added to go afterwards goes only if nothing of it was refused. */
void prune_batch_group(struct prune_batch *batch);
enum verdict prune_batch_add(struct prune_batch *batch, const struct prune_item *item, bool afterwards,
        struct failure *failure) __attribute__((warn_unused_result));
/* Everything that was added is answered. */
enum verdict prune_batch_flush(struct prune_batch *batch, struct failure *failure) __attribute__((warn_unused_result));

/* prune_extend.c: locks of what stays because a point needs it; nothing, where the config does not ask for it. */
enum verdict prune_extend_begin(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));
enum verdict prune_extend(struct pruning *pruning, const struct prune_item *item, struct failure *failure)
        __attribute__((warn_unused_result));
enum verdict prune_extend_points(struct pruning *pruning, struct failure *failure) __attribute__((warn_unused_result));
/* Waits for what is under way. */
void prune_extend_end(struct pruning *pruning);

/* What one item adds to the counts. */
void prune_count(struct pruning *pruning, const struct prune_item *item);

#endif
