/* Faults by rule: which requests, how often, and what goes wrong. The first rule that fires wins.
 *
 * Rules are replaced and read under a lock of their own; what fault_choose returns is a copy. Any thread. */
#ifndef S3SIM_FAULT_H
#define S3SIM_FAULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_ERROR,
    FAULT_SLOWDOWN_RPS,
    FAULT_ERROR_IN_200,
    FAULT_TRUNCATE,
    FAULT_RESET,
    FAULT_LOST_ANSWER,
    FAULT_STALL,
    FAULT_GARBLE,
    FAULT_EMPTY_BODY,
    FAULT_WRONG_ROOT,
    FAULT_EXPIRED_TOKEN,
    FAULT_SKEWED_CLOCK,
    FAULT_MUTATE_OVERWRITE,
    FAULT_MUTATE_DELETE,
    FAULT_LIST_EMPTY_PAGE,
    FAULT_LIST_END_EARLY,
    FAULT_LIST_EMPTY,
    FAULT_LIST_REPEAT,
    FAULT_LIST_DISORDER,
    FAULT_REDIRECT,
    FAULT_TRICKLE,
    FAULT_KINDS
};

struct fault_action {
    enum fault_kind kind;
    int status;
    char code[64], message[400], region[32];
    int64_t ms;      /* stall, trickle: how long */
    uint64_t bytes;  /* truncate: sent before the end; UINT64_MAX: half */
    bool keep_alive; /* error in 200: whitespace first */
    bool perform;    /* error, error in 200: do the operation nevertheless */
};

struct fault_query {
    const char *operation, *bucket, *key;
    size_t key_len;
    const char *caller; /* role or user name, "" for none */
};

const char *fault_set(const json_t *rules, bool append); /* NULL, or what is wrong; then nothing was changed */
void fault_clear(void);
void fault_choose(const struct fault_query *q, struct fault_action *out);
json_t *fault_report(void); /* new reference: each rule with its hits */

#endif
