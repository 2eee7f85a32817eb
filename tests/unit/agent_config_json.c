/* The position-aware JSON parser: what it takes, what it refuses, and where it points. */
#include "agent/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
    const char *text, *what;
    unsigned line, column;
} refused[] = {
    { "", "expected a value, but the text ends", 1, 1 },
    { " \n ", "expected a value, but the text ends", 2, 2 },
    { "{", "expected a quoted name, but the text ends", 1, 2 },
    { "{a: 1}", "expected a quoted name, found \"a\"", 1, 2 },
    { "{'a': 1}", "expected a quoted name, found \"'\"", 1, 2 },
    { "{\"a\" 1}", "expected \":\", found \"1\"", 1, 6 },
    { "{\"a\": 1,}", "expected a quoted name, found \"}\"", 1, 9 },
    { "[1,]", "expected a value, found \"]\"", 1, 4 },
    { "[1 2]", "expected \",\" or \"]\", found \"2\"", 1, 4 },
    { "{\"a\": 1\n \"b\": 2}", "expected \",\" or \"}\", found \"\"\"", 2, 2 },
    { "{\"a\": 1,\n \"b\": 2,\n  \"a\": 3}", "\"a\" is given twice, first in line 1", 3, 3 },
    { "{\"a\": 1,\n  \"\\u0061\": 3}", "\"a\" is given twice, first in line 1", 2, 3 },
    { "1 2", "expected nothing after the value, found \"2\"", 1, 3 },
    { "// x\n1", "expected a value, found \"/\"", 1, 1 },
    { "tru", "expected a value, found \"t\"", 1, 1 },
    { "NaN", "expected a value, found \"N\"", 1, 1 },
    { "+1", "expected a value, found \"+\"", 1, 1 },
    { "01", "expected nothing after the value, found \"1\"", 1, 2 },
    { "-", "expected a digit, but the text ends", 1, 2 },
    { "1.", "expected a digit, but the text ends", 1, 3 },
    { "1e", "expected a digit, but the text ends", 1, 3 },
    { "1e999", "a number out of range", 1, 6 },
    { "11111111111111111111111111111111111111111", "a number of more than 40 characters", 1, 42 },
    { "\"abc", "a string without its closing quote", 1, 5 },
    { "\"a\nb\"", "a raw control character (0x0a) in a string", 1, 3 },
    { "\"\\x\"", "expected one of \"\\/bfnrtu after \\, found \"x\"", 1, 3 },
    { "\"\\", "expected one of \"\\/bfnrtu after \\, but the text ends", 1, 3 },
    { "\"\\u12g4\"", "expected four hex digits after \\u, found \"g\"", 1, 6 },
    { "\"\\u0000\"", "a NUL character in a string", 1, 8 },
    { "\"\\ud800\"", "half a surrogate pair in a \\u escape", 1, 8 },
    { "\"\\ud800\\u0041\"", "half a surrogate pair in a \\u escape", 1, 14 },
    { "\"\\udc00\"", "half a surrogate pair in a \\u escape", 1, 8 },
    { "\"\xC3\xA9\xFF\"", "a byte that is not UTF-8 (0xff)", 1, 3 },
    { "\"\xC0\x80\"", "a byte that is not UTF-8 (0xc0)", 1, 2 },
    { "\"\xED\xA0\x80\"", "a byte that is not UTF-8 (0xed)", 1, 2 },
    { "\"\xF4\x90\x80\x80\"", "a byte that is not UTF-8 (0xf4)", 1, 2 },
    { "\"\xE2\x82\"", "a byte that is not UTF-8 (0xe2)", 1, 2 },
};

static void malformed_text_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct json_text *document = json_text_new();
        struct json_text_error error = { 0 };

        assert_non_null(document);
        assert_null(json_text_parse(document, refused[i].text, strlen(refused[i].text), &error));
        assert_string_equal(error.what, refused[i].what);
        assert_int_equal(error.line, refused[i].line);
        assert_int_equal(error.column, refused[i].column);
        json_text_free(document);
    }
}

