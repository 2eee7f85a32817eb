/* Writing files of change lines; see change_file.h. */
#include "state/change_file.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct change_file_writer {
    struct change_file_id id;
    struct state_stream_out *stream;
    struct state_digest *digest; /* of header and change lines */
    uint64_t lines;
    enum state_status status; /* STATE_END once it was finished */
    char last_key[STATE_KEY_MAX];
    size_t last_len;
    char line[STATE_CHANGE_LINE_MAX];
};

static enum state_status check_id(const struct change_file_id *id, struct state_error *error)
{
    char name[LAYOUT_FILE_NAME_SIZE];
    int64_t seconds;
    bool ok = (id->kind == LAYOUT_CHANGES || id->kind == LAYOUT_FULL) &&
              layout_file_name(id->kind, id->number, name) == STATE_OK &&
              layout_source_is_valid(id->source, strnlen(id->source, sizeof id->source)) &&
              state_utc_from_point(id->point, strnlen(id->point, sizeof id->point), &seconds);
    return ok ? STATE_OK : state_fail(error, STATE_BAD_DATA, 0, "a file of changes has no valid name");
}

static enum state_status put(struct change_file_writer *writer, const char *line, size_t len, struct state_error *error)
{
    state_digest_update(writer->digest, line, len);
    writer->status = state_stream_out_write(writer->stream, line, len, error);
    return writer->status;
}

static enum state_status put_header(struct change_file_writer *writer, struct state_error *error)
{
    const struct change_file_id *id = &writer->id;
    int n = snprintf(writer->line, sizeof writer->line,
            "{\"format\":%d,\"kind\":\"%s\",\"source\":\"%s\",\"point\":\"%s\",\"number\":%" PRIu64 "}\n",
            (int)CHANGE_FILE_FORMAT, id->kind == LAYOUT_FULL ? "full" : "changes", id->source, id->point, id->number);
    return put(writer, writer->line, (size_t)n, error);
}

enum state_status change_file_writer_new(const struct change_file_id *id, struct state_sink sink,
        struct change_file_writer **out, struct state_error *error)
{
    *out = NULL;
    enum state_status status = check_id(id, error);
    if (status != STATE_OK)
        return status;
    struct change_file_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    writer->id = *id;
    writer->stream = state_stream_out_new(sink);
    writer->digest = state_digest_new(STATE_SHA256);
    if (writer->stream == NULL || writer->digest == NULL)
        status = state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    else
        status = put_header(writer, error);
    if (status == STATE_OK)
        *out = writer;
    else
        change_file_writer_free(writer);
    return status;
}

void change_file_writer_free(struct change_file_writer *writer)
{
    if (writer == NULL)
        return;
    state_stream_out_free(writer->stream);
    state_digest_free(writer->digest);
    free(writer);
}

static enum state_status check_usable(const struct change_file_writer *writer, struct state_error *error)
{
    if (writer->status == STATE_OK)
        return STATE_OK;
    if (writer->status == STATE_END)
        return state_fail(error, STATE_BAD_DATA, 0, "a file of changes was written to after its end");
    return state_fail(error, writer->status, 0, "writing a file of changes failed before");
}

/* A full file is in strict key order, because its readers merge. */
static enum state_status check_full(
        struct change_file_writer *writer, const struct state_change *change, struct state_error *error)
{
    struct state_text key = change->entry.key;
    if (change->did != STATE_IS)
        return state_fail(error, STATE_BAD_DATA, 0, "a full file holds live records only, not \"%s\"",
                state_did_name(change->did));
    size_t common = key.len < writer->last_len ? key.len : writer->last_len;
    int order = memcmp(writer->last_key, key.ptr, common);
    if (order > 0 || (order == 0 && key.len <= writer->last_len))
        return state_fail(error, STATE_BAD_DATA, 0, "the records of a full file are not in the order of their keys");
    memcpy(writer->last_key, key.ptr, key.len);
    writer->last_len = key.len;
    return STATE_OK;
}

enum state_status change_file_writer_add(
        struct change_file_writer *writer, const struct state_change *change, struct state_error *error)
{
    struct state_change brief = *change;
    size_t len;
    enum state_status status = check_usable(writer, error);
    if (status != STATE_OK)
        return status;
    if (brief.entry.run.len == STATE_POINT_LEN && memcmp(brief.entry.run.ptr, writer->id.point, STATE_POINT_LEN) == 0)
        brief.entry.run.len = 0;
    status = state_change_format(&brief, writer->line, &len, error);
    if (status == STATE_OK && writer->id.kind == LAYOUT_FULL)
        status = check_full(writer, change, error);
    else if (status == STATE_OK && change->did == STATE_IS)
        status = state_fail(error, STATE_BAD_DATA, 0, "a log holds what happened, not \"is\"");
    if (status == STATE_OK)
        status = put(writer, writer->line, len, error);
    if (status == STATE_OK)
        writer->lines++;
    return status;
}

enum state_status change_file_writer_add_line(
        struct change_file_writer *writer, const char *line, size_t len, struct state_error *error)
{
    static const char begin[] = "{\"key\":";
    enum state_status status = check_usable(writer, error);
    if (status != STATE_OK)
        return status;
    if (writer->id.kind != LAYOUT_CHANGES || len < sizeof begin || len > STATE_LINE_MAX ||
            memcmp(line, begin, sizeof begin - 1) != 0 || memchr(line, '\n', len) != line + len - 1)
        return state_fail(error, STATE_BAD_DATA, 0, "what was given for a log is not one change line");
    status = put(writer, line, len, error);
    if (status == STATE_OK)
        writer->lines++;
    return status;
}

uint64_t change_file_writer_lines(const struct change_file_writer *writer)
{
    return writer->lines;
}

uint64_t change_file_writer_bytes(const struct change_file_writer *writer)
{
    return state_stream_out_bytes(writer->stream);
}

enum state_status change_file_writer_finish(
        struct change_file_writer *writer, struct change_file_sum *sum, struct state_error *error)
{
    char hash[STATE_SHA256_HEX_SIZE];
    struct state_stream_sum stream_sum;
    enum state_status status = check_usable(writer, error);
    if (status != STATE_OK)
        return status;
    status = state_digest_hex(writer->digest, hash, error);
    if (status == STATE_OK) {
        int n = snprintf(
                writer->line, sizeof writer->line, "{\"lines\":%" PRIu64 ",\"sha256\":\"%s\"}\n", writer->lines, hash);
        status = put(writer, writer->line, (size_t)n, error);
    }
    if (status == STATE_OK)
        status = state_stream_out_finish(writer->stream, &stream_sum, error);
    if (status == STATE_OK) {
        sum->lines = writer->lines;
        sum->bytes = stream_sum.bytes;
        memcpy(sum->sha256, stream_sum.sha256, sizeof sum->sha256);
    }
    writer->status = status == STATE_OK ? STATE_END : status;
    return status;
}
