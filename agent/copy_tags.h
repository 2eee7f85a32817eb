/*
 * The tags of one object on both sides: what the listing cannot show, since tags change neither ETag nor time. Where
 * they differ, the vault's copy gets the source's tags, which makes no new version. Nothing else is written.
 *
 * Called by workers, each with its own connection.
 */
#ifndef AGENT_COPY_TAGS_H
#define AGENT_COPY_TAGS_H

#include "agent/copy.h"

/* Does an action of kind TAGS and fills in its outcome: DONE, tags were written; ADOPTED, they were equal; GONE, the
 * source has no such object any more. Never fails otherwise. */
void copy_tags_do(const struct copy_job *job, struct s3_conn *conn, struct action *action);

/* An object's tags: none where it has an empty set, or, by some servers, no set at all. */
enum s3_status copy_tags_get(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_tags *tags, struct s3_error *error) __attribute__((warn_unused_result));

/* The same tags with the same values, in whatever order. */
bool copy_tags_are_equal(const struct s3_tags *a, const struct s3_tags *b);

#endif
