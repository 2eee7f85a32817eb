/* The files of profiles: what is read from which line, what is passed over, and each error's line. */
#include "s3_credentials_world.h"

#include "s3/profile.h"

static enum s3_status parse(struct profiles *profiles, enum profile_file file, const char *text, struct s3_error *error)
{
    s3_error_clear(error);
    return profile_parse(profiles, file, "FILE", text, strlen(text), error);
}

static void assert_value(const struct profiles *profiles, const char *name, enum profile_key key, const char *wanted)
{
    const struct profile *profile = profile_find(profiles, name);
    assert_non_null(profile);
    const char *value = profile_value(profile, key);
    if (wanted == NULL)
        assert_null(value);
    else
        assert_string_equal(value != NULL ? value : "(none)", wanted);
}

static void lines_are_read_as_the_sdks_read_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *profile;
        enum profile_key key;
        const char *value;
    } rows[] = {
        { "[default]\nregion = eu-west-1\n", "default", PROFILE_REGION, "eu-west-1" },
        { "[default]\nregion=eu-west-1", "default", PROFILE_REGION, "eu-west-1" },
        { "[default]\r\nregion =\teu-west-1 \r\n", "default", PROFILE_REGION, "eu-west-1" },
        { "\xEF\xBB\xBF[default]\nregion = x\n", "default", PROFILE_REGION, "x" },
        { "# a\n; b\n\n[profile ops] # c\nregion = x # d\n", "ops", PROFILE_REGION, "x" },
        { "[profile ops]\nregion = a#b;c\n", "ops", PROFILE_REGION, "a#b;c" },
        { "[profile ops]\nregion = # nothing\n", "ops", PROFILE_REGION, NULL },
        { "[ profile \t two words ]\nregion = x\n", "two words", PROFILE_REGION, "x" },
        { "[profile \"quoted name\"]\nregion = x\n", "quoted name", PROFILE_REGION, "x" },
        { "[profile a]\nREGION = x\n", "a", PROFILE_REGION, "x" },
        { "[profile a]\nregion = x\nregion = y\n", "a", PROFILE_REGION, "y" },
        { "[profile a]\nregion = x\n[profile b]\n[profile a]\nregion = y\n", "a", PROFILE_REGION, "y" },
        { "[profile a]\n  role_arn = r\n  region = y\n", "a", PROFILE_REGION, "y" },
        { "[profile a]\ns3 =\n  region = nested\n  addressing_style = path\nregion = y\n", "a", PROFILE_REGION, "y" },
        { "[profile a]\nother = x\n  continued\nregion = y\n", "a", PROFILE_REGION, "y" },
        { "[profile a]\nexternal_id = a=b=\n", "a", PROFILE_EXTERNAL_ID, "a=b=" },
        { "[profile a]\nsso_start_url = https://x\n", "a", PROFILE_SSO, "https://x" },
        { "[profile a]\nsso_session = y\n", "a", PROFILE_SSO, "y" },
        { "[default]\nregion = x\n[profile default]\nregion = y\n", "default", PROFILE_REGION, "y" },
        { "[profile default]\nregion = y\n[default]\nregion = x\n", "default", PROFILE_REGION, "y" },
        { "[default]\nrole_arn = x\n[profile default]\nregion = y\n", "default", PROFILE_ROLE_ARN, NULL },
        { "[profile a]\n[sso-session a]\nregion = x\n", "a", PROFILE_REGION, NULL },
        { "[profile a]\n[b]\nregion = x\n", "a", PROFILE_REGION, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct profiles profiles;
        struct s3_error error;
        profile_init(&profiles);
        if (parse(&profiles, PROFILE_CONFIG, rows[i].text, &error) != S3_OK)
            fail_msg("row %zu: %s", i, error.message);
        assert_value(&profiles, rows[i].profile, rows[i].key, rows[i].value);
        profile_clear(&profiles);
    }
}

static void malformed_line_is_named_and_never_shown(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "[default]\nHUSH\n", "FILE:2: neither a section, nor name = value, nor a comment" },
        { "[default]\n\n= HUSH\n", "FILE:3: a value without a name" },
        { "a = HUSH\n", "FILE:1: a property before the first section" },
        { "[default\n", "FILE:1: a section without its ]" },
        { "[default] HUSH\n", "FILE:1: text after a section's ]" },
        { "[default]\n[]\n", "FILE:2: a section without a name" },
        { "[default]\naws_secret_access_key = a\n   HUSH\n", "FILE:3: an indented line after a value" },
        { "[default]\nregion = a\rHUSH\n", "FILE:2: a control byte" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct profiles profiles;
        struct s3_error error;
        profile_init(&profiles);
        enum s3_status status = parse(&profiles, PROFILE_CONFIG, rows[i].text, &error);
        assert_int_equal(status, S3_FATAL);
        assert_string_equal(error.message, rows[i].message);
        assert_null(strstr(error.message, "HUSH"));
        profile_clear(&profiles);
    }
}

