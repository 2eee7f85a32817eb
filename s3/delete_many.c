/* See object.h: deleting a batch. */
#include <stdlib.h>
#include <string.h>

#include "s3/call.h"
#include "s3/object.h"
#include "s3/xml_write.h"

enum { BATCH_MAX = 1000, BODY_MAX = BATCH_MAX * (6 * S3_KEY_MAX + S3_VERSION_MAX + 64) };

/* Text for one item's answer, kept in the arena that the caller frees. */
static bool keep(struct s3_deleted *deleted, struct s3_text *out, const char *text, size_t length)
{
    if (length > deleted->arena_capacity - deleted->arena_used)
        return false;
    if (length > 0)
        memcpy(deleted->arena + deleted->arena_used, text, length);
    *out = (struct s3_text){ deleted->arena + deleted->arena_used, length };
    deleted->arena_used += length;
    return true;
}

/* Room for all that the entries may say, so that the arena never moves. */
static bool make_room(struct s3_deleted *deleted, size_t count)
{
    size_t arena = count * (2 * S3_VERSION_MAX + 64 + 512);

    s3_deleted_free(deleted);
    s3_deleted_init(deleted);
    deleted->entries = calloc(count, sizeof *deleted->entries);
    deleted->arena = malloc(arena);
    if (deleted->entries == NULL || deleted->arena == NULL)
        return false;
    deleted->capacity = deleted->count = count;
    deleted->arena_capacity = arena;
    return true;
}

static bool fill_failure(
        struct s3_deleted *deleted, struct s3_deleted_entry *entry, const char *code, const char *message)
{
    entry->failed = true;
    return keep(deleted, &entry->code, code, strlen(code)) && keep(deleted, &entry->message, message, strlen(message));
}

/* One item by a request of its own. What concerns the whole batch (no access to the service, a stop) is the result; the
 * rest is the entry's. */
static enum s3_status delete_singly(struct s3_conn *conn, struct s3_client *client,
        const struct s3_delete_many_options *options, size_t index, struct s3_deleted *deleted, struct s3_error *error)
{
    const struct s3_delete_item *item = &options->items[index];
    struct s3_deleted_entry *entry = &deleted->entries[index];
    struct s3_delete_options single = { .bypass_governance = options->bypass_governance };
    struct s3_delete_result result;
    char version[S3_VERSION_MAX + 1];
    enum s3_status status;
    bool kept;

    if (item->version.len > S3_VERSION_MAX)
        return s3_fail(error, S3_REFUSED, "TooLong", "a version id of %zu bytes", item->version.len);
    if (item->version.len > 0)
        memcpy(version, item->version.ptr, item->version.len);
    version[item->version.len] = '\0';
    single.target = (struct s3_target){
        .bucket = options->bucket, .key = item->key, .version = version, .expected_owner = options->expected_owner
    };
    status = s3_delete_object(conn, client, &single, &result, error);
    if (status == S3_CANCELLED || status == S3_NO_MEMORY || status == S3_FATAL || status == S3_EXPIRED)
        return status;
    if (status != S3_OK) {
        kept = fill_failure(deleted, entry, error->code, error->message);
    } else {
        entry->is_marker = result.marker;
        kept = keep(deleted, item->version.len == 0 ? &entry->marker_version : &entry->version, result.version,
                strlen(result.version));
    }
    return kept ? S3_OK : s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
}

