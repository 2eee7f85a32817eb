/* Which source of keys goes first, what a profile comes to, and one clear line for each thing that is wrong. */
#include "s3_credentials_world.h"

#include "s3/container.h"
#include "s3/provider_json.h"

#define KEYS(name) "aws_access_key_id = K" name "\naws_secret_access_key = HUSH" name "\n"
#define ROLE "role_arn = arn:aws:iam::111122223333:role/r\n"

static void environment_goes_before_files_unless_a_profile_is_asked_for(void **state)
{
    (void)state;
    struct world *world = world_new();
    world_set(world, "AWS_EC2_METADATA_DISABLED", "true");
    (void)world_write(world, ".aws/credentials", "[default]\n" KEYS("D") "[ops]\n" KEYS("O") "aws_session_token = T\n");
    assert_chain_gives(world, NULL, "KD", NULL, "profile \"default\"");
    world_set(world, "AWS_PROFILE", "ops");
    assert_chain_gives(world, NULL, "KO", "T", "profile \"ops\"");
    world_set(world, "AWS_ACCESS_KEY_ID", "KE");
    world_set(world, "AWS_SECRET_ACCESS_KEY", "SE");
    assert_chain_gives(world, NULL, "KE", NULL, "environment");
    assert_chain_gives(world, "", "KE", NULL, "environment");
    world_set(world, "AWS_SESSION_TOKEN", "TE");
    assert_chain_gives(world, NULL, "KE", "TE", "environment");
    assert_chain_gives(world, "default", "KD", NULL, "profile \"default\"");
    world_free(world);
}

static void named_files_replace_those_of_the_home_folder(void **state)
{
    (void)state;
    struct world *world = world_new();
    (void)world_write(world, ".aws/credentials", "[default]\n" KEYS("H"));
    world_set(world, "AWS_SHARED_CREDENTIALS_FILE", world_write(world, "credentials", "[default]\n" KEYS("N")));
    assert_chain_gives(world, NULL, "KN", NULL, "profile \"default\"");
    world_set(world, "AWS_SHARED_CREDENTIALS_FILE", "~/credentials");
    assert_chain_gives(world, NULL, "KN", NULL, "profile \"default\"");
    world_set(world, "AWS_CONFIG_FILE", world_write(world, "config", "[profile p]\n" KEYS("P")));
    assert_chain_gives(world, "p", "KP", NULL, "profile \"p\"");
    world_free(world);
}

