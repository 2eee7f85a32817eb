/* The point that --at means; see get.h. */
#include "agent/get.h"

#include <string.h>

#include "agent/forgotten.h"

const struct point_listed *get_listed_point(const struct points_list *list, const char *id)
{
    for (size_t i = list->count; i > 0; i--)
        if (strcmp(list->items[i - 1].id, id) == 0 && list->items[i - 1].has_point)
            return &list->items[i - 1];
    return NULL;
}

static enum verdict no_point(const struct get_place *place, const struct get_choice *choice, struct failure *failure)
{
    if (choice->passed_over[0] == '\0')
        return failure_set(
                failure, VERDICT_NOT_FOUND, "source \"%s\" has no point that had finished by then", place->source);
    return failure_set(failure, VERDICT_NOT_FOUND,
            "source \"%s\" has no complete point that had finished by then; --at %s names the newest of another kind",
            place->source, choice->passed_over);
}

enum verdict get_choose(const struct get_place *place, const struct points_list *list, const struct get_when *when,
        struct get_choice *choice, struct failure *failure)
{
    struct point_read *read = &choice->read;
    int64_t until_ms = get_when_ms(when, vault_now_ms(place->vault)), started_s;
    enum verdict verdict;

    memset(choice, 0, sizeof *choice);
    if (when->kind == GET_POINT) {
        choice->listed = get_listed_point(list, when->point);
        if (choice->listed == NULL)
            return failure_set(failure, VERDICT_NOT_FOUND, "source \"%s\" has no point %s", place->source, when->point);
        verdict = forgotten_check(place->vault, place->conn, place->source, choice->listed, failure);
        return verdict != VERDICT_OK
                       ? verdict
                       : points_read(place->vault, place->conn, place->source, choice->listed, read, failure);
    }
    for (size_t i = list->count; i > 0; i--) {
        const struct point_listed *listed = &list->items[i - 1];
        /* after runs in quick succession an id is ahead of its point's end: what counts is read from the point */
        if (!listed->has_point || listed->forgotten ||
                !state_utc_from_point(listed->id, strlen(listed->id), &started_s) ||
                started_s - POINT_FUTURE_S > until_ms / 1000)
            continue;
        verdict = points_read(place->vault, place->conn, place->source, listed, read, failure);
        if (verdict != VERDICT_OK)
            return verdict;
        choice->listed = listed;
        if (read->point->finished_ms <= until_ms && read->point->state == STATE_POINT_COMPLETE)
            return VERDICT_OK;
        if (read->point->finished_ms <= until_ms && choice->passed_over[0] == '\0') {
            memcpy(choice->passed_over, listed->id, sizeof choice->passed_over);
            choice->passed_over_state = read->point->state;
        }
        choice->listed = NULL;
        point_read_free(read);
    }
    return no_point(place, choice, failure);
}
