/* See json_scan.h. */
#include "state/json_scan.h"
#include "state/utf8.h"

#include <string.h>

static bool wrong(struct json_scan *scan, const char *why)
{
    scan->why = why;
    return false;
}

static void skip_blanks(struct json_scan *scan)
{
    while (scan->p < scan->end && (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\n' || *scan->p == '\r'))
        scan->p++;
}

static bool take(struct json_scan *scan, char c)
{
    if (scan->p == scan->end || *scan->p != c)
        return false;
    scan->p++;
    return true;
}

void json_scan_init(struct json_scan *scan, const char *text, size_t len)
{
    *scan = (struct json_scan){ .start = text, .p = text, .end = text + len };
}

/*
 * Eight bytes at once: a bit in every byte that is a quote, a backslash, a control byte or not ASCII. A borrow may also
 * mark a byte above the first such one; the caller goes on byte by byte from there.
 */
static uint64_t specials(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    return ((quote - ones) | (backslash - ones) | (word - ones * 0x20) | word) & highs;
}

/* Over plain bytes and whole UTF-8 sequences, up to a quote or a backslash. */
static bool skip_plain(struct json_scan *scan)
{
    const char *p = scan->p, *end = scan->end;
    for (;;) {
        uint64_t word;
        while (end - p >= (ptrdiff_t)sizeof word) {
            memcpy(&word, p, sizeof word);
            uint64_t found = specials(word);
            if (found != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                p += __builtin_ctzll(found) / 8;
#endif
                break;
            }
            p += sizeof word;
        }
        for (;;) {
            if (p == end)
                return wrong(scan, "a string without its end");
            unsigned char c = (unsigned char)*p;
            if (c == '"' || c == '\\') {
                scan->p = p;
                return true;
            }
            if (c < 0x20)
                return wrong(scan, "a control byte in a string");
            if (c >= 0x80)
                break;
            p++;
        }
        size_t n = state_utf8_sequence(p, (size_t)(end - p));
        if (n == 0)
            return wrong(scan, "invalid UTF-8");
        p += n;
    }
}

static bool hex4(struct json_scan *scan, uint32_t *out)
{
    if (scan->end - scan->p < 4)
        return wrong(scan, "a cut \\u escape");
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = *scan->p++;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (uint32_t)(c - 'A' + 10);
        else
            return wrong(scan, "a bad \\u escape");
    }
    *out = v;
    return true;
}

/* Behind "\u"; a pair of surrogates is one code point. */
static bool unicode_escape(struct json_scan *scan, uint32_t *code)
{
    uint32_t low;
    if (!hex4(scan, code))
        return false;
    if (*code < 0xD800 || *code > 0xDFFF)
        return true;
    if (*code > 0xDBFF || !take(scan, '\\') || !take(scan, 'u') || !hex4(scan, &low) || low < 0xDC00 || low > 0xDFFF)
        return wrong(scan, "a lone surrogate");
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

/* Behind the backslash. */
static bool escape(struct json_scan *scan, char out[4], size_t *len)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (scan->p == scan->end)
        return wrong(scan, "a cut escape");
    char c = *scan->p++;
    if (c == 'u') {
        uint32_t code;
        if (!unicode_escape(scan, &code))
            return false;
        *len = state_utf8_put(code, out);
        return true;
    }
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    if (found == NULL)
        return wrong(scan, "an unknown escape");
    out[0] = meanings[found - letters];
    *len = 1;
    return true;
}

/* A string of which the bytes from `first` to the scanner's place are plain and the next is a backslash. */
static bool decode(struct json_scan *scan, const char *first, char *room, size_t size, struct state_text *out)
{
    size_t used = 0;
    bool fits = true;
    for (;;) {
        char decoded[4];
        const char *piece = first;
        size_t n = (size_t)(scan->p - first);
        for (int half = 0; half < 2; half++) {
            fits = fits && n <= size - used;
            if (fits && n > 0)
                memcpy(room + used, piece, n);
            used += n;
            if (half == 1)
                break;
            if (*scan->p++ == '"') {
                *out = (struct state_text){ fits ? room : NULL, used };
                return true;
            }
            if (!escape(scan, decoded, &n))
                return false;
            piece = decoded;
        }
        first = scan->p;
        if (!skip_plain(scan))
            return false;
    }
}

bool json_scan_string(struct json_scan *scan, char *room, size_t size, struct state_text *out)
{
    skip_blanks(scan);
    if (!take(scan, '"'))
        return wrong(scan, "a string was expected");
    const char *first = scan->p;
    if (!skip_plain(scan))
        return false;
    if (*scan->p == '\\')
        return decode(scan, first, room, size, out);
    *out = (struct state_text){ first, (size_t)(scan->p - first) };
    scan->p++;
    return true;
}

static bool is_digit(const struct json_scan *scan)
{
    return scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9';
}

bool json_scan_uint(struct json_scan *scan, uint64_t *out)
{
    skip_blanks(scan);
    if (!is_digit(scan))
        return wrong(scan, "a number was expected");
    uint64_t v = 0;
    bool zero = *scan->p == '0';
    do {
        unsigned digit = (unsigned)(*scan->p++ - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return wrong(scan, "a number is out of range");
        v = v * 10 + digit;
    } while (!zero && is_digit(scan));
    *out = v;
    return true;
}

static bool skip_number(struct json_scan *scan)
{
    (void)take(scan, '-');
    if (!is_digit(scan))
        return wrong(scan, "a value was expected");
    if (!take(scan, '0'))
        while (is_digit(scan))
            scan->p++;
    if (take(scan, '.')) {
        if (!is_digit(scan))
            return wrong(scan, "a bad number");
        while (is_digit(scan))
            scan->p++;
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            (void)take(scan, '-');
        if (!is_digit(scan))
            return wrong(scan, "a bad number");
        while (is_digit(scan))
            scan->p++;
    }
    return true;
}

static bool skip_scalar(struct json_scan *scan)
{
    static const char *const literals[] = { "true", "false", "null" };
    struct state_text ignored;
    if (scan->p < scan->end && *scan->p == '"')
        return json_scan_string(scan, NULL, 0, &ignored);
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        size_t n = strlen(literals[i]);
        if ((size_t)(scan->end - scan->p) >= n && memcmp(scan->p, literals[i], n) == 0) {
            scan->p += n;
            return true;
        }
    }
    return skip_number(scan);
}

static bool skip_name(struct json_scan *scan)
{
    struct state_text ignored;
    if (!json_scan_string(scan, NULL, 0, &ignored))
        return false;
    skip_blanks(scan);
    return take(scan, ':') || wrong(scan, "a colon was expected");
}

bool json_scan_skip(struct json_scan *scan)
{
    char closing[JSON_SCAN_DEPTH]; /* what ends each open level */
    size_t depth = 0;
    for (;;) {
        skip_blanks(scan);
        char closer = take(scan, '{') ? '}' : take(scan, '[') ? ']' : '\0';
        bool opened = closer != '\0';
        if (opened) {
            if (depth == JSON_SCAN_DEPTH)
                return wrong(scan, "nested too deeply");
            closing[depth++] = closer;
        } else if (!skip_scalar(scan)) {
            return false;
        }
        for (;;) { /* behind a value, or at the start of a level */
            if (depth == 0)
                return true;
            skip_blanks(scan);
            if (take(scan, closing[depth - 1])) {
                depth--;
                opened = false;
                continue;
            }
            if (!opened && !take(scan, ','))
                return wrong(scan, "a comma or an end was expected");
            if (closing[depth - 1] == '}' && !skip_name(scan))
                return false;
            break;
        }
    }
}

bool json_scan_literal(struct json_scan *scan, const char *text, size_t len)
{
    if ((size_t)(scan->end - scan->p) < len || memcmp(scan->p, text, len) != 0)
        return false;
    scan->p += len;
    return true;
}

bool json_scan_object(struct json_scan *scan)
{
    skip_blanks(scan);
    return take(scan, '{') || wrong(scan, "an object was expected");
}

bool json_scan_member(struct json_scan *scan, bool first, char *room, size_t size, struct state_text *name, bool *more)
{
    skip_blanks(scan);
    *more = !take(scan, '}');
    if (!*more)
        return true;
    if (!first && !take(scan, ','))
        return wrong(scan, "a comma or an end was expected");
    if (!json_scan_string(scan, room, size, name))
        return false;
    skip_blanks(scan);
    return take(scan, ':') || wrong(scan, "a colon was expected");
}

bool json_scan_end(struct json_scan *scan)
{
    skip_blanks(scan);
    return scan->p == scan->end || wrong(scan, "there is something after the end of the object");
}

bool json_scan_is_valid(const char *text, size_t len)
{
    struct json_scan scan;
    json_scan_init(&scan, text, len);
    return json_scan_skip(&scan) && json_scan_end(&scan);
}
