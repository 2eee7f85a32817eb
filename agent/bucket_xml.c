/* See bucket_xml.h. A reader of the plain XML that S3 writes: elements and text. What is more (document types, CDATA)
 * is refused. */
#include "agent/bucket_xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16, NAME_MAX_BYTES = 64, NUMBER_MAX_DIGITS = 18 };

struct text {
    const char *at, *end;
};
struct name {
    char bytes[NAME_MAX_BYTES + 1];
};

/* Elements that may be repeated, and the name of the list that they make. */
static const struct {
    const char *parent, *element, *list; /* parent NULL: any */
} lists[] = {
    { NULL, "Rule", "Rules" },
    { NULL, "Transition", "Transitions" },
    { NULL, "NoncurrentVersionTransition", "NoncurrentVersionTransitions" },
    { "And", "Tag", "Tags" },
    { NULL, "CORSRule", "CORSRules" },
    { NULL, "AllowedHeader", "AllowedHeaders" },
    { NULL, "AllowedMethod", "AllowedMethods" },
    { NULL, "AllowedOrigin", "AllowedOrigins" },
    { NULL, "ExposeHeader", "ExposeHeaders" },
};
/* Elements that hold nothing but the items of a list. */
static const char *const wrappers[] = { "TagSet", "RoutingRules" };
static const char *const numbers[] = { "Days", "NoncurrentDays", "NewerNoncurrentVersions", "DaysAfterInitiation",
    "MaxAgeSeconds", "ObjectSizeGreaterThan", "ObjectSizeLessThan" };
static const char *const truths[] = { "ExpiredObjectDeleteMarker", "BucketKeyEnabled" };
/* Elements that are objects also when they are empty. */
static const char *const objects[] = { "Filter", "And", "Expiration", "Condition", "LifecycleConfiguration",
    "CORSConfiguration", "Tagging", "VersioningConfiguration" };

#define IS_ONE_OF(table, name) is_one_of(table, sizeof(table) / sizeof(table)[0], name)
static bool is_one_of(const char *const *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i], name) == 0)
            return true;
    return false;
}

static bool starts(const struct text *text, const char *with)
{
    size_t length = strlen(with);

    return (size_t)(text->end - text->at) >= length && memcmp(text->at, with, length) == 0;
}

