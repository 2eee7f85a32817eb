/* See object.h: reading, writing, copying and deleting one object. Deleting many is delete_many.c, tags are
 * object_tags.c. */
#include "s3/object.h"

#include <stdio.h>
#include <string.h>

#include "s3/call.h"
#include "s3/conn.h"

/* After a call whose caller did not want the headers, they are here. */
static const struct s3_head *head_of(const struct s3_call *call)
{
    return call->head != NULL ? call->head : &call->conn->head;
}

static enum s3_status no_etag(struct s3_error *error)
{
    return s3_fail(error, S3_BAD_DATA, "BadAnswer", "the answer has no ETag");
}

enum s3_status s3_head_object(struct s3_conn *conn, struct s3_client *client, const struct s3_head_options *options,
        struct s3_head *head, struct s3_error *error)
{
    struct s3_call call;
    enum s3_status status;

    call_target(&call, conn, client, "HeadObject", "HEAD", &options->target);
    call_parameter_number(&call, "partNumber", options->part_number);
    call_header(&call, "x-amz-checksum-mode", options->checksum ? "ENABLED" : NULL);
    call_header(&call, "if-match", options->if_match);
    call_header(&call, "if-none-match", options->if_none_match);
    call.head = head;
    status = call_perform(&call, error);
    if (status == S3_OK && !head->has_size)
        return s3_fail(error, S3_BAD_DATA, "BadAnswer", "the answer has no Content-Length");
    return status;
}

enum s3_status s3_get_object(struct s3_conn *conn, struct s3_client *client, const struct s3_get_options *options,
        const struct s3_sink *sink, struct s3_head *head, struct s3_error *error)
{
    struct s3_call call;

    call_target(&call, conn, client, "GetObject", "GET", &options->target);
    call_parameter_number(&call, "partNumber", options->part_number);
    if (options->ranged && options->last == UINT64_MAX)
        call_header_printf(&call, "range", "bytes=%llu-", (unsigned long long)options->first);
    else if (options->ranged)
        call_header_printf(&call, "range", "bytes=%llu-%llu", (unsigned long long)options->first,
                (unsigned long long)options->last);
    call_header(&call, "x-amz-checksum-mode", options->checksum ? "ENABLED" : NULL);
    call_header(&call, "if-match", options->if_match);
    call_header(&call, "if-none-match", options->if_none_match);
    call.partial = options->ranged;
    call.sink = sink;
    call.head = head;
    return call_perform(&call, error);
}

enum s3_status s3_put_object(struct s3_conn *conn, struct s3_client *client, const struct s3_put_options *options,
        struct s3_put_result *result, struct s3_error *error)
{
    struct s3_call call;
    const struct s3_head *head;
    enum s3_status status;

    call_target(&call, conn, client, "PutObject", "PUT", &options->target);
    call.body = options->body;
    call.body_len = options->body_len;
    call.reader = options->reader;
    call_write(&call, &options->write);
    if (options->content_md5 && options->reader == NULL)
        call_content_md5(&call);
    else
        call_header(&call, "content-md5", options->content_md5_base64);
    if (options->checksum_name != NULL)
        call_header(&call, options->checksum_name, options->checksum_value);
    status = call_perform(&call, error);
    if (status != S3_OK)
        return status;
    head = head_of(&call);
    (void)snprintf(result->etag, sizeof result->etag, "%s", head->etag);
    (void)snprintf(result->version, sizeof result->version, "%s", head->version);
    (void)snprintf(result->checksum, sizeof result->checksum, "%s", head->checksum);
    return head->etag[0] != '\0' ? S3_OK : no_etag(error);
}

enum s3_status s3_copy_object(struct s3_conn *conn, struct s3_client *client, const struct s3_copy_options *options,
        struct s3_copy_result *result, struct s3_error *error)
{
    struct s3_call call;
    enum s3_status status;

    call_begin_object(&call, conn, client, "CopyObject", "PUT", options->target.bucket, options->target.key);
    call_header(&call, "x-amz-expected-bucket-owner", options->target.expected_owner);
    call_copy_source(&call, &options->source);
    call_write(&call, &options->write);
    call_header(&call, "x-amz-metadata-directive", options->metadata_directive);
    call_header(&call, "x-amz-tagging-directive", options->tagging_directive);
    call_header(&call, "x-amz-object-annotation-directive", options->annotation_directive);
    call.slow = true;
    call.answer = S3_ANSWER_COPY;
    call.answer_out = &result->answer;
    status = call_perform(&call, error);
    if (status != S3_OK)
        return status;
    (void)memccpy(result->version, head_of(&call)->version, '\0', sizeof result->version);
    (void)memccpy(result->source_version, head_of(&call)->source_version, '\0', sizeof result->source_version);
    return S3_OK;
}

enum s3_status s3_delete_object(struct s3_conn *conn, struct s3_client *client, const struct s3_delete_options *options,
        struct s3_delete_result *result, struct s3_error *error)
{
    struct s3_call call;
    enum s3_status status;

    call_target(&call, conn, client, "DeleteObject", "DELETE", &options->target);
    call_header(&call, "x-amz-bypass-governance-retention", options->bypass_governance ? "true" : NULL);
    call_header(&call, "if-match", options->if_match);
    status = call_perform(&call, error);
    if (status != S3_OK)
        return status;
    (void)snprintf(result->version, sizeof result->version, "%s", head_of(&call)->version);
    result->marker = head_of(&call)->delete_marker;
    return S3_OK;
}
