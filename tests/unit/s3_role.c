/* Keys of a role: what STS is asked, the hour's cap, and that a refusal names the role. */
#include "s3_credentials_world.h"

#define ARN "arn:aws:iam::444455556666:role/vault"
#define SESSION(key)                                                                                                   \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>"      \
    "<Arn>arn:aws:sts::444455556666:assumed-role/vault/s</Arn><AssumedRoleId>X:s</AssumedRoleId></AssumedRoleUser>"    \
    "<Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey><SessionToken>T" key        \
    "</SessionToken><Expiration>2026-11-18T11:26:40Z</Expiration></Credentials></AssumeRoleResult>"                    \
    "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></AssumeRoleResponse>"
#define REFUSAL                                                                                                        \
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error>"      \
    "<RequestId>r-2</RequestId></ErrorResponse>"

static struct s3_provider *make_fixed(const char *token)
{
    struct s3_provider *provider;
    struct s3_error error;
    assert_int_equal(s3_provider_fixed((struct s3_text){ "KP", 2 }, (struct s3_text){ "S", 1 },
                             (struct s3_text){ token, strlen(token) }, &provider, &error),
            S3_OK);
    return provider;
}

static struct s3_provider *make_role(struct world *world, struct s3_provider *parent, unsigned seconds)
{
    static char url[64];
    struct s3_provider *provider;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", world->server.port);
    const struct s3_role_options options = { .parent = parent,
        .clock = &world->clock,
        .role_arn = ARN,
        .external_id = "id/1",
        .session_name = "s@x",
        .session_policy = "{}",
        .duration_seconds = seconds,
        .region = "eu-west-1",
        .sts_endpoint = url };
    assert_int_equal(s3_provider_role(&options, &provider, &world->error), S3_OK);
    return provider;
}

static void sts_is_asked_for_the_role_with_all_that_was_given(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, SESSION("KR"), 0 } };
    struct world *world = world_new();
    struct s3_credentials *credentials;
    world_serve(world, steps, 1);
    struct s3_provider *parent = make_fixed(""), *role = make_role(world, parent, 7200);
    if (world_fetch(world, role, &credentials) != S3_OK)
        fail_msg("%s", world->error.message);
    assert_string_equal(credentials->access_key.ptr, "KR");
    assert_string_equal(credentials->token.ptr, "TKR");
    assert_string_equal(credentials->account, "444455556666");
    assert_string_equal(credentials->origin, "role " ARN);
    assert_true(credentials->expires == 1795001200);
    const char *request = world->server.requests[0];
    static const char *const parts[] = { "Action=AssumeRole", "Version=2011-06-15",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Fvault", "RoleSessionName=s%40x", "ExternalId=id%2F1",
        "Policy=%7B%7D", "DurationSeconds=7200", "Credential=KP/", "/eu-west-1/sts/aws4_request" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(request, parts[i]) == NULL)
            fail_msg("no %s", parts[i]);
    s3_credentials_release(credentials);
    s3_provider_free(role);
    s3_provider_free(parent);
    world_free(world);
}

static void session_of_a_session_is_capped_at_an_hour(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, SESSION("KR"), 0 }, { 200, SESSION("KQ"), 0 } };
    struct world *world = world_new();
    struct s3_credentials *credentials;
    world_serve(world, steps, 2);
    struct s3_provider *parent = make_fixed("TP"), *role = make_role(world, parent, 7200),
                       *second = make_role(world, role, 0);
    assert_int_equal(world_fetch(world, second, &credentials), S3_OK);
    assert_string_equal(credentials->access_key.ptr, "KQ");
    assert_non_null(strstr(world->server.requests[0], "DurationSeconds=3600"));
    assert_non_null(strstr(world->server.requests[0], "Credential=KP/"));
    assert_non_null(strstr(world->server.requests[1], "DurationSeconds=3600"));
    assert_non_null(strstr(world->server.requests[1], "Credential=KR/")); /* the chain: the first role asks */
    s3_credentials_release(credentials);
    s3_provider_free(second);
    s3_provider_free(role);
    s3_provider_free(parent);
    world_free(world);
}

