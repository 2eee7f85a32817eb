/* What goes wrong, in words and exit codes: failure.c, age.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/age.h"
#include "agent/failure.h"

static void the_worst_exit_code_of_sources_is_told(void **state)
{
    static const enum exit_code order[] = { EXIT_INTERNAL, EXIT_NO_ACCESS, EXIT_GUARDED, EXIT_PARTIAL, EXIT_LEFT,
        EXIT_LEASED };

    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        assert_int_equal(exit_worse(order[i], EXIT_DONE), order[i]);
        assert_int_equal(exit_worse(EXIT_DONE, order[i]), order[i]);
        for (size_t j = i; j < sizeof order / sizeof order[0]; j++) {
            assert_int_equal(exit_worse(order[i], order[j]), order[i]);
            assert_int_equal(exit_worse(order[j], order[i]), order[i]);
        }
    }
    assert_int_equal(exit_worse(EXIT_DONE, EXIT_DONE), EXIT_DONE);
}

static void a_request_s_failure_says_all_that_is_known(void **state)
{
    struct s3_error error;
    struct failure failure;

    (void)state;
    s3_error_clear(&error);
    error.operation = "CopyObject";
    memcpy(error.bucket, "acme-vault", sizeof "acme-vault");
    memcpy(error.key, "a\nb", 3);
    error.key_len = 3;
    error.http_status = 403;
    memcpy(error.code, "AccessDenied", sizeof "AccessDenied");
    memcpy(error.message, "Access Denied", sizeof "Access Denied");
    memcpy(error.request_id, "R1", sizeof "R1");
    assert_int_equal(failure_from_s3(&failure, S3_DENIED, &error, "copying"), VERDICT_NO_ACCESS);
    assert_string_equal(
            failure.what, "copying: CopyObject s3://acme-vault/a\\nb: AccessDenied: Access Denied [request R1]");
    assert_int_equal(verdict_exit(failure.verdict), EXIT_NO_ACCESS);
}

static void keys_are_escaped_for_people(void **state)
{
    static const struct {
        const char *key;
        size_t length;
        const char *shown;
    } cases[] = { { "plain/key", 9, "plain/key" }, { "a\"b\\c", 5, "a\\\"b\\\\c" }, { "\n\r\t", 3, "\\n\\r\\t" },
        { "\x01\x7f", 2, "\\u0001\\u007f" }, { "\0x", 2, "\\u0000x" }, { "\xc3\xa4", 2, "\xc3\xa4" } };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(key_for_people(cases[i].key, cases[i].length, out, sizeof out), cases[i].shown);
}

static void a_long_key_is_cut_between_characters(void **state)
{
    char out[16];

    (void)state;
    /* nine bytes fit beside the longest escape and the end; the fifth two-byte character would not */
    (void)key_for_people("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 12, out, sizeof out);
    assert_int_equal(strlen(out) % 2, 0);
    assert_in_range(strlen(out), 6, 12);
}

static void ages_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* 0: refused */
    } cases[] = { { "90s", 90 }, { "30m", 1800 }, { "26h", 93600 }, { "3d", 259200 }, { "2w", 1209600 }, { "", 0 },
        { "h", 0 }, { "0h", 0 }, { "26", 0 }, { "26hh", 0 }, { "-1h", 0 }, { "1.5h", 0 },
        { "99999999999999999999d", 0 }, { "36601d", 0 } };
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool read = age_parse(cases[i].text, &seconds);
        assert_int_equal(read, cases[i].seconds != 0);
        if (read)
            assert_int_equal(seconds, cases[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_worst_exit_code_of_sources_is_told),
        cmocka_unit_test(a_request_s_failure_says_all_that_is_known), cmocka_unit_test(keys_are_escaped_for_people),
        cmocka_unit_test(a_long_key_is_cut_between_characters), cmocka_unit_test(ages_are_read) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
