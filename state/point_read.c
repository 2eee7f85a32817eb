/* point.json to a point; see point.h. Strings stay in jansson's tree, which the point owns. */
#include "state/json_scan.h"
#include "state/point.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct loaded {
    struct state_point point; /* first: what the caller holds is this */
    json_t *root;
    struct state_point_missing *missing;
    struct state_point_file *files;
    char *policy;
    char *configuration;
};

/* Reading goes on after a wrong field, with zeros; the first one is named in the end. */
struct reading {
    const char *wrong;
    bool no_memory;
};

static void wrong(struct reading *r, const char *name)
{
    if (r->wrong == NULL)
        r->wrong = name;
}

static const char *get_text(struct reading *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value)) {
        wrong(r, name);
        return "";
    }
    return json_string_value(value);
}

/* A text of fixed size; a longer one is wrong, whether it may be empty is for state_point_check. */
static void get_fixed(struct reading *r, const json_t *object, const char *name, char *out, size_t size)
{
    const char *text = get_text(r, object, name);
    size_t len = strlen(text);
    if (len >= size) {
        wrong(r, name);
        len = 0;
    }
    memcpy(out, text, len);
    memset(out + len, 0, size - len);
}

static uint64_t get_uint(struct reading *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        wrong(r, name);
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

/* A count that is left out where it is 0, and that points of older programs do not have. */
static uint64_t get_count(struct reading *r, const json_t *object, const char *name)
{
    return json_object_get(object, name) == NULL ? 0 : get_uint(r, object, name);
}

static int64_t get_time(struct reading *r, const json_t *object, const char *name)
{
    int64_t ms = 0;
    const char *text = get_text(r, object, name);
    if (!state_utc_parse(text, strlen(text), &ms))
        wrong(r, name);
    return ms;
}

static json_t *get_object(struct reading *r, const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_object(value))
        wrong(r, name);
    return value;
}

static void get_head(struct reading *r, const json_t *root, struct state_point *p)
{
    p->program = get_text(r, root, "program");
    p->source = get_text(r, root, "source");
    p->bucket = get_text(r, root, "bucket");
    p->account = get_text(r, root, "account");
    p->region = get_text(r, root, "region");
    get_fixed(r, root, "point", p->id, sizeof p->id);
    p->started_ms = get_time(r, root, "started");
    p->finished_ms = get_time(r, root, "finished");
    const char *state = get_text(r, root, "state");
    int i = STATE_POINT_COMPLETE;
    while (i <= STATE_POINT_GUARDED && strcmp(state, state_point_state_name((enum state_point_state)i)) != 0)
        i++;
    if (i > STATE_POINT_GUARDED)
        wrong(r, "state");
    p->state = (enum state_point_state)i;
    const json_t *walk_ended = json_object_get(root, "walk_ended");
    if (!json_is_boolean(walk_ended))
        wrong(r, "walk_ended");
    p->walk_ended = json_is_true(walk_ended);
}

/* Classes of a newer version count as CLASS_OTHER. */
static void get_totals(struct reading *r, const json_t *root, struct state_point *p)
{
    const char *name;
    json_t *value;
    json_t *by_class = get_object(r, root, "by_class");
    json_object_foreach(by_class, name, value)
    {
        struct state_totals *totals = &p->by_class[storage_class_from(name, strlen(name))];
        totals->objects += get_uint(r, value, "objects");
        totals->bytes += get_uint(r, value, "bytes");
    }
    struct state_totals sum = state_point_totals(p);
    if (sum.objects != get_uint(r, root, "objects") || sum.bytes != get_uint(r, root, "bytes"))
        wrong(r, "by_class");
}

static void get_did(struct reading *r, const json_t *root, struct state_point_did *did)
{
    const json_t *object = get_object(r, root, "did");
    did->listed = get_uint(r, object, "listed");
    did->copied = get_uint(r, object, "copied");
    did->recopied = get_uint(r, object, "recopied");
    did->adopted = get_uint(r, object, "adopted");
    did->deleted = get_uint(r, object, "deleted");
    did->moved = get_uint(r, object, "moved");
    did->unchanged = get_uint(r, object, "unchanged");
    did->archived = get_uint(r, object, "archived");
    did->failed = get_uint(r, object, "failed");
    did->bytes_copied = get_uint(r, object, "bytes_copied");
    did->repeated = get_count(r, object, "repeated");
    did->customer_keys = get_count(r, object, "customer_keys");
}

