/*
 * What a run may still take: time, requests, bytes. Shared by all sources of a run; whoever is about to begin something
 * asks first. What is in flight when it is spent ends, and publishing what was done is always allowed. Any thread,
 * except for the functions that reserve: under the pool's lock.
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
    uint64_t reserved; /* of objects that are being copied */
};

/* The deadline or anything else. */
bool budget_is_spent(const struct budget *budget, int64_t monotonic_ms);

/* Whether one more object may be begun. While what is in flight has all the rest, none may: it may still fail. */
bool budget_has_room(const struct budget *budget);
/* For an object of `size` bytes, or of one that is not known, which gets all that is left: so the bound is passed by at
 * most one object, however many are in flight. Returns what budget_settle is to be given. */
uint64_t budget_reserve(struct budget *budget, bool known, uint64_t size) __attribute__((warn_unused_result));
void budget_settle(struct budget *budget, uint64_t reserved, uint64_t copied);

#endif
