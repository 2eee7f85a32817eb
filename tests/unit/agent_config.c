/* Configs that must be understood: the documented example, the smallest one, the short form; and what is made of them.
 */
#include "agent/config.h"
#include "agent/config_table.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char example[] =
        "{\n"
        "  \"vault\": {\n"
        "    \"bucket\": \"acme-vault\", \"region\": \"eu-west-1\", \"account\": \"444455556666\", \"prefix\": \"\",\n"
        "    \"role_arn\": \"arn:aws:iam::444455556666:role/vaultferry-vault\", \"external_id\": \"ferry-1\", "
        "\"profile\": null,\n"
        "    \"prune_role_arn\": \"arn:aws:iam::444455556666:role/vaultferry-prune\",\n"
        "    \"endpoint\": null, \"sts_endpoint\": null, \"path_style\": false, \"acl\": null,\n"
        "    \"encryption\": {\"kms_key_id\": null}, \"lock\": {\"mode\": \"governance\", \"days\": 35, \"extend\": "
        "false}\n"
        "  },\n"
        "  \"sources\": [\n"
        "    { \"account\": \"111122223333\", \"region\": \"eu-west-1\", \"role_arn\": null, \"external_id\": null, "
        "\"profile\": null,\n"
        "      \"endpoint\": null, \"sts_endpoint\": null, \"path_style\": false, \"copy_source_prefix\": \"\",\n"
        "      \"select\": { \"buckets\": [\"acme-*\"], \"arns\": [], \"tags\": {\"backup\": \"enabled\"},\n"
        "                  \"exclude_buckets\": [\"*-uploads\", \"*-logs\"], \"prefixes\": [], \"exclude_keys\": "
        "[\"tmp/*\", \"*.part\"] },\n"
        "      \"policy\": \"document_storage\", \"copy\": \"server\" },\n"
        "    { \"name\": \"dumps\", \"kind\": \"stream\", \"policy\": \"document_storage\" }\n"
        "  ],\n"
        "  \"policies\": {\n"
        "    \"document_storage\": {\n"
        "      \"schedule\": \"cron(0 3 * * ? *)\", \"timezone\": \"UTC\",\n"
        "      \"start_window_minutes\": 60, \"completion_window_minutes\": 180,\n"
        "      \"tiers\": [ {\"after_days\": 30,  \"class\": \"STANDARD_IA\"},\n"
        "                 {\"after_days\": 90,  \"class\": \"GLACIER\"},\n"
        "                 {\"after_days\": 365, \"class\": \"DEEP_ARCHIVE\"} ],\n"
        "      \"min_size\": \"auto\", \"transitions\": \"auto\", \"parts\": \"auto\",\n"
        "      \"keep\": {\"last\": 1, \"daily\": 35, \"weekly\": 13, \"monthly\": 12, \"yearly\": 7},\n"
        "      \"delete_after_days\": 2555, \"grace_days\": 7,\n"
        "      \"guard\": {\"changed\": \"30%\", \"deleted\": \"10%\", \"at_least\": 20},\n"
        "      \"tags\": \"require\", \"acl\": \"ignore\", \"annotations\": \"exclude\"\n"
        "    }\n"
        "  },\n"
        "  \"notify\": {\"sns_topic_arn\": null, \"on\": [\"failure\", \"guard\", \"stale\"]},\n"
        "  \"metrics\": {\"emf\": false, \"prometheus_file\": null},\n"
        "  \"limits\": {\"workers\": 64, \"requests_per_second\": null, \"max_cost\": null},\n"
        "  \"prices\": null\n"
        "}\n";

static struct config *parse(const char *text)
{
    struct config_error error = { 0 };
    struct config *config = NULL;

