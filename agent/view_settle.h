/*
 * The vault versions that records do not know, since the store's answers did not say them: found by a record's time
 * among the versions of its object. One thread.
 */
#ifndef AGENT_VIEW_SETTLE_H
#define AGENT_VIEW_SETTLE_H

#include "agent/rebuild.h"

/* `unknown`: how many there are, at most. Few are looked at one by one, many by one listing of all versions. What the
 * vault does not have stays unknown. */
enum verdict view_settle(const struct rebuild_view *view, uint64_t unknown, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
