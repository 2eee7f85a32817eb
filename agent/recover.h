/*
 * Manifests that a killed run left behind are checked before any thread starts, since the check is a child process: it
 * may crash, and must not hold a lock of ours. Main thread.
 */
#ifndef AGENT_RECOVER_H
#define AGENT_RECOVER_H

#include "agent/selection.h"

/* Checks those that were left open; unfit ones are removed, to be rebuilt. Notes in each source whether its last run
 * ended uncleanly. What cannot be checked now (another process is at work, no disk) is left to the run to report. */
void recover_manifests(const struct program *program, struct selection *selection);

#endif
