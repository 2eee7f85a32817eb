/* Reading files of change lines; see change_file.h. */
#include "state/change_file.h"
#include "state/json_scan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum place { AT_HEADER, AT_LINES, AT_END /* behind the trailer */ };

struct change_file_reader {
    struct change_file_visitor visitor;
    struct change_file_id id;
    bool has_expect;
    struct change_file_sum expect;
    struct state_stream_in *stream;
    struct state_digest *digest; /* of header and change lines */
    enum state_status status;    /* STATE_END: no file is begun */
    struct state_error inner;    /* what went wrong inside of the stream's callback */
    enum place place;
    uint64_t lines;
    uint64_t bytes;
    char last_key[STATE_KEY_MAX]; /* of a full file; kept from one number to the next */
    size_t last_len;
    struct state_change_arena arena;
    size_t carried; /* the begin of a line that goes on in the next chunk */
    char carry[STATE_LINE_MAX];
};

struct change_file_reader *change_file_reader_new(struct change_file_visitor visitor)
{
    struct change_file_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->visitor = visitor;
    reader->status = STATE_END;
    reader->digest = state_digest_new(STATE_SHA256);
    if (reader->digest == NULL) {
        change_file_reader_free(reader);
        return NULL;
    }
    return reader;
}

void change_file_reader_free(struct change_file_reader *reader)
{
    if (reader == NULL)
        return;
    state_stream_in_free(reader->stream);
    state_digest_free(reader->digest);
    free(reader);
}

static enum state_status bad(struct change_file_reader *reader, const char *what)
{
    return state_fail(&reader->inner, STATE_BAD_DATA, 0, "a file of changes is damaged at line %llu: %s",
            (unsigned long long)reader->lines + (reader->place == AT_HEADER ? 1 : 2), what);
}

static bool text_is(struct state_text text, const char *word)
{
    return text.ptr != NULL && strlen(word) == text.len && memcmp(text.ptr, word, text.len) == 0;
}

/* What header and trailer lines can say. All texts are plain ASCII, which no writer of ours escapes. */
struct frame_line {
    uint64_t format, number, lines;
    struct state_text kind, source, point, sha256;
};

static bool read_frame_line(const char *line, size_t len, struct frame_line *out)
{
    struct json_scan scan;
    struct state_text name;
    char room[16];
    bool more;
    memset(out, 0, sizeof *out);
    json_scan_init(&scan, line, len);
    if (!json_scan_object(&scan))
        return false;
    for (bool first = true;; first = false) {
        if (!json_scan_member(&scan, first, room, sizeof room, &name, &more))
            return false;
        if (!more)
            return json_scan_end(&scan);
        uint64_t *number = text_is(name, "format")   ? &out->format
                           : text_is(name, "number") ? &out->number
                           : text_is(name, "lines")  ? &out->lines
                                                     : NULL;
        struct state_text *text = text_is(name, "kind")     ? &out->kind
                                  : text_is(name, "source") ? &out->source
                                  : text_is(name, "point")  ? &out->point
                                  : text_is(name, "sha256") ? &out->sha256
                                                            : NULL;
        bool ok = number != NULL ? json_scan_uint(&scan, number)
                  : text != NULL ? json_scan_string(&scan, NULL, 0, text)
                                 : json_scan_skip(&scan);
        if (!ok)
            return false;
    }
}

static enum state_status take_header(struct change_file_reader *reader, const char *line, size_t len)
{
    const struct change_file_id *id = &reader->id;
    struct frame_line header;
    if (!read_frame_line(line, len, &header) || header.format == 0)
        return bad(reader, "it does not begin with a header");
    if (header.format > CHANGE_FILE_FORMAT)
        return state_fail(&reader->inner, STATE_TOO_NEW, 0, "a file of changes has format %llu, this version reads %d",
                (unsigned long long)header.format, (int)CHANGE_FILE_FORMAT);
    if (!text_is(header.kind, id->kind == LAYOUT_FULL ? "full" : "changes") || !text_is(header.source, id->source) ||
            !text_is(header.point, id->point) || header.number != id->number)
        return bad(reader, "its header names another file: it was moved or mixed up");
    reader->place = AT_LINES;
    return STATE_OK;
}