static bool write_body(const struct s3_delete_many_options *options, struct s3_buffer *body, size_t *carried)
{
    *carried = 0;
    if (!s3_buffer_add_text(body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"))
        return false;
    for (size_t i = 0; i < options->count; i++) {
        const struct s3_delete_item *item = &options->items[i];
        if (!xml_can_carry(item->key))
            continue;
        ++*carried;
        if (!s3_buffer_add_text(body, "<Object>") || !xml_add_element(body, "Key", item->key) ||
                (item->version.len > 0 && !xml_add_element(body, "VersionId", item->version)) ||
                !s3_buffer_add_text(body, "</Object>"))
            return false;
    }
    return s3_buffer_add_text(body, "</Delete>");
}

static bool same(struct s3_text a, struct s3_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Servers answer in any order, though mostly in ours: the search goes on from the last find. */
static bool place_answers(const struct s3_delete_many_options *options, const struct s3_deleted *answers,
        struct s3_deleted *deleted, size_t *placed)
{
    size_t at = 0;

    for (size_t i = 0; i < answers->count; i++) {
        const struct s3_deleted_entry *answer = &answers->entries[i];
        struct s3_deleted_entry *entry;
        size_t tried = 0;

        while (tried < options->count &&
                (deleted->entries[at].key.ptr != NULL || !same(options->items[at].key, answer->key) ||
                        !same(options->items[at].version, answer->version))) {
            at = (at + 1) % options->count;
            tried++;
        }
        if (tried == options->count)
            continue; /* not one of ours, or said twice */
        entry = &deleted->entries[at];
        entry->key = options->items[at].key;
        entry->is_marker = answer->is_marker;
        entry->failed = answer->failed;
        if (!keep(deleted, &entry->version, answer->version.ptr, answer->version.len) ||
                !keep(deleted, &entry->marker_version, answer->marker_version.ptr, answer->marker_version.len) ||
                !keep(deleted, &entry->code, answer->code.ptr, answer->code.len < 64 ? answer->code.len : 64) ||
                !keep(deleted, &entry->message, answer->message.ptr,
                        answer->message.len < 512 ? answer->message.len : 512))
            return false;
        ++*placed;
    }
    return true;
}

static enum s3_status delete_batch(struct s3_conn *conn, struct s3_client *client,
        const struct s3_delete_many_options *options, struct s3_deleted *deleted, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    struct s3_deleted answers;
    size_t carried = 0, placed = 0;
    enum s3_status status = S3_OK;

    s3_buffer_init(&body, BODY_MAX);
    s3_deleted_init(&answers);
    if (!write_body(options, &body, &carried))
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (status == S3_OK && carried > 0) {
        call_begin(&call, conn, client, "DeleteObjects", "POST", options->bucket, (struct s3_text){ NULL, 0 });
        call_header(&call, "x-amz-expected-bucket-owner", options->expected_owner);
        call_header(&call, "x-amz-bypass-governance-retention", options->bypass_governance ? "true" : NULL);
        call_header(&call, "content-type", "application/xml");
        call_parameter(&call, "delete", NULL);
        call.body = body.ptr;
        call.body_len = body.len;
        call_content_md5(&call);
        call.slow = true;
        call.answer = S3_ANSWER_DELETED;
        call.answer_out = &answers;
        status = call_perform(&call, error);
        if (status == S3_OK && !place_answers(options, &answers, deleted, &placed))
            status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        if (status == S3_OK && placed != carried)
            status = s3_fail(
                    error, S3_BAD_DATA, "BadAnswer", "%zu of %zu keys have no answer", carried - placed, carried);
    }
    s3_buffer_free(&body);
    s3_deleted_free(&answers);
    return status;
}

enum s3_status s3_delete_objects(struct s3_conn *conn, struct s3_client *client,
        const struct s3_delete_many_options *options, struct s3_deleted *deleted, struct s3_error *error)
{
    enum s3_status status;

    if (options->count == 0 || options->count > BATCH_MAX)
        return s3_fail(error, S3_REFUSED, "Count", "%zu keys in one batch; 1 to %d go", options->count, BATCH_MAX);
    if (!make_room(deleted, options->count))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = delete_batch(conn, client, options, deleted, error);
    for (size_t i = 0; i < options->count && status == S3_OK; i++) {
        if (deleted->entries[i].key.ptr == NULL)
            status = delete_singly(conn, client, options, i, deleted, error);
        deleted->entries[i].key = options->items[i].key;
    }
    return status;
}
