/* See publish_meta.h. */
#include "agent/publish_meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/publish.h"

/* "20261120T030000Z changes-0001.ndjson.zst 12 345 <sha256>\n" */
enum { LOG_TEXT_MAX = STATE_POINT_SIZE + LAYOUT_FILE_NAME_SIZE + 2 * 21 + STATE_SHA256_HEX_SIZE + 2 };

void publish_logs_free(struct publish_logs *logs)
{
    free(logs->items);
    *logs = (struct publish_logs){ NULL, 0, 0 };
}

bool publish_logs_add(struct publish_logs *logs, const struct state_point_file *file)
{
    if (logs->count == logs->capacity) {
        size_t capacity = logs->capacity > 0 ? logs->capacity * 2 : 16;
        struct state_point_file *items = realloc(logs->items, capacity * sizeof *items);
        if (items == NULL)
            return false;
        logs->items = items;
        logs->capacity = capacity;
    }
    logs->items[logs->count++] = *file;
    return true;
}

bool publish_logs_has(const struct publish_logs *logs, const struct state_point_file *file)
{
    for (size_t i = 0; i < logs->count; i++)
        if (logs->items[i].number == file->number && logs->items[i].kind == file->kind &&
                strcmp(logs->items[i].point, file->point) == 0)
            return true;
    return false;
}

/* As point.json wants them. */
static int in_order(const void *a, const void *b)
{
    const struct state_point_file *one = a, *other = b;
    int order = strcmp(one->point, other->point);

    if (order != 0)
        return order;
    if (one->kind != other->kind)
        return one->kind == LAYOUT_CHANGES ? -1 : 1;
    return one->number < other->number ? -1 : one->number > other->number;
}

void publish_logs_sort(struct publish_logs *logs)
{
    if (logs->count > 1)
        qsort(logs->items, logs->count, sizeof *logs->items, in_order);
}

void publish_since_add(struct publish_since *since, const struct publish_logs *logs)
{
    since->files += logs->count;
    for (size_t i = 0; i < logs->count; i++)
        since->lines += logs->items[i].sum.lines;
}

/* A value, terminated; *text is the caller's to free(), NULL where there is none. */
static enum state_status read_meta(struct manifest *manifest, const char *name, char **text, struct state_error *error)
{
    size_t size = 4096, length = 0;
    enum state_status status;

    for (;;) {
        *text = malloc(size + 1);
        if (*text == NULL)
            return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
        status = manifest_meta_get(manifest, name, *text, size, &length, error);
        if (status == STATE_OK) {
            (*text)[length] = '\0';
            return STATE_OK;
        }
        free(*text);
        *text = NULL;
        if (status != STATE_FULL || length <= size || length > MANIFEST_META_MAX)
            return status == STATE_NOT_FOUND ? STATE_OK : status;
        size = length;
    }
}

static enum verdict fail(struct failure *failure, enum state_status status, const struct state_error *error)
{
    return failure_from_state(failure, status, error, "reading the manifest");
}

static enum state_status damaged(struct state_error *error, const char *name)
{
    return state_fail(error, STATE_BAD_DATA, 0, "what it holds as \"%s\" is not of our form", name);
}

/* The text up to a separator; it moves behind that. */
static struct state_text next_word(const char **text, char separator)
{
    struct state_text word = { *text, strcspn(*text, separator == '\n' ? "\n" : " \n") };

    if (word.ptr[word.len] != separator)
        return (struct state_text){ NULL, 0 };
    *text += word.len + 1;
    return word;
}

static bool copy_word(struct state_text word, char *out, size_t size)
{
    if (word.len == 0 || word.len >= size)
        return false;
    memcpy(out, word.ptr, word.len);
    out[word.len] = '\0';
    return true;
}

static bool number_word(struct state_text word, uint64_t *out)
{
    char digits[24], *end;

    if (!copy_word(word, digits, sizeof digits) || digits[0] < '0' || digits[0] > '9')
        return false;
    *out = strtoull(digits, &end, 10);
    return *end == '\0';
}

static bool parse_log(const char **text, struct state_point_file *file)
{
    struct state_text name;

    memset(file, 0, sizeof *file);
    if (!copy_word(next_word(text, ' '), file->point, sizeof file->point))
        return false;
    name = next_word(text, ' ');
    return layout_parse_file_name(name.ptr, name.len, &file->kind, &file->number) &&
           number_word(next_word(text, ' '), &file->sum.lines) && number_word(next_word(text, ' '), &file->sum.bytes) &&
           copy_word(next_word(text, '\n'), file->sum.sha256, sizeof file->sum.sha256);
}

