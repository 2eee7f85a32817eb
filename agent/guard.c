/* See guard.h. */
#include "agent/guard.h"

#include <stdio.h>

/* More than `share` of `before`, in integers where that matters: a share of 30 % of 10 objects trips at the fourth. */
static bool is_more(uint64_t count, double share, uint64_t before)
{
    return (double)count > share * (double)before;
}

static unsigned percent(uint64_t count, uint64_t before)
{
    return (unsigned)(100.0 * (double)count / (double)before + 0.5);
}

bool guard_trips(const struct config_guard *policy, const struct guard_view *view, char reason[GUARD_REASON_SIZE])
{
    const uint64_t before = view->before;
    bool judged_by_shares = before >= (uint64_t)policy->at_least;

    reason[0] = '\0';
    if (!view->has_before || before == 0)
        return false;
    if (view->listed == 0)
        (void)snprintf(
                reason, GUARD_REASON_SIZE, "nothing is listed where %llu objects were", (unsigned long long)before);
    else if (is_more(view->missing, 0.5, before) ||
             (judged_by_shares && is_more(view->missing, policy->deleted, before)))
        (void)snprintf(reason, GUARD_REASON_SIZE, "%llu of %llu objects (%u %%) are missing",
                (unsigned long long)view->missing, (unsigned long long)before, percent(view->missing, before));
    else if (is_more(view->customer_keys, 0.5, before) ||
             (judged_by_shares && is_more(view->customer_keys, policy->deleted, before)))
        (void)snprintf(reason, GUARD_REASON_SIZE,
                "%llu of %llu objects (%u %%) are now encrypted with a customer's key",
                (unsigned long long)view->customer_keys, (unsigned long long)before,
                percent(view->customer_keys, before));
    else if (judged_by_shares && is_more(view->replaced, policy->changed, before))
        (void)snprintf(reason, GUARD_REASON_SIZE,
                "%llu of %llu objects (%u %%) were replaced since the last complete point",
                (unsigned long long)view->replaced, (unsigned long long)before, percent(view->replaced, before));
    return reason[0] != '\0';
}
