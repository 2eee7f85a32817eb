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

static struct s3_text text(const char *s)
{
    return (struct s3_text){ s, strlen(s) };
}

/* The order of elements is that of the service's model, which is how its own SDKs write it. */
static void rules_are_written_as_the_service_reads_them(void **state)
{
    (void)state;
    struct s3_lifecycle made;
    struct s3_buffer out;

    s3_lifecycle_init(&made);
    s3_buffer_init(&out, S3_LIFECYCLE_BYTES_MAX);
    assert_false(s3_lifecycle_add_move(&made, &(struct s3_lifecycle_move){ .days = 1 })); /* of no rule */
    assert_true(s3_lifecycle_add(
            &made, &(struct s3_lifecycle_rule){
                           .id = text("a&b"), .prefix = text("d<>/"), .enabled = true, .larger_than = 9 }));
    assert_true(s3_lifecycle_add_move(
            &made, &(struct s3_lifecycle_move){ .rule = 77, .days = 30, .class_ = text("STANDARD_IA") }));
    assert_true(s3_lifecycle_add_move(
            &made, &(struct s3_lifecycle_move){ .noncurrent = true, .days = 31, .class_ = text("STANDARD_IA") }));
    assert_true(s3_lifecycle_add(&made, &(struct s3_lifecycle_rule){ .id = text("off"),
                                                .expires = true,
                                                .expires_days = 1,
                                                .expires_noncurrent = true,
                                                .noncurrent_days = 2,
                                                .abort_days = 3 }));
    assert_true(s3_lifecycle_write(&made, &out));
    assert_string_equal(s3_buffer_text(&out),
            "<Rule><ID>a&amp;b</ID><Filter><And><Prefix>d&lt;&gt;/</Prefix><ObjectSizeGreaterThan>9"
            "</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Transition><Days>30</Days>"
            "<StorageClass>STANDARD_IA</StorageClass></Transition><NoncurrentVersionTransition><NoncurrentDays>31"
            "</NoncurrentDays><StorageClass>STANDARD_IA</StorageClass></NoncurrentVersionTransition></Rule>"
            "<Rule><ID>off</ID><Filter><Prefix></Prefix></Filter><Status>Disabled</Status><Expiration><Days>1</Days>"
            "</Expiration><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>"
            "<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation>"
            "</AbortIncompleteMultipartUpload></Rule>");
    made.rules[0].prefix = text("bell\a");
    s3_buffer_clear(&out);
    assert_false(s3_lifecycle_write(&made, &out));
    s3_buffer_free(&out);
    s3_lifecycle_free(&made);
}

static void rules_have_an_end(void **state)
{
    (void)state;
    struct s3_lifecycle made;

    s3_lifecycle_init(&made);
    for (int i = 0; i < S3_LIFECYCLE_RULES_MAX; i++)
        assert_true(s3_lifecycle_add(&made, &(struct s3_lifecycle_rule){ .enabled = true }));
    assert_false(s3_lifecycle_add(&made, &(struct s3_lifecycle_rule){ .enabled = true }));
    for (int i = 0; i < S3_LIFECYCLE_MOVES_MAX; i++)
        assert_true(s3_lifecycle_add_move(&made, &(struct s3_lifecycle_move){ .days = 1 }));
    assert_false(s3_lifecycle_add_move(&made, &(struct s3_lifecycle_move){ .days = 1 }));
    s3_lifecycle_free(&made);
}

static void a_rule_is_cut_out_as_it_is(void **state)
{
    (void)state;
    static const char document[] =
            "<?xml version=\"1.0\"?>\n<!-- <Rule> -->\n<LifecycleConfiguration xmlns=\"u\">\n"
            "<Rule><ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status></Rule>\n"
            "<Rule x='1'><Filter><And><Prefix>b/</Prefix><Tag><Key>Rule</Key></Tag></And></Filter><New><Rule/><Prefix>p"
            "</Prefix></New><!-- </Rule> --><ID><![CDATA[</Rule>]]></ID></Rule><Other/>"
            "<Rule><Prefix/><ID/></Rule></LifecycleConfiguration>";
    static const char *const cut[] = {
        "<Rule><ID>old</ID><Filter><Prefix>a/</Prefix></Filter><Status>Enabled</Status></Rule>",
        ("<Rule x='1'><Filter><And><Prefix>b/</Prefix><Tag><Key>Rule</Key></Tag></And></Filter><New><Rule/><Prefix>p"
         "</Prefix></New><!-- </Rule> --><ID><![CDATA[</Rule>]]></ID></Rule>"),
        "<Rule><Filter><Prefix/></Filter><ID/></Rule>",
    };
    struct s3_buffer out;

    s3_buffer_init(&out, S3_LIFECYCLE_BYTES_MAX);
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        s3_buffer_clear(&out);
        assert_true(s3_lifecycle_cut(text(document), i, &out));
        assert_string_equal(s3_buffer_text(&out), cut[i]);
    }
    assert_false(s3_lifecycle_cut(text(document), 3, &out));
    /* what is cut off is no rule: at every length */
    for (size_t length = 0; length < sizeof document - 1 - strlen("</LifecycleConfiguration>"); length++)
        assert_false(s3_lifecycle_cut((struct s3_text){ document, length }, 2, &out));
    s3_buffer_free(&out);
}

static void a_document_in_memory_is_read_as_an_answer_is(void **state)
{
    (void)state;
    assert_int_equal(s3_lifecycle_read(text(RULES(RULE("<Prefix>x</Prefix>"))), &lifecycle, &error), S3_OK);
    assert_int_equal(lifecycle.count, 1);
    assert_text(lifecycle.rules[0].prefix, "x");
    assert_int_equal(s3_lifecycle_read(text(RULES("<Rule>")), &lifecycle, &error), S3_BAD_DATA);
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
        cmocka_unit_test(rules_are_written_as_the_service_reads_them),
        cmocka_unit_test(rules_have_an_end),
        cmocka_unit_test(a_rule_is_cut_out_as_it_is),
        cmocka_unit_test(a_document_in_memory_is_read_as_an_answer_is),
    };
    parser = s3_parser_new();
    s3_lifecycle_init(&lifecycle);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    s3_lifecycle_free(&lifecycle);
    s3_parser_free(parser);
    return failed;
}
