/* A point to point.json; see point.h. The fields' order is that of the calls here. */
#include "state/point.h"
#include "state/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* jansson's calls take the value, and fail on a NULL one: a lack of memory anywhere ends in `failed`. */
struct writing {
    json_t *root;
    bool failed;
};

static void put(struct writing *w, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        w->failed = true;
}

static void put_text(struct writing *w, json_t *object, const char *name, const char *text)
{
    put(w, object, name, json_string(text == NULL ? "" : text));
}

static void put_uint(struct writing *w, json_t *object, const char *name, uint64_t value)
{
    put(w, object, name, json_integer((json_int_t)value));
}

/* Left out where it is 0. */
static void put_count(struct writing *w, json_t *object, const char *name, uint64_t value)
{
    if (value > 0)
        put_uint(w, object, name, value);
}

static void put_time(struct writing *w, json_t *object, const char *name, int64_t ms)
{
    char text[STATE_TIME_SIZE];
    w->failed = state_utc_format(ms, text) == 0 || w->failed;
    put_text(w, object, name, text);
}

/* What a server said: a point must not fail for its length or its encoding. */
static void put_foreign(struct writing *w, json_t *object, const char *name, const char *text)
{
    char clean[STATE_POINT_TEXT_MAX + 1];
    size_t len = text == NULL ? 0 : strnlen(text, sizeof clean - 1 + 4), used = 0;
    for (size_t i = 0, n; i<len; i += n> 0 ? n : 1) {
        n = state_utf8_sequence(text + i, len - i);
        if (used + (n > 0 ? n : 1) > sizeof clean - 1)
            break;
        if (n > 0)
            memcpy(clean + used, text + i, n);
        else
            clean[used] = '?';
        used += n > 0 ? n : 1;
    }
    put(w, object, name, json_stringn(clean, used));
}

/* An object that was already put where it belongs. */
static json_t *put_object(struct writing *w, json_t *parent, const char *name)
{
    json_t *object = json_object();
    put(w, parent, name, object);
    return object;
}

static void put_totals(struct writing *w, json_t *object, struct state_totals totals)
{
    put_uint(w, object, "objects", totals.objects);
    put_uint(w, object, "bytes", totals.bytes);
}

static void put_head(struct writing *w, const struct state_point *p)
{
    put_uint(w, w->root, "format", STATE_POINT_FORMAT);
    put_text(w, w->root, "program", p->program);
    put_text(w, w->root, "source", p->source);
    put_text(w, w->root, "bucket", p->bucket);
    put_text(w, w->root, "account", p->account);
    put_text(w, w->root, "region", p->region);
    put_text(w, w->root, "point", p->id);
    put_time(w, w->root, "started", p->started_ms);
    put_time(w, w->root, "finished", p->finished_ms);
    put_text(w, w->root, "state", state_point_state_name(p->state));
    put(w, w->root, "walk_ended", json_boolean(p->walk_ended));
    put_totals(w, w->root, state_point_totals(p));
    json_t *by_class = put_object(w, w->root, "by_class");
    for (int i = 0; i < CLASS_COUNT; i++)
        if (p->by_class[i].objects > 0 || p->by_class[i].bytes > 0)
            put_totals(w, put_object(w, by_class, storage_class_name((enum storage_class)i)), p->by_class[i]);
}

static void put_did(struct writing *w, const struct state_point_did *did)
{
    json_t *object = put_object(w, w->root, "did");
    put_uint(w, object, "listed", did->listed);
    put_uint(w, object, "copied", did->copied);
    put_uint(w, object, "recopied", did->recopied);
    put_uint(w, object, "adopted", did->adopted);
    put_uint(w, object, "deleted", did->deleted);
    put_uint(w, object, "moved", did->moved);
    put_uint(w, object, "unchanged", did->unchanged);
    put_uint(w, object, "archived", did->archived);
    put_uint(w, object, "failed", did->failed);
    put_uint(w, object, "bytes_copied", did->bytes_copied);
    put_count(w, object, "repeated", did->repeated);
    put_count(w, object, "customer_keys", did->customer_keys);
}

static json_t *add_object(struct writing *w, json_t *array)
{
    json_t *object = json_object();
    if (json_array_append_new(array, object) != 0)
        w->failed = true;
    return object;
}

static json_t *put_array(struct writing *w, json_t *parent, const char *name)
{
    json_t *array = json_array();
    put(w, parent, name, array);
    return array;
}

