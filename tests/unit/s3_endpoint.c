/* Endpoints by tables: what is parsed, what is refused, and which style a bucket gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "s3/endpoint.h"

static void each_region_has_its_partition(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        { "us-east-1", "aws", "amazonaws.com" },
        { "eu-west-1", "aws", "amazonaws.com" },
        { "cn-north-1", "aws-cn", "amazonaws.com.cn" },
        { "us-gov-west-1", "aws-us-gov", "amazonaws.com" },
        { "eusc-de-east-1", "aws-eusc", "amazonaws.eu" },
        { "us-iso-east-1", "aws-iso", "c2s.ic.gov" },
        { "us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov" },
        { "eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk" },
        { "us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov" },
        { "default", "aws", "amazonaws.com" },
        { "", "aws", "amazonaws.com" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(s3_partition_name(rows[i][0]), rows[i][1]);
        assert_string_equal(s3_partition_suffix(rows[i][0]), rows[i][2]);
    }
}

static void region_cannot_smuggle_a_host(void **state)
{
    (void)state;
    assert_true(s3_region_is_valid("eu-west-1"));
    assert_true(s3_region_is_valid("default"));
    assert_true(s3_region_is_valid("RegionOne"));
    static const char *const bad[] = { "", "-a", "a-", "a.b", "a/b", "a b", "evil.com#", "a\n", "us_east",
        "abcdefghijklmnopqrstuvwxyz0123456789" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(s3_region_is_valid(bad[i]));
        struct s3_endpoint endpoint;
        struct s3_error error;
        assert_int_equal(s3_endpoint_aws("s3", bad[i], &endpoint, &error), S3_FATAL);
    }
}

static void custom_endpoints_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *url, *scheme, *host;
        unsigned port;
    } rows[] = {
        { "http://127.0.0.1:9000", "http", "127.0.0.1", 9000 },
        { "http://127.0.0.1:9000/", "http", "127.0.0.1", 9000 },
        { "https://S3.Example.org", "https", "s3.example.org", 0 },
        { "HTTPS://s3.example.org:443/", "https", "s3.example.org", 0 },
        { "http://s3.example.org:80", "http", "s3.example.org", 0 },
        { "http://s3.example.org:443", "http", "s3.example.org", 443 },
        { "http://[::1]:7480", "http", "[::1]", 7480 },
        { "https://[fd00:ec2::23]", "https", "[fd00:ec2::23]", 0 },
        { "http://minio_1:9000", "http", "minio_1", 9000 },
        { "http://x:65535", "http", "x", 65535 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_endpoint endpoint;
        struct s3_error error;
        assert_int_equal(s3_endpoint_parse(rows[i].url, &endpoint, &error), S3_OK);
        assert_string_equal(endpoint.scheme, rows[i].scheme);
        assert_string_equal(endpoint.host, rows[i].host);
        assert_int_equal(endpoint.port, rows[i].port);
        assert_true(endpoint.custom);
    }
}

static void malformed_endpoint_is_named_in_one_line(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "s3.example.org", "ftp://x", "http://", "http:///",
        "http://x:", "http://x:0", "http://x:65536", "http://x:99999999999", "http://x:8o", "http://x/bucket",
        "http://x//", "http://x?y", "http://x#y", "http://x y", "http://x\r\nHost: evil", "http://[::1",
        "http://[::1]9", "http://[zz]", "http://[]", "http://.x", "http://a..b", "http://a%2fb", "http://\xC3\xA9",
        "http://x:-1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s3_endpoint endpoint;
        struct s3_error error;
        s3_error_clear(&error);
        assert_int_equal(s3_endpoint_parse(bad[i], &endpoint, &error), S3_FATAL);
        assert_string_equal(error.code, "BadEndpoint");
        if (strchr(bad[i], '\r') == NULL) {
            assert_non_null(strstr(error.message, bad[i]));
        }
        assert_null(strchr(error.message, '\n'));
    }
}

static void password_in_an_endpoint_is_refused_and_not_repeated(void **state)
{
    (void)state;
    struct s3_endpoint endpoint;
    struct s3_error error;
    assert_int_equal(s3_endpoint_parse("https://user:hunter2@s3.example.org", &endpoint, &error), S3_FATAL);
    assert_null(strstr(error.message, "hunter2"));
    assert_non_null(strstr(error.message, "s3.example.org"));
}

static void addresses_follow_the_bucket_and_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *url, *bucket;
        bool path_style;
        const char *host;
        bool in_path;
    } rows[] = {
        { NULL, "acme-logs", false, "acme-logs.s3.eu-west-1.amazonaws.com", false },
        { NULL, "acme-logs", true, "s3.eu-west-1.amazonaws.com", true },
        { NULL, "", false, "s3.eu-west-1.amazonaws.com", false },
        { NULL, "", true, "s3.eu-west-1.amazonaws.com", false },
        { NULL, "www.acme.org", false, "s3.eu-west-1.amazonaws.com", true },
        { NULL, "Acme", false, "s3.eu-west-1.amazonaws.com", true },
        { NULL, "acme_logs", false, "s3.eu-west-1.amazonaws.com", true },
        { NULL, "-acme", false, "s3.eu-west-1.amazonaws.com", true },
        { NULL, "acme-", false, "s3.eu-west-1.amazonaws.com", true },
        { NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false,
                "s3.eu-west-1.amazonaws.com", true },
        { NULL, "111122223333:b", false, "s3.eu-west-1.amazonaws.com", true },
        { "http://s3.localhost:7480", "www.acme.org", false, "www.acme.org.s3.localhost:7480", false },
        { "http://s3.localhost:7480", "a..b", false, "s3.localhost:7480", true },
        { "http://s3.localhost:7480", "a.-b", false, "s3.localhost:7480", true },
        { "https://s3.localhost:7480", "www.acme.org", false, "s3.localhost:7480", true },
        { "https://s3.localhost:443", "acme", false, "acme.s3.localhost", false },
        { "http://127.0.0.1:9000", "acme", false, "127.0.0.1:9000", true },
        { "http://[::1]:9000", "acme", false, "[::1]:9000", true },
        { "http://[::1]", "", false, "[::1]", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_endpoint endpoint;
        struct s3_error error;
        char host[400];
        bool in_path;
        if (rows[i].url == NULL) {
            assert_int_equal(s3_endpoint_aws("s3", "eu-west-1", &endpoint, &error), S3_OK);
            assert_false(endpoint.custom);
        } else {
            assert_int_equal(s3_endpoint_parse(rows[i].url, &endpoint, &error), S3_OK);
        }
        assert_int_equal(
                s3_endpoint_address(&endpoint, rows[i].bucket, rows[i].path_style, host, sizeof host, &in_path, &error),
                S3_OK);
        assert_string_equal(host, rows[i].host);
        assert_int_equal(in_path, rows[i].in_path);
    }
}

static void iam_is_one_for_a_partition(void **state)
{
    (void)state;
    static const struct {
        const char *region, *signs, *host;
    } rows[] = { { "eu-west-1", "us-east-1", "iam.amazonaws.com" },
        { "cn-northwest-1", "cn-north-1", "iam.cn-north-1.amazonaws.com.cn" },
        { "us-gov-east-1", "us-gov-west-1", "iam.us-gov.amazonaws.com" },
        { "eusc-de-east-1", "eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu" } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_endpoint endpoint;
        struct s3_error error;
        assert_string_equal(s3_iam_region(rows[i].region), rows[i].signs);
        assert_int_equal(s3_endpoint_aws("iam", s3_iam_region(rows[i].region), &endpoint, &error), S3_OK);
        assert_string_equal(endpoint.host, rows[i].host);
    }
}

static void bucket_that_would_change_the_path_is_refused(void **state)
{
    (void)state;
    struct s3_endpoint endpoint;
    struct s3_error error;
    assert_int_equal(s3_endpoint_parse("http://127.0.0.1:9000", &endpoint, &error), S3_OK);
    static const char *const bad[] = { ".", "..", "a/b", "a?b", "a#b", "a b", "a\nb", "\xC3\xA9" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char host[300];
        bool in_path;
        assert_int_equal(s3_endpoint_address(&endpoint, bad[i], true, host, sizeof host, &in_path, &error), S3_FATAL);
    }
    char small[8];
    bool in_path;
    assert_int_equal(s3_endpoint_address(&endpoint, "acme", true, small, sizeof small, &in_path, &error), S3_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_region_has_its_partition),
        cmocka_unit_test(region_cannot_smuggle_a_host),
        cmocka_unit_test(custom_endpoints_are_parsed),
        cmocka_unit_test(malformed_endpoint_is_named_in_one_line),
        cmocka_unit_test(password_in_an_endpoint_is_refused_and_not_repeated),
        cmocka_unit_test(addresses_follow_the_bucket_and_the_host),
        cmocka_unit_test(iam_is_one_for_a_partition),
        cmocka_unit_test(bucket_that_would_change_the_path_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
