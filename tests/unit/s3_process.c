/* Keys that a command prints: how it is split, what it may print, how it may end. */
#include "s3_credentials_world.h"

#define PRINTS(json) "[profile p]\ncredential_process = printf '%s' '" json "'\n"
#define GOOD "\"Version\": 1, \"AccessKeyId\": \"KC\", \"SecretAccessKey\": \"HUSH\""

static struct world *world_of(const char *config)
{
    struct world *world = world_new();
    (void)world_write(world, ".aws/config", config);
    return world;
}

static void command_gives_keys_with_or_without_a_session(void **state)
{
    (void)state;
    struct world *world = world_of(PRINTS("{" GOOD "}"));
    assert_chain_gives(world, "p", "KC", NULL, "profile \"p\"");
    (void)world_write(world, ".aws/config",
            PRINTS("{" GOOD ", \"SessionToken\": \"TC\", \"Expiration\": \"2026-11-18T12:06:40Z\"}"));
    assert_chain_gives(world, "p", "KC", "TC", "profile \"p\"");
    world_free(world);
}

static void words_are_split_as_a_shell_would(void **state)
{
    (void)state;
    static const char command[] = "sh -c 'echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"$1\\\", "
                                  "\\\"SecretAccessKey\\\": \\\"S\\\"}\"' x ";
    static const char *const words[][2] = { { "plain", "plain" }, { "'a b'", "a b" }, { "\"a b\"", "a b" },
        { "a\\ b", "a b" }, { "'a'\"b\"c", "abc" }, { "\"it's\"", "it's" }, { "'$HOME'", "$HOME" },
        { "two  words", "two" } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct world *world;
        struct s3_provider *provider;
        struct s3_credentials *credentials;
        char config[512] = "[profile p]\ncredential_process = ";
        size_t used = strlen(config);
        (void)snprintf(config + used, sizeof config - used, "%s%s\n", command, words[i][0]);
        world = world_of(config);
        if (world_chain(world, "p", &provider) != S3_OK)
            fail_msg("%s: %s", words[i][0], world->error.message);
        if (strchr(words[i][1], ' ') != NULL) { /* no key has a blank: that it arrived whole is seen by the refusal */
            assert_int_equal(world_fetch(world, provider, &credentials), S3_BAD_DATA);
        } else {
            if (world_fetch(world, provider, &credentials) != S3_OK)
                fail_msg("%s: %s", words[i][0], world->error.message);
            assert_string_equal(credentials->access_key.ptr, words[i][1]);
            s3_credentials_release(credentials);
        }
        s3_provider_free(provider);
        world_free(world);
    }
}

static void what_is_wrong_is_one_line_without_the_keys(void **state)
{
    (void)state;
    static const struct {
        const char *config, *message;
        enum s3_status status;
    } rows[] = {
        { "[profile p]\ncredential_process = /does/not/exist HUSH\n",
                "profile \"p\": \"/does/not/exist\" cannot be run: No such file", S3_FATAL },
        { "[profile p]\ncredential_process = sh -c 'exit 3'\n", "profile \"p\": the command ended with status 3",
                S3_FATAL },
        { "[profile p]\ncredential_process = sh -c 'kill -9 $$'\n", "profile \"p\": the command ended with signal 9",
                S3_FATAL },
        { "[profile p]\ncredential_process = true\n", "profile \"p\": the answer is no JSON object", S3_BAD_DATA },
        { PRINTS("HUSH"), "profile \"p\": the answer is no JSON object", S3_BAD_DATA },
        { PRINTS("{\"Version\": 2}"), "profile \"p\": the answer is not of Version 1", S3_BAD_DATA },
        { PRINTS("{\"AccessKeyId\": \"HUSH\"}"), "profile \"p\": the answer is not of Version 1", S3_BAD_DATA },
        { PRINTS("{\"Version\": 1, \"AccessKeyId\": \"HUSH\"}"), "the answer's secret key is missing", S3_BAD_DATA },
        { "[profile p]\ncredential_process = head -c 70000 /dev/zero\n", "the command printed more than 64 KiB",
                S3_FATAL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_of(rows[i].config);
        assert_chain_fails(world, "p", rows[i].status, rows[i].message);
        assert_null(strstr(world->error.message, "HUSH"));
        world_free(world);
    }
}

static void keys_that_stand_in_the_profile_go_before_its_command(void **state)
{
    (void)state;
    struct world *world =
            world_of("[profile p]\naws_access_key_id = K\naws_secret_access_key = S\ncredential_process = false\n");
    assert_chain_gives(world, "p", "K", NULL, "profile \"p\"");
    world_free(world);
}

static bool stopped(void *ctx)
{
    (void)ctx;
    return true;
}

static void command_that_does_not_end_is_left_when_the_program_stops(void **state)
{
    (void)state;
    struct world *world = world_of("[profile p]\ncredential_process = sleep 100\n");
    world->clock.stopped = stopped;
    assert_chain_fails(world, "p", S3_CANCELLED, "stopped");
    world_free(world);
}

/* Asked the fifth time it says yes: the command has long closed its output. */
static bool stopped_later(void *ctx)
{
    static int asked;
    (void)ctx;
    return ++asked >= 5;
}

/* Twenty seconds pass each time. */
static bool passes(void *ctx)
{
    struct world *world = ctx;
    (void)world_sleep(world, 20 * 1000);
    return false;
}

static void command_that_lives_on_behind_its_output_is_not_waited_for_in_vain(void **state)
{
    (void)state;
    static const char config[] = "[profile p]\ncredential_process = sh -c 'echo {}; exec >&-; exec sleep 5'\n";
    struct world *world = world_of(config);
    world->clock.stopped = stopped_later;
    assert_chain_fails(world, "p", S3_CANCELLED, "stopped");
    world->clock.stopped = passes;
    assert_chain_fails(world, "p", S3_FATAL, "the command did not end within 60 s");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_gives_keys_with_or_without_a_session),
        cmocka_unit_test(words_are_split_as_a_shell_would),
        cmocka_unit_test(what_is_wrong_is_one_line_without_the_keys),
        cmocka_unit_test(keys_that_stand_in_the_profile_go_before_its_command),
        cmocka_unit_test(command_that_does_not_end_is_left_when_the_program_stops),
        cmocka_unit_test(command_that_lives_on_behind_its_output_is_not_waited_for_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