static void put_missing(struct writing *w, const struct state_point *p)
{
    json_t *object = put_object(w, w->root, "missing");
    put_uint(w, object, "count", p->missing_count);
    json_t *list = put_array(w, object, "list");
    for (size_t i = 0; i < p->missing_listed && !w->failed; i++) {
        const struct state_point_missing *missing = &p->missing[i];
        json_t *item = add_object(w, list);
        put(w, item, "key", json_stringn(missing->key.ptr, missing->key.len));
        put_foreign(w, item, "operation", missing->operation);
        put_uint(w, item, "status", missing->status);
        put_foreign(w, item, "code", missing->code);
        put_foreign(w, item, "message", missing->message);
        put_foreign(w, item, "request_id", missing->request_id);
    }
}

static void put_link(struct writing *w, json_t *object, const struct state_point_link *link)
{
    put_text(w, object, "point", link->point);
    put_text(w, object, "sha256", link->sha256);
}

static void put_links(struct writing *w, const struct state_point *p)
{
    if (p->has_guard) {
        json_t *guard = put_object(w, w->root, "guard");
        put_foreign(w, guard, "reason", p->guard.reason);
        put_uint(w, guard, "before", p->guard.before);
        put_uint(w, guard, "changed", p->guard.changed);
        put_uint(w, guard, "deleted", p->guard.deleted);
        put_count(w, guard, "left_changed", p->guard.left_changed);
        put_count(w, guard, "left_deleted", p->guard.left_deleted);
        put_text(w, guard, "complete", p->guard.complete);
    }
    if (p->has_predecessor)
        put_link(w, put_object(w, w->root, "predecessor"), &p->predecessor);
    else
        put(w, w->root, "predecessor", json_null());
    if (p->has_root) {
        json_t *root = put_object(w, w->root, "root");
        put_text(w, root, "point", p->root);
        put_link(w, put_object(w, root, "removed"), &p->root_removed);
    }
}

static void put_files(struct writing *w, const struct state_point *p)
{
    char name[LAYOUT_FILE_NAME_SIZE];
    json_t *list = put_array(w, w->root, "files");
    for (size_t i = 0; i < p->files_count && !w->failed; i++) {
        const struct state_point_file *file = &p->files[i];
        json_t *item = add_object(w, list);
        w->failed = layout_file_name(file->kind, file->number, name) != STATE_OK || w->failed;
        put_text(w, item, "name", name);
        if (strcmp(file->point, p->id) != 0)
            put_text(w, item, "point", file->point);
        put_uint(w, item, "lines", file->sum.lines);
        put_uint(w, item, "bytes", file->sum.bytes);
        put_text(w, item, "sha256", file->sum.sha256);
    }
}

static enum state_status put_json(struct writing *w, const char *name, const char *text, struct state_error *error)
{
    json_error_t why;
    if (text == NULL)
        return STATE_OK;
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (value == NULL)
        return state_fail(error, STATE_BAD_DATA, 0, "the %s of a point is not JSON: %s", name, why.text);
    put(w, w->root, name, value);
    return STATE_OK;
}

/*
 * To text that ends with a newline. The text is measured, then written to memory of that size: json_dumps, which lets
 * its memory grow, leaves names out when there is none, and calls that a success.
 */
static enum state_status dump(const struct writing *w, char **bytes, size_t *len, struct state_error *error)
{
    size_t n = w->failed ? 0 : json_dumpb(w->root, NULL, 0, JSON_INDENT(1));
    if (n >= STATE_POINT_BYTES_MAX)
        return state_fail(
                error, STATE_FULL, 0, "a point's file would be larger than %d bytes", (int)STATE_POINT_BYTES_MAX);
    char *text = n == 0 ? NULL : malloc(n + 2);
    if (text == NULL || json_dumpb(w->root, text, n, JSON_INDENT(1)) != n) {
        free(text);
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    }
    text[n] = '\n';
    text[n + 1] = '\0';
    *bytes = text;
    *len = n + 1;
    return STATE_OK;
}

enum state_status state_point_write(
        const struct state_point *point, char **bytes, size_t *len, struct state_error *error)
{
    struct writing w = { NULL, false };
    *bytes = NULL;
    *len = 0;
    enum state_status status = state_point_check(point, error);
    if (status != STATE_OK)
        return status;
    w.root = json_object();
    put_head(&w, point);
    put_did(&w, &point->did);
    put_missing(&w, point);
    put_links(&w, point);
    put_files(&w, point);
    status = put_json(&w, "policy", point->policy, error);
    if (status == STATE_OK)
        status = put_json(&w, "configuration", point->configuration, error);
    if (status == STATE_OK)
        status = dump(&w, bytes, len, error);
    json_decref(w.root);
    return status;
}