static void refusal_names_the_role_and_what_sts_said(void **state)
{
    (void)state;
    static const struct step steps[] = { { 403, REFUSAL, 0 } };
    struct world *world = world_new();
    struct s3_credentials *credentials;
    world_serve(world, steps, 1);
    struct s3_provider *parent = make_fixed(""), *role = make_role(world, parent, 0);
    assert_int_equal(world_fetch(world, role, &credentials), S3_DENIED);
    assert_string_equal(world->error.message, "role " ARN ": not authorized");
    assert_string_equal(world->error.code, "AccessDenied");
    assert_string_equal(world->error.request_id, "r-2");
    assert_int_equal(world->error.http_status, 403);
    assert_int_equal(atomic_load(&world->server.asked), 1);
    s3_provider_free(role);
    s3_provider_free(parent);
    world_free(world);
}

static void sts_that_fails_is_tried_three_times(void **state)
{
    (void)state;
    static const struct step steps[] = { { 500, "", 0 }, { 200, "<half", 0 }, { 200, SESSION("KR"), 0 } };
    static const struct step broken[] = { { 503, "", 0 } };
    struct world *world = world_new();
    struct s3_credentials *credentials;
    struct s3_provider *parent = make_fixed(""), *role;
    world_serve(world, steps, 3);
    role = make_role(world, parent, 0);
    assert_int_equal(world_fetch(world, role, &credentials), S3_OK);
    s3_credentials_release(credentials);
    s3_provider_free(role);
    world_serve(world, broken, 1);
    role = make_role(world, parent, 0);
    assert_int_equal(world_fetch(world, role, &credentials), S3_RETRY);
    assert_int_equal(atomic_load(&world->server.asked), 3);
    s3_provider_free(role);
    s3_provider_free(parent);
    world_free(world);
}

static void profile_with_a_role_asks_with_its_sources_keys(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, SESSION("KR"), 0 } };
    static const char *const source[] = { "source_profile = base\n", "credential_source = Environment\n",
        "source_profile = p\naws_access_key_id = KP\naws_secret_access_key = S\n" };
    static const char *const variable[] = { "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS" };
    for (size_t i = 0; i < 3; i++) {
        struct world *world = world_new();
        char config[512];
        world_serve(world, steps, 1);
        world_set_url(world, variable[i], "");
        world_set(world, "AWS_ACCESS_KEY_ID", "KP");
        world_set(world, "AWS_SECRET_ACCESS_KEY", "S");
        (void)snprintf(config, sizeof config,
                "[profile p]\nrole_arn = " ARN "\nexternal_id = e1\nrole_session_name = night\n"
                "duration_seconds = 900\nregion = eu-west-2\n%s",
                source[i]);
        (void)world_write(world, ".aws/config", config);
        (void)world_write(world, ".aws/credentials", "[base]\naws_access_key_id = KP\naws_secret_access_key = S\n");
        assert_chain_gives(world, "p", "KR", "TKR", "role " ARN);
        const char *request = world->server.requests[0];
        assert_non_null(strstr(request, "RoleSessionName=night"));
        assert_non_null(strstr(request, "ExternalId=e1"));
        assert_non_null(strstr(request, "DurationSeconds=900"));
        assert_non_null(strstr(request, "Credential=KP/"));
        assert_non_null(strstr(request, "/eu-west-2/sts/aws4_request"));
        world_free(world);
    }
}

static void profile_may_take_the_containers_or_the_instances_keys_for_its_role(void **state)
{
    (void)state;
#define PARENT                                                                                                         \
    "{\"AccessKeyId\":\"KP\",\"SecretAccessKey\":\"S\",\"Token\":\"T\",\"Expiration\":\"2026-11-18T16:00:00Z\"}"
    static const struct step container[] = { { 200, PARENT, 0 }, { 200, SESSION("KR"), 0 } };
    static const struct step instance[] = { { 200, "t", 0 }, { 200, "r", 0 }, { 200, PARENT, 0 },
        { 200, SESSION("KR"), 0 } };
    for (size_t i = 0; i < 2; i++) {
        struct world *world = world_new();
        world_serve(world, i == 0 ? container : instance, i == 0 ? 2 : 4);
        world_set_url(world, "AWS_ENDPOINT_URL_STS", "");
        world_set_url(world, i == 0 ? "AWS_CONTAINER_CREDENTIALS_FULL_URI" : "AWS_EC2_METADATA_SERVICE_ENDPOINT", "");
        (void)world_write(world, ".aws/config",
                i == 0 ? "[profile p]\nrole_arn = " ARN "\ncredential_source = EcsContainer\n"
                       : "[profile p]\nrole_arn = " ARN "\ncredential_source = Ec2InstanceMetadata\n");
        assert_chain_gives(world, "p", "KR", "TKR", "role " ARN);
        assert_non_null(strstr(world->server.requests[i == 0 ? 1 : 3], "Credential=KP/"));
        world_free(world);
    }
}

