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

/* Sources whose last good point is too old, as lines for people. */
void notify_of_stale(const struct program *program, size_t stale, const char *lines);

#endif
