/* What things cost: the built-in table, what the config replaces, sums that are not known. */
#include "agent/prices.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define GIB (UINT64_C(1) << 30)

static struct prices load(const char *text)
{
    struct config_error error = { 0 };
    struct config *config = NULL;
    struct failure failure;
    struct prices prices;

    if (config_parse("c", text, strlen(text), &config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    assert_int_equal(prices_load(config, &prices, &failure), VERDICT_OK);
    config_free(config);
    return prices;
}

static void assert_near(double found, double wanted)
{
    if (fabs(found - wanted) > 1e-9)
        fail_msg("%.12f is not %.12f", found, wanted);
}

#define PLAIN "{\"vault\": {\"bucket\": \"vault\"}}"

static void table_is_dated_and_knows_the_classes_of_the_policies(void **state)
{
    (void)state;
    const struct prices prices = load(PLAIN);
    assert_string_equal(prices.date, "2026-11-20");
    assert_string_equal(prices.currency, "USD");
    assert_near(prices.classes[CLASS_STANDARD].put_1k, 0.005);
    assert_near(prices.classes[CLASS_DEEP_ARCHIVE].storage_gb_month, 0.00099);
    assert_near(prices.classes[CLASS_GLACIER].thaw_1k[THAW_EXPEDITED], 10);
    assert_true(prices.classes[CLASS_OTHER].put_1k < 0);
    assert_true(prices.classes[CLASS_DEEP_ARCHIVE].thaw_gb[THAW_EXPEDITED] < 0);
}

static void config_replaces_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    const struct prices prices = load("{\"vault\": {\"bucket\": \"vault\"}, \"prices\": {\"date\": \"2027-01-02\", "
                                      "\"currency\": \"EUR\", \"classes\": {\"GLACIER\": {\"bulk_gb\": 0.5}}}}");
    assert_string_equal(prices.date, "2027-01-02");
    assert_string_equal(prices.currency, "EUR");
    assert_near(prices.classes[CLASS_GLACIER].thaw_gb[THAW_BULK], 0.5);
    assert_near(prices.classes[CLASS_GLACIER].thaw_gb[THAW_STANDARD], 0.01);
    assert_near(prices.list_1k, 0.005);
}

static void retrieval_is_priced_by_class_and_tier(void **state)
{
    (void)state;
    const struct prices prices = load(PLAIN);
    static const struct {
        enum storage_class class_;
        enum thaw_tier tier;
        double wanted; /* of 2,000 objects, 100 GiB; below 0: not known */
    } rows[] = {
        { CLASS_STANDARD, THAW_BULK, 0 },
        { CLASS_STANDARD_IA, THAW_BULK, 1 },
        { CLASS_GLACIER_IR, THAW_EXPEDITED, 3 },
        { CLASS_INTELLIGENT_TIERING, THAW_BULK, 0 }, /* what its storage costs depends on how it is used */
        { CLASS_GLACIER, THAW_BULK, 0 },
        { CLASS_GLACIER, THAW_STANDARD, 1.1 },
        { CLASS_GLACIER, THAW_EXPEDITED, 23 },
        { CLASS_DEEP_ARCHIVE, THAW_BULK, 0.3 },
        { CLASS_DEEP_ARCHIVE, THAW_STANDARD, 2.2 },
        { CLASS_DEEP_ARCHIVE, THAW_EXPEDITED, -1 },
        { CLASS_OTHER, THAW_BULK, -1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double sum = 0;
        price_add_retrieval(&sum, &prices, rows[i].class_, rows[i].tier,
                (struct state_totals){ .objects = 2000, .bytes = 100 * GIB });
        assert_near(sum, rows[i].wanted);
    }
}

static void month_is_billed_with_minimum_and_overhead(void **state)
{
    (void)state;
    const struct prices prices = load(PLAIN);
    static const struct {
        enum storage_class class_;
        struct state_totals what, small;
        double wanted;
    } rows[] = {
        { CLASS_STANDARD, { 10, 100 * GIB }, { 0, 0 }, 2.3 },
        { CLASS_STANDARD_IA, { 8192, GIB }, { 0, 0 }, 0.0125 },
        { CLASS_STANDARD_IA, { 8192, 1000 }, { 8192, 1000 }, 0.0125 },           /* of 128 KiB each */
        { CLASS_STANDARD_IA, { 8193, GIB + 1000 }, { 8192, 1000 }, 2 * 0.0125 }, /* one of them large */
        { CLASS_GLACIER, { 32768, 0 }, { 0, 0 }, 0.0036 + 0.25 * 0.023 },
        { CLASS_DEEP_ARCHIVE, { 32768, GIB }, { 0, 0 }, 2 * 0.00099 + 0.25 * 0.023 },
        { CLASS_INTELLIGENT_TIERING, { 1, 1 }, { 0, 0 }, -1 },
        { CLASS_INTELLIGENT_TIERING, { 0, 0 }, { 0, 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double sum = 0;
        price_add_month(&sum, &prices, rows[i].class_, rows[i].what, rows[i].small);
        assert_near(sum, rows[i].wanted);
    }
}

static void minimums_and_overheads_are_aws_and_the_config_replaces_them(void **state)
{
    (void)state;
    const struct prices prices = load("{\"vault\": {\"bucket\": \"vault\"}, \"prices\": {\"classes\": {\"GLACIER\": "
                                      "{\"minimum_days\": 7, \"overhead_standard_bytes\": 0}}}}");
    static const struct {
        enum storage_class class_;
        double days, bytes, overhead, overhead_standard;
    } rows[] = {
        { CLASS_STANDARD, 0, 0, 0, 0 },
        { CLASS_STANDARD_IA, 30, 131072, 0, 0 },
        { CLASS_ONEZONE_IA, 30, 131072, 0, 0 },
        { CLASS_GLACIER_IR, 90, 131072, 0, 0 },
        { CLASS_GLACIER, 7, 0, 32768, 0 },
        { CLASS_DEEP_ARCHIVE, 180, 0, 32768, 8192 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct price *price = &prices.classes[rows[i].class_];
        assert_near(price->minimum_days, rows[i].days);
        assert_near(price->minimum_bytes, rows[i].bytes);
        assert_near(price->overhead_bytes, rows[i].overhead);
        assert_near(price->overhead_standard_bytes, rows[i].overhead_standard);
    }
}

static void cost_is_summed_without_what_is_not_known(void **state)
{
    (void)state;
    const struct cost known = { 1, 2, 4, 8 }, half = { 1, PRICE_UNKNOWN, 4, PRICE_UNKNOWN };
    assert_near(cost_sum(&known), 15);
    assert_false(cost_is_unknown(&known));
    assert_near(cost_sum(&half), 5);
    assert_true(cost_is_unknown(&half));
}

static void sum_with_an_unknown_price_is_unknown_for_good(void **state)
{
    (void)state;
    const struct prices prices = load(PLAIN);
    char text[MONEY_SIZE];
    double sum = 0;
    price_add(&sum, PRICE_UNKNOWN, 0); /* none of it is needed */
    assert_near(sum, 0);
    price_add(&sum, 2, 3);
    assert_near(sum, 6);
    price_add(&sum, PRICE_UNKNOWN, 1);
    price_add(&sum, 2, 3);
    assert_near(sum, PRICE_UNKNOWN);
    assert_string_equal(money(sum, &prices, text), "unknown");
    assert_string_equal(money(0, &prices, text), "USD 0.00");
    assert_string_equal(money(0.0004, &prices, text), "USD 0.0004");
    assert_string_equal(money(12.345, &prices, text), "USD 12.35");
}

static void tiers_and_hours_are_those_of_the_class(void **state)
{
    (void)state;
    enum thaw_tier tier = THAW_TIERS;
    assert_true(thaw_tier_parse("standard", &tier));
    assert_int_equal(tier, THAW_STANDARD);
    assert_false(thaw_tier_parse("Bulk", &tier));
    assert_int_equal(thaw_hours(CLASS_GLACIER, THAW_BULK), 12);
    assert_int_equal(thaw_hours(CLASS_GLACIER, THAW_STANDARD), 5);
    assert_int_equal(thaw_hours(CLASS_DEEP_ARCHIVE, THAW_BULK), 48);
    assert_int_equal(thaw_hours(CLASS_DEEP_ARCHIVE, THAW_EXPEDITED), 0);
    assert_int_equal(thaw_hours(CLASS_GLACIER_IR, THAW_STANDARD), 0);
    assert_int_equal(thaw_hours(CLASS_STANDARD, THAW_BULK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_dated_and_knows_the_classes_of_the_policies),
        cmocka_unit_test(config_replaces_what_it_names_and_nothing_else),
        cmocka_unit_test(retrieval_is_priced_by_class_and_tier),
        cmocka_unit_test(month_is_billed_with_minimum_and_overhead),
        cmocka_unit_test(minimums_and_overheads_are_aws_and_the_config_replaces_them),
        cmocka_unit_test(cost_is_summed_without_what_is_not_known),
        cmocka_unit_test(sum_with_an_unknown_price_is_unknown_for_good),
        cmocka_unit_test(tiers_and_hours_are_those_of_the_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
