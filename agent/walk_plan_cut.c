/* Where ranges are cut for idle listers: by fences where there are some, else by numbers, and by growing prefixes where
 * the numbers say nothing yet. Cuts only decide how fast a walk is, never what it hands out. */
#include <string.h>

#include "agent/walk_plan_range.h"
#include "agent/walk_utf8.h"

/* A piece should be worth its request: each cut costs about one page more, half a page on both sides. */
#define PIECE_PAGES 3
/* More keys than that are not believed from a page's density: the page is then taken to lie in a dense corner. */
#define PLAUSIBLE 3e7
/* In a range that growing prefixes have bounded: the density of the last page against that of the whole range. */
#define DECEIVING 1e5
/* Probes that may bring little before estimates are distrusted: so many a lister, and this share of all pages. */
#define WASTE_LISTERS 1.5
#define WASTE_PAGES (1.0 / 12)
/* A number's step is this much finer than the piece it begins. */
#define STEPS_A_PIECE 256

/* How many prefixes are tried at once where growing prefixes have bounded the range before. */
#define LEVELS_A_CUT 2

static const unsigned char highest[4] = { 0xF4, 0x8F, 0xBF, 0xBF }; /* U+10FFFF */

/* The length that all keys left in the range share, down to a code point's begin. */
static size_t shared_base(const struct walk_range *range)
{
    size_t base = range->end.len > 0 ? walk_bytes_common(range->cursor, range->end) : range->prefix.len;
    return walk_utf8_floor(range->cursor.ptr, range->cursor.len, base);
}

/* The length that the end of the last page shares: below it, keys are dense. */
static size_t dense_base(const struct walk_range *range)
{
    return walk_utf8_floor(range->cursor.ptr, range->cursor.len, walk_bytes_common(range->anchor, range->cursor));
}

static double end_number(const struct walk_plan *plan, const struct walk_range *range, size_t base)
{
    return range->end.len > 0 ? walk_number_of(&plan->alphabet, range->end, base) : 1;
}

static double estimate_by_numbers(const struct walk_plan *plan, const struct walk_range *range)
{
    const struct walk_alphabet *alphabet = &plan->alphabet;
    size_t base = shared_base(range);
    size_t dense = dense_base(range);
    double left = end_number(plan, range, base) - walk_number_of(alphabet, range->cursor, base);
    double span = walk_number_of(alphabet, range->cursor, dense) - walk_number_of(alphabet, range->anchor, dense);
    if (left <= 0)
        return 0;
    if (base < dense)
        span *= walk_number_share(alphabet, range->cursor, base, dense);
    else
        left *= walk_number_share(alphabet, range->cursor, dense, base);
    double most = 1e18;
    double keys = (double)range->anchor_keys * left;
    return span * most <= keys ? most : keys / span;
}

/* By the whole stretch from the range's begin, gaps and all. */
static double estimate_by_average(const struct walk_plan *plan, const struct walk_range *range)
{
    struct walk_bytes origin = range->origin;
    size_t base = range->end.len > 0 ? walk_bytes_common(origin, range->end) : range->prefix.len;
    base = walk_utf8_floor(range->cursor.ptr, range->cursor.len, base);
    double at = walk_number_of(&plan->alphabet, range->cursor, base);
    double from = origin.len > base ? walk_number_of(&plan->alphabet, origin, base) : 0;
    double left = end_number(plan, range, base) - at;
    double keys = (double)range->handed * left;
    double most = 1e18;
    if (left <= 0)
        return 0;
    return (at - from) * most <= keys ? most : keys / (at - from);
}

/* What fences promise: full intervals, and what is left of this one. */
static double estimate_by_fences(const struct walk_plan *plan, const struct walk_range *range)
{
    double rest = plan->fence_keys - (double)range->since_fence;
    return (rest > 0 ? rest : 0) + plan->fence_keys * (double)(range->fence_end - range->fence);
}

/* Keys that lie in clusters deceive every measure of density. Once probes have brought little too often, the last page
 * is distrusted in favour of the range's average; and when that has not helped either, a range is only believed to have
 * as much before it as it has handed out since its last cut, so that each further probe is paid for. */
static bool has_wasted(const struct walk_plan *plan, double times)
{
    double fair = WASTE_LISTERS * (double)plan->listers + WASTE_PAGES * (double)plan->stats.pages;
    return (double)plan->wasted > times * fair;
}

void walk_range_estimate(const struct walk_plan *plan, struct walk_range *range)
{
    if (!range->started)
        range->rest = 0;
    else if (range->cold && range->fence == range->fence_end) {
        range->rest = estimate_by_numbers(plan, range);
        range->average = estimate_by_average(plan, range);
    } else
        range->rest = estimate_by_fences(plan, range);
}

/* Probes behind the prefixes of the cursor, from the longest: the empty ones bound the space, and the first that is not
 * empty begins at the branching position. At most `want`, evenly spread: the next round looks between two of them. */
