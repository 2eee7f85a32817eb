/* The answers that are not pages, and error documents of every shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/answer.h"
#include "s3/buffer.h"

static struct s3_parser *parser;
static struct s3_error error;

static enum s3_status parse_as(enum s3_answer_kind kind, int http_status, const char *document, void *out)
{
    static const size_t chunks[] = { 1000000, 1, 5, 64 };
    size_t length = strlen(document);
    enum s3_status status = S3_OK;
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        s3_error_clear(&error);
        assert_int_equal(s3_parser_begin(parser, kind, out), S3_OK);
        for (size_t at = 0; at < length; at += chunks[i]) {
            s3_parser_feed(parser, document + at, length - at < chunks[i] ? length - at : chunks[i]);
        }
        enum s3_status got = s3_parser_finish(parser, http_status, &error);
        if (i > 0) {
            assert_int_equal(got, status);
        }
        status = got;
    }
    return status;
}

static enum s3_status parse(enum s3_answer_kind kind, const char *document, void *out)
{
    return parse_as(kind, 200, document, out);
}

static void assert_text(struct s3_text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    if (text.len > 0) {
        assert_memory_equal(text.ptr, expected, text.len);
    }
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void error_documents_of_every_shape_are_read(void **state)
{
    (void)state;
    static const struct {
        int http_status;
        const char *document;
        enum s3_status expected;
        const char *code, *message, *request_id, *region;
    } rows[] = {
        { 404,
                XML "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a</Key>"
                    "<RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId></Error>",
                S3_NOT_FOUND, "NoSuchKey", "The specified key does not exist.", "4442587FB7D0A2F9", "" },
        { 400,
                XML
                "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting "
                "'eu-west-1'</Message><Region>eu-west-1</Region><RequestId>r</RequestId></Error>",
                S3_REDIRECT, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
                "r", "eu-west-1" },
        { 400, "<Error><Code>AuthorizationHeaderMalformed</Code><Message>no date</Message></Error>", S3_REFUSED,
                "AuthorizationHeaderMalformed", "no date", "", "" },
        { 400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>evil.com/</Region></Error>", S3_REFUSED,
                "AuthorizationHeaderMalformed", "", "", "" },
        { 403,
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
                "<Code>AccessDenied</Code><Message>User: x is not authorized</Message></Error><RequestId>id</RequestId>"
                "</ErrorResponse>",
                S3_DENIED, "AccessDenied", "User: x is not authorized", "id", "" },
        { 403,
                "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired: 20130524T000000Z "
                "is now "
                "earlier than 20130524T001500Z</Message></Error></ErrorResponse>",
                S3_CLOCK, "SignatureDoesNotMatch",
                "Signature expired: 20130524T000000Z is now earlier than 20130524T001500Z", "", "" },
        { 403,
                "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>it does "
                "not</Message></Error></ErrorResponse>",
                S3_DENIED, "SignatureDoesNotMatch", "it does not", "", "" },
        { 503,
                "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors><RequestID>q</RequestID></"
                "Response>",
                S3_THROTTLED, "RequestLimitExceeded", "", "q", "" },
        { 403, XML "<Error><Code>AccessDenied</Code><Message></Message><BucketName>b</BucketName></Error>", S3_DENIED,
                "AccessDenied", "", "", "" },
        { 503, "<html>\n<body>Service Unavailable</body></html>", S3_RETRY, "",
                "HTTP status 503 without an error document", "", "" },
        { 503, "busy", S3_RETRY, "", "HTTP status 503 without an error document", "", "" },
        { 403, "", S3_DENIED, "", "HTTP status 403 without an error document", "", "" },
        { 400, "<Error><Code></Code></Error>", S3_REFUSED, "", "HTTP status 400 without an error document", "", "" },
        { 500, "<Error><Code>InternalErr", S3_RETRY, "", "HTTP status 500 without an error document", "", "" },
        { 200, "\n  \n" XML "<Error><Code>InternalError</Code><Message>try\nagain</Message></Error>", S3_RETRY,
                "InternalError", "try again", "", "" },
        { 200, "<Error><Code>AccessDenied</Code></Error>", S3_DENIED, "AccessDenied", "", "", "" },
        { 200, "<Error><Message>m</Message></Error>", S3_BAD_DATA, "BadAnswer", "the answer is an error without a code",
                "", "" },
        { 200, "<Error><Code>Internal", S3_BAD_DATA, "BadAnswer", NULL, "", "" },
        { 200, "", S3_OK, "", "", "", "" },
        { 204, " \r\n", S3_OK, "", "", "", "" },
        { 200, "OK", S3_OK, "", "", "", "" },
        { 200, XML "<Anything><Error><Code>x</Code></Error></Anything>", S3_OK, "", "", "", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum s3_status got = parse_as(S3_ANSWER_ERROR_ONLY, rows[i].http_status, rows[i].document, NULL);
        if (got != rows[i].expected) {
            fail_msg("%s: %s", rows[i].document, s3_status_name(got));
        }
        assert_string_equal(error.code, rows[i].code);
        if (rows[i].message != NULL) {
            assert_string_equal(error.message, rows[i].message);
        }
        assert_string_equal(error.request_id, rows[i].request_id);
        assert_string_equal(error.region, rows[i].region);
        assert_int_equal(error.in_200,
                rows[i].http_status == 200 && rows[i].expected != S3_OK && rows[i].expected != S3_BAD_DATA);
    }
}

static void what_the_document_does_not_say_stays(void **state)
{
    (void)state;
    static const char document[] = "<Error><Code>AuthorizationHeaderMalformed</Code></Error>";
    s3_error_clear(&error);
    (void)snprintf(error.request_id, sizeof error.request_id, "from-header");
    (void)snprintf(error.region, sizeof error.region, "eu-west-1");
    assert_int_equal(s3_parser_begin(parser, S3_ANSWER_ERROR_ONLY, NULL), S3_OK);
    s3_parser_feed(parser, document, sizeof document - 1);
    assert_int_equal(s3_parser_finish(parser, 400, &error), S3_REDIRECT);
    assert_string_equal(error.request_id, "from-header");
    assert_string_equal(error.region, "eu-west-1");
    assert_int_equal(s3_parser_begin(parser, S3_ANSWER_ERROR_ONLY, NULL), S3_OK);
    assert_int_equal(s3_parser_finish(parser, 404, NULL), S3_NOT_FOUND);
}

static void long_error_texts_are_cut_at_a_character(void **state)
{
    (void)state;
    struct s3_buffer document;
    s3_buffer_init(&document, 10000);
    assert_true(s3_buffer_add_text(&document, "<Error><Code>SlowDown</Code><Message>"));
    for (int i = 0; i < 700; i++) {
        assert_true(s3_buffer_add_text(&document, "\xE2\x82\xAC"));
    }
    assert_true(s3_buffer_add_text(&document, "</Message></Error>"));
    assert_int_equal(parse_as(S3_ANSWER_ERROR_ONLY, 503, s3_buffer_text(&document), NULL), S3_THROTTLED);
    assert_int_equal(strlen(error.message), 510);
    s3_buffer_free(&document);
}

static void copy_is_done_only_with_its_root_and_etag(void **state)
{
    (void)state;
    struct s3_copy_answer copy;
    assert_int_equal(
            parse(S3_ANSWER_COPY,
                    " \n" XML "  <CopyObjectResult" NS "><LastModified>2009-10-28T22:32:00.000Z</LastModified>"
                    "<ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32>"
                    "<ChecksumSHA256>sha=</ChecksumSHA256><ChecksumCRC64NVME>crc=</ChecksumCRC64NVME>"
                    "<ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>",
                    &copy),
            S3_OK);
    assert_string_equal(copy.etag, "9b2cf535f27731c974343645a3985328");
    assert_string_equal(copy.checksum, "SHA256:sha=");
    assert_string_equal(copy.checksum_type, "FULL_OBJECT");
    assert_true(copy.modified_ms == INT64_C(1256769120000));
    assert_int_equal(parse(S3_ANSWER_COPY, "<CopyPartResult><ETag>abc-3</ETag></CopyPartResult>", &copy), S3_OK);
    assert_string_equal(copy.etag, "abc-3");
    assert_string_equal(copy.checksum, "");

    static const char *const bad[] = {
        "",
        " \n \n",
        "<CopyObjectResult/>",
        "<CopyObjectResult><ETag/></CopyObjectResult>",
        "<CopyObjectResult><ETag>\"\"</ETag></CopyObjectResult>",
        "<CopyObjectResult><ETag>e</ETag>",
        "<CopyObjectResult><ETag>e</ETag></CopyObjectResul",
        "<CopyObjectResult><ETag>e</ETag><ETag>f</ETag></CopyObjectResult>",
        "<CopyObjectResult><x><ETag>e</ETag></x></CopyObjectResult>",
        "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
        "<Tagging><ETag>e</ETag></Tagging>",
        "<CopyObjectResult><LastModified>now</LastModified><ETag>e</ETag></CopyObjectResult>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(S3_ANSWER_COPY, bad[i], &copy) != S3_BAD_DATA) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_string_equal(copy.etag, "");
    }
    assert_int_equal(parse(S3_ANSWER_COPY, XML "\n\n<Error><Code>InternalError</Code></Error>", &copy), S3_RETRY);
    assert_true(error.in_200);
    char longest[400];
    (void)snprintf(longest, sizeof longest, "<CopyObjectResult><ETag>%0129d</ETag></CopyObjectResult>", 0);
    assert_int_equal(parse(S3_ANSWER_COPY, longest, &copy), S3_BAD_DATA);
}

static void completed_upload_may_have_an_empty_etag(void **state)
{
    (void)state;
    struct s3_copy_answer copy;
#define DONE(inside) "<CompleteMultipartUploadResult><Bucket>b</Bucket>" inside "</CompleteMultipartUploadResult>"
    assert_int_equal(parse(S3_ANSWER_COMPLETE, DONE("<ETag>&quot;e-2&quot;</ETag>"), &copy), S3_OK);
    assert_string_equal(copy.etag, "e-2");
    assert_int_equal(parse(S3_ANSWER_COMPLETE, DONE("<ETag></ETag>"), &copy), S3_OK);
    assert_string_equal(copy.etag, "");
    assert_int_equal(parse(S3_ANSWER_COMPLETE, DONE(""), &copy), S3_BAD_DATA);
    assert_int_equal(parse(S3_ANSWER_COMPLETE, XML "   <Error><Code>InvalidPart</Code></Error>", &copy), S3_REFUSED);
}

static void upload_needs_an_id(void **state)
{
    (void)state;
    struct s3_upload_answer upload;
#define CREATED(inside) "<InitiateMultipartUploadResult><Key>k</Key>" inside "</InitiateMultipartUploadResult>"
    assert_int_equal(parse(S3_ANSWER_CREATE_UPLOAD, CREATED("<UploadId>VXBsb2Fk</UploadId>"), &upload), S3_OK);
    assert_string_equal(upload.upload_id, "VXBsb2Fk");
    assert_int_equal(parse(S3_ANSWER_CREATE_UPLOAD, CREATED("<UploadId/>"), &upload), S3_BAD_DATA);
    assert_int_equal(parse(S3_ANSWER_CREATE_UPLOAD, CREATED(""), &upload), S3_BAD_DATA);
}

static void buckets_are_listed_by_page(void **state)
{
    (void)state;
    struct s3_bucket_page page;
    s3_bucket_page_init(&page);
    assert_int_equal(
            parse(S3_ANSWER_BUCKETS,
                    XML
                    "<ListAllMyBucketsResult" NS "><Owner><ID>x</ID><Name>not a bucket</Name></Owner><Buckets>"
                    "<Bucket><CreationDate>2019-12-11T23:32:47Z</CreationDate><BucketRegion>eu-west-1</BucketRegion>"
                    "<Name>b1</Name></Bucket><Bucket><Name>b2</Name></Bucket></Buckets>"
                    "<ContinuationToken>t</ContinuationToken><Prefix/></ListAllMyBucketsResult>",
                    &page),
            S3_OK);
    assert_int_equal(page.count, 2);
    assert_text(page.entries[0].name, "b1");
    assert_text(page.entries[0].region, "eu-west-1");
    assert_true(page.entries[0].created_ms == INT64_C(1576107167000));
    assert_text(page.entries[1].region, "");
    assert_text(page.next_token, "t");
    assert_int_equal(
            parse(S3_ANSWER_BUCKETS, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>", &page), S3_OK);
    assert_int_equal(page.count, 0);
    assert_text(page.next_token, "");
    assert_int_equal(parse(S3_ANSWER_BUCKETS, "<ListAllMyBucketsResult/>", &page), S3_BAD_DATA);
    assert_int_equal(
            parse(S3_ANSWER_BUCKETS,
                    "<ListAllMyBucketsResult><Buckets><Bucket><Name/></Bucket></Buckets></ListAllMyBucketsResult>",
                    &page),
            S3_BAD_DATA);
    assert_int_equal(
            parse(S3_ANSWER_BUCKETS,
                    "<ListAllMyBucketsResult><Buckets><Bucket></Bucket></Buckets></ListAllMyBucketsResult>", &page),
            S3_BAD_DATA);
    s3_bucket_page_free(&page);
}

static void parts_are_listed(void **state)
{
    (void)state;
    struct s3_part_page page;
    s3_part_page_init(&page);
#define PARTS(inside) "<ListPartsResult><UploadId>u</UploadId>" inside "</ListPartsResult>"
#define PART(number) "<Part><PartNumber>" number "</PartNumber><Size>5242880</Size><ETag>&quot;e&quot;</ETag></Part>"
    assert_int_equal(parse(S3_ANSWER_PARTS,
                             PARTS("<IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>" PART(
                                     "1") PART("2")),
                             &page),
            S3_OK);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.parts[1].number, 2);
    assert_true(page.parts[1].size == 5242880);
    assert_string_equal(page.parts[1].etag, "e");
    assert_int_equal(page.next_number, 2);
    static const char *const bad[] = { PARTS(""), PARTS("<IsTruncated>true</IsTruncated>" PART("1")),
        PARTS("<IsTruncated>false</IsTruncated>" PART("0")), PARTS("<IsTruncated>false</IsTruncated>" PART("10001")),
        PARTS("<IsTruncated>false</IsTruncated>" PART("")),
        PARTS("<IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><Size>1</Size></Part>") };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse(S3_ANSWER_PARTS, bad[i], &page), S3_BAD_DATA);
        assert_int_equal(page.count, 0);
    }
    s3_part_page_free(&page);
}

static void deletions_are_told_key_by_key(void **state)
{
    (void)state;
    struct s3_deleted deleted;
    s3_deleted_init(&deleted);
    assert_int_equal(
            parse(S3_ANSWER_DELETED,
                    XML "<DeleteResult" NS "><Deleted><Key>a%2F&amp;</Key><DeleteMarker>true</DeleteMarker>"
                        "<DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted><Error><Key>b</Key><VersionId>v"
                        "</VersionId><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>",
                    &deleted),
            S3_OK);
    assert_int_equal(deleted.count, 2);
    assert_text(deleted.entries[0].key, "a%2F&");
    assert_text(deleted.entries[0].marker_version, "m");
    assert_true(deleted.entries[0].is_marker && !deleted.entries[0].failed);
    assert_true(deleted.entries[1].failed);
    assert_text(deleted.entries[1].version, "v");
    assert_text(deleted.entries[1].code, "AccessDenied");
    assert_text(deleted.entries[1].message, "no");
    assert_int_equal(parse(S3_ANSWER_DELETED, "<DeleteResult/>", &deleted), S3_OK);
    assert_int_equal(deleted.count, 0);
    assert_int_equal(parse(S3_ANSWER_DELETED, "<DeleteResult><Error><Key>b</Key></Error></DeleteResult>", &deleted),
            S3_BAD_DATA);
    assert_int_equal(parse(S3_ANSWER_DELETED, "<DeleteResult><Deleted/></DeleteResult>", &deleted), S3_BAD_DATA);
    assert_int_equal(parse(S3_ANSWER_DELETED, "<Error><Code>MalformedXML</Code></Error>", &deleted), S3_REFUSED);
    s3_deleted_free(&deleted);
}

static void tags_are_read_up_to_fifty(void **state)
{
    (void)state;
    struct s3_tags tags;
    s3_tags_init(&tags);
    assert_int_equal(parse(S3_ANSWER_TAGS,
                             XML "<Tagging" NS "><TagSet><Tag><Key>a b</Key><Value>&lt;1&gt;</Value></Tag>"
                                 "<Tag><Value/><Key>empty</Key></Tag></TagSet></Tagging>",
                             &tags),
            S3_OK);
    assert_int_equal(tags.count, 2);
    assert_text(tags.tags[0].key, "a b");
    assert_text(tags.tags[0].value, "<1>");
    assert_text(tags.tags[1].value, "");
    assert_int_equal(parse(S3_ANSWER_TAGS, "<Tagging><TagSet/></Tagging>", &tags), S3_OK);
    assert_int_equal(tags.count, 0);
    assert_int_equal(parse(S3_ANSWER_TAGS, "<Tagging/>", &tags), S3_BAD_DATA);
    assert_int_equal(
            parse(S3_ANSWER_TAGS, "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", &tags), S3_BAD_DATA);
    for (int count = 50; count <= 51; count++) {
        struct s3_buffer document;
        s3_buffer_init(&document, 10000);
        assert_true(s3_buffer_add_text(&document, "<Tagging><TagSet>"));
        for (int i = 0; i < count; i++) {
            assert_true(s3_buffer_printf(&document, "<Tag><Key>k%d</Key><Value>v</Value></Tag>", i));
        }
        assert_true(s3_buffer_add_text(&document, "</TagSet></Tagging>"));
        assert_int_equal(parse(S3_ANSWER_TAGS, s3_buffer_text(&document), &tags), count == 50 ? S3_OK : S3_BAD_DATA);
        s3_buffer_free(&document);
    }
    s3_tags_free(&tags);
}

static void versioning_is_enabled_suspended_or_never_was(void **state)
{
    (void)state;
    struct s3_versioning_answer versioning;
#define VERSIONING(inside) XML "<VersioningConfiguration" NS ">" inside "</VersioningConfiguration>"
    assert_int_equal(parse(S3_ANSWER_VERSIONING, VERSIONING("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"),
                             &versioning),
            S3_OK);
    assert_true(versioning.enabled && versioning.mfa_delete && !versioning.suspended);
    assert_int_equal(parse(S3_ANSWER_VERSIONING, VERSIONING("<Status>Suspended</Status>"), &versioning), S3_OK);
    assert_true(versioning.suspended && !versioning.enabled && !versioning.mfa_delete);
    assert_int_equal(parse(S3_ANSWER_VERSIONING, VERSIONING(""), &versioning), S3_OK);
    assert_false(versioning.enabled || versioning.suspended);
    assert_int_equal(parse(S3_ANSWER_VERSIONING, VERSIONING("<Status>On</Status>"), &versioning), S3_BAD_DATA);
}

static void location_knows_the_old_names(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "<LocationConstraint" NS "/>", "us-east-1" },
        { "<LocationConstraint" NS "></LocationConstraint>", "us-east-1" },
        { "<LocationConstraint>EU</LocationConstraint>", "eu-west-1" },
        { "<LocationConstraint>ap-south-2</LocationConstraint>", "ap-south-2" },
        { "<LocationConstraint>default</LocationConstraint>", "default" },
    };
    struct s3_location_answer location;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(S3_ANSWER_LOCATION, rows[i][0], &location), S3_OK);
        assert_string_equal(location.region, rows[i][1]);
    }
    assert_int_equal(
            parse(S3_ANSWER_LOCATION, "<LocationConstraint>a.evil.com</LocationConstraint>", &location), S3_BAD_DATA);
}

#define STS " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""
#define CREDENTIALS                                                                                                    \
    "<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>wJalr/+EXAMPLE</SecretAccessKey>"    \
    "<SessionToken>to/ken+=</SessionToken><Expiration>2026-11-20T04:00:00Z</Expiration></Credentials>"
#define ROLE_USER                                                                                                      \
    "<AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::444455556666:assumed-role/r/s</Arn></"    \
    "AssumedRoleUser>"

static void session_is_whole_or_nothing(void **state)
{
    (void)state;
    struct s3_session_answer session;
    static const char *const good[] = {
        XML "<AssumeRoleResponse" STS "><AssumeRoleResult>" ROLE_USER CREDENTIALS
            "<PackedPolicySize>6</PackedPolicySize></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId>"
            "</ResponseMetadata></AssumeRoleResponse>",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>" CREDENTIALS ROLE_USER
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(parse(S3_ANSWER_ASSUME_ROLE, good[i], &session), S3_OK);
        assert_string_equal(session.access_key, "ASIAIOSFODNN7EXAMPLE");
        assert_string_equal(session.secret_key, "wJalr/+EXAMPLE");
        assert_string_equal(session.token, "to/ken+=");
        assert_true(session.expires == 1795147200);
        assert_string_equal(session.account, "444455556666");
    }
    static const char *const bad[] = {
        "<AssumeRoleResponse><AssumeRoleResult>" ROLE_USER "</AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>s</"
        "SecretAccessKey>"
        "<Expiration>2026-11-20T04:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey></"
        "SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2026-11-20T04:00:00Z</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult>" CREDENTIALS "</AssumeRoleResult>",
        "<AssumeRoleResponse>" CREDENTIALS "</AssumeRoleResponse>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse(S3_ANSWER_ASSUME_ROLE, bad[i], &session), S3_BAD_DATA);
        assert_null(strstr(error.message, "wJalr"));
        for (size_t at = 0; at < sizeof session; at++) {
            assert_int_equal(((const char *)&session)[at], 0);
        }
    }
    assert_int_equal(parse_as(S3_ANSWER_ASSUME_ROLE, 404,
                             XML "<Error><Code>NoSuchEntity</Code><Message></Message></Error>", &session),
            S3_NOT_FOUND);
}

static void identity_is_read(void **state)
{
    (void)state;
    struct s3_identity_answer identity;
    assert_int_equal(
            parse(S3_ANSWER_CALLER_IDENTITY,
                    "<GetCallerIdentityResponse" STS "><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/A"
                    "</Arn><UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
                    "</GetCallerIdentityResponse>",
                    &identity),
            S3_OK);
    assert_string_equal(identity.account, "123456789012");
    assert_string_equal(identity.arn, "arn:aws:iam::123456789012:user/A");
    assert_string_equal(identity.user_id, "AIDA");
    assert_int_equal(
            parse(S3_ANSWER_CALLER_IDENTITY,
                    "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>", &identity),
            S3_BAD_DATA);
}

static void message_of_sns_is_told_by_its_id(void **state)
{
    (void)state;
    struct s3_publish_answer answer;
    assert_int_equal(parse(S3_ANSWER_PUBLISH,
                             "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>"
                             "<MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId>"
                             "</ResponseMetadata></PublishResponse>",
                             &answer),
            S3_OK);
    assert_string_equal(answer.message_id, "m-1");
    assert_int_equal(
            parse(S3_ANSWER_PUBLISH, "<PublishResponse><PublishResult/></PublishResponse>", &answer), S3_BAD_DATA);
    assert_int_equal(parse_as(S3_ANSWER_PUBLISH, 403,
                             "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>no"
                             "</Message></Error><RequestId>r</RequestId></ErrorResponse>",
                             &answer),
            S3_DENIED);
}

#define IAM " xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\""

static void roles_and_their_documents_are_read(void **state)
{
    (void)state;
    static struct s3_role_answer role;
    static struct s3_role_policy_answer policy;
    static struct s3_role_policies_answer policies;
    assert_int_equal(parse(S3_ANSWER_ROLE,
                             "<GetRoleResponse" IAM "><GetRoleResult><Role><Path>/</Path><AssumeRolePolicyDocument>"
                             "%7B%22a%22%3A%22b%2Bc%20d%22%7D</AssumeRolePolicyDocument><RoleName>w</RoleName>"
                             "<Arn>arn:aws:iam::123456789012:role/w</Arn></Role></GetRoleResult></GetRoleResponse>",
                             &role),
            S3_OK);
    assert_string_equal(role.trust, "{\"a\":\"b+c d\"}");
    assert_string_equal(role.arn, "arn:aws:iam::123456789012:role/w");
    /* as RGW writes it */
    assert_int_equal(parse(S3_ANSWER_ROLE,
                             "<CreateRoleResponse><CreateRoleResult><Role><Arn>arn</Arn><AssumeRolePolicyDocument>"
                             "{&quot;a&quot;:&quot;50%&quot;}</AssumeRolePolicyDocument></Role></CreateRoleResult>"
                             "</CreateRoleResponse>",
                             &role),
            S3_OK);
    assert_string_equal(role.trust, "{\"a\":\"50%\"}");
    assert_int_equal(parse(S3_ANSWER_ROLE, "<GetRoleResponse><GetRoleResult/></GetRoleResponse>", &role), S3_BAD_DATA);
    assert_int_equal(parse_as(S3_ANSWER_ROLE, 404,
                             "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error>"
                             "</ErrorResponse>",
                             &role),
            S3_NOT_FOUND);
    assert_int_equal(parse(S3_ANSWER_ROLE_POLICY,
                             "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>%7B%7D</PolicyDocument>"
                             "</GetRolePolicyResult></GetRolePolicyResponse>",
                             &policy),
            S3_OK);
    assert_string_equal(policy.document, "{}");
    assert_int_equal(parse(S3_ANSWER_ROLE_POLICY,
                             "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>%7B%00%7D</PolicyDocument>"
                             "</GetRolePolicyResult></GetRolePolicyResponse>",
                             &policy),
            S3_BAD_DATA);
    assert_int_equal(parse(S3_ANSWER_ROLE_POLICIES,
                             "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>a</member>"
                             "<member>b</member></PolicyNames><IsTruncated>false</IsTruncated>"
                             "</ListRolePoliciesResult></ListRolePoliciesResponse>",
                             &policies),
            S3_OK);
    assert_int_equal(policies.count, 2);
    assert_string_equal(policies.names[1], "b");
    assert_false(policies.more);
}

