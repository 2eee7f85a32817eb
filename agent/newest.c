/* See newest.h. */
#include "agent/newest.h"

#include <stdio.h>
#include <string.h>

#include "agent/event.h"

enum verdict newest_find(const struct vault *vault, struct s3_conn *conn, const char *source, struct newest *newest,
        struct failure *failure)
{
    struct points_list list = { .count = 0 };
    enum verdict verdict;

    memset(newest, 0, sizeof *newest);
    verdict = points_find(vault, conn, source, NULL, &list, failure);

    for (size_t i = list.count; i > 0 && verdict == VERDICT_OK && !newest->has_good; i--) {
        struct point_read read;
        if (!list.items[i - 1].has_point || list.items[i - 1].forgotten)
            continue;
        verdict = points_read(vault, conn, source, &list.items[i - 1], &read, failure);
        if (verdict == VERDICT_BAD_DATA) {
            event_error(source, failure);
            verdict = VERDICT_OK;
            continue;
        }
        if (verdict != VERDICT_OK)
            break;
        if (!newest->has_any)
            (void)snprintf(newest->state, sizeof newest->state, "%s", state_point_state_name(read.point->state));
        if (newest->served_ms == 0 && !list.items[i - 1].interrupted)
            newest->served_ms = read.point->started_ms;
        newest->has_any = true;
        if (read.point->state == STATE_POINT_COMPLETE) {
            newest->has_good = true;
            newest->good = read;
        } else {
            point_read_free(&read);
        }
    }
    points_list_free(&list);
    return verdict;
}

void newest_free(struct newest *newest)
{
    if (newest->has_good)
        point_read_free(&newest->good);
    newest->has_good = false;
}
