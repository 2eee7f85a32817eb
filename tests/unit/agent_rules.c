/* Which rules a vault is to have: by cases. */
#include "agent_rules_world.h"

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
    static const char *const policies[] = { ("\"transitions\": \"agent\", " TIERS),
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

static void a_tier_of_no_days_needs_no_rule_since_copies_are_made_in_it(void **state)
{
    (void)state;
    use(CONFIG("", SOURCE("docs", "p"),
            POLICY("p", "\"tiers\": [{\"after_days\": 0, \"class\": \"STANDARD_IA\"}, {\"after_days\": 90, "
                        "\"class\": \"GLACIER\"}]")));
    assert_true(rules_can_express(config->sources[0].policy));
    assert_int_equal(derive(NULL, 0), VERDICT_OK);
    assert_non_null(strstr(spelled(), "vaultferry-data/1 data/ >999: GLACIER90 / GLACIER90\n"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_that_ask_for_the_same_share_one_rule),
        cmocka_unit_test(sources_that_differ_have_rules_of_their_own),
        cmocka_unit_test(a_source_of_the_config_that_has_no_folder_yet_forbids_the_shared_rule),
        cmocka_unit_test(a_vault_under_a_prefix_has_ids_and_folders_of_its_own),
        cmocka_unit_test(what_rules_cannot_do_is_left_to_the_agent),
        cmocka_unit_test(days_of_versions_that_were_replaced_are_never_none),
        cmocka_unit_test(a_tier_of_no_days_needs_no_rule_since_copies_are_made_in_it),
        cmocka_unit_test(tiers_that_gain_from_other_sizes_on_are_rules_of_their_own),
        cmocka_unit_test(a_source_that_the_config_forgot_keeps_its_moves),
        cmocka_unit_test(an_expiry_under_our_id_is_never_kept_for_a_forgotten_source),
        cmocka_unit_test(a_thousand_rules_suffice_by_sharing_sizes_or_it_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, give_back);
}
