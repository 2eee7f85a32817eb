/* Which rules a vault is to have, and what of a bucket's rules counts as having them: by cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/health.h"

#define TIERS                                                                                                          \
    "\"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": 90, \"class\": \"GLACIER\"}]"
#define DEEP "\"tiers\": [{\"after_days\": 365, \"class\": \"DEEP_ARCHIVE\"}]"
#define POLICY(name, fields) "\"" name "\": {\"delete_after_days\": 3650, \"min_size\": 1000, " fields "}"
#define SOURCE(name, policy) "{\"select\": {\"buckets\": [\"" name "\"]}, \"policy\": \"" policy "\"}"
#define CONFIG(vault, sources, policies)                                                                               \
    "{\"vault\": {\"bucket\": \"acme-vault\"" vault "}, \"sources\": [" sources "], \"policies\": {" policies "}}"

static struct config *config;
static struct prices prices;
static struct s3_lifecycle found;
static struct rules_wanted wanted;
static struct failure failure;

static struct s3_text text(const char *s)
{
    return (struct s3_text){ s, strlen(s) };
}

static void use(const char *document)
{
    struct config_error error;

    config_free(config);
    s3_lifecycle_free(&found);
    if (config_parse("c", document, strlen(document), &config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    assert_int_equal(prices_load(config, &prices, &failure), VERDICT_OK);
}

static struct rules_task task_of(const struct rules_source *sources, size_t count)
{
    return (struct rules_task){
        .config = config, .prices = &prices, .sources = sources, .count = count, .found = &found
    };
}

static enum verdict derive(const struct rules_source *sources, size_t count)
{
    const struct rules_task task = task_of(sources, count);

    rules_wanted_free(&wanted);
    return rules_derive(&task, &wanted, &failure);
}

/* "id prefix >size: IA30 GLACIER90 / IA30 GLACIER90", a rule a line: current, then noncurrent moves. */
static const char *spelled(void)
{
    static char out[8192];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < wanted.rules.count; i++) {
        const struct s3_lifecycle_rule *rule = &wanted.rules.rules[i];
        bool old = false;
        assert_true(rule->enabled && rule->tags == 0 && rule->smaller_than == 0);
        used += (size_t)snprintf(out + used, sizeof out - used, "%.*s %.*s >%llu:", (int)rule->id.len, rule->id.ptr,
                (int)rule->prefix.len, rule->prefix.ptr, (unsigned long long)rule->larger_than);
        for (size_t j = 0; j < wanted.rules.move_count; j++) {
            const struct s3_lifecycle_move *move = &wanted.rules.moves[j];
            if (move->rule != i)
                continue;
            used += (size_t)snprintf(out + used, sizeof out - used, "%s %.*s%u", move->noncurrent && !old ? " /" : "",
                    (int)move->class_.len, move->class_.ptr, (unsigned)move->days);
            old = old || move->noncurrent;
        }
        if (rule->expires || rule->expires_noncurrent)
            used += (size_t)snprintf(out + used, sizeof out - used, " ends %u / %u", (unsigned)rule->expires_days,
                    (unsigned)rule->noncurrent_days);
        if (rule->abort_days > 0)
            used += (size_t)snprintf(out + used, sizeof out - used, " aborts %u", (unsigned)rule->abort_days);
        used += (size_t)snprintf(out + used, sizeof out - used, "\n");
        assert_true(used < sizeof out);
    }
    return out;
}

#define UPKEEP                                                                                                         \
    "vaultferry-uploads/data/ data/ >0: aborts 7\n"                                                                    \
    "vaultferry-uploads/data-long/ data-long/ >0: aborts 7\n"                                                          \
    "vaultferry-leases lease/ >0: ends 100 / 100\n"
#define MOVES " STANDARD_IA30 GLACIER90 / STANDARD_IA30 GLACIER90\n"

