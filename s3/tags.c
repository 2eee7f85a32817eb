/* See tags.h, and the operations of object.h on what is beside an object: its tags, its ACL. */
#include "s3/tags.h"

#include <string.h>

#include "sigv4/sigv4.h"
#include "s3/xml_write.h"

enum { BODY_MAX = 1024 * 1024 };

bool tags_set_body(struct s3_call *call, const struct s3_tags *tags, struct s3_buffer *body)
{
    s3_buffer_init(body, BODY_MAX);
    if (!s3_buffer_add_text(body, "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>"))
        return false;
    for (size_t i = 0; i < tags->count; i++)
        if (!s3_buffer_add_text(body, "<Tag>") || !xml_add_element(body, "Key", tags->tags[i].key) ||
                !xml_add_element(body, "Value", tags->tags[i].value) || !s3_buffer_add_text(body, "</Tag>"))
            return false;
    if (!s3_buffer_add_text(body, "</TagSet></Tagging>"))
        return false;
    call->body = body->ptr;
    call->body_len = body->len;
    call_header(call, "content-type", "application/xml");
    call_content_md5(call);
    return true;
}

size_t s3_tags_encode(const struct s3_tags *tags, char *out, size_t out_size)
{
    size_t used = 0, length;

    if (out_size == 0)
        return (size_t)-1;
    out[0] = '\0';
    for (size_t i = 0; i < tags->count; i++) {
        if (i > 0) {
            if (used + 1 >= out_size)
                return (size_t)-1;
            out[used++] = '&';
        }
        length = sigv4_encode(out + used, out_size - used, tags->tags[i].key.ptr, tags->tags[i].key.len, false);
        if (length == (size_t)-1 || used + length + 1 >= out_size)
            return (size_t)-1;
        used += length;
        out[used++] = '=';
        length = sigv4_encode(out + used, out_size - used, tags->tags[i].value.ptr, tags->tags[i].value.len, false);
        if (length == (size_t)-1)
            return (size_t)-1;
        used += length;
    }
    return used;
}

enum s3_status s3_get_object_tags(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_tags *tags, struct s3_error *error)
{
    struct s3_call call;

    call_target(&call, conn, client, "GetObjectTagging", "GET", target);
    call_parameter(&call, "tagging", NULL);
    call.answer = S3_ANSWER_TAGS;
    call.answer_out = tags;
    return call_perform(&call, error);
}

enum s3_status s3_put_object_tags(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        const struct s3_tags *tags, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    enum s3_status status;

    call_target(&call, conn, client, "PutObjectTagging", "PUT", target);
    call_parameter(&call, "tagging", NULL);
    if (!tags_set_body(&call, tags, &body))
        call.overflow = true;
    status = call_perform(&call, error);
    s3_buffer_free(&body);
    return status;
}

enum s3_status s3_delete_object_tags(
        struct s3_conn *conn, struct s3_client *client, const struct s3_target *target, struct s3_error *error)
{
    struct s3_call call;

    call_target(&call, conn, client, "DeleteObjectTagging", "DELETE", target);
    call_parameter(&call, "tagging", NULL);
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

enum s3_status s3_put_object_acl(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_text document, struct s3_error *error)
{
    struct s3_call call;

    call_target(&call, conn, client, "PutObjectAcl", "PUT", target);
    call_parameter(&call, "acl", NULL);
    call.body = document.ptr;
    call.body_len = document.len;
    call_header(&call, "content-type", "application/xml");
    call_content_md5(&call);
    return call_perform(&call, error);
}

enum s3_status s3_get_object_acl(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_buffer *document, struct s3_error *error)
{
    const struct s3_sink sink = { .write = gather, .restart = forget, .ctx = document };
    struct s3_call call;

    call_target(&call, conn, client, "GetObjectAcl", "GET", target);
    call_parameter(&call, "acl", NULL);
    call.sink = &sink;
    return call_perform(&call, error);
}