#define WEB_SESSION(key)                                                                                               \
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><AssumedRoleUser>"                            \
    "<Arn>arn:aws:sts::444455556666:assumed-role/vault/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>" key        \
    "</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey><SessionToken>T" key                                         \
    "</SessionToken><Expiration>2026-11-18T11:26:40Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"     \
    "</AssumeRoleWithWebIdentityResponse>"

static void assert_asked_with(const char *request, const char *token)
{
    static const char *const parts[] = { "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666", "RoleSessionName=", "DurationSeconds=3600" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(request, parts[i]) == NULL)
            fail_msg("no %s", parts[i]);
    assert_non_null(strstr(request, token));
    assert_null(strcasestr(request, "\r\nauthorization:")); /* nobody has signed it */
}

static void web_identity_asks_unsigned_with_the_token_that_the_file_has_now(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, WEB_SESSION("KW"), 0 }, { 200, WEB_SESSION("KX"), 0 } };
    struct world *world = world_new();
    struct s3_provider *provider;
    struct s3_credentials *credentials;
    world_serve(world, steps, 2);
    world_set_url(world, "AWS_ENDPOINT_URL_STS", "");
    world_set(world, "AWS_ROLE_ARN", ARN);
    world_set(world, "AWS_ROLE_SESSION_NAME", "pod-1");
    world_set(world, "AWS_WEB_IDENTITY_TOKEN_FILE", world_write(world, "token", "one.two-3_=\n"));
    assert_int_equal(world_chain(world, NULL, &provider), S3_OK);
    assert_int_equal(world_fetch(world, provider, &credentials), S3_OK);
    assert_string_equal(credentials->access_key.ptr, "KW");
    assert_string_equal(credentials->account, "444455556666");
    assert_asked_with(world->server.requests[0], "WebIdentityToken=one.two-3_%3D");
    assert_non_null(strstr(world->server.requests[0], "RoleSessionName=pod-1"));
    s3_provider_rejected(provider, credentials);
    s3_credentials_release(credentials);
    (void)world_write(world, "token", "four");
    assert_int_equal(world_fetch(world, provider, &credentials), S3_OK);
    assert_asked_with(world->server.requests[1], "WebIdentityToken=four");
    s3_credentials_release(credentials);
    s3_provider_free(provider);
    world_free(world);
}

static void web_identity_of_a_profile_and_a_token_that_is_gone(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, WEB_SESSION("KW"), 0 } };
    struct world *world = world_new();
    char config[512];
    world_serve(world, steps, 1);
    world_set_url(world, "AWS_ENDPOINT_URL_STS", "");
    (void)snprintf(config, sizeof config, "[profile p]\nrole_arn = " ARN "\nweb_identity_token_file = %s\n",
            world_write(world, "token", "HUSH"));
    (void)world_write(world, ".aws/config", config);
    assert_chain_gives(world, "p", "KW", "TKW", "role " ARN);
    assert_asked_with(world->server.requests[0], "WebIdentityToken=HUSH");
    (void)world_write(world, "token", "HUSH\nHUSH");
    assert_chain_fails(world, "p", S3_FATAL, "its token's file: \"/tmp/");
    assert_null(strstr(world->error.message, "HUSH"));
    assert_int_equal(remove(world_write(world, "token", "")), 0);
    assert_chain_fails(world, "p", S3_FATAL, "cannot be read: No such file");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sts_is_asked_for_the_role_with_all_that_was_given),
        cmocka_unit_test(session_of_a_session_is_capped_at_an_hour),
        cmocka_unit_test(refusal_names_the_role_and_what_sts_said),
        cmocka_unit_test(sts_that_fails_is_tried_three_times),
        cmocka_unit_test(profile_with_a_role_asks_with_its_sources_keys),
        cmocka_unit_test(web_identity_asks_unsigned_with_the_token_that_the_file_has_now),
        cmocka_unit_test(web_identity_of_a_profile_and_a_token_that_is_gone),
        cmocka_unit_test(profile_may_take_the_containers_or_the_instances_keys_for_its_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
