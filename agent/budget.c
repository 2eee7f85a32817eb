/* See budget.h. */
#include "agent/budget.h"

bool budget_is_late(const struct budget *budget, int64_t monotonic_ms)
{
    return budget->deadline_ms != 0 && monotonic_ms >= budget->deadline_ms;
}

bool budget_is_spent(const struct budget *budget, int64_t monotonic_ms)
{
    return budget_is_late(budget, monotonic_ms) ||
           (budget->max_requests != 0 &&
                   atomic_load_explicit(&budget->requests, memory_order_relaxed) >= budget->max_requests) ||
           (budget->max_bytes != 0 && atomic_load_explicit(&budget->bytes, memory_order_relaxed) >= budget->max_bytes);
}
