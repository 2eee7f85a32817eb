/* Where the config comes from, and what is said when it cannot be read. */
#include "agent/config_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char good[] =
        "{\"vault\": {\"bucket\": \"vvv\"}, \"sources\": [{\"select\": {\"buckets\": [\"docs\"]}, \"policy\": "
        "\"p\"}], \"policies\": {\"p\": {}}}";

static const struct {
    const char *option, *env_config, *env_json;
    enum config_status status;
    enum config_origin_kind kind;
    const char *name, *bucket, *key, *message;
} cases[] = {
    { "a.json", "b.json", "{}", CONFIG_OK, CONFIG_ORIGIN_FILE, "a.json", "", NULL, NULL },
    { NULL, "b.json", "{}", CONFIG_OK, CONFIG_ORIGIN_FILE, "b.json", "", NULL, NULL },
    { "", "", "{}", CONFIG_OK, CONFIG_ORIGIN_TEXT, "VAULTFERRY_CONFIG_JSON", "", NULL, NULL },
    { "s3://bbb/a/b c.json", NULL, NULL, CONFIG_OK, CONFIG_ORIGIN_S3, "s3://bbb/a/b c.json", "bbb", "a/b c.json",
            NULL },
    { NULL, "s3://bbb/k", "{}", CONFIG_OK, CONFIG_ORIGIN_S3, "s3://bbb/k", "bbb", "k", NULL },
    { NULL, NULL, NULL, CONFIG_UNREADABLE, CONFIG_ORIGIN_FILE, NULL, NULL, NULL,
            "no config: give -c FILE, VAULTFERRY_CONFIG or VAULTFERRY_CONFIG_JSON" },
    { "s3://bbb", NULL, NULL, CONFIG_UNREADABLE, CONFIG_ORIGIN_S3, NULL, NULL, NULL,
            "s3://bbb: not an object's URI: s3://BUCKET/KEY" },
    { "s3://bbb/", NULL, NULL, CONFIG_UNREADABLE, CONFIG_ORIGIN_S3, NULL, NULL, NULL,
            "s3://bbb/: not an object's URI: s3://BUCKET/KEY" },
    { "s3://B/k", NULL, NULL, CONFIG_UNREADABLE, CONFIG_ORIGIN_S3, NULL, NULL, NULL,
            "s3://B/k: not a bucket's name in the URI s3://BUCKET/KEY" },
    { "s3:///k", NULL, NULL, CONFIG_UNREADABLE, CONFIG_ORIGIN_S3, NULL, NULL, NULL,
            "s3:///k: not a bucket's name in the URI s3://BUCKET/KEY" },
};

static void option_then_variable_then_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_error error = { 0 };
        struct config_origin origin;

        assert_int_equal(config_source_choose(cases[i].option, cases[i].env_config, cases[i].env_json, &origin, &error),
                cases[i].status);
        if (cases[i].status != CONFIG_OK) {
            assert_string_equal(error.message, cases[i].message);
            continue;
        }
        assert_int_equal(origin.kind, cases[i].kind);
        assert_string_equal(origin.name, cases[i].name);
        assert_string_equal(origin.bucket, cases[i].bucket);
        if (cases[i].key != NULL)
            assert_string_equal(origin.key, cases[i].key);
    }
}

/* Writes `len` bytes to a new file, whose name it leaves in `path`. */
static void write_file(char path[32], const char *text, size_t len)
{
    int file;

    memcpy(path, "/tmp/vaultferry-XXXXXX", sizeof("/tmp/vaultferry-XXXXXX"));
    file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, len), len);
    close(file);
}

static void a_file_is_read_whole_and_bounded(void **state)
{
    struct config_origin origin = { .kind = CONFIG_ORIGIN_FILE };
    struct config_error error = { 0 };
    struct config *config;
    char path[32], *large;

    (void)state;
    write_file(path, good, strlen(good));
    origin.name = path;
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_OK);
    assert_string_equal(config->vault.bucket, "vvv");
    config_free(config);
    unlink(path);
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_UNREADABLE);
    assert_null(config);
    assert_non_null(strstr(error.message, ": No such file or directory"));
    assert_ptr_equal(strstr(error.message, path), error.message);

    large = malloc(JSON_TEXT_MAX + 2);
    assert_non_null(large);
    memset(large, ' ', JSON_TEXT_MAX + 2);
    write_file(path, large, JSON_TEXT_MAX + 2);
    free(large);
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_BAD);
    assert_non_null(strstr(error.message, "more than 1048576 bytes"));
    unlink(path);

    origin.name = "/";
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_UNREADABLE);
    assert_string_equal(error.message, "/: Is a directory");
    /* NUL bytes do not end a file */
    write_file(path, "{}\0{}", 5);
    origin.name = path;
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_BAD);
    assert_non_null(strstr(error.message, "expected nothing after the value, found byte 0x00 at line 1, column 3"));
    unlink(path);
}

static void the_variable_itself_is_the_text(void **state)
{
    struct config_origin origin;
    struct config_error error = { 0 };
    struct config *config;

    (void)state;
    assert_int_equal(config_source_choose(NULL, NULL, good, &origin, &error), CONFIG_OK);
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_OK);
    config_free(config);
    assert_int_equal(config_source_choose(NULL, NULL, "{", &origin, &error), CONFIG_OK);
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_BAD);
    assert_string_equal(error.message,
            "VAULTFERRY_CONFIG_JSON: not valid JSON: expected a quoted name, but the text ends at line 1, column 2");
}

static enum config_status fetch(
        void *ctx, const char *bucket, const char *key, char **text, size_t *len, char *why, size_t why_size)
{
    assert_string_equal(bucket, "bbb");
    assert_string_equal(key, "a/k");
    if (ctx == NULL) {
        snprintf(why, why_size, "GetObject: AccessDenied");
        return CONFIG_UNREADABLE;
    }
    *text = strdup(ctx);
    *len = strlen(ctx);
    return CONFIG_OK;
}

static void an_object_is_fetched_by_the_caller(void **state)
{
    struct config_origin origin;
    struct config_error error = { 0 };
    struct config *config;
    char text[sizeof(good)];

    (void)state;
    memcpy(text, good, sizeof(good));
    assert_int_equal(config_source_choose("s3://bbb/a/k", NULL, NULL, &origin, &error), CONFIG_OK);
    assert_int_equal(config_load(&origin, fetch, text, &config, &error), CONFIG_OK);
    config_free(config);
    text[0] = '[';
    assert_int_equal(config_load(&origin, fetch, text, &config, &error), CONFIG_BAD);
    assert_ptr_equal(strstr(error.message, "s3://bbb/a/k: not valid JSON: "), error.message);
    assert_int_equal(config_load(&origin, fetch, NULL, &config, &error), CONFIG_UNREADABLE);
    assert_string_equal(error.message, "s3://bbb/a/k: GetObject: AccessDenied");
    assert_int_equal(config_load(&origin, NULL, NULL, &config, &error), CONFIG_UNREADABLE);
    assert_string_equal(error.message, "s3://bbb/a/k: an s3:// URI cannot be read here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_then_variable_then_text),
        cmocka_unit_test(a_file_is_read_whole_and_bounded),
        cmocka_unit_test(the_variable_itself_is_the_text),
        cmocka_unit_test(an_object_is_fetched_by_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
