/*
 * What is to be said of a lock before anything is written: whether the vault's bucket can lock, and whether the lock of
 * the config goes with what its policies keep. Pure; any thread.
 */
#ifndef AGENT_LOCK_CHECK_H
#define AGENT_LOCK_CHECK_H

#include "agent/config.h"
#include "agent/failure.h"
#include "s3/retention.h"

enum { LOCK_TEXT = 320 };

/* A bucket that cannot lock is refused where the config asks for a lock (VERDICT_USAGE). `warning` becomes "", or says
 * what a default retention does. */
enum verdict lock_judge_bucket(const struct s3_bucket_lock *found, const char *bucket, char warning[LOCK_TEXT],
        struct failure *failure) __attribute__((warn_unused_result));

/* Whether the lock holds for longer than the policy keeps any point: what is forgotten then stays, and is paid for,
 * until its lock ends. A week is 7 days here, a month 31, a year 366; `last` and hours count as days. */
bool lock_outlasts(const struct config_lock *lock, const struct config_policy *policy, char out[LOCK_TEXT]);

#endif