static void sources_that_ask_for_the_same_share_one_rule(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p") ", " SOURCE("mail-*", "q"), POLICY("p", TIERS) ", " POLICY("q", TIERS)));
    const struct rules_source sources[] = { { "docs", config->sources[0].policy },
        { "mail-1", config->sources[1].policy } };
    assert_int_equal(derive(sources, 2), VERDICT_OK);
    assert_string_equal(
            spelled(), UPKEEP "vaultferry-data/1 data/ >999:" MOVES "vaultferry-data-long/1 data-long/ >999:" MOVES);
    assert_int_equal(derive(sources, 0), VERDICT_OK); /* an empty vault: before the first copy */
    assert_string_equal(
            spelled(), UPKEEP "vaultferry-data/1 data/ >999:" MOVES "vaultferry-data-long/1 data-long/ >999:" MOVES);
}

static void sources_that_differ_have_rules_of_their_own(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p") ", " SOURCE("mail", "q"), POLICY("p", TIERS) ", " POLICY("q", DEEP)));
    const struct rules_source sources[] = { { "docs", config->sources[0].policy },
        { "mail", config->sources[1].policy } };
    assert_int_equal(derive(sources, 2), VERDICT_OK);
    assert_string_equal(spelled(), UPKEEP
            "vaultferry-data/docs/1 data/docs/ >999:" MOVES "vaultferry-data-long/docs/1 data-long/docs/ >999:" MOVES
            "vaultferry-data/mail/1 data/mail/ >999: DEEP_ARCHIVE365 / DEEP_ARCHIVE365\n"
            "vaultferry-data-long/mail/1 data-long/mail/ >999: DEEP_ARCHIVE365 / DEEP_ARCHIVE365\n");
}

static void a_source_of_the_config_that_has_no_folder_yet_forbids_the_shared_rule(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p") ", " SOURCE("mail-*", "q"),
            POLICY("p", TIERS) ", " POLICY("q", "\"tags\": "
                                                "\"skip\"")));
    const struct rules_source docs = { "docs", config->sources[0].policy };
    assert_int_equal(derive(&docs, 1), VERDICT_OK);
    assert_string_equal(spelled(), UPKEEP "vaultferry-data/docs/1 data/docs/ >999:" MOVES
                                          "vaultferry-data-long/docs/1 data-long/docs/ >999:" MOVES);
}

static void a_vault_under_a_prefix_has_ids_and_folders_of_its_own(void **state)
{
    (void)state;
    use(CONFIG(", \"prefix\": \"a/\"", SOURCE("docs", "p"), POLICY("p", DEEP)));
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    assert_int_equal(wanted.rules.count, 5);
    assert_non_null(strstr(spelled(), "data/1 a/data/ >999: DEEP_ARCHIVE365"));
    assert_non_null(strstr(spelled(), "leases a/lease/ >0: ends 100 / 100"));
    /* its ids are not those of the vault without a prefix, nor of another */
    s3_lifecycle_init(&found);
    assert_true(s3_lifecycle_add(&found, &wanted.rules.rules[0]));
    const struct rules_task here = task_of(NULL, 0);
    assert_true(rules_has_ours(&here));
    for (const char **other = (const char *[]){ CONFIG("", SOURCE("docs", "p"), POLICY("p", DEEP)),
                 CONFIG(", \"prefix\": \"b/\"", SOURCE("docs", "p"), POLICY("p", DEEP)), NULL };
            *other != NULL; other++) {
        use(*other);
        assert_true(s3_lifecycle_add(&found, &wanted.rules.rules[0]));
        const struct rules_task there = task_of(NULL, 0);
        assert_false(rules_has_ours(&there));
    }
}

static void what_rules_cannot_do_is_left_to_the_agent(void **state)
{
    (void)state;
    static const char *const policies[] = { "\"transitions\": \"agent\", " TIERS,
        "\"tiers\": [{\"after_days\": 29, \"class\": \"STANDARD_IA\"}]",
        "\"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": 59, \"class\": \"GLACIER\"}]",
        "\"tags\": \"skip\"" };
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        char document[1024];
        (void)snprintf(document, sizeof document, CONFIG("", SOURCE("docs", "p"), "\"p\": {\"min_size\": 1000, %s}"),
                policies[i]);
        use(document);
        const struct rules_source docs = { "docs", config->sources[0].policy };
        assert_int_equal(derive(&docs, 1), VERDICT_OK);
        assert_string_equal(spelled(), UPKEEP);
    }
}

