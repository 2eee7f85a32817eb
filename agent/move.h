/*
 * Moving one copy to a colder class, by a copy of the vault's version onto its own place: for stores whose rules do not
 * do it. What lies there is looked at first, since no condition of a copy tells the recorded version from another one
 * of the same content. The version that was there stays below the new one; prune ends it when no point needs it.
 *
 * - Only what was recorded is moved. Another version on top of it is left, and told; but one with the same content,
 *   headers and metadata is what a killed run has made and not recorded, and is taken for it.
 * - An archived version is thawed first, and moved by the run that finds it readable.
 * - Never upwards: what lies as deep already is only recorded so.
 *
 * Called by workers, each with its own connection.
 */
#ifndef AGENT_MOVE_H
#define AGENT_MOVE_H

#include "agent/copy.h"

/* What moves of one source share. It points into itself. */
struct move_setup {
    struct copy_job job;
    struct source vault_as_source;
    struct config_source config;
    struct config_policy policy; /* as it prices and copies when the agent moves */
    unsigned thaw_days;          /* how long a thawed version stays readable: until the next run at least */
};

/* From the copies' job of the same source. */
void move_set_up(struct move_setup *setup, const struct copy_job *copies);

/* For how many days a version is thawed, so that a run of this policy's schedule comes in time. */
unsigned move_thaw_days(const struct config_policy *policy);

/* Whether what lies on top is a copy of the recorded version, made by a run that did not come to record it: headers,
 * metadata and size are the same, and what tells of the content is, as far as it can be compared. Pure. */
bool move_is_twin(const struct s3_head *recorded, const struct s3_head *top);

/*
 * Does an action of kind MOVE: DONE, copied; ADOPTED, it lies in result.entry.class_ already: under another version
 * (result.did is STATE_MOVED) or moved in place by somebody else (STATE_IS); THAWING, LEFT, FAILED. Never fails
 * otherwise.
 */
void move_do(const struct move_setup *setup, struct s3_conn *conn, struct action *action);

#endif