enum verdict publish_logs_read(struct manifest *manifest, struct publish_logs *logs, struct failure *failure)
{
    struct state_point_file file;
    struct state_error error;
    char *text = NULL;
    enum state_status status = read_meta(manifest, PUBLISH_META_LOGS, &text, &error);

    *logs = (struct publish_logs){ NULL, 0, 0 };
    for (const char *at = text; status == STATE_OK && at != NULL && *at != '\0';) {
        if (!parse_log(&at, &file))
            status = damaged(&error, PUBLISH_META_LOGS);
        else if (!publish_logs_add(logs, &file))
            status = state_fail(&error, STATE_NO_MEMORY, 0, "out of memory");
    }
    free(text);
    if (status == STATE_OK)
        return VERDICT_OK;
    publish_logs_free(logs);
    return fail(failure, status, &error);
}

enum verdict publish_since_read(struct manifest *manifest, struct publish_since *since, struct failure *failure)
{
    struct state_error error;
    char *text = NULL;
    enum state_status status = read_meta(manifest, PUBLISH_META_SINCE, &text, &error);
    const char *at = text;

    *since = (struct publish_since){ 0, 0 };
    if (status == STATE_OK && text != NULL &&
            !(number_word(next_word(&at, ' '), &since->lines) && number_word(next_word(&at, '\n'), &since->files)))
        status = damaged(&error, PUBLISH_META_SINCE);
    free(text);
    return status == STATE_OK ? VERDICT_OK : fail(failure, status, &error);
}

enum verdict publish_last(struct manifest *manifest, struct state_point_link *last, struct failure *failure)
{
    struct state_error error;
    char *text = NULL;
    enum state_status status = read_meta(manifest, PUBLISH_META_POINT, &text, &error);
    const char *at = text;

    if (status == STATE_OK && text == NULL)
        return failure_set(failure, VERDICT_NOT_FOUND, "the manifest stands at no point yet");
    if (status == STATE_OK && !(copy_word(next_word(&at, ' '), last->point, sizeof last->point) &&
                                      copy_word(next_word(&at, '\n'), last->sha256, sizeof last->sha256)))
        status = damaged(&error, PUBLISH_META_POINT);
    free(text);
    return status == STATE_OK ? VERDICT_OK : fail(failure, status, &error);
}

size_t publish_point_text(const struct state_point_link *link, char out[PUBLISH_POINT_TEXT_SIZE])
{
    return (size_t)snprintf(out, PUBLISH_POINT_TEXT_SIZE, "%s %s\n", link->point, link->sha256);
}

size_t publish_since_text(const struct publish_since *since, char out[PUBLISH_SINCE_TEXT_SIZE])
{
    return (size_t)snprintf(out, PUBLISH_SINCE_TEXT_SIZE, "%" PRIu64 " %" PRIu64 "\n", since->lines, since->files);
}

enum state_status publish_point_put(
        struct manifest_batch *batch, const struct state_point_link *link, struct state_error *error)
{
    char text[PUBLISH_POINT_TEXT_SIZE];

    return manifest_meta_put(batch, PUBLISH_META_POINT, text, link != NULL ? publish_point_text(link, text) : 0, error);
}

enum state_status publish_since_put(
        struct manifest_batch *batch, const struct publish_since *since, struct state_error *error)
{
    char text[PUBLISH_SINCE_TEXT_SIZE];

    return manifest_meta_put(batch, PUBLISH_META_SINCE, text, publish_since_text(since, text), error);
}

enum state_status publish_logs_put(struct manifest_batch *batch, struct publish_logs *logs, struct state_error *error)
{
    char *text = malloc(logs->count * LOG_TEXT_MAX + 1);
    size_t used = 0;
    enum state_status status = STATE_OK;

    if (text == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    publish_logs_sort(logs);
    for (size_t i = 0; i < logs->count && status == STATE_OK; i++) {
        const struct state_point_file *file = &logs->items[i];
        char name[LAYOUT_FILE_NAME_SIZE];
        status = layout_file_name(file->kind, file->number, name);
        if (status != STATE_OK)
            status = state_fail(error, status, 0, "a log's number is out of range");
        else
            used += (size_t)snprintf(text + used, LOG_TEXT_MAX, "%s %s %" PRIu64 " %" PRIu64 " %s\n", file->point, name,
                    file->sum.lines, file->sum.bytes, file->sum.sha256);
    }
    if (status == STATE_OK)
        status = manifest_meta_put(batch, PUBLISH_META_LOGS, text, used, error);
    free(text);
    return status;
}