/* Goes behind the next `until`. */
static bool pass(struct text *text, const char *until)
{
    const char *found = memmem(text->at, (size_t)(text->end - text->at), until, strlen(until));

    if (found == NULL)
        return false;
    text->at = found + strlen(until);
    return true;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* White space, declarations and comments before an element. */
static bool skip(struct text *text)
{
    for (;;) {
        while (text->at < text->end && is_space(*text->at))
            text->at++;
        if (starts(text, "<?") ? !pass(text, "?>") : starts(text, "<!--") && !pass(text, "-->"))
            return false;
        if (text->at == text->end || !(is_space(*text->at) || starts(text, "<?") || starts(text, "<!--")))
            return true;
    }
}

/* <name attributes>, of which only the name counts, without its namespace. */
static bool open_tag(struct text *text, struct name *name, bool *is_empty)
{
    size_t length = 0;
    char quote = '\0';

    if (text->at == text->end || *text->at++ != '<')
        return false;
    for (; text->at < text->end && !is_space(*text->at) && *text->at != '/' && *text->at != '>'; text->at++) {
        if (*text->at == '<' || *text->at == '!' || length == NAME_MAX_BYTES)
            return false;
        if (*text->at == ':')
            length = 0;
        else
            name->bytes[length++] = *text->at;
    }
    name->bytes[length] = '\0';
    for (; text->at < text->end && (quote != '\0' || *text->at != '>'); text->at++) {
        if (quote != '\0')
            quote = *text->at == quote ? '\0' : quote;
        else if (*text->at == '"' || *text->at == '\'')
            quote = *text->at;
    }
    if (length == 0 || text->at == text->end)
        return false;
    *is_empty = text->at[-1] == '/';
    text->at++;
    return true;
}

static bool close_tag(struct text *text, const struct name *name)
{
    struct name closed = { "" };
    const char *from = text->at + 2, *colon;
    size_t length;

    if (!starts(text, "</") || !pass(text, ">"))
        return false;
    length = (size_t)(text->at - 1 - from);
    while (length > 0 && is_space(from[length - 1]))
        length--;
    colon = memchr(from, ':', length);
    if (colon != NULL) {
        length -= (size_t)(colon + 1 - from);
        from = colon + 1;
    }
    if (length > NAME_MAX_BYTES)
        return false;
    memcpy(closed.bytes, from, length);
    return strcmp(closed.bytes, name->bytes) == 0;
}

/* A character reference as UTF-8; 0: none that XML has. */
static size_t put_character(unsigned long code, char *out)
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* Never more bytes than the reference itself has. */
static size_t decode_reference(struct text *text, char *out)
{
    static const struct {
        const char *name;
        char byte;
    } named[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' } };
    unsigned long code;
    char *after;

    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (starts(text, named[i].name)) {
            text->at += strlen(named[i].name);
            *out = named[i].byte;
            return 1;
        }
    }
    if (!starts(text, "&#") || memchr(text->at, ';', (size_t)(text->end - text->at)) == NULL)
        return 0;
    code = text->at[2] == 'x' ? strtoul(text->at + 3, &after, 16) : strtoul(text->at + 2, &after, 10);
    if (*after != ';')
        return 0;
    text->at = after + 1;
    return put_character(code, out);
}

static json_t *leaf(const char *name, const char *value, size_t length)
{
    if (IS_ONE_OF(numbers, name) && length > 0 && length <= NUMBER_MAX_DIGITS && strspn(value, "0123456789") == length)
        return json_integer(strtoll(value, NULL, 10));
    if (IS_ONE_OF(truths, name) && (strcmp(value, "true") == 0 || strcmp(value, "false") == 0))
        return json_boolean(value[0] == 't');
    if (IS_ONE_OF(objects, name) && strspn(value, " \t\r\n") == length)
        return json_object();
    if (IS_ONE_OF(wrappers, name) && strspn(value, " \t\r\n") == length)
        return json_array();
    return json_stringn(value, length);
}

/* The text up to the next element's end. */
static json_t *read_leaf(struct text *text, const struct name *name)
{
    const char *end = memchr(text->at, '<', (size_t)(text->end - text->at));
    struct text inside = { text->at, end };
    char *value = end != NULL ? malloc((size_t)(end - text->at) + 1) : NULL;
    size_t length = 0;
    json_t *json = NULL;

    if (value == NULL)
        return NULL;
    while (inside.at < inside.end) {
        size_t more = 1;
        if (*inside.at == '&')
            more = decode_reference(&inside, value + length);
        else
            value[length] = *inside.at++;
        if (more == 0)
            goto out;
        length += more;
    }
    value[length] = '\0';
    text->at = end;
    json = leaf(name->bytes, value, length);
out:
    free(value);
    return json;
}

/* Takes the child. */
static bool add_child(json_t *parent, const char *parent_name, const char *name, json_t *child)
{
    const char *key = strcmp(name, "MfaDelete") == 0 ? "MFADelete" : name;
    json_t *before;
    bool is_list = false;

    if (json_is_array(parent))
        return json_array_append_new(parent, child) == 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && !is_list; i++) {
        is_list = strcmp(lists[i].element, name) == 0 &&
                  (lists[i].parent == NULL || strcmp(lists[i].parent, parent_name) == 0);
        key = is_list ? lists[i].list : key;
    }
    before = json_object_get(parent, key);
    if (json_is_array(before))
        return json_array_append_new(before, child) == 0;
    if (before != NULL || is_list) /* also what is repeated and not known to be */
        child = before != NULL ? json_pack("[O o]", before, child) : json_pack("[o]", child);
    return child != NULL && json_object_set_new(parent, key, child) == 0;
}

static json_t *read_element(struct text *text, struct name *name, unsigned depth);

static json_t *read_children(struct text *text, const struct name *name, unsigned depth)
{
    json_t *all = IS_ONE_OF(wrappers, name->bytes) ? json_array() : json_object();

    while (all != NULL && skip(text) && !starts(text, "</")) {
        struct name child_name;
        json_t *child = read_element(text, &child_name, depth + 1);
        if (child == NULL || !add_child(all, name->bytes, child_name.bytes, child)) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *read_element(struct text *text, struct name *name, unsigned depth)
{
    struct text ahead;
    bool is_empty = false;
    json_t *json;

    if (depth > DEPTH_MAX || !skip(text) || !open_tag(text, name, &is_empty))
        return NULL;
    if (is_empty)
        return leaf(name->bytes, "", 0);
    ahead = *text;
    if (skip(&ahead) && starts(&ahead, "<") && !starts(&ahead, "</"))
        json = read_children(text, name, depth);
    else
        json = read_leaf(text, name);
    if (json != NULL && close_tag(text, name))
        return json;
    json_decref(json);
    return NULL;
}

json_t *bucket_xml_json(const char *text, size_t length)
{
    struct text all = { text, text + length };
    struct name root;
    json_t *json;

    if (memchr(text, '\0', length) != NULL)
        return NULL;
    json = read_element(&all, &root, 0);
    if (json != NULL && skip(&all) && all.at == all.end)
        return json;
    json_decref(json);
    return NULL;
}
