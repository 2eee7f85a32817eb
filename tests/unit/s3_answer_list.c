/* Pages of the three lists: what is in them arrives whole, in any chunking and any order; what is wrong is never
 * skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/answer.h"
#include "s3/buffer.h"

static struct s3_parser *parser;
static struct s3_page page;
static struct s3_error error;

static enum s3_status parse_chunked(enum s3_answer_kind kind, const char *document, size_t length, size_t chunk)
{
    s3_error_clear(&error);
    assert_int_equal(s3_parser_begin(parser, kind, &page), S3_OK);
    for (size_t at = 0; at < length; at += chunk) {
        /* A copy of exactly this size, so that a read beyond it is seen. */
        size_t part = length - at < chunk ? length - at : chunk;
        char *copy = malloc(part);
        assert_non_null(copy);
        memcpy(copy, document + at, part);
        s3_parser_feed(parser, copy, part);
        free(copy);
    }
    return s3_parser_finish(parser, 200, &error);
}

/* The verdict must not depend on how the bytes were cut; leaves the page of the last way. */
static enum s3_status parse(enum s3_answer_kind kind, const char *document)
{
    static const size_t chunks[] = { 1, 2, 3, 7, 64, 1000, 1000000 };
    size_t length = strlen(document);
    enum s3_status first = parse_chunked(kind, document, length, chunks[0]);
    size_t count = page.count;
    for (size_t i = 1; i < sizeof chunks / sizeof chunks[0]; i++) {
        assert_int_equal(parse_chunked(kind, document, length, chunks[i]), first);
        assert_int_equal(page.count, count);
    }
    if (first != S3_OK) {
        assert_int_equal(page.count, 0);
        assert_int_equal(page.prefix_count, 0);
    }
    return first;
}

static void assert_text(struct s3_text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    if (text.len > 0) {
        assert_memory_equal(text.ptr, expected, text.len);
    } else {
        assert_null(text.ptr);
    }
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define LIST_OPEN HEAD "<ListBucketResult" NS ">"
#define LIST_CLOSE "</ListBucketResult>"
#define TIME "<LastModified>2024-05-24T01:02:03.004Z</LastModified>"
#define REST TIME "<ETag>&quot;e&quot;</ETag><Size>1</Size>"
#define NOT_TRUNCATED "<IsTruncated>false</IsTruncated>"

static void page_of_s3_arrives_whole(void **state)
{
    (void)state;
    assert_int_equal(
            parse(S3_ANSWER_LIST, LIST_OPEN
                    "<Name>acme</Name><Prefix>a%2F</Prefix><StartAfter>a</StartAfter><KeyCount>2</KeyCount>"
                    "<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
                    "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>"
                    "<Contents><Key>a%2Fb%20c%2B%25</Key><LastModified>2013-09-17T18:07:53.000Z</LastModified>"
                    "<ETag>&quot;599bab3ed2c697f1d26842727561fd94&quot;</ETag><ChecksumAlgorithm>CRC32</"
                    "ChecksumAlgorithm>"
                    "<Size>5497558138880</Size><Owner><ID>x</ID><Key>not a key</Key></Owner>"
                    "<StorageClass>DEEP_ARCHIVE</StorageClass><RestoreStatus><IsRestoreInProgress>false"
                    "</IsRestoreInProgress><RestoreExpiryDate>2013-10-17T00:00:00Z</RestoreExpiryDate></RestoreStatus>"
                    "</Contents><Contents><Key>z</Key>" REST "</Contents>"
                    "<CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes>" LIST_CLOSE),
            S3_OK);
    assert_int_equal(page.count, 2);
    assert_true(page.truncated);
    const struct s3_page_entry *entry = &page.entries[0];
    assert_text(entry->key, "a/b c+%");
    assert_text(entry->etag, "599bab3ed2c697f1d26842727561fd94");
    assert_text(entry->class_, "DEEP_ARCHIVE");
    assert_text(entry->version, "");
    assert_true(entry->size == UINT64_C(5497558138880));
    assert_true(entry->modified_ms == INT64_C(1379441273000));
    assert_true(entry->restore_expiry_ms == INT64_C(1381968000000));
    assert_false(entry->restore_in_progress);
    assert_text(page.entries[1].key, "z");
    assert_text(page.entries[1].class_, "");
    assert_int_equal(page.prefix_count, 1);
    assert_text(page.prefixes[0], "p/");
    assert_text(page.next_token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
}

static void page_of_rgw_arrives_whole(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN
                             "<Tenant>111122223333</Tenant><Name>b</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys>"
                             "<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><Contents>"
                             "<Key>it&apos;s%2F%01%0A</Key><LastModified>2026-11-20T10:00:00.123Z</LastModified>"
                             "<ETag>&quot;abc-3&quot;</ETag><Size>0</Size><StorageClass>STANDARD</StorageClass>"
                             "<Owner><ID>111122223333$agent</ID><DisplayName>agent</DisplayName></Owner>"
                             "<Type>Normal</Type></Contents><Marker></Marker><KeyCount>1</KeyCount>" LIST_CLOSE),
            S3_OK);
    assert_int_equal(page.count, 1);
    assert_text(page.entries[0].key, "it's/\x01\n");
    assert_text(page.entries[0].etag, "abc-3");
    assert_true(page.entries[0].modified_ms % 1000 == 123);
}

