/* Which buckets and keys a source means. */
#include "agent/select.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct select_tag enabled[] = { { "team", "a" }, { "backup", "enabled" } };
static const struct select_tag disabled[] = { { "backup", "no" } };

/* A config of the given sources (JSON, without their policy's definition). */
static struct config *parse(const char *sources)
{
    struct config_error error = { 0 };
    struct config *config = NULL;
    char text[2048];

    snprintf(text, sizeof(text),
            "{\"vault\": {\"bucket\": \"acme-vault\", \"account\": \"444455556666\"},\n\"sources\": "
            "[%s],\n\"policies\": {\"p\": {}}}",
            sources);
    if (config_parse("c.json", text, strlen(text), &config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    return config;
}

static const struct {
    const char *select, *name, *account, *arn;
    const struct select_tag *tags;
    size_t tag_count;
    enum select_verdict verdict;
    const char *reason;
} cases[] = {
    { "\"buckets\": [\"docs\"]", "docs", NULL, NULL, NULL, 0, SELECT_YES, "matches \"docs\" of \"buckets\"" },
    { "\"buckets\": [\"docs\"]", "docs-2", NULL, NULL, NULL, 0, SELECT_NO,
            "matches nothing of \"buckets\" and \"arns\"" },
    { "\"buckets\": [\"x\", \"acme-*\"]", "acme-1", NULL, NULL, NULL, 0, SELECT_YES,
            "matches \"acme-*\" of \"buckets\"" },
    { "\"arns\": [\"arn:aws:s3:::acme-*\"]", "acme-1", NULL, NULL, NULL, 0, SELECT_YES,
            "matches \"arn:aws:s3:::acme-*\" of \"arns\"" },
    { "\"arns\": [\"arn:aws:s3:::acme-*\"]", "acme-1", NULL, "arn:aws:s3:::acme-1", NULL, 0, SELECT_YES,
            "matches \"arn:aws:s3:::acme-*\" of \"arns\"" },
    { "\"arns\": [\"arn:aws-cn:s3:::acme-*\"]", "acme-1", NULL, "arn:aws:s3:::acme-1", NULL, 0, SELECT_NO,
            "matches nothing of \"buckets\" and \"arns\"" },
    { "\"buckets\": [\"a\"], \"arns\": [\"arn:aws:s3:::b\"]", "b", NULL, NULL, NULL, 0, SELECT_YES,
            "matches \"arn:aws:s3:::b\" of \"arns\"" },
    { "\"buckets\": [\"acme-*\"], \"exclude_buckets\": [\"*-logs\"]", "acme-logs", NULL, NULL, NULL, 0, SELECT_EXCLUDED,
            "matches \"*-logs\" of \"exclude_buckets\"" },
    { "\"buckets\": [\"acme-logs\"], \"exclude_buckets\": [\"*-logs\"]", "acme-logs", NULL, NULL, NULL, 0,
            SELECT_EXCLUDED, "matches \"*-logs\" of \"exclude_buckets\"" },
    { "\"buckets\": [\"x\"], \"exclude_buckets\": [\"*-logs\"]", "acme-logs", NULL, NULL, NULL, 0, SELECT_NO,
            "matches nothing of \"buckets\" and \"arns\"" },
    { "\"tags\": {\"backup\": \"enabled\"}", "docs", NULL, NULL, enabled, 2, SELECT_YES, "has the tags of \"tags\"" },
    { "\"tags\": {\"backup\": \"en*\", \"team\": \"*\"}", "docs", NULL, NULL, enabled, 2, SELECT_YES,
            "has the tags of \"tags\"" },
    { "\"tags\": {\"backup\": \"enabled\", \"team\": \"b\"}", "docs", NULL, NULL, enabled, 2, SELECT_NO,
            "its tag \"team\" is \"a\", not \"b\"" },
    { "\"tags\": {\"backup\": \"Enabled\"}", "docs", NULL, NULL, enabled, 2, SELECT_NO,
            "its tag \"backup\" is \"enabled\", not \"Enabled\"" },
    { "\"tags\": {\"Backup\": \"enabled\"}", "docs", NULL, NULL, enabled, 2, SELECT_NO, "lacks the tag \"Backup\"" },
    { "\"buckets\": [\"d*\"], \"tags\": {\"backup\": \"enabled\"}", "docs", NULL, NULL, disabled, 1, SELECT_NO,
            "its tag \"backup\" is \"no\", not \"enabled\"" },
    { "\"buckets\": [\"d*\"], \"tags\": {\"backup\": \"enabled\"}", "docs", NULL, NULL, enabled, 2, SELECT_YES,
            "matches \"d*\" of \"buckets\"" },
    { "\"buckets\": [\"d*\"], \"tags\": {\"backup\": \"enabled\"}", "x", NULL, NULL, enabled, 2, SELECT_NO,
            "matches nothing of \"buckets\" and \"arns\"" },
    /* tags are only asked for where they decide */
    { "\"buckets\": [\"d*\"], \"tags\": {\"backup\": \"enabled\"}", "docs", NULL, NULL, NULL, 0, SELECT_TAGS_NEEDED,
            "depends on its tags" },
    { "\"buckets\": [\"d*\"], \"tags\": {\"backup\": \"enabled\"}", "x", NULL, NULL, NULL, 0, SELECT_NO,
            "matches nothing of \"buckets\" and \"arns\"" },
    { "\"tags\": {\"backup\": \"enabled\"}, \"exclude_buckets\": [\"docs\"]", "docs", NULL, NULL, NULL, 0,
            SELECT_EXCLUDED, "matches \"docs\" of \"exclude_buckets\"" },
    { "\"buckets\": [\"docs\"]", "docs", "111122223333", NULL, NULL, 0, SELECT_YES, "matches \"docs\" of \"buckets\"" },
    { "\"buckets\": [\"docs\"]", "docs", "999922223333", NULL, NULL, 0, SELECT_NO,
            "belongs to account 999922223333, not 111122223333" },
};

static void table_of_buckets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct select_candidate candidate = { .name = cases[i].name,
            .account = cases[i].account,
            .arn = cases[i].arn,
            .tags_known = cases[i].tags != NULL,
            .tags = cases[i].tags,
            .tag_count = cases[i].tag_count };
        struct select_reason reason = { .text = "" };
        struct config *config;
        char source[512];

        snprintf(source, sizeof(source), "{\"account\": \"111122223333\", \"select\": {%s}, \"policy\": \"p\"}",
                cases[i].select);
        config = parse(source);
        assert_int_equal(select_bucket(&config->sources[0], &candidate, &reason), cases[i].verdict);
        assert_string_equal(reason.text, cases[i].reason);
        assert_int_equal(select_bucket(&config->sources[0], &candidate, NULL), cases[i].verdict);
        config_free(config);
    }
}

