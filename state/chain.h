/*
 * The chain of points: whether the point files of a source, as the vault gave them, are the ones that were written.
 * Pure. What it cannot see: that the newest points were taken away. Compare the head with the manifest's or a report's
 * for that.
 */
#ifndef STATE_CHAIN_H
#define STATE_CHAIN_H

#include "state/point.h"

#include <stddef.h>

enum chain_fault {
    CHAIN_WHOLE,
    CHAIN_ORDER,   /* ids do not ascend, or a point is there twice */
    CHAIN_ALTERED, /* the predecessor's bytes are not those that the point was written after: one of the two was changed
                    */
    CHAIN_GAP,     /* the predecessor is not there, and no prune recorded why */
    CHAIN_FORK,    /* the predecessor is there, but another point follows it already */
    CHAIN_BEGINS   /* a point without a predecessor that is not the first */
};

struct chain_point {
    char sha256[STATE_SHA256_HEX_SIZE]; /* of this point's own bytes */
    const struct state_point *point;
};

struct chain_verdict {
    enum chain_fault fault;
    size_t at; /* the point whose link fails, CHAIN_WHOLE: n */
};

/* The first break in points that are given by ascending id. No points are whole. */
struct chain_verdict state_chain_check(const struct chain_point *points, size_t n) __attribute__((warn_unused_result));
/* One clause for people, e.g. "its predecessor's bytes were changed". */
const char *state_chain_fault_name(enum chain_fault fault);

#endif