static void every_prefix_of_a_text_is_refused_without_reading_past_it(void **state)
{
    static const char text[] =
            "{\"a\\u00e9\\ud83d\\ude00\": [1, -2.5e3, true, null, \"\xF0\x9F\x98\x80\\n\"], \"b\": {}}";
    size_t len = strlen(text);

    (void)state;
    for (size_t i = 0; i <= len; i++) {
        struct json_text *document = json_text_new();
        char *copy = malloc(i + 1); /* of exactly this size, for the sanitizer */

        assert_non_null(document);
        assert_non_null(copy);
        copy = realloc(copy, i > 0 ? i : 1);
        assert_non_null(copy);
        memcpy(copy, text, i);
        const struct json_node *root = json_text_parse(document, copy, i, NULL);
        assert_true((root != NULL) == (i == len));
        free(copy);
        json_text_free(document);
    }
}

static void values_and_places_are_right(void **state)
{
    static const char text[] =
            "\xEF\xBB\xBF{\n\t\"\xC3\xA9t\xC3\xA9\": \"\xE2\x82\xAC\\u20AC\\ud83d\\ude00\\\"\\/\", \"n\": -12,\n"
            " \"x\": 1.5, \"big\": 1234567890123456789, \"e\": 1e2, \"list\": [true, false, null]}";
    struct json_text *document = json_text_new();
    const struct json_node *root, *node;

    (void)state;
    assert_non_null(document);
    root = json_text_parse(document, text, strlen(text), NULL);
    assert_non_null(root);
    assert_int_equal(root->count, 6);
    node = json_text_member(root, "\xC3\xA9t\xC3\xA9");
    assert_non_null(node);
    assert_string_equal(node->text, "\xE2\x82\xAC\xE2\x82\xAC\xF0\x9F\x98\x80\"/");
    assert_int_equal(node->len, 12);
    assert_int_equal(node->name_line, 2);
    assert_int_equal(node->name_column, 2);
    assert_int_equal(node->column, 9); /* characters, not bytes */
    node = json_text_member(root, "n");
    assert_true(node->is_integer);
    assert_int_equal(node->integer, -12);
    assert_false(json_text_member(root, "x")->is_integer);
    assert_true(json_text_member(root, "x")->number == 1.5);
    assert_false(json_text_member(root, "big")->is_integer);
    assert_false(json_text_member(root, "e")->is_integer);
    node = json_text_member(root, "list");
    assert_int_equal(node->kind, JSON_KIND_ARRAY);
    assert_int_equal(node->line, 3);
    assert_true(node->first->is_true);
    assert_int_equal(node->first->next->next->kind, JSON_KIND_NULL);
    assert_null(json_text_member(root, "nothing"));
    assert_null(json_text_member(NULL, "nothing"));
    json_text_free(document);
}

/* Parses `count` times `open`, and says what the error is; "" where it is none. */
static void parse_repeated(const char *open, size_t count, const char *rest, char out[160])
{
    size_t step = strlen(open), len = step * count + strlen(rest);
    struct json_text *document = json_text_new();
    struct json_text_error error = { 0 };
    char *text = malloc(len + 1);

    assert_non_null(document);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * step, open, step);
    memcpy(text + count * step, rest, strlen(rest));
    out[0] = '\0';
    if (json_text_parse(document, text, len, &error) == NULL)
        memcpy(out, error.what, sizeof(error.what));
    free(text);
    json_text_free(document);
}

static void depth_size_and_members_are_bounded(void **state)
{
    char what[160], *text, *at;

    (void)state;
    parse_repeated("[", 100000, "", what);
    assert_string_equal(what, "more than 32 levels of nesting");
    parse_repeated("[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", what);
    assert_string_equal(what, "");
    parse_repeated(" ", JSON_TEXT_MAX, "1", what);
    assert_string_equal(what, "more than 1048576 bytes");
    parse_repeated(" ", JSON_TEXT_MAX - 1, "1", what);
    assert_string_equal(what, "");

    struct json_text *document = json_text_new();
    struct json_text_error error = { 0 };
    text = malloc(64 * 1024);
    assert_non_null(document);
    assert_non_null(text);
    at = text;
    for (int i = 0; i <= JSON_TEXT_MEMBERS_MAX; i++)
        at += snprintf(at, 32, "%s\"%d\":1", i == 0 ? "{" : ",", i);
    *at++ = '}';
    assert_null(json_text_parse(document, text, (size_t)(at - text), &error));
    assert_string_equal(error.what, "an object with more than 1024 members");
    free(text);
    json_text_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_text_is_refused_with_its_place),
        cmocka_unit_test(every_prefix_of_a_text_is_refused_without_reading_past_it),
        cmocka_unit_test(values_and_places_are_right),
        cmocka_unit_test(depth_size_and_members_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