static void streams_select_nothing(void **state)
{
    struct config *config = parse("{\"kind\": \"stream\", \"name\": \"docs\", \"policy\": \"p\"}");
    struct select_candidate candidate = { .name = "docs" };
    size_t cursor = 0;

    (void)state;
    assert_int_equal(select_bucket(&config->sources[0], &candidate, NULL), SELECT_NO);
    assert_false(select_needs_listing(&config->sources[0]));
    assert_null(select_next_literal(&config->sources[0], &cursor));
    assert_string_equal(select_folder(&config->sources[0], NULL), "docs");
    config_free(config);
}

static void literal_buckets_need_no_listing(void **state)
{
    struct config *config =
            parse("{\"select\": {\"buckets\": [\"a\"], \"arns\": [\"arn:aws:s3:::b\"]}, \"policy\": \"p\"},"
                  "{\"select\": {\"buckets\": [\"c\", \"d*\"]}, \"policy\": \"p\"},"
                  "{\"select\": {\"tags\": {\"x\": \"y\"}}, \"policy\": \"p\"},"
                  "{\"name\": \"own\", \"select\": {\"buckets\": [\"e\"]}, \"policy\": \"p\"}");
    size_t cursor = 0;

    (void)state;
    assert_false(select_needs_listing(&config->sources[0]));
    assert_string_equal(select_next_literal(&config->sources[0], &cursor), "a");
    assert_string_equal(select_next_literal(&config->sources[0], &cursor), "b");
    assert_null(select_next_literal(&config->sources[0], &cursor));
    assert_true(select_needs_listing(&config->sources[1]));
    assert_true(select_needs_listing(&config->sources[2]));
    assert_string_equal(select_folder(&config->sources[0], "a"), "a");
    assert_string_equal(select_folder(&config->sources[3], "e"), "own");
    config_free(config);
}

static void the_vault_is_known(void **state)
{
    struct config *config =
            parse("{\"select\": {\"buckets\": [\"acme-*\"]}, \"policy\": \"p\"},"
                  "{\"account\": \"111122223333\", \"select\": {\"buckets\": [\"a-*\"]}, \"policy\": \"p\"}");
    struct select_candidate vault = { .name = "acme-vault" }, other = { .name = "acme-docs" };
    struct select_candidate foreign = { .name = "acme-vault", .account = "111122223333" };

    (void)state;
    assert_true(select_is_vault(config, &config->sources[0], &vault));
    assert_false(select_is_vault(config, &config->sources[0], &other));
    /* stores with tenants: the same name in another account is another bucket */
    assert_false(select_is_vault(config, &config->sources[0], &foreign));
    assert_false(select_is_vault(config, &config->sources[1], &vault));
    config_free(config);
}

