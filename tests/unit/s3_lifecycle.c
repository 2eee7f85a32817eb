/* Lifecycle rules as S3 and RGW write them, and what is no lifecycle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "s3/lifecycle.h"

static struct s3_parser *parser;
static struct s3_lifecycle lifecycle;
static struct s3_error error;

static enum s3_status parse(const char *document)
{
    static const size_t chunks[] = { 1000000, 1, 7 };
    size_t length = strlen(document);
    enum s3_status status = S3_OK;

    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        s3_error_clear(&error);
        assert_int_equal(s3_parser_begin(parser, S3_ANSWER_LIFECYCLE, &lifecycle), S3_OK);
        for (size_t at = 0; at < length; at += chunks[i])
            s3_parser_feed(parser, document + at, length - at < chunks[i] ? length - at : chunks[i]);
        enum s3_status got = s3_parser_finish(parser, 200, &error);
        if (i > 0)
            assert_int_equal(got, status);
        status = got;
    }
    return status;
}

static void assert_text(struct s3_text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    if (text.len > 0)
        assert_memory_equal(text.ptr, expected, text.len);
}

#define RULES(inside) "<LifecycleConfiguration>" inside "</LifecycleConfiguration>"
#define RULE(inside) "<Rule><Status>Enabled</Status>" inside "</Rule>"

static void every_part_of_a_rule_is_read(void **state)
{
    (void)state;
    assert_int_equal(
            parse("<?xml version=\"1.0\"?><LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                  "<Rule><ID>one &amp; all</ID><Status>Enabled</Status><Filter><And><Prefix>data/</Prefix>"
                  "<Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>l</Key><Value>w</Value></Tag>"
                  "<ObjectSizeGreaterThan>500</ObjectSizeGreaterThan><ObjectSizeLessThan>64000</ObjectSizeLessThan>"
                  "</And></Filter><Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
                  "<Transition><Date>2030-01-01T00:00:00Z</Date><StorageClass>GLACIER</StorageClass></Transition>"
                  "<Expiration><Days>365</Days></Expiration>"
                  "<NoncurrentVersionTransition><NoncurrentDays>7</NoncurrentDays><NewerNoncurrentVersions>2"
                  "</NewerNoncurrentVersions><StorageClass>DEEP_ARCHIVE</StorageClass></NoncurrentVersionTransition>"
                  "<NoncurrentVersionExpiration><NoncurrentDays>60</NoncurrentDays><NewerNoncurrentVersions>3"
                  "</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
                  "<AbortIncompleteMultipartUpload><DaysAfterInitiation>5</DaysAfterInitiation>"
                  "</AbortIncompleteMultipartUpload><Novelty><Days>x</Days></Novelty></Rule>"
                  "<Rule><ID>two</ID><Prefix/><Status>Disabled</Status><Expiration><Date>2030-01-01T00:00:00.000Z"
                  "</Date></Expiration></Rule></LifecycleConfiguration>"),
            S3_OK);
    assert_int_equal(lifecycle.count, 2);
    const struct s3_lifecycle_rule *one = &lifecycle.rules[0], *two = &lifecycle.rules[1];
    assert_text(one->id, "one & all");
    assert_text(one->prefix, "data/");
    assert_true(one->enabled && one->expires && one->expires_noncurrent && !one->expires_markers);
    assert_int_equal(one->tags, 2);
    assert_text(one->tag_key, "k");
    assert_text(one->tag_value, "v");
    assert_true(one->larger_than == 500 && one->smaller_than == 64000);
    assert_int_equal(one->expires_days, 365);
    assert_int_equal(one->noncurrent_days, 60);
    assert_int_equal(one->noncurrent_keep, 3);
    assert_int_equal(one->abort_days, 5);
    assert_text(two->prefix, "");
    assert_true(!two->enabled && two->expires && two->expires_date_ms == INT64_C(1893456000000));
    assert_int_equal(lifecycle.move_count, 3);
    const struct s3_lifecycle_move *moves = lifecycle.moves;
    assert_true(moves[0].days == 30 && !moves[0].noncurrent && moves[0].rule == 0);
    assert_text(moves[0].class_, "STANDARD_IA");
    assert_true(moves[1].date_ms == INT64_C(1893456000000));
    assert_true(moves[2].noncurrent && moves[2].days == 7 && moves[2].keep == 2);
    assert_text(moves[2].class_, "DEEP_ARCHIVE");
}

static void filters_of_every_shape_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse(RULES(RULE("<Filter><Prefix>a/</Prefix></Filter>") RULE("<Prefix>b/</Prefix>")
                                     RULE("<Filter/>") RULE("<Filter><Tag><Key>k</Key><Value/></Tag></Filter>")
                                             RULE("<Filter><ObjectSizeLessThan>9</ObjectSizeLessThan></Filter>")
                                                     RULE("<Expiration><ExpiredObjectDeleteMarker>true"
                                                          "</ExpiredObjectDeleteMarker></Expiration>"))),
            S3_OK);
    assert_int_equal(lifecycle.count, 6);
    assert_text(lifecycle.rules[0].prefix, "a/");
    assert_text(lifecycle.rules[1].prefix, "b/");
    assert_true(lifecycle.rules[2].prefix.len == 0 && lifecycle.rules[2].tags == 0);
    assert_true(lifecycle.rules[3].tags == 1 && lifecycle.rules[3].tag_value.len == 0);
    assert_true(lifecycle.rules[4].smaller_than == 9);
    assert_true(lifecycle.rules[5].expires_markers && !lifecycle.rules[5].expires);
}

static void a_status_that_is_not_known_counts_as_enabled(void **state)
{
    (void)state;
    assert_int_equal(parse(RULES("<Rule><Status>Armed</Status></Rule>")), S3_OK);
    assert_true(lifecycle.rules[0].enabled);
}

static void no_rules_are_no_error(void **state)
{
    (void)state;
    assert_int_equal(parse("<LifecycleConfiguration/>"), S3_OK);
    assert_int_equal(lifecycle.count, 0);
}

static void what_is_no_lifecycle_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "<Lifecycle/>", "<LifecycleConfiguration>", RULES("<Rule><ID>x</ID></Rule>"),
        RULES(RULE("<Expiration><Days>-1</Days></Expiration>")),
        RULES(RULE("<Expiration><Days>2147483648</Days></Expiration>")),
        RULES(RULE("<Expiration><Date>soon</Date></Expiration>")),
        RULES(RULE("<Expiration><Days>1</Days></Expiration><Expiration><Days>2</Days></Expiration>")),
        RULES(RULE("<Prefix>a</Prefix><Filter><Prefix>b</Prefix></Filter>")),
        RULES(RULE("<Expiration><ExpiredObjectDeleteMarker>yes</ExpiredObjectDeleteMarker></Expiration>")) };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(bad[i]) != S3_BAD_DATA)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(lifecycle.count, 0);
    }
}

static enum s3_status parse_many(size_t count)
{
    static const char rule[] = RULE("<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>");

    s3_error_clear(&error);
    assert_int_equal(s3_parser_begin(parser, S3_ANSWER_LIFECYCLE, &lifecycle), S3_OK);
    s3_parser_feed(parser, "<LifecycleConfiguration>", 24);
    for (size_t i = 0; i < count; i++)
        s3_parser_feed(parser, rule, sizeof rule - 1);
    s3_parser_feed(parser, "</LifecycleConfiguration>", 25);
    return s3_parser_finish(parser, 200, &error);
}

static void a_thousand_rules_are_read_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(parse_many(1000), S3_OK);
    assert_int_equal(lifecycle.count, 1000);
    assert_int_equal(lifecycle.moves[999].rule, 999);
    assert_int_equal(parse_many(1001), S3_BAD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_rule_is_read),
        cmocka_unit_test(filters_of_every_shape_are_read),
        cmocka_unit_test(a_status_that_is_not_known_counts_as_enabled),
        cmocka_unit_test(no_rules_are_no_error),
        cmocka_unit_test(what_is_no_lifecycle_is_refused),
        cmocka_unit_test(a_thousand_rules_are_read_and_no_more),
    };
    parser = s3_parser_new();
    s3_lifecycle_init(&lifecycle);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    s3_lifecycle_free(&lifecycle);
    s3_parser_free(parser);
    return failed;
}
