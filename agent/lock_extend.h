/*
 * Extending locks (lock.extend): a version that a kept point still needs gets a new end while its old one is near; what
 * no point needs is left to run out. Called for each version that a prune keeps because a point needs it.
 *
 * A version's age says when its end may be near, so that young versions cost nothing. From then on its retention is
 * asked for at each prune, and set anew, to now + days, where less than a third of `days` (14 days at most) is left.
 * Nothing is bypassed, hence nothing ever shortened. A version without any retention gets one.
 *
 * The judgements are pure. lock_extend_version asks; its struct and connection belong to one thread.
 */
#ifndef AGENT_LOCK_EXTEND_H
#define AGENT_LOCK_EXTEND_H

#include "agent/prices.h"
#include "agent/vault.h"

/* With how little time left a lock of so many days is extended. */
int64_t lock_extend_margin_ms(int64_t days);
/* Whether the end of a version that was written then, with a lock of so many days, may be near. */
bool lock_extend_may_be_due(int64_t days, int64_t written_ms, int64_t now_ms);
/* Whether to set a new end; until 0: it has none. */
bool lock_extend_is_due(int64_t days, int64_t until_ms, int64_t now_ms);
/* A year of it at a prune a day, for so many versions that stay; unknown prices make an unknown sum. */
struct lock_extend_year {
    double looks, extensions; /* requests */
    double price;
};
struct lock_extend_year lock_extend_year(const struct prices *prices, int64_t days, uint64_t versions);

/* One prune's extending: zero, but for the first four, is its beginning. */
struct lock_extend {
    const struct vault *vault;
    struct s3_conn *conn;
    int64_t now_ms; /* the vault's */
    bool dry;       /* only looks */

    uint64_t versions; /* that were handed in */
    uint64_t looked;   /* whose retention was asked for */
    uint64_t extended; /* whose end was moved; with `dry`: would be */
    uint64_t failed;
    struct failure failure; /* of the first that failed */
};

/* Whether the config asks for it; else lock_extend_version does nothing. */
bool lock_extend_wanted(const struct vault *vault);
/* A version (not a marker) that stays because a point needs it. False where its lock could not be looked at or
 * extended: it is counted then, and nothing else has to stop for it. */
bool lock_extend_version(struct lock_extend *extend, const char *path, size_t path_len, const char *version,
        int64_t written_ms) __attribute__((warn_unused_result));

#endif
