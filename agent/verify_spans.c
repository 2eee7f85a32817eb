/*
 * What explains a version that no log tells of: a run that did not end, as its lease shows, or a log that is lost.
 * Asked only where there is such a version; see verify_inside.h.
 */
#include "agent/verify_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/lease.h"
#include "agent/lease_sight.h"

enum {
    SECOND_MS = 1000, /* S3 lists whole seconds, and two processes know the vault's clock to about one */
    /* Nothing begins after a lease is dead, but a copy that the service had begun may end later. */
    AFTER_DEATH_MS = 2 * LEASE_DEAD_MS
};

bool verify_add_lost(struct verifying *verifying, int64_t from_ms, int64_t to_ms)
{
    if (verifying->lost_count == verifying->lost_capacity) {
        size_t capacity = verifying->lost_capacity == 0 ? 16 : verifying->lost_capacity * 2;
        struct verify_span *lost = realloc(verifying->lost, capacity * sizeof *lost);
        if (lost == NULL)
            return false;
        verifying->lost = lost;
        verifying->lost_capacity = capacity;
    }
    verifying->lost[verifying->lost_count++] = (struct verify_span){ from_ms, to_ms };
    return true;
}

static bool take_version(struct verifying *verifying, const struct s3_page_entry *entry)
{
    struct verify_lease *last = verifying->lease_count > 0 ? &verifying->leases[verifying->lease_count - 1] : NULL;
    struct layout_parts parts;

    if (entry->is_marker ||
            layout_parse(&verifying->options->vault->layout, entry->key.ptr, entry->key.len, &parts) != STATE_OK)
        return true;
    if (last != NULL && last->number == parts.number) { /* older ones of the same */
        last->from_ms = entry->modified_ms;
        return true;
    }
    if (verifying->lease_count == verifying->lease_capacity) {
        size_t capacity = verifying->lease_capacity == 0 ? 64 : verifying->lease_capacity * 2;
        struct verify_lease *leases = realloc(verifying->leases, capacity * sizeof *leases);
        if (leases == NULL)
            return false;
        verifying->leases = leases;
        verifying->lease_capacity = capacity;
    }
    verifying->leases[verifying->lease_count++] = (struct verify_lease){
        .number = parts.number, .from_ms = entry->modified_ms, .last_ms = entry->modified_ms
    };
    return true;
}

static enum verdict list_leases(struct verifying *verifying, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    struct layout_path path;
    enum verdict verdict;

    verifying->lease_count = 0;
    verifying->leases_ms = vault_now_ms(options->vault);
    if (layout_folder(&options->vault->layout, LAYOUT_LEASE, options->source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    points_versions_begin(&cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        if (!take_version(verifying, entry))
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    return verdict;
}

/* A run has finished when it released its lease and has written a complete point while it held it: what it wrote, it
 * recorded. */
static enum verdict judge(struct verifying *verifying, struct verify_lease *lease, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct lease_seen seen = { .number = 0 };
    bool is_oldest;
    enum verdict verdict = lease_sight_one(
            options->vault, options->conn, options->source, lease->number, "", &is_oldest, &seen, failure);

    if (verdict != VERDICT_OK && verdict != VERDICT_NOT_FOUND)
        return verdict;
    lease->judged = true;
    lease->finished = false;
    lease->to_ms = lease->last_ms + AFTER_DEATH_MS;
    if (verdict == VERDICT_NOT_FOUND || !seen.is_readable || !seen.document.released)
        return VERDICT_OK;
    lease->to_ms = lease->last_ms + SECOND_MS;
    for (size_t i = 0; i < verifying->point_count; i++) {
        const struct verify_point *point = &verifying->points[i];
        if (point->slim != NULL && point->state == STATE_POINT_COMPLETE &&
                point->started_ms >= seen.document.started_ms - SECOND_MS &&
                point->started_ms <= seen.document.renewed_ms + SECOND_MS)
            lease->finished = true;
    }
    return VERDICT_OK;
}

static bool is_lost(const struct verifying *verifying, int64_t modified_ms)
{
    for (size_t i = 0; i < verifying->lost_count; i++) {
        const struct verify_span *span = &verifying->lost[i];
        if ((span->from_ms == INT64_MIN || modified_ms >= span->from_ms - SECOND_MS) &&
                modified_ms <= span->to_ms + SECOND_MS)
            return true;
    }
    return false;
}

enum verdict verify_explain(
        struct verifying *verifying, int64_t modified_ms, enum verify_reason *reason, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    *reason = VERIFY_UNEXPLAINED;
    if (is_lost(verifying, modified_ms)) {
        *reason = VERIFY_LOST_FILE;
        return VERDICT_OK;
    }
    if (verifying->leases_ms == 0 || modified_ms + SECOND_MS >= verifying->leases_ms)
        verdict = list_leases(verifying, failure); /* what made this version may be newer than what is known */
    for (size_t i = 0; i < verifying->lease_count && verdict == VERDICT_OK; i++) {
        struct verify_lease *lease = &verifying->leases[i];
        if (modified_ms + SECOND_MS <= lease->from_ms || modified_ms > lease->last_ms + AFTER_DEATH_MS)
            continue;
        if (!lease->judged)
            verdict = judge(verifying, lease, failure);
        if (verdict != VERDICT_OK || modified_ms > lease->to_ms)
            continue;
        if (!lease->finished)
            *reason = VERIFY_UNFINISHED_RUN;
        else if (*reason == VERIFY_UNEXPLAINED)
            *reason = VERIFY_RUN;
    }
    return verdict;
}
