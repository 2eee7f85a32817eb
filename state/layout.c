/* See layout.h. */
#include "state/layout.h"
#include "state/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const folders[] = {
    [LAYOUT_DATA] = "data",
    [LAYOUT_DATA_LONG] = "data-long",
    [LAYOUT_NAME] = "names",
    [LAYOUT_POINT] = "points",
    [LAYOUT_CHANGES] = "points",
    [LAYOUT_FULL] = "points",
    [LAYOUT_FORGOTTEN] = "points",
    [LAYOUT_INTERRUPTED] = "points",
    [LAYOUT_PINNED] = "points",
    [LAYOUT_DRILL] = "points",
    [LAYOUT_LEASE] = "lease",
    [LAYOUT_PRUNE] = "prune",
};

enum { LEASE_DIGITS = 10, FILE_DIGITS_MIN = 4 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool layout_source_is_valid(const char *ptr, size_t len)
{
    if (len < STATE_SOURCE_MIN || len > STATE_SOURCE_MAX || !is_alnum(ptr[0]) || !is_alnum(ptr[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(ptr[i]) && ptr[i] != '.' && ptr[i] != '-')
            return false;
        if (ptr[i] == '.' && ptr[i + 1] == '.')
            return false;
    }
    return true;
}

enum state_status layout_init(struct layout *layout, const char *prefix, size_t len, struct state_error *error)
{
    if (len > STATE_PREFIX_MAX)
        return state_fail(
                error, STATE_BAD_DATA, 0, "the vault's prefix is longer than %d bytes", (int)STATE_PREFIX_MAX);
    if (len > 0 && prefix[len - 1] != '/')
        return state_fail(error, STATE_BAD_DATA, 0, "the vault's prefix must end with a slash");
    if (!state_utf8_is_valid(prefix, len))
        return state_fail(error, STATE_BAD_DATA, 0, "the vault's prefix is not valid UTF-8");
    memset(layout, 0, sizeof *layout);
    if (len > 0)
        memcpy(layout->prefix, prefix, len);
    layout->prefix_len = len;
    return STATE_OK;
}

/* The bound is kept by arithmetic before: every fixed path fits behind the longest prefix. */
static void __attribute__((format(printf, 3, 4)))
build(const struct layout *layout, struct layout_path *out, const char *format, ...)
{
    memcpy(out->ptr, layout->prefix, layout->prefix_len);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(out->ptr + layout->prefix_len, sizeof out->ptr - layout->prefix_len, format, arguments);
    va_end(arguments);
    out->len = layout->prefix_len + (size_t)n;
}

static enum state_status check_data(const char *source, struct state_text key, struct state_error *error)
{
    if (!layout_source_is_valid(source, strlen(source)))
        return state_fail(error, STATE_BAD_DATA, 0, "\"%.80s\" is not a valid source name", source);
    if (key.len == 0 || key.len > STATE_KEY_MAX)
        return state_fail(error, STATE_BAD_DATA, 0, "a key of %zu bytes", key.len);
    if (!state_utf8_is_valid(key.ptr, key.len))
        return state_fail(error, STATE_BAD_DATA, 0, "a key is not valid UTF-8");
    return STATE_OK;
}

static bool is_long(const struct layout *layout, const char *source, struct state_text key)
{
    return layout->prefix_len + strlen("data//") + strlen(source) + key.len > STATE_PATH_MAX;
}

static enum state_status build_hashed(const struct layout *layout, enum layout_kind kind, const char *source,
        struct state_text key, struct layout_path *out, struct state_error *error)
{
    char hash[STATE_SHA256_HEX_SIZE];
    enum state_status status = state_sha256_hex(key.ptr, key.len, hash, error);
    if (status == STATE_OK)
        build(layout, out, "%s/%s/%s", folders[kind], source, hash);
    return status;
}

enum state_status layout_data(const struct layout *layout, const char *source, struct state_text key,
        struct layout_path *out, enum layout_kind *kind, struct state_error *error)
{
    enum state_status status = check_data(source, key, error);
    if (status != STATE_OK)
        return status;
    *kind = is_long(layout, source, key) ? LAYOUT_DATA_LONG : LAYOUT_DATA;
    if (*kind == LAYOUT_DATA_LONG)
        return build_hashed(layout, LAYOUT_DATA_LONG, source, key, out, error);
    build(layout, out, "data/%s/", source);
    memcpy(out->ptr + out->len, key.ptr, key.len);
    out->len += key.len;
    out->ptr[out->len] = '\0';
    return STATE_OK;
}

enum state_status layout_name(const struct layout *layout, const char *source, struct state_text key,
        struct layout_path *out, struct state_error *error)
{
    enum state_status status = check_data(source, key, error);
    if (status != STATE_OK)
        return status;
    if (!is_long(layout, source, key))
        return state_fail(error, STATE_BAD_DATA, 0, "a key of %zu bytes needs no file for its name", key.len);
    return build_hashed(layout, LAYOUT_NAME, source, key, out, error);
}

/* Of the files of which a point has at most one; NULL: no such kind. */
static const char *plain_name(enum layout_kind kind)
{
    return kind == LAYOUT_POINT         ? "point.json"
           : kind == LAYOUT_FORGOTTEN   ? "forgotten.json"
           : kind == LAYOUT_INTERRUPTED ? "interrupted.json"
           : kind == LAYOUT_PINNED      ? "pinned.json"
                                        : NULL;
}

enum state_status layout_file_name(enum layout_kind kind, uint64_t number, char out[LAYOUT_FILE_NAME_SIZE])
{
    bool numbered = kind == LAYOUT_CHANGES || kind == LAYOUT_FULL;
    char time[STATE_POINT_SIZE];
    out[0] = '\0';
    if (kind == LAYOUT_DRILL) {
        if (number > INT64_MAX || !state_utc_to_point((int64_t)number, time))
            return STATE_BAD_DATA;
        (void)snprintf(out, LAYOUT_FILE_NAME_SIZE, "drill-%s.json", time);
        return STATE_OK;
    }
    if (numbered ? number < 1 || number > STATE_FILE_NUMBER_MAX : number != 0)
        return STATE_BAD_DATA;
    if (numbered)
        (void)snprintf(out, LAYOUT_FILE_NAME_SIZE, "%s-%04u.ndjson.zst", kind == LAYOUT_CHANGES ? "changes" : "full",
                (unsigned)number);
    else if (plain_name(kind) != NULL)
        (void)snprintf(out, LAYOUT_FILE_NAME_SIZE, "%s", plain_name(kind));
    else
        return STATE_BAD_DATA;
    return STATE_OK;
}

enum state_status layout_point_file(const struct layout *layout, const char *source, const char *point,
        enum layout_kind kind, uint64_t number, struct layout_path *out)
{
    char name[LAYOUT_FILE_NAME_SIZE];
    int64_t seconds;
    if (!layout_source_is_valid(source, strlen(source)) || !state_utc_from_point(point, strlen(point), &seconds) ||
            layout_file_name(kind, number, name) != STATE_OK)
        return STATE_BAD_DATA;
    build(layout, out, "points/%s/%s/%s", source, point, name);
    return STATE_OK;
}

enum state_status layout_lease(
        const struct layout *layout, const char *source, uint64_t number, struct layout_path *out)
{
    if (!layout_source_is_valid(source, strlen(source)) || number > STATE_LEASE_MAX)
        return STATE_BAD_DATA;
    build(layout, out, "lease/%s/%0*llu.json", source, LEASE_DIGITS, (unsigned long long)number);
    return STATE_OK;
}

enum state_status layout_prune(const struct layout *layout, const char *source, struct layout_path *out)
{
    if (!layout_source_is_valid(source, strlen(source)))
        return STATE_BAD_DATA;
    build(layout, out, "prune/%s/record.json", source);
    return STATE_OK;
}

enum state_status layout_folder(
        const struct layout *layout, enum layout_kind kind, const char *source, struct layout_path *out)
{
    if (source == NULL) {
        build(layout, out, "%s/", folders[kind]);
        return STATE_OK;
    }
    if (!layout_source_is_valid(source, strlen(source)))
        return STATE_BAD_DATA;
    build(layout, out, "%s/%s/", folders[kind], source);
    return STATE_OK;
}

/* What is left of a path while it is taken apart. */
struct rest {
    const char *ptr;
    size_t len;
};

static bool take(struct rest *rest, const char *text)
{
    size_t n = strlen(text);
    if (rest->len < n || memcmp(rest->ptr, text, n) != 0)
        return false;
    rest->ptr += n;
    rest->len -= n;
    return true;
}

static bool take_segment(struct rest *rest, struct state_text *out)
{
    const char *slash = memchr(rest->ptr, '/', rest->len);
    if (slash == NULL)
        return false;
    *out = (struct state_text){ rest->ptr, (size_t)(slash - rest->ptr) };
    rest->len -= out->len + 1;
    rest->ptr = slash + 1;
    return true;
}

/* All digits there are; at most ten, so that no number overflows. */
static size_t take_number(struct rest *rest, uint64_t *number)
{
    size_t n = 0;
    uint64_t v = 0;
    while (n < rest->len && n < LEASE_DIGITS && rest->ptr[n] >= '0' && rest->ptr[n] <= '9')
        v = v * 10 + (uint64_t)(rest->ptr[n++] - '0');
    rest->ptr += n;
    rest->len -= n;
    *number = v;
    return n;
}

bool layout_parse_file_name(const char *ptr, size_t len, enum layout_kind *kind, uint64_t *number)
{
    struct rest rest = { ptr, len };
    *number = 0;
    if (take(&rest, "drill-")) {
        int64_t seconds;
        *kind = LAYOUT_DRILL;
        if (rest.len != STATE_POINT_LEN + strlen(".json") || !state_utc_from_point(rest.ptr, STATE_POINT_LEN, &seconds))
            return false;
        *number = (uint64_t)seconds;
        return memcmp(rest.ptr + STATE_POINT_LEN, ".json", strlen(".json")) == 0;
    }
    if (take(&rest, "changes-"))
        *kind = LAYOUT_CHANGES;
    else if (take(&rest, "full-"))
        *kind = LAYOUT_FULL;
    else {
        *kind = take(&rest, plain_name(LAYOUT_FORGOTTEN))     ? LAYOUT_FORGOTTEN
                : take(&rest, plain_name(LAYOUT_INTERRUPTED)) ? LAYOUT_INTERRUPTED
                : take(&rest, plain_name(LAYOUT_PINNED))      ? LAYOUT_PINNED
                                                              : LAYOUT_POINT;
        return (*kind != LAYOUT_POINT || take(&rest, plain_name(LAYOUT_POINT))) && rest.len == 0;
    }
    bool leading_zero = rest.len > 0 && rest.ptr[0] == '0';
    size_t digits = take_number(&rest, number);
    if (digits < FILE_DIGITS_MIN || (digits > FILE_DIGITS_MIN && leading_zero))
        return false;
    return *number >= 1 && *number <= STATE_FILE_NUMBER_MAX && take(&rest, ".ndjson.zst") && rest.len == 0;
}

static bool parse_in_points(struct rest *rest, struct layout_parts *out)
{
    int64_t seconds;
    return take_segment(rest, &out->point) && state_utc_from_point(out->point.ptr, out->point.len, &seconds) &&
           layout_parse_file_name(rest->ptr, rest->len, &out->kind, &out->number);
}

static bool parse_hash(struct rest *rest, struct layout_parts *out, enum layout_kind kind)
{
    out->kind = kind;
    out->hash = (struct state_text){ rest->ptr, rest->len };
    return state_sha256_is_hex(rest->ptr, rest->len);
}

enum state_status layout_parse(const struct layout *layout, const char *ptr, size_t len, struct layout_parts *out)
{
    memset(out, 0, sizeof *out);
    if (len > STATE_PATH_MAX || len < layout->prefix_len || memcmp(ptr, layout->prefix, layout->prefix_len) != 0)
        return STATE_NOT_FOUND;
    struct rest rest = { ptr + layout->prefix_len, len - layout->prefix_len };
    struct state_text folder;
    if (!take_segment(&rest, &folder) || !take_segment(&rest, &out->source) ||
            !layout_source_is_valid(out->source.ptr, out->source.len))
        return STATE_NOT_FOUND;
    struct rest name = { folder.ptr, folder.len + 1 }; /* with its slash */
    bool ok = false;
    if (take(&name, "data/")) {
        out->kind = LAYOUT_DATA;
        out->key = (struct state_text){ rest.ptr, rest.len };
        ok = rest.len > 0 && state_utf8_is_valid(rest.ptr, rest.len);
    } else if (take(&name, "data-long/")) {
        ok = parse_hash(&rest, out, LAYOUT_DATA_LONG);
    } else if (take(&name, "names/")) {
        ok = parse_hash(&rest, out, LAYOUT_NAME);
    } else if (take(&name, "points/")) {
        ok = parse_in_points(&rest, out);
    } else if (take(&name, "lease/")) {
        out->kind = LAYOUT_LEASE;
        ok = take_number(&rest, &out->number) == LEASE_DIGITS && take(&rest, ".json") && rest.len == 0;
    } else if (take(&name, "prune/")) {
        out->kind = LAYOUT_PRUNE;
        ok = take(&rest, "record.json") && rest.len == 0;
    }
    return ok ? STATE_OK : STATE_NOT_FOUND;
}
