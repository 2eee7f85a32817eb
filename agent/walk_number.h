/* Keys as numbers, so that "half of what is left" has a meaning. At each byte position the bytes seen so far, closed by
 * class (one digit stands for all digits), are the digits of that position; where keys were seen to end, the end is one
 * more digit, below the others. Continuation bytes of UTF-8 are an alphabet of their own. A number is a fraction from 0
 * to 1 of all keys that share the first `base` bytes; base must lie between code points.
 *
 * The order of numbers follows the order of keys, roughly: what was never seen has no number of its own. Who cuts by it
 * compares the keys themselves. Pure but for the alphabet that is handed in; the caller's lock guards that. */
#ifndef AGENT_WALK_NUMBER_H
#define AGENT_WALK_NUMBER_H

#include "agent/walk_plan.h"

struct walk_set {
    uint64_t bits[4];
};

struct walk_alphabet {
    struct walk_set seen[WALK_KEY_MAX];
    struct walk_set closed[WALK_KEY_MAX];
    bool ends[WALK_KEY_MAX + 1]; /* keys of just this length were seen */
    unsigned mixed;              /* classes that share a position somewhere */
    struct walk_set rich;        /* the bytes of positions where many were seen */
};

/* Learns the key's bytes at positions from (inclusive) to until (exclusive), and its length if until reaches it. */
void walk_alphabet_learn(struct walk_alphabet *alphabet, struct walk_bytes key, size_t from, size_t until);

double walk_number_of(const struct walk_alphabet *alphabet, struct walk_bytes key, size_t base)
        __attribute__((warn_unused_result));

/* What share of the keys with key[0, base) has key[0, until): may underflow to 0. */
double walk_number_share(const struct walk_alphabet *alphabet, struct walk_bytes key, size_t base, size_t until)
        __attribute__((warn_unused_result));

/* The key at a number: head[0, base), then as many digits as tell numbers apart that differ by `step`. Valid UTF-8 if
 * the head is. False where no such key can be written. */
bool walk_number_key(const struct walk_alphabet *alphabet, struct walk_bytes head, size_t base, double number,
        double step, struct walk_key *key) __attribute__((warn_unused_result));

#endif
