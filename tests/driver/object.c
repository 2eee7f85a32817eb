/* The driver's operations on objects. */
#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "s3/buffer.h"
#include "s3/multipart.h"
#include "s3/restore.h"

static void put_pairs(json_t *out, const struct s3_head *head)
{
    json_t *pairs = json_object();

    for (size_t i = 0; i < head->pair_count; i++) {
        char name[256];
        size_t length = head->pairs[i].name.len < sizeof name ? head->pairs[i].name.len : sizeof name - 1;
        memcpy(name, head->pairs[i].name.ptr, length);
        name[length] = '\0';
        put_span(pairs, name, head->pairs[i].value);
    }
    json_object_set_new(out, "headers", pairs);
}

static void put_head(json_t *out, const struct s3_head *head)
{
    put_number(out, "size", head->size);
    put_number(out, "whole_size", head->whole_size);
    put_number(out, "modified", (uint64_t)head->modified_s);
    put_text(out, "etag", head->etag);
    put_text(out, "version", head->version);
    put_text(out, "class", head->class_);
    put_text(out, "checksum", head->checksum);
    put_text(out, "checksum_type", head->checksum_type);
    put_text(out, "encryption", head->encryption);
    put_text(out, "kms_key", head->kms_key);
    put_text(out, "lock_mode", head->lock_mode);
    put_text(out, "lock_until", head->lock_until);
    put_flag(out, "legal_hold", head->legal_hold);
    put_flag(out, "delete_marker", head->delete_marker);
    put_text(out, "archive", head->archive);
    put_flag(out, "restore_present", head->restore_present);
    put_flag(out, "restore_ongoing", head->restore_ongoing);
    put_number(out, "restore_expiry", (uint64_t)head->restore_expiry_s);
    put_number(out, "parts", head->parts);
    put_number(out, "tags", head->tags);
    put_pairs(out, head);
}

static enum s3_status head_object(struct job *job)
{
    struct s3_head_options options = { .target = job_target(job),
        .part_number = (uint32_t)job_number(job, "part_number"),
        .checksum = job_flag(job, "checksum"),
        .if_match = job_text(job, "if_match"),
        .if_none_match = job_text(job, "if_none_match") };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(job->conn, job->client, &options, &head, &job->error);
    put_head(job->result, &head);
    s3_head_free(&head);
    return status;
}

/* Keeps what arrives up to `limit`, then breaks off. */
struct sink {
    struct s3_buffer bytes;
    size_t limit, restarts;
};

static bool sink_write(void *ctx, const char *bytes, size_t length)
{
    struct sink *sink = ctx;

    return sink->bytes.len + length <= sink->limit && s3_buffer_add(&sink->bytes, bytes, length);
}

static bool sink_restart(void *ctx)
{
    struct sink *sink = ctx;

    s3_buffer_clear(&sink->bytes);
    sink->restarts++;
    return true;
}

static enum s3_status get_object(struct job *job)
{
    enum { BODY_MAX = 64 << 20 };
    const json_t *range = job_field(job, "range");
    struct s3_get_options options = { .target = job_target(job),
        .ranged = range != NULL,
        .part_number = (uint32_t)job_number(job, "part_number"),
        .checksum = job_flag(job, "checksum"),
        .if_match = job_text(job, "if_match"),
        .if_none_match = job_text(job, "if_none_match") };
    size_t limit = (size_t)job_number(job, "sink_limit");
    struct sink sink = { .limit = limit > 0 ? limit : BODY_MAX };
    struct s3_sink handle = { sink_write, job_flag(job, "sink_keeps") ? NULL : sink_restart, &sink };
    struct s3_head head;
    enum s3_status status;

    if (options.ranged) {
        options.first = (uint64_t)json_integer_value(json_array_get(range, 0));
        options.last =
                json_array_size(range) == 2 ? (uint64_t)json_integer_value(json_array_get(range, 1)) : UINT64_MAX;
    }
    s3_buffer_init(&sink.bytes, BODY_MAX);
    s3_head_init(&head);
    status = s3_get_object(job->conn, job->client, &options, &handle, &head, &job->error);
    put_head(job->result, &head);
    put_number(job->result, "restarts", sink.restarts);
    put_bytes(job->result, "body", (struct s3_text){ sink.bytes.ptr, sink.bytes.len });
    s3_head_free(&head);
    s3_buffer_free(&sink.bytes);
    return status;
}

/* Gives a body in pieces; `fails_at` gives up there. */
struct source {
    struct s3_text body;
    size_t at, fails_at, rewinds;
};

