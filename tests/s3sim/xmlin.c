/* See xmlin.h. */
#include "xmlin.h"

#include "buf.h"

#include <stdlib.h>

enum { MAX_DEPTH = 16 };

struct reader {
    const char *p, *end;
};

void xml_free(struct xml *x)
{
    while (x) {
        struct xml *next = x->next;
        xml_free(x->child);
        free(x->name);
        free(x->text);
        free(x);
        x = next;
    }
}

static int starts(const struct reader *r, const char *s)
{
    size_t n = strlen(s);
    return (size_t)(r->end - r->p) >= n && !memcmp(r->p, s, n);
}

static int skip_past(struct reader *r, const char *s)
{
    const char *at = memmem(r->p, (size_t)(r->end - r->p), s, strlen(s));
    if (!at)
        return 0;
    r->p = at + strlen(s);
    return 1;
}

static void utf8(struct buf *b, unsigned long c)
{
    if (c < 0x80) {
        buf_char(b, (char)c);
    } else if (c < 0x800) {
        buf_char(b, (char)(0xc0 | c >> 6));
        buf_char(b, (char)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        buf_char(b, (char)(0xe0 | c >> 12));
        buf_char(b, (char)(0x80 | (c >> 6 & 63)));
        buf_char(b, (char)(0x80 | (c & 63)));
    } else {
        buf_char(b, (char)(0xf0 | c >> 18));
        buf_char(b, (char)(0x80 | (c >> 12 & 63)));
        buf_char(b, (char)(0x80 | (c >> 6 & 63)));
        buf_char(b, (char)(0x80 | (c & 63)));
    }
}

static int entity(struct reader *r, struct buf *b)
{
    static const struct {
        const char *name;
        char c;
    } known[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' } };
    for (size_t i = 0; i < 5; i++)
        if (starts(r, known[i].name)) {
            buf_char(b, known[i].c);
            r->p += strlen(known[i].name);
            return 1;
        }
    const char *stop = memchr(r->p, ';', (size_t)(r->end - r->p));
    if (!stop || stop - r->p > 9 || r->p[1] != '#')
        return 0;
    char digits[12] = { 0 }, *end;
    int hex = r->p[2] == 'x';
    memcpy(digits, r->p + 2 + hex, (size_t)(stop - r->p) - 2 - (size_t)hex);
    unsigned long c = strtoul(digits, &end, hex ? 16 : 10);
    if (end == digits || *end || c == 0 || c > 0x10ffff)
        return 0;
    utf8(b, c);
    r->p = stop + 1;
    return 1;
}

static size_t name_length(const struct reader *r)
{
    size_t n = 0;
    while (r->p + n < r->end && !strchr(" \t\r\n/>", r->p[n]))
        n++;
    return n;
}

static struct xml *element(struct reader *r, int depth);

/* The content up to and with the end tag. */
static int content(struct reader *r, struct xml *x, const char *raw, size_t raw_len, int depth)
{
    struct buf text = { 0 };
    struct xml **last = &x->child;
    int ok = 0;
    while (r->p < r->end) {
        if (starts(r, "</")) {
            r->p += 2;
            ok = (size_t)(r->end - r->p) > raw_len && !memcmp(r->p, raw, raw_len) && r->p[raw_len] == '>';
            r->p += ok ? raw_len + 1 : 0;
            break;
        }
        if (starts(r, "<!--")) {
            if (!skip_past(r, "-->"))
                break;
        } else if (*r->p == '<') {
            *last = element(r, depth + 1);
            if (!*last)
                break;
            last = &(*last)->next;
        } else if (*r->p == '&') {
            if (!entity(r, &text))
                break;
        } else {
            buf_char(&text, *r->p++);
        }
    }
    x->text_len = text.n;
    x->text = mem_dup(text.p, text.n);
    buf_free(&text);
    return ok;
}

static struct xml *element(struct reader *r, int depth)
{
    if (depth > MAX_DEPTH || r->p >= r->end || *r->p != '<')
        return NULL;
    r->p++;
    const char *raw = r->p;
    size_t n = name_length(r);
    const char *stop = memchr(r->p, '>', (size_t)(r->end - r->p));
    if (n == 0 || !stop)
        return NULL;
    struct xml *x = mem_get(sizeof *x);
    const char *colon = memchr(raw, ':', n);
    const char *local = colon ? colon + 1 : raw;
    x->name = mem_dup(local, n - (size_t)(local - raw));
    r->p = stop + 1;
    if (stop[-1] == '/') {
        x->text = mem_dup("", 0);
        return x;
    }
    if (content(r, x, raw, n, depth))
        return x;
    xml_free(x);
    return NULL;
}

struct xml *xml_parse(const char *p, size_t n)
{
    if (!p)
        return NULL;
    struct reader r = { p, p + n };
    for (;;) {
        while (r.p < r.end && strchr(" \t\r\n", *r.p))
            r.p++;
        if (starts(&r, "<?")) {
            if (!skip_past(&r, "?>"))
                return NULL;
        } else if (starts(&r, "<!--")) {
            if (!skip_past(&r, "-->"))
                return NULL;
        } else {
            return element(&r, 0);
        }
    }
}

struct xml *xml_child(const struct xml *x, const char *name)
{
    struct xml *c = x ? x->child : NULL;
    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

const char *xml_text(const struct xml *x, const char *child_name)
{
    struct xml *c = xml_child(x, child_name);
    return c ? c->text : NULL;
}
