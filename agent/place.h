/*
 * Which storage class a copy belongs in: the policy's tiers by the object's age, and only where the object is large
 * enough to gain by it.
 *
 * - Age counts from the source's time: an object that is 400 days old when it is first copied goes where one that was
 *   copied 400 days ago lies by now. A time in the future is age 0.
 * - The deepest tier whose age is reached; where that is not worth it, the next shallower one that is; else STANDARD.
 * - "min_size" in bytes says from which size on tiers count. "auto" takes a tier where it costs less than the class in
 *   which the object would lie otherwise: what it takes to get there (for a first copy the PUT of that class instead
 *   of the PUT that is needed anyhow; for a move the transition by rule, or the copy and the retrieval by the agent),
 *   per-object overhead, minimum billed size, minimum storage time, and the storage for the rest of its retention.
 * - The rest of its retention is how long the policy keeps a version after it stopped being the current one
 *   (delete_after_days, or the longest reach of keep; without an end ten years), whatever its age: nobody knows how
 *   long an object stays current, but even one that is replaced tomorrow stays so long. What is cheaper for that time
 *   is cheaper for every longer one.
 * - It is counted as if the object stayed in the class all that time, though a deeper tier may come: what is large
 *   enough for a tier so does not depend on how many days are left until the next one.
 * - Where a price is not known, "auto" follows the tiers from 128 KiB on, as S3's own rules do.
 *
 * Pure; any thread.
 */
#ifndef AGENT_PLACE_H
#define AGENT_PLACE_H

#include "agent/prices.h"

#define PLACE_SIZE_UNKNOWN UINT64_MAX /* a stream's, before its end: taken for large */

enum place_reason {
    PLACE_NO_TIERS, /* the policy has none */
    PLACE_YOUNG,    /* no tier's age is reached */
    PLACE_TIER,     /* where its age says */
    PLACE_SMALL,    /* smaller than the policy's min_size */
    PLACE_DEARER,   /* by_age would cost more than it saves */
    PLACE_UNPRICED, /* a price is not known, and it is smaller than 128 KiB */
    PLACE_THERE     /* a move: lies as deep as its age says, or deeper */
};

struct place {
    enum storage_class class_; /* where it goes, or is to be */
    enum storage_class by_age; /* where it would be if its size did not count */
    enum place_reason reason;
    uint64_t needs_bytes; /* the size from which on it would go to by_age; 0: that is not what keeps it */
    int age_days;
    int after_days; /* of the tier by_age; of the first one where none is reached */
};

/* Where a first copy goes. */
struct place place_new(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms) __attribute__((warn_unused_result));
/* Only its class, which is much less work where the object is too small. */
enum storage_class place_class(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms) __attribute__((warn_unused_result));
/* Where a record that lies in `from` should be: there, or deeper, never upwards. The move is priced as one by rule,
 * where the policy's transitions are "agent" as a copy with retrieval. The minimum storage time in `from` is taken for
 * served. */
struct place place_move(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms, enum storage_class from) __attribute__((warn_unused_result));

/* The size from which on objects gain by a move into this tier's class when they reach its age: for the size filters
 * of rules. 0: all do. UINT64_MAX: none does, or the class is no tier of the policy. */
uint64_t place_min_bytes(const struct config_policy *policy, const struct prices *prices, enum storage_class to)
        __attribute__((warn_unused_result));

/* How many days the policy keeps a version after it stopped being the current one; ten years where it has no end. */
int64_t place_retention_days(const struct config_policy *policy) __attribute__((warn_unused_result));

enum { PLACE_TEXT_SIZE = 160 };
/* "400 days old: DEEP_ARCHIVE from 365 days on". */
const char *place_explain(const struct place *place, char *out, size_t size);

#endif
