/* See forgotten.h. */
#include "agent/forgotten.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agent/event.h"
#include "agent/points_versions.h"
#include "agent/report.h"

enum { BYTES_MAX = 65536 };
#define DAY_MS INT64_C(86400000)

enum verdict forgotten_write(const struct vault *vault, struct s3_conn *conn, const char *source, const char *point,
        int64_t grace_days, struct failure *failure)
{
    int64_t now_ms = vault_now_ms(vault);
    struct vault_put put = { .content_type = "application/json", .only_if_absent = true };
    struct layout_path path;
    json_t *json = json_pack("{si ss ss so so}", "format", 1, "source", source, "point", point, "forgotten",
            time_json(now_ms), "until", time_json(now_ms + grace_days * DAY_MS));
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    enum verdict verdict;

    json_decref(json);
    if (text == NULL || layout_point_file(&vault->layout, source, point, LAYOUT_FORGOTTEN, 0, &path) != STATE_OK) {
        free(text);
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    put.path = path.ptr;
    put.path_len = path.len;
    put.bytes = text;
    put.len = strlen(text);
    verdict = vault_put(vault, conn, &put, NULL, failure);
    free(text);
    return verdict == VERDICT_CHANGED ? VERDICT_OK : verdict;
}

/* What nobody has said is not over. */
enum verdict forgotten_until(const struct vault *vault, struct s3_conn *conn, const char *source, const char *point,
        int64_t *until_ms, struct failure *failure)
{
    struct layout_path path;
    char version[S3_VERSION_MAX + 1], *bytes = NULL;
    const char *text;
    json_error_t why;
    json_t *json;
    size_t len = 0;
    enum verdict verdict;

    *until_ms = INT64_MAX;
    if (layout_point_file(&vault->layout, source, point, LAYOUT_FORGOTTEN, 0, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no point", point);
    verdict = points_versions_oldest(vault, conn, &path, version, failure);
    if (verdict == VERDICT_OK)
        verdict = vault_get(
                vault, conn, path.ptr, path.len, version[0] != '\0' ? version : NULL, BYTES_MAX, &bytes, &len, failure);
    if (verdict != VERDICT_OK)
        return verdict == VERDICT_NOT_FOUND || verdict == VERDICT_FULL ? VERDICT_OK : verdict;
    json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
    text = json_string_value(json_object_get(json, "until"));
    if (text == NULL || !state_utc_parse(text, strlen(text), until_ms))
        *until_ms = INT64_MAX;
    json_decref(json);
    free(bytes);
    return VERDICT_OK;
}

enum verdict forgotten_check(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct point_listed *point, struct failure *failure)
{
    char time[STATE_TIME_SIZE] = "";
    int64_t until_ms;
    enum verdict verdict;

    if (!point->forgotten)
        return VERDICT_OK;
    verdict = forgotten_until(vault, conn, source, point->id, &until_ms, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    (void)!state_utc_format(until_ms, time);
    if (until_ms <= vault_now_ms(vault))
        return failure_set(failure, VERDICT_NOT_FOUND,
                "point %s of source \"%s\" was forgotten by a prune, and its days of grace ended at %s: what it needs "
                "may be gone. `vaultferry points` lists those that can be restored; what is left of that time is shown "
                "by ls --from-versions",
                point->id, source, time);
    event_warn("point-forgotten", source,
            "point %s was forgotten by a prune%s%s: pin it before, and the next prune brings it back", point->id,
            time[0] != '\0' ? "; what it needs goes after " : "", time);
    return VERDICT_OK;
}
