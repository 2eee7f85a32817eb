/* What the answers about Object Lock hold, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "s3/retention.h"

static struct s3_parser *parser;
static struct s3_error error;

static enum s3_status parse_as(enum s3_answer_kind kind, int http_status, const char *document, void *out)
{
    s3_error_clear(&error);
    assert_int_equal(s3_parser_begin(parser, kind, out), S3_OK);
    for (const char *at = document; *at != '\0'; at++)
        s3_parser_feed(parser, at, 1);
    return s3_parser_finish(parser, http_status, &error);
}

#define RETENTION(inside) "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inside "</Retention>"
#define MODE "<Mode>GOVERNANCE</Mode>"
#define UNTIL "<RetainUntilDate>2026-12-25T03:00:00.000Z</RetainUntilDate>"

static void the_retention_of_a_version_is_read(void **state)
{
    struct s3_retention retention;
    (void)state;
    assert_int_equal(parse_as(S3_ANSWER_RETENTION, 200, RETENTION(MODE UNTIL), &retention), S3_OK);
    assert_string_equal(retention.mode, "GOVERNANCE");
    assert_int_equal(retention.until_ms, INT64_C(1798167600000));
    /* RGW writes nine digits behind the second */
    assert_int_equal(parse_as(S3_ANSWER_RETENTION, 200,
                             "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2026-12-25T03:00:00.000000000Z"
                             "</RetainUntilDate></Retention>",
                             &retention),
            S3_OK);
    assert_string_equal(retention.mode, "COMPLIANCE");
    assert_int_equal(retention.until_ms, INT64_C(1798167600000));
}

static void half_a_retention_is_none(void **state)
{
    static const char *const bad[] = { RETENTION(""), RETENTION(MODE), RETENTION(UNTIL), RETENTION(MODE MODE UNTIL),
        RETENTION("<Mode>governance</Mode>" UNTIL), RETENTION("<Mode/>" UNTIL),
        RETENTION(MODE "<RetainUntilDate>tomorrow</RetainUntilDate>"), "<LegalHold><Status>ON</Status></LegalHold>" };
    struct s3_retention retention;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse_as(S3_ANSWER_RETENTION, 200, bad[i], &retention), S3_BAD_DATA);
        assert_int_equal(retention.until_ms, 0);
    }
    assert_int_equal(
            parse_as(S3_ANSWER_RETENTION, 404, "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>", &retention),
            S3_NOT_FOUND);
}

#define LOCK(inside) "<ObjectLockConfiguration>" inside "</ObjectLockConfiguration>"
#define ON "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"

static void the_lock_of_a_bucket_is_read_with_its_default(void **state)
{
    struct s3_bucket_lock lock;
    (void)state;
    assert_int_equal(parse_as(S3_ANSWER_BUCKET_LOCK, 200, LOCK(ON), &lock), S3_OK);
    assert_true(lock.enabled);
    assert_string_equal(lock.default_mode, "");
    assert_int_equal(parse_as(S3_ANSWER_BUCKET_LOCK, 200,
                             LOCK(ON "<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>35</Days>"
                                     "</DefaultRetention></Rule>"),
                             &lock),
            S3_OK);
    assert_string_equal(lock.default_mode, "COMPLIANCE");
    assert_int_equal(lock.default_days, 35);
    assert_int_equal(lock.default_years, 0);
    assert_int_equal(parse_as(S3_ANSWER_BUCKET_LOCK, 200,
                             LOCK(ON "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Years>7</Years>"
                                     "</DefaultRetention></Rule>"),
                             &lock),
            S3_OK);
    assert_int_equal(lock.default_years, 7);
    assert_int_equal(parse_as(S3_ANSWER_BUCKET_LOCK, 200, LOCK(""), &lock), S3_OK);
    assert_false(lock.enabled);
}

static void a_lock_that_cannot_be_understood_is_no_lock(void **state)
{
    static const char *const bad[] = { LOCK("<ObjectLockEnabled>Disabled</ObjectLockEnabled>"), LOCK(ON ON),
        LOCK(ON "<Rule><DefaultRetention><Mode>SOFT</Mode></DefaultRetention></Rule>"),
        LOCK(ON "<Rule><DefaultRetention><Days>-1</Days></DefaultRetention></Rule>"),
        LOCK(ON "<Rule><DefaultRetention><Years>101</Years></DefaultRetention></Rule>"), "<Retention/>" };
    struct s3_bucket_lock lock;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse_as(S3_ANSWER_BUCKET_LOCK, 200, bad[i], &lock), S3_BAD_DATA);
        assert_false(lock.enabled);
    }
}

static int set_up(void **state)
{
    (void)state;
    parser = s3_parser_new();
    return parser == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    s3_parser_free(parser);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_retention_of_a_version_is_read),
        cmocka_unit_test(half_a_retention_is_none),
        cmocka_unit_test(the_lock_of_a_bucket_is_read_with_its_default),
        cmocka_unit_test(a_lock_that_cannot_be_understood_is_no_lock),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
