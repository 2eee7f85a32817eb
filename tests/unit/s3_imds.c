/* Keys of an instance's role: token, role, keys; and what a machine without them is told. */
#include "s3_credentials_world.h"

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define GOOD                                                                                                           \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"KI\",\"SecretAccessKey\":\"HUSH\",\"Token\":\"TI\","                      \
    "\"Expiration\":\"2026-11-18T16:26:40Z\"}"

static void token_then_role_then_keys(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, "token==", 0 }, { 200, "the-role\n", 0 }, { 200, GOOD, 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 3);
    world_set_url(world, ENDPOINT, "/");
    assert_chain_gives(world, NULL, "KI", "TI", "instance metadata");
    const char *const *asked = (const char *const[]){ "PUT /latest/api/token HTTP/1.1\r\n",
        "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n",
        "GET /latest/meta-data/iam/security-credentials/the-role HTTP/1.1\r\n" };
    for (size_t i = 0; i < 3; i++)
        assert_non_null(strstr(world->server.requests[i], asked[i]));
    assert_non_null(strstr(world->server.requests[0], "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
    assert_non_null(strstr(world->server.requests[1], "\r\nX-aws-ec2-metadata-token: token==\r\n"));
    assert_non_null(strstr(world->server.requests[2], "\r\nX-aws-ec2-metadata-token: token==\r\n"));
    assert_int_equal(atomic_load(&world->server.asked), 3);
    world_free(world);
}

static void machine_without_a_role_has_no_credentials(void **state)
{
    (void)state;
    static const struct {
        struct step steps[2];
        const char *why;
        size_t asked;
    } rows[] = {
        { { { 404, NULL, 0 }, { 200, "HUSH", 0 } }, "have any (instance metadata: HTTP status 404)", 1 },
        { { { 403, NULL, 0 }, { 200, "HUSH", 0 } }, "have any (instance metadata: HTTP status 403)", 1 },
        { { { 200, "HUSH", 0 }, { 404, NULL, 0 } }, "have any (the instance has no role)", 2 },
        { { { 0, NULL, 0 }, { 0, NULL, 0 } }, "have any (instance metadata: Empty reply from server)", 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world_serve(world, rows[i].steps, 2);
        world_set_url(world, ENDPOINT, "");
        assert_chain_fails(world, NULL, S3_FATAL, rows[i].why);
        assert_non_null(
                strstr(world->error.message, "no credentials: neither environment, nor profile \"default\" in "));
        assert_string_equal(world->error.code, "NoCredentials");
        assert_int_equal(atomic_load(&world->server.asked), rows[i].asked);
        world_free(world);
    }
}

static void bad_answers_are_named_without_their_content(void **state)
{
    (void)state;
    static const struct {
        struct step steps[3];
        enum s3_status status;
        const char *message;
    } rows[] = {
        { { { 400, NULL, 0 } }, S3_FATAL, "instance metadata: HTTP status 400" },
        { { { 500, NULL, 0 }, { 500, NULL, 0 }, { 500, NULL, 0 } }, S3_RETRY, "instance metadata: HTTP status 500" },
        { { { 200, "", 0 } }, S3_BAD_DATA, "instance metadata: the token is empty or malformed" },
        { { { 200, "HUSH\r\nX: y", 0 } }, S3_BAD_DATA, "instance metadata: the token is empty or malformed" },
        { { { 200, "HUSH", 0 }, { 200, "../HUSH", 0 } }, S3_BAD_DATA,
                "instance metadata: the name of the instance's role is malformed" },
        { { { 200, "HUSH", 0 }, { 200, "", 0 } }, S3_BAD_DATA,
                "instance metadata: the name of the instance's role is malformed" },
        { { { 200, "HUSH", 0 }, { 401, NULL, 0 } }, S3_FATAL, "instance metadata: HTTP status 401" },
        { { { 200, "HUSH", 0 }, { 200, "r", 0 }, { 200, "HUSH", 0 } }, S3_BAD_DATA,
                "instance metadata: the answer is no JSON object" },
        { { { 200, "HUSH", 0 }, { 200, "r", 0 }, { 200, "{\"Code\":\"Failed\"}", 0 } }, S3_BAD_DATA,
                "instance metadata: the answer's code is Failed, not Success" },
        { { { 200, "HUSH", 0 }, { 200, "r", 0 }, { 404, NULL, 0 } }, S3_FATAL, "instance metadata: HTTP status 404" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world_serve(world, rows[i].steps, 3);
        world_set_url(world, ENDPOINT, "");
        assert_chain_fails(world, NULL, rows[i].status, rows[i].message);
        assert_null(strstr(world->error.message, "HUSH"));
        world_free(world);
    }
}

static void instance_that_falls_silent_later_is_a_failure_that_may_pass(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, "token", 0 }, { 200, "r", 0 }, { 200, GOOD, 0 }, { 0, NULL, 0 } };
    struct world *world = world_new();
    struct s3_provider *provider;
    struct s3_credentials *credentials;
    world_serve(world, steps, 4);
    world_set_url(world, ENDPOINT, "");
    assert_int_equal(world_chain(world, NULL, &provider), S3_OK);
    assert_int_equal(world_fetch(world, provider, &credentials), S3_OK);
    s3_credentials_release(credentials);
    atomic_fetch_add(&world->now_ms, INT64_C(7) * 3600 * 1000);
    assert_int_equal(world_fetch(world, provider, &credentials), S3_RETRY);
    assert_int_equal(atomic_load(&world->server.asked), 6);
    s3_provider_free(provider);
    world_free(world);
}

static void address_of_nothing_is_no_credentials(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, "HUSH", 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 1);
    world_set_url(world, ENDPOINT, "");
    world_stop_server(world);
    assert_chain_fails(world, NULL, S3_FATAL, "nor container, nor instance metadata have any (instance metadata: ");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_then_role_then_keys),
        cmocka_unit_test(machine_without_a_role_has_no_credentials),
        cmocka_unit_test(bad_answers_are_named_without_their_content),
        cmocka_unit_test(instance_that_falls_silent_later_is_a_failure_that_may_pass),
        cmocka_unit_test(address_of_nothing_is_no_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
