/*
 * Who is running: one run of a source at a time, by an object in the vault. lease/<source>/<n>.json is created with
 * If-None-Match; n is the fencing number and only grows. Where a store ignores the condition, the owner of the key's
 * oldest version has it. Renewed every 20 s by one thread for all leases of the process; dead after 90 s without
 * renewal by the server's own times. Correctness does not rest on it: points are created with If-None-Match and
 * chained.
 *
 * A renewal is a new version of the same key. The owner is the nonce in the oldest version; only a version with that
 * nonce can release; the newest version of all tells the time of the last renewal (see lease_sight.h). A holder stops
 * 60 s after it sent its last successful renewal, by its monotonic clock, and for good once a higher number shows.
 */
#ifndef AGENT_LEASE_H
#define AGENT_LEASE_H

#include "agent/vault.h"

enum { LEASE_RENEW_MS = 20 * 1000, LEASE_DEAD_MS = 90 * 1000 };

struct lease;

struct lease_options {
    const struct program *program;
    const struct vault *vault;
    const char *source;
    const char *owner; /* of this state folder, 32 hex digits: a lease of the same owner is taken over at once, since
                          the folder's lock is ours */
};

/* VERDICT_HELD: another run has it; `failure` says who and since when. */
enum verdict lease_take(const struct lease_options *options, struct s3_conn *conn, struct lease **lease,
        struct failure *failure) __attribute__((warn_unused_result));
/* The lease before ours was not released: its run ended uncleanly, or was taken over. What it left is looked for. */
bool lease_followed_dead(const struct lease *lease);
/* Whether it is still ours: false after another took it, or renewing failed for so long that another may have. Any
 * thread. */
bool lease_is_held(const struct lease *lease);
uint64_t lease_number(const struct lease *lease);
/* Says in the vault that it is free, and frees it. Failing to say so only makes the next run wait. */
void lease_release(struct lease *lease, struct s3_conn *conn);

/* The thread that renews. Started once before the first lease, stopped after the last. */
struct lease_keeper;
enum verdict lease_keeper_start(const struct program *program, struct lease_keeper **keeper, struct failure *failure)
        __attribute__((warn_unused_result));
void lease_keeper_stop(struct lease_keeper *keeper);
void lease_keeper_add(struct lease_keeper *keeper, struct lease *lease);
void lease_keeper_remove(struct lease_keeper *keeper, struct lease *lease); /* waits for a renewal under way */

#endif
