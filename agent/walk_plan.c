#include "agent/walk_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/walk_plan_range.h"
#include "agent/walk_utf8.h"

#define LISTERS_MAX 4096
#define FENCE_LIMIT 4096
/* How many keys of a page teach the alphabet, and how many positions behind what the page shares. */
#define LESSONS 64
#define LESSON_BYTES 32
/* Fences are believed until a stretch between two of them has this many times what they promise. */
#define FENCE_TRUST 2.5

static int compare_prefixes(const void *a, const void *b)
{
    return walk_bytes_compare(*(const struct walk_bytes *)a, *(const struct walk_bytes *)b);
}

/* The sorted prefixes; false if one covers another, or without memory. */
static bool take_prefixes(struct walk_plan *plan, const struct walk_options *options)
{
    size_t count = options->prefix_count > 0 ? options->prefix_count : 1;
    plan->prefixes = calloc(count, sizeof *plan->prefixes);
    if (plan->prefixes == NULL)
        return false;
    plan->prefix_count = count;
    for (size_t i = 0; i < options->prefix_count; i++) {
        if (options->prefixes[i].len > WALK_KEY_MAX || !walk_bytes_copy(&plan->prefixes[i], options->prefixes[i]))
            return false;
    }
    qsort(plan->prefixes, count, sizeof *plan->prefixes, compare_prefixes);
    for (size_t i = 1; i < count; i++) {
        if (walk_bytes_begin(plan->prefixes[i], plan->prefixes[i - 1]))
            return false;
    }
    return true;
}

/* Cuts a prefix's range at fences into groups of as many fences each. */
static void group_fences(struct walk_plan *plan, struct walk_range *range, size_t groups)
{
    size_t first = range->fence;
    size_t intervals = range->fence_end - first + 1;
    if (groups > intervals)
        groups = intervals;
    for (size_t i = 1; i < groups; i++) {
        struct walk_range *right = walk_range_split(plan, range, plan->fences[first + i * intervals / groups - 1]);
        if (right != NULL) /* else a fence that may not be asked for, or no memory: one range less */
            range = right;
    }
}

/* A bound outside the prefix is none: is_sound has seen to it that it lies on the harmless side. */
static struct walk_bytes bound_in(struct walk_bytes bound, struct walk_bytes prefix)
{
    return walk_bytes_begin(bound, prefix) ? bound : (struct walk_bytes){ 0 };
}

static bool make_ranges(struct walk_plan *plan, const struct walk_options *options)
{
    /* A bucket that had hardly a fence's worth of keys is not worth the probes that look for more. */
    bool known = plan->fence_count > 0 ||
                 (options->objects > 0 && options->objects <= 2 * WALK_FENCE_PAGES * plan->page_keys);
    struct walk_range *last = NULL;
    for (size_t i = 0; i < plan->prefix_count; i++) {
        struct walk_bytes prefix = plan->prefixes[i];
        struct walk_range *range =
                walk_range_new(plan, last, prefix, bound_in(options->after, prefix), bound_in(options->last, prefix));
        if (range == NULL)
            return false;
        range->fence = walk_plan_fence_after(plan, range->cursor.len > 0 ? range->cursor : prefix);
        range->fence_end = range->fence;
        while (range->fence_end < plan->fence_count && walk_bytes_begin(plan->fences[range->fence_end], prefix) &&
                (range->end.len == 0 || walk_bytes_compare(plan->fences[range->fence_end], range->end) < 0))
            range->fence_end++;
        range->cold = !known;
        last = range;
    }
    size_t intervals = 0;
    for (struct walk_range *range = plan->ranges; range != NULL; range = range->next)
        intervals += range->fence_end - range->fence + 1;
    for (struct walk_range *range = plan->ranges; range != NULL;) {
        struct walk_range *next = range->next;
        group_fences(plan, range, plan->listers * (range->fence_end - range->fence + 1) / intervals);
        range = next;
    }
    return true;
}

/* Whether bounds leave anything of the prefix. */
static bool is_between(struct walk_bytes prefix, struct walk_bytes after, struct walk_bytes last)
{
    bool behind = walk_bytes_compare(after, prefix) >= 0 && !walk_bytes_begin(after, prefix);
    return !behind && (last.len == 0 || (walk_bytes_compare(last, prefix) >= 0 && walk_bytes_compare(after, last) < 0));
}

