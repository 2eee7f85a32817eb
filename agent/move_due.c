/* See move_due.h. */
#include "agent/move_due.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 4 * 1024 * 1024, KEYS_FIRST = 64 * 1024 };
#define DAY_MS INT64_C(86400000)
#define LARGEST (UINT64_C(1) << 46) /* above S3's largest object */

static bool moves(const struct move_due *due, enum storage_class from, const struct config_tier *tier, uint64_t size)
{
    const int64_t then_ms = due->now_ms - tier->after_days * DAY_MS;

    return place_move(due->policy, due->prices, size, then_ms, due->now_ms, from).class_ != from;
}

/* The smallest size that moves: upwards by a quarter until one does, then between it and the one before. A band of
 * sizes that is narrower than that and has others above it that stay may be missed; such an object waits. */
static uint64_t smallest(const struct move_due *due, enum storage_class from, const struct config_tier *tier)
{
    uint64_t low = 0, high = 0;

    while (!moves(due, from, tier, high)) {
        low = high;
        high += high / 4 + 1;
        if (high > LARGEST)
            return UINT64_MAX;
    }
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (moves(due, from, tier, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

void move_due_init(
        struct move_due *due, const struct config_policy *policy, const struct prices *prices, int64_t now_ms)
{
    memset(due, 0, sizeof *due);
    due->policy = policy;
    due->prices = prices;
    due->now_ms = now_ms;
    (void)pthread_mutex_init(&due->lock, NULL);
    for (int from = 0; from < CLASS_COUNT; from++)
        for (size_t i = 0; i < policy->tier_count; i++) {
            const struct config_tier *tier = &policy->tiers[i];
            struct move_step *step = &due->steps[from][due->count[from]];
            if (!storage_class_may_follow((enum storage_class)from, tier->class_))
                continue;
            step->due_ms = now_ms - tier->after_days * DAY_MS;
            step->size = smallest(due, (enum storage_class)from, tier);
            if (step->size != UINT64_MAX)
                due->count[from]++;
        }
}

void move_due_clear(struct move_due *due)
{
    if (due->policy == NULL)
        return;
    free(due->keys);
    (void)pthread_mutex_destroy(&due->lock);
    memset(due, 0, sizeof *due);
}

static bool make_room(struct move_due *due, size_t length)
{
    size_t size = due->size > 0 ? due->size : KEYS_FIRST;
    char *keys;

    if (due->used + length <= due->size)
        return true;
    while (size < due->used + length)
        size *= 2;
    keys = size <= KEYS_MAX ? realloc(due->keys, size) : NULL;
    if (keys == NULL)
        return false;
    due->keys = keys;
    due->size = size;
    return true;
}

void move_due_add(struct move_due *due, struct state_text key)
{
    const uint16_t length = (uint16_t)key.len;

    (void)atomic_fetch_add_explicit(&due->found, 1, memory_order_relaxed);
    (void)pthread_mutex_lock(&due->lock);
    if (!due->overflow && make_room(due, sizeof length + key.len)) {
        memcpy(due->keys + due->used, &length, sizeof length);
        memcpy(due->keys + due->used + sizeof length, key.ptr, key.len);
        due->used += sizeof length + key.len;
    } else {
        due->overflow = true;
    }
    (void)pthread_mutex_unlock(&due->lock);
}

bool move_due_next(const struct move_due *due, size_t *at, struct state_text *key)
{
    uint16_t length;

    if (*at >= due->used)
        return false;
    memcpy(&length, due->keys + *at, sizeof length);
    *key = (struct state_text){ due->keys + *at + sizeof length, length };
    *at += sizeof length + length;
    return true;
}
