#include "agent/walk_plan_range.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/walk_utf8.h"
#include "state/utf8.h"

int walk_bytes_compare(struct walk_bytes a, struct walk_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

size_t walk_bytes_common(struct walk_bytes a, struct walk_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    size_t i = 0;
    while (i < len && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

bool walk_bytes_begin(struct walk_bytes key, struct walk_bytes prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.ptr, prefix.ptr, prefix.len) == 0);
}

bool walk_bytes_copy(struct walk_bytes *to, struct walk_bytes from)
{
    unsigned char *bytes = NULL;
    if (from.len > 0) {
        bytes = malloc(from.len);
        if (bytes == NULL)
            return false;
        memcpy(bytes, from.ptr, from.len);
    }
    walk_bytes_free(to);
    *to = (struct walk_bytes){ bytes, from.len };
    return true;
}

void walk_bytes_free(struct walk_bytes *bytes)
{
    free((void *)(uintptr_t)bytes->ptr);
    *bytes = (struct walk_bytes){ 0 };
}

void walk_list_append(struct walk_list *list, struct walk_range *range)
{
    range->before = list->last;
    range->after = NULL;
    if (list->last != NULL)
        list->last->after = range;
    else
        list->first = range;
    list->last = range;
}

void walk_list_remove(struct walk_list *list, struct walk_range *range)
{
    if (range->before != NULL)
        range->before->after = range->after;
    else
        list->first = range->after;
    if (range->after != NULL)
        range->after->before = range->before;
    else
        list->last = range->before;
    range->before = range->after = NULL;
}

bool walk_range_holds(const struct walk_range *range, struct walk_bytes key)
{
    return range->end.len == 0 || walk_bytes_compare(key, range->end) <= 0;
}

struct walk_range *walk_range_new(struct walk_plan *plan, struct walk_range *left, struct walk_bytes prefix,
        struct walk_bytes cursor, struct walk_bytes end)
{
    struct walk_range *range = calloc(1, sizeof *range);
    if (range == NULL)
        return NULL;
    range->prefix = prefix;
    if (!walk_bytes_copy(&range->origin, cursor) || !walk_bytes_copy(&range->cursor, cursor) ||
            !walk_bytes_copy(&range->end, end)) {
        walk_range_free(range);
        return NULL;
    }
    range->prev = left;
    range->next = left != NULL ? left->next : plan->ranges;
    if (range->next != NULL)
        range->next->prev = range;
    if (left != NULL)
        left->next = range;
    else
        plan->ranges = range;
    walk_list_append(&plan->fresh, range);
    plan->stats.ranges++;
    plan->stats.live++;
    return range;
}

void walk_range_free(struct walk_range *range)
{
    walk_bytes_free(&range->origin);
    walk_bytes_free(&range->cursor);
    walk_bytes_free(&range->end);
    walk_bytes_free(&range->anchor);
    walk_marks_free(&range->marks);
    free(range);
}

struct walk_range *walk_range_split(struct walk_plan *plan, struct walk_range *range, struct walk_bytes key)
{
    bool inside = walk_bytes_compare(key, range->cursor) > 0 && walk_bytes_begin(key, range->prefix) &&
                  (range->end.len == 0 || walk_bytes_compare(key, range->end) < 0);
    if (!inside || key.len > WALK_KEY_MAX || !state_utf8_is_valid((const char *)key.ptr, key.len))
        return NULL;
    struct walk_bytes end = { 0 };
    if (!walk_bytes_copy(&end, key))
        return NULL;
    struct walk_range *right = walk_range_new(plan, range, range->prefix, key, range->end);
    if (right == NULL) {
        walk_bytes_free(&end);
        return NULL;
    }
    walk_bytes_free(&range->end);
    range->end = end;
    right->probed = range->probed;
    right->fence = walk_plan_fence_after(plan, key);
    right->fence_end = range->fence_end;
    while (range->fence_end > range->fence && walk_bytes_compare(plan->fences[range->fence_end - 1], range->end) >= 0)
        range->fence_end--;
    right->cold = range->cold;
    return right;
}

/* The right one's marks follow the left one's, and what the left one had not marked counts towards the right one's
 * first. */
static void merge(struct walk_plan *plan, struct walk_range *left, struct walk_range *right)
{
    assert(left->unmarked == 0);
    if (left->marks.last != NULL) {
        left->marks.last->next = right->marks.first;
        if (right->marks.last == NULL)
            right->marks.last = left->marks.last;
        right->marks.first = left->marks.first;
        left->marks = (struct walk_marks){ 0 };
    }
    right->prev = left->prev;
    if (left->prev != NULL)
        left->prev->next = right;
    else
        plan->ranges = right;
    walk_range_free(left);
}

void walk_range_close(struct walk_plan *plan, struct walk_range *range, enum walk_state state)
{
    assert(range->state == RANGE_LIVE && !range->in_flight);
    range->state = state;
    if (range->started)
        walk_list_remove(&plan->active, range);
    plan->stats.live--;
    if (state == RANGE_BROKEN) {
        plan->stats.broken++;
        return;
    }
    if (range->prev != NULL && range->prev->state == RANGE_ENDED)
        merge(plan, range->prev, range);
    if (range->next != NULL && range->next->state == RANGE_ENDED)
        merge(plan, range, range->next);
}
