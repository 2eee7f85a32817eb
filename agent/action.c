/* See action.h. */
#include "agent/action.h"

#include <stdlib.h>
#include <string.h>

size_t action_release(struct action *action)
{
    struct action_page *page = action->page;
    size_t bytes = 0;

    free(action->text);
    free(action->failure);
    if (atomic_fetch_sub_explicit(&page->left, 1, memory_order_acq_rel) == 1) {
        bytes = page->queued ? page->bytes : 0;
        free(page);
    }
    return bytes;
}

bool action_maker_begin(struct action_maker *maker, size_t count, size_t text_bytes)
{
    size_t size = sizeof *maker->page + _Alignof(struct action) + count * sizeof(struct action) + text_bytes;
    size_t head =
            (sizeof *maker->page + _Alignof(struct action) - 1) / _Alignof(struct action) * _Alignof(struct action);

    maker->page = malloc(size);
    if (maker->page == NULL)
        return false;
    atomic_init(&maker->page->left, 0);
    maker->page->bytes = size;
    maker->page->queued = false;
    maker->at = (char *)maker->page + head;
    maker->end = (char *)maker->page + size; /* texts are laid from the end downwards */
    maker->first = NULL;
    maker->last = &maker->first;
    maker->count = 0;
    return true;
}

struct state_text action_lay(struct action_maker *maker, struct state_text text)
{
    maker->end -= text.len;
    if (text.len > 0)
        memcpy(maker->end, text.ptr, text.len);
    return (struct state_text){ maker->end, text.len };
}

struct action *action_maker_add(
        struct action_maker *maker, enum action_kind kind, struct state_text key, struct state_text etag)
{
    struct action *action = (struct action *)(void *)maker->at;

    maker->at += sizeof *action;
    memset(action, 0, sizeof *action);
    action->page = maker->page;
    action->kind = kind;
    action->key = action_lay(maker, key);
    action->etag = action_lay(maker, etag);
    (void)atomic_fetch_add_explicit(&maker->page->left, 1, memory_order_relaxed);
    *maker->last = action;
    maker->last = &action->next;
    maker->count++;
    return action;
}

void action_maker_abandon(struct action_maker *maker)
{
    free(maker->page);
    maker->page = NULL;
}
