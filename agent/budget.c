/* See budget.h. */
#include "agent/budget.h"

static bool is_late(const struct budget *budget, int64_t monotonic_ms)
{
    return budget->deadline_ms != 0 && monotonic_ms >= budget->deadline_ms;
}

bool budget_is_spent(const struct budget *budget, int64_t monotonic_ms)
{
    return is_late(budget, monotonic_ms) ||
           (budget->max_requests != 0 &&
                   atomic_load_explicit(&budget->requests, memory_order_relaxed) >= budget->max_requests) ||
           (budget->max_bytes != 0 && atomic_load_explicit(&budget->bytes, memory_order_relaxed) >= budget->max_bytes);
}

static uint64_t taken(const struct budget *budget)
{
    return atomic_load_explicit(&budget->bytes, memory_order_relaxed) + budget->reserved;
}

bool budget_has_room(const struct budget *budget)
{
    return budget->max_bytes == 0 || taken(budget) < budget->max_bytes;
}

uint64_t budget_reserve(struct budget *budget, bool known, uint64_t size)
{
    uint64_t reserved = size;

    if (!known)
        reserved = budget_has_room(budget) && budget->max_bytes != 0 ? budget->max_bytes - taken(budget) : 0;
    budget->reserved += reserved;
    return reserved;
}

void budget_settle(struct budget *budget, uint64_t reserved, uint64_t copied)
{
    budget->reserved -= reserved;
    atomic_fetch_add_explicit(&budget->bytes, copied, memory_order_relaxed);
}
