/* See json_text.h. */
#include "agent/json_text.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    size_t size, used;
    max_align_t bytes[];
};

struct json_text {
    struct block *blocks;
};

struct parser {
    struct json_text *document;
    const unsigned char *text;
    size_t len, pos;
    unsigned line, column;
    struct json_text_error *error;
};

enum { BLOCK_SIZE = 16 * 1024, NUMBER_MAX = 40 /* digits and signs; a double needs 24 */ };

static struct json_node *parse_value(struct parser *p, int depth);

struct json_text *json_text_new(void)
{
    return calloc(1, sizeof(struct json_text));
}

void json_text_free(struct json_text *document)
{
    if (document == NULL)
        return;
    for (struct block *block = document->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(document);
}

void *json_text_alloc(struct json_text *document, size_t size)
{
    struct block *block = document->blocks;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

        block = calloc(1, sizeof(*block) + room);
        if (block == NULL)
            return NULL;
        block->size = room;
        block->next = document->blocks;
        document->blocks = block;
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += size;
    return memory;
}

__attribute__((format(printf, 2, 3))) static void fail(struct parser *p, const char *format, ...)
{
    va_list args;

    if (p->error == NULL)
        return;
    p->error->line = p->line;
    p->error->column = p->column;
    va_start(args, format);
    vsnprintf(p->error->what, sizeof(p->error->what), format, args);
    va_end(args);
}

static void *alloc_or_fail(struct parser *p, size_t size)
{
    void *memory = json_text_alloc(p->document, size);

    if (memory == NULL && p->error != NULL) {
        *p->error = (struct json_text_error){ .no_memory = true };
        snprintf(p->error->what, sizeof(p->error->what), "out of memory");
    }
    return memory;
}

static int peek(const struct parser *p)
{
    return p->pos < p->len ? p->text[p->pos] : -1;
}

/* Steps over one byte; continuation bytes of UTF-8 are no columns of their own. */
static void step(struct parser *p)
{
    unsigned char byte = p->text[p->pos++];

    if (byte == '\n') {
        p->line++;
        p->column = 1;
    } else if ((byte & 0xC0) != 0x80) {
        p->column++;
    }
}

static void skip_space(struct parser *p)
{
    int c;

    while ((c = peek(p)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        step(p);
}

static void unexpected(struct parser *p, const char *wanted)
{
    int c = peek(p);

    if (c < 0)
        fail(p, "expected %s, but the text ends", wanted);
    else if (c > ' ' && c < 127)
        fail(p, "expected %s, found \"%c\"", wanted, c);
    else
        fail(p, "expected %s, found byte 0x%02x", wanted, (unsigned)c);
}

/* The length of the valid UTF-8 sequence at `s`, or 0: no overlong forms, no surrogates, nothing over U+10FFFF. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    unsigned min = 0x80, max = 0xBF;
    size_t need;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        need = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        need = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        need = 4;
    else
        return 0;
    if (s[0] == 0xE0)
        min = 0xA0;
    else if (s[0] == 0xED)
        max = 0x9F;
    else if (s[0] == 0xF0)
        min = 0x90;
    else if (s[0] == 0xF4)
        max = 0x8F;
    if (len < need || s[1] < min || s[1] > max)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return need;
}

static size_t utf8_put(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static bool parse_hex4(struct parser *p, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int c = peek(p);

        if (c >= '0' && c <= '9')
            *out = *out << 4 | (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *out = *out << 4 | (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            *out = *out << 4 | (unsigned)(c - 'A' + 10);
        else {
            unexpected(p, "four hex digits after \\u");
            return false;
        }
        step(p);
    }
    return true;
}

/* After \u. Two escapes of a surrogate pair are one character. */
static bool parse_unicode(struct parser *p, char *out, size_t *used)
{
    unsigned code, low;

    if (!parse_hex4(p, &code))
        return false;
    if (code >= 0xD800 && code <= 0xDBFF && p->len - p->pos >= 2 && p->text[p->pos] == '\\' &&
            p->text[p->pos + 1] == 'u') {
        step(p);
        step(p);
        if (!parse_hex4(p, &low))
            return false;
        if (low >= 0xDC00 && low <= 0xDFFF)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
        fail(p, "half a surrogate pair in a \\u escape");
        return false;
    }
    if (code == 0) {
        fail(p, "a NUL character in a string");
        return false;
    }
    *used += utf8_put(out + *used, code);
    return true;
}

static bool parse_escape(struct parser *p, char *out, size_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    int c;

    step(p);
    c = peek(p);
    if (c == 'u') {
        step(p);
        return parse_unicode(p, out, used);
    }
    found = c > 0 ? strchr(from, c) : NULL;
    if (found == NULL) {
        unexpected(p, "one of \"\\/bfnrtu after \\");
        return false;
    }
    step(p);
    out[(*used)++] = to[found - from];
    return true;
}

/* At the opening quote. Returns terminated bytes, free of NUL. */
static char *parse_string(struct parser *p, size_t *len)
{
    const unsigned char *end = p->text + p->pos + 1;
    size_t used = 0;
    char *out;
    int c;

    /* no escape is shorter than what it stands for, so that the raw length is room enough */
    while (end < p->text + p->len && *end != '"')
        end += *end == '\\' && end + 1 < p->text + p->len ? 2 : 1;
    out = alloc_or_fail(p, (size_t)(end - (p->text + p->pos)) + 1);
    if (out == NULL)
        return NULL;
    step(p);
    while ((c = peek(p)) != '"') {
        size_t run;

        if (c == '\\') {
            if (!parse_escape(p, out, &used))
                return NULL;
            continue;
        }
        if (c < 0) {
            fail(p, "a string without its closing quote");
            return NULL;
        }
        if (c < ' ') {
            fail(p, "a raw control character (0x%02x) in a string", (unsigned)c);
            return NULL;
        }
        run = utf8_length(p->text + p->pos, p->len - p->pos);
        if (run == 0) {
            fail(p, "a byte that is not UTF-8 (0x%02x)", (unsigned)c);
            return NULL;
        }
        while (run-- > 0) {
            out[used++] = (char)p->text[p->pos];
            step(p);
        }
    }
    step(p);
    out[used] = '\0';
    *len = used;
    return out;
}

static bool skip_digits(struct parser *p)
{
    if (peek(p) < '0' || peek(p) > '9') {
        unexpected(p, "a digit");
        return false;
    }
    while (peek(p) >= '0' && peek(p) <= '9')
        step(p);
    return true;
}

static bool parse_number(struct parser *p, struct json_node *node)
{
    char spelling[NUMBER_MAX + 1];
    size_t start = p->pos;
    bool whole = true;

    if (peek(p) == '-')
        step(p);
    if (peek(p) == '0')
        step(p);
    else if (!skip_digits(p))
        return false;
    if (peek(p) == '.') {
        whole = false;
        step(p);
        if (!skip_digits(p))
            return false;
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        whole = false;
        step(p);
        if (peek(p) == '+' || peek(p) == '-')
            step(p);
        if (!skip_digits(p))
            return false;
    }
    if (p->pos - start > NUMBER_MAX) {
        fail(p, "a number of more than %d characters", NUMBER_MAX);
        return false;
    }
    memcpy(spelling, p->text + start, p->pos - start);
    spelling[p->pos - start] = '\0';
    node->number = strtod(spelling, NULL);
    if (!isfinite(node->number)) {
        fail(p, "a number out of range");
        return false;
    }
    /* 18 digits always fit; a config knows no larger number */
    node->is_integer = whole && p->pos - start <= 18;
    if (node->is_integer)
        node->integer = strtoll(spelling, NULL, 10);
    return true;
}

static bool parse_word(struct parser *p, struct json_node *node)
{
    static const struct {
        const char *word;
        enum json_kind kind;
        bool is_true;
    } words[] = { { "null", JSON_KIND_NULL, false }, { "true", JSON_KIND_BOOL, true },
        { "false", JSON_KIND_BOOL, false } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i].word);

        if (p->len - p->pos < len || memcmp(p->text + p->pos, words[i].word, len) != 0)
            continue;
        while (len-- > 0)
            step(p);
        node->kind = words[i].kind;
        node->is_true = words[i].is_true;
        return true;
    }
    unexpected(p, "a value");
    return false;
}

/* At a member's name: reads it and the colon. */
static bool parse_name(struct parser *p, const struct json_node *object, struct json_node *name)
{
    size_t len;

    if (peek(p) != '"') {
        unexpected(p, "a quoted name");
        return false;
    }
    name->name_line = p->line;
    name->name_column = p->column;
    name->name = parse_string(p, &len);
    if (name->name == NULL)
        return false;
    const struct json_node *twin = json_text_member(object, name->name);
    if (twin != NULL) {
        p->line = name->name_line;
        p->column = name->name_column;
        fail(p, "\"%.60s\" is given twice, first in line %u", name->name, twin->name_line);
        return false;
    }
    if (object->count >= JSON_TEXT_MEMBERS_MAX) {
        fail(p, "an object with more than %d members", JSON_TEXT_MEMBERS_MAX);
        return false;
    }
    skip_space(p);
    if (peek(p) != ':') {
        unexpected(p, "\":\"");
        return false;
    }
    step(p);
    skip_space(p);
    return true;
}

/* Behind the opening bracket of an array or object. */
static bool parse_members(struct parser *p, struct json_node *parent, int depth)
{
    const bool named = parent->kind == JSON_KIND_OBJECT;
    const int close = named ? '}' : ']';
    struct json_node **tail = &parent->first;

    skip_space(p);
    if (peek(p) == close) {
        step(p);
        return true;
    }
    for (;;) {
        struct json_node name = { 0 }, *child;

        if (named && !parse_name(p, parent, &name))
            return false;
        child = parse_value(p, depth);
        if (child == NULL)
            return false;
        child->name = name.name;
        child->name_line = name.name_line;
        child->name_column = name.name_column;
        *tail = child;
        tail = &child->next;
        parent->count++;
        skip_space(p);
        int c = peek(p);
        if (c == close || c == ',')
            step(p);
        if (c == close)
            return true;
        if (c != ',') {
            unexpected(p, named ? "\",\" or \"}\"" : "\",\" or \"]\"");
            return false;
        }
        skip_space(p);
    }
}

static struct json_node *parse_value(struct parser *p, int depth)
{
    struct json_node *node = alloc_or_fail(p, sizeof(*node));
    bool good;
    int c = peek(p);

    if (node == NULL)
        return NULL;
    node->line = p->line;
    node->column = p->column;
    if (c == '{' || c == '[') {
        node->kind = c == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
        if (depth >= JSON_TEXT_DEPTH_MAX) {
            fail(p, "more than %d levels of nesting", JSON_TEXT_DEPTH_MAX);
            return NULL;
        }
        step(p);
        good = parse_members(p, node, depth + 1);
    } else if (c == '"') {
        node->kind = JSON_KIND_STRING;
        node->text = parse_string(p, &node->len);
        good = node->text != NULL;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        node->kind = JSON_KIND_NUMBER;
        good = parse_number(p, node);
    } else {
        good = parse_word(p, node);
    }
    return good ? node : NULL;
}

const struct json_node *json_text_parse(
        struct json_text *document, const char *text, size_t len, struct json_text_error *error)
{
    struct parser p = { .document = document, .text = (const unsigned char *)text, .len = len, .line = 1, .column = 1 };
    const struct json_node *root;

    p.error = error;
    if (len > JSON_TEXT_MAX) {
        fail(&p, "more than %d bytes", JSON_TEXT_MAX);
        return NULL;
    }
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        p.pos = 3;
    skip_space(&p);
    root = parse_value(&p, 0);
    if (root == NULL)
        return NULL;
    skip_space(&p);
    if (p.pos < len) {
        unexpected(&p, "nothing after the value");
        return NULL;
    }
    return root;
}

const struct json_node *json_text_member(const struct json_node *object, const char *name)
{
    if (object == NULL || object->kind != JSON_KIND_OBJECT)
        return NULL;
    for (const struct json_node *member = object->first; member != NULL; member = member->next)
        if (strcmp(member->name, name) == 0)
            return member;
    return NULL;
}

const char *json_text_kind_name(enum json_kind kind)
{
    static const char *const names[] = { "null", "a boolean", "a number", "a string", "an array", "an object" };

    return names[kind];
}