static void encoding_type_may_come_after_the_keys(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN "<Contents>" REST "<Key>a%2Fb</Key></Contents>" NOT_TRUNCATED
                                                     "<EncodingType>url</EncodingType>" LIST_CLOSE),
            S3_OK);
    assert_text(page.entries[0].key, "a/b");
}

static void without_encoding_type_a_percent_is_a_percent(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN "<Contents><Key>a%2Fb&amp;&#x20;&lt;<![CDATA[<c>]]>100%</Key>" REST
                                                     "</Contents>" NOT_TRUNCATED LIST_CLOSE),
            S3_OK);
    assert_text(page.entries[0].key, "a%2Fb& <<c>100%");
}

static void plus_in_a_key_is_a_space(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN "<EncodingType>url</EncodingType><Contents><Key>a+b%2Bc</Key>" REST
                                                     "</Contents>" NOT_TRUNCATED LIST_CLOSE),
            S3_OK);
    assert_text(page.entries[0].key, "a b+c");
}

static void empty_page_is_a_page(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN NOT_TRUNCATED LIST_CLOSE), S3_OK);
    assert_int_equal(page.count, 0);
    assert_false(page.truncated);
    assert_int_equal(parse(S3_ANSWER_LIST, "\n \r\n" LIST_OPEN NOT_TRUNCATED LIST_CLOSE "\n"), S3_OK);
}

static void entities_after_what_was_forgiven_are_not_lost(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN "<EncodingType>url</EncodingType><StartAfter>a&#x01;b</StartAfter>"
                                                     "<Contents><Key>it&apos;s&amp;&lt;</Key>" REST "</Contents>"
                                                     "<NextContinuationToken>&#x02;&apos;</NextContinuationToken>"
                                                     "<Contents><Key>z&apos;&quot;</Key>" REST
                                                     "</Contents>" NOT_TRUNCATED LIST_CLOSE),
            S3_OK);
    assert_int_equal(page.count, 2);
    assert_text(page.entries[0].key, "it's&<");
    assert_text(page.entries[1].key, "z'\"");
}

