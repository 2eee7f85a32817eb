/* See prune_record.h. */
#include "agent/prune_record.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agent/points_versions.h"
#include "agent/report.h"

enum { FORMAT = 1, RECORD_BYTES_MAX = 65536 };

static bool take_text(const json_t *object, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (text == NULL || strlen(text) + 1 != size)
        return false;
    memcpy(out, text, size);
    return true;
}

static bool parse(const json_t *json, const char *source, struct prune_record *record)
{
    const json_t *root = json_object_get(json, "root"), *removed = json_object_get(root, "removed");
    const char *of = json_string_value(json_object_get(json, "source")),
               *pruned = json_string_value(json_object_get(json, "pruned"));
    int64_t seconds;

    if (of == NULL || strcmp(of, source) != 0)
        return false;
    if (pruned != NULL && !state_utc_parse(pruned, strlen(pruned), &record->pruned_ms))
        return false;
    if (root == NULL || json_is_null(root))
        return true;
    record->has_root = true;
    return take_text(root, "point", record->root, sizeof record->root) &&
           take_text(removed, "point", record->removed.point, sizeof record->removed.point) &&
           take_text(removed, "sha256", record->removed.sha256, sizeof record->removed.sha256) &&
           state_utc_from_point(record->root, strlen(record->root), &seconds) &&
           state_utc_from_point(record->removed.point, strlen(record->removed.point), &seconds) &&
           state_sha256_is_hex(record->removed.sha256, strlen(record->removed.sha256));
}

enum verdict prune_record_read(const struct vault *vault, struct s3_conn *conn, const char *source,
        struct prune_record *record, struct failure *failure)
{
    struct layout_path path;
    json_error_t why;
    json_t *json;
    char *bytes = NULL;
    size_t len = 0;
    bool well;
    enum verdict verdict;

    memset(record, 0, sizeof *record);
    if (layout_prune(&vault->layout, source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", source);
    verdict = vault_get(vault, conn, path.ptr, path.len, NULL, RECORD_BYTES_MAX, &bytes, &len, failure);
    if (verdict == VERDICT_NOT_FOUND)
        return VERDICT_OK;
    if (verdict != VERDICT_OK)
        return verdict;
    json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
    free(bytes);
    well = json_integer_value(json_object_get(json, "format")) == FORMAT && parse(json, source, record);
    json_decref(json);
    if (well)
        return VERDICT_OK;
    memset(record, 0, sizeof *record);
    return failure_set(failure, VERDICT_BAD_DATA,
            "s3://%s/%s is not what a prune writes: only an older version of it says where the chain of points begins",
            vault->bucket, path.ptr);
}

/* Each prune leaves one version of it; a failure leaves one too many. */
static void remove_older(const struct vault *vault, struct s3_conn *conn, const struct layout_path *path)
{
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;

    points_versions_begin(
            &cursor, vault, conn, (struct state_text){ path->ptr, path->len }, (struct state_text){ NULL, 0 });
    while (points_versions_next(&cursor, &entry, NULL) == VERDICT_OK && entry != NULL) {
        struct s3_delete_options options = { .target = vault_target(vault, path->ptr, path->len) };
        struct s3_delete_result result;
        struct s3_error error;
        char version[S3_VERSION_MAX + 1];
        if (entry->is_latest || entry->key.len != path->len || entry->version.len > S3_VERSION_MAX)
            continue;
        memcpy(version, entry->version.ptr, entry->version.len);
        version[entry->version.len] = '\0';
        options.target.version = version;
        if (s3_delete_object(conn, vault->client, &options, &result, &error) != S3_OK)
            break;
    }
    points_versions_end(&cursor);
}

enum verdict prune_record_write(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct prune_record *record, struct failure *failure)
{
    struct vault_put put = { .content_type = "application/json" };
    struct layout_path path;
    json_t *json = json_pack("{si ss so}", "format", FORMAT, "source", source, "pruned",
            record->pruned_ms != 0 ? time_json(record->pruned_ms) : json_null());
    char *text = NULL;
    enum verdict verdict;

    if (layout_prune(&vault->layout, source, &path) != STATE_OK)
        verdict = failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", source);
    else if (json == NULL ||
             (record->has_root && json_object_set_new(json, "root",
                                          json_pack("{ss s{ss ss}}", "point", record->root, "removed", "point",
                                                  record->removed.point, "sha256", record->removed.sha256)) != 0) ||
             (text = json_dumps(json, JSON_INDENT(1))) == NULL)
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    else {
        put.path = path.ptr;
        put.path_len = path.len;
        put.bytes = text;
        put.len = strlen(text);
        verdict = vault_put(vault, conn, &put, NULL, failure);
    }
    if (verdict == VERDICT_OK)
        remove_older(vault, conn, &path);
    free(text);
    json_decref(json);
    return verdict;
}
