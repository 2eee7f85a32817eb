/* The insides of a walk's plan, shared by the walk_plan*.c files and nobody else: the ranges in key order, their fences
 * and marks. Everything here is called under the lock of the plan's user.
 *
 * A range is the keys (cursor, end] of one prefix that are not handed out yet. The list of ranges is in key order and
 * tiles the space: each range begins where its predecessor ends. Ranges that have ended stay as carriers of their
 * marks, and neighbours among them are merged. */
#ifndef AGENT_WALK_PLAN_RANGE_H
#define AGENT_WALK_PLAN_RANGE_H

#include "agent/walk_number.h"
#include "agent/walk_plan.h"

/* A page's full count where the options name none: S3's own bound. */
#define WALK_PAGE_KEYS 1000
/* A fence every so many pages; marks are closer, so that fences chosen among them are evenly spaced. */
#define WALK_FENCE_PAGES 8
#define WALK_MARK_PAGES 2

/* `keys` keys lie after the mark before (or the range's begin), up to and with this one. */
struct walk_mark {
    struct walk_mark *next;
    uint64_t keys;
    size_t len;
    unsigned char bytes[];
};

struct walk_marks {
    struct walk_mark *first, *last;
};

enum walk_state { RANGE_LIVE, RANGE_ENDED, RANGE_BROKEN };

struct walk_range {
    struct walk_range *prev, *next;    /* all ranges, in key order */
    struct walk_range *before, *after; /* the queue of fresh ones, or the list of active ones: never both */
    struct walk_bytes prefix;          /* the plan's */
    struct walk_bytes origin;          /* owned; where it began */
    struct walk_bytes cursor;          /* owned; the last key handed out, or where the range was cut off */
    struct walk_bytes end;             /* owned; empty: the prefix's end */
    struct walk_bytes anchor;          /* owned; a key of the last page, some way before its end */
    size_t anchor_keys;                /* how many keys of that page lie after the anchor */
    enum walk_state state;
    bool in_flight;
    bool started; /* its first page is known */
    bool probed;  /* its end comes from growing prefixes, so the number system's idea of it is trusted more */
    bool cold;    /* may be cut by numbers: no fences were known, or they are outdated here */
    unsigned attempt;
    double rest;    /* estimated keys left, by the density of its last page; 0 before the first page is known */
    double average; /* the same by the density of all that it has handed out */
    size_t cuts;    /* wanted, while cuts are being shared out */
    size_t fence, fence_end; /* the fences inside (cursor, end): plan->fences[fence, fence_end) */
    uint64_t since_fence;    /* keys handed out since the last fence */
    uint64_t handed;         /* keys handed out since it was made */
    uint64_t proven;         /* keys handed out since it was made or last cut */
    struct walk_marks marks;
    uint64_t unmarked; /* keys handed out since the last mark */
};

struct walk_list {
    struct walk_range *first, *last;
};

struct walk_plan {
    struct walk_alphabet alphabet;
    struct walk_range *ranges; /* first in key order */
    struct walk_list fresh;    /* no page known, not in flight, in the order of their making */
    struct walk_list active;   /* live, first page known */
    struct walk_bytes *prefixes;
    size_t prefix_count;
    struct walk_bytes *fences;
    size_t fence_count;
    double fence_keys; /* expected between two fences */
    size_t listers;
    size_t page_keys;
    size_t fence_limit;
    uint64_t mark_keys; /* marks are at least this far apart, but for those at ends of ranges */
    size_t mark_count;
    uint64_t wasted; /* ranges that ended with less than a page */
    struct walk_stats stats;
};

int walk_bytes_compare(struct walk_bytes a, struct walk_bytes b) __attribute__((warn_unused_result));
size_t walk_bytes_common(struct walk_bytes a, struct walk_bytes b) __attribute__((warn_unused_result));
bool walk_bytes_begin(struct walk_bytes key, struct walk_bytes prefix) __attribute__((warn_unused_result));
/* Makes `to` a copy of `from`, freeing what it was; false, and `to` as it was, without memory. */
bool walk_bytes_copy(struct walk_bytes *to, struct walk_bytes from) __attribute__((warn_unused_result));
void walk_bytes_free(struct walk_bytes *bytes);

void walk_list_append(struct walk_list *list, struct walk_range *range);
void walk_list_remove(struct walk_list *list, struct walk_range *range);

/* Whether a key lies at or before the range's end. */
bool walk_range_holds(const struct walk_range *range, struct walk_bytes key) __attribute__((warn_unused_result));

/* A new live range after `left` in the list (NULL: as the first), and in the queue of fresh ones; NULL without memory.
 */
struct walk_range *walk_range_new(struct walk_plan *plan, struct walk_range *left, struct walk_bytes prefix,
        struct walk_bytes cursor, struct walk_bytes end) __attribute__((warn_unused_result));
void walk_range_free(struct walk_range *range);

/* Cuts the range at `key`: it ends there, and a fresh one takes over. NULL where key is not inside, or without memory:
 * then nothing has changed. */
struct walk_range *walk_range_split(struct walk_plan *plan, struct walk_range *range, struct walk_bytes key)
        __attribute__((warn_unused_result));

/* Closes a live range that is not in flight as ended or broken. May free it, or a neighbour. */
void walk_range_close(struct walk_plan *plan, struct walk_range *range, enum walk_state state);

/* walk_plan_cut.c: the range's estimate, after an answer or a cut; and cutting where listers are idle. */
void walk_range_estimate(const struct walk_plan *plan, struct walk_range *range);
void walk_plan_share(struct walk_plan *plan);

/* walk_plan_fence.c: fences in, marks and fences out. */
bool walk_plan_take_fences(struct walk_plan *plan, const struct walk_options *options)
        __attribute__((warn_unused_result));
/* The first fence after key. */
size_t walk_plan_fence_after(const struct walk_plan *plan, struct walk_bytes key) __attribute__((warn_unused_result));
/* Notes `keys` more keys up to `last`, which is the range's end if `ended`. */
void walk_range_mark(
        struct walk_plan *plan, struct walk_range *range, uint64_t keys, struct walk_bytes last, bool ended);
void walk_marks_free(struct walk_marks *marks);

#endif
