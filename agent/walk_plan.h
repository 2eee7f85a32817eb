/* How a bucket's keys are listed by many listers at once: which page comes next, where a range is cut for an idle
 * lister, which keys of an answer count. A pure state machine: no network, no thread, no clock, no randomness; the same
 * calls in the same order give the same answers. The caller guards it with one lock and holds it for each call only,
 * never across a request: a call costs microseconds.
 *
 * What it guarantees, whatever the order of answers, failures and changes in the bucket:
 *  - every answer that is taken hands out one interval (after, last] of the key space; the intervals of a walk are
 * disjoint, and when WALK_DONE is said they cover the asked space exactly. So no key is delivered twice, and a key that
 * neither came nor went during the walk is delivered once; what the manifest has in an interval and the page has not is
 * missing;
 *  - an error is never an end: a failed or refused page leaves its range open, and a walk with a broken range ends in
 *    WALK_STUCK, never in WALK_DONE;
 *  - a range has at most one request in flight, and is not cut before its first page is known.
 * Memory is a few kilobytes a live range and one key a fence.
 *
 * How a worker uses it:
 *     next:    lock, walk_plan_next, unlock. WALK_WAIT: wait until another worker's answer or failure, or do other
 * work. list:    LIST with request.prefix and start-after request.after (no start-after where its length is 0),
 * page_keys keys. answer:  lock, walk_plan_answer, unlock; wake the waiting ones (the answer makes work, or ends the
 * walk). diff:    outside the lock, interval.keys keys from the page's beginning, against the manifest's keys of the
 * interval. Each request must be closed by exactly one walk_plan_answer or walk_plan_failed. It does not say which
 * errors are worth a retry, follows no continuation token, and does not notice a listing that ends too early: the guard
 * does. */
#ifndef AGENT_WALK_PLAN_H
#define AGENT_WALK_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest key that S3 stores. */
#define WALK_KEY_MAX 1024

struct walk_plan;
struct walk_range;

/* Bytes of somebody else. */
struct walk_bytes {
    const unsigned char *ptr;
    size_t len;
};

/* A key by value, so that it outlives the lock. */
struct walk_key {
    size_t len;
    unsigned char bytes[WALK_KEY_MAX];
};

struct walk_options {
    /* The key prefixes to cover, in any order; none may be the beginning of another. None at all: the whole bucket. */
    const struct walk_bytes *prefixes;
    size_t prefix_count;
    /* Only with no or one prefix: keys > after, and keys <= last; a length of 0 is no bound. */
    struct walk_bytes after;
    struct walk_bytes last;
    /* What walk_plan_fences gave after the last walk, ascending, and how many keys that walk saw (0: not known). */
    const struct walk_bytes *fences;
    size_t fence_count;
    uint64_t objects;
    /* How many requests may be in flight; ranges are made for that many. 1 to 4,096. */
    size_t listers;
    /* Keys a full page; 0 means 1,000. */
    size_t page_keys;
    /* How many fences walk_plan_fences may give; 0 means 4,096. Above it they are thinned. */
    size_t fence_limit;
};

enum walk_next {
    WALK_PAGE,  /* request is filled in: list it */
    WALK_WAIT,  /* requests are in flight, and there is nothing for one more lister until one of them is closed */
    WALK_DONE,  /* every range has ended: the walk is complete */
    WALK_STUCK, /* nothing is left to list, and a range is broken: the walk is over and not complete */
};

/* One page to list. */
struct walk_request {
    struct walk_range *range; /* the plan's own */
    struct walk_bytes prefix; /* borrowed from the plan, valid until walk_plan_free; may be empty */
    struct walk_key after;    /* length 0: from the prefix's beginning */
    unsigned attempt;         /* how often this page was tried before */
};

/* What came back. keys(ctx, i) gives the i-th key, 0 <= i < count, in the order of the answer, decoded. */
struct walk_page {
    struct walk_bytes (*key)(const void *ctx, size_t i);
    const void *ctx;
    size_t count;
    bool truncated;
};

enum walk_verdict {
    WALK_TAKEN,      /* interval is filled in */
    WALK_DISORDER,   /* keys are not strictly ascending */
    WALK_OUTSIDE,    /* a key is not after request.after, or lacks the prefix */
    WALK_BAD_KEY,    /* a key is empty or longer than 1,024 bytes */
    WALK_EMPTY_PAGE, /* more is promised, and no key came */
    WALK_OUT_OF_MEMORY,
};

/* The keys k with the prefix, k > after (if after.len > 0), and k <= last (if bounded; else to the prefix's end). */
struct walk_interval {
    struct walk_bytes prefix; /* the request's */
    struct walk_bytes after;  /* borrowed from the request */
    struct walk_key last;
    bool bounded;
    bool ended;  /* this was the range's last page */
    size_t keys; /* so many keys from the page's beginning are in the interval; the rest belongs to other ranges */
};

enum walk_failure {
    WALK_RETRY, /* the page may be handed out again, to anyone */
    WALK_BREAK, /* the range is given up; the walk goes on elsewhere and ends in WALK_STUCK */
};

struct walk_stats {
    uint64_t pages;   /* answers taken */
    uint64_t keys;    /* keys in their intervals */
    uint64_t surplus; /* keys that were listed beyond their range's end, for nothing */
    uint64_t failed;  /* requests failed or refused */
    size_t ranges;    /* made so far */
    size_t live;      /* neither ended nor broken */
    size_t broken;
    size_t in_flight;
};

/* Returns a plan (free with walk_plan_free), or NULL: no memory, or options that contradict the rules above. Borrows
 * the options during the call only. Fences outside the space or out of order are ignored: they are advice. */
struct walk_plan *walk_plan_new(const struct walk_options *options) __attribute__((warn_unused_result));
void walk_plan_free(struct walk_plan *plan);

enum walk_next walk_plan_next(struct walk_plan *plan, struct walk_request *request) __attribute__((warn_unused_result));

/* Closes the request. Anything but WALK_TAKEN breaks the range: such a page must not be diffed. */
enum walk_verdict walk_plan_answer(struct walk_plan *plan, const struct walk_request *request,
        const struct walk_page *page, struct walk_interval *interval) __attribute__((warn_unused_result));

/* Closes the request without an answer. */
void walk_plan_failed(struct walk_plan *plan, const struct walk_request *request, enum walk_failure how);

void walk_plan_stats(const struct walk_plan *plan, struct walk_stats *stats);

/* Fences for the next walk: keys of this walk, ascending, about every 8 pages. Meaningful after WALK_DONE. Stops and
 * returns false when emit does. */
bool walk_plan_fences(const struct walk_plan *plan, bool (*emit)(void *ctx, struct walk_bytes key), void *ctx)
        __attribute__((warn_unused_result));

/* What a refusal means, in words: a literal. */
const char *walk_verdict_text(enum walk_verdict verdict) __attribute__((warn_unused_result));

#endif
