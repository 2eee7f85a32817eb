/*
 * Writing to the vault what a run did: logs out of the manifest's outbox, full files, and point.json, which makes it a
 * point. One publisher a run; its functions are called by the run's own thread only.
 *
 * A line leaves the outbox only in a transaction that also records its log (meta "logs"), after the log was put: so a
 * kill at any instant leaves each line in the outbox or in a log that the next point will name, or in both, which is
 * harmless.
 */
#ifndef AGENT_PUBLISH_H
#define AGENT_PUBLISH_H

#include "agent/source.h"
#include "agent/points.h"
#include "state/manifest.h"

struct publisher;

struct publish_options {
    const struct vault *vault;
    const struct source *source;
    struct manifest *manifest;
    const char *point; /* this run's */
};
/* Reads what former runs put without a point (meta "logs"). */
enum verdict publisher_new(const struct publish_options *options, struct publisher **publisher, struct failure *failure)
        __attribute__((warn_unused_result));
void publisher_free(struct publisher *publisher);

/* Puts the outbox as one or more logs of at most 4 MiB each, trims it and syncs the manifest. Nothing in the outbox:
 * nothing is put. */
enum verdict publisher_flush(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/* Whether the logs since the last full file have more lines than there are records (and enough to care): time for a
 * full file. */
bool publisher_wants_full(const struct publisher *publisher);
/* Puts all live records as full files. No batch may be open; readers may. */
enum verdict publisher_full(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/*
 * Writes point.json: fills in files, predecessor, totals, program, policy; all else is the caller's. Reads the newest
 * point again first: if it is not `predecessor` (NULL: none), somebody else has published meanwhile: VERDICT_CHANGED,
 * and *newest (may be NULL) is that point's id. After it: meta "point" (id and hash) is recorded, meta "logs" emptied,
 * the manifest synced.
 */
enum verdict publisher_point(struct publisher *publisher, struct s3_conn *conn, struct state_point *point,
        const struct state_point_link *predecessor, char newest[STATE_POINT_SIZE], struct failure *failure)
        __attribute__((warn_unused_result));

/* The point that the manifest stands at. VERDICT_NOT_FOUND: none. */
enum verdict publish_last(struct manifest *manifest, struct state_point_link *last, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
