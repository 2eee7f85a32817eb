/* Keys from a container's address: the token, its file, what is tried again, and what each failure says. */
#include "s3_credentials_world.h"

#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define GOOD                                                                                                           \
    "{\"AccessKeyId\":\"KC\",\"SecretAccessKey\":\"HUSH\",\"Token\":\"TC\",\"Expiration\":\"2026-11-18T11:26:40Z\"}"
#define LATER                                                                                                          \
    "{\"AccessKeyId\":\"KL\",\"SecretAccessKey\":\"HUSH\",\"Token\":\"TC\",\"Expiration\":\"2026-11-18T12:26:40Z\"}"
#define EXPIRED                                                                                                        \
    "{\"AccessKeyId\":\"KC\",\"SecretAccessKey\":\"HUSH\",\"Token\":\"TC\",\"Expiration\":\"2026-11-18T10:00:00Z\"}"

static void full_address_is_asked_with_the_token(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, GOOD, 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 1);
    world_set_url(world, FULL_URI, "/creds?id=7");
    assert_chain_gives(world, NULL, "KC", "TC", "container");
    assert_non_null(strstr(world->server.requests[0], "GET /creds?id=7 HTTP/1.1\r\n"));
    assert_null(strcasestr(world->server.requests[0], "\r\nAuthorization:"));
    world_set(world, TOKEN, "Bearer abc");
    assert_chain_gives(world, NULL, "KC", "TC", "container");
    assert_non_null(strstr(world->server.requests[1], "\r\nAuthorization: Bearer abc\r\n"));
    world_free(world);
}

static void token_file_wins_and_is_read_again_each_time(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, GOOD, 0 }, { 200, LATER, 0 } };
    struct world *world = world_new();
    struct s3_provider *provider;
    struct s3_credentials *credentials;
    world_serve(world, steps, 2);
    world_set_url(world, FULL_URI, "/");
    world_set(world, TOKEN, "of-the-variable");
    world_set(world, TOKEN_FILE, world_write(world, "token", "first"));
    assert_int_equal(world_chain(world, NULL, &provider), S3_OK);
    assert_int_equal(world_fetch(world, provider, &credentials), S3_OK);
    assert_non_null(strstr(world->server.requests[0], "\r\nAuthorization: first\r\n"));
    s3_credentials_release(credentials);
    (void)world_write(world, "token", "second");
    atomic_fetch_add(&world->now_ms, 50 * 60 * 1000);
    assert_int_equal(world_fetch(world, provider, &credentials), S3_OK);
    assert_string_equal(credentials->access_key.ptr, "KL");
    assert_non_null(strstr(world->server.requests[1], "\r\nAuthorization: second\r\n"));
    s3_credentials_release(credentials);
    s3_provider_free(provider);
    world_free(world);
}

static void token_that_cannot_be_sent_is_refused_unsent(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, GOOD, 0 } };
    struct world *world = world_new();
    char *big = malloc(32 * 1024 + 2);
    assert_non_null(big);
    memset(big, 'x', 32 * 1024 + 1);
    big[32 * 1024 + 1] = '\0';
    const char *const bad[] = { "HUSH\n", "HUSH\r\nX-Other: y", "", big };
    world_serve(world, steps, 1);
    world_set_url(world, FULL_URI, "/");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        world_set(world, TOKEN_FILE, world_write(world, "token", bad[i]));
        assert_chain_fails(world, NULL, S3_FATAL, "/token\" is empty, longer than 32 KiB, or holds a line break");
        assert_null(strstr(world->error.message, "HUSH"));
    }
    world_set(world, TOKEN_FILE, "/nonexistent/token");
    assert_chain_fails(world, NULL, S3_FATAL,
            "container: " TOKEN_FILE ": \"/nonexistent/token\" cannot be read: No such file or directory");
    assert_int_equal(atomic_load(&world->server.asked), 0);
    big[32 * 1024] = '\0';
    world_set(world, TOKEN_FILE, world_write(world, "token", big));
    assert_chain_gives(world, NULL, "KC", "TC", "container");
    free(big);
    world_free(world);
}

