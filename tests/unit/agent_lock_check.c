/* What is said of a lock before anything is written: tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "agent/lock_check.h"

static void a_bucket_without_lock_is_refused(void **state)
{
    const struct s3_bucket_lock none = { .enabled = false };
    struct failure failure = { .verdict = VERDICT_OK };
    char warning[LOCK_TEXT];
    (void)state;
    assert_int_equal(lock_judge_bucket(&none, "acme-vault", warning, &failure), VERDICT_USAGE);
    assert_non_null(strstr(failure.what, "acme-vault"));
    assert_string_equal(warning, "");
}

static void a_default_retention_is_warned_of(void **state)
{
    struct s3_bucket_lock found = { .enabled = true };
    char warning[LOCK_TEXT];
    (void)state;
    assert_int_equal(lock_judge_bucket(&found, "acme-vault", warning, NULL), VERDICT_OK);
    assert_string_equal(warning, "");
    (void)memcpy(found.default_mode, "COMPLIANCE", sizeof "COMPLIANCE");
    assert_int_equal(lock_judge_bucket(&found, "acme-vault", warning, NULL), VERDICT_OK);
    assert_non_null(strstr(warning, "COMPLIANCE"));
}

static void a_lock_that_outlasts_every_point_is_said(void **state)
{
    static const struct {
        int64_t lock_days, delete_after, grace;
        struct config_keep keep;
        bool outlasts;
    } rows[] = {
        { 35, CONFIG_UNSET, 7, { .given = false }, false }, /* everything stays */
        { 42, 35, 7, { .given = false }, false },
        { 43, 35, 7, { .given = false }, true },
        { 35, CONFIG_UNSET, 0, { .given = true, .daily = 35 }, false },
        { 36, CONFIG_UNSET, 0, { .given = true, .daily = 35 }, true },
        { 36, CONFIG_UNSET, 1, { .given = true, .daily = 35 }, false },
        { 92, CONFIG_UNSET, 0, { .given = true, .daily = 35, .weekly = 13 }, true },
        { 91, CONFIG_UNSET, 0, { .given = true, .daily = 35, .weekly = 13 }, false },
        { 373, CONFIG_UNSET, 0, { .given = true, .monthly = 12 }, true },
        { 2500, CONFIG_UNSET, 0, { .given = true, .daily = 35, .yearly = 7 }, false },
        { 2500, 400, 0, { .given = true, .daily = 35, .yearly = 7 }, true }, /* the upper bound */
        { 9999, CONFIG_UNSET, 0, { .given = true, .monthly = CONFIG_KEEP_ALL }, false },
        { 40, CONFIG_UNSET, 0, { .given = true, .within = { .months = 1, .days = 9 } }, false },
        { 41, CONFIG_UNSET, 0, { .given = true, .within = { .months = 1, .days = 9 } }, true },
        { 2, CONFIG_UNSET, 0, { .given = true, .last = 1 }, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_lock lock = { .given = true, .days = rows[i].lock_days };
        const struct config_policy policy = { .name = "documents",
            .keep = rows[i].keep,
            .delete_after_days = rows[i].delete_after,
            .grace_days = rows[i].grace };
        char text[LOCK_TEXT];
        if (lock_outlasts(&lock, &policy, text) != rows[i].outlasts)
            fail_msg("row %zu", i);
        if (rows[i].outlasts)
            assert_non_null(strstr(text, "documents"));
        lock.given = false;
        assert_false(lock_outlasts(&lock, &policy, text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_without_lock_is_refused),
        cmocka_unit_test(a_default_retention_is_warned_of),
        cmocka_unit_test(a_lock_that_outlasts_every_point_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