static void each_contradiction_is_one_line_that_names_it(void **state)
{
    (void)state;
    static const struct {
        const char *variables[3][2];
        const char *profile, *config, *message;
    } rows[] = {
        { { { "AWS_ACCESS_KEY_ID", "K" } }, NULL, "",
                "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not" },
        { { { "AWS_SECRET_ACCESS_KEY", "HUSH" } }, NULL, "",
                "environment: AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not" },
        { { { "AWS_ACCESS_KEY_ID", "K" }, { "AWS_SECRET_ACCESS_KEY", "HUSH\n" } }, NULL, "",
                "environment: the secret key is empty, or holds a blank, a line break" },
        { { { NULL } }, NULL, "", "no credentials: neither environment, nor profile \"default\" in " },
        { { { NULL } }, NULL, "",
                "/.aws/credentials, nor container, nor instance metadata have any (AWS_EC2_METADATA_DISABLED is "
                "true)" },
        { { { NULL } }, "ops", "[default]\n" KEYS(""), "profile \"ops\" is not in /" },
        { { { "AWS_PROFILE", "ops" } }, NULL, "[default]\n" KEYS(""), "profile \"ops\" (AWS_PROFILE) is not in /" },
        { { { NULL } }, "p", "[profile p]\nregion = r\n", "profile \"p\" has neither keys nor a role" },
        { { { NULL } }, "p", "[profile p]\naws_access_key_id = K\n",
                "profile \"p\" has aws_access_key_id, but no aws_secret_access_key" },
        { { { NULL } }, "p", "[profile p]\naws_secret_access_key = HUSH\n",
                "profile \"p\" has aws_secret_access_key, but no aws_access_key_id" },
        { { { NULL } }, "p", "[profile p]\ncredential_process = /bin/x 'HUSH\n",
                "profile \"p\": the command has no word, more than 64, or a quote that stays open" },
        { { { NULL } }, "p", "[profile p]\nsso_session = x\n", "profile \"p\" uses single sign-on (sso_...), which" },
        { { { NULL } }, "p", "[profile p]\nlogin_session = x\n", "profile \"p\" uses login_session, which" },
        { { { NULL } }, "p", "[profile p]\nweb_identity_token_file = /x\n",
                "profile \"p\": web_identity_token_file needs role_arn" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "web_identity_token_file = /x\nsource_profile = p\n",
                "profile \"p\": web_identity_token_file excludes source_profile and credential_source" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\nmfa_serial = x\n" KEYS(""),
                "profile \"p\" uses mfa_serial, which" },
        { { { "AWS_WEB_IDENTITY_TOKEN_FILE", "/x" } }, NULL, "[default]\n" KEYS(""),
                "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not" },
        { { { "AWS_WEB_IDENTITY_TOKEN_FILE", "/x" }, { "AWS_ROLE_ARN", "x" } }, NULL, "", "is no role's ARN" },
        { { { NULL } }, "p", "[profile p]\n" ROLE,
                "profile \"p\": role_arn needs source_profile or credential_source" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\ncredential_source = Environment\n",
                "profile \"p\": source_profile and credential_source exclude each other" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = q\n",
                "profile \"p\": its source_profile \"q\" is not in /" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\n",
                "profile \"p\": there are neither keys nor a role in its source_profile p" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = q\n[profile q]\n" ROLE "source_profile = p\n",
                "profile \"q\": source_profile goes in a circle, back to p" },
        { { { NULL } }, "p",
                "[profile p]\n" ROLE "source_profile = q\n[profile q]\n" ROLE "source_profile = r\n[profile r]\n" ROLE
                "source_profile = q\n",
                "profile \"r\": source_profile goes in a circle, back to q" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = q\n[profile q]\nsso_session = x\n",
                "profile \"q\" uses single sign-on" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "credential_source = Environment\n",
                "profile \"p\": there are no keys in the environment, its credential_source" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "credential_source = EcsContainer\n",
                "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "credential_source = Ec2InstanceMetadata\n",
                "profile \"p\": its credential_source Ec2InstanceMetadata is off: AWS_EC2_METADATA_DISABLED" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "credential_source = ec2\n",
                "profile \"p\": credential_source is none of Environment, Ec2InstanceMetadata and EcsContainer: ec2" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\n" KEYS("") "duration_seconds = 1h\n",
                "profile \"p\": duration_seconds is no number from 1 to 43200: 1h" },
        { { { NULL } }, "p", "[profile p]\nrole_arn = r\nsource_profile = p\n" KEYS(""),
                "profile \"p\": \"r\" is no role's ARN" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\n" KEYS("") "external_id = a b\n",
                "profile \"p\": role arn:aws:iam::111122223333:role/r: the external id is not 2 to 1224" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\n" KEYS("") "role_session_name = x\n",
                "the session name \"x\" is not 2 to 64" },
        { { { NULL } }, "p", "[profile p]\n" ROLE "source_profile = p\n" KEYS("") "region = a/b\n",
                "\"a/b\" is no name of a region" },
        { { { "AWS_ENDPOINT_URL_STS", "ftp://x" } }, "p", "[profile p]\n" ROLE "source_profile = p\n" KEYS(""),
                "ftp://x" },
        { { { "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/HUSH" } }, NULL, "",
                "container: AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor http to this machine" },
        { { { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@HUSH/" } }, NULL, "",
                "container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path" },
        { { { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x" },
                  { "AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSH\r\nx: y" } },
                NULL, "", "container: AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break" },
        { { { "AWS_EC2_METADATA_DISABLED", "false" }, { "AWS_EC2_METADATA_SERVICE_ENDPOINT", "nowhere" } }, NULL, "",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT: " },
        { { { "AWS_EC2_METADATA_DISABLED", "false" }, { "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "x" } }, NULL, "",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is \"x\", not IPv4 or IPv6" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world_set(world, "AWS_EC2_METADATA_DISABLED", "TRUE");
        for (size_t v = 0; v < 3 && rows[i].variables[v][0] != NULL; v++)
            world_set(world, rows[i].variables[v][0], rows[i].variables[v][1]);
        (void)world_write(world, ".aws/config", rows[i].config);
        assert_chain_fails(world, rows[i].profile, S3_FATAL, rows[i].message);
        assert_null(strstr(world->error.message, "HUSH"));
        world_free(world);
    }
}

static void chain_of_seventeen_profiles_is_refused(void **state)
{
    (void)state;
    struct world *world = world_new();
    char config[8192];
    size_t used = 0;
    for (int i = 0; i < 20; i++)
        used += (size_t)snprintf(
                config + used, sizeof config - used, "[profile p%d]\n" ROLE "source_profile = p%d\n", i, i + 1);
    (void)world_write(world, ".aws/config", config);
    assert_chain_fails(world, "p0", S3_FATAL, "the chain of source_profile is longer than 16");
    world_free(world);
}

static void region_is_the_environments_then_the_profiles(void **state)
{
    (void)state;
    struct world *world = world_new();
    struct s3_environment *environment = &world->environment;
    char region[32];
    (void)world_write(world, ".aws/config", "[default]\nregion = from-default\n[profile p]\nregion = from-p\n");
    assert_int_equal(s3_chain_region(environment, NULL, region, sizeof region, &world->error), S3_OK);
    assert_string_equal(region, "from-default");
    assert_int_equal(s3_chain_region(environment, "p", region, sizeof region, &world->error), S3_OK);
    assert_string_equal(region, "from-p");
    assert_int_equal(s3_chain_region(environment, "q", region, sizeof region, &world->error), S3_FATAL);
    assert_non_null(strstr(world->error.message, "profile \"q\" is not in "));
    world_set(world, "AWS_DEFAULT_REGION", "from-variable");
    assert_int_equal(s3_chain_region(environment, "p", region, sizeof region, &world->error), S3_OK);
    assert_string_equal(region, "from-variable");
    world_set(world, "AWS_REGION", "from-first");
    assert_int_equal(s3_chain_region(environment, NULL, region, sizeof region, &world->error), S3_OK);
    assert_string_equal(region, "from-first");
    world_free(world);
    world = world_new();
    assert_int_equal(s3_chain_region(&world->environment, NULL, region, sizeof region, &world->error), S3_OK);
    assert_string_equal(region, "");
    world_free(world);
}

static void role_options_are_checked(void **state)
{
    (void)state;
    struct world *world = world_new();
    static const struct {
        const char *arn, *external_id, *session_name;
        unsigned seconds;
        bool good;
    } rows[] = {
        { "arn:aws:iam::111122223333:role/r", NULL, NULL, 0, true },
        { "arn:aws-us-gov:iam::111122223333:role/a/path/r+=,.@-_", "aB9_+=,.@:/-", "aB9_+=,.@-", 43200, true },
        { NULL, NULL, NULL, 0, false },
        { "", NULL, NULL, 0, false },
        { "arn:aws:iam::11112222333:role/r", NULL, NULL, 0, false },
        { "arn:aws:iam::1111222233334:role/r", NULL, NULL, 0, false },
        { "arn:aws:iam::111122223333:user/r", NULL, NULL, 0, false },
        { "arn:aws:iam::111122223333:role/", NULL, NULL, 0, false },
        { "arn:aws:iam::111122223333:role/a b", NULL, NULL, 0, false },
        { "arn:aws:sts::111122223333:role/r", NULL, NULL, 0, false },
        { "arn:evil:iam::111122223333:role/r", NULL, NULL, 0, false },
        { "arn:aws:iam::111122223333:role/r", "a", NULL, 0, false },
        { "arn:aws:iam::111122223333:role/r", "a\n", NULL, 0, false },
        { "arn:aws:iam::111122223333:role/r", "", NULL, 0, false },
        { "arn:aws:iam::111122223333:role/r", NULL, "a", 0, false },
        { "arn:aws:iam::111122223333:role/r", NULL, "a/b", 0, false },
        { "arn:aws:iam::111122223333:role/r", NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                0, false },
        { "arn:aws:iam::111122223333:role/r", NULL, NULL, 43201, false },
    };
    struct s3_provider *parent, *provider;
    assert_int_equal(s3_provider_fixed((struct s3_text){ "K", 1 }, (struct s3_text){ "S", 1 },
                             (struct s3_text){ NULL, 0 }, &parent, &world->error),
            S3_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct s3_role_options options = { .parent = parent,
            .clock = &world->clock,
            .role_arn = rows[i].arn,
            .external_id = rows[i].external_id,
            .session_name = rows[i].session_name,
            .duration_seconds = rows[i].seconds,
            .sts_endpoint = "http://127.0.0.1:1" };
        enum s3_status status = s3_provider_role(&options, &provider, &world->error);
        if (status != (rows[i].good ? S3_OK : S3_FATAL))
            fail_msg("row %zu", i);
        if (status == S3_OK)
            s3_provider_free(provider);
    }
    s3_provider_free(parent);
    world_free(world);
}

static void role_of_another_partition_than_the_regions_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *arn, *region, *endpoint;
        bool good;
    } rows[] = {
        { "arn:aws:iam::111122223333:role/r", NULL, NULL, true },
        { "arn:aws:iam::111122223333:role/r", "eu-west-1", "", true },
        { "arn:aws:iam::111122223333:role/r", "cn-north-1", NULL, false },
        { "arn:aws-cn:iam::111122223333:role/r", "cn-north-1", NULL, true },
        { "arn:aws-cn:iam::111122223333:role/r", NULL, NULL, false },
        { "arn:aws-cn:iam::111122223333:role/r", NULL, "http://127.0.0.1:1", true },
    };
    struct world *world = world_new();
    struct s3_provider *provider;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct s3_role_options options = {
            .clock = &world->clock, .role_arn = rows[i].arn, .region = rows[i].region, .sts_endpoint = rows[i].endpoint
        };
        enum s3_status status = s3_provider_role(&options, &provider, &world->error);
        if (status != (rows[i].good ? S3_OK : S3_FATAL))
            fail_msg("row %zu", i);
        if (status == S3_OK)
            s3_provider_free(provider);
        else
            assert_non_null(strstr(world->error.message, " is of another partition"));
    }
    world_free(world);
}

static void fixed_keys_are_given_as_they_are_and_checked(void **state)
{
    (void)state;
    struct s3_provider *provider;
    struct s3_credentials *first, *second;
    struct s3_error error;
    assert_int_equal(s3_provider_fixed((struct s3_text){ "K", 1 }, (struct s3_text){ "S/+", 3 },
                             (struct s3_text){ "T", 1 }, &provider, &error),
            S3_OK);
    assert_int_equal(s3_provider_get(provider, NULL, &first, &error), S3_OK);
    s3_provider_rejected(provider, first);
    assert_int_equal(s3_provider_get(provider, NULL, &second, &error), S3_OK);
    assert_ptr_equal(first, second);
    assert_string_equal(first->secret_key.ptr, "S/+");
    assert_true(first->expires == 0);
    s3_provider_free(provider);
    assert_string_equal(second->token.ptr, "T"); /* outlives its provider */
    s3_credentials_release(first);
    s3_credentials_release(second);
    assert_int_equal(s3_provider_fixed((struct s3_text){ "K", 1 }, (struct s3_text){ "", 0 },
                             (struct s3_text){ NULL, 0 }, &provider, &error),
            S3_FATAL);
}

static void json_of_keys_is_read_or_refused_without_showing_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        int64_t expires;
        const char *account;
    } rows[] = {
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"S\"}", NULL, 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"S\",\"Token\":null,\"Expiration\":\"2026-11-20T03:00:00Z\","
          "\"AccountId\":\"111122223333\",\"RoleArn\":\"x\",\"Code\":\"Success\"}",
                NULL, 1795143600, "111122223333" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"S\",\"Token\":\"T\","
          "\"Expiration\":\"2026-11-20T03:00:00.250Z\",\"AccountId\":\"x\"}",
                NULL, 1795143600, "" },
        { "", "o: the answer is no JSON object", 0, "" },
        { "null", "o: the answer is no JSON object", 0, "" },
        { "[\"HUSH\"]", "o: the answer is no JSON object", 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"HUSH\"", "o: the answer is no JSON object", 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"a\",\"SecretAccessKey\":\"HUSH\"}",
                "o: the answer is no JSON object", 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":[\"HUSH\"]}", "o: the answer has a member that is no string", 0,
                "" },
        { "{\"AccessKeyId\":\"K\"}", "o: the answer's secret key is missing or malformed", 0, "" },
        { "{\"SecretAccessKey\":\"HUSH\"}", "o: the answer's access key is missing or malformed", 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"HUSH\\n\"}",
                "o: the answer's secret key is missing or malformed", 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"S\",\"Token\":\"HUSH\\r\\nx\"}",
                "o: the answer's session token is missing or malformed", 0, "" },
        { "{\"AccessKeyId\":\"K\",\"SecretAccessKey\":\"HUSH\",\"Expiration\":\"soon\"}",
                "o: the answer has a malformed Expiration", 0, "" },
        { "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}",
                "o: the answer's code is AssumeRoleUnauthorizedAccess, not Success", 0, "" },
        { "{\"Code\":\"HUSH x\"}", "o: the answer's code is other, not Success", 0, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_credentials *credentials;
        struct s3_error error;
        enum s3_status status = provider_json_parse(rows[i].text, strlen(rows[i].text), "o", &credentials, &error);
        if (rows[i].message != NULL) {
            assert_int_equal(status, S3_BAD_DATA);
            assert_string_equal(error.message, rows[i].message);
            continue;
        }
        assert_int_equal(status, S3_OK);
        assert_true(credentials->expires == rows[i].expires);
        assert_string_equal(credentials->account, rows[i].account);
        assert_string_equal(credentials->secret_key.ptr, "S");
        s3_credentials_release(credentials);
    }
}

static void container_keys_are_fetched_only_from_near_or_over_tls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool allowed;
    } rows[] = {
        { "https://example.org/x", true },
        { "HTTPS://example.org:8443/x?y=z", true },
        { "https://10.0.0.1", true },
        { "http://127.0.0.1/x", true },
        { "http://127.255.0.3:80/x", true },
        { "http://localhost:1234/x", true },
        { "http://[::1]:80/x", true },
        { "http://[0:0:0:0:0:0:0:1]/x", true },
        { "http://169.254.170.2/x", true },
        { "http://169.254.170.23/v1", true },
        { "http://[fd00:ec2::23]/v1", true },
        { "http://[fd00:0ec2:0::23]/v1", true },
        { "http://example.org/x", false },
        { "http://10.0.0.1/x", false },
        { "http://169.254.169.254/x", false },
        { "http://128.0.0.1/x", false },
        { "http://127.1/x", false }, /* curl would read 127.0.0.1 */
        { "http://0x7f.0.0.1/x", false },
        { "http://localhost.example.org/x", false },
        { "http://127.0.0.1.example.org/x", false },
        { "http://127.0.0.1@example.org/x", false },
        { "http://127.0.0.1:80@example.org/x", false },
        { "http://127.0.0.1\\@example.org/x", false },
        { "http://127.0.0.1#@example.org/x", false },
        { "http://[::ffff:10.0.0.1]/x", false },
        { "http://[::1%25eth0]/x", false },
        { "http://[::1]x/x", false },
        { "http://[::1/x", false },
        { "http://127.0.0.1:/x", false },
        { "http://127.0.0.1:123456/x", false },
        { "https://user:pass@example.org/", false },
        { "https://example.org/a b", false },
        { "https:///x", false },
        { "file:///etc/passwd", false },
        { "//127.0.0.1/", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (container_url_is_allowed(rows[i].url) != rows[i].allowed)
            fail_msg("%s", rows[i].url);
}

static void relative_address_is_that_of_ecs_and_goes_first(void **state)
{
    (void)state;
    struct world *world = world_new();
    char url[CONTAINER_URL_MAX], path[CONTAINER_URL_MAX];
    world_set(world, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://example.org/x");
    assert_int_equal(container_url(&world->environment, url, &world->error), S3_OK);
    assert_string_equal(url, "https://example.org/x");
    world_set(world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1-2?a=b");
    assert_int_equal(container_url(&world->environment, url, &world->error), S3_OK);
    assert_string_equal(url, "http://169.254.170.2/v2/credentials/1-2?a=b");
    static const char *const bad[] = { "v2/x", "@evil.org/", ":80@evil.org/", "/a b", "/a\r\nX: y", "/a#b" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        world_set(world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", bad[i]);
        assert_int_equal(container_url(&world->environment, url, &world->error), S3_FATAL);
    }
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = '\0';
    world_set(world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path);
    assert_int_equal(container_url(&world->environment, url, &world->error), S3_FATAL);
    assert_non_null(strstr(world->error.message, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is longer than 2047 bytes"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_goes_before_files_unless_a_profile_is_asked_for),
        cmocka_unit_test(named_files_replace_those_of_the_home_folder),
        cmocka_unit_test(each_contradiction_is_one_line_that_names_it),
        cmocka_unit_test(chain_of_seventeen_profiles_is_refused),
        cmocka_unit_test(region_is_the_environments_then_the_profiles),
        cmocka_unit_test(role_options_are_checked),
        cmocka_unit_test(role_of_another_partition_than_the_regions_is_refused),
        cmocka_unit_test(fixed_keys_are_given_as_they_are_and_checked),
        cmocka_unit_test(json_of_keys_is_read_or_refused_without_showing_it),
        cmocka_unit_test(relative_address_is_that_of_ecs_and_goes_first),
        cmocka_unit_test(container_keys_are_fetched_only_from_near_or_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
