/* See multipart.h. */
#include "s3/multipart.h"

#include <stdio.h>
#include <string.h>

#include "s3/call.h"
#include "s3/conn.h"
#include "s3/xml_write.h"

enum { PARTS_MAX = 10000, COMPLETE_MAX = PARTS_MAX * (6 * S3_ETAG_MAX + 128) };

static void begin_upload_call(struct s3_call *call, struct s3_conn *conn, struct s3_client *client,
        const char *operation, const char *method, const struct s3_target *target, const char *upload_id)
{
    call_begin_object(call, conn, client, operation, method, target->bucket, target->key);
    call_header(call, "x-amz-expected-bucket-owner", target->expected_owner);
    if (upload_id != NULL)
        call_parameter(call, "uploadId", upload_id);
}

enum s3_status s3_create_upload(struct s3_conn *conn, struct s3_client *client,
        const struct s3_create_upload_options *options, struct s3_upload_answer *upload, struct s3_error *error)
{
    struct s3_call call;

    begin_upload_call(&call, conn, client, "CreateMultipartUpload", "POST", &options->target, NULL);
    call_parameter(&call, "uploads", NULL);
    call_write(&call, &options->write);
    call.answer = S3_ANSWER_CREATE_UPLOAD;
    call.answer_out = upload;
    return call_perform(&call, error);
}

enum s3_status s3_upload_part(struct s3_conn *conn, struct s3_client *client,
        const struct s3_upload_part_options *options, struct s3_put_result *result, struct s3_error *error)
{
    struct s3_call call;
    enum s3_status status;

    begin_upload_call(&call, conn, client, "UploadPart", "PUT", &options->target, options->upload_id);
    call_parameter_number(&call, "partNumber", options->number);
    call.body = options->body;
    call.body_len = options->body_len;
    call.reader = options->reader;
    if (options->content_md5 && options->reader == NULL)
        call_content_md5(&call);
    else
        call_header(&call, "content-md5", options->content_md5_base64);
    if (options->checksum_name != NULL)
        call_header(&call, options->checksum_name, options->checksum_value);
    status = call_perform(&call, error);
    if (status != S3_OK)
        return status;
    (void)snprintf(result->etag, sizeof result->etag, "%s", conn->head.etag);
    (void)snprintf(result->checksum, sizeof result->checksum, "%s", conn->head.checksum);
    result->version[0] = '\0';
    if (result->etag[0] == '\0')
        return s3_fail(error, S3_BAD_DATA, "BadAnswer", "the answer has no ETag");
    return S3_OK;
}

enum s3_status s3_upload_part_copy(struct s3_conn *conn, struct s3_client *client,
        const struct s3_upload_part_copy_options *options, struct s3_copy_result *result, struct s3_error *error)
{
    struct s3_call call;
    enum s3_status status;

    begin_upload_call(&call, conn, client, "UploadPartCopy", "PUT", &options->target, options->upload_id);
    call_parameter_number(&call, "partNumber", options->number);
    call_copy_source(&call, &options->source);
    if (options->ranged)
        call_header_printf(&call, "x-amz-copy-source-range", "bytes=%llu-%llu", (unsigned long long)options->first,
                (unsigned long long)options->last);
    call.slow = true;
    call.answer = S3_ANSWER_COPY;
    call.answer_out = &result->answer;
    status = call_perform(&call, error);
    if (status != S3_OK)
        return status;
    result->version[0] = '\0';
    (void)snprintf(result->source_version, sizeof result->source_version, "%s", conn->head.source_version);
    return S3_OK;
}

static bool write_parts(const struct s3_complete_upload_options *options, struct s3_buffer *body)
{
    if (!s3_buffer_add_text(body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"))
        return false;
    for (size_t i = 0; i < options->count; i++) {
        char quoted[S3_ETAG_MAX + 3];
        int length = snprintf(quoted, sizeof quoted, "\"%s\"", options->parts[i].etag);
        if (!s3_buffer_add_text(body, "<Part>") ||
                !xml_add_element(body, "ETag", (struct s3_text){ quoted, (size_t)length }) ||
                !s3_buffer_printf(body, "<PartNumber>%u</PartNumber></Part>", options->parts[i].number))
            return false;
    }
    return s3_buffer_add_text(body, "</CompleteMultipartUpload>");
}

enum s3_status s3_complete_upload(struct s3_conn *conn, struct s3_client *client,
        const struct s3_complete_upload_options *options, struct s3_copy_result *result, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    enum s3_status status;

    s3_buffer_init(&body, COMPLETE_MAX);
    begin_upload_call(&call, conn, client, "CompleteMultipartUpload", "POST", &options->target, options->upload_id);
    if (options->count > PARTS_MAX || !write_parts(options, &body))
        call.overflow = true;
    call.body = body.ptr;
    call.body_len = body.len;
    call_header(&call, "content-type", "application/xml");
    if (options->size > 0)
        call_header_printf(&call, "x-amz-mp-object-size", "%llu", (unsigned long long)options->size);
    call_header(&call, "if-match", options->if_match);
    call_header(&call, "if-none-match", options->if_none_match);
    call.slow = true;
    call.answer = S3_ANSWER_COMPLETE;
    call.answer_out = &result->answer;
    status = call_perform(&call, error);
    s3_buffer_free(&body);
    if (status != S3_OK)
        return status;
    (void)snprintf(result->version, sizeof result->version, "%s", conn->head.version);
    result->source_version[0] = '\0';
    return S3_OK;
}

enum s3_status s3_abort_upload(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        const char *upload_id, struct s3_error *error)
{
    struct s3_call call;

    begin_upload_call(&call, conn, client, "AbortMultipartUpload", "DELETE", target, upload_id);
    return call_perform(&call, error);
}

enum s3_status s3_list_parts(struct s3_conn *conn, struct s3_client *client,
        const struct s3_list_parts_options *options, struct s3_part_page *page, struct s3_error *error)
{
    struct s3_call call;

    begin_upload_call(&call, conn, client, "ListParts", "GET", &options->target, options->upload_id);
    call_parameter_number(&call, "part-number-marker", options->after);
    call_parameter_number(&call, "max-parts", options->max_parts);
    call.answer = S3_ANSWER_PARTS;
    call.answer_out = page;
    return call_perform(&call, error);
}

enum s3_status s3_list_uploads(struct s3_conn *conn, struct s3_client *client,
        const struct s3_list_uploads_options *options, struct s3_page *page, struct s3_error *error)
{
    struct s3_call call;

    call_begin(&call, conn, client, "ListMultipartUploads", "GET", options->bucket, (struct s3_text){ NULL, 0 });
    call_header(&call, "x-amz-expected-bucket-owner", options->expected_owner);
    call_parameter(&call, "uploads", NULL);
    call_parameter(&call, "encoding-type", "url");
    call_parameter_text(&call, "prefix", options->prefix);
    call_parameter_text(&call, "key-marker", options->key_marker);
    call_parameter_text(&call, "upload-id-marker", options->upload_marker);
    call_parameter_number(&call, "max-uploads", options->max_uploads);
    call.answer = S3_ANSWER_UPLOADS;
    call.answer_out = page;
    return call_perform(&call, error);
}