static void what_xml_cannot_carry_is_forgiven_only_where_it_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN
                             "<StartAfter>a&#x01;b</StartAfter><NextContinuationToken>k&#x01;&#x7f;"
                             "</NextContinuationToken><Contents><Key>k%01</Key>" REST
                             "</Contents><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>" LIST_CLOSE),
            S3_OK);
    assert_text(page.next_token, "");
    assert_text(page.entries[0].key, "k\x01");
    assert_int_equal(
            parse(S3_ANSWER_LIST, LIST_OPEN "<Contents><Key>k&#x01;</Key>" REST "</Contents>" NOT_TRUNCATED LIST_CLOSE),
            S3_BAD_DATA);
    assert_int_equal(
            parse(S3_ANSWER_LIST, LIST_OPEN "<StartAfter>a\x01z</StartAfter>" NOT_TRUNCATED LIST_CLOSE), S3_OK);
    assert_int_equal(
            parse(S3_ANSWER_LIST, LIST_OPEN "<StartAfter>a&nope;</StartAfter>" NOT_TRUNCATED LIST_CLOSE), S3_BAD_DATA);
    assert_int_equal(
            parse(S3_ANSWER_LIST, LIST_OPEN "<StartAfter>a&#x01;</Start>" NOT_TRUNCATED LIST_CLOSE), S3_BAD_DATA);
}

static void what_is_wrong_with_an_entry_fails_the_page(void **state)
{
    (void)state;
    static const char *const bad_entries[] = {
        REST,                                                                             /* no key */
        "<Key></Key>" REST,                                                               /* empty key */
        "<Key/>" REST,                                                                    /* the same */
        "<Key>a</Key><Key>b</Key>" REST,                                                  /* two keys */
        "<Key>a<b/>c</Key>" REST,                                                         /* not text */
        "<Key>%</Key>" REST,                                                              /* malformed escapes */
        "<Key>%4</Key>" REST,                                                             /**/
        "<Key>%zz</Key>" REST,                                                            /**/
        "<Key>%FF</Key>" REST,                                                            /* not UTF-8 */
        "<Key>%C0%AF</Key>" REST,                                                         /* overlong */
        "<Key>%ED%A0%80</Key>" REST,                                                      /* surrogate */
        "<Key>%F4%90%80%80</Key>" REST,                                                   /* above U+10FFFF */
        "<Key>%E2%82</Key>" REST,                                                         /* cut off */
        "<Key>a</Key>" TIME "<Size>1</Size>",                                             /* no ETag */
        "<Key>a</Key>" TIME "<ETag>e</ETag>",                                             /* no size */
        "<Key>a</Key><Size>1</Size><ETag>e</ETag>",                                       /* no time */
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size></Size>",                                /* sizes */
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size>-1</Size>",                              /**/
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size>1.5</Size>",                             /**/
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size>0x10</Size>",                            /**/
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size> 1</Size>",                              /**/
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size>9223372036854775808</Size>",             /**/
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size>18446744073709551616</Size>",            /**/
        "<Key>a</Key>" TIME "<ETag>e</ETag><Size>1</Size><Size>2</Size>",                 /**/
        "<Key>a</Key><LastModified>yesterday</LastModified><ETag>e</ETag><Size>1</Size>", /* time */
        "<Key>a</Key><Owner><Size>1</Size></Owner>" TIME "<ETag>e</ETag>",                /* a size elsewhere */
        "<Key>a</Key>" REST "<RestoreStatus><IsRestoreInProgress>maybe</IsRestoreInProgress></RestoreStatus>",
    };
    for (size_t i = 0; i < sizeof bad_entries / sizeof bad_entries[0]; i++) {
        char document[2000];
        (void)snprintf(document, sizeof document,
                LIST_OPEN "<EncodingType>url</EncodingType>" NOT_TRUNCATED "<Contents><Key>ok</Key>" REST
                          "</Contents><Contents>%s</Contents>" LIST_CLOSE,
                bad_entries[i]);
        if (parse(S3_ANSWER_LIST, document) != S3_BAD_DATA) {
            fail_msg("accepted: %s", bad_entries[i]);
        }
        assert_string_equal(error.code, "BadAnswer");
        assert_true(error.message[0] != '\0');
    }
}

