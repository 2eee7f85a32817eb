/* See thaw.h. */
#include "agent/thaw.h"

#include <string.h>

#include "s3/restore.h"

static const char *const names[THAW_TIERS] = { "bulk", "standard", "expedited" };
static const char *const words[THAW_TIERS] = { "Bulk", "Standard", "Expedited" };

bool thaw_tier_parse(const char *text, enum thaw_tier *tier)
{
    for (int i = 0; i < THAW_TIERS; i++) {
        if (strcmp(text, names[i]) == 0) {
            *tier = (enum thaw_tier)i;
            return true;
        }
    }
    return false;
}

const char *thaw_tier_name(enum thaw_tier tier)
{
    return names[tier];
}

unsigned thaw_hours(enum storage_class class_, enum thaw_tier tier)
{
    static const unsigned glacier[THAW_TIERS] = { 12, 5, 1 }; /* expedited: minutes, where there is capacity */
    static const unsigned deep_archive[THAW_TIERS] = { 48, 12, 0 };

    if (class_ == CLASS_GLACIER || class_ == CLASS_INTELLIGENT_TIERING) /* whose archive tier is as fast */
        return glacier[tier];
    return class_ == CLASS_DEEP_ARCHIVE ? deep_archive[tier] : 0;
}

/* *known: the service says how it is. */
static enum s3_status look(const struct thaw_request *request, struct s3_conn *conn, const struct s3_target *target,
        bool *known, enum thaw_state *state, struct s3_error *error)
{
    const struct s3_head_options options = { .target = *target };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(conn, request->client, &options, &head, error);
    *known = status == S3_OK && head.restore_present;
    *state = head.restore_ongoing ? THAW_UNDER_WAY : THAW_READABLE;
    s3_head_free(&head);
    return status;
}

enum verdict thaw_ask(
        const struct thaw_request *request, struct s3_conn *conn, enum thaw_state *state, struct failure *failure)
{
    struct s3_restore_options options = { .target =
                                                  vault_target(request->vault, request->path->ptr, request->path->len),
        .days = request->class_ == CLASS_INTELLIGENT_TIERING ? 0 : request->days,
        .tier = words[request->tier] };
    struct s3_error error;
    enum s3_status status;
    bool known;

    if (thaw_hours(request->class_, request->tier) == 0)
        return failure_set(failure, VERDICT_USAGE, "%s has no thaw of tier %s: take bulk or standard",
                storage_class_name(request->class_), names[request->tier]);
    options.target.version = request->version[0] != '\0' ? request->version : NULL;
    status = look(request, conn, &options.target, &known, state, &error);
    if (status == S3_OK && !known) {
        *state = THAW_UNDER_WAY;
        status = s3_restore_object(conn, request->client, &options, &error);
    }
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "thawing it");
}
