/*
 * What the vault shows of the leases of a source. Reading only, with the calling thread's connection.
 *
 * A lease number is one key with several versions: the one that made it, its renewals, and, on a store that ignores
 * If-None-Match, those of contenders who came too late. So whose it is says the oldest version: its nonce is the
 * owner's. Whether it was released says the newest version that carries this nonce. When it was renewed says the newest
 * version of all: a loser's can make it look alive for once 90 s longer, never shorter. Delete markers count only as
 * traces that the number was used; a lease below one is seen all the same.
 */
#ifndef AGENT_LEASE_SIGHT_H
#define AGENT_LEASE_SIGHT_H

#include "agent/lease_document.h"
#include "agent/vault.h"

/* The highest lease number of a source. VERDICT_NOT_FOUND, without a failure, where there is none. */
enum verdict lease_sight_last(const struct vault *vault, struct s3_conn *conn, const char *source,
        struct lease_seen *seen, struct failure *failure) __attribute__((warn_unused_result));
/* One number. VERDICT_NOT_FOUND, without a failure, where nothing is there. `version` is one that may be the oldest
 * ("": none): *is_oldest says whether it is, and then nothing was read. */
enum verdict lease_sight_one(const struct vault *vault, struct s3_conn *conn, const char *source, uint64_t number,
        const char *version, bool *is_oldest, struct lease_seen *seen, struct failure *failure)
        __attribute__((warn_unused_result));
/* Whether a number above `number` shows: what a holder asks when it renews, one request. */
enum verdict lease_sight_above(const struct vault *vault, struct s3_conn *conn, const char *source, uint64_t number,
        bool *above, struct failure *failure) __attribute__((warn_unused_result));

#endif