static size_t cut_by_prefixes(struct walk_plan *plan, struct walk_range *range, size_t want)
{
    unsigned char text[WALK_KEY_MAX];
    size_t len = range->cursor.len;
    memcpy(text, range->cursor.ptr, len);
    size_t base = shared_base(range);
    size_t levels = 0;
    size_t top = dense_base(range);
    if (top > WALK_KEY_MAX - sizeof highest)
        top = walk_utf8_floor(text, len, WALK_KEY_MAX - sizeof highest);
    for (size_t i = base + 1; i <= top; i++)
        levels += walk_utf8_floor(text, len, i) == i;
    if (want > levels)
        want = levels;
    size_t made = 0;
    size_t level = 0; /* counted from the longest */
    for (size_t i = top; i > base && made < want; i--) {
        if (walk_utf8_floor(text, len, i) != i)
            continue;
        size_t due = want == levels ? made : (made + 1) * levels / (want + 1);
        if (level++ < due)
            continue;
        unsigned char probe[WALK_KEY_MAX];
        memcpy(probe, text, i);
        memcpy(probe + i, highest, sizeof highest);
        struct walk_range *right = walk_range_split(plan, range, (struct walk_bytes){ probe, i + sizeof highest });
        if (right == NULL)
            break;
        range->probed = right->probed = true;
        range = right;
        made++;
    }
    return made;
}

static size_t cut_by_numbers(struct walk_plan *plan, struct walk_range *range, size_t want)
{
    unsigned char text[WALK_KEY_MAX];
    struct walk_bytes head = { text, range->cursor.len };
    memcpy(text, range->cursor.ptr, range->cursor.len);
    size_t base = shared_base(range);
    double from = walk_number_of(&plan->alphabet, head, base);
    double piece = (end_number(plan, range, base) - from) / (double)(want + 1);
    size_t made = 0;
    for (size_t i = 1; i <= want; i++) {
        struct walk_key key;
        double number = from + piece * (double)i;
        if (!walk_number_key(&plan->alphabet, head, base, number, piece / STEPS_A_PIECE, &key))
            continue;
        struct walk_range *right = walk_range_split(plan, range, (struct walk_bytes){ key.bytes, key.len });
        if (right == NULL)
            continue;
        range = right;
        made++;
    }
    return made;
}

static size_t cut_by_fences(struct walk_plan *plan, struct walk_range *range, size_t want)
{
    size_t first = range->fence;
    size_t count = range->fence_end - first;
    if (want > count)
        want = count;
    size_t made = 0;
    for (size_t i = 1; i <= want; i++) {
        size_t at = first + i * (count + 1) / (want + 1) - 1;
        struct walk_range *right = walk_range_split(plan, range, plan->fences[at]);
        if (right == NULL)
            continue;
        right->cold = false;
        range = right;
        made++;
    }
    return made;
}

/* A page from a dense corner, in a range that growing prefixes have bounded before: the corner may be all there is, or
 * one of many clusters. Prefixes are right in the first case and equal intervals behind them in the second, so both are
 * tried. */
static size_t cut_both_ways(struct walk_plan *plan, struct walk_range *range, size_t want)
{
    struct walk_range *next = range->next;
    double pieces = range->average / (PIECE_PAGES * (double)plan->page_keys);
    size_t made = cut_by_prefixes(plan, range, want < LEVELS_A_CUT ? want : LEVELS_A_CUT);
    while (range->next != next)
        range = range->next;
    want -= made;
    if (pieces < (double)want)
        want = (size_t)pieces;
    return made + (want > 0 ? cut_by_numbers(plan, range, want) : 0);
}

static size_t cut(struct walk_plan *plan, struct walk_range *range, size_t want)
{
    if (range->fence < range->fence_end)
        return cut_by_fences(plan, range, want);
    if (!range->cold)
        return 0;
    if (range->probed && range->rest > DECEIVING * range->average)
        return cut_both_ways(plan, range, want);
    if (!range->probed && (range->end.len == 0 || range->rest > PLAUSIBLE)) {
        size_t made = cut_by_prefixes(plan, range, want);
        if (made > 0)
            return made;
    }
    return cut_by_numbers(plan, range, want);
}

/* What another lister could take of it: the page in flight is the victim's. */
static double spare(const struct walk_plan *plan, const struct walk_range *range)
{
    double rest = range->rest < PLAUSIBLE ? range->rest : PLAUSIBLE;
    if (range->cold && range->fence == range->fence_end && has_wasted(plan, 1)) {
        double believed = (double)range->proven;
        if (believed < range->average && !has_wasted(plan, 1.5))
            believed = range->average;
        rest = rest < believed ? rest : believed;
    }
    return range->in_flight ? rest - (double)plan->page_keys : rest;
}

/* Shares `idle` cuts out, each to the range whose pieces would be the largest. False if none is worth one. */
static bool allot(struct walk_plan *plan, size_t idle)
{
    double least = PIECE_PAGES * (double)plan->page_keys;

    bool any = false;
    for (; idle > 0; idle--) {
        struct walk_range *best = NULL;
        double best_piece = 0;
        for (struct walk_range *range = plan->active.first; range != NULL; range = range->after) {
            double keys = spare(plan, range);
            double piece = keys / (double)(range->cuts + 1);
            if (keys / (double)(range->cuts + 2) >= least && piece > best_piece) {
                best = range;
                best_piece = piece;
            }
        }
        if (best == NULL)
            break;
        best->cuts++;
        any = true;
    }
    return any;
}

void walk_plan_share(struct walk_plan *plan)
{
    size_t idle = plan->listers - plan->stats.in_flight;
    for (int round = 0; round < 4 && idle > 0 && allot(plan, idle); round++) {
        for (struct walk_range *range = plan->active.first; range != NULL; range = range->after) {
            if (range->cuts == 0)
                continue;
            size_t made = cut(plan, range, range->cuts);
            range->proven = 0;
            if (made == 0)
                range->rest = 0; /* nothing to cut at: not asked again before its next page */
            else
                walk_range_estimate(plan, range);
            range->cuts = 0;
            idle -= made < idle ? made : idle;
        }
    }
}
