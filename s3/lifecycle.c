/* See lifecycle.h; what an answer holds is read by answer_lifecycle.c, documents are made in lifecycle_write.c. */
#include "s3/lifecycle.h"

#include <stdio.h>
#include <string.h>

#include "s3/call.h"
#include "s3/conn.h"

static void begin(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const struct s3_bucket_options *options)
{
    call_begin(call, conn, client, operation, method, options->bucket, (struct s3_text){ NULL, 0 });
    call_header(call, "x-amz-expected-bucket-owner", options->expected_owner);
    call_parameter(call, "lifecycle", NULL);
}

enum s3_status s3_get_bucket_lifecycle(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_lifecycle *lifecycle, struct s3_error *error)
{
    struct s3_call call;
    struct s3_error own;
    enum s3_status status;

    if (error == NULL)
        error = &own;
    begin(&call, conn, client, "GetBucketLifecycleConfiguration", "GET", options);
    call.answer = S3_ANSWER_LIFECYCLE;
    call.answer_out = lifecycle;
    status = call_perform(&call, error);
    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchLifecycleConfiguration") == 0) {
        lifecycle->count = lifecycle->move_count = 0;
        return S3_OK;
    }
    return status;
}

enum s3_status s3_get_bucket_lifecycle_document(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_buffer *document, char minimum[S3_LIFECYCLE_MINIMUM_SIZE],
        struct s3_error *error)
{
    struct s3_error own;
    enum s3_status status;

    if (error == NULL)
        error = &own;
    status = s3_get_bucket_document(conn, client, options, "lifecycle", document, error);
    (void)snprintf(minimum, S3_LIFECYCLE_MINIMUM_SIZE, "%s", status == S3_OK ? conn->head.transition_minimum : "");
    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchLifecycleConfiguration") == 0)
        return S3_OK;
    return status;
}

enum s3_status s3_put_bucket_lifecycle(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_text document, const char *minimum, struct s3_error *error)
{
    struct s3_call call;

    begin(&call, conn, client, "PutBucketLifecycleConfiguration", "PUT", options);
    call_header(&call, "content-type", "application/xml");
    call_header(&call, "x-amz-transition-default-minimum-object-size", minimum);
    call.body = document.ptr;
    call.body_len = document.len;
    call_content_md5(&call);
    return call_perform(&call, error);
}
