/* What of a bucket's rules counts as having those that are wanted, and what a run says of it: by cases. */
#include "agent_rules_world.h"

#define RULE_OF(id, prefix) "<Rule><ID>" id "</ID><Filter><And><Prefix>" prefix "</Prefix>"
#define DOCS RULE_OF("vaultferry-data/docs/1", "data/docs/")
#define LONG_DOCS RULE_OF("vaultferry-data-long/docs/1", "data-long/docs/")

static const struct {
    const char *from, *to;
    enum rules_found found;
    const char *said;
} changes[] = {
    { "", "", RULES_INSTALLED, "" }, { DOCS, RULE_OF("somebody-else", "data/docs/"), RULES_INSTALLED, "" },
    { DOCS, RULE_OF("x", "data/"), RULES_INSTALLED, "" }, /* more than it has to */
    { DOCS, RULE_OF("x", "data/do"), RULES_INSTALLED, "" },
    { DOCS, RULE_OF("x", "data/docs/a"), RULES_DIFFER, "no rule moves its current versions under data/docs/ to" },
    { LONG_DOCS, RULE_OF("x", "elsewhere/"), RULES_DIFFER, "under data-long/docs/ to STANDARD_IA after 30 days" },
    { "<Status>Enabled</Status><Transition>", "<Status>Disabled</Status><Transition>", RULES_DIFFER, "data/docs/" },
    { "<Days>90</Days>", "<Days>91</Days>", RULES_DIFFER, "to GLACIER after 90 days from 1000 bytes on" },
    { "<NoncurrentDays>90<", "<NoncurrentDays>9<", RULES_DIFFER,
            "its noncurrent versions under data/docs/ to GLACIER" },
    { "<NoncurrentDays>90</NoncurrentDays>",
            "<NoncurrentDays>90</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions>", RULES_DIFFER,
            "noncurrent" },
    { "<StorageClass>GLACIER<", "<StorageClass>DEEP_ARCHIVE<", RULES_DIFFER, "to GLACIER" },
    { "Than>999<", "Than>1000<", RULES_DIFFER, "from 1000 bytes on" },
    { "</ObjectSizeGreaterThan>", "</ObjectSizeGreaterThan><ObjectSizeLessThan>5000</ObjectSizeLessThan>", RULES_DIFFER,
            "docs" },
    { "<And><Prefix>data/docs/", "<And><Tag><Key>k</Key><Value/></Tag><Prefix>data/docs/", RULES_DIFFER, "docs" },
    { "</LifecycleConfiguration>",
            "<Rule><ID>vaultferry-data/docs/9</ID><Filter><Prefix>data/docs/</Prefix></Filter><Status>Enabled</Status>"
            "<Transition><Days>99</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition></Rule>"
            "</LifecycleConfiguration>",
            RULES_DIFFER,
            "rule \"vaultferry-data/docs/9\" moves current versions to DEEP_ARCHIVE after 99 days, which" },
    { "</LifecycleConfiguration>",
            "<Rule><ID>mine</ID><Filter><Prefix>data/docs/</Prefix></Filter><Status>Enabled</Status>"
            "<Transition><Days>99</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition></Rule>"
            "</LifecycleConfiguration>",
            RULES_INSTALLED, "" }, /* what others move besides is their affair */
};

static void what_the_bucket_has_is_judged_by_what_it_does(void **state)
{
    (void)state;
    char out[RULES_TEXT];

    use(CONFIG("", SOURCE("docs", "p") ", " SOURCE("mail", "q"), POLICY("p", TIERS) ", " POLICY("q", DEEP)));
    const struct rules_source sources[] = { { "docs", config->sources[0].policy },
        { "mail", config->sources[1].policy } };
    const struct rules_task task = task_of(sources, 2);
    assert_int_equal(derive(sources, 2), VERDICT_OK);
    assert_int_equal(rules_judge(&task, &sources[0], out), RULES_NONE);
    assert_non_null(strstr(out, "source \"docs\": no rule moves its current versions under data/docs/"));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        enum rules_found got;
        take_wanted(changes[i].from, changes[i].to);
        got = rules_judge(&task, &sources[0], out);
        if (got != changes[i].found || strstr(out, changes[i].said) == NULL ||
                (changes[i].said[0] == '\0' && out[0] != '\0'))
            fail_msg("%s -> %s: %d %s", changes[i].from, changes[i].to, (int)got, out);
        assert_int_equal(rules_judge(&task, &sources[1], out), RULES_INSTALLED);
    }
}

static void rules_that_a_policy_no_longer_asks_for_differ(void **state)
{
    (void)state;
    char out[RULES_TEXT];

    use(CONFIG("", SOURCE("docs", "p"), POLICY("p", TIERS)));
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    use(CONFIG("", SOURCE("docs", "p"), POLICY("p", "\"transitions\": \"agent\", " TIERS)));
    take_wanted("", "");
    const struct rules_source docs = { "docs", config->sources[0].policy };
    const struct rules_task task = task_of(&docs, 1);
    assert_int_equal(rules_judge(&task, &docs, out), RULES_DIFFER);
    assert_non_null(strstr(out, "rule \"vaultferry-data/1\" moves current versions to STANDARD_IA after 30 days"));
    s3_lifecycle_free(&found);
    assert_int_equal(rules_judge(&task, &docs, out), RULES_INSTALLED);
}