/* An array of at most `max`, and zeroed memory for its items; NULL and 0 items when there is none. */
static void *get_array(
        struct reading *r, const json_t *object, const char *name, size_t max, size_t size, const json_t **array)
{
    *array = json_object_get(object, name);
    size_t n = json_array_size(*array);
    if (!json_is_array(*array) || n > max) {
        wrong(r, name);
        *array = NULL;
        return NULL;
    }
    void *items = calloc(n > 0 ? n : 1, size);
    if (items == NULL) {
        r->no_memory = true;
        *array = NULL;
    }
    return items;
}

static void get_missing(struct reading *r, const json_t *root, struct loaded *loaded)
{
    const json_t *object = get_object(r, root, "missing"), *list;
    struct state_point *p = &loaded->point;
    p->missing_count = get_uint(r, object, "count");
    loaded->missing = get_array(r, object, "list", STATE_POINT_MISSING_MAX, sizeof *loaded->missing, &list);
    p->missing = loaded->missing;
    p->missing_listed = json_array_size(list);
    for (size_t i = 0; i < p->missing_listed; i++) {
        const json_t *item = json_array_get(list, i), *key = json_object_get(item, "key");
        struct state_point_missing *missing = &loaded->missing[i];
        if (!json_is_string(key))
            wrong(r, "key");
        else
            missing->key = (struct state_text){ json_string_value(key), json_string_length(key) };
        missing->operation = get_text(r, item, "operation");
        uint64_t status = get_uint(r, item, "status");
        missing->status = status <= 999 ? (unsigned)status : 0;
        if (status > 999)
            wrong(r, "status");
        missing->code = get_text(r, item, "code");
        missing->message = get_text(r, item, "message");
        missing->request_id = get_text(r, item, "request_id");
    }
}

static void get_link(struct reading *r, const json_t *object, struct state_point_link *link)
{
    get_fixed(r, object, "point", link->point, sizeof link->point);
    get_fixed(r, object, "sha256", link->sha256, sizeof link->sha256);
}

static void get_links(struct reading *r, const json_t *root, struct state_point *p)
{
    const json_t *guard = json_object_get(root, "guard"), *end = json_object_get(root, "root");
    p->has_guard = guard != NULL;
    if (p->has_guard) {
        p->guard.reason = get_text(r, guard, "reason");
        p->guard.before = get_uint(r, guard, "before");
        p->guard.changed = get_uint(r, guard, "changed");
        p->guard.deleted = get_uint(r, guard, "deleted");
        p->guard.left_changed = get_count(r, guard, "left_changed");
        p->guard.left_deleted = get_count(r, guard, "left_deleted");
        get_fixed(r, guard, "complete", p->guard.complete, sizeof p->guard.complete);
    }
    /* null, not absence, says that there was no point before: a lost field must not look like a beginning */
    const json_t *predecessor = json_object_get(root, "predecessor");
    p->has_predecessor = !json_is_null(predecessor);
    if (p->has_predecessor)
        get_link(r, get_object(r, root, "predecessor"), &p->predecessor);
    p->has_root = end != NULL;
    if (p->has_root) {
        get_fixed(r, end, "point", p->root, sizeof p->root);
        get_link(r, get_object(r, end, "removed"), &p->root_removed);
    }
}

