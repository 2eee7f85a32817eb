/* See restore.h. */
#include "s3/restore.h"

#include <stdio.h>
#include <string.h>

#include "s3/call.h"

enum { BODY_MAX = 512 };

enum s3_status s3_restore_object(struct s3_conn *conn, struct s3_client *client,
        const struct s3_restore_options *options, struct s3_error *error)
{
    char body[BODY_MAX], days[40] = "", tier[80] = "";
    struct s3_call call;
    enum s3_status status;
    int length;

    if (options->days > 0)
        (void)snprintf(days, sizeof days, "<Days>%u</Days>", options->days);
    if (options->tier != NULL)
        (void)snprintf(
                tier, sizeof tier, "<GlacierJobParameters><Tier>%s</Tier></GlacierJobParameters>", options->tier);
    length = snprintf(body, sizeof body,
            "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">%s%s</RestoreRequest>", days, tier);
    call_target(&call, conn, client, "RestoreObject", "POST", &options->target);
    call_parameter(&call, "restore", NULL);
    call_header(&call, "content-type", "application/xml");
    call.body = body;
    call.body_len = (size_t)length;
    call_content_md5(&call);
    status = call_perform(&call, error);
    if (status != S3_OK && strcmp(error->code, "RestoreAlreadyInProgress") == 0)
        return S3_OK;
    return status;
}