static void a_store_without_size_filters_is_not_blamed_but_one_that_lost_some_is(void **state)
{
    (void)state;
    char out[RULES_TEXT];

    use(CONFIG("", SOURCE("docs", "p"), POLICY("p", TIERS)));
    const struct rules_source docs = { "docs", config->sources[0].policy };
    const struct rules_task task = task_of(&docs, 1);
    assert_int_equal(derive(&docs, 1), VERDICT_OK);
    take_wanted("<ObjectSizeGreaterThan>999</ObjectSizeGreaterThan>", "");
    assert_int_equal(rules_judge(&task, &docs, out), RULES_DIFFER);
    for (size_t i = 0; i < found.count; i++)
        found.rules[i].larger_than = 0;
    assert_int_equal(rules_judge(&task, &docs, out), RULES_INSTALLED);
}

static void sizes_of_an_older_table_of_prices_do(void **state)
{
    (void)state;
    char out[RULES_TEXT];

    use(CONFIG("", SOURCE("docs", "p"), "\"p\": {\"delete_after_days\": 3650, " TIERS "}"));
    const struct rules_source docs = { "docs", config->sources[0].policy };
    const struct rules_task task = task_of(&docs, 1);
    assert_int_equal(derive(&docs, 1), VERDICT_OK);
    take_wanted("", "");
    for (size_t i = 0; i < found.count; i++)
        found.rules[i].larger_than = found.rules[i].larger_than * 3 / 2;
    assert_int_equal(rules_judge(&task, &docs, out), RULES_INSTALLED);
    for (size_t i = 0; i < found.count; i++)
        found.rules[i].larger_than *= 4;
    assert_int_equal(rules_judge(&task, &docs, out), RULES_DIFFER);
}

static void a_run_warns_once_and_tells_who_moves_what(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        bool installed;
        const char *lock;
        enum rules_found found;
        const char *warning;
    } runs[] = {
        { "\"transitions\": \"lifecycle\", " TIERS, false, "", RULES_NONE, "source \"docs\": no rule moves" },
        { "\"transitions\": \"lifecycle\", " TIERS, true, "", RULES_INSTALLED, NULL },
        { TIERS, false, "", RULES_NONE, NULL }, /* the agent does it */
        { TIERS, false, ", \"lock\": {\"mode\": \"governance\", \"days\": 30}", RULES_NONE, "no rule moves" },
        { "\"tiers\": [{\"after_days\": 9, \"class\": \"STANDARD_IA\"}]", false,
                ", \"lock\": {\"mode\": \"governance\", \"days\": 30}", RULES_INSTALLED, "nothing moves its copies" },
        { DEEP, true, "", RULES_DIFFER, "to DEEP_ARCHIVE after 365 days" },
        { "\"tags\": \"skip\"", false, "", RULES_INSTALLED, NULL },
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct health health = { .count = 0 };
        char document[1024];
        use(CONFIG("", SOURCE("docs", "p"), POLICY("p", TIERS)));
        assert_int_equal(derive(NULL, 0), VERDICT_OK);
        (void)snprintf(document, sizeof document,
                "{\"vault\": {\"bucket\": \"acme-vault\"%s}, \"sources\": [" SOURCE(
                        "docs", "p") "], "
                                     "\"policies\": {\"p\": {\"min_size\": 1000, %s}}}",
                runs[i].lock, runs[i].policy);
        use(document);
        if (runs[i].installed)
            take_wanted("", "");
        const struct rules_source docs = { "docs", config->sources[0].policy };
        const struct rules_task task = task_of(&docs, 1);
        health_judge_rules(&task, &health);
        assert_int_equal(rules_of_source(&health.rules, "docs"), runs[i].found);
        assert_int_equal(rules_of_source(&health.rules, "other"), RULES_UNREADABLE);
        assert_int_equal(health.count, runs[i].warning != NULL);
        if (runs[i].warning != NULL && strstr(health.warnings[0], runs[i].warning) == NULL)
            fail_msg("case %zu: %s", i, health.warnings[0]);
        if (runs[i].warning != NULL && runs[i].found != RULES_INSTALLED)
            assert_non_null(strstr(health.warnings[0], "\"vaultferry bootstrap\" writes them"));
        health_free(&health);
    }
}

static void upkeep_that_lacks_is_told_where_bootstrap_was_run(void **state)
{
    (void)state;
    char out[RULES_TEXT] = "";
    struct health health = { .count = 0 };

    use(CONFIG("", SOURCE("docs", "p"), POLICY("p", "\"tags\": \"skip\"")));
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    const struct rules_task task = task_of(NULL, 0);
    assert_false(rules_judge_upkeep(&task, out));
    health_judge_rules(&task, &health);
    assert_int_equal(health.count, 0);
    health_free(&health);
    take_wanted("", "");
    assert_true(rules_judge_upkeep(&task, out));
    take_wanted("<NoncurrentVersionExpiration><NoncurrentDays>100</NoncurrentDays></NoncurrentVersionExpiration>", "");
    assert_false(rules_judge_upkeep(&task, out));
    health_judge_rules(&task, &health);
    assert_int_equal(health.count, 1);
    assert_non_null(strstr(health.warnings[0], "no rule expires old leases under lease/"));
    health_free(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_bucket_has_is_judged_by_what_it_does),
        cmocka_unit_test(rules_that_a_policy_no_longer_asks_for_differ),
        cmocka_unit_test(a_store_without_size_filters_is_not_blamed_but_one_that_lost_some_is),
        cmocka_unit_test(sizes_of_an_older_table_of_prices_do),
        cmocka_unit_test(a_run_warns_once_and_tells_who_moves_what),
        cmocka_unit_test(upkeep_that_lacks_is_told_where_bootstrap_was_run),
    };
    return cmocka_run_group_tests(tests, NULL, give_back);
}
