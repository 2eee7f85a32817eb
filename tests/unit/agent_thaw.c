/* What HEAD says of an archived version, and which class's tiers count. */
#include "agent/thaw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NOW_S INT64_C(1795219200) /* 2026-11-21T00:00:00Z */

static void line(struct s3_head *head, const char *name, const char *value)
{
    s3_head_line(head, name, strlen(name), value, strlen(value));
}

static void headers_say_readable_under_way_or_nothing(void **state)
{
    static const struct {
        const char *header; /* x-amz-restore; NULL: none */
        enum thaw_state expected;
    } rows[] = {
        { NULL, THAW_NEEDED },
        { "ongoing-request=\"true\"", THAW_UNDER_WAY },
        { "ongoing-request=\"false\", expiry-date=\"Sun, 22 Nov 2026 00:00:00 GMT\"", THAW_READABLE },
        { "ongoing-request=\"false\", expiry-date=\"Sat, 21 Nov 2026 00:15:01 GMT\"", THAW_READABLE },
        { "ongoing-request=\"false\", expiry-date=\"Sat, 21 Nov 2026 00:15:00 GMT\"", THAW_NEEDED }, /* soon over */
        { "ongoing-request=\"false\", expiry-date=\"Fri, 20 Nov 2026 00:00:00 GMT\"", THAW_NEEDED },
        { "ongoing-request=\"false\"", THAW_READABLE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_head head;
        s3_head_init(&head);
        if (rows[i].header != NULL)
            line(&head, "x-amz-restore", rows[i].header);
        assert_true(s3_head_finish(&head));
        if (thaw_state_of(&head, NOW_S * 1000) != rows[i].expected)
            fail_msg("row %zu: %d", i, (int)thaw_state_of(&head, NOW_S * 1000));
        s3_head_free(&head);
    }
}

static void tiers_of_intelligent_tiering_are_those_of_where_it_lies(void **state)
{
    static const struct {
        enum storage_class class_;
        const char *archive;
        enum storage_class expected;
        unsigned hours[THAW_TIERS];
    } rows[] = {
        { CLASS_INTELLIGENT_TIERING, "", CLASS_INTELLIGENT_TIERING, { 12, 5, 1 } },
        { CLASS_INTELLIGENT_TIERING, "ARCHIVE_ACCESS", CLASS_INTELLIGENT_TIERING, { 12, 5, 1 } },
        { CLASS_INTELLIGENT_TIERING, "DEEP_ARCHIVE_ACCESS", CLASS_DEEP_ARCHIVE, { 48, 12, 0 } },
        { CLASS_GLACIER, "", CLASS_GLACIER, { 12, 5, 1 } },
        { CLASS_DEEP_ARCHIVE, "", CLASS_DEEP_ARCHIVE, { 48, 12, 0 } },
        { CLASS_GLACIER_IR, "", CLASS_GLACIER_IR, { 0, 0, 0 } },
        { CLASS_STANDARD, "", CLASS_STANDARD, { 0, 0, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_head head;
        enum storage_class class_;
        s3_head_init(&head);
        line(&head, "X-Amz-Archive-Status", rows[i].archive);
        class_ = thaw_class(rows[i].class_, head.archive);
        assert_int_equal(class_, rows[i].expected);
        for (int tier = 0; tier < THAW_TIERS; tier++)
            assert_int_equal(thaw_hours(class_, (enum thaw_tier)tier), rows[i].hours[tier]);
        s3_head_free(&head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_readable_under_way_or_nothing),
        cmocka_unit_test(tiers_of_intelligent_tiering_are_those_of_where_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