static void *parse_many(void *argument)
{
    static const char list[] =
            "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size>"
            "<ETag>e</ETag><LastModified>2026-11-20T04:00:00Z</LastModified></Contents></ListBucketResult>";
    static const char broken[] = "<ListBucketResult><IsTruncated>false</IsTruncated><Conten></ListBucketResult>";
    size_t *right = argument;
    struct s3_parser *own = s3_parser_new();
    struct s3_page page;
    s3_page_init(&page);
    for (size_t i = 0; own != NULL && i < 500; i++) {
        struct s3_error problem;
        s3_error_clear(&problem);
        const char *document = i % 2 == 0 ? list : broken;
        if (s3_parser_begin(own, S3_ANSWER_LIST, &page) == S3_OK) {
            s3_parser_feed(own, document, strlen(document));
        }
        *right += s3_parser_finish(own, 200, &problem) == (i % 2 == 0 ? S3_OK : S3_BAD_DATA);
    }
    s3_page_free(&page);
    s3_parser_free(own);
    return NULL;
}

static void threads_with_their_own_parsers_do_not_meet(void **state)
{
    (void)state;
    pthread_t threads[4];
    size_t right[4] = { 0 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &right[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(right[i], 500);
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
    s3_parser_free(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_documents_of_every_shape_are_read),
        cmocka_unit_test(what_the_document_does_not_say_stays),
        cmocka_unit_test(long_error_texts_are_cut_at_a_character),
        cmocka_unit_test(copy_is_done_only_with_its_root_and_etag),
        cmocka_unit_test(completed_upload_may_have_an_empty_etag),
        cmocka_unit_test(upload_needs_an_id),
        cmocka_unit_test(buckets_are_listed_by_page),
        cmocka_unit_test(parts_are_listed),
        cmocka_unit_test(deletions_are_told_key_by_key),
        cmocka_unit_test(tags_are_read_up_to_fifty),
        cmocka_unit_test(versioning_is_enabled_suspended_or_never_was),
        cmocka_unit_test(location_knows_the_old_names),
        cmocka_unit_test(session_is_whole_or_nothing),
        cmocka_unit_test(identity_is_read),
        cmocka_unit_test(message_of_sns_is_told_by_its_id),
        cmocka_unit_test(roles_and_their_documents_are_read),
        cmocka_unit_test(threads_with_their_own_parsers_do_not_meet),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
