/*
 * Deletions: keys that a whole walk did not find are looked for once more, and those that are really gone get a delete
 * marker in the vault. Batches of neighbouring keys are done by workers; nothing is ever deleted by version.
 */
#ifndef AGENT_MARK_H
#define AGENT_MARK_H

#include "agent/job.h"

enum { MARK_BATCH = 250 };

struct pool;

/* Cuts the pending keys into batches and gives them to the pool, at most `most` of them waiting at a time: call again
 * with *from (begin with an empty one) until *more is false. The source's thread. */
struct mark_cursor {
    char key[STATE_KEY_MAX];
    size_t len;
};
enum verdict mark_feed(struct pool *pool, struct job *job, struct mark_cursor *from, size_t most, bool *more,
        struct failure *failure) __attribute__((warn_unused_result));
void mark_batches_free(struct mark_batch *batch);

/* By a worker: confirms and marks one batch. Results (ACTION_MISSING with an outcome: DONE marked, ADOPTED still there,
 * FAILED) go to the source's thread; those that are still there with the ETag, size and time that were seen. */
enum verdict mark_batch_do(struct pool *pool, struct job *job, struct s3_conn *conn, const struct mark_batch *batch,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