static void what_is_wrong_with_a_page_fails_it(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " \n",
        LIST_OPEN LIST_CLOSE,
        LIST_OPEN "<IsTruncated/>" LIST_CLOSE,
        LIST_OPEN "<IsTruncated>maybe</IsTruncated>" LIST_CLOSE,
        LIST_OPEN "<IsTruncated>false</IsTruncated><IsTruncated>true</IsTruncated>" LIST_CLOSE,
        LIST_OPEN "<Contents><IsTruncated>false</IsTruncated><Key>a</Key>" REST "</Contents>" LIST_CLOSE,
        LIST_OPEN "<EncodingType>base64</EncodingType>" NOT_TRUNCATED LIST_CLOSE,
        LIST_OPEN NOT_TRUNCATED "<CommonPrefixes><Prefix></Prefix></CommonPrefixes>" LIST_CLOSE,
        LIST_OPEN NOT_TRUNCATED "<CommonPrefixes></CommonPrefixes>" LIST_CLOSE,
        LIST_OPEN NOT_TRUNCATED,
        LIST_OPEN NOT_TRUNCATED "</ListBucketResult",
        LIST_OPEN NOT_TRUNCATED LIST_CLOSE "x",
        LIST_OPEN NOT_TRUNCATED LIST_CLOSE "<a/>",
        LIST_OPEN NOT_TRUNCATED "</ListVersionsResult>",
        "x" LIST_OPEN NOT_TRUNCATED LIST_CLOSE,
        "{\"a\": 1}",
        HEAD "<html><body>hello</body></html>",
        HEAD "<ListVersionsResult>" NOT_TRUNCATED "</ListVersionsResult>",
        HEAD "<x><ListBucketResult>" NOT_TRUNCATED "</ListBucketResult></x>",
        "<!DOCTYPE ListBucketResult><ListBucketResult>" NOT_TRUNCATED LIST_CLOSE,
        "<!DOCTYPE l [<!ENTITY a \"b\">]><ListBucketResult><Contents><Key>&a;</Key>" REST
        "</Contents>" NOT_TRUNCATED LIST_CLOSE,
        "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><ListBucketResult>" NOT_TRUNCATED LIST_CLOSE,
        LIST_OPEN "<Contents><Key>&a;</Key>" REST "</Contents>" NOT_TRUNCATED LIST_CLOSE,
        LIST_OPEN "<StartAfter>\xFF</StartAfter>" NOT_TRUNCATED LIST_CLOSE,
        LIST_OPEN "<StartAfter>\xC3</StartAfter>" NOT_TRUNCATED LIST_CLOSE,
        LIST_OPEN "<NextContinuationToken>\xFF</NextContinuationToken>" NOT_TRUNCATED LIST_CLOSE,
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><ListBucketResult><StartAfter>\xE9</StartAfter>" NOT_TRUNCATED
                LIST_CLOSE,
        LIST_OPEN "<Contents><Key>\xFF</Key>" REST "</Contents>" NOT_TRUNCATED LIST_CLOSE,
        LIST_OPEN "<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p></p></o></n></m></l></k></j></i></h></g></f></e></d>"
                  "</c></b></a>" NOT_TRUNCATED LIST_CLOSE,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(S3_ANSWER_LIST, bad[i]) != S3_BAD_DATA) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void utf16_is_refused(void **state)
{
    (void)state;
    static const char document[] = LIST_OPEN NOT_TRUNCATED LIST_CLOSE;
    char wide[2 * sizeof document];
    for (size_t i = 0; i < sizeof document - 1; i++) {
        wide[2 * i] = document[i];
        wide[2 * i + 1] = '\0';
    }
    assert_int_equal(parse_chunked(S3_ANSWER_LIST, wide, 2 * (sizeof document - 1), 7), S3_BAD_DATA);
    assert_int_equal(parse_chunked(S3_ANSWER_LIST, "\xFF\xFE<\0a\0", 6, 100), S3_BAD_DATA);
}

static void every_truncation_of_a_page_is_noticed(void **state)
{
    (void)state;
    static const char document[] = LIST_OPEN NOT_TRUNCATED
            "<EncodingType>url</EncodingType><Contents><Key>a%2Fb</Key>" REST "</Contents>" LIST_CLOSE;
    for (size_t length = 0; length < sizeof document - 1; length++) {
        assert_int_equal(parse_chunked(S3_ANSWER_LIST, document, length, 16), S3_BAD_DATA);
        assert_int_equal(page.count, 0);
    }
    assert_int_equal(parse_chunked(S3_ANSWER_LIST, document, sizeof document - 1, 16), S3_OK);
}