static enum state_status take_trailer(struct change_file_reader *reader, const char *line, size_t len)
{
    struct frame_line trailer;
    char hash[STATE_SHA256_HEX_SIZE];
    if (!read_frame_line(line, len, &trailer) || trailer.sha256.len == 0)
        return bad(reader, "its last line is not a trailer");
    enum state_status status = state_digest_hex(reader->digest, hash, &reader->inner);
    if (status != STATE_OK)
        return status;
    if (trailer.lines != reader->lines)
        return bad(reader, "its trailer counts other lines");
    if (!text_is(trailer.sha256, hash))
        return bad(reader, "its lines are not what the trailer's SHA-256 says");
    reader->place = AT_END;
    return STATE_OK;
}

static enum state_status check_full(struct change_file_reader *reader, const struct state_change *change)
{
    struct state_text key = change->entry.key;
    if (change->did != STATE_IS)
        return bad(reader, "a full file holds a line that is not a live record");
    size_t common = key.len < reader->last_len ? key.len : reader->last_len;
    int order = memcmp(reader->last_key, key.ptr, common);
    if (order > 0 || (order == 0 && key.len <= reader->last_len))
        return bad(reader, "the keys of a full file are not in order");
    memcpy(reader->last_key, key.ptr, key.len);
    reader->last_len = key.len;
    return STATE_OK;
}

static enum state_status take_change(struct change_file_reader *reader, const char *line, size_t len)
{
    struct state_change change;
    struct state_error why;
    enum state_status status = state_change_parse(line, len, &change, &reader->arena, &why);
    if (status != STATE_OK)
        return state_fail(&reader->inner, status, 0, "line %llu: %s", (unsigned long long)reader->lines + 2, why.what);
    if (reader->id.kind == LAYOUT_FULL)
        status = check_full(reader, &change);
    else if (change.did == STATE_IS)
        status = bad(reader, "a log holds a line of a full file");
    if (status != STATE_OK)
        return status;
    if (reader->has_expect && reader->lines == reader->expect.lines)
        return bad(reader, "it has more lines than its point says");
    if (change.entry.run.len == 0)
        change.entry.run = (struct state_text){ reader->id.point, STATE_POINT_LEN };
    reader->lines++;
    status = reader->visitor.change(reader->visitor.ctx, &change);
    if (status == STATE_OK)
        return STATE_OK;
    return state_fail(&reader->inner, status, 0, "a change that was read was not taken: %s", state_status_name(status));
}

/* One line with its newline. */
static enum state_status take_line(struct change_file_reader *reader, const char *line, size_t len)
{
    static const char trailer[] = "{\"lines\":";
    if (reader->place == AT_END)
        return bad(reader, "there is something after the trailer");
    if (reader->place == AT_LINES && len >= sizeof trailer && memcmp(line, trailer, sizeof trailer - 1) == 0)
        return take_trailer(reader, line, len);
    state_digest_update(reader->digest, line, len);
    return reader->place == AT_HEADER ? take_header(reader, line, len) : take_change(reader, line, len);
}

/* The decompressed bytes, in pieces of any length. */
static enum state_status take_chunk(void *ctx, const void *ptr, size_t len)
{
    struct change_file_reader *reader = ctx;
    const char *p = ptr, *end = p + len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = newline != NULL ? (size_t)(newline - p) + 1 : (size_t)(end - p);
        if (n > sizeof reader->carry - reader->carried)
            return bad(reader, "a line is too long");
        const char *line = p;
        if (reader->carried > 0 || newline == NULL) {
            memcpy(reader->carry + reader->carried, p, n);
            reader->carried += n;
            line = reader->carry;
        }
        if (newline != NULL) {
            size_t line_len = reader->carried > 0 ? reader->carried : n;
            reader->carried = 0;
            enum state_status status = take_line(reader, line, line_len);
            if (status != STATE_OK)
                return status;
        }
        p += n;
    }
    return STATE_OK;
}