static size_t source_read(void *ctx, char *bytes, size_t size)
{
    struct source *source = ctx;
    size_t left = source->body.len - source->at;

    if (source->fails_at > 0 && source->at >= source->fails_at)
        return SIZE_MAX;
    if (size > 10000) /* no round number, so that no piece ends where curl's buffer does */
        size = 10000;
    if (size > left)
        size = left;
    if (size > 0)
        memcpy(bytes, source->body.ptr + source->at, size);
    source->at += size;
    return size;
}

static bool source_rewind(void *ctx)
{
    struct source *source = ctx;

    source->at = 0;
    source->rewinds++;
    return true;
}

/* What put and upload part share; the reader lives in the job. */
struct body_options {
    struct s3_text body;
    struct s3_reader *reader; /* NULL: memory */
    bool content_md5;
    const char *content_md5_base64, *checksum_name, *checksum_value;
};

static struct body_options read_body(struct job *job)
{
    struct body_options out = { .body = job_bytes(job, "body"),
        .content_md5 = job_flag(job, "content_md5"),
        .content_md5_base64 = job_text(job, "content_md5_base64"),
        .checksum_name = job_text(job, "checksum_name"),
        .checksum_value = job_text(job, "checksum_value") };
    bool by_reader = job_flag(job, "reader"), keeps = job_flag(job, "reader_keeps");
    size_t fails_at = (size_t)job_number(job, "reader_fails_at");

    if (by_reader) {
        struct source *source = job_keep(job, calloc(1, sizeof *source));
        source->body = out.body;
        source->fails_at = fails_at;
        out.reader = job_keep(job, malloc(sizeof *out.reader));
        *out.reader = (struct s3_reader){ source_read, keeps ? NULL : source_rewind, source, out.body.len };
    }
    return out;
}

static void put_result(json_t *out, const struct s3_put_result *result)
{
    put_text(out, "etag", result->etag);
    put_text(out, "version", result->version);
    put_text(out, "checksum", result->checksum);
}

static enum s3_status put_object(struct job *job)
{
    struct s3_put_options options = { .target = job_target(job) };
    struct body_options body = read_body(job);
    struct s3_put_result result;
    enum s3_status status;

    job_write(job, &options.write);
    if (body.reader == NULL) {
        options.body = body.body.ptr;
        options.body_len = body.body.len;
    }
    options.reader = body.reader;
    options.content_md5 = body.content_md5;
    options.content_md5_base64 = body.content_md5_base64;
    options.checksum_name = body.checksum_name;
    options.checksum_value = body.checksum_value;
    status = s3_put_object(job->conn, job->client, &options, &result, &job->error);
    if (status == S3_OK)
        put_result(job->result, &result);
    return status;
}

static enum s3_status upload_part(struct job *job)
{
    struct s3_upload_part_options options = { .target = job_target(job),
        .upload_id = job_text(job, "upload_id"),
        .number = (uint32_t)job_number(job, "number") };
    struct body_options body = read_body(job);
    struct s3_put_result result;
    enum s3_status status;

    if (body.reader == NULL) {
        options.body = body.body.ptr;
        options.body_len = body.body.len;
    }
    options.reader = body.reader;
    options.content_md5 = body.content_md5;
    options.content_md5_base64 = body.content_md5_base64;
    options.checksum_name = body.checksum_name;
    options.checksum_value = body.checksum_value;
    status = s3_upload_part(job->conn, job->client, &options, &result, &job->error);
    if (status == S3_OK)
        put_result(job->result, &result);
    return status;
}

static void put_copy(json_t *out, const struct s3_copy_result *result)
{
    put_text(out, "etag", result->answer.etag);
    put_number(out, "modified_ms", (uint64_t)result->answer.modified_ms);
    put_text(out, "checksum", result->answer.checksum);
    put_text(out, "checksum_type", result->answer.checksum_type);
    put_text(out, "version", result->version);
    put_text(out, "source_version", result->source_version);
}

static enum s3_status copy_object(struct job *job)
{
    struct s3_copy_options options = { .target = job_target(job),
        .metadata_directive = job_text(job, "metadata_directive"),
        .tagging_directive = job_text(job, "tagging_directive"),
        .annotation_directive = job_text(job, "annotation_directive") };
    struct s3_copy_result result;
    enum s3_status status;

    job_source(job, &options.source);
    job_write(job, &options.write);
    status = job->wrong ? S3_REFUSED : s3_copy_object(job->conn, job->client, &options, &result, &job->error);
    if (status == S3_OK)
        put_copy(job->result, &result);
    return status;
}

