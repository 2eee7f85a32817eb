/* See restore.h. */
#include "s3/restore.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "s3/call.h"

size_t s3_restore_document(const struct s3_restore_options *options, char out[S3_RESTORE_DOCUMENT_MAX])
{
    char days[32] = "", tier[80] = "";
    int length;

    if (options->days > 0)
        (void)snprintf(days, sizeof days, "<Days>%u</Days>", options->days);
    if (options->tier != NULL) {
        length = snprintf(
                tier, sizeof tier, "<GlacierJobParameters><Tier>%s</Tier></GlacierJobParameters>", options->tier);
        assert(length < (int)sizeof tier); /* the names of tiers are short, and the caller's own */
    }
    length = snprintf(out, S3_RESTORE_DOCUMENT_MAX,
            "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">%s%s</RestoreRequest>", days, tier);
    assert(length > 0 && length < S3_RESTORE_DOCUMENT_MAX);
    return (size_t)length;
}

enum s3_status s3_restore_object(struct s3_conn *conn, struct s3_client *client,
        const struct s3_restore_options *options, bool *readable, struct s3_error *error)
{
    char document[S3_RESTORE_DOCUMENT_MAX];
    struct s3_call call;
    enum s3_status status;

    call_target(&call, conn, client, "RestoreObject", "POST", &options->target);
    call_parameter(&call, "restore", NULL);
    call_header(&call, "content-type", "application/xml");
    call.body = document;
    call.body_len = s3_restore_document(options, document);
    call_content_md5(&call);
    status = call_perform(&call, error);
    *readable = status == S3_OK && error->http_status == 200;
    if (status != S3_OK && strcmp(error->code, "RestoreAlreadyInProgress") == 0)
        return S3_OK;
    return status;
}
