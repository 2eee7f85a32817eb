/*
 * forgotten.json, which a prune lays beside a point that the policy no longer keeps. What the point needs stays until
 * the policy's days of grace are over, which the file says; so long the point can be named, and pinned.
 *
 * Any thread, with its connection.
 */
#ifndef AGENT_FORGOTTEN_H
#define AGENT_FORGOTTEN_H

#include "agent/points.h"

/* Once: that it is there already is no failure. */
enum verdict forgotten_write(const struct vault *vault, struct s3_conn *conn, const char *source, const char *point,
        int64_t grace_days, struct failure *failure) __attribute__((warn_unused_result));

/* Until when what the point needs stays: INT64_MAX where the file does not say. */
enum verdict forgotten_until(const struct vault *vault, struct s3_conn *conn, const char *source, const char *point,
        int64_t *until_ms, struct failure *failure) __attribute__((warn_unused_result));

/* VERDICT_NOT_FOUND, with what to do, where its days of grace are over. Otherwise the point is fit to be read: then it
 * is told that it will go. */
enum verdict forgotten_check(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct point_listed *point, struct failure *failure) __attribute__((warn_unused_result));

#endif
