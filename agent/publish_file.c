/* One file under points/ to the vault; see publish_inside.h. */
#include "agent/publish_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum state_status gather(void *ctx, const void *ptr, size_t len)
{
    return s3_buffer_add(ctx, ptr, len) ? STATE_OK : STATE_FULL;
}

enum verdict publish_file_begin(struct publisher *publisher, enum layout_kind kind, uint64_t number,
        struct change_file_writer **writer, struct failure *failure)
{
    struct change_file_id id = { .kind = kind, .number = number };
    const struct state_sink sink = { gather, &publisher->buffer };
    struct state_error error;
    enum state_status status;

    (void)snprintf(id.source, sizeof id.source, "%s", publisher->source->name);
    memcpy(id.point, publisher->point, sizeof id.point);
    s3_buffer_clear(&publisher->buffer);
    status = change_file_writer_new(&id, sink, writer, &error);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "beginning a file of point %s of source \"%s\"",
                publisher->point, publisher->source->name);
    return VERDICT_OK;
}

enum verdict publish_file_end(struct publisher *publisher, struct s3_conn *conn, struct change_file_writer *writer,
        struct state_point_file *file, struct failure *failure)
{
    struct layout_path path;
    struct state_error error;
    enum state_status status = change_file_writer_finish(writer, &file->sum, &error);

    change_file_writer_free(writer);
    if (status == STATE_OK) {
        status = layout_point_file(
                &publisher->vault->layout, publisher->source->name, publisher->point, file->kind, file->number, &path);
        if (status != STATE_OK)
            status = state_fail(&error, status, 0, "its number is out of range");
    }
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "ending a file of point %s of source \"%s\"",
                publisher->point, publisher->source->name);
    memcpy(file->point, publisher->point, sizeof file->point);
    const struct publish_bytes bytes = { &path, "application/zstd", publisher->buffer.ptr, publisher->buffer.len };
    return publish_put(publisher, conn, &bytes, NULL, failure);
}

/* Whether the file in the vault has these bytes. */
static bool is_there(const struct publisher *publisher, struct s3_conn *conn, const struct publish_bytes *bytes)
{
    char *found = NULL;
    size_t len = 0;
    bool same;

    if (vault_get(publisher->vault, conn, bytes->path->ptr, bytes->path->len, NULL, bytes->len + 1, &found, &len,
                NULL) != VERDICT_OK)
        return false;
    same = len == bytes->len && memcmp(found, bytes->ptr, len) == 0;
    free(found);
    return same;
}

enum verdict publish_put(struct publisher *publisher, struct s3_conn *conn, const struct publish_bytes *bytes,
        char version[S3_VERSION_MAX + 1], struct failure *failure)
{
    const struct s3_pair header = { { "content-type", strlen("content-type") },
        { bytes->content_type, strlen(bytes->content_type) } };
    struct s3_put_options options = { .target = vault_target(publisher->vault, bytes->path->ptr, bytes->path->len),
        .body = bytes->ptr,
        .body_len = bytes->len,
        .content_md5 = true };
    char until[STATE_TIME_SIZE];
    struct s3_put_result result = { .version = "" };
    struct s3_error error;
    enum s3_status status;

    vault_write_defaults(publisher->vault, &options.write);
    vault_write_lock(publisher->vault, &options.write, until);
    options.write.headers = &header;
    options.write.header_count = 1;
    options.write.if_none_match = "*";
    status = s3_put_object(conn, publisher->vault->client, &options, &result, &error);
    if (version != NULL)
        (void)snprintf(version, S3_VERSION_MAX + 1, "%s", status == S3_OK ? result.version : "");
    if (status == S3_OK || (status == S3_CHANGED && is_there(publisher, conn, bytes)))
        return VERDICT_OK;
    return failure_from_s3(failure, status, &error, "writing %s of source \"%s\"",
            status == S3_CHANGED ? "a file that another run has written meanwhile, for point" : "to the vault",
            publisher->source->name);
}
