/* See buf.h. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>

void *mem_get(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p) {
        fputs("s3sim: out of memory\n", stderr);
        abort();
    }
    return p;
}

char *mem_dup(const char *p, size_t n)
{
    char *d = mem_get(n + 1);
    if (n)
        memcpy(d, p, n);
    return d;
}

void buf_free(struct buf *b)
{
    free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}

void buf_grow(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap * 2 : 512;
    while (cap < b->n + more)
        cap *= 2;
    char *p = realloc(b->p, cap);
    if (!p) {
        fputs("s3sim: out of memory\n", stderr);
        abort();
    }
    b->p = p;
    b->cap = cap;
}

const char *buf_cstr(struct buf *b)
{
    *buf_room(b, 1) = 0;
    return b->p;
}

void buf_u64(struct buf *b, uint64_t v)
{
    char t[20];
    size_t i = sizeof t;
    do
        t[--i] = (char)('0' + v % 10);
    while (v /= 10);
    buf_put(b, t + i, sizeof t - i);
}

static const char hex_lower[] = "0123456789abcdef", hex_upper[] = "0123456789ABCDEF";

void buf_hex(struct buf *b, const uint8_t *p, size_t n)
{
    char *o = buf_room(b, 2 * n);
    for (size_t i = 0; i < n; i++) {
        *o++ = hex_lower[p[i] >> 4];
        *o++ = hex_lower[p[i] & 15];
    }
    b->n += 2 * n;
}

void buf_base64(struct buf *b, const uint8_t *p, size_t n)
{
    static const char a[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        buf_char(b, a[v >> 18]);
        buf_char(b, a[v >> 12 & 63]);
        buf_char(b, i + 1 < n ? a[v >> 6 & 63] : '=');
        buf_char(b, i + 2 < n ? a[v & 63] : '=');
    }
}

#define TEN(c)                                                                                                         \
    [c] = 1, [(c) + 1] = 1, [(c) + 2] = 1, [(c) + 3] = 1, [(c) + 4] = 1, [(c) + 5] = 1, [(c) + 6] = 1, [(c) + 7] = 1,  \
    [(c) + 8] = 1, [(c) + 9] = 1
static const unsigned char unreserved[256] = { TEN('0'), TEN('a'),
    TEN('k'), ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1, TEN('A'), TEN('K'), ['U'] = 1,
    ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['-'] = 1, ['_'] = 1, ['.'] = 1, ['~'] = 1 };

static int is_unreserved(unsigned char c)
{
    return unreserved[c];
}

void buf_xml(struct buf *b, const char *p, size_t n)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c > '>' || (c >= ' ' && c != '&' && c != '<' && c != '>' && c != '"'))
            continue;
        buf_put(b, p + from, i - from);
        from = i + 1;
        if (c == '&')
            BUF_LIT(b, "&amp;");
        else if (c == '<')
            BUF_LIT(b, "&lt;");
        else if (c == '>')
            BUF_LIT(b, "&gt;");
        else if (c == '"')
            BUF_LIT(b, "&quot;");
        else { /* S3 writes control bytes as references, though XML 1.0 does not allow most of them */
            BUF_LIT(b, "&#x");
            if (c > 15)
                buf_char(b, hex_lower[c >> 4]);
            buf_char(b, hex_lower[c & 15]);
            buf_char(b, ';');
        }
    }
    buf_put(b, p + from, n - from);
}

void buf_xmls(struct buf *b, const char *s)
{
    buf_xml(b, s, strlen(s));
}

static void put_percent(struct buf *b, unsigned char c)
{
    char t[3] = { '%', hex_upper[c >> 4], hex_upper[c & 15] };
    buf_put(b, t, 3);
}

void buf_uri(struct buf *b, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (is_unreserved(c))
            buf_char(b, (char)c);
        else
            put_percent(b, c);
    }
}

void buf_list_url(struct buf *b, const char *p, size_t n)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '/' || c == '*' || (is_unreserved(c) && c != '~'))
            continue;
        buf_put(b, p + from, i - from);
        from = i + 1;
        if (c == ' ')
            buf_char(b, '+');
        else
            put_percent(b, c);
    }
    buf_put(b, p + from, n - from);
}

void buf_element(struct buf *b, const char *name, const char *value)
{
    buf_char(b, '<');
    buf_str(b, name);
    buf_char(b, '>');
    buf_xmls(b, value);
    BUF_LIT(b, "</");
    buf_str(b, name);
    buf_char(b, '>');
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

long text_unescape(const char *p, size_t n, char *out, int plus_is_space)
{
    char *o = out;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '+' && plus_is_space) {
            *o++ = ' ';
        } else if (p[i] != '%') {
            *o++ = p[i];
        } else {
            int h = i + 2 < n ? hex_value(p[i + 1]) : -1, l = i + 2 < n ? hex_value(p[i + 2]) : -1;
            if (h < 0 || l < 0)
                return -1;
            *o++ = (char)(h << 4 | l);
            i += 2;
        }
    }
    return o - out;
}

long text_base64(const char *p, size_t n, uint8_t *out)
{
    if (n % 4)
        return -1;
    long done = 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t v = 0;
        int pad = 0;
        for (size_t j = 0; j < 4; j++) {
            char c = p[i + j];
            uint32_t d;
            if (c >= 'A' && c <= 'Z')
                d = (uint32_t)(c - 'A');
            else if (c >= 'a' && c <= 'z')
                d = (uint32_t)(c - 'a' + 26);
            else if (c >= '0' && c <= '9')
                d = (uint32_t)(c - '0' + 52);
            else if (c == '+')
                d = 62;
            else if (c == '/')
                d = 63;
            else if (c == '=' && i + 4 == n && j >= 2)
                d = 0, pad++;
            else
                return -1;
            if (pad && c != '=')
                return -1;
            v = v << 6 | d;
        }
        out[done++] = (uint8_t)(v >> 16);
        if (pad < 2)
            out[done++] = (uint8_t)(v >> 8);
        if (pad < 1)
            out[done++] = (uint8_t)v;
    }
    return done;
}

int text_is_utf8(const char *p, size_t n)
{
    const unsigned char *s = (const unsigned char *)p;
    for (size_t i = 0; i < n;) {
        unsigned char c = s[i];
        size_t more = c < 0x80                ? 0
                      : c >= 0xc2 && c < 0xe0 ? 1
                      : c >= 0xe0 && c < 0xf0 ? 2
                      : c >= 0xf0 && c < 0xf5 ? 3
                                              : 9;
        if (more == 9 || i + more >= n)
            return 0;
        for (size_t j = 1; j <= more; j++)
            if ((s[i + j] & 0xc0) != 0x80)
                return 0;
        if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xed && s[i + 1] > 0x9f) || (c == 0xf0 && s[i + 1] < 0x90) ||
                (c == 0xf4 && s[i + 1] > 0x8f))
            return 0;
        i += more + 1;
    }
    return 1;
}

int text_u64(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (!*s)
        return 0;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || v > UINT64_MAX / 10 - 1)
            return 0;
        v = v * 10 + (uint64_t)(*s - '0');
    }
    *out = v;
    return v <= max;
}
