/*
 * Taking away what a drill has left in the scratch bucket. All of it lies under a prefix that no other drill has, made
 * of 64 random bits, so that nobody else's object can be met; each is deleted by its version, markers too.
 */
#include "agent/drill_inside.h"

#include "s3/list.h"
#include "s3/multipart.h"

enum { ROUNDS = 20 }; /* of a thousand; most objects were removed one by one when they were compared */

static enum s3_status delete_versions(
        struct drilling *drilling, struct s3_page *page, uint64_t *left, bool *more, struct s3_error *error)
{
    const struct s3_versions_options options = { .bucket = drilling->target.bucket,
        .prefix = { drilling->prefix, drilling->prefix_len } };
    struct s3_conn *conn = drilling->options->conn;
    enum s3_status status = s3_list_versions(conn, drilling->target.client, &options, page, error), deleted;

    *left = 0;
    *more = status == S3_OK && page->count > 0;
    for (size_t i = 0; status == S3_OK && i < page->count; i++) {
        char version[S3_VERSION_MAX + 1];
        const struct s3_page_entry *entry = &page->entries[i];
        const struct s3_delete_options removal = {
            .target = { .bucket = drilling->target.bucket, .key = entry->key, .version = version }
        };
        struct s3_delete_result result;
        if (entry->version.len == 0 || entry->version.len >= sizeof version || entry->key.len <= drilling->prefix_len)
            continue;
        (void)snprintf(version, sizeof version, "%.*s", (int)entry->version.len, entry->version.ptr);
        deleted = s3_delete_object(conn, drilling->target.client, &removal, &result, error);
        if (deleted != S3_OK && deleted != S3_NOT_FOUND)
            (*left)++;
        if (deleted == S3_CANCELLED)
            status = deleted;
    }
    if (*left > 0 && status == S3_OK)
        *more = false;
    return status;
}

/* Parts of an upload that was broken off cost as much as an object, and no listing of objects shows them. */
static enum s3_status abort_uploads(struct drilling *drilling, struct s3_page *page, struct s3_error *error)
{
    const struct s3_list_uploads_options options = { .bucket = drilling->target.bucket,
        .prefix = { drilling->prefix, drilling->prefix_len } };
    struct s3_conn *conn = drilling->options->conn;
    enum s3_status status = s3_list_uploads(conn, drilling->target.client, &options, page, error);

    for (size_t i = 0; status == S3_OK && i < page->count; i++) {
        const struct s3_page_entry *entry = &page->entries[i];
        char id[S3_VERSION_MAX + 1];
        const struct s3_target target = { .bucket = drilling->target.bucket, .key = entry->key };
        if (entry->version.len >= sizeof id)
            continue;
        (void)snprintf(id, sizeof id, "%.*s", (int)entry->version.len, entry->version.ptr);
        status = s3_abort_upload(conn, drilling->target.client, &target, id, error);
        if (status == S3_NOT_FOUND)
            status = S3_OK;
    }
    return status;
}

enum verdict drill_scratch_clean(struct drilling *drilling, uint64_t *left, struct failure *failure)
{
    struct s3_page page;
    struct s3_error error;
    enum s3_status status = S3_OK;
    bool more = true;

    *left = 0;
    s3_error_clear(&error);
    s3_page_init(&page);
    for (int i = 0; i < ROUNDS && more && status == S3_OK; i++)
        status = delete_versions(drilling, &page, left, &more, &error);
    if (status == S3_OK)
        status = abort_uploads(drilling, &page, &error);
    s3_page_free(&page);
    if (status == S3_OK && *left == 0 && !more)
        return VERDICT_OK;
    return failure_from_s3(failure, status != S3_OK ? status : S3_DENIED, &error,
            "removing what the drill wrote under s3://%s/%s (look there, and remove what is left: every version, and "
            "every upload)",
            drilling->target.bucket, drilling->prefix);
}
