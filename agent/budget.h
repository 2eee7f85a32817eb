/*
 * What a run may still take: time, requests, bytes. Shared by all sources of a run; whoever is about to begin something
 * asks first. What is in flight when it is spent ends, and publishing what was done is always allowed. Any thread.
 */
#ifndef AGENT_BUDGET_H
#define AGENT_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
    int64_t deadline_ms;   /* monotonic; 0: none */
    uint64_t max_requests; /* 0: none; as the service bills them, attempts included */
    uint64_t max_bytes;    /* 0: none; of objects copied */
    _Atomic uint64_t requests, bytes;
};

/* The deadline is over. */
bool budget_is_late(const struct budget *budget, int64_t monotonic_ms);
/* The deadline or anything else. */
bool budget_is_spent(const struct budget *budget, int64_t monotonic_ms);

#endif
