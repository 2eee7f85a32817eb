/* See bucket.h. */
#include "s3/bucket.h"

#include <stdio.h>
#include <string.h>

#include "s3/call.h"
#include "s3/conn.h"
#include "s3/endpoint.h"
#include "s3/tags.h"

static void begin(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const struct s3_bucket_options *options, const char *subresource)
{
    call_begin(call, conn, client, operation, method, options->bucket, (struct s3_text){ NULL, 0 });
    call_header(call, "x-amz-expected-bucket-owner", options->expected_owner);
    if (subresource != NULL)
        call_parameter(call, subresource, NULL);
}

enum s3_status s3_list_buckets(struct s3_conn *conn, struct s3_client *client,
        const struct s3_list_buckets_options *options, struct s3_bucket_page *page, struct s3_error *error)
{
    struct s3_call call;

    call_begin(&call, conn, client, "ListBuckets", "GET", NULL, (struct s3_text){ NULL, 0 });
    call_parameter_text(&call, "prefix", options->prefix);
    call_parameter_text(&call, "continuation-token", options->token);
    call_parameter_number(&call, "max-buckets", options->max_buckets);
    call.answer = S3_ANSWER_BUCKETS;
    call.answer_out = page;
    return call_perform(&call, error);
}

enum s3_status s3_head_bucket(struct s3_conn *conn, struct s3_client *client, const struct s3_bucket_options *options,
        struct s3_bucket_head *head, struct s3_error *error)
{
    struct s3_call call;
    enum s3_status status;

    begin(&call, conn, client, "HeadBucket", "HEAD", options, NULL);
    status = call_perform(&call, error);
    if (status != S3_OK)
        return status;
    (void)snprintf(head->region, sizeof head->region, "%s", conn->head.region);
    if (head->region[0] != '\0')
        s3_client_set_region(client, options->bucket, head->region);
    return S3_OK;
}

enum s3_status s3_get_bucket_location(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_location_answer *location, struct s3_error *error)
{
    struct s3_call call;

    begin(&call, conn, client, "GetBucketLocation", "GET", options, "location");
    call.answer = S3_ANSWER_LOCATION;
    call.answer_out = location;
    return call_perform(&call, error);
}

enum s3_status s3_get_bucket_versioning(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_versioning_answer *versioning, struct s3_error *error)
{
    struct s3_call call;

    begin(&call, conn, client, "GetBucketVersioning", "GET", options, "versioning");
    call.answer = S3_ANSWER_VERSIONING;
    call.answer_out = versioning;
    return call_perform(&call, error);
}

enum s3_status s3_put_bucket_versioning(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, bool enabled, struct s3_error *error)
{
    static const char on[] = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                             "<Status>Enabled</Status></VersioningConfiguration>";
    static const char off[] = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                              "<Status>Suspended</Status></VersioningConfiguration>";
    struct s3_call call;

    begin(&call, conn, client, "PutBucketVersioning", "PUT", options, "versioning");
    call.body = enabled ? on : off;
    call.body_len = strlen(enabled ? on : off);
    call_header(&call, "content-type", "application/xml");
    call_content_md5(&call);
    return call_perform(&call, error);
}

enum s3_status s3_get_bucket_tags(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_tags *tags, struct s3_error *error)
{
    struct s3_call call;
    struct s3_error own;
    enum s3_status status;

    if (error == NULL)
        error = &own;
    begin(&call, conn, client, "GetBucketTagging", "GET", options, "tagging");
    call.answer = S3_ANSWER_TAGS;
    call.answer_out = tags;
    status = call_perform(&call, error);
    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchTagSet") == 0) {
        tags->count = 0;
        return S3_OK;
    }
    return status;
}

enum s3_status s3_put_bucket_tags(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, const struct s3_tags *tags, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    enum s3_status status;

    begin(&call, conn, client, "PutBucketTagging", "PUT", options, "tagging");
    if (!tags_set_body(&call, tags, &body))
        call.overflow = true;
    status = call_perform(&call, error);
    s3_buffer_free(&body);
    return status;
}

enum s3_status s3_create_bucket(struct s3_conn *conn, struct s3_client *client, const char *bucket, const char *region,
        bool lock, struct s3_error *error)
{
    struct s3_call call;
    char body[256];
    int length = snprintf(body, sizeof body,
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>%s"
            "</LocationConstraint></CreateBucketConfiguration>",
            region);

    call_begin(&call, conn, client, "CreateBucket", "PUT", bucket, (struct s3_text){ NULL, 0 });
    call_header(&call, "x-amz-bucket-object-lock-enabled", lock ? "true" : NULL);
    if (strcmp(region, "us-east-1") != 0) { /* this one has no name of its own there */
        call.overflow = call.overflow || !s3_region_is_valid(region) || length >= (int)sizeof body;
        call.body = body;
        call.body_len = strlen(body);
        call_header(&call, "content-type", "application/xml");
    }
    return call_perform(&call, error);
}

static const struct {
    const char *subresource, *get, *put;
} documents[] = {
    { "policy", "GetBucketPolicy", "PutBucketPolicy" },
    { "encryption", "GetBucketEncryption", "PutBucketEncryption" },
    { "publicAccessBlock", "GetPublicAccessBlock", "PutPublicAccessBlock" },
    { "ownershipControls", "GetBucketOwnershipControls", "PutBucketOwnershipControls" },
    { "object-lock", "GetObjectLockConfiguration", "PutObjectLockConfiguration" },
    { "", "GetBucketDocument", "PutBucketDocument" },
};

static size_t document_of(const char *subresource)
{
    size_t i = 0;

    while (documents[i].subresource[0] != '\0' && strcmp(documents[i].subresource, subresource) != 0)
        i++;
    return i;
}

enum s3_status s3_put_bucket_document(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, const char *subresource, const char *document, struct s3_error *error)
{
    struct s3_call call;

    begin(&call, conn, client, documents[document_of(subresource)].put, "PUT", options, subresource);
    call.body = document;
    call.body_len = strlen(document);
    call_header(&call, "content-type", document[0] == '<' ? "application/xml" : "application/json");
    call_content_md5(&call);
    return call_perform(&call, error);
}

static bool gather(void *ctx, const char *bytes, size_t length)
{
    return s3_buffer_add(ctx, bytes, length);
}

static bool forget(void *ctx)
{
    s3_buffer_clear(ctx);
    return true;
}

enum s3_status s3_get_bucket_document(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, const char *subresource, struct s3_buffer *document,
        struct s3_error *error)
{
    const struct s3_sink sink = { .write = gather, .restart = forget, .ctx = document };
    struct s3_call call;

    begin(&call, conn, client, documents[document_of(subresource)].get, "GET", options, subresource);
    call.sink = &sink;
    return call_perform(&call, error);
}
