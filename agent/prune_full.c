/*
 * Whether a point's full file says what the logs up to it say; see prune_inside.h. Once the chain begins with it, it is
 * the only word of all that came before: who may write points must not leave anything out of it.
 */
#include "agent/prune_inside.h"

#include <string.h>

/* One of the two accounts, a place after the other. */
struct account {
    struct verifying verifying;
    const struct verify_record *ahead;
    struct verify_group group; /* count 0: at its end */
};

static enum verdict next(struct account *account, struct failure *failure)
{
    return verify_group_next(&account->verifying, &account->ahead, &account->group, failure);
}

static enum verdict begin(struct account *account, struct failure *failure)
{
    enum verdict verdict = verify_sort_begin(account->verifying.history, failure);

    if (verdict == VERDICT_OK)
        verdict = verify_sort_next(account->verifying.history, &account->ahead, failure);
    return verdict == VERDICT_OK ? next(account, failure) : verdict;
}

/* As the accounts are sorted: long keys first. */
static int compare(const struct verify_group *a, const struct verify_group *b)
{
    int order;

    if (a->count == 0 || b->count == 0)
        return (a->count == 0) - (b->count == 0);
    if (a->is_long != b->is_long)
        return a->is_long ? -1 : 1;
    order = memcmp(a->name.ptr, b->name.ptr, a->name.len < b->name.len ? a->name.len : b->name.len);
    return order != 0 ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

/* What was there at the point; NULL: nothing. */
static const struct verify_record *live_at(const struct verify_group *group, size_t point)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->changes[i].record.point <= point)
            return group->changes[i].record.did != STATE_DELETED ? &group->changes[i].record : NULL;
    return NULL;
}

/* A record that does not know its version is none to compare with. */
static bool same_version(const struct verify_record *a, const struct verify_record *b)
{
    return a->version.len == 0 || b->version.len == 0 ||
           (a->version.len == b->version.len && memcmp(a->version.ptr, b->version.ptr, a->version.len) == 0);
}

/* The place that comes next, of the logs, of the full file, or of both. */
static bool agree(const struct verify_group *logs, const struct verify_group *full, size_t point)
{
    int order = compare(logs, full);
    const struct verify_record *live = order <= 0 ? live_at(logs, point) : NULL;

    if (order != 0)
        return order < 0 && live == NULL;
    return live != NULL && same_version(live, &full->changes[0].record);
}

static enum verdict merge(
        struct account *logs, struct account *full, size_t point, bool *is_true, struct failure *failure)
{
    enum verdict verdict = begin(logs, failure);

    if (verdict == VERDICT_OK)
        verdict = begin(full, failure);
    while (verdict == VERDICT_OK && *is_true && (logs->group.count > 0 || full->group.count > 0)) {
        int order = compare(&logs->group, &full->group);
        *is_true = agree(&logs->group, &full->group, point);
        if (order <= 0)
            verdict = next(logs, failure);
        if (verdict == VERDICT_OK && order >= 0)
            verdict = next(full, failure);
    }
    return verdict;
}

enum verdict prune_full_is_true(struct pruning *pruning, size_t point, bool *is_true, struct failure *failure)
{
    struct account logs = { .verifying = pruning->verifying }, full = { .verifying = pruning->verifying };
    bool lost = false;
    enum verdict verdict = verify_read_full(&full.verifying, point, &lost, failure);

    *is_true = !lost;
    if (verdict == VERDICT_OK && !lost)
        verdict = merge(&logs, &full, point, is_true, failure);
    verify_group_free(&logs.group);
    verify_group_free(&full.group);
    verify_sort_free(full.verifying.history);
    return verdict;
}
