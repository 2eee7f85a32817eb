/* See chain.h. */
#include "state/chain.h"

#include <string.h>

/* The index of a point among the first n, which ascend; n where it is not there. */
static size_t find(const struct chain_point *points, size_t n, const char *id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(points[middle].point->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && strcmp(points[low].point->id, id) == 0 ? low : n;
}

/* A prune removes the oldest points only; those that follow it tell of it. */
static bool was_pruned(const struct chain_point *points, size_t n, const struct state_point *oldest)
{
    for (size_t i = 0; i < n; i++) {
        const struct state_point *p = points[i].point;
        if (p->has_root && strcmp(p->root, oldest->id) == 0 &&
                strcmp(p->root_removed.point, oldest->predecessor.point) == 0 &&
                strcmp(p->root_removed.sha256, oldest->predecessor.sha256) == 0)
            return true;
    }
    return false;
}

static enum chain_fault check_one(const struct chain_point *points, size_t n, size_t i)
{
    const struct state_point *p = points[i].point;
    if (i > 0 && strcmp(points[i - 1].point->id, p->id) >= 0)
        return CHAIN_ORDER;
    if (!p->has_predecessor)
        return i == 0 ? CHAIN_WHOLE : CHAIN_BEGINS;
    size_t before = find(points, i, p->predecessor.point);
    if (before == i)
        return i == 0 && was_pruned(points, n, p) ? CHAIN_WHOLE : CHAIN_GAP;
    if (strcmp(points[before].sha256, p->predecessor.sha256) != 0)
        return CHAIN_ALTERED;
    return before + 1 == i ? CHAIN_WHOLE : CHAIN_FORK;
}

struct chain_verdict state_chain_check(const struct chain_point *points, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum chain_fault fault = check_one(points, n, i);
        if (fault != CHAIN_WHOLE)
            return (struct chain_verdict){ fault, i };
    }
    return (struct chain_verdict){ CHAIN_WHOLE, n };
}

const char *state_chain_fault_name(enum chain_fault fault)
{
    switch (fault) {
    case CHAIN_WHOLE:
        return "the chain is whole";
    case CHAIN_ORDER:
        return "the point is not newer than the one before it";
    case CHAIN_ALTERED:
        return "its predecessor's file is not the one that it was written after";
    case CHAIN_GAP:
        return "its predecessor is missing";
    case CHAIN_FORK:
        return "another point follows the same predecessor";
    case CHAIN_BEGINS:
        return "it names no predecessor although there are older points";
    }
    return "unknown";
}
