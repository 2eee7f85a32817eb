/* See glob.h. */
#include "agent/glob.h"

#include <string.h>

/* Reads one character; an invalid byte is a character outside Unicode, so that it never equals a valid one. */
static unsigned character(const char *text, size_t len, size_t *used)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned code;
    size_t need;

    *used = 1;
    if (s[0] < 0x80)
        return s[0];
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        need = 2;
        code = s[0] & 0x1Fu;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        need = 3;
        code = s[0] & 0x0Fu;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        need = 4;
        code = s[0] & 0x07u;
    } else {
        return 0x110000u + s[0];
    }
    if (len < need)
        return 0x110000u + s[0];
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0x110000u + s[0];
        code = code << 6 | (s[i] & 0x3Fu);
    }
    *used = need;
    return code;
}

/* One member of a set, or of its range: `\` takes the meaning from the next character. False at the pattern's end. */
static bool set_member(const char *pattern, size_t len, size_t *pos, unsigned *code)
{
    size_t used;

    if (*pos < len && pattern[*pos] == '\\')
        (*pos)++;
    if (*pos >= len)
        return false;
    *code = character(pattern + *pos, len - *pos, &used);
    *pos += used;
    return true;
}

enum set_result { SET_IN, SET_OUT, SET_OPEN, SET_REVERSED };

/* At `[`. Moves *pos behind the `]`. The first member may be `]` itself. */
static enum set_result match_set(const char *pattern, size_t len, size_t *pos, unsigned code)
{
    bool negated = false, found = false, reversed = false;
    size_t at = *pos + 1, first;

    if (at < len && (pattern[at] == '!' || pattern[at] == '^')) {
        negated = true;
        at++;
    }
    for (first = at; at < len && (pattern[at] != ']' || at == first);) {
        unsigned low, high;

        if (!set_member(pattern, len, &at, &low))
            return SET_OPEN;
        high = low;
        if (at + 1 < len && pattern[at] == '-' && pattern[at + 1] != ']') {
            at++;
            if (!set_member(pattern, len, &at, &high))
                return SET_OPEN;
        }
        reversed = reversed || low > high;
        found = found || (code >= low && code <= high);
    }
    if (at >= len)
        return SET_OPEN;
    *pos = at + 1;
    if (reversed)
        return SET_REVERSED;
    return found != negated ? SET_IN : SET_OUT;
}

/* Whether the pattern's element at *p (not a star) takes the character at *t; moves both behind it. */
static bool match_one(const char *pattern, size_t pattern_len, size_t *p, const char *text, size_t text_len, size_t *t)
{
    size_t used, pattern_used;
    unsigned code = character(text + *t, text_len - *t, &used);

    if (pattern[*p] == '[') {
        if (match_set(pattern, pattern_len, p, code) != SET_IN)
            return false;
    } else if (pattern[*p] == '?') {
        (*p)++;
    } else {
        if (pattern[*p] == '\\' && ++*p == pattern_len)
            return false;
        if (character(pattern + *p, pattern_len - *p, &pattern_used) != code)
            return false;
        *p += pattern_used;
    }
    *t += used;
    return true;
}

/* An ASCII character that means itself. Such a byte is never inside of another character. */
static bool is_plain(char c)
{
    return (unsigned char)c < 0x80 && c != '*' && c != '?' && c != '[' && c != '\\';
}

/* Where a star before `next` may end, from `t` on: at a character that `next` can begin with; text_len where there is
 * none. */
static size_t next_start(const char *next, size_t next_len, const char *text, size_t text_len, size_t t)
{
    const char *found;

    if (next_len == 0 || !is_plain(next[0]) || t >= text_len)
        return t;
    found = memchr(text + t, next[0], text_len - t);
    return found != NULL ? (size_t)(found - text) : text_len;
}

/* Behind the last star only the end of the text can match. Says whether `rest` is that simple, and then in *result
 * whether it does. */
static bool match_end(const char *rest, size_t rest_len, const char *text, size_t text_len, bool *result)
{
    for (size_t i = 0; i < rest_len; i++)
        if (!is_plain(rest[i]))
            return false;
    *result = text_len >= rest_len && memcmp(text + text_len - rest_len, rest, rest_len) == 0;
    return true;
}

/* When it fails, only the last star need take one character more: an earlier one has nothing to win. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t text_len)
{
    size_t p = 0, t = 0, star_p = 0, star_t = 0, used;
    bool star = false, result;

    while (t < text_len || p < pattern_len) {
        if (p < pattern_len && t < text_len && pattern[p] == text[t] && is_plain(pattern[p])) {
            p++;
            t++;
            continue;
        }
        if (p < pattern_len && pattern[p] == '*') {
            p++;
            if (match_end(pattern + p, pattern_len - p, text + t, text_len - t, &result))
                return result;
            star = true;
            star_p = p;
            star_t = t = next_start(pattern + p, pattern_len - p, text, text_len, t);
            continue;
        }
        if (p < pattern_len && t < text_len && match_one(pattern, pattern_len, &p, text, text_len, &t))
            continue;
        if (!star || star_t >= text_len)
            return false;
        (void)character(text + star_t, text_len - star_t, &used);
        star_t = t = next_start(pattern + star_p, pattern_len - star_p, text, text_len, star_t + used);
        p = star_p;
    }
    return true;
}

const char *glob_check(const char *pattern, size_t len)
{
    for (size_t p = 0; p < len;) {
        if (pattern[p] == '[') {
            enum set_result result = match_set(pattern, len, &p, 0);

            if (result == SET_OPEN)
                return "[ without ]";
            if (result == SET_REVERSED)
                return "a range whose end is before its beginning";
        } else if (pattern[p] == '\\') {
            if (p + 1 == len)
                return "\\ at the end";
            p += 2;
        } else {
            p++;
        }
    }
    return NULL;
}

bool glob_is_literal(const char *pattern, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("*?[\\", pattern[i]) != NULL && pattern[i] != '\0')
            return false;
    return true;
}