static bool is_sound(const struct walk_options *options)
{
    bool bounded = options->after.len > 0 || options->last.len > 0;
    struct walk_bytes prefix = options->prefix_count == 1 ? options->prefixes[0] : (struct walk_bytes){ 0 };
    return options->listers >= 1 && options->listers <= LISTERS_MAX && options->after.len <= WALK_KEY_MAX &&
           options->last.len <= WALK_KEY_MAX && !(bounded && options->prefix_count > 1) &&
           is_between(prefix, options->after, options->last);
}

struct walk_plan *walk_plan_new(const struct walk_options *options)
{
    if (!is_sound(options))
        return NULL;
    struct walk_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return NULL;
    plan->listers = options->listers;
    plan->page_keys = options->page_keys > 0 ? options->page_keys : WALK_PAGE_KEYS;
    plan->fence_limit = options->fence_limit > 0 ? options->fence_limit : FENCE_LIMIT;
    plan->mark_keys = WALK_MARK_PAGES * plan->page_keys;
    if (!walk_plan_take_fences(plan, options) || !take_prefixes(plan, options))
        goto failed;
    plan->fence_keys =
            options->objects > 0 ? (double)options->objects / (double)(plan->fence_count + 1) : (double)plan->mark_keys;
    if (!make_ranges(plan, options))
        goto failed;
    return plan;
failed:
    walk_plan_free(plan);
    return NULL;
}

void walk_plan_free(struct walk_plan *plan)
{
    if (plan == NULL)
        return;
    for (struct walk_range *range = plan->ranges; range != NULL;) {
        struct walk_range *next = range->next;
        walk_range_free(range);
        range = next;
    }
    for (size_t i = 0; i < plan->prefix_count; i++)
        walk_bytes_free(&plan->prefixes[i]);
    free(plan->prefixes);
    for (size_t i = 0; i < plan->fence_count; i++)
        walk_bytes_free(&plan->fences[i]);
    free(plan->fences);
    free(plan);
}

/* The largest rest first, so that the walk's end is not one long range. */
static struct walk_range *largest_ready(const struct walk_plan *plan)
{
    struct walk_range *best = NULL;
    for (struct walk_range *range = plan->active.first; range != NULL; range = range->after) {
        if (!range->in_flight && (best == NULL || range->rest > best->rest))
            best = range;
    }
    return best;
}

enum walk_next walk_plan_next(struct walk_plan *plan, struct walk_request *request)
{
    if (plan->stats.live == 0)
        return plan->stats.broken > 0 ? WALK_STUCK : WALK_DONE;
    if (plan->stats.in_flight >= plan->listers)
        return WALK_WAIT;
    struct walk_range *range = largest_ready(plan);
    if (range == NULL && plan->fresh.first == NULL)
        walk_plan_share(plan);
    if (range == NULL) {
        range = plan->fresh.first;
        if (range == NULL)
            return WALK_WAIT;
        walk_list_remove(&plan->fresh, range);
    }
    range->in_flight = true;
    plan->stats.in_flight++;
    request->range = range;
    request->prefix = range->prefix;
    request->after.len = range->cursor.len;
    if (range->cursor.len > 0)
        memcpy(request->after.bytes, range->cursor.ptr, range->cursor.len);
    request->attempt = range->attempt;
    return WALK_PAGE;
}

static enum walk_verdict check_page(const struct walk_request *request, const struct walk_page *page)
{
    if (page->count == 0)
        return page->truncated ? WALK_EMPTY_PAGE : WALK_TAKEN;
    struct walk_bytes before = { request->after.bytes, request->after.len };
    for (size_t i = 0; i < page->count; i++) {
        struct walk_bytes key = page->key(page->ctx, i);
        if (key.len == 0 || key.len > WALK_KEY_MAX)
            return WALK_BAD_KEY;
        if (walk_bytes_compare(key, before) <= 0)
            return i == 0 ? WALK_OUTSIDE : WALK_DISORDER;
        if (!walk_bytes_begin(key, request->prefix))
            return WALK_OUTSIDE;
        before = key;
    }
    return WALK_TAKEN;
}

