/*
 * Manifests that a killed run left behind are checked before any thread starts, since the check is a child process: it
 * may crash, and must not hold a lock of ours. Main thread.
 */
#ifndef AGENT_RECOVER_H
#define AGENT_RECOVER_H

#include "agent/selection.h"

/* Where a source's manifest lies. False where the path is too long. */
bool recover_folder(const struct program *program, const char *source, char *folder, size_t size)
        __attribute__((warn_unused_result));

/* Checks those that were left open; unfit ones are removed, to be rebuilt. Notes in each source whether its last run
 * ended uncleanly. What cannot be checked now (another process is at work, no disk) is left to the run to report. */
void recover_manifests(const struct program *program, struct selection *selection);

#endif
