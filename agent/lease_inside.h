/*
 * The inside of a lease, for lease.c and lease_keeper.c only.
 */
#ifndef AGENT_LEASE_INSIDE_H
#define AGENT_LEASE_INSIDE_H

#include <stdatomic.h>

#include "agent/lease.h"
#include "agent/lease_document.h"

/* A third of the time to death is left for what is under way when a holder learns that it holds nothing. */
enum { LEASE_LOST_MS = 60 * 1000, LEASE_RETRY_MS = 5 * 1000 };

struct lease {
    const struct program *program;
    const struct vault *vault;
    char source[STATE_SOURCE_MAX + 1];
    struct layout_path path;
    uint64_t number;
    bool followed_dead;
    struct lease_document document; /* changed by whoever renews or releases: the keeper while it has the lease */
    atomic_bool lost;               /* for good */
    _Atomic int64_t renewed;        /* monotonic ms when the last successful renewal was sent */
    /* guarded by the keeper's lock */
    struct lease *next;
    int64_t due; /* monotonic ms */
    bool busy;   /* being renewed */
};

/* Renews: one look for higher numbers, one PUT. VERDICT_HELD, for good, where another took it. */
enum verdict lease_renew(struct lease *lease, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