    if (config_parse("c.json", text, strlen(text), &config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    return config;
}

/* A policy in the smallest config around it. */
static struct config *parse_policy(const char *policy)
{
    char text[2048];

    snprintf(text, sizeof(text),
            "{\"vault\": {\"bucket\": \"the-vault\"}, \"sources\": [{\"select\": {\"buckets\": [\"docs\"]}, "
            "\"policy\": "
            "\"p\"}], \"policies\": {\"p\": %s}}",
            policy);
    return parse(text);
}

static void the_documented_example_is_understood(void **state)
{
    struct config *config = parse(example);
    const struct config_source *source = &config->sources[0], *stream = &config->sources[1];
    const struct config_policy *policy = source->policy;

    (void)state;
    assert_string_equal(config->vault.bucket, "acme-vault");
    assert_string_equal(config->vault.access.region, "eu-west-1");
    assert_string_equal(config->vault.access.external_id, "ferry-1");
    assert_string_equal(config->vault.prefix, "");
    assert_null(config->vault.access.profile);
    assert_null(config->vault.kms_key_id);
    assert_true(config->vault.lock.given);
    assert_int_equal(config->vault.lock.mode, CONFIG_LOCK_GOVERNANCE);
    assert_int_equal(config->vault.lock.days, 35);
    assert_int_equal(config->source_count, 2);
    assert_string_equal(source->access.account, "111122223333");
    assert_int_equal(source->kind, CONFIG_KIND_BUCKET);
    assert_int_equal(source->select.buckets.count, 1);
    assert_string_equal(source->select.exclude_buckets.items[1], "*-logs");
    assert_string_equal(source->select.tags.items[0].name, "backup");
    assert_string_equal(source->select.tags.items[0].value, "enabled");
    assert_int_equal(source->node->line, 10);
    assert_int_equal(stream->kind, CONFIG_KIND_STREAM);
    assert_string_equal(stream->name, "dumps");
    assert_ptr_equal(stream->policy, policy);
    assert_string_equal(policy->name, "document_storage");
    assert_string_equal(policy->schedule, "cron(0 3 * * ? *)");
    assert_int_equal(policy->tier_count, 3);
    assert_int_equal(policy->tiers[2].after_days, 365);
    assert_int_equal(policy->tiers[2].class_, CLASS_DEEP_ARCHIVE);
    assert_int_equal(policy->min_size, CONFIG_AUTO);
    assert_true(policy->keep.given);
    assert_int_equal(policy->keep.daily, 35);
    assert_int_equal(policy->keep.hourly, 0);
    assert_int_equal(policy->delete_after_days, 2555);
    assert_true(policy->guard.changed > 0.2999 && policy->guard.changed < 0.3001);
    assert_int_equal(config->notify.on, CONFIG_ON_FAILURE | CONFIG_ON_GUARD | CONFIG_ON_STALE);
    assert_int_equal(config->limits.workers, 64);
    assert_true(config->limits.max_cost == CONFIG_UNSET);
    assert_false(config->prices.given);
    config_free(config);
}

static void the_smallest_config_has_the_documented_defaults(void **state)
{
    struct config *config = parse_policy("{}");
    const struct config_policy *policy = &config->policies[0];

    (void)state;
    assert_false(config->vault.lock.given);
    assert_null(config->vault.access.role_arn);
    assert_string_equal(config->sources[0].copy_source_prefix, "");
    assert_int_equal(config->sources[0].copy, CONFIG_COPY_SERVER);
    assert_null(policy->schedule);
    assert_string_equal(policy->timezone, "UTC");
    assert_int_equal(policy->start_window_minutes, 60);
    assert_int_equal(policy->completion_window_minutes, 180);
    assert_int_equal(policy->tier_count, 0);
    assert_false(policy->keep.given);
    assert_int_equal(policy->delete_after_days, CONFIG_UNSET);
    assert_int_equal(policy->grace_days, 7);
    assert_int_equal(policy->guard.at_least, 20);
    assert_true(policy->guard.deleted > 0.0999 && policy->guard.deleted < 0.1001);
    assert_int_equal(policy->tags, CONFIG_TAGS_REQUIRE);
    assert_int_equal(policy->acl, CONFIG_ACL_IGNORE);
    assert_int_equal(policy->annotations, CONFIG_ANNOTATIONS_EXCLUDE);
    assert_int_equal(config->limits.workers, 64);
    assert_false(config->metrics.emf);
    config_free(config);
    config_free(NULL);
}

static void the_short_form_is_a_tier_of_glacier(void **state)
{
    struct config *config = parse_policy(
            "{\"schedule\": \"cron(0 3 * * ? *)\", \"delete_after_days\": 2555, \"cold_storage_after_days\": 90}");
    const struct config_policy *policy = &config->policies[0];

    (void)state;
    assert_int_equal(policy->tier_count, 1);
    assert_int_equal(policy->tiers[0].after_days, 90);
    assert_int_equal(policy->tiers[0].class_, CLASS_GLACIER);
    assert_int_equal(policy->cold_storage_after_days, CONFIG_UNSET);
    config_free(config);
}

static const char *const good_policies[] = {
    "{\"cold_storage_after_days\": 90, \"delete_after_days\": 180}",
    "{\"cold_storage_after_days\": 0}",
    "{\"transitions\": \"lifecycle\", \"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": "
    "60, "
    "\"class\": \"GLACIER\"}]}",
    "{\"transitions\": \"lifecycle\", \"tiers\": [{\"after_days\": 0, \"class\": \"GLACIER_IR\"}, {\"after_days\": 1, "
    "\"class\": \"GLACIER\"}]}",
    "{\"transitions\": \"agent\", \"tiers\": [{\"after_days\": 1, \"class\": \"STANDARD_IA\"}, {\"after_days\": 2, "
    "\"class\": \"ONEZONE_IA\"}, {\"after_days\": 3, \"class\": \"DEEP_ARCHIVE\"}]}",
    "{\"tiers\": [{\"after_days\": 0, \"class\": \"INTELLIGENT_TIERING\"}]}",
    "{\"schedule\": \"\"}",
    "{\"schedule\": \"rate(1 hour)\", \"timezone\": \"America/Argentina/Buenos_Aires\"}",
    "{\"schedule\": \"cron(0/15 8-17 ? JAN,MAR MON#2 *)\", \"timezone\": \"Etc/GMT+3\"}",
    "{\"keep\": {\"last\": -1}}",
    "{\"keep\": {\"within\": \"1y5m7d2h\", \"within_daily\": \"90d\"}}",
    "{\"keep\": null, \"delete_after_days\": 1}",
    "{\"guard\": {\"changed\": 0.5, \"deleted\": \"0.5%\"}}",
    "{\"guard\": {\"changed\": 1, \"deleted\": \"100%\", \"at_least\": 0}}",
    "{\"min_size\": 131072, \"parts\": \"faithful\", \"tags\": \"best-effort\", \"acl\": \"record\", \"annotations\": "
    "\"copy\"}",
};

static void unusual_policies_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_policies) / sizeof(good_policies[0]); i++)
        config_free(parse_policy(good_policies[i]));
}

