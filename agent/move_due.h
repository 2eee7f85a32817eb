/*
 * Which records are due to lie in a colder class: place_move, asked for millions of records while they are compared
 * with a listing. Where a record lies says by which ages and from which sizes on it may be due; that is found once a
 * run, so that a record that stays costs some comparisons of whole numbers. What they let through is judged by
 * place_move itself, and the keys of it are kept until the walk is over: new objects are copied first.
 *
 * move_due_is and move_due_add: any thread. The others: before and after there are several.
 */
#ifndef AGENT_MOVE_DUE_H
#define AGENT_MOVE_DUE_H

#include <pthread.h>

#include "agent/place.h"

struct move_step {
    int64_t due_ms; /* what is not younger */
    uint64_t size;  /* and not smaller */
};

struct move_due {
    const struct config_policy *policy;
    const struct prices *prices;
    int64_t now_ms;
    struct move_step steps[CLASS_COUNT][CLASS_COUNT]; /* by the class that a record lies in; tiers ascend in coldness */
    size_t count[CLASS_COUNT];
    _Atomic uint64_t found; /* keys that were added, or did not fit */
    pthread_mutex_t lock;
    /* guarded by lock */
    char *keys; /* two bytes of length and a key, one after the other */
    size_t used, size;
    bool overflow; /* there were more: the manifest is to be gone through instead */
};

/* Borrows policy and prices as long as it is used. */
void move_due_init(
        struct move_due *due, const struct config_policy *policy, const struct prices *prices, int64_t now_ms);
void move_due_clear(struct move_due *due);

/* Whether place_move is worth asking. False for whatever it would leave. */
static inline bool move_due_is(
        const struct move_due *due, enum storage_class from, uint64_t size, int64_t source_time_ms)
{
    const struct move_step *steps = due->steps[from];

    for (size_t i = 0; i < due->count[from]; i++)
        if (source_time_ms <= steps[i].due_ms && size >= steps[i].size)
            return true;
    return false;
}

/* Keeps a key. */
void move_due_add(struct move_due *due, struct state_text key);
/* The next key from `at` on, which moves behind it. False: there is none. After the last move_due_add. */
bool move_due_next(const struct move_due *due, size_t *at, struct state_text *key);

#endif
