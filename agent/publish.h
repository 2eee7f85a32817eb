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
/* Borrows all of it. `point` must be above every folder under points/<source>/, those without a point included: logs
 * are applied in the order of their folders. */
enum verdict publisher_new(const struct publish_options *options, struct publisher **publisher, struct failure *failure)
        __attribute__((warn_unused_result));
void publisher_free(struct publisher *publisher);

/* Puts the outbox as one or more logs of at most 4 MiB each, trims it and syncs the manifest. Nothing in the outbox:
 * nothing is put. */
enum verdict publisher_flush(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/* Lays lines into the outbox for records that no log tells of, as their manifest was made from versions alone: before
 * the last flush of a run. Elsewhere it does nothing. */
enum verdict publisher_tell_unlogged(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/* Whether a rebuild would spend more on the logs since the last full file than on a new one: time for a full file. */
bool publisher_wants_full(const struct publisher *publisher);
/* Puts all live records as full files, which the point then names; after the last flush, since lines that are flushed
 * later make it forget them. No batch may be open; readers may. A failure leaves the point without them. */
enum verdict publisher_full(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/* Leaves word beside the point, before it is written, that a signal ended its run: see due.h. */
enum verdict publisher_interrupted(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/*
 * Writes point.json: fills in files, predecessor, totals, program, policy; all else is the caller's. Reads the newest
 * point again first: if it is not `predecessor` (NULL: none), somebody else has published meanwhile: VERDICT_CHANGED,
 * and *newest (may be NULL; else "") is that point's id. The same where it was overtaken while writing. What is still
 * in the outbox is flushed before. After it: meta "point" (id and hash) is recorded, meta "logs" emptied, the manifest
 * synced.
 */
enum verdict publisher_point(struct publisher *publisher, struct s3_conn *conn, struct state_point *point,
        const struct state_point_link *predecessor, char newest[STATE_POINT_SIZE], struct failure *failure)
        __attribute__((warn_unused_result));

/* The point that the manifest stands at. VERDICT_NOT_FOUND: none. */
enum verdict publish_last(struct manifest *manifest, struct state_point_link *last, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
