/* The points from the newest back to where a rebuild begins; see rebuild_inside.h. */
#include "agent/rebuild_inside.h"

#include <stdlib.h>
#include <string.h>

void rebuild_chain_free(struct rebuild_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        publish_logs_free(&chain->steps[i].files);
    free(chain->steps);
    *chain = (struct rebuild_chain){ NULL, 0, 0, false };
}

/* The listed point of this id among the first `count`; NULL. */
static const struct point_listed *find(const struct points_list *list, size_t count, const char *id)
{
    while (count > 0 && strcmp(list->items[count - 1].id, id) > 0)
        count--;
    if (count == 0 || strcmp(list->items[count - 1].id, id) != 0 || !list->items[count - 1].has_point)
        return NULL;
    return &list->items[count - 1];
}

static enum verdict add_step(struct rebuild_chain *chain, const struct point_read *read, struct failure *failure)
{
    struct rebuild_step *step;

    if (chain->count == chain->capacity) {
        size_t capacity = chain->capacity > 0 ? chain->capacity * 2 : 16;
        step = realloc(chain->steps, capacity * sizeof *step);
        if (step == NULL)
            return failure_set(failure, VERDICT_INTERNAL, "out of memory");
        chain->steps = step;
        chain->capacity = capacity;
    }
    step = &chain->steps[chain->count++];
    *step = (struct rebuild_step){ .link = read->link };
    for (size_t i = 0; i < read->point->files_count; i++) {
        step->has_full = step->has_full || read->point->files[i].kind == LAYOUT_FULL;
        if (!publish_logs_add(&step->files, &read->point->files[i]))
            return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    return VERDICT_OK;
}

/* `after` names `link` as its predecessor, NULL for the newest point. */
static enum verdict read_point(struct rebuild *rebuild, const struct point_listed *listed,
        const struct state_point_link *link, const char *after, struct point_read *read, struct failure *failure)
{
    enum verdict verdict = points_read(rebuild->vault, rebuild->conn, rebuild->source->name, listed, read, failure);

    if (verdict == VERDICT_NOT_FOUND)
        return failure_set(failure, VERDICT_BAD_DATA, "source \"%s\": point %s is listed but cannot be read",
                rebuild->source->name, listed->id);
    if (verdict != VERDICT_OK || link == NULL || strcmp(read->link.sha256, link->sha256) == 0)
        return verdict;
    point_read_free(read);
    return failure_set(failure, VERDICT_BAD_DATA,
            "source \"%s\": the chain is broken: point %s is not the one that point %s was written after: one "
            "of the two was changed",
            rebuild->source->name, listed->id, after);
}

static enum verdict gap(struct rebuild *rebuild, const char *id, const char *after, struct failure *failure)
{
    return failure_set(failure, VERDICT_BAD_DATA,
            "source \"%s\": the chain is broken: point %s, which point %s was written after, is not in the vault",
            rebuild->source->name, id, after);
}

/* What a step says of the way on. */
enum onward { GO_ON, ARRIVED, PASSED };

static enum onward look_on(struct rebuild_chain *chain, const struct state_point *point,
        const struct state_point_link *stop, unsigned *skip_fulls)
{
    int order;

    if (stop == NULL) {
        chain->from_full = chain->steps[chain->count - 1].has_full && (*skip_fulls)-- == 0;
        return chain->from_full || !point->has_predecessor ? ARRIVED : GO_ON;
    }
    if (!point->has_predecessor)
        return PASSED;
    order = strcmp(point->predecessor.point, stop->point);
    return order > 0 ? GO_ON : order == 0 ? ARRIVED : PASSED;
}

enum verdict rebuild_chain_walk(struct rebuild *rebuild, const struct points_list *list,
        const struct state_point_link *stop, unsigned skip_fulls, struct rebuild_chain *chain, struct failure *failure)
{
    const struct point_listed *listed = NULL;
    struct state_point_link link;
    enum onward onward = GO_ON;
    enum verdict verdict = VERDICT_OK;

    *chain = (struct rebuild_chain){ NULL, 0, 0, false };
    for (size_t i = list->count; i > 0 && listed == NULL; i--)
        listed = list->items[i - 1].has_point ? &list->items[i - 1] : NULL;
    if (listed == NULL)
        return failure_set(failure, VERDICT_NOT_FOUND, "source \"%s\" has no point", rebuild->source->name);
    while (verdict == VERDICT_OK && onward == GO_ON) {
        const char *after = chain->count > 0 ? chain->steps[chain->count - 1].link.point : "";
        struct point_read read = { .point = NULL };
        if (listed == NULL) {
            verdict = gap(rebuild, link.point, after, failure);
            break;
        }
        verdict = read_point(rebuild, listed, chain->count > 0 ? &link : NULL, after, &read, failure);
        if (verdict == VERDICT_OK)
            verdict = add_step(chain, &read, failure);
        if (verdict == VERDICT_OK) {
            onward = look_on(chain, read.point, stop, &skip_fulls);
            link = read.point->predecessor;
            if (onward == GO_ON)
                listed = find(list, (size_t)(listed - list->items), link.point);
        }
        point_read_free(&read);
    }
    if (verdict == VERDICT_OK && onward == PASSED)
        verdict = failure_set(failure, VERDICT_NOT_FOUND, "point %s is not among the ancestors", stop->point);
    if (verdict == VERDICT_OK && stop != NULL && strcmp(link.sha256, stop->sha256) != 0)
        verdict = failure_set(failure, VERDICT_BAD_DATA,
                "source \"%s\": point %s was written after another point %s than the one this state folder knows: one "
                "of the two was changed. `vaultferry resync` goes on with what is in the vault",
                rebuild->source->name, chain->steps[chain->count - 1].link.point, stop->point);
    if (verdict != VERDICT_OK)
        rebuild_chain_free(chain);
    return verdict;
}
