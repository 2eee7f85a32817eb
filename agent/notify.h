/*
 * A message to the SNS topic of the config, when something happened that it wants to be told of. Main thread. A message
 * that cannot be sent is a warning: it changes nothing of what was done.
 */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

#include "agent/report.h"

/* What sources have come to. */
struct notify_run {
    const char *command;
    const struct source_report *reports;
    size_t count;
};
/* One message for all sources, where any of them wants one. */
void notify_of_run(const struct program *program, const struct notify_run *run);

/* The same of what is no run: a verify, a drill, a prune. */
struct notify_count {
    size_t failed, guarded, done;
    const char *first; /* the source that is named where it is the only one; the bad ones come before the good */
};
/* How an exit code counts; none of the three where nobody need be told. */
void notify_take(struct notify_count *count, enum exit_code code, const char *source);
void notify_of_check(
        const struct program *program, const char *command, const struct notify_count *count, const char *lines);

/* Sources whose last good point is too old, as lines for people. */
void notify_of_stale(const struct program *program, size_t stale, const char *lines);

#endif
