/* The driver's operations on multipart uploads; their parts are in object.c, beside put and copy. */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>

#include "s3/multipart.h"

static enum s3_status create_upload(struct job *job)
{
    struct s3_create_upload_options options = { .target = job_target(job) };
    struct s3_upload_answer upload;
    enum s3_status status;

    job_write(job, &options.write);
    status = s3_create_upload(job->conn, job->client, &options, &upload, &job->error);
    if (status == S3_OK)
        put_text(job->result, "upload_id", upload.upload_id);
    return status;
}

/* parts: [[number, etag]] */
static enum s3_status complete_upload(struct job *job)
{
    const json_t *list = job_field(job, "parts");
    size_t count = json_array_size(list);
    struct s3_part_entry *parts = job_keep(job, calloc(count + 1, sizeof *parts));
    struct s3_complete_upload_options options = { .target = job_target(job),
        .upload_id = job_text(job, "upload_id"),
        .parts = parts,
        .count = count,
        .size = job_number(job, "size"),
        .if_match = job_text(job, "if_match"),
        .if_none_match = job_text(job, "if_none_match") };
    struct s3_copy_result result;
    enum s3_status status;

    for (size_t i = 0; i < count; i++) {
        const char *etag = json_string_value(json_array_get(json_array_get(list, i), 1));
        parts[i].number = (uint32_t)json_integer_value(json_array_get(json_array_get(list, i), 0));
        (void)snprintf(parts[i].etag, sizeof parts[i].etag, "%s", etag != NULL ? etag : "");
    }
    status = s3_complete_upload(job->conn, job->client, &options, &result, &job->error);
    if (status == S3_OK) {
        put_text(job->result, "etag", result.answer.etag);
        put_text(job->result, "checksum", result.answer.checksum);
        put_text(job->result, "version", result.version);
    }
    return status;
}

static enum s3_status abort_upload(struct job *job)
{
    struct s3_target target = job_target(job);
    const char *upload_id = job_text(job, "upload_id");

    return s3_abort_upload(job->conn, job->client, &target, upload_id, &job->error);
}

static enum s3_status list_parts(struct job *job)
{
    struct s3_list_parts_options options = { .target = job_target(job),
        .upload_id = job_text(job, "upload_id"),
        .after = (uint32_t)job_number(job, "after"),
        .max_parts = (uint32_t)job_number(job, "max_parts") };
    struct s3_part_page page;
    json_t *parts = json_array();
    enum s3_status status;

    s3_part_page_init(&page);
    status = s3_list_parts(job->conn, job->client, &options, &page, &job->error);
    for (size_t i = 0; status == S3_OK && i < page.count; i++) {
        json_t *one = json_object();
        put_number(one, "number", page.parts[i].number);
        put_number(one, "size", page.parts[i].size);
        put_text(one, "etag", page.parts[i].etag);
        json_array_append_new(parts, one);
    }
    job_put(job, "parts", parts);
    if (status == S3_OK) {
        put_flag(job->result, "truncated", page.truncated);
        put_number(job->result, "next_number", page.next_number);
    }
    s3_part_page_free(&page);
    return status;
}

const struct operation operations_multipart[] = { { "CreateMultipartUpload", create_upload },
    { "CompleteMultipartUpload", complete_upload }, { "AbortMultipartUpload", abort_upload },
    { "ListParts", list_parts }, { NULL, NULL } };