enum state_status change_file_reader_begin(struct change_file_reader *reader, const struct change_file_id *id,
        const struct change_file_sum *expect, struct state_error *error)
{
    bool follows = reader->status == STATE_END && reader->place == AT_END && id->kind == LAYOUT_FULL &&
                   reader->id.kind == LAYOUT_FULL && id->number == reader->id.number + 1 &&
                   strcmp(id->source, reader->id.source) == 0 && strcmp(id->point, reader->id.point) == 0;
    if (!follows)
        reader->last_len = 0;
    reader->id = *id;
    reader->has_expect = expect != NULL;
    if (expect != NULL)
        reader->expect = *expect;
    state_stream_in_free(reader->stream);
    reader->stream = state_stream_in_new((struct state_sink){ take_chunk, reader }, 0);
    if (reader->status != STATE_END) { /* the file before was left unfinished: its digest has begun */
        char ignored[STATE_SHA256_HEX_SIZE];
        (void)!state_digest_hex(reader->digest, ignored, NULL);
    }
    reader->place = AT_HEADER;
    reader->lines = reader->bytes = 0;
    reader->carried = 0;
    reader->inner.what[0] = '\0';
    reader->status = reader->stream != NULL ? STATE_OK : STATE_NO_MEMORY;
    return reader->stream != NULL ? STATE_OK : state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
}

static enum state_status stuck(const struct change_file_reader *reader, struct state_error *error)
{
    if (reader->status == STATE_END)
        return state_fail(error, STATE_BAD_DATA, 0, "no file of changes is being read");
    return state_fail(error, reader->status, 0, "reading a file of changes failed before");
}

enum state_status change_file_reader_write(
        struct change_file_reader *reader, const void *ptr, size_t len, struct state_error *error)
{
    if (reader->status != STATE_OK)
        return stuck(reader, error);
    reader->bytes += len;
    if (reader->has_expect && reader->bytes > reader->expect.bytes)
        reader->status = bad(reader, "it is longer than its point says");
    else
        reader->status = state_stream_in_write(reader->stream, ptr, len, error);
    if (reader->status != STATE_OK && reader->inner.what[0] != '\0' && error != NULL)
        *error = reader->inner;
    return reader->status;
}

static enum state_status check_end(
        const struct change_file_reader *reader, const struct state_stream_sum *sum, struct state_error *error)
{
    if (reader->place != AT_END || reader->carried > 0)
        return state_fail(error, STATE_BAD_DATA, 0, "a file of changes was cut: it has no trailer");
    if (!reader->has_expect)
        return STATE_OK;
    const struct change_file_sum *expect = &reader->expect;
    if (expect->lines != reader->lines || expect->bytes != sum->bytes || strcmp(expect->sha256, sum->sha256) != 0)
        return state_fail(error, STATE_BAD_DATA, 0, "a file of changes is not the one that its point lists");
    return STATE_OK;
}

enum state_status change_file_reader_finish(
        struct change_file_reader *reader, struct change_file_sum *sum, struct state_error *error)
{
    struct state_stream_sum stream_sum;
    if (reader->status != STATE_OK)
        return stuck(reader, error);
    enum state_status status = state_stream_in_finish(reader->stream, &stream_sum, error);
    if (status == STATE_OK)
        status = check_end(reader, &stream_sum, error);
    if (status == STATE_OK && sum != NULL) {
        sum->lines = reader->lines;
        sum->bytes = stream_sum.bytes;
        memcpy(sum->sha256, stream_sum.sha256, sizeof sum->sha256);
    }
    reader->status = status == STATE_OK ? STATE_END : status;
    return status;
}
