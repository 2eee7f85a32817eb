/* What an error answer asks for, case by case, and the error's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "s3/error.h"

struct row {
    int http_status;
    const char *code;
    bool past_expiry;
    enum s3_status expected;
};

static const struct row rows[] = {
    { 500, "InternalError", false, S3_RETRY },
    { 500, "", false, S3_RETRY },
    { 500, NULL, false, S3_RETRY },
    { 500, "UnknownError", false, S3_RETRY },
    { 502, "", false, S3_RETRY },
    { 503, "", false, S3_RETRY },
    { 503, "ServiceUnavailable", false, S3_RETRY },
    { 504, "", false, S3_RETRY },
    { 409, "OperationAborted", false, S3_RETRY },
    { 409, "ConditionalRequestConflict", false, S3_RETRY },
    { 400, "RequestTimeout", false, S3_RETRY },
    { 400, "BadDigest", false, S3_RETRY },
    { 400, "IncompleteBody", false, S3_RETRY },
    { 400, "KMS.KMSInternalException", false, S3_RETRY },
    { 0, "", false, S3_RETRY },
    { 408, "", false, S3_RETRY },
    { 503, "SlowDown", false, S3_THROTTLED },
    { 429, "", false, S3_THROTTLED },
    { 429, "TooManyRequests", false, S3_THROTTLED },
    { 400, "Throttling", false, S3_THROTTLED },
    { 400, "ThrottlingException", false, S3_THROTTLED },
    { 400, "RequestLimitExceeded", false, S3_THROTTLED },
    { 404, "NoSuchKey", false, S3_NOT_FOUND },
    { 404, "", false, S3_NOT_FOUND },
    { 404, "NoSuchBucket", false, S3_NOT_FOUND },
    { 404, "NoSuchTagSet", false, S3_NOT_FOUND },
    { 404, "NoSuchUpload", false, S3_NOT_FOUND },
    { 404, "ObjectLockConfigurationNotFoundError", false, S3_NOT_FOUND },
    { 404, "NoSuchEntity", false, S3_NOT_FOUND },
    { 412, "", false, S3_CHANGED },
    { 412, "PreconditionFailed", false, S3_CHANGED },
    { 304, "", false, S3_CHANGED },
    { 403, "InvalidObjectState", false, S3_ARCHIVED },
    { 503, "GlacierExpeditedRetrievalNotAvailable", false, S3_REFUSED },
    { 409, "RestoreAlreadyInProgress", false, S3_REFUSED },
    { 403, "ObjectNotInActiveTierError", false, S3_ARCHIVED },
    { 400, "ExpiredToken", false, S3_EXPIRED },
    { 403, "ExpiredTokenException", false, S3_EXPIRED },
    { 400, "InvalidToken", false, S3_EXPIRED },
    { 400, "RequestExpired", false, S3_EXPIRED },
    { 403, "RequestTimeTooSkewed", false, S3_CLOCK },
    { 301, "PermanentRedirect", false, S3_REDIRECT },
    { 301, "", false, S3_REDIRECT },
    { 307, "TemporaryRedirect", false, S3_REDIRECT },
    { 400, "AuthorizationHeaderMalformed", false, S3_REDIRECT },
    { 400, "IllegalLocationConstraintException", false, S3_REDIRECT },
    { 403, "AccessDenied", false, S3_DENIED },
    { 403, "", false, S3_DENIED },
    { 403, "SignatureDoesNotMatch", false, S3_DENIED },
    { 403, "InvalidAccessKeyId", false, S3_DENIED },
    { 403, "AllAccessDisabled", false, S3_DENIED },
    { 400, "KMS.DisabledException", false, S3_DENIED },
    { 400, "KMS.NotFoundException", false, S3_DENIED },
    { 403, "SomethingNew", false, S3_DENIED },
    { 400, "InvalidArgument", false, S3_REFUSED },
    { 400, "", false, S3_REFUSED },
    { 400, "XAmzContentSHA256Mismatch", false, S3_REFUSED },
    { 405, "MethodNotAllowed", false, S3_REFUSED },
    { 409, "RestoreAlreadyInProgress", false, S3_REFUSED },
    { 409, "BucketAlreadyOwnedByYou", false, S3_REFUSED },
    { 416, "InvalidRange", false, S3_REFUSED },
    { 501, "NotImplemented", false, S3_REFUSED },
    { 501, "", false, S3_REFUSED },
    { 200, "", false, S3_OK },
    { 204, NULL, false, S3_OK },
    { 200, "InternalError", false, S3_RETRY },
    { 200, "SlowDown", false, S3_THROTTLED },
    { 200, "AccessDenied", false, S3_DENIED },
    { 200, "InvalidPart", false, S3_REFUSED },
    { 200, "NeverHeardOfIt", false, S3_RETRY },
    { 403, "AccessDenied", true, S3_EXPIRED },
    { 403, "", true, S3_EXPIRED },
    { 400, "", true, S3_EXPIRED },
    { 403, "SignatureDoesNotMatch", true, S3_DENIED },
    { 404, "NoSuchKey", true, S3_NOT_FOUND },
    { 400, "InvalidArgument", true, S3_REFUSED },
    { 99, "", false, S3_BAD_DATA },
};

static void each_answer_gets_its_decision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum s3_status got = s3_classify(rows[i].http_status, rows[i].code, rows[i].past_expiry);
        if (got != rows[i].expected) {
            fail_msg("%d \"%s\": %s instead of %s", rows[i].http_status, rows[i].code, s3_status_name(got),
                    s3_status_name(rows[i].expected));
        }
    }
}

static void message_is_one_line_without_control_bytes(void **state)
{
    (void)state;
    struct s3_error error;
    s3_error_clear(&error);
    assert_int_equal(error.retry_after_ms, -1);
    assert_int_equal(s3_fail(&error, S3_FATAL, "Co\nde", "a\r\nb\tc%c\x1b[31m", 0x7f), S3_FATAL);
    assert_string_equal(error.message, "a  b c  [31m");
    assert_string_equal(error.code, "Co de");
    assert_int_equal(s3_fail(NULL, S3_RETRY, "x", "y"), S3_RETRY);
}

static void long_message_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = { "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
    for (size_t c = 0; c < 3; c++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[1200];
            size_t at = 0;
            while (at < shift) {
                text[at++] = 'a';
            }
            while (at < 1100) {
                for (const char *byte = characters[c]; *byte != '\0'; byte++) {
                    text[at++] = *byte;
                }
            }
            text[at] = '\0';
            struct s3_error error;
            assert_int_equal(s3_fail(&error, S3_RETRY, "x", "%s", text), S3_RETRY);
            size_t length = strlen(error.message);
            assert_true(length >= 508 && length <= 511);
            assert_int_equal((length - shift) % strlen(characters[c]), 0);
        }
    }
}

static void an_error_may_quote_itself(void **state)
{
    (void)state;
    struct s3_error error;
    assert_int_equal(s3_fail(&error, S3_RETRY, "First", "inner"), S3_RETRY);
    assert_int_equal(s3_fail(&error, S3_RETRY, error.code, "outer: %s (%s)", error.message, error.code), S3_RETRY);
    assert_string_equal(error.message, "outer: inner (First)");
    assert_string_equal(error.code, "First");
}

static void every_status_has_a_name(void **state)
{
    (void)state;
    for (int status = S3_OK; status <= S3_FATAL; status++) {
        assert_string_not_equal(s3_status_name((enum s3_status)status), "unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_gets_its_decision),
        cmocka_unit_test(message_is_one_line_without_control_bytes),
        cmocka_unit_test(long_message_is_not_cut_inside_a_character),
        cmocka_unit_test(an_error_may_quote_itself),
        cmocka_unit_test(every_status_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