static void error_document_in_a_200_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse(S3_ANSWER_LIST, HEAD "<Error><Code>SlowDown</Code><Message>Please reduce</Message></Error>"),
            S3_THROTTLED);
    assert_true(error.in_200);
    assert_string_equal(error.code, "SlowDown");
    assert_int_equal(parse(S3_ANSWER_LIST, HEAD "<Error><Message>nameless</Message></Error>"), S3_BAD_DATA);
}

/* A document of `count` entries with keys of `key_length` bytes, each written as an escape where asked. */
static void make_list(struct s3_buffer *document, size_t count, size_t key_length, bool escaped)
{
    s3_buffer_clear(document);
    assert_true(s3_buffer_add_text(document, LIST_OPEN "<EncodingType>url</EncodingType>" NOT_TRUNCATED));
    for (size_t i = 0; i < count; i++) {
        assert_true(s3_buffer_add_text(document, "<Contents><Key>"));
        for (size_t k = 0; k < key_length; k++) {
            assert_true(s3_buffer_add_text(document, escaped ? "%2F" : "x"));
        }
        assert_true(s3_buffer_add_text(document, "</Key>" REST "</Contents>"));
    }
    assert_true(s3_buffer_add_text(document, LIST_CLOSE));
}

static void keys_have_up_to_1024_bytes_and_pages_up_to_2000_entries(void **state)
{
    (void)state;
    static const struct {
        size_t count, key_length;
        bool escaped;
        enum s3_status expected;
    } rows[] = {
        { 1, 1024, false, S3_OK },
        { 1, 1024, true, S3_OK },
        { 1, 1025, false, S3_BAD_DATA },
        { 1, 1025, true, S3_BAD_DATA },
        { 1, 20000, false, S3_BAD_DATA },
        { 1000, 1024, true, S3_OK },
        { 2000, 1024, true, S3_OK },
        { 2001, 1, false, S3_BAD_DATA },
        { 2000, 1, false, S3_OK },
    };
    struct s3_buffer document;
    s3_buffer_init(&document, 32 * 1024 * 1024);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_list(&document, rows[i].count, rows[i].key_length, rows[i].escaped);
        assert_int_equal(parse_chunked(S3_ANSWER_LIST, document.ptr, document.len, 16384), rows[i].expected);
        if (rows[i].expected == S3_OK) {
            assert_int_equal(page.count, rows[i].count);
            for (size_t k = 0; k < page.count; k++) {
                assert_int_equal(page.entries[k].key.len, rows[i].key_length);
                assert_int_equal(page.entries[k].key.ptr[rows[i].key_length - 1], rows[i].escaped ? '/' : 'x');
            }
        }
    }
    s3_buffer_free(&document);
}

#define VERSIONS_OPEN HEAD "<ListVersionsResult" NS ">"
#define VERSIONS_CLOSE "</ListVersionsResult>"

static void versions_and_markers_keep_their_order(void **state)
{
    (void)state;
    static const char *const roots[] = { "ListVersionsResult", "ListBucketVersionsResult" };
    for (size_t i = 0; i < 2; i++) {
        char document[3000];
        (void)snprintf(document, sizeof document,
                HEAD
                "<%s><Name>b</Name><KeyMarker/><VersionIdMarker/><EncodingType>url</EncodingType><MaxKeys>3</MaxKeys>"
                "<IsTruncated>true</IsTruncated><NextKeyMarker>a%%2Fb</NextKeyMarker>"
                "<NextVersionIdMarker>v1</NextVersionIdMarker>"
                "<DeleteMarker><Key>a%%2Fb</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest>" TIME
                "<Owner><ID>o</ID></Owner></DeleteMarker>"
                "<Version><Key>a%%2Fb</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest>" REST
                "<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress>"
                "</RestoreStatus></Version>"
                "<Version><Key>a%%2Fb</Key><VersionId>null</VersionId><IsLatest>false</IsLatest>" REST
                "</Version></%s>",
                roots[i], roots[i]);
        assert_int_equal(parse(S3_ANSWER_VERSIONS, document), S3_OK);
        assert_int_equal(page.count, 3);
        assert_true(page.entries[0].is_marker && page.entries[0].is_latest);
        assert_text(page.entries[0].version, "v3");
        assert_text(page.entries[0].key, "a/b");
        assert_true(!page.entries[1].is_marker && page.entries[1].restore_in_progress);
        assert_text(page.entries[1].class_, "GLACIER");
        assert_text(page.entries[2].version, "null");
        assert_text(page.next_key, "a/b");
        assert_text(page.next_version, "v1");
    }
}

