/* Which rules of a vault are an alarm, and which versioning is refused: health.c, by cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/health.h"

static struct s3_text text(const char *s)
{
    return (struct s3_text){ s, strlen(s) };
}

enum does { NOTHING, EXPIRES, EXPIRES_OLD, MARKERS, ABORTS, TO_IA, TO_GLACIER, OLD_TO_DEEP };

static const struct {
    const char *id;
    bool enabled;
    const char *prefix;
    enum does does;
    const char *vault;
    const char *said; /* a part of the warning; NULL: none */
} cases[] = {
    /* what a restore needs, by every prefix that reaches it */
    { "clean", true, "", EXPIRES, "", "data/, data-long/, names/, points/" },
    { "clean", true, "", EXPIRES_OLD, "", "expires noncurrent versions under data/, data-long/, names/, points/" },
    { "clean", true, "data/", EXPIRES, "", "expires current versions under data/:" },
    { "clean", true, "data", EXPIRES, "", "under data/, data-long/:" },
    { "clean", true, "data/docs/tmp/", EXPIRES_OLD, "", "under data/:" },
    { "clean", true, "data-long/", EXPIRES, "", "under data-long/:" },
    { "clean", true, "names/docs/", EXPIRES, "", "under names/:" },
    { "clean", true, "p", EXPIRES_OLD, "", "under points/, prune/:" },
    { "clean", true, "prune/docs/", EXPIRES, "", "under prune/:" },
    { "", true, "", EXPIRES, "", "rule \"\"" },
    { "a\nb\"", true, "", EXPIRES, "", "rule \"a\\nb\\\"\"" },
    /* what it does not */
    { "clean", true, "lease/", EXPIRES, "", NULL },
    { "clean", true, "logs/", EXPIRES, "", NULL },
    { "clean", true, "datas", EXPIRES, "", NULL },
    { "clean", true, "/data/", EXPIRES, "", NULL },
    /* a vault under a prefix */
    { "clean", true, "", EXPIRES, "acme/", "points/" },
    { "clean", true, "acme/", EXPIRES, "acme/", "points/" },
    { "clean", true, "acme/points/", EXPIRES, "acme/", "under points/:" },
    { "clean", true, "ac", EXPIRES, "acme/", "points/" },
    { "clean", true, "data/", EXPIRES, "acme/", NULL },
    { "clean", true, "acme/lease/", EXPIRES, "acme/", NULL },
    { "clean", true, "other/", EXPIRES, "acme/", NULL },
    /* not enabled, or harmless */
    { "clean", false, "", EXPIRES, "", NULL },
    { "vaultferry", true, "", EXPIRES, "", "vaultferry" },
    { "Vaultferry-x", true, "", EXPIRES, "", "Vaultferry-x" },
    { "clean", true, "", NOTHING, "", NULL },
    { "clean", true, "", MARKERS, "", NULL },
    { "clean", true, "", ABORTS, "", NULL },
    /* a catalog has to be readable at once; objects may be anywhere */
    { "cold", true, "", TO_GLACIER, "", "moves names/, points/, prune/ to GLACIER" },
    { "cold", true, "points/", OLD_TO_DEEP, "", "moves points/ to DEEP_ARCHIVE" },
    { "cold", true, "data/", TO_GLACIER, "", NULL },
    { "cold", true, "points/", TO_IA, "", NULL },
    /* no name makes it harmless: ours do neither */
    { "vaultferry-data/docs/1", true, "data/docs/", EXPIRES_OLD, "", "noncurrent versions under data/:" },
    { "vaultferry-leases", true, "", EXPIRES, "", "points/" },
    { "vaultferry-leases", true, "lease/", EXPIRES, "", NULL },
    { "vaultferry-cold", true, "points/", TO_GLACIER, "", "moves points/ to GLACIER" },
};

static void foreign_rules_that_take_away_what_a_restore_needs_are_an_alarm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const classes[] = {
            [TO_IA] = "STANDARD_IA", [TO_GLACIER] = "GLACIER", [OLD_TO_DEEP] = "DEEP_ARCHIVE"
        };
        enum does does = cases[i].does;
        struct s3_lifecycle_rule rules[2] = { { .enabled = true }, { .id = text(cases[i].id) } };
        struct s3_lifecycle_move move = { .rule = 1, .noncurrent = does == OLD_TO_DEEP, .days = 1 };
        struct s3_lifecycle lifecycle = { .rules = rules, .count = 2 };
        char out[HEALTH_TEXT] = "";

        rules[1].enabled = cases[i].enabled;
        rules[1].prefix = text(cases[i].prefix);
        rules[1].expires = does == EXPIRES;
        rules[1].expires_noncurrent = does == EXPIRES_OLD;
        rules[1].expires_markers = does == MARKERS;
        rules[1].abort_days = does == ABORTS;
        if (does >= TO_IA) {
            move.class_ = text(classes[does]);
            lifecycle.moves = &move;
            lifecycle.move_count = 1;
        }
        assert_false(health_judge_rule(&lifecycle, 0, cases[i].vault, out));
        bool alarm = health_judge_rule(&lifecycle, 1, cases[i].vault, out);
        if (alarm != (cases[i].said != NULL) || (alarm && strstr(out, cases[i].said) == NULL))
            fail_msg("case %zu, rule \"%s\" on \"%s\": %s", i, cases[i].id, cases[i].prefix, out);
    }
}

static void a_filter_by_tag_does_not_make_a_rule_harmless(void **state)
{
    (void)state;
    struct s3_lifecycle_rule rule = { .enabled = true, .expires = true, .tags = 1, .larger_than = 1 };
    const struct s3_lifecycle lifecycle = { .rules = &rule, .count = 1 };
    char out[HEALTH_TEXT] = "";

    assert_true(health_judge_rule(&lifecycle, 0, "", out));
    assert_non_null(strstr(out, "(by tag)"));
}

static void only_a_vault_that_keeps_versions_is_taken(void **state)
{
    (void)state;
    const struct s3_versioning_answer on = { .enabled = true }, off = { .suspended = true },
                                      never = { .enabled = false };
    struct failure failure;

    assert_int_equal(health_judge_versioning(&on, "v", &failure), VERDICT_OK);
    assert_int_equal(health_judge_versioning(&off, "v", &failure), VERDICT_USAGE);
    assert_non_null(strstr(failure.what, "suspended"));
    assert_int_equal(health_judge_versioning(&never, "v", &failure), VERDICT_USAGE);
    assert_non_null(strstr(failure.what, "\"v\" is not versioned:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_rules_that_take_away_what_a_restore_needs_are_an_alarm),
        cmocka_unit_test(a_filter_by_tag_does_not_make_a_rule_harmless),
        cmocka_unit_test(only_a_vault_that_keeps_versions_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
