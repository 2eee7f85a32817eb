/* The driver's operations on buckets and lists. */
#include "job.h"

#include <stdlib.h>

#include "s3/bucket.h"
#include "s3/list.h"
#include "s3/multipart.h"
#include "s3/sts.h"

static json_t *describe_entry(const struct s3_page_entry *entry)
{
    json_t *out = json_object();

    put_bytes(out, "key", entry->key);
    put_span(out, "etag", entry->etag);
    put_span(out, "class", entry->class_);
    put_span(out, "version", entry->version);
    put_number(out, "size", entry->size);
    put_number(out, "modified_ms", (uint64_t)entry->modified_ms);
    put_number(out, "restore_expiry_ms", (uint64_t)entry->restore_expiry_ms);
    put_flag(out, "latest", entry->is_latest);
    put_flag(out, "marker", entry->is_marker);
    put_flag(out, "restore_in_progress", entry->restore_in_progress);
    return out;
}

static void put_page(json_t *out, const struct s3_page *page)
{
    json_t *entries = json_array(), *prefixes = json_array();

    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(entries, describe_entry(&page->entries[i]));
    for (size_t i = 0; i < page->prefix_count; i++) {
        json_t *one = json_object();
        put_bytes(one, "prefix", page->prefixes[i]);
        json_array_append_new(prefixes, one);
    }
    json_object_set_new(out, "entries", entries);
    json_object_set_new(out, "prefixes", prefixes);
    put_flag(out, "truncated", page->truncated);
    put_bytes(out, "next_token", page->next_token);
    put_bytes(out, "next_key", page->next_key);
    put_span(out, "next_version", page->next_version);
}

static enum s3_status list_objects(struct job *job)
{
    struct s3_list_options options = { .bucket = job_text(job, "bucket"),
        .expected_owner = job_text(job, "expected_owner"),
        .prefix = job_bytes(job, "prefix"),
        .start_after = job_bytes(job, "start_after"),
        .token = job_bytes(job, "page_token"),
        .delimiter = job_text(job, "delimiter"),
        .max_keys = (uint32_t)job_number(job, "max_keys"),
        .restore_status = job_flag(job, "restore_status") };
    struct s3_page page;
    enum s3_status status;

    s3_page_init(&page);
    status = s3_list_objects(job->conn, job->client, &options, &page, &job->error);
    if (status == S3_OK)
        put_page(job->result, &page);
    s3_page_free(&page);
    return status;
}

static enum s3_status list_versions(struct job *job)
{
    struct s3_versions_options options = { .bucket = job_text(job, "bucket"),
        .expected_owner = job_text(job, "expected_owner"),
        .prefix = job_bytes(job, "prefix"),
        .key_marker = job_bytes(job, "key_marker"),
        .version_marker = job_bytes(job, "version_marker"),
        .delimiter = job_text(job, "delimiter"),
        .max_keys = (uint32_t)job_number(job, "max_keys"),
        .restore_status = job_flag(job, "restore_status") };
    struct s3_page page;
    enum s3_status status;

    s3_page_init(&page);
    status = s3_list_versions(job->conn, job->client, &options, &page, &job->error);
    if (status == S3_OK)
        put_page(job->result, &page);
    s3_page_free(&page);
    return status;
}

static enum s3_status list_uploads(struct job *job)
{
    struct s3_list_uploads_options options = { .bucket = job_text(job, "bucket"),
        .expected_owner = job_text(job, "expected_owner"),
        .prefix = job_bytes(job, "prefix"),
        .key_marker = job_bytes(job, "key_marker"),
        .upload_marker = job_bytes(job, "upload_marker"),
        .max_uploads = (uint32_t)job_number(job, "max_uploads") };
    struct s3_page page;
    enum s3_status status;

    s3_page_init(&page);
    status = s3_list_uploads(job->conn, job->client, &options, &page, &job->error);
    if (status == S3_OK)
        put_page(job->result, &page);
    s3_page_free(&page);
    return status;
}

static enum s3_status list_buckets(struct job *job)
{
    struct s3_list_buckets_options options = { .prefix = job_bytes(job, "prefix"),
        .token = job_bytes(job, "page_token"),
        .max_buckets = (uint32_t)job_number(job, "max_buckets") };
    struct s3_bucket_page page;
    json_t *list = json_array();
    enum s3_status status;

    s3_bucket_page_init(&page);
    status = s3_list_buckets(job->conn, job->client, &options, &page, &job->error);
    for (size_t i = 0; status == S3_OK && i < page.count; i++) {
        json_t *one = json_object();
        put_span(one, "name", page.entries[i].name);
        put_span(one, "region", page.entries[i].region);
        put_number(one, "created_ms", (uint64_t)page.entries[i].created_ms);
        json_array_append_new(list, one);
    }
    job_put(job, "buckets", list);
    if (status == S3_OK)
        put_bytes(job->result, "next_token", page.next_token);
    s3_bucket_page_free(&page);
    return status;
}