static void version_entries_lack_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "<Version><Key>a</Key><IsLatest>true</IsLatest>" REST "</Version>",
        "<Version><Key>a</Key><VersionId/><IsLatest>true</IsLatest>" REST "</Version>",
        "<Version><Key>a</Key><VersionId>v</VersionId>" REST "</Version>",
        "<Version><Key>a</Key><VersionId>v</VersionId><IsLatest>true</IsLatest>" TIME "<ETag>e</ETag></Version>",
        "<Version><Key>a</Key><VersionId>v</VersionId><IsLatest>true</IsLatest>" TIME "<Size>1</Size></Version>",
        "<Version><VersionId>v</VersionId><IsLatest>true</IsLatest>" REST "</Version>",
        "<DeleteMarker><Key>a</Key><VersionId>v</VersionId><IsLatest>true</IsLatest></DeleteMarker>",
        "<DeleteMarker><Key>a</Key><IsLatest>true</IsLatest>" TIME "</DeleteMarker>",
        "<DeleteMarker><VersionId>v</VersionId><IsLatest>true</IsLatest>" TIME "</DeleteMarker>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char document[1000];
        (void)snprintf(document, sizeof document, VERSIONS_OPEN NOT_TRUNCATED "%s" VERSIONS_CLOSE, bad[i]);
        if (parse(S3_ANSWER_VERSIONS, document) != S3_BAD_DATA) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

#define ONE_VERSION(key)                                                                                               \
    "<Version><Key>" key "</Key><VersionId>v9</VersionId><IsLatest>true</IsLatest>" REST "</Version>"

static void next_marker_survives_servers_that_do_not_encode_it(void **state)
{
    (void)state;
    static const struct {
        const char *marker, *entry, *expected;
    } rows[] = {
        { "<NextKeyMarker>100%</NextKeyMarker>", ONE_VERSION("100%25"), "100%" },
        { "<NextKeyMarker>100%25</NextKeyMarker>", ONE_VERSION("100%25"), "100%" },
        { "<NextKeyMarker>a%2Fb</NextKeyMarker>", ONE_VERSION("a%252Fb"), "a%2Fb" },
        { "<NextKeyMarker>a%252Fb</NextKeyMarker>", ONE_VERSION("a%252Fb"), "a%2Fb" },
        { "<NextKeyMarker>k&#x01;</NextKeyMarker>", ONE_VERSION("k%01"), "k\x01" },
        { "", ONE_VERSION("k%01"), "k\x01" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char document[1000];
        (void)snprintf(document, sizeof document,
                VERSIONS_OPEN "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>%s%s" VERSIONS_CLOSE,
                rows[i].marker, rows[i].entry);
        assert_int_equal(parse(S3_ANSWER_VERSIONS, document), S3_OK);
        assert_text(page.next_key, rows[i].expected);
    }
    assert_text(page.next_version, "v9");
    assert_int_equal(
            parse(S3_ANSWER_VERSIONS, VERSIONS_OPEN "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
                                                    "<NextKeyMarker>%zz</NextKeyMarker>" VERSIONS_CLOSE),
            S3_BAD_DATA);
}

static void uploads_are_listed(void **state)
{
    (void)state;
    assert_int_equal(
            parse(S3_ANSWER_UPLOADS, HEAD
                    "<ListMultipartUploadsResult" NS "><Bucket>b</Bucket><KeyMarker/><UploadIdMarker/>"
                    "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker><MaxUploads>1000</"
                    "MaxUploads>"
                    "<IsTruncated>true</IsTruncated><Upload><Key>k</Key><UploadId>u1</UploadId><Initiator><ID>i</ID>"
                    "</Initiator><StorageClass>STANDARD</StorageClass><Initiated>2010-11-10T20:48:33.000Z</Initiated>"
                    "</Upload></ListMultipartUploadsResult>"),
            S3_OK);
    assert_int_equal(page.count, 1);
    assert_text(page.entries[0].version, "u1");
    assert_text(page.next_version, "u2");
    assert_true(page.entries[0].modified_ms == INT64_C(1289422113000));
}

static void parser_forgets_a_failed_document(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(parse(S3_ANSWER_LIST, LIST_OPEN "<Contents><Key>a</Key>"), S3_BAD_DATA);
        assert_int_equal(parse(S3_ANSWER_VERSIONS, "<!DOCTYPE a><a/>"), S3_BAD_DATA);
        assert_int_equal(
                parse(S3_ANSWER_LIST, LIST_OPEN "<Contents><Key>a</Key>" REST "</Contents>" NOT_TRUNCATED LIST_CLOSE),
                S3_OK);
        assert_int_equal(page.count, 1);
    }
}

