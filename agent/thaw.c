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

enum storage_class thaw_class(enum storage_class class_, const char *archive)
{
    return class_ == CLASS_INTELLIGENT_TIERING && strcmp(archive, "DEEP_ARCHIVE_ACCESS") == 0 ? CLASS_DEEP_ARCHIVE
                                                                                              : class_;
}

enum thaw_state thaw_state_of(const struct s3_head *head, int64_t now_ms)
{
    if (!head->restore_present)
        return THAW_NEEDED;
    if (head->restore_ongoing)
        return THAW_UNDER_WAY;
    /* what went back to an access tier for good has no end */
    return head->restore_expiry_s == 0 || head->restore_expiry_s * 1000 > now_ms + THAW_LEFT_MS_MIN ? THAW_READABLE
                                                                                                    : THAW_NEEDED;
}

static enum s3_status look(const struct thaw_request *request, struct s3_conn *conn, const struct s3_target *target,
        enum thaw_state *state, enum storage_class *class_, struct s3_error *error)
{
    const struct s3_head_options options = { .target = *target };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(conn, request->client, &options, &head, error);
    *state = thaw_state_of(&head, vault_now_ms(request->vault));
    *class_ = thaw_class(request->class_, head.archive);
    s3_head_free(&head);
    return status;
}

static enum verdict ask(const struct thaw_request *request, struct s3_conn *conn, const struct s3_target *target,
        enum thaw_state *state, struct failure *failure)
{
    const struct s3_restore_options options = { .target = *target,
        .days = request->class_ == CLASS_INTELLIGENT_TIERING ? 0 : request->days,
        .tier = words[request->tier] };
    struct s3_error error;
    bool readable = false;
    enum s3_status status = s3_restore_object(conn, request->client, &options, &readable, &error);

    *state = readable ? THAW_READABLE : THAW_UNDER_WAY;
    if (status == S3_OK)
        return VERDICT_OK;
    if (error.http_status == 501) { /* a store without thaws (Ceph) reads all its classes at once */
        *state = THAW_READABLE;
        return VERDICT_OK;
    }
    if (strcmp(error.code, "GlacierExpeditedRetrievalNotAvailable") == 0)
        return failure_from_s3(failure, status, &error,
                "thawing it: there is no capacity for tier expedited now, standard and bulk always have some");
    return failure_from_s3(failure, status, &error,
            status == S3_DENIED ? "thawing it (s3:RestoreObject is needed in the vault)" : "thawing it");
}

enum verdict thaw_ask(
        const struct thaw_request *request, struct s3_conn *conn, enum thaw_state *state, struct failure *failure)
{
    struct s3_target target = vault_target(request->vault, request->path->ptr, request->path->len);
    enum storage_class class_;
    struct s3_error error;
    enum s3_status status;

    target.version = request->version[0] != '\0' ? request->version : NULL;
    status = look(request, conn, &target, state, &class_, &error);
    if (status != S3_OK)
        return failure_from_s3(failure, status, &error, "looking whether it is thawed");
    if (*state != THAW_NEEDED)
        return VERDICT_OK;
    if (thaw_hours(class_, request->tier) == 0)
        return failure_set(failure, VERDICT_USAGE, "%s has no thaw of tier %s: take bulk or standard",
                storage_class_name(class_), names[request->tier]);
    return ask(request, conn, &target, state, failure);
}
