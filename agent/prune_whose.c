/* Whose a folder of the vault is, and so by which policy it is pruned; see prune.h. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agent/prune.h"
#include "agent/points.h"
#include "agent/select.h"

/* What the points of a folder say of their policies. */
struct named {
    const struct config_source *newest; /* of the last point that names one that may be meant */
    bool several;                       /* they name different ones, or one that is none of them */
};

static const struct config_source *source_of_policy(const struct prune_whose *whose, const char *policy)
{
    const struct config_source *source;
    size_t cursor = 0;

    while ((source = select_next_source_of(whose->program->config, whose->folder, &cursor)) != NULL)
        if (strcmp(source->policy->name, policy) == 0)
            return source;
    return NULL;
}

static void note(const struct prune_whose *whose, const struct state_point *point, struct named *named)
{
    json_t *policy = json_loads(point->policy, 0, NULL);
    const char *name = json_string_value(json_object_get(policy, "name"));
    const struct config_source *source = name != NULL ? source_of_policy(whose, name) : NULL;

    named->several = named->several || source == NULL || (named->newest != NULL && named->newest != source);
    if (source != NULL)
        named->newest = source;
    json_decref(policy);
}

static enum verdict read_points(const struct prune_whose *whose, struct named *named, struct failure *failure)
{
    struct points_list list;
    enum verdict verdict = points_find(whose->vault, whose->conn, whose->folder, NULL, &list, failure);

    for (size_t i = 0; i < list.count && verdict == VERDICT_OK; i++) {
        struct point_read read;
        if (!list.items[i].has_point)
            continue;
        verdict = points_read(whose->vault, whose->conn, whose->folder, &list.items[i], &read, failure);
        if (verdict == VERDICT_OK) {
            note(whose, read.point, named);
            point_read_free(&read);
        } else if (verdict == VERDICT_BAD_DATA || verdict == VERDICT_NOT_FOUND || verdict == VERDICT_FULL) {
            verdict = VERDICT_OK; /* the prune tells of it */
        }
    }
    points_list_free(&list);
    return verdict;
}

enum verdict prune_find_source(const struct prune_whose *whose, const struct config_source **source,
        char stopped[PRUNE_STOPPED_SIZE], struct failure *failure)
{
    const struct config_source *other;
    struct named named = { NULL, false };
    size_t cursor = 0;
    bool is_open = false;
    enum verdict verdict;

    stopped[0] = '\0';
    *source = select_next_source_of(whose->program->config, whose->folder, &cursor);
    while (*source != NULL && (other = select_next_source_of(whose->program->config, whose->folder, &cursor)) != NULL)
        is_open = is_open || other->policy != (*source)->policy;
    if (!is_open)
        return VERDICT_OK;
    verdict = read_points(whose, &named, failure);
    if (verdict != VERDICT_OK || (named.newest == NULL && !named.several))
        return verdict;
    *source = named.several && !whose->accept ? NULL : named.newest;
    if (*source == NULL)
        (void)snprintf(stopped, PRUNE_STOPPED_SIZE,
                "several sources of the config may mean \"%s\", with different policies, and its points do not all "
                "name "
                "the same one of them: name the bucket in the source that it belongs to, or prune with --accept %s, by "
                "the "
                "policy of its newest point",
                whose->folder, whose->folder);
    return VERDICT_OK;
}