static struct s3_bucket_options bucket_of(struct job *job)
{
    return (struct s3_bucket_options){ job_text(job, "bucket"), job_text(job, "expected_owner") };
}

static enum s3_status head_bucket(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);
    struct s3_bucket_head head;
    enum s3_status status = s3_head_bucket(job->conn, job->client, &options, &head, &job->error);

    if (status == S3_OK)
        put_text(job->result, "region", head.region);
    return status;
}

static enum s3_status get_bucket_location(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);
    struct s3_location_answer answer;
    enum s3_status status = s3_get_bucket_location(job->conn, job->client, &options, &answer, &job->error);

    if (status == S3_OK)
        put_text(job->result, "region", answer.region);
    return status;
}

static enum s3_status get_bucket_versioning(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);
    struct s3_versioning_answer answer;
    enum s3_status status = s3_get_bucket_versioning(job->conn, job->client, &options, &answer, &job->error);

    if (status == S3_OK) {
        put_flag(job->result, "enabled", answer.enabled);
        put_flag(job->result, "suspended", answer.suspended);
    }
    return status;
}

static enum s3_status put_bucket_versioning(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);

    return s3_put_bucket_versioning(job->conn, job->client, &options, job_flag(job, "enabled"), &job->error);
}

static enum s3_status get_bucket_tagging(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    status = s3_get_bucket_tags(job->conn, job->client, &options, &tags, &job->error);
    if (status == S3_OK)
        job_put_tags(job, &tags);
    s3_tags_free(&tags);
    return status;
}

static enum s3_status put_bucket_tagging(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    job_tags(job, "tags", &tags);
    status = s3_put_bucket_tags(job->conn, job->client, &options, &tags, &job->error);
    s3_tags_free(&tags);
    return status;
}

static enum s3_status get_bucket_document(struct job *job)
{
    struct s3_bucket_options options = bucket_of(job);
    const char *subresource = job_text(job, "subresource");
    size_t max = (size_t)job_number(job, "max");
    struct s3_buffer document;
    enum s3_status status;

    s3_buffer_init(&document, max > 0 ? max : 1 << 20);
    status = s3_get_bucket_document(
            job->conn, job->client, &options, subresource != NULL ? subresource : "policy", &document, &job->error);
    put_bytes(job->result, "document", (struct s3_text){ document.ptr, document.len });
    s3_buffer_free(&document);
    return status;
}

static enum s3_status assume_role(struct job *job)
{
    struct s3_assume_role_options options = { .role_arn = job_text(job, "role_arn"),
        .session_name = job_text(job, "session_name"),
        .external_id = job_text(job, "external_id"),
        .policy = job_text(job, "policy"),
        .duration_seconds = (unsigned)job_number(job, "duration_seconds") };
    struct s3_session_answer session;
    enum s3_status status = s3_assume_role(job->conn, job->sts, &options, &session, &job->error);

    if (status == S3_OK) {
        put_text(job->result, "access_key", session.access_key);
        put_text(job->result, "secret_key", session.secret_key);
        put_text(job->result, "token", session.token);
        put_text(job->result, "account", session.account);
        put_number(job->result, "expires", (uint64_t)session.expires);
    }
    s3_session_answer_wipe(&session);
    return status;
}

static enum s3_status get_caller_identity(struct job *job)
{
    struct s3_identity_answer identity;
    enum s3_status status = s3_get_caller_identity(job->conn, job->sts, &identity, &job->error);

    if (status == S3_OK) {
        put_text(job->result, "account", identity.account);
        put_text(job->result, "arn", identity.arn);
        put_text(job->result, "user_id", identity.user_id);
    }
    return status;
}

const struct operation operations_list[] = { { "ListObjectsV2", list_objects }, { "ListObjectVersions", list_versions },
    { "ListMultipartUploads", list_uploads }, { "ListBuckets", list_buckets }, { NULL, NULL } };
const struct operation operations_bucket[] = { { "HeadBucket", head_bucket },
    { "GetBucketLocation", get_bucket_location }, { "GetBucketVersioning", get_bucket_versioning },
    { "PutBucketVersioning", put_bucket_versioning }, { "GetBucketTagging", get_bucket_tagging },
    { "PutBucketTagging", put_bucket_tagging }, { "GetBucketDocument", get_bucket_document },
    { "AssumeRole", assume_role }, { "GetCallerIdentity", get_caller_identity }, { NULL, NULL } };
