/*
 * Whether a source wants a run now: by its policy's schedule and by the points that the vault has. A slot that was
 * missed, for whatever reason, is due until there is a point that began after it, and whose run was not ended by a
 * signal before its work was done. For policies that have a schedule: without one, whoever starts the runs decides.
 */
#ifndef AGENT_DUE_H
#define AGENT_DUE_H

#include "agent/config.h"
#include "agent/vault.h"

/*
 * The last slot up to now: a run that began since then has served it. False: the schedule has none, so that nothing is
 * due. A rate leaves a run that began a moment too early in the last period in peace. Main thread, before any other.
 */
bool due_slot(const struct config_policy *policy, int64_t now_s, int64_t *slot_s) __attribute__((warn_unused_result));

/* Whether a run that began at this slot or later has left a point: by one LIST, or few where there are many logs. */
enum verdict due_is_served(const struct vault *vault, struct s3_conn *conn, const char *source, int64_t slot_s,
        bool *served, struct failure *failure) __attribute__((warn_unused_result));

/* When a source whose newest point began at `last_s` (0: it has none) is due next; not after `now_s` where it is due
 * already. False: never. Main thread, before any other. */
bool due_next(const struct config_policy *policy, int64_t last_s, int64_t now_s, int64_t *at_s)
        __attribute__((warn_unused_result));

#endif