static const char large[] = "{\"$schema\": \"x.json\", \"vault\": {\"bucket\": \"v.v\", \"prefix\": \"a/b.c/\", "
                            "\"endpoint\": \"http://127.0.0.1:8000\", "
                            "\"path_style\": true, \"acl\": \"bucket-owner-full-control\", \"encryption\": "
                            "{\"kms_key_id\": \"alias/vault\"}}, "
                            "\"sources\": [{\"select\": {\"arns\": [\"arn:aws-us-gov:s3:::gov-[a-c]*\"]}, \"policy\": "
                            "\"p\"}, {\"select\": {\"tags\": "
                            "{\"a b\": \"*\", \"e\": \"\"}}, \"policy\": \"p\", \"copy_source_prefix\": "
                            "\"111122223333:\", \"copy\": \"stream\", "
                            "\"endpoint\": \"https://[::1]:9\"}], \"policies\": {\"p\": {}, \"unused\": {}}}";

static void the_largest_forms_are_understood(void **state)
{
    struct config *config = parse(large);

    (void)state;
    assert_string_equal(config->vault.kms_key_id, "alias/vault");
    assert_string_equal(config->sources[1].copy_source_prefix, "111122223333:");
    config_free(config);
    config = parse(
            "{\"vault\": {\"bucket\": \"vvv\"}, \"sources\": [{\"kind\": \"stream\", \"name\": \"d\", \"policy\": "
            "\"p\"}], \"policies\": {\"p\": {}}, \"notify\": {\"sns_topic_arn\": "
            "\"arn:aws:sns:eu-west-1:111122223333:t\", \"on\": []}, \"metrics\": {\"emf\": true}, \"limits\": "
            "{\"workers\": 1, \"requests_per_second\": 2.5, \"max_cost\": 0}, \"prices\": {\"date\": \"2026-11-20\", "
            "\"currency\": \"EUR\", \"list_1k\": 0.005, \"classes\": {\"GLACIER\": {\"put_1k\": 0.03}}}}");
    assert_int_equal(config->notify.on, 0);
    assert_true(config->limits.requests_per_second == 2.5);
    assert_true(config->limits.max_cost == 0);
    assert_true(config->prices.given);
    assert_string_equal(config->prices.classes[0].class_, "GLACIER");
    assert_true(config->prices.classes[0].put_1k == 0.03);
    assert_true(config->prices.classes[0].get_1k == CONFIG_UNSET);
    config_free(config);
}

