/*
 * Many sources: selects them, runs up to eight at a time over one pool, and reports. What run and resync have in
 * common.
 */
#ifndef AGENT_RUNS_H
#define AGENT_RUNS_H

#include "agent/run.h"

struct runs_options {
    struct program *program;
    const char *command; /* for the report */
    enum run_kind kind;
    const char *const *wanted; /* --source; none: all */
    size_t wanted_count;
    const char *prefix;               /* RUN_RECOPY */
    bool due;                         /* only the sources whose schedule wants a run now */
    const struct option_list *accept; /* sources that the guard lets pass once; NULL: none */
    int64_t deadline_s;               /* from now; 0: none */
    uint64_t max_requests, max_bytes; /* 0: none */
};

/* From here on a signal ends the process in order, within a grace time. Before any thread starts. */
void runs_catch_signals(void);
/* Prints the report and returns the exit code. */
enum exit_code runs_do(const struct runs_options *options);

struct plan_options {
    struct program *program;
    const char *command;
    const char *const *wanted;
    size_t wanted_count;
    const char *prefix;
    bool list;                 /* name each object */
    bool explain;              /* and say why; --json always does */
    bool differences_are_news; /* exit 2 where anything would be done */
};
/* What a run would do, without doing it: one source after the other. Prints, and returns the exit code. */
enum exit_code plans_do(const struct plan_options *options);

#endif
