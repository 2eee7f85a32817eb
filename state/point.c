/* What a point must be, and the small things about it; see point.h. */
#include "state/point.h"
#include "state/utf8.h"

#include <string.h>

static const char *const states[] = {
    [STATE_POINT_COMPLETE] = "complete",
    [STATE_POINT_PARTIAL] = "partial",
    [STATE_POINT_GUARDED] = "guarded",
};

const char *state_point_state_name(enum state_point_state state)
{
    return (unsigned)state < sizeof states / sizeof *states ? states[state] : "";
}

struct state_totals state_point_totals(const struct state_point *point)
{
    struct state_totals sum = { 0, 0 };
    for (int i = 0; i < CLASS_COUNT; i++) {
        sum.objects += point->by_class[i].objects;
        sum.bytes += point->by_class[i].bytes;
    }
    return sum;
}

enum state_status state_point_link_to(const char id[STATE_POINT_SIZE], const char *bytes, size_t len,
        struct state_point_link *out, struct state_error *error)
{
    memcpy(out->point, id, STATE_POINT_SIZE);
    return state_sha256_hex(bytes, len, out->sha256, error);
}

static bool is_id(const char id[STATE_POINT_SIZE])
{
    int64_t seconds;
    return state_utc_from_point(id, strnlen(id, STATE_POINT_SIZE), &seconds);
}

static bool is_hash(const char hash[STATE_SHA256_HEX_SIZE])
{
    return state_sha256_is_hex(hash, strnlen(hash, STATE_SHA256_HEX_SIZE));
}

static bool is_text(const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    return len <= STATE_POINT_TEXT_MAX && state_utf8_is_valid(text, len);
}

static bool is_time(int64_t ms)
{
    return ms >= STATE_TIME_MIN_MS && ms <= STATE_TIME_MAX_MS;
}

/* JSON's integers are signed here. */
static bool are_numbers(const uint64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] > INT64_MAX)
            return false;
    return true;
}

static enum state_status bad(struct state_error *error, const char *what)
{
    return state_fail(error, STATE_BAD_DATA, 0, "a point is not valid: %s", what);
}

static enum state_status check_head(const struct state_point *p, struct state_error *error)
{
    if (p->source == NULL || !layout_source_is_valid(p->source, strlen(p->source)))
        return bad(error, "its source is no valid name");
    if (!is_id(p->id))
        return bad(error, "its id is not of the form 20261120T030000Z");
    if (!is_text(p->program) || !is_text(p->bucket) || !is_text(p->account) || !is_text(p->region))
        return bad(error, "program, bucket, account or region is too long or not UTF-8");
    if (!is_time(p->started_ms) || !is_time(p->finished_ms))
        return bad(error, "a time is out of range");
    if ((unsigned)p->state > STATE_POINT_GUARDED)
        return bad(error, "its state is unknown");
    return STATE_OK;
}

static enum state_status check_numbers(const struct state_point *p, struct state_error *error)
{
    const struct state_point_did *d = &p->did;
    const uint64_t did[] = { d->listed, d->copied, d->recopied, d->adopted, d->deleted, d->moved, d->unchanged,
        d->archived, d->failed, d->bytes_copied, p->missing_count, p->guard.before, p->guard.changed, p->guard.deleted,
        d->repeated, d->customer_keys, p->guard.left_changed, p->guard.left_deleted };
    if (!are_numbers(did, sizeof did / sizeof *did))
        return bad(error, "a number is out of range");
    struct state_totals sum = { 0, 0 };
    for (int i = 0; i < CLASS_COUNT; i++) {
        const uint64_t values[] = { p->by_class[i].objects, p->by_class[i].bytes, sum.objects, sum.bytes };
        if (!are_numbers(values, sizeof values / sizeof *values))
            return bad(error, "a total is out of range");
        sum.objects += p->by_class[i].objects;
        sum.bytes += p->by_class[i].bytes;
    }
    return are_numbers(&sum.objects, 1) && are_numbers(&sum.bytes, 1) ? STATE_OK
                                                                      : bad(error, "a total is out of range");
}

static enum state_status check_missing(const struct state_point *p, struct state_error *error)
{
    if (p->missing_listed > STATE_POINT_MISSING_MAX || p->missing_listed > p->missing_count)
        return bad(error, "it lists more missing objects than it may or than it counts");
    for (size_t i = 0; i < p->missing_listed; i++) {
        struct state_text key = p->missing[i].key;
        if (key.len == 0 || key.len > STATE_KEY_MAX || !state_utf8_is_valid(key.ptr, key.len))
            return bad(error, "the key of a missing object is empty, too long or not UTF-8");
    }
    return STATE_OK;
}

static enum state_status check_links(const struct state_point *p, struct state_error *error)
{
    if (p->has_guard && p->guard.complete[0] != '\0' && !is_id(p->guard.complete))
        return bad(error, "the guard's last complete point has no valid id");
    if (p->has_predecessor) {
        if (!is_id(p->predecessor.point) || !is_hash(p->predecessor.sha256))
            return bad(error, "its predecessor is not an id and a SHA-256");
        if (strcmp(p->predecessor.point, p->id) >= 0)
            return bad(error, "its predecessor is not older");
    }
    if (p->has_root && (!is_id(p->root) || !is_id(p->root_removed.point) || !is_hash(p->root_removed.sha256)))
        return bad(error, "its root is not an id and a link");
    return STATE_OK;
}

/* Strictly ascending, so that no file is applied twice. */
static bool is_before(const struct state_point_file *a, const struct state_point_file *b)
{
    int order = strcmp(a->point, b->point);
    if (order != 0)
        return order < 0;
    if (a->kind != b->kind)
        return a->kind == LAYOUT_CHANGES;
    return a->number < b->number;
}

static enum state_status check_files(const struct state_point *p, struct state_error *error)
{
    uint64_t full = 0;
    if (p->files_count > STATE_POINT_FILES_MAX)
        return bad(error, "it lists too many files");
    for (size_t i = 0; i < p->files_count; i++) {
        const struct state_point_file *file = &p->files[i];
        const uint64_t values[] = { file->sum.lines, file->sum.bytes };
        if ((file->kind != LAYOUT_CHANGES && file->kind != LAYOUT_FULL) || file->number < 1 ||
                file->number > STATE_FILE_NUMBER_MAX || !is_id(file->point) || !is_hash(file->sum.sha256) ||
                !are_numbers(values, 2))
            return bad(error, "a file of its list is not valid");
        if (strcmp(file->point, p->id) > 0 || (i > 0 && !is_before(&p->files[i - 1], file)))
            return bad(error, "its files are not in order");
        if (file->kind == LAYOUT_FULL && (strcmp(file->point, p->id) != 0 || file->number != ++full))
            return bad(error, "its full files are not its own, numbered from 1 without a gap");
    }
    return STATE_OK;
}

enum state_status state_point_check(const struct state_point *point, struct state_error *error)
{
    enum state_status status = check_head(point, error);
    if (status == STATE_OK)
        status = check_numbers(point, error);
    if (status == STATE_OK)
        status = check_missing(point, error);
    if (status == STATE_OK)
        status = check_links(point, error);
    if (status == STATE_OK)
        status = check_files(point, error);
    return status;
}