static void days_of_versions_that_were_replaced_are_never_none(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p"),
            POLICY("p", "\"tiers\": [{\"after_days\": 0, \"class\": \"GLACIER_IR\"}], \"tags\": \"skip\"")));
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    assert_non_null(strstr(spelled(), "vaultferry-data/1 data/ >999: GLACIER_IR0 / GLACIER_IR1\n"));
}

static void tiers_that_gain_from_other_sizes_on_are_rules_of_their_own(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p"), "\"p\": {\"delete_after_days\": 3650, " TIERS "}"));
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    assert_int_equal(wanted.rules.count, 3 + 4);
    const struct s3_lifecycle_rule *ia = &wanted.rules.rules[3], *glacier = &wanted.rules.rules[4];
    assert_true(ia->larger_than > 20000 && glacier->larger_than > 10000 && ia->larger_than != glacier->larger_than);
    assert_non_null(strstr(spelled(), ": STANDARD_IA30 / STANDARD_IA30\nvaultferry-data/2 data/ >"));
}

/* Takes as found what was derived, with one thing changed by `change`. */
static void take_wanted(const char *from, const char *to)
{
    struct s3_buffer document;
    struct s3_error error;
    const char *read;
    char *changed, *at;

    s3_buffer_init(&document, S3_LIFECYCLE_BYTES_MAX);
    assert_true(s3_buffer_add_text(&document, S3_LIFECYCLE_HEAD));
    assert_true(s3_lifecycle_write(&wanted.rules, &document));
    assert_true(s3_buffer_add_text(&document, S3_LIFECYCLE_TAIL));
    read = s3_buffer_text(&document);
    assert_non_null(read);
    changed = malloc(strlen(read) + strlen(to) + 1);
    assert_non_null(changed);
    at = strstr(read, from);
    assert_non_null(at);
    (void)snprintf(changed, strlen(read) + strlen(to) + 1, "%.*s%s%s", (int)(at - read), read, to, at + strlen(from));
    s3_lifecycle_free(&found);
    if (s3_lifecycle_read(text(changed), &found, &error) != S3_OK)
        fail_msg("%s: %s", error.message, changed);
    free(changed);
    s3_buffer_free(&document);
}

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

static void a_source_that_the_config_forgot_keeps_its_moves(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p") ", " SOURCE("mail", "q"), POLICY("p", TIERS) ", " POLICY("q", DEEP)));
    const struct rules_source before[] = { { "docs", config->sources[0].policy },
        { "mail", config->sources[1].policy } };
    assert_int_equal(derive(before, 2), VERDICT_OK);
    use(CONFIG("", SOURCE("docs", "p"), POLICY("p", TIERS)));
    take_wanted("", "");
    const struct rules_source after[] = { { "docs", config->sources[0].policy }, { "gone", NULL }, { "mail", NULL } };
    assert_int_equal(derive(after, 3), VERDICT_OK);
    assert_string_equal(spelled(), UPKEEP
            "vaultferry-data/docs/1 data/docs/ >999:" MOVES "vaultferry-data-long/docs/1 data-long/docs/ >999:" MOVES
            "vaultferry-data/mail/1 data/mail/ >999: DEEP_ARCHIVE365 / DEEP_ARCHIVE365\n"
            "vaultferry-data-long/mail/1 data-long/mail/ >999: DEEP_ARCHIVE365 / DEEP_ARCHIVE365\n");
    /* what a shared rule did for it goes on, too */
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    take_wanted("", "");
    const struct rules_source shared[] = { { "docs", config->sources[0].policy }, { "mail", NULL } };
    assert_int_equal(derive(shared, 2), VERDICT_OK);
    assert_string_equal(
            spelled(), UPKEEP "vaultferry-data/1 data/ >999:" MOVES "vaultferry-data-long/1 data-long/ >999:" MOVES);
}

