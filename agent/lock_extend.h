/*
 * Extending locks (lock.extend): a version that a kept point still needs gets a new end while its old one is near; what
 * no point needs is left to run out. Told of each version that a prune keeps because a point needs it.
 *
 * A version's age says when its end may be near, so that young versions cost nothing. From then on its retention is
 * asked for at each prune, and set anew, to now + days, where less than a third of `days` (14 days at most) is left.
 * Nothing is bypassed, hence nothing ever shortened. A version without any retention gets one.
 *
 * The judgements are pure. A lock_extender is one thread's; its work is done by threads of its own.
 */
#ifndef AGENT_LOCK_EXTEND_H
#define AGENT_LOCK_EXTEND_H

#include <jansson.h>

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

/* Whether the config asks for it. */
bool lock_extend_wanted(const struct vault *vault);

/* What came of it. */
struct lock_extended {
    uint64_t versions; /* that were given */
    uint64_t looked;   /* whose retention was asked for; dry: would be */
    uint64_t extended; /* whose end was moved */
    uint64_t failed;
    struct failure failure; /* of the first that failed */
};
/* {"versions", "looked", "extended", "failed", "requests_a_year", "price_a_year"} */
json_t *lock_extended_json(const struct lock_extended *extended, const struct prices *prices, int64_t days);

struct lock_extender;
/* dry: nothing is asked, only counted. */
enum verdict lock_extender_new(const struct program *program, const struct vault *vault, bool dry,
        struct lock_extender **extender, struct failure *failure) __attribute__((warn_unused_result));
/* A version (not a marker) that stays because a point needs it, and when the service got it. What fails is counted, and
 * stops nothing. VERDICT_INTERNAL without memory. */
enum verdict lock_extender_give(struct lock_extender *extender, struct state_text path, struct state_text version,
        int64_t written_ms, struct failure *failure) __attribute__((warn_unused_result));
/* Waits until all is done. NULL is fine: then nothing was. */
void lock_extender_end(struct lock_extender *extender, struct lock_extended *out);

#endif
