/* What the signer keeps between calls, what it refuses, and where its arrays end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sigv4/sigv4.h"

enum { MAY_24_2013 = 1369353600, DAY = 86400 };

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

/* Everything that a call takes, good unless a test changes it. */
struct fixture {
    struct sigv4_signer *signer;
    struct sigv4_credentials credentials;
    struct sigv4_scope scope;
    struct sigv4_pair headers[SIGV4_MAX_HEADERS + 1];
    struct sigv4_request request;
    struct sigv4_headers out;
    char query[4096];
};

static struct fixture good;

static int set_up(void **state)
{
    good = (struct fixture){
        .signer = sigv4_signer_new(),
        .credentials = { text_of("AKIAIOSFODNN7EXAMPLE"), text_of("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                text_of("") },
        .scope = { "us-east-1", "s3", MAY_24_2013 },
        .headers = { { text_of("host"), text_of("examplebucket.s3.amazonaws.com") } },
        .request = { text_of("GET"), text_of("/"), text_of("lifecycle="), good.headers, 1, text_of(SIGV4_EMPTY_PAYLOAD),
                true },
    };
    *state = &good;
    return good.signer ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *test = *state;
    sigv4_signer_free(test->signer);
    return 0;
}

static enum sigv4_status sign(struct fixture *test)
{
    return sigv4_sign(test->signer, &test->credentials, &test->scope, &test->request, &test->out);
}

static enum sigv4_status presign(
        struct fixture *test, const struct sigv4_pair *parameters, size_t count, uint32_t expires)
{
    size_t length;
    test->request.query.len = 0;
    test->request.add_content_sha256 = false;
    return sigv4_presign(test->signer, &test->credentials, &test->scope, &test->request, parameters, count, expires,
            test->query, sizeof test->query, &length);
}

/* Signs with the kept signer and with a fresh one: what is kept must never show. */
static void assert_same_as_fresh(struct fixture *test)
{
    struct sigv4_headers fresh_out;
    struct sigv4_signer *fresh = sigv4_signer_new();
    assert_non_null(fresh);
    assert_int_equal(sign(test), SIGV4_OK);
    assert_int_equal(sigv4_sign(fresh, &test->credentials, &test->scope, &test->request, &fresh_out), SIGV4_OK);
    assert_string_equal(test->out.authorization, fresh_out.authorization);
    sigv4_signer_free(fresh);
}

static void a_change_of_day_region_service_or_secret_derives_anew(void **state)
{
    struct fixture *test = *state;
    static const struct sigv4_scope scopes[] = {
        { "us-east-1", "s3", MAY_24_2013 },
        { "us-east-1", "s3", MAY_24_2013 + DAY - 1 },
        { "us-east-1", "s3", MAY_24_2013 + DAY },
        { "us-east-1", "s3", MAY_24_2013 },
        { "us-east-2", "s3", MAY_24_2013 },
        { "us-east", "s3", MAY_24_2013 },
        { "us-east-2", "sts", MAY_24_2013 },
        { "us-east-2", "s", MAY_24_2013 },
    };
    static const char *const secrets[] = { "one", "two", "on", "one", "oneone" };
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        test->scope = scopes[i];
        assert_same_as_fresh(test);
        for (size_t j = 0; j < sizeof secrets / sizeof *secrets; j++) {
            test->credentials.secret_key = text_of(secrets[j]);
            assert_same_as_fresh(test);
        }
    }
}

static void a_secret_that_changes_in_place_derives_anew(void **state)
{
    struct fixture *test = *state;
    char secret[] = "secret-1";
    test->credentials.secret_key = text_of(secret);
    assert_same_as_fresh(test);
    secret[7] = '2';
    assert_same_as_fresh(test);
}

static void a_refused_call_leaves_the_signer_as_it_was(void **state)
{
    struct fixture *test = *state;
    assert_same_as_fresh(test);
    test->scope.region = "";
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    test->scope.region = "us-east-1";
    test->credentials.secret_key.len = 0;
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    test->credentials.secret_key.len = 40;
    assert_same_as_fresh(test);
    assert_non_null(strstr(
            test->out.authorization, "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

static void dates_follow_the_calendar(void **state)
{
    struct fixture *test = *state;
    static const struct {
        int64_t now;
        const char *date;
    } dates[] = { { 0, "19700101T000000Z" }, { 68169600, "19720229T000000Z" }, { 951782399, "20000228T235959Z" },
        { 951782400, "20000229T000000Z" }, { 951868800, "20000301T000000Z" }, { 2147483648, "20380119T031408Z" },
        { 4107542399, "21000228T235959Z" }, { 4107542400, "21000301T000000Z" }, { 253402300799, "99991231T235959Z" } };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        test->scope.now = dates[i].now;
        assert_int_equal(sign(test), SIGV4_OK);
        assert_string_equal(test->out.date, dates[i].date);
    }
    test->scope.now = -1;
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    test->scope.now = 253402300800;
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
}

static void headers_that_could_not_be_sent_are_refused(void **state)
{
    struct fixture *test = *state;
    static const struct {
        struct sigv4_text name, value;
    } bad[] = {
        { { "x-amz-meta-a", 12 }, { "a\rb", 3 } },
        { { "x-amz-meta-a", 12 }, { "a\nb", 3 } },
        { { "x-amz-meta-a", 12 }, { "a \nb", 4 } },
        { { "x-amz-meta-a", 12 }, { "a\0b", 3 } },
        { { "", 0 }, { "a", 1 } },
        { { "a b", 3 }, { "a", 1 } },
        { { "a:", 2 }, { "a", 1 } },
        { { "a\n", 2 }, { "a", 1 } },
        { { "\xc3\xa9", 2 }, { "a", 1 } },
        { { "Authorization", 13 }, { "a", 1 } },
        { { "X-Amz-Date", 10 }, { "20130524T000000Z", 16 } },
        { { "X-Amz-Content-SHA256", 20 }, { SIGV4_UNSIGNED_PAYLOAD, 16 } },
    };
    test->request.header_count = 2;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test->headers[1] = (struct sigv4_pair){ bad[i].name, bad[i].value };
        assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    }
    test->headers[1] = (struct sigv4_pair){ text_of("x-amz-security-token"), text_of("t") };
    assert_int_equal(sign(test), SIGV4_OK);
    test->credentials.token = text_of("t");
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    test->headers[1] = (struct sigv4_pair){ text_of("range"), text_of("bytes=0-9") };
    assert_int_equal(sign(test), SIGV4_OK);
    test->credentials.token = text_of("t\r\nx-amz-acl: public-read");
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    test->credentials.token.len = 0;
    test->headers[0].name = text_of("hostt");
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
}

static void requests_that_would_be_read_otherwise_are_refused(void **state)
{
    struct fixture *test = *state;
    const struct sigv4_request request = test->request;
    static const struct sigv4_request bad[] = {
        { .method = { "", 0 } },
        { .method = { "get", 3 } },
        { .method = { "GET\n", 4 } },
        { .path = { "", 0 } },
        { .path = { "a", 1 } },
        { .path = { "/a b", 4 } },
        { .query = { "acl", 3 } },
        { .query = { "a=b c", 5 } },
        { .payload_hash = { "", 0 } },
        { .payload_hash = { "UNSIGNED", 8 } },
        { .payload_hash = { "UNSIGNED_PAYLOAD", 16 } },
        { .payload_hash = { "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", 64 } },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test->request = request;
        if (bad[i].method.ptr)
            test->request.method = bad[i].method;
        if (bad[i].path.ptr)
            test->request.path = bad[i].path;
        if (bad[i].query.ptr)
            test->request.query = bad[i].query;
        if (bad[i].payload_hash.ptr)
            test->request.payload_hash = bad[i].payload_hash;
        assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    }
    test->request = request;
    assert_int_equal(sign(test), SIGV4_OK);
}

static void credentials_and_scopes_have_bounds(void **state)
{
    struct fixture *test = *state;
    static char text[SIGV4_MAX_SECRET + 2], name[SIGV4_MAX_SCOPE_NAME + 2];
    memset(text, 'a', sizeof text - 1);
    memset(name, 'a', sizeof name - 1);
    test->credentials.secret_key = (struct sigv4_text){ text, SIGV4_MAX_SECRET };
    assert_int_equal(sign(test), SIGV4_OK);
    test->credentials.secret_key.len++;
    assert_int_equal(sign(test), SIGV4_TOO_LONG);
    test->credentials.secret_key.len--;

    test->credentials.access_key = (struct sigv4_text){ text, 128 };
    assert_int_equal(sign(test), SIGV4_OK);
    test->credentials.access_key.len++;
    assert_int_equal(sign(test), SIGV4_TOO_LONG);
    static const char *const bad[] = { "", "a b", "a,b", "a\r\nb", "\xc3\xa9" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test->credentials.access_key = text_of(bad[i]);
        assert_int_equal(sign(test), SIGV4_BAD_INPUT);
    }
    test->credentials.access_key = (struct sigv4_text){ text, 128 };

    test->scope.service = test->scope.region = name + 1;
    assert_int_equal(sign(test), SIGV4_OK);
    test->scope.region = name;
    assert_int_equal(sign(test), SIGV4_TOO_LONG);
    test->scope.region = "us/east";
    assert_int_equal(sign(test), SIGV4_BAD_INPUT);
}

static void many_headers_in_any_order_are_signed(void **state)
{
    struct fixture *test = *state;
    static char names[SIGV4_MAX_HEADERS][16];
    struct fixture other = *test;
    test->request.header_count = SIGV4_MAX_HEADERS;
    for (size_t i = 1; i < SIGV4_MAX_HEADERS; i++) {
        snprintf(names[i], sizeof names[i], "x-amz-meta-%03zu", i);
        test->headers[i] = (struct sigv4_pair){ text_of(names[i]), text_of("v") };
    }
    assert_int_equal(sign(test), SIGV4_OK);

    struct sigv4_headers reversed_out;
    for (size_t i = 0; i < SIGV4_MAX_HEADERS; i++)
        other.headers[i] = test->headers[SIGV4_MAX_HEADERS - 1 - i];
    other.request.headers = other.headers;
    other.request.header_count = SIGV4_MAX_HEADERS;
    struct sigv4_signer *fresh = sigv4_signer_new();
    assert_non_null(fresh);
    assert_int_equal(sigv4_sign(fresh, &other.credentials, &other.scope, &other.request, &reversed_out), SIGV4_OK);
    assert_string_equal(reversed_out.authorization, test->out.authorization);
    sigv4_signer_free(fresh);

    test->headers[SIGV4_MAX_HEADERS] = (struct sigv4_pair){ text_of("x-amz-meta-z"), text_of("v") };
    test->request.header_count++;
    assert_int_equal(sign(test), SIGV4_TOO_LONG);
}

static void names_that_do_not_fit_the_header_are_refused(void **state)
{
    struct fixture *test = *state;
    static char name[16 * 1024];
    memset(name, 'a', sizeof name);
    test->headers[1] = (struct sigv4_pair){ { name, 8 * 1024 }, text_of("v") };
    test->request.header_count = 2;
    assert_int_equal(sign(test), SIGV4_OK);
    test->headers[1].name.len = sizeof name;
    assert_int_equal(sign(test), SIGV4_TOO_LONG);
    assert_int_equal(presign(test, NULL, 0, 60), SIGV4_TOO_LONG);
}

static void presigning_refuses_what_s3_would(void **state)
{
    struct fixture *test = *state;
    const struct sigv4_pair fine = { text_of("versionId"), text_of("v") };
    const struct sigv4_pair empty = { text_of(""), text_of("v") }, own = { text_of("X-Amz-Expires"), text_of("1") };
    size_t length;
    assert_int_equal(presign(test, &fine, 1, 604800), SIGV4_OK);
    assert_int_equal(presign(test, &fine, 1, 604801), SIGV4_BAD_INPUT);
    assert_string_equal(test->query, "");
    assert_int_equal(presign(test, &fine, 1, 0), SIGV4_BAD_INPUT);
    assert_int_equal(presign(test, &empty, 1, 60), SIGV4_BAD_INPUT);
    assert_int_equal(presign(test, &own, 1, 60), SIGV4_BAD_INPUT);
    test->request.query = text_of("acl=");
    assert_int_equal(sigv4_presign(test->signer, &test->credentials, &test->scope, &test->request, NULL, 0, 60,
                             test->query, sizeof test->query, &length),
            SIGV4_BAD_INPUT);
    test->request.query.len = 0;
    test->request.add_content_sha256 = true;
    assert_int_equal(sigv4_presign(test->signer, &test->credentials, &test->scope, &test->request, NULL, 0, 60,
                             test->query, sizeof test->query, &length),
            SIGV4_BAD_INPUT);
}

static void a_presigned_query_is_whole_or_empty(void **state)
{
    struct fixture *test = *state;
    static char whole[4096], out[4096];
    size_t length, other;
    assert_int_equal(presign(test, NULL, 0, 60), SIGV4_OK);
    assert_int_equal(sigv4_presign(test->signer, &test->credentials, &test->scope, &test->request, NULL, 0, 60, whole,
                             sizeof whole, &length),
            SIGV4_OK);
    for (size_t size = 0; size <= length; size++) {
        memset(out, '#', sizeof out);
        assert_int_equal(sigv4_presign(test->signer, &test->credentials, &test->scope, &test->request, NULL, 0, 60, out,
                                 size, &other),
                SIGV4_TOO_LONG);
        assert_int_equal(out[size], '#');
        assert_true(size == 0 || out[0] == '\0');
    }
    assert_int_equal(sigv4_presign(test->signer, &test->credentials, &test->scope, &test->request, NULL, 0, 60, out,
                             length + 1, &other),
            SIGV4_OK);
    assert_int_equal(other, length);
    assert_string_equal(out, whole);
}

static void freeing_no_signer_is_fine(void **state)
{
    (void)state;
    sigv4_signer_free(NULL);
}

#define WITH_SIGNER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SIGNER(a_change_of_day_region_service_or_secret_derives_anew),
        WITH_SIGNER(a_secret_that_changes_in_place_derives_anew),
        WITH_SIGNER(a_refused_call_leaves_the_signer_as_it_was),
        WITH_SIGNER(dates_follow_the_calendar),
        WITH_SIGNER(headers_that_could_not_be_sent_are_refused),
        WITH_SIGNER(requests_that_would_be_read_otherwise_are_refused),
        WITH_SIGNER(credentials_and_scopes_have_bounds),
        WITH_SIGNER(many_headers_in_any_order_are_signed),
        WITH_SIGNER(names_that_do_not_fit_the_header_are_refused),
        WITH_SIGNER(presigning_refuses_what_s3_would),
        WITH_SIGNER(a_presigned_query_is_whole_or_empty),
        cmocka_unit_test(freeing_no_signer_is_fine),
    };
    return cmocka_run_group_tests_name("sigv4_signer", tests, NULL, NULL);
}