/* How many of the page's keys lie at or before the range's end, which may have moved while the page was in flight. */
static size_t count_inside(const struct walk_range *range, const struct walk_page *page)
{
    size_t low = 0;
    size_t high = page->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (walk_range_holds(range, page->key(page->ctx, middle)))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void learn(struct walk_plan *plan, const struct walk_page *page)
{
    struct walk_bytes first = page->key(page->ctx, 0);
    struct walk_bytes last = page->key(page->ctx, page->count - 1);
    walk_alphabet_learn(&plan->alphabet, first, 0, WALK_KEY_MAX);
    walk_alphabet_learn(&plan->alphabet, last, 0, WALK_KEY_MAX);
    size_t shared = walk_bytes_common(first, last);
    for (size_t i = 1; i < LESSONS && page->count > LESSONS; i++) {
        struct walk_bytes key = page->key(page->ctx, i * page->count / LESSONS);
        walk_alphabet_learn(&plan->alphabet, key, shared, shared + LESSON_BYTES);
    }
}

/* Moves the cursor behind the page's last key inside; false without memory. The anchor is three quarters into the page:
 * what it says of density is newer than the page's begin, and still made of enough keys. */
static bool advance(struct walk_plan *plan, struct walk_range *range, const struct walk_page *page)
{
    size_t back = (page->count + 3) / 4;
    size_t anchor = page->count - 1 - (back < page->count ? back : 0);
    if (!walk_bytes_copy(&range->anchor, page->key(page->ctx, anchor)) ||
            !walk_bytes_copy(&range->cursor, page->key(page->ctx, page->count - 1)))
        return false;
    range->anchor_keys = page->count - 1 - anchor;
    range->since_fence += page->count;
    range->proven += page->count;
    range->handed += page->count;
    while (range->fence < range->fence_end && walk_bytes_compare(plan->fences[range->fence], range->cursor) <= 0) {
        range->fence++;
        range->since_fence = 0;
    }
    if ((double)range->since_fence > FENCE_TRUST * plan->fence_keys)
        range->cold = true;
    if (!range->started) {
        range->started = true;
        walk_list_append(&plan->active, range);
    }
    walk_range_estimate(plan, range);
    return true;
}

enum walk_verdict walk_plan_answer(struct walk_plan *plan, const struct walk_request *request,
        const struct walk_page *page, struct walk_interval *interval)
{
    struct walk_range *range = request->range;
    enum walk_verdict verdict = check_page(request, page);
    if (verdict != WALK_TAKEN) {
        walk_plan_failed(plan, request, WALK_BREAK);
        return verdict;
    }
    if (page->count > 0)
        learn(plan, page);
    size_t inside = count_inside(range, page);
    struct walk_bytes last = inside > 0 ? page->key(page->ctx, inside - 1) : range->cursor;
    bool ended = !page->truncated || inside < page->count ||
                 (range->end.len > 0 && walk_bytes_compare(last, range->end) == 0);
    struct walk_bytes bound = ended ? range->end : last;
    interval->prefix = request->prefix;
    interval->after = (struct walk_bytes){ request->after.bytes, request->after.len };
    interval->bounded = bound.len > 0;
    interval->last.len = bound.len;
    if (bound.len > 0)
        memcpy(interval->last.bytes, bound.ptr, bound.len);
    interval->ended = ended;
    interval->keys = inside;
    if (!ended && !advance(plan, range, page)) {
        walk_plan_failed(plan, request, WALK_BREAK);
        return WALK_OUT_OF_MEMORY;
    }
    plan->wasted += ended && range->handed + inside < plan->page_keys;
    range->in_flight = false;
    range->attempt = 0;
    plan->stats.in_flight--;
    plan->stats.pages++;
    plan->stats.keys += inside;
    plan->stats.surplus += page->count - inside;
    walk_range_mark(plan, range, inside, last, ended);
    if (ended)
        walk_range_close(plan, range, RANGE_ENDED);
    return WALK_TAKEN;
}

void walk_plan_failed(struct walk_plan *plan, const struct walk_request *request, enum walk_failure how)
{
    struct walk_range *range = request->range;
    assert(range->in_flight);
    range->in_flight = false;
    range->attempt++;
    plan->stats.in_flight--;
    plan->stats.failed++;
    if (how == WALK_BREAK)
        walk_range_close(plan, range, RANGE_BROKEN);
    else if (!range->started)
        walk_list_append(&plan->fresh, range);
}

void walk_plan_stats(const struct walk_plan *plan, struct walk_stats *stats)
{
    *stats = plan->stats;
}

const char *walk_verdict_text(enum walk_verdict verdict)
{
    static const char *const texts[] = {
        [WALK_TAKEN] = "the page is sound",
        [WALK_DISORDER] = "the listing's keys are not in ascending order",
        [WALK_OUTSIDE] = "the listing has a key that was not asked for",
        [WALK_BAD_KEY] = "the listing has a key of an impossible length",
        [WALK_EMPTY_PAGE] = "the listing promises more and gives no keys",
        [WALK_OUT_OF_MEMORY] = "out of memory",
    };
    return texts[verdict];
}
