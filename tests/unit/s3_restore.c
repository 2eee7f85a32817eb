/* What RestoreObject sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "s3/restore.h"

#define ROOT "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define TIER(name) "<GlacierJobParameters><Tier>" name "</Tier></GlacierJobParameters>"
#define END "</RestoreRequest>"

static void document_names_days_and_tier_where_they_are_given(void **state)
{
    static const struct {
        unsigned days;
        const char *tier, *expected;
    } rows[] = {
        { 7, "Bulk", ROOT "<Days>7</Days>" TIER("Bulk") END },
        { 4294967295U, "Expedited", ROOT "<Days>4294967295</Days>" TIER("Expedited") END },
        { 0, "Standard", ROOT TIER("Standard") END },
        { 1, NULL, ROOT "<Days>1</Days>" END },
        { 0, NULL, ROOT END },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s3_restore_options options = { .days = rows[i].days, .tier = rows[i].tier };
        char document[S3_RESTORE_DOCUMENT_MAX];
        size_t length = s3_restore_document(&options, document);
        assert_string_equal(document, rows[i].expected);
        assert_int_equal(length, strlen(document));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_names_days_and_tier_where_they_are_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