static void keys_are_excluded_by_globs(void **state)
{
    struct config *config =
            parse("{\"select\": {\"buckets\": [\"a\"], \"exclude_keys\": [\"tmp/*\", \"*.part\", \"x?\"]}, "
                  "\"policy\": \"p\"}, {\"select\": {\"buckets\": [\"b\"]}, \"policy\": \"p\"}");
    const struct config_source *source = &config->sources[0];

    (void)state;
    assert_false(select_key(source, "tmp/a/b", 7));
    assert_false(select_key(source, "a/b.part", 8));
    assert_false(select_key(source, "x\xC3\xA9", 3));
    assert_true(select_key(source, "a/tmp/b", 7));
    assert_true(select_key(source, "tmp/", 3));
    assert_true(select_key(&config->sources[1], "tmp/a", 5));
    config_free(config);
}

static void missing_literals_are_errors_and_idle_globs_warnings(void **state)
{
    struct config *config =
            parse("{\"account\": \"111122223333\", \"select\": {\"buckets\": [\"gone\", \"acme-*\", \"none-*\", "
                  "\"kept-out\"], \"arns\": [\"arn:aws:s3:::lost\"], \"exclude_buckets\": [\"kept-out\"]}, "
                  "\"policy\": \"p\"}, {\"select\": {\"tags\": {\"backup\": \"enabled\"}}, \"policy\": \"p\"}");
    struct select_candidate docs = { .name = "acme-docs" }, out = { .name = "kept-out" };
    struct select_candidate foreign = { .name = "none-1", .account = "999922223333" };
    struct select_tally *tally = select_tally_new(&config->sources[0]);
    struct select_reason reason;
    size_t cursor = 0;

    (void)state;
    assert_non_null(tally);
    select_tally_add(tally, &docs);
    select_tally_add(tally, &out);
    select_tally_add(tally, &foreign);
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_MISSING);
    assert_string_equal(
            reason.text, "bucket \"gone\" of the source at line 2, column 13 does not exist, or may not be seen");
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_UNMATCHED);
    assert_string_equal(reason.text, "\"none-*\" of the source at line 2, column 13 matches no bucket");
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_MISSING);
    assert_string_equal(
            reason.text, "bucket \"lost\" of the source at line 2, column 13 does not exist, or may not be seen");
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_NO_PROBLEM);
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_NO_PROBLEM);
    select_tally_free(tally);

    tally = select_tally_new(&config->sources[1]);
    assert_non_null(tally);
    cursor = 0;
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_UNMATCHED);
    assert_non_null(strstr(reason.text, "no bucket has the tags of the source at line 2, column "));
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_NO_PROBLEM);
    docs.tags_known = true;
    docs.tags = enabled;
    docs.tag_count = 2;
    select_tally_add(tally, &docs);
    cursor = 0;
    assert_int_equal(select_tally_next(tally, &cursor, &reason), SELECT_NO_PROBLEM);
    select_tally_free(tally);
    select_tally_free(NULL);
    config_free(config);
}

