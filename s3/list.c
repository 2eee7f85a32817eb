/* See list.h. */
#include "s3/list.h"

#include "s3/call.h"

enum s3_status s3_list_objects(struct s3_conn *conn, struct s3_client *client, const struct s3_list_options *options,
        struct s3_page *page, struct s3_error *error)
{
    struct s3_call call;

    call_begin(&call, conn, client, "ListObjectsV2", "GET", options->bucket, (struct s3_text){ NULL, 0 });
    call_header(&call, "x-amz-expected-bucket-owner", options->expected_owner);
    call_parameter(&call, "list-type", "2");
    call_parameter(&call, "encoding-type", "url");
    call_parameter_text(&call, "prefix", options->prefix);
    if (options->token.len > 0)
        call_parameter_text(&call, "continuation-token", options->token);
    else
        call_parameter_text(&call, "start-after", options->start_after);
    if (options->delimiter != NULL && options->delimiter[0] != '\0')
        call_parameter(&call, "delimiter", options->delimiter);
    call_parameter_number(&call, "max-keys", options->max_keys);
    call_header(&call, "x-amz-optional-object-attributes", options->restore_status ? "RestoreStatus" : NULL);
    call.answer = S3_ANSWER_LIST;
    call.answer_out = page;
    return call_perform(&call, error);
}

enum s3_status s3_list_versions(struct s3_conn *conn, struct s3_client *client,
        const struct s3_versions_options *options, struct s3_page *page, struct s3_error *error)
{
    struct s3_call call;

    call_begin(&call, conn, client, "ListObjectVersions", "GET", options->bucket, (struct s3_text){ NULL, 0 });
    call_header(&call, "x-amz-expected-bucket-owner", options->expected_owner);
    call_parameter(&call, "versions", NULL);
    call_parameter(&call, "encoding-type", "url");
    call_parameter_text(&call, "prefix", options->prefix);
    call_parameter_text(&call, "key-marker", options->key_marker);
    call_parameter_text(&call, "version-id-marker", options->version_marker);
    if (options->delimiter != NULL && options->delimiter[0] != '\0')
        call_parameter(&call, "delimiter", options->delimiter);
    call_parameter_number(&call, "max-keys", options->max_keys);
    call_header(&call, "x-amz-optional-object-attributes", options->restore_status ? "RestoreStatus" : NULL);
    call.answer = S3_ANSWER_VERSIONS;
    call.answer_out = page;
    return call_perform(&call, error);
}
