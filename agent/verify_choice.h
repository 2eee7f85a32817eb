/*
 * Which objects a verify looks at: all, a part of them so that all parts together are all and no two share one, or a
 * sample that is another one each day. By a hash of the key alone, so it needs no memory and no order. Pure.
 */
#ifndef AGENT_VERIFY_CHOICE_H
#define AGENT_VERIFY_CHOICE_H

#include "state/entry.h"

enum verify_choice_kind { VERIFY_ALL, VERIFY_SUBSET, VERIFY_SAMPLE };

struct verify_choice {
    enum verify_choice_kind kind;
    uint64_t part, parts; /* VERIFY_SUBSET: 0 to parts - 1 */
    uint64_t below;       /* VERIFY_SAMPLE: hashes below it are taken */
    uint64_t seed;        /* VERIFY_SAMPLE: the day */
};

/* "3/10". False: not of this form, or not 1 <= N <= T <= 1,000,000. */
bool verify_choice_subset(const char *text, struct verify_choice *choice) __attribute__((warn_unused_result));
/* "5%", "0.25%"; more than nothing, at most all. */
bool verify_choice_sample(const char *text, int64_t now_ms, struct verify_choice *choice)
        __attribute__((warn_unused_result));
bool verify_choice_has(const struct verify_choice *choice, struct state_text key);

#endif
