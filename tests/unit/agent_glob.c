/* Shell patterns: a table, an oracle that tries everything, and a pattern that makes careless matchers explode. */
#include "agent/glob.h"
#include "agent/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *pattern, *text;
    bool matches;
} cases[] = {
    { "", "", true },
    { "", "a", false },
    { "a", "", false },
    { "abc", "abc", true },
    { "abc", "abcd", false },
    { "abc", "ab", false },
    { "*", "", true },
    { "*", "anything/at all", true },
    { "**", "", true },
    { "a*", "a", true },
    { "*.part", "a/b/c.part", true },
    { "*.part", "a.part.part", true },
    { "*.part", "a.parts", false },
    { "tmp/*", "tmp/x/y", true },
    { "tmp/*", "tmp/", true },
    { "tmp/*", "xtmp/a", false },
    { "a*b*c", "aXbYbZc", true },
    { "a*b*c", "aXbYbZ", false },
    { "*a*", "bab", true },
    { "?", "a", true },
    { "?", "", false },
    { "?", "ab", false },
    { "?", "\xC3\xA9", true }, /* one character of two bytes */
    { "??", "\xC3\xA9", false },
    { "?", "\xF0\x9F\x98\x80", true },
    { "?", "\xFF", true },          /* a byte that is no character counts as one */
    { "*\xA9", "\xC3\xA9", false }, /* a star does not end inside of a character */
    { "[a-c]x", "bx", true },
    { "[a-c]x", "dx", false },
    { "[!a-c]x", "dx", true },
    { "[!a-c]x", "bx", false },
    { "[^a-c]x", "dx", true },
    { "[]]", "]", true },
    { "[!]]", "]", false },
    { "[!]]", "a", true },
    { "[a-]", "-", true },
    { "[-a]", "-", true },
    { "[a\\]b]", "]", true },
    { "[\\!a]", "!", true },
    { "[a-\\z]", "q", true },
    { "[\xC3\xA0-\xC3\xBF]", "\xC3\xA9", true },
    { "[\xE2\x82\xAC]?", "\xE2\x82\xAC\xE2\x82", false }, /* a cut character counts byte by byte */
    { "[\xE2\x82\xAC]??", "\xE2\x82\xAC\xE2\x82", true },
    { "?", "\xC3(", false },
    { "[!a]", "", false },
    { "\\*", "*", true },
    { "\\*", "a", false },
    { "a\\?b", "a?b", true },
    { "\\\\", "\\", true },
    { "x[", "x[", false }, /* malformed: matches nothing */
    { "x\\", "x\\", false },
    { "[z-a]", "m", false },
    { "*[", "abc", false },
};

static void table_of_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (glob_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].text, strlen(cases[i].text)) !=
                cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
}

static void text_may_hold_any_byte(void **state)
{
    (void)state;
    assert_true(glob_match("a?b", 3, "a\0b", 3));
    assert_true(glob_match("a*", 2, "a\0b", 3));
    assert_false(glob_match("a", 1, "a\0", 2));
    assert_true(glob_match("a\0b", 3, "a\0b", 3));
}

/* Tries every split: exponential, and plainly right. Only a, b, ? and *. */
static bool oracle(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return oracle(pattern + 1, text) || (*text != '\0' && oracle(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && oracle(pattern + 1, text + 1);
}

static void all_short_patterns_agree_with_an_oracle(void **state)
{
    static const char letters[] = "ab?*";
    char pattern[7], text[8];
    size_t compared = 0;

    (void)state;
    for (unsigned p = 0; p < 4096; p++) {
        for (size_t i = 0; i < 6; i++)
            pattern[i] = letters[p >> (2 * i) & 3];
        pattern[p % 7] = '\0';
        pattern[6] = '\0';
        for (unsigned t = 0; t < 256; t++) {
            size_t len = t % 8;

            for (size_t i = 0; i < len; i++)
                text[i] = (t >> i & 1) != 0 ? 'a' : 'b';
            text[len] = '\0';
            if (glob_match(pattern, strlen(pattern), text, len) != oracle(pattern, text))
                fail_msg("%s on %s", pattern, text);
            compared++;
        }
    }
    assert_int_equal(compared, 4096 * 256);
}

/* A matcher that backtracks over every star would need longer than the universe for this one. */
static void many_stars_do_not_explode(void **state)
{
    char pattern[1024], text[1024];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(pattern); i += 2) {
        pattern[i] = '*';
        pattern[i + 1] = 'a';
    }
    assert_true(glob_match(pattern, sizeof(pattern), text, sizeof(text)));
    pattern[sizeof(pattern) - 1] = 'b';
    assert_false(glob_match(pattern, sizeof(pattern), text, sizeof(text)));
}

static void malformed_patterns_are_named(void **state)
{
    (void)state;
    assert_null(glob_check("a*[!b-z]?\\[", 11));
    assert_null(glob_check("", 0));
    assert_string_equal(glob_check("a[bc", 4), "[ without ]");
    assert_string_equal(glob_check("[]", 2), "[ without ]");
    assert_string_equal(glob_check("[!]", 3), "[ without ]");
    assert_string_equal(glob_check("[a\\]", 4), "[ without ]");
    assert_string_equal(glob_check("[a\\", 3), "[ without ]");
    assert_string_equal(glob_check("[a-\\", 4), "[ without ]");
    assert_string_equal(glob_check("a\\", 2), "\\ at the end");
    assert_string_equal(glob_check("[z-a]", 5), "a range whose end is before its beginning");
    assert_true(glob_is_literal("acme-docs.eu", 12));
    assert_false(glob_is_literal("acme-*", 6));
    assert_false(glob_is_literal("acme?", 5));
    assert_false(glob_is_literal("[a]", 3));
    assert_false(glob_is_literal("a\\b", 3));
}

static const struct {
    const char *word, *best;
} words[] = {
    { "exlude_buckets", "exclude_buckets" },
    { "buckets_exclude", NULL },
    { "bukcets", "buckets" },
    { "BUCKETS", "buckets" },
    { "bucket", "buckets" },
    { "x", NULL },
    { "", NULL },
    { "policy", NULL },
    { "tgas", "tags" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
};

static void nearest_name_is_suggested(void **state)
{
    static const char *const names[] = { "buckets", "arns", "tags", "exclude_buckets", "prefixes", "exclude_keys" };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct suggest suggest;

        suggest_init(&suggest, words[i].word);
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            suggest_offer(&suggest, names[k]);
        if (words[i].best == NULL)
            assert_null(suggest.best);
        else
            assert_string_equal(suggest.best, words[i].best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_patterns),
        cmocka_unit_test(text_may_hold_any_byte),
        cmocka_unit_test(all_short_patterns_agree_with_an_oracle),
        cmocka_unit_test(many_stars_do_not_explode),
        cmocka_unit_test(malformed_patterns_are_named),
        cmocka_unit_test(nearest_name_is_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