static void an_expiry_under_our_id_is_never_kept_for_a_forgotten_source(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p"), POLICY("p", TIERS)));
    const struct rules_source gone = { "gone", NULL };
    const struct s3_lifecycle_rule evil = { .id = text("vaultferry-data/gone/1"),
        .prefix = text("data/gone/"),
        .enabled = true,
        .expires = true,
        .expires_days = 1,
        .expires_noncurrent = true,
        .noncurrent_days = 1 };
    assert_true(s3_lifecycle_add(&found, &evil));
    assert_int_equal(derive(&gone, 1), VERDICT_OK);
    assert_string_equal(spelled(), UPKEEP);
}

static void a_thousand_rules_suffice_by_sharing_sizes_or_it_is_said(void **state)
{
    (void)state;
    enum { MANY = 600 };
    static char names[MANY][16];
    static struct rules_source sources[MANY];

    use(CONFIG("", SOURCE("a-*", "p") ", " SOURCE("mail", "q"),
            "\"p\": {\"delete_after_days\": 3650, " TIERS "}, " POLICY("q", DEEP)));
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "a-%04zu", i);
        sources[i] = (struct rules_source){ names[i], config->sources[0].policy };
    }
    assert_int_equal(derive(sources, 249), VERDICT_OK);
    assert_int_equal(wanted.rules.count, 3 + 249 * 4);
    assert_int_equal(derive(sources, 250), VERDICT_OK); /* 1,003 by size */
    assert_int_equal(wanted.rules.count, 3 + 250 * 2);
    char out[RULES_TEXT];
    const struct rules_task task = task_of(sources, 250);
    take_wanted("", "");
    assert_int_equal(rules_judge(&task, &sources[0], out), RULES_INSTALLED);
    s3_lifecycle_free(&found);
    assert_int_equal(derive(sources, 498), VERDICT_OK);
    assert_int_equal(derive(sources, 499), VERDICT_FULL);
    assert_non_null(strstr(failure.what, "499 sources"));
    /* others' rules count */
    for (size_t i = 0; i < 2; i++)
        assert_true(s3_lifecycle_add(&found, &(struct s3_lifecycle_rule){ .id = text("theirs") }));
    assert_int_equal(derive(sources, 498), VERDICT_FULL);
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
        if (runs[i].warning != NULL)
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
        cmocka_unit_test(sources_that_ask_for_the_same_share_one_rule),
        cmocka_unit_test(sources_that_differ_have_rules_of_their_own),
        cmocka_unit_test(a_source_of_the_config_that_has_no_folder_yet_forbids_the_shared_rule),
        cmocka_unit_test(a_vault_under_a_prefix_has_ids_and_folders_of_its_own),
        cmocka_unit_test(what_rules_cannot_do_is_left_to_the_agent),
        cmocka_unit_test(days_of_versions_that_were_replaced_are_never_none),
        cmocka_unit_test(tiers_that_gain_from_other_sizes_on_are_rules_of_their_own),
        cmocka_unit_test(what_the_bucket_has_is_judged_by_what_it_does),
        cmocka_unit_test(rules_that_a_policy_no_longer_asks_for_differ),
        cmocka_unit_test(a_store_without_size_filters_is_not_blamed_but_one_that_lost_some_is),
        cmocka_unit_test(sizes_of_an_older_table_of_prices_do),
        cmocka_unit_test(a_source_that_the_config_forgot_keeps_its_moves),
        cmocka_unit_test(an_expiry_under_our_id_is_never_kept_for_a_forgotten_source),
        cmocka_unit_test(a_thousand_rules_suffice_by_sharing_sizes_or_it_is_said),
        cmocka_unit_test(a_run_warns_once_and_tells_who_moves_what),
        cmocka_unit_test(upkeep_that_lacks_is_told_where_bootstrap_was_run),
    };
    s3_lifecycle_init(&found);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rules_wanted_free(&wanted);
    s3_lifecycle_free(&found);
    config_free(config);
    return failed;
}