static void get_files(struct reading *r, const json_t *root, struct loaded *loaded)
{
    const json_t *list;
    struct state_point *p = &loaded->point;
    loaded->files = get_array(r, root, "files", STATE_POINT_FILES_MAX, sizeof *loaded->files, &list);
    p->files = loaded->files;
    p->files_count = json_array_size(list);
    for (size_t i = 0; i < p->files_count; i++) {
        const json_t *item = json_array_get(list, i);
        struct state_point_file *file = &loaded->files[i];
        const char *name = get_text(r, item, "name");
        if (!layout_parse_file_name(name, strlen(name), &file->kind, &file->number))
            wrong(r, "name");
        memcpy(file->point, p->id, sizeof file->point);
        if (json_object_get(item, "point") != NULL)
            get_fixed(r, item, "point", file->point, sizeof file->point);
        file->sum.lines = get_uint(r, item, "lines");
        file->sum.bytes = get_uint(r, item, "bytes");
        get_fixed(r, item, "sha256", file->sum.sha256, sizeof file->sum.sha256);
    }
}

/* A value of any kind, as text; measured first, as in point_write.c. */
static char *get_json(struct reading *r, const json_t *root, const char *name)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    const json_t *value = json_object_get(root, name);
    if (value == NULL)
        return NULL;
    size_t n = json_dumpb(value, NULL, 0, flags);
    char *text = n == 0 ? NULL : malloc(n + 1);
    if (text == NULL || json_dumpb(value, text, n, flags) != n) {
        free(text);
        r->no_memory = true;
        return NULL;
    }
    text[n] = '\0';
    return text;
}

static enum state_status load(struct loaded *loaded, struct state_error *error)
{
    struct reading r = { NULL, false };
    const json_t *root = loaded->root;
    uint64_t format = get_uint(&r, root, "format");
    if (r.wrong != NULL || format == 0)
        return state_fail(error, STATE_BAD_DATA, 0, "a point's file has no format number");
    if (format > STATE_POINT_FORMAT)
        return state_fail(error, STATE_TOO_NEW, 0, "a point has format %llu, this version reads %d",
                (unsigned long long)format, (int)STATE_POINT_FORMAT);
    get_head(&r, root, &loaded->point);
    get_totals(&r, root, &loaded->point);
    get_did(&r, root, &loaded->point.did);
    get_missing(&r, root, loaded);
    get_links(&r, root, &loaded->point);
    get_files(&r, root, loaded);
    loaded->point.policy = loaded->policy = get_json(&r, root, "policy");
    loaded->point.configuration = loaded->configuration = get_json(&r, root, "configuration");
    if (r.no_memory)
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    if (r.wrong != NULL)
        return state_fail(error, STATE_BAD_DATA, 0, "a point's field \"%s\" is missing or wrong", r.wrong);
    return state_point_check(&loaded->point, error);
}

/*
 * jansson calls a lack of memory bad syntax in many places. A point must not count as damaged for that, so the text is
 * looked at once more, without memory.
 */
static enum state_status not_loaded(const char *bytes, size_t len, const json_error_t *why, struct state_error *error)
{
    enum json_error_code code = json_error_code(why);
    bool vague = code == json_error_unknown || code == json_error_out_of_memory || code == json_error_invalid_syntax;
    if (vague && json_scan_is_valid(bytes, len))
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    return state_fail(error, STATE_BAD_DATA, 0, "a point's file is not JSON: line %d: %s", why->line, why->text);
}

enum state_status state_point_read(const char *bytes, size_t len, struct state_point **out, struct state_error *error)
{
    json_error_t why = { 0 }; /* jansson leaves the code as it is where it runs out of memory */
    *out = NULL;
    if (len > STATE_POINT_BYTES_MAX)
        return state_fail(error, STATE_FULL, 0, "a point's file is larger than %d bytes", (int)STATE_POINT_BYTES_MAX);
    struct loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    enum state_status status;
    loaded->root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (loaded->root == NULL)
        status = not_loaded(bytes, len, &why, error);
    else
        status = load(loaded, error);
    if (status == STATE_OK)
        *out = &loaded->point;
    else
        state_point_free(&loaded->point);
    return status;
}

void state_point_free(struct state_point *point)
{
    if (point == NULL)
        return;
    struct loaded *loaded = (struct loaded *)point;
    json_decref(loaded->root);
    free(loaded->missing);
    free(loaded->files);
    free(loaded->policy);
    free(loaded->configuration);
    free(loaded);
}
