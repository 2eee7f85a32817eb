/* See retention.h; what the answers hold is read by answer_lock.c. */
#include "s3/retention.h"

#include <string.h>

#include "s3/call.h"
#include "s3/xml_write.h"

enum { BODY_MAX = 1024 };

enum s3_status s3_get_object_retention(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_retention *retention, struct s3_error *error)
{
    struct s3_call call;
    struct s3_error own;
    enum s3_status status;

    if (error == NULL)
        error = &own;
    call_target(&call, conn, client, "GetObjectRetention", "GET", target);
    call_parameter(&call, "retention", NULL);
    call.answer = S3_ANSWER_RETENTION;
    call.answer_out = retention;
    status = call_perform(&call, error);
    if (status == S3_NOT_FOUND && (strcmp(error->code, "NoSuchObjectLockConfiguration") == 0 ||
                                          strcmp(error->code, "ObjectLockConfigurationNotFoundError") == 0)) {
        *retention = (struct s3_retention){ .until_ms = 0 }; /* S3 says it in the first words, RGW in the second */
        return S3_OK;
    }
    return status;
}

static bool write_retention(struct s3_buffer *body, const struct s3_put_retention_options *options)
{
    const struct s3_text mode = { options->mode, strlen(options->mode) };
    const struct s3_text until = { options->until, strlen(options->until) };

    return s3_buffer_add_text(body, "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">") &&
           xml_add_element(body, "Mode", mode) && xml_add_element(body, "RetainUntilDate", until) &&
           s3_buffer_add_text(body, "</Retention>");
}

enum s3_status s3_put_object_retention(struct s3_conn *conn, struct s3_client *client,
        const struct s3_put_retention_options *options, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    enum s3_status status;

    s3_buffer_init(&body, BODY_MAX);
    call_target(&call, conn, client, "PutObjectRetention", "PUT", &options->target);
    call_parameter(&call, "retention", NULL);
    if (!write_retention(&body, options))
        call.overflow = true;
    call.body = body.ptr;
    call.body_len = body.len;
    call_header(&call, "content-type", "application/xml");
    call_content_md5(&call);
    status = call_perform(&call, error);
    s3_buffer_free(&body);
    return status;
}

static void begin(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const struct s3_bucket_options *options)
{
    call_begin(call, conn, client, operation, method, options->bucket, (struct s3_text){ NULL, 0 });
    call_header(call, "x-amz-expected-bucket-owner", options->expected_owner);
    call_parameter(call, "object-lock", NULL);
}

enum s3_status s3_get_bucket_lock(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_bucket_lock *lock, struct s3_error *error)
{
    struct s3_call call;
    struct s3_error own;
    enum s3_status status;

    if (error == NULL)
        error = &own;
    begin(&call, conn, client, "GetObjectLockConfiguration", "GET", options);
    call.answer = S3_ANSWER_BUCKET_LOCK;
    call.answer_out = lock;
    status = call_perform(&call, error);
    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchBucket") != 0) {
        *lock = (struct s3_bucket_lock){ .enabled = false };
        return S3_OK;
    }
    return status;
}

enum s3_status s3_put_bucket_lock(
        struct s3_conn *conn, struct s3_client *client, const struct s3_bucket_options *options, struct s3_error *error)
{
    static const char on[] = "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                             "<ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
    struct s3_call call;

    begin(&call, conn, client, "PutObjectLockConfiguration", "PUT", options);
    call.body = on;
    call.body_len = sizeof on - 1;
    call_header(&call, "content-type", "application/xml");
    call_content_md5(&call);
    return call_perform(&call, error);
}