static void strange_names_do_not_pile_up(void **state)
{
    (void)state;
    struct s3_buffer document;
    s3_buffer_init(&document, 1024 * 1024);
    for (int round = 0; round < 5; round++) {
        s3_buffer_clear(&document);
        assert_true(s3_buffer_add_text(&document, LIST_OPEN NOT_TRUNCATED));
        for (int i = 0; i < 3000; i++) {
            assert_true(s3_buffer_printf(&document, "<n%d-%d><Key>x</Key></n%d-%d>", round, i, round, i));
        }
        assert_true(s3_buffer_add_text(&document, "<Contents><Key>a</Key>" REST "</Contents>" LIST_CLOSE));
        assert_int_equal(parse_chunked(S3_ANSWER_LIST, document.ptr, document.len, 16384), S3_OK);
        assert_int_equal(page.count, 1);
    }
    s3_buffer_free(&document);
}

static int set_up(void **state)
{
    (void)state;
    parser = s3_parser_new();
    s3_page_init(&page);
    return parser == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    s3_page_free(&page);
    s3_parser_free(parser);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_of_s3_arrives_whole),
        cmocka_unit_test(page_of_rgw_arrives_whole),
        cmocka_unit_test(encoding_type_may_come_after_the_keys),
        cmocka_unit_test(without_encoding_type_a_percent_is_a_percent),
        cmocka_unit_test(plus_in_a_key_is_a_space),
        cmocka_unit_test(empty_page_is_a_page),
        cmocka_unit_test(entities_after_what_was_forgiven_are_not_lost),
        cmocka_unit_test(what_xml_cannot_carry_is_forgiven_only_where_it_does_not_matter),
        cmocka_unit_test(what_is_wrong_with_an_entry_fails_the_page),
        cmocka_unit_test(what_is_wrong_with_a_page_fails_it),
        cmocka_unit_test(utf16_is_refused),
        cmocka_unit_test(every_truncation_of_a_page_is_noticed),
        cmocka_unit_test(error_document_in_a_200_is_an_error),
        cmocka_unit_test(keys_have_up_to_1024_bytes_and_pages_up_to_2000_entries),
        cmocka_unit_test(versions_and_markers_keep_their_order),
        cmocka_unit_test(version_entries_lack_nothing),
        cmocka_unit_test(next_marker_survives_servers_that_do_not_encode_it),
        cmocka_unit_test(uploads_are_listed),
        cmocka_unit_test(parser_forgets_a_failed_document),
        cmocka_unit_test(strange_names_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
