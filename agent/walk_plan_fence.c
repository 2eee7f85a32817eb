#include <stdlib.h>
#include <string.h>

#include "agent/walk_plan_range.h"

/* Fences are advice from a file: whatever is not ascending, or no key, is left out. */
bool walk_plan_take_fences(struct walk_plan *plan, const struct walk_options *options)
{
    if (options->fence_count == 0)
        return true;
    plan->fences = calloc(options->fence_count, sizeof *plan->fences);
    if (plan->fences == NULL)
        return false;
    for (size_t i = 0; i < options->fence_count; i++) {
        struct walk_bytes fence = options->fences[i];
        if (fence.len == 0 || fence.len > WALK_KEY_MAX)
            continue;
        if (plan->fence_count > 0 && walk_bytes_compare(plan->fences[plan->fence_count - 1], fence) >= 0)
            continue;
        if (!walk_bytes_copy(&plan->fences[plan->fence_count], fence))
            return false;
        plan->fence_count++;
    }
    return true;
}

size_t walk_plan_fence_after(const struct walk_plan *plan, struct walk_bytes key)
{
    size_t low = 0;
    size_t high = plan->fence_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (walk_bytes_compare(plan->fences[middle], key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void walk_marks_free(struct walk_marks *marks)
{
    for (struct walk_mark *mark = marks->first; mark != NULL;) {
        struct walk_mark *next = mark->next;
        free(mark);
        mark = next;
    }
    *marks = (struct walk_marks){ 0 };
}

/* Joins each mark with its successor in the same range while together they do not reach past mark_keys. */
static void thin_range(struct walk_plan *plan, struct walk_range *range)
{
    struct walk_mark **place = &range->marks.first;
    while (*place != NULL && (*place)->next != NULL) {
        struct walk_mark *mark = *place;
        if (mark->keys + mark->next->keys <= plan->mark_keys) {
            mark->next->keys += mark->keys;
            *place = mark->next;
            free(mark);
            plan->mark_count--;
        } else {
            place = &mark->next;
        }
    }
}

/* Twice the limit is allowed while walking, so that thinning is rare; the distance doubles only when joining small
 * neighbours was not enough. Marks that ranges between live ones keep are left: there are no more of them than ranges.
 */
static void thin(struct walk_plan *plan)
{
    for (int round = 0; round < 2 && plan->mark_count > 2 * plan->fence_limit; round++) {
        for (struct walk_range *range = plan->ranges; range != NULL; range = range->next)
            thin_range(plan, range);
        if (plan->mark_count > plan->fence_limit)
            plan->mark_keys *= 2;
    }
}

void walk_range_mark(
        struct walk_plan *plan, struct walk_range *range, uint64_t keys, struct walk_bytes last, bool ended)
{
    range->unmarked += keys;
    if (range->unmarked == 0 || (range->unmarked < plan->mark_keys && !ended))
        return;
    struct walk_mark *mark = malloc(sizeof *mark + last.len);
    if (mark == NULL) { /* fences are advice: this one is done without */
        if (ended)
            range->unmarked = 0;
        return;
    }
    *mark = (struct walk_mark){ .keys = range->unmarked, .len = last.len };
    memcpy(mark->bytes, last.ptr, last.len);
    if (range->marks.last != NULL)
        range->marks.last->next = mark;
    else
        range->marks.first = mark;
    range->marks.last = mark;
    range->unmarked = 0;
    plan->mark_count++;
    if (plan->mark_count > 2 * plan->fence_limit)
        thin(plan);
}

bool walk_plan_fences(const struct walk_plan *plan, bool (*emit)(void *ctx, struct walk_bytes key), void *ctx)
{
    uint64_t apart = WALK_FENCE_PAGES * plan->page_keys;
    if (apart < plan->stats.keys / plan->fence_limit + 1)
        apart = plan->stats.keys / plan->fence_limit + 1;
    uint64_t keys = 0;
    for (const struct walk_range *range = plan->ranges; range != NULL; range = range->next) {
        for (const struct walk_mark *mark = range->marks.first; mark != NULL; mark = mark->next) {
            keys += mark->keys;
            if (keys < apart)
                continue;
            if (!emit(ctx, (struct walk_bytes){ mark->bytes, mark->len }))
                return false;
            keys = 0;
        }
    }
    return true;
}