static void credentials_file_goes_first_and_its_keys_are_not_mixed(void **state)
{
    (void)state;
    struct profiles profiles;
    struct s3_error error;
    profile_init(&profiles);
    assert_int_equal(parse(&profiles, PROFILE_CONFIG,
                             "[profile a]\naws_access_key_id = C\naws_secret_access_key = CS\n"
                             "aws_session_token = CT\nregion = r\n[profile c]\naws_access_key_id = C\n",
                             &error),
            S3_OK);
    assert_int_equal(
            parse(&profiles, PROFILE_CREDENTIALS,
                    "[a]\naws_access_key_id = K\naws_secret_access_key = S\n[profile b]\nregion = x\n", &error),
            S3_OK);
    assert_value(&profiles, "a", PROFILE_ACCESS_KEY, "K");
    assert_value(&profiles, "a", PROFILE_SECRET_KEY, "S");
    assert_value(&profiles, "a", PROFILE_TOKEN, NULL);
    assert_value(&profiles, "a", PROFILE_REGION, "r");
    assert_value(&profiles, "c", PROFILE_ACCESS_KEY, "C");
    assert_null(profile_find(&profiles, "b")); /* the credentials file has no prefix */
    profile_clear(&profiles);
}

static enum s3_status load(struct world *world)
{
    struct profiles profiles;
    enum s3_status status;
    profile_init(&profiles);
    s3_error_clear(&world->error);
    status = profile_load(&profiles, &world->environment, &world->error);
    profile_clear(&profiles);
    return status;
}

static void missing_default_files_are_fine_and_missing_named_ones_are_not(void **state)
{
    (void)state;
    struct world *world = world_new();
    assert_int_equal(load(world), S3_OK);
    world_set(world, "AWS_CONFIG_FILE", "/nonexistent/config");
    assert_int_equal(load(world), S3_FATAL);
    assert_non_null(strstr(world->error.message, "AWS_CONFIG_FILE: /nonexistent/config: No such file"));
    world_set(world, "AWS_CONFIG_FILE", "/dev/null");
    assert_int_equal(load(world), S3_OK);
    world_set(world, "HOME", "");
    assert_int_equal(load(world), S3_OK);
    world_set(world, "HOME", world->folder);
    world_free(world);
}

static void file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct world *world = world_new();
    char line[256];
    (void)world_write(world, "config", "");
    (void)snprintf(line, sizeof line, "%s/.aws/config", world->folder);
    assert_int_equal(mkdir(line, 0700), 0); /* also for root, who may read whatever has no permission */
    assert_int_equal(load(world), S3_FATAL);
    assert_non_null(strstr(world->error.message, line));
    assert_non_null(strstr(world->error.message, "Is a directory"));
    world_free(world);
}

static void file_over_a_mebibyte_is_refused(void **state)
{
    (void)state;
    struct world *world = world_new();
    char *big = malloc(PROFILE_FILE_MAX + 2);
    assert_non_null(big);
    memset(big, '\n', PROFILE_FILE_MAX + 1);
    big[PROFILE_FILE_MAX + 1] = '\0';
    (void)world_write(world, ".aws/credentials", big);
    assert_int_equal(load(world), S3_FATAL);
    assert_non_null(strstr(world->error.message, "/.aws/credentials: larger than 1 MiB"));
    big[PROFILE_FILE_MAX] = '\0';
    (void)world_write(world, ".aws/credentials", big);
    assert_int_equal(load(world), S3_OK);
    free(big);
    world_free(world);
}

static void error_of_a_file_names_its_path_and_line(void **state)
{
    (void)state;
    struct world *world = world_new();
    char line[320];
    (void)snprintf(line, sizeof line, "%s:2: neither a section",
            world_write(world, ".aws/credentials", "[default]\naws_access_key_id\n"));
    assert_int_equal(load(world), S3_FATAL);
    assert_non_null(strstr(world->error.message, line));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_as_the_sdks_read_them),
        cmocka_unit_test(malformed_line_is_named_and_never_shown),
        cmocka_unit_test(credentials_file_goes_first_and_its_keys_are_not_mixed),
        cmocka_unit_test(missing_default_files_are_fine_and_missing_named_ones_are_not),
        cmocka_unit_test(file_that_cannot_be_read_is_named),
        cmocka_unit_test(file_over_a_mebibyte_is_refused),
        cmocka_unit_test(error_of_a_file_names_its_path_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
