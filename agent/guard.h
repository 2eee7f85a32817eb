/*
 * Whether a run saw an attack rather than a day's work: most objects replaced, many missing, nothing left, or objects
 * that can only be read with a key that somebody else keeps. Pure. What it compares with is the last complete point:
 * everything since then counts together, so that an attack which takes several nights, or is told by several partial
 * points, adds up.
 */
#ifndef AGENT_GUARD_H
#define AGENT_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"

struct guard_view {
    bool has_before;        /* there is a complete point: else there is nothing to compare with */
    uint64_t before;        /* objects that it holds */
    uint64_t listed;        /* objects that this walk saw */
    uint64_t replaced;      /* objects whose content changed since then */
    uint64_t missing;       /* objects that this walk did not find */
    uint64_t customer_keys; /* objects known to the vault that are now encrypted with a customer's key */
};

enum { GUARD_REASON_SIZE = 240 };

/* True: mark nothing, call the point guarded. `reason` is one line for people; "" otherwise. */
bool guard_trips(const struct config_guard *policy, const struct guard_view *view, char reason[GUARD_REASON_SIZE])
        __attribute__((warn_unused_result));

#endif
