/* See lifecycle.h; what an answer holds is read by answer_lifecycle.c. */
#include "s3/lifecycle.h"

#include <string.h>

#include "s3/call.h"

enum s3_status s3_get_bucket_lifecycle(struct s3_conn *conn, struct s3_client *client,
        const struct s3_bucket_options *options, struct s3_lifecycle *lifecycle, struct s3_error *error)
{
    struct s3_call call;
    struct s3_error own;
    enum s3_status status;

    if (error == NULL)
        error = &own;
    call_begin(&call, conn, client, "GetBucketLifecycleConfiguration", "GET", options->bucket,
            (struct s3_text){ NULL, 0 });
    call_header(&call, "x-amz-expected-bucket-owner", options->expected_owner);
    call_parameter(&call, "lifecycle", NULL);
    call.answer = S3_ANSWER_LIFECYCLE;
    call.answer_out = lifecycle;
    status = call_perform(&call, error);
    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchLifecycleConfiguration") == 0) {
        lifecycle->count = lifecycle->move_count = 0;
        return S3_OK;
    }
    return status;
}