/* What one source names and another one's glob would take is no overlap where they list different buckets. */
static void other_accounts_and_stores_do_not_overlap(void **state)
{
    (void)state;
    config_free(parse("{\"vault\": {\"bucket\": \"vvv\"}, \"sources\": ["
                      "{\"account\": \"111122223333\", \"select\": {\"buckets\": [\"docs\"]}, \"policy\": \"p\"},"
                      "{\"account\": \"444455556666\", \"select\": {\"buckets\": [\"do*\"]}, \"policy\": \"p\"},"
                      "{\"endpoint\": \"http://127.0.0.1:1\", \"select\": {\"buckets\": [\"*\"]}, \"policy\": \"p\"},"
                      "{\"account\": \"111122223333\", \"select\": {\"buckets\": [\"d*\"], \"exclude_buckets\": "
                      "[\"docs\"]}, \"policy\": \"p\"},"
                      "{\"account\": \"111122223333\", \"select\": {\"buckets\": [\"d*\"], \"tags\": {\"a\": \"b\"}}, "
                      "\"policy\": \"p\"}"
                      "], \"policies\": {\"p\": {}}}"));
}

static void prefixes_are_sorted_and_reduced(void **state)
{
    struct config *config = parse("{\"vault\": {\"bucket\": \"vvv\"}, \"sources\": ["
                                  "{\"select\": {\"buckets\": [\"docs\"], \"prefixes\": [\"b/\", \"a/b/\", "
                                  "\"\xC3\xA9\", \"a/\", \"a/\", \"a0\"]}, \"policy\": \"p\"},"
                                  "{\"select\": {\"buckets\": [\"more\"], \"prefixes\": [\"a\", \"\"]}, \"policy\": "
                                  "\"p\"}], \"policies\": {\"p\": {}}}");
    const struct config_strings *prefixes = &config->sources[0].select.prefixes;

    (void)state;
    assert_int_equal(prefixes->count, 4);
    assert_string_equal(prefixes->items[0], "a/");
    assert_string_equal(prefixes->items[1], "a0");
    assert_string_equal(prefixes->items[2], "b/");
    assert_string_equal(prefixes->items[3], "\xC3\xA9");
    assert_int_equal(config->sources[1].select.prefixes.count, 0);
    config_free(config);
}

static void the_effective_policy_is_written_and_read_back(void **state)
{
    struct config *config = parse(example), *again;
    char *text = config_policy_json(&config->policies[0]), *second, *policy;

    (void)state;
    assert_non_null(text);
    assert_string_equal(text, "{\"name\":\"document_storage\",\"schedule\":\"cron(0 3 * * ? "
                              "*)\",\"timezone\":\"UTC\",\"start_window_minutes\":60,"
                              "\"completion_window_minutes\":180,\"tiers\":[{\"after_days\":30,\"class\":\"STANDARD_"
                              "IA\"},{\"after_days\":90,"
                              "\"class\":\"GLACIER\"},{\"after_days\":365,\"class\":\"DEEP_ARCHIVE\"}],\"min_size\":"
                              "\"auto\",\"transitions\":"
                              "\"auto\",\"parts\":\"auto\",\"keep\":{\"last\":1,\"hourly\":0,\"daily\":35,\"weekly\":"
                              "13,\"monthly\":12,\"yearly\":7},"
                              "\"delete_after_days\":2555,\"grace_days\":7,\"guard\":{\"changed\":\"30%\",\"deleted\":"
                              "\"10%\",\"at_least\":20},"
                              "\"tags\":\"require\",\"acl\":\"ignore\",\"annotations\":\"exclude\"}");
    free(text);
    config_free(config);
    for (size_t i = 0; i < sizeof(good_policies) / sizeof(good_policies[0]); i++) {
        config = parse_policy(good_policies[i]);
        text = config_policy_json(&config->policies[0]);
        assert_non_null(text);
        /* without the name, which stands before the policy in a config */
        policy = strchr(text, ',');
        assert_non_null(policy);
        *policy = '{';
        again = parse_policy(policy);
        second = config_policy_json(&again->policies[0]);
        assert_non_null(second);
        *policy = ',';
        assert_string_equal(second, text);
        free(second);
        free(text);
        config_free(again);
        config_free(config);
    }
}

