/* See json_token.h. */
#include "agent/json_token.h"
#include "state/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 40 /* digits and signs; a double needs 24 */ };

void json_token_fail(struct json_cursor *p, const char *format, ...)
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

void *json_token_alloc(struct json_cursor *p, size_t size)
{
    void *memory = json_text_alloc(p->document, size);

    if (memory == NULL && p->error != NULL) {
        *p->error = (struct json_text_error){ .no_memory = true };
        snprintf(p->error->what, sizeof(p->error->what), "out of memory");
    }
    return memory;
}

int json_token_peek(const struct json_cursor *p)
{
    return p->pos < p->len ? p->text[p->pos] : -1;
}

/* Steps over one byte; continuation bytes of UTF-8 are no columns of their own. */
void json_token_step(struct json_cursor *p)
{
    unsigned char byte = p->text[p->pos++];

    if (byte == '\n') {
        p->line++;
        p->column = 1;
    } else if ((byte & 0xC0) != 0x80) {
        p->column++;
    }
}

void json_token_skip_space(struct json_cursor *p)
{
    int c;

    while ((c = json_token_peek(p)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        json_token_step(p);
}

void json_token_unexpected(struct json_cursor *p, const char *wanted)
{
    int c = json_token_peek(p);

    if (c < 0)
        json_token_fail(p, "expected %s, but the text ends", wanted);
    else if (c > ' ' && c < 127)
        json_token_fail(p, "expected %s, found \"%c\"", wanted, c);
    else
        json_token_fail(p, "expected %s, found byte 0x%02x", wanted, (unsigned)c);
}

static bool parse_hex4(struct json_cursor *p, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int c = json_token_peek(p);

        if (c >= '0' && c <= '9')
            *out = *out << 4 | (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *out = *out << 4 | (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            *out = *out << 4 | (unsigned)(c - 'A' + 10);
        else {
            json_token_unexpected(p, "four hex digits after \\u");
            return false;
        }
        json_token_step(p);
    }
    return true;
}

/* After \u. Two escapes of a surrogate pair are one character. */
static bool parse_unicode(struct json_cursor *p, char *out, size_t *used)
{
    unsigned code, low;

    if (!parse_hex4(p, &code))
        return false;
    if (code >= 0xD800 && code <= 0xDBFF && p->len - p->pos >= 2 && p->text[p->pos] == '\\' &&
            p->text[p->pos + 1] == 'u') {
        json_token_step(p);
        json_token_step(p);
        if (!parse_hex4(p, &low))
            return false;
        if (low >= 0xDC00 && low <= 0xDFFF)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code >= 0xD800 && code <= 0xDFFF) {
        json_token_fail(p, "half a surrogate pair in a \\u escape");
        return false;
    }
    if (code == 0) {
        json_token_fail(p, "a NUL character in a string");
        return false;
    }
    *used += state_utf8_put(code, out + *used);
    return true;
}

static bool parse_escape(struct json_cursor *p, char *out, size_t *used)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    int c;

    json_token_step(p);
    c = json_token_peek(p);
    if (c == 'u') {
        json_token_step(p);
        return parse_unicode(p, out, used);
    }
    found = c > 0 ? strchr(from, c) : NULL;
    if (found == NULL) {
        json_token_unexpected(p, "one of \"\\/bfnrtu after \\");
        return false;
    }
    json_token_step(p);
    out[(*used)++] = to[found - from];
    return true;
}

/* At the opening quote. Returns terminated bytes, free of NUL. */
char *json_token_string(struct json_cursor *p, size_t *len)
{
    const unsigned char *end = p->text + p->pos + 1;
    size_t used = 0;
    char *out;
    int c;

    /* no escape is shorter than what it stands for, so that the raw length is room enough */
    while (end < p->text + p->len && *end != '"')
        end += *end == '\\' && end + 1 < p->text + p->len ? 2 : 1;
    out = json_token_alloc(p, (size_t)(end - (p->text + p->pos)) + 1);
    if (out == NULL)
        return NULL;
    json_token_step(p);
    while ((c = json_token_peek(p)) != '"') {
        size_t run;

        if (c == '\\') {
            if (!parse_escape(p, out, &used))
                return NULL;
            continue;
        }
        if (c < 0) {
            json_token_fail(p, "a string without its closing quote");
            return NULL;
        }
        if (c < ' ') {
            json_token_fail(p, "a raw control character (0x%02x) in a string", (unsigned)c);
            return NULL;
        }
        run = state_utf8_sequence((const char *)p->text + p->pos, p->len - p->pos);
        if (run == 0) {
            json_token_fail(p, "a byte that is not UTF-8 (0x%02x)", (unsigned)c);
            return NULL;
        }
        while (run-- > 0) {
            out[used++] = (char)p->text[p->pos];
            json_token_step(p);
        }
    }
    json_token_step(p);
    out[used] = '\0';
    *len = used;
    return out;
}

static bool skip_digits(struct json_cursor *p)
{
    if (json_token_peek(p) < '0' || json_token_peek(p) > '9') {
        json_token_unexpected(p, "a digit");
        return false;
    }
    while (json_token_peek(p) >= '0' && json_token_peek(p) <= '9')
        json_token_step(p);
    return true;
}

bool json_token_number(struct json_cursor *p, struct json_node *node)
{
    char spelling[NUMBER_MAX + 1];
    size_t start = p->pos;
    bool whole = true;

    if (json_token_peek(p) == '-')
        json_token_step(p);
    if (json_token_peek(p) == '0')
        json_token_step(p);
    else if (!skip_digits(p))
        return false;
    if (json_token_peek(p) == '.') {
        whole = false;
        json_token_step(p);
        if (!skip_digits(p))
            return false;
    }
    if (json_token_peek(p) == 'e' || json_token_peek(p) == 'E') {
        whole = false;
        json_token_step(p);
        if (json_token_peek(p) == '+' || json_token_peek(p) == '-')
            json_token_step(p);
        if (!skip_digits(p))
            return false;
    }
    if (p->pos - start > NUMBER_MAX) {
        json_token_fail(p, "a number of more than %d characters", NUMBER_MAX);
        return false;
    }
    memcpy(spelling, p->text + start, p->pos - start);
    spelling[p->pos - start] = '\0';
    node->number = strtod(spelling, NULL);
    if (!isfinite(node->number)) {
        json_token_fail(p, "a number out of range");
        return false;
    }
    /* 18 digits always fit; a config knows no larger number */
    node->is_integer = whole && p->pos - start <= 18;
    if (node->is_integer)
        node->integer = strtoll(spelling, NULL, 10);
    return true;
}

bool json_token_word(struct json_cursor *p, struct json_node *node)
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
            json_token_step(p);
        node->kind = words[i].kind;
        node->is_true = words[i].is_true;
        return true;
    }
    json_token_unexpected(p, "a value");
    return false;
}
