/* Percent-encoding, the query string, and SHA-256. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sigv4/encode.h"
#include "sigv4/sigv4.h"

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

static void every_byte_is_itself_or_upper_case_hex(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char in = (char)byte, out[4], expected[4] = { in, 0 };
        bool plain = byte != 0 && strchr(UNRESERVED "/", byte);
        if (!plain)
            snprintf(expected, sizeof expected, "%%%02X", (unsigned)byte);
        assert_int_equal(sigv4_encode(out, sizeof out, &in, 1, true), plain ? 1 : 3);
        assert_string_equal(out, expected);
    }
}

static void a_slash_is_kept_only_on_request(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(sigv4_encode(out, sizeof out, "a/b", 3, true), 3);
    assert_string_equal(out, "a/b");
    assert_int_equal(sigv4_encode(out, sizeof out, "a/b", 3, false), 5);
    assert_string_equal(out, "a%2Fb");
    assert_int_equal(sigv4_encode(out, sizeof out, NULL, 0, false), 0);
    assert_string_equal(out, "");
}

static void what_does_not_fit_is_refused_at_every_size(void **state)
{
    (void)state;
    char out[16];
    for (size_t size = 0; size < 10; size++) {
        memset(out, '#', sizeof out);
        assert_true(sigv4_encode(out, size, "a b c", 5, false) == (size_t)-1);
        assert_int_equal(out[size], '#');
    }
    assert_int_equal(sigv4_encode(out, 10, "a b c", 5, false), 9);
    assert_string_equal(out, "a%20b%20c");
}

static void a_query_is_refused_at_every_size_below_its_own(void **state)
{
    (void)state;
    const struct sigv4_pair pairs[] = { { { "b", 1 }, { NULL, 0 } }, { { "a", 1 }, { "\xc3\xa9", 2 } } };
    const char expected[] = "a=%C3%A9&b=";
    char out[32];
    for (size_t size = 0; size < sizeof expected; size++) {
        memset(out, '#', sizeof out);
        assert_true(sigv4_build_query(out, size, pairs, 2) == (size_t)-1);
        assert_int_equal(out[size], '#');
    }
    assert_int_equal(sigv4_build_query(out, sizeof expected, pairs, 2), sizeof expected - 1);
    assert_string_equal(out, expected);
}

static void no_parameters_make_an_empty_query(void **state)
{
    (void)state;
    char out[1] = { '#' };
    assert_int_equal(sigv4_build_query(out, sizeof out, NULL, 0), 0);
    assert_string_equal(out, "");
}

static void a_query_is_sorted_as_its_encoded_names_are(void **state)
{
    (void)state;
    const char *names[] = { "\xe1\x88\xb4", "~", "a", "a b", "a-b", "a.b", "aB", "Z", "%", "=", "9", "_", "\x01",
        "a/" };
    enum { COUNT = sizeof names / sizeof *names };
    struct sigv4_pair pairs[COUNT];
    char out[512];
    const char *last = "";
    for (size_t i = 0; i < COUNT; i++)
        pairs[i] = (struct sigv4_pair){ text_of(names[i]), text_of("") };
    assert_true(sigv4_build_query(out, sizeof out, pairs, COUNT) != (size_t)-1);
    size_t seen = 0;
    for (char *name = out; name; seen++) {
        char *end = strchr(name, '=');
        *end = '\0';
        assert_true(strcmp(last, name) < 0);
        last = name;
        name = end[1] == '&' ? end + 2 : NULL;
    }
    assert_int_equal(seen, COUNT);
}

static void equal_names_are_sorted_by_value(void **state)
{
    (void)state;
    const struct sigv4_pair pairs[] = { { { "a", 1 }, { "b", 1 } }, { { "a", 1 }, { "a/", 2 } },
        { { "a", 1 }, { "a", 1 } }, { { "a", 1 }, { NULL, 0 } } };
    char out[64];
    assert_true(sigv4_build_query(out, sizeof out, pairs, 4) != (size_t)-1);
    assert_string_equal(out, "a=&a=a&a=a%2F&a=b");
}

static void too_many_parameters_and_empty_names_are_refused(void **state)
{
    (void)state;
    struct sigv4_pair pairs[SIGV4_MAX_PARAMETERS + 1];
    char out[1024];
    for (size_t i = 0; i <= SIGV4_MAX_PARAMETERS; i++)
        pairs[i] = (struct sigv4_pair){ text_of("a"), text_of("b") };
    assert_int_equal(sigv4_build_query(out, sizeof out, pairs, SIGV4_MAX_PARAMETERS), 4 * SIGV4_MAX_PARAMETERS - 1);
    assert_true(sigv4_build_query(out, sizeof out, pairs, SIGV4_MAX_PARAMETERS + 1) == (size_t)-1);
    pairs[1].name.len = 0;
    assert_true(sigv4_build_query(out, sizeof out, pairs, 2) == (size_t)-1);
}

static void only_encoded_paths_are_paths(void **state)
{
    (void)state;
    const char *good[] = { "/", "//", "/a/../b", "/%2F%C3%A9", ("/" UNRESERVED) };
    const char *bad[] = { "", "a", "/ ", "/a+b", "/%2f", "/%", "/%2", "/%G0", "/a?b", "/a#", "/\xc3\xa9", "/a:b",
        "/\n" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(sigv4_encode_is_path(text_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(sigv4_encode_is_path(text_of(bad[i])));
}

static void only_encoded_queries_are_queries(void **state)
{
    (void)state;
    const char *good[] = { "", "a=", "a=b", "a=&b=", "a=%3D&%26=c" };
    const char *bad[] = { "a", "=", "=b", "a=&", "&a=", "a=&&b=", "a=b=c", "a=b&c", "a=+", "a=/", "a=%2f", "?a=" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(sigv4_encode_is_query(text_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(sigv4_encode_is_query(text_of(bad[i])));
}

/* FIPS 180-4's examples */
static void hashes_are_sha256_in_lower_case_hex(void **state)
{
    (void)state;
    char hex[SIGV4_HASH_HEX + 1];
    assert_int_equal(sigv4_hash_hex(NULL, 0, hex), SIGV4_OK);
    assert_string_equal(hex, SIGV4_EMPTY_PAYLOAD);
    assert_int_equal(sigv4_hash_hex("abc", 3, hex), SIGV4_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_itself_or_upper_case_hex),
        cmocka_unit_test(a_slash_is_kept_only_on_request),
        cmocka_unit_test(what_does_not_fit_is_refused_at_every_size),
        cmocka_unit_test(a_query_is_refused_at_every_size_below_its_own),
        cmocka_unit_test(no_parameters_make_an_empty_query),
        cmocka_unit_test(a_query_is_sorted_as_its_encoded_names_are),
        cmocka_unit_test(equal_names_are_sorted_by_value),
        cmocka_unit_test(too_many_parameters_and_empty_names_are_refused),
        cmocka_unit_test(only_encoded_paths_are_paths),
        cmocka_unit_test(only_encoded_queries_are_queries),
        cmocka_unit_test(hashes_are_sha256_in_lower_case_hex),
    };
    return cmocka_run_group_tests_name("sigv4_encode", tests, NULL, NULL);
}