static void what_may_pass_is_tried_three_times(void **state)
{
    (void)state;
    static const struct step good_at_last[] = { { 500, "HUSH", 0 }, { 0, NULL, 0 }, { 200, GOOD, 0 } };
    static const struct step busy[] = { { 503, NULL, 0 } };
    struct world *world = world_new();
    world_serve(world, good_at_last, 3);
    world_set_url(world, FULL_URI, "/");
    assert_chain_gives(world, NULL, "KC", "TC", "container");
    assert_int_equal(atomic_load(&world->server.asked), 3);
    assert_int_equal(atomic_load(&world->slept_ms), 2000);
    world_serve(world, busy, 1);
    world_set_url(world, FULL_URI, "/");
    assert_chain_fails(world, NULL, S3_RETRY, "container: HTTP status 503");
    assert_int_equal(world->error.http_status, 503);
    assert_int_equal(atomic_load(&world->server.asked), 3);
    world_free(world);
}

static void server_that_is_not_there_is_named(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, GOOD, 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 1);
    world_set_url(world, FULL_URI, "/HUSH");
    world_stop_server(world);
    assert_chain_fails(world, NULL, S3_RETRY, "container: ");
    assert_null(strstr(world->error.message, "HUSH"));
    world_free(world);
}

static void silent_server_is_given_up(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, GOOD, 2500 }, { 200, GOOD, 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 2);
    world_set_url(world, FULL_URI, "/");
    assert_chain_gives(world, NULL, "KC", "TC", "container");
    assert_int_equal(atomic_load(&world->server.asked), 2);
    world_free(world);
}

static void bad_answers_are_named_without_their_content(void **state)
{
    (void)state;
    char *big = malloc(70 * 1024);
    assert_non_null(big);
    memset(big, ' ', 70 * 1024 - 1);
    big[70 * 1024 - 1] = '\0';
    const struct {
        struct step step;
        enum s3_status status;
        const char *message;
    } rows[] = {
        { { 200, "HUSH", 0 }, S3_BAD_DATA, "container: the answer is no JSON object" },
        { { 200, "", 0 }, S3_BAD_DATA, "container: the answer is no JSON object" },
        { { 200, "{}", 0 }, S3_BAD_DATA, "container: the answer's access key is missing" },
        { { 200, EXPIRED, 0 }, S3_RETRY, "container: the keys that were just given expired 4000 s ago" },
        { { 200, big, 0 }, S3_BAD_DATA, "container: an answer of more than 64 KiB" },
        { { 400, "HUSH", 0 }, S3_FATAL, "container: HTTP status 400" },
        { { 404, big, 0 }, S3_FATAL, "container: HTTP status 404" },
        { { 302, "HUSH", 0 }, S3_FATAL, "container: HTTP status 302" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *world = world_new();
        world_serve(world, &rows[i].step, 1);
        world_set_url(world, FULL_URI, "/");
        assert_chain_fails(world, NULL, rows[i].status, rows[i].message);
        assert_null(strstr(world->error.message, "HUSH"));
        assert_int_equal(atomic_load(&world->server.asked), 1);
        world_free(world);
    }
    free(big);
}

static void keys_of_the_files_go_before_the_containers(void **state)
{
    (void)state;
    static const struct step steps[] = { { 200, GOOD, 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 1);
    world_set_url(world, FULL_URI, "/");
    world_set(world, "AWS_PROFILE", "p");
    (void)world_write(world, ".aws/config",
            "[profile p]\nregion = r\n[profile q]\naws_access_key_id = KQ\n"
            "aws_secret_access_key = S\n");
    assert_chain_gives(world, NULL, "KC", "TC", "container"); /* AWS_PROFILE names one that has no keys */
    world_set(world, "AWS_PROFILE", "q");
    assert_chain_gives(world, NULL, "KQ", NULL, "profile \"q\"");
    world_free(world);
}

static bool no_sleep(void *ctx, int64_t ms)
{
    (void)ctx;
    (void)ms;
    return false;
}

static void stop_ends_the_waiting(void **state)
{
    (void)state;
    static const struct step steps[] = { { 500, NULL, 0 } };
    struct world *world = world_new();
    world_serve(world, steps, 1);
    world_set_url(world, FULL_URI, "/");
    world->clock.sleep_ms = no_sleep;
    assert_chain_fails(world, NULL, S3_CANCELLED, "stopped");
    assert_int_equal(atomic_load(&world->server.asked), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_address_is_asked_with_the_token),
        cmocka_unit_test(token_file_wins_and_is_read_again_each_time),
        cmocka_unit_test(token_that_cannot_be_sent_is_refused_unsent),
        cmocka_unit_test(what_may_pass_is_tried_three_times),
        cmocka_unit_test(server_that_is_not_there_is_named),
        cmocka_unit_test(silent_server_is_given_up),
        cmocka_unit_test(bad_answers_are_named_without_their_content),
        cmocka_unit_test(keys_of_the_files_go_before_the_containers),
        cmocka_unit_test(stop_ends_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
