/*
 * The ACL of an object that was copied, for its change line: what S3 does not copy, and what a restore puts back. One
 * request more an object; what cannot be had is counted, since the bytes are worth keeping without it.
 */
#include "agent/copy_inside.h"

#include <string.h>

#include "s3/decode.h"

enum s3_status copying_read_acl(struct copying *copying, struct s3_error *error)
{
    static const char mark[] = "<AccessControlPolicy";
    const struct source *source = copying->job->source;
    const struct s3_target target = { .bucket = source->bucket,
        .key = { copying->action->key.ptr, copying->action->key.len },
        .expected_owner = source->owner };
    struct s3_buffer *acl = &copying->acl;
    enum s3_status status;

    if (source->policy->acl != CONFIG_ACL_RECORD)
        return S3_OK;
    status = s3_get_object_acl(copying->conn, source->client, &target, acl, error);
    if (status == S3_CANCELLED)
        return status; /* not recorded: the next run copies it, and asks again */
    if (status == S3_OK && acl->len > 0 && s3_is_utf8(acl->ptr, acl->len) &&
            memmem(acl->ptr, acl->len, mark, sizeof mark - 1) != NULL)
        return S3_OK;
    s3_buffer_clear(acl);
    (void)atomic_fetch_add_explicit(copying->job->without_acl, 1, memory_order_relaxed);
    s3_error_clear(error);
    return S3_OK;
}