/* The schema of a nullable field stands in anyOf. */
static json_t *unwrap(json_t *schema)
{
    json_t *any = json_object_get(schema, "anyOf");

    return any != NULL ? json_array_get(any, 0) : schema;
}

static void expect_in_schema(json_t *value, json_t *schema, const char *name)
{
    json_t *properties = json_object_get(unwrap(schema), "properties"), *item;
    const char *key;
    size_t i;

    if (schema == NULL)
        fail_msg("not in the schema: %s", name);
    if (json_is_object(value))
        json_object_foreach(value, key, item) expect_in_schema(item,
                properties != NULL ? json_object_get(properties, key)
                                   : json_object_get(unwrap(schema), "additionalProperties"),
                key);
    else if (json_is_array(value))
        json_array_foreach(value, i, item) expect_in_schema(item, json_object_get(unwrap(schema), "items"), name);
}

static void every_documented_field_is_in_the_schema(void **state)
{
    char *text = config_schema();
    json_t *schema, *documented = json_loads(example, 0, NULL);

    (void)state;
    assert_non_null(text);
    schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(schema);
    assert_non_null(documented);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_string_equal(
            json_string_value(json_object_get(schema, "$schema")), "https://json-schema.org/draft/2020-12/schema");
    expect_in_schema(documented, schema, "config");
    json_decref(schema);
    json_decref(documented);
    free(text);
}

/* Each row: a description that ends, a default that parses; nullable ones in types that know null. */
static void expect_sound_shape(const struct config_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct config_field *field = &shape->fields[i];

        assert_int_equal(field->doc[strlen(field->doc) - 1], '.');
        assert_true(field->offset < shape->size);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(shape->fields[k].name, field->name);
        if (field->fallback != NULL) {
            json_t *value = json_loads(field->fallback, JSON_DECODE_ANY, NULL);

            assert_non_null(value);
            if (json_is_null(value))
                assert_true(field->type == CONFIG_TYPE_STRING || field->type == CONFIG_TYPE_INTEGER ||
                            field->type == CONFIG_TYPE_NUMBER || field->type == CONFIG_TYPE_LENGTH ||
                            (field->type == CONFIG_TYPE_OBJECT && field->extra != CONFIG_NO_OFFSET));
            json_decref(value);
        }
        if (field->shape != NULL)
            expect_sound_shape(field->shape);
    }
}

static void every_row_of_the_table_is_sound(void **state)
{
    (void)state;
    expect_sound_shape(&config_shape_root);
}

/* So many succeed, then none. */
static size_t allocations_left;

static void *scarce_malloc(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

static void writers_survive_want_of_memory_anywhere(void **state)
{
    struct config *config = parse(example);
    char *text = NULL;
    size_t tries;

    (void)state;
    json_set_alloc_funcs(scarce_malloc, free);
    for (tries = 0; text == NULL; tries++) {
        allocations_left = tries;
        text = config_policy_json(&config->policies[0]);
    }
    assert_true(tries > 50);
    free(text);
    text = NULL;
    for (tries = 0; text == NULL; tries += 7) {
        allocations_left = tries;
        text = config_schema();
    }
    assert_true(tries > 1000);
    free(text);
    json_set_alloc_funcs(malloc, free);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_example_is_understood),
        cmocka_unit_test(the_smallest_config_has_the_documented_defaults),
        cmocka_unit_test(the_short_form_is_a_tier_of_glacier),
        cmocka_unit_test(unusual_policies_are_understood),
        cmocka_unit_test(the_largest_forms_are_understood),
        cmocka_unit_test(other_accounts_and_stores_do_not_overlap),
        cmocka_unit_test(prefixes_are_sorted_and_reduced),
        cmocka_unit_test(the_effective_policy_is_written_and_read_back),
        cmocka_unit_test(every_documented_field_is_in_the_schema),
        cmocka_unit_test(every_row_of_the_table_is_sound),
        cmocka_unit_test(writers_survive_want_of_memory_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
