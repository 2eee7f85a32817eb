/* A source as it was, into a manifest that is read once; see rebuild.h. */
#include "agent/rebuild_inside.h"

#include <stdio.h>
#include <string.h>

struct viewing {
    struct source source; /* only its name is asked for */
    struct rebuild_result result;
    struct rebuild rebuild;
};

static void begin(struct viewing *viewing, const struct rebuild_view *view)
{
    memset(viewing, 0, sizeof *viewing);
    (void)snprintf(viewing->source.name, sizeof viewing->source.name, "%s", view->source);
    viewing->rebuild = (struct rebuild){ .vault = view->vault,
        .source = &viewing->source,
        .conn = view->conn,
        .manifest = view->manifest,
        .result = &viewing->result,
        .prefix = view->prefix,
        .for_view = true,
        .until_ms = INT64_MAX };
}

enum verdict rebuild_view_point(
        const struct rebuild_view *view, const struct points_list *list, uint64_t *unknown, struct failure *failure)
{
    struct viewing viewing;
    enum verdict verdict;

    begin(&viewing, view);
    verdict = rebuild_from_chain(&viewing.rebuild, list, failure);
    rebuild_drop(&viewing.rebuild);
    *unknown = viewing.rebuild.unknown;
    return verdict;
}

enum verdict rebuild_view_time(
        const struct rebuild_view *view, int64_t until_ms, uint64_t *nameless, struct failure *failure)
{
    struct viewing viewing;
    enum verdict verdict;

    begin(&viewing, view);
    viewing.rebuild.until_ms = until_ms;
    verdict = rebuild_begin_anew(&viewing.rebuild, failure);
    if (verdict == VERDICT_OK)
        verdict = rebuild_load_versions(&viewing.rebuild, NULL, failure);
    rebuild_drop(&viewing.rebuild);
    *nameless = viewing.result.skipped;
    return verdict;
}