static void two_sources_never_share_a_bucket_or_a_name(void **state)
{
    struct config *config =
            parse("{\"select\": {\"buckets\": [\"a*\"]}, \"policy\": \"p\"},\n{\"select\": {\"buckets\": [\"*b\"]}, "
                  "\"policy\": \"p\"},\n"
                  "{\"account\": \"111122223333\", \"select\": {\"tags\": {\"x\": \"y\"}}, \"policy\": \"p\"},\n"
                  "{\"account\": \"999922223333\", \"select\": {\"tags\": {\"x\": \"y\"}}, \"policy\": \"p\"},\n"
                  "{\"kind\": \"stream\", \"name\": \"dumps\", \"policy\": \"p\"}");
    const struct config_source *s = config->sources, *pair[2];
    struct select_reason reason;

    (void)state;
    struct select_pick apart[] = { { &s[0], "ax" }, { &s[1], "xb" }, { &s[4], NULL }, { &s[2], "t" } };
    assert_false(select_collides(apart, 4, pair, &reason));
    assert_false(select_collides(apart, 0, pair, &reason));
    /* a source that met its bucket twice does not collide with itself */
    struct select_pick twice[] = { { &s[0], "ax" }, { &s[0], "ax" } };
    assert_false(select_collides(twice, 2, pair, &reason));

    struct select_pick same[] = { { &s[1], "ab" }, { &s[2], "t" }, { &s[0], "ab" } };
    assert_true(select_collides(same, 3, pair, &reason));
    assert_string_equal(
            reason.text, "the sources at line 2, column 13 and line 3, column 1 select the same bucket \"ab\"");
    assert_ptr_equal(pair[0], &s[0]);
    assert_ptr_equal(pair[1], &s[1]);
    assert_true(select_collides(same, 3, pair, NULL));

    /* an unknown account may be any */
    struct select_pick unknown[] = { { &s[3], "ab" }, { &s[2], "ab" }, { &s[0], "ab" } };
    assert_true(select_collides(unknown, 3, pair, &reason));
    assert_non_null(strstr(reason.text, "select the same bucket \"ab\""));
    /* two accounts' buckets of one name would share a folder */
    struct select_pick tenants[] = { { &s[3], "ab" }, { &s[2], "ab" } };
    assert_true(select_collides(tenants, 2, pair, &reason));
    assert_non_null(strstr(reason.text, "have the same name \"ab\""));
    struct select_pick stream[] = { { &s[4], NULL }, { &s[0], "dumps" } };
    assert_true(select_collides(stream, 2, pair, &reason));
    assert_non_null(strstr(reason.text, "have the same name \"dumps\""));
    config_free(config);
}

static void folder_of_the_vault_is_led_back_to_its_source(void **state)
{
    (void)state;
    struct config *config =
            parse("{\"select\": {\"buckets\": [\"acme-*\"], \"exclude_buckets\": [\"*-logs\"]}, "
                  "\"policy\": \"p\"}, "
                  "{\"name\": \"named\", \"select\": {\"buckets\": [\"a-bucket\"]}, \"policy\": \"p\"}, "
                  "{\"name\": \"dumps\", \"kind\": \"stream\", \"policy\": \"p\"}, "
                  "{\"select\": {\"arns\": [\"arn:aws:s3:::b-*\"], \"tags\": {\"x\": \"y\"}}, "
                  "\"policy\": \"p\"}");
    assert_ptr_equal(select_source_of(config, "acme-1"), &config->sources[0]);
    assert_ptr_equal(select_source_of(config, "named"), &config->sources[1]);
    assert_ptr_equal(select_source_of(config, "dumps"), &config->sources[2]);
    assert_ptr_equal(select_source_of(config, "b-1"), &config->sources[3]);
    assert_null(select_source_of(config, "acme-logs"));
    assert_null(select_source_of(config, "a-bucket"));
    assert_null(select_source_of(config, "other"));
    config_free(config);
}

static void source_that_names_a_folder_goes_before_patterns(void **state)
{
    size_t cursor = 0;

    (void)state;
    struct config *config =
            parse("{\"account\": \"111111111111\", \"select\": {\"buckets\": [\"*\"]}, \"policy\": \"p\"}, "
                  "{\"account\": \"222222222222\", \"select\": {\"buckets\": [\"acme-*\", \"b-1\"], "
                  "\"tags\": {\"x\": \"y\"}}, \"policy\": \"p\"}, "
                  "{\"account\": \"333333333333\", \"select\": {\"arns\": [\"arn:aws:s3:::acme-1\"]}, "
                  "\"policy\": \"p\"}");
    assert_ptr_equal(select_source_of(config, "acme-1"), &config->sources[2]);
    assert_ptr_equal(select_next_source_of(config, "acme-1", &cursor), &config->sources[2]);
    assert_null(select_next_source_of(config, "acme-1", &cursor));
    cursor = 0; /* with tags, even a name is only a maybe */
    assert_ptr_equal(select_next_source_of(config, "b-1", &cursor), &config->sources[0]);
    assert_ptr_equal(select_next_source_of(config, "b-1", &cursor), &config->sources[1]);
    assert_null(select_next_source_of(config, "b-1", &cursor));
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_of_the_vault_is_led_back_to_its_source),
        cmocka_unit_test(source_that_names_a_folder_goes_before_patterns),
        cmocka_unit_test(table_of_buckets),
        cmocka_unit_test(streams_select_nothing),
        cmocka_unit_test(literal_buckets_need_no_listing),
        cmocka_unit_test(the_vault_is_known),
        cmocka_unit_test(keys_are_excluded_by_globs),
        cmocka_unit_test(missing_literals_are_errors_and_idle_globs_warnings),
        cmocka_unit_test(two_sources_never_share_a_bucket_or_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