static enum s3_status upload_part_copy(struct job *job)
{
    const json_t *range = job_field(job, "range");
    struct s3_upload_part_copy_options options = { .target = job_target(job),
        .upload_id = job_text(job, "upload_id"),
        .number = (uint32_t)job_number(job, "number"),
        .ranged = range != NULL,
        .first = (uint64_t)json_integer_value(json_array_get(range, 0)),
        .last = (uint64_t)json_integer_value(json_array_get(range, 1)) };
    struct s3_copy_result result;
    enum s3_status status;

    job_source(job, &options.source);
    status = job->wrong ? S3_REFUSED : s3_upload_part_copy(job->conn, job->client, &options, &result, &job->error);
    if (status == S3_OK)
        put_copy(job->result, &result);
    return status;
}

static enum s3_status delete_object(struct job *job)
{
    struct s3_delete_options options = { .target = job_target(job),
        .bypass_governance = job_flag(job, "bypass_governance"),
        .if_match = job_text(job, "if_match") };
    struct s3_delete_result result;
    enum s3_status status = s3_delete_object(job->conn, job->client, &options, &result, &job->error);

    if (status == S3_OK) {
        put_text(job->result, "version", result.version);
        put_flag(job->result, "marker", result.marker);
    }
    return status;
}

static json_t *describe_deleted(const struct s3_deleted_entry *entry)
{
    json_t *out = json_object();

    put_bytes(out, "key", entry->key);
    put_span(out, "version", entry->version);
    put_span(out, "marker_version", entry->marker_version);
    put_span(out, "code", entry->code);
    put_span(out, "message", entry->message);
    put_flag(out, "marker", entry->is_marker);
    put_flag(out, "failed", entry->failed);
    return out;
}

/* items: [[key, version or null]] */
static enum s3_status delete_objects(struct job *job)
{
    const json_t *list = job_field(job, "items");
    struct s3_delete_many_options options = { .bucket = job_text(job, "bucket"),
        .expected_owner = job_text(job, "expected_owner"),
        .count = json_array_size(list),
        .bypass_governance = job_flag(job, "bypass_governance") };
    struct s3_delete_item *items = job_keep(job, calloc(options.count + 1, sizeof *items));
    struct s3_deleted deleted;
    json_t *entries = json_array();
    enum s3_status status;

    for (size_t i = 0; i < options.count; i++) {
        const json_t *item = json_array_get(list, i), *version = json_array_get(item, 1);
        items[i].key = job_bytes_of(job, json_array_get(item, 0));
        items[i].version = (struct s3_text){ json_string_value(version), json_string_length(version) };
    }
    options.items = items;
    s3_deleted_init(&deleted);
    status = s3_delete_objects(job->conn, job->client, &options, &deleted, &job->error);
    for (size_t i = 0; status == S3_OK && i < deleted.count; i++)
        json_array_append_new(entries, describe_deleted(&deleted.entries[i]));
    job_put(job, "entries", entries);
    s3_deleted_free(&deleted);
    return status;
}

static enum s3_status get_object_tagging(struct job *job)
{
    struct s3_target target = job_target(job);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    status = s3_get_object_tags(job->conn, job->client, &target, &tags, &job->error);
    if (status == S3_OK)
        job_put_tags(job, &tags);
    s3_tags_free(&tags);
    return status;
}

static enum s3_status put_object_tagging(struct job *job)
{
    struct s3_target target = job_target(job);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    job_tags(job, "tags", &tags);
    status = s3_put_object_tags(job->conn, job->client, &target, &tags, &job->error);
    s3_tags_free(&tags);
    return status;
}

static enum s3_status delete_object_tagging(struct job *job)
{
    struct s3_target target = job_target(job);

    return s3_delete_object_tags(job->conn, job->client, &target, &job->error);
}

static enum s3_status restore_object(struct job *job)
{
    struct s3_restore_options options = {
        .target = job_target(job), .days = (unsigned)job_number(job, "days"), .tier = job_text(job, "tier")
    };
    bool readable = false;
    enum s3_status status = s3_restore_object(job->conn, job->client, &options, &readable, &job->error);

    put_flag(job->result, "readable", readable);
    return status;
}

const struct operation operations_object[] = { { "HeadObject", head_object }, { "GetObject", get_object },
    { "PutObject", put_object }, { "CopyObject", copy_object }, { "DeleteObject", delete_object },
    { "DeleteObjects", delete_objects }, { "GetObjectTagging", get_object_tagging },
    { "PutObjectTagging", put_object_tagging }, { "DeleteObjectTagging", delete_object_tagging },
    { "RestoreObject", restore_object }, { "UploadPart", upload_part }, { "UploadPartCopy", upload_part_copy },
    { NULL, NULL } };
