/*
 * Threads with a connection each that do one kind of work on what is handed to them: for restore, verify and drill,
 * which have no roles to balance as a run's pool has. The queue is bounded, so that whoever reads a million objects
 * holds few of them.
 */
#ifndef AGENT_CREW_H
#define AGENT_CREW_H

#include "agent/program.h"

struct crew;

/* By a thread of the crew, with its connection. Owns the task. */
typedef void crew_work(void *ctx, struct s3_conn *conn, void *task);

struct crew_options {
    const struct program *program;
    unsigned workers;
    unsigned waiting_max; /* tasks that may wait */
    crew_work *work;
    void *ctx;
};

enum verdict crew_start(const struct crew_options *options, struct crew **crew, struct failure *failure)
        __attribute__((warn_unused_result));
/* Waits for room. The crew owns the task afterwards. */
void crew_give(struct crew *crew, void *task);
/* Until everything given is done. */
void crew_wait(struct crew *crew);
/* Waits, then ends the threads. NULL is fine. */
void crew_stop(struct crew *crew);

#endif
