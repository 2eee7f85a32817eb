/* What a restore costs, before and after: by list prices. See restore.h and prices.h. */
#include "agent/restore.h"

#include <stdio.h>

enum { A_THOUSAND = 1000 };

static struct state_totals sum_of(const struct state_totals by_class[CLASS_COUNT])
{
    struct state_totals sum = { 0 };

    for (int i = 0; i < CLASS_COUNT; i++) {
        sum.objects += by_class[i].objects;
        sum.bytes += by_class[i].bytes;
    }
    return sum;
}

static void add_requests(double *sum, double price_1k, uint64_t count)
{
    price_add(sum, price_1k, (double)count / A_THOUSAND);
}

/* Listings of the first pass and of the comparison, a copy of each object, and two requests for each thaw. */
static double foreseen_requests(const struct restore_report *report, const struct state_totals *bring)
{
    const struct prices *prices = &report->prices;
    double sum = 0;

    add_requests(&sum, prices->list_1k, 2 * report->requests[REQUEST_LIST]);
    add_requests(&sum, prices->classes[report->class_].put_1k, report->to_folder ? 0 : bring->objects);
    add_requests(&sum, prices->classes[CLASS_STANDARD].get_1k, report->to_folder ? bring->objects : 0);
    add_requests(&sum, prices->classes[CLASS_STANDARD].get_1k, sum_of(report->forecast.thaw).objects);
    return sum;
}

static double made_requests(const struct restore_report *report)
{
    const struct prices *prices = &report->prices;
    const uint64_t *requests = report->requests;
    double sum = 0;

    add_requests(&sum, prices->list_1k, requests[REQUEST_LIST]);
    add_requests(&sum, prices->classes[report->class_].put_1k, requests[REQUEST_PUT] + requests[REQUEST_COPY]);
    add_requests(&sum, prices->classes[CLASS_STANDARD].get_1k, requests[REQUEST_GET] + requests[REQUEST_HEAD]);
    return sum;
}

struct cost restore_cost(const struct restore_report *report)
{
    const struct state_totals *by_class = report->dry_run ? report->forecast.bring : report->by_class;
    const struct state_totals sum = sum_of(by_class);
    struct cost cost = { .requests = report->dry_run ? foreseen_requests(report, &sum) : made_requests(report) };

    for (int i = 0; i < CLASS_COUNT; i++)
        if (by_class[i].objects > 0)
            price_add_retrieval(&cost.retrieval, &report->prices, (enum storage_class)i, report->tier, by_class[i]);
    if (report->to_folder)
        cost.transfer = sum.bytes > 0 ? PRICE_UNKNOWN : 0; /* depends on where this machine stands */
    else
        price_add(&cost.storage_month, report->prices.classes[report->class_].storage_gb_month, price_gb(sum.bytes));
    return cost;
}

/* What thawing by one tier takes: false where a class of what is archived has no such tier. */
static bool tier_of(const struct restore_report *report, enum thaw_tier tier, unsigned *hours, double *cost)
{
    const struct state_totals *thaw = report->forecast.thaw;

    *hours = 0;
    *cost = 0;
    for (int i = 0; i < CLASS_COUNT; i++) {
        unsigned own = thaw_hours((enum storage_class)i, tier);
        if (thaw[i].objects == 0)
            continue;
        if (own == 0)
            return false;
        *hours = own > *hours ? own : *hours;
        price_add_retrieval(cost, &report->prices, (enum storage_class)i, tier, thaw[i]);
    }
    return true;
}

static json_t *tiers_json(const struct restore_report *report)
{
    const struct state_totals sum = sum_of(report->forecast.thaw);
    json_t *tiers = json_array();

    for (int i = 0; i < THAW_TIERS && tiers != NULL; i++) {
        unsigned hours;
        double cost;
        bool possible = tier_of(report, (enum thaw_tier)i, &hours, &cost);
        json_t *one = json_pack("{ss sI sI so so}", "tier", thaw_tier_name((enum thaw_tier)i), "objects",
                (json_int_t)sum.objects, "bytes", (json_int_t)sum.bytes, "hours",
                possible ? json_integer((json_int_t)hours) : json_null(), "cost",
                possible && cost >= 0 ? json_real(cost) : json_null());
        if (one == NULL || json_array_append_new(tiers, one) != 0) {
            json_decref(tiers);
            return NULL;
        }
    }
    return tiers;
}

bool restore_forecast_add(json_t *json, const struct restore_report *report)
{
    const struct restore_forecast *forecast = &report->forecast;
    const struct state_totals bring = sum_of(forecast->bring), thaw = sum_of(forecast->thaw);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = { { "would_restore", bring.objects }, { "would_restore_bytes", bring.bytes },
        { "would_skip", forecast->skip }, { "would_thaw", thaw.objects }, { "would_thaw_bytes", thaw.bytes },
        { "being_thawed", forecast->thawing } };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (json_object_set_new(json, numbers[i].name, json_integer((json_int_t)numbers[i].value)) != 0)
            return false;
    return json_object_set_new(json, "dry_run", json_true()) == 0 &&
           json_object_set_new(json, "by_class", classes_json(forecast->bring)) == 0 &&
           json_object_set_new(json, "thaw", thaw.objects > 0 ? tiers_json(report) : json_array()) == 0;
}

static void print_tiers(const struct restore_report *report)
{
    const struct state_totals sum = sum_of(report->forecast.thaw);
    char text[MONEY_SIZE];

    (void)printf("  archived: %llu objects, %llu bytes have to be thawed first\n", (unsigned long long)sum.objects,
            (unsigned long long)sum.bytes);
    for (int i = 0; i < THAW_TIERS; i++) {
        unsigned hours;
        double cost;
        if (tier_of(report, (enum thaw_tier)i, &hours, &cost))
            (void)printf("    --thaw %-9s  up to %u h, %s\n", thaw_tier_name((enum thaw_tier)i), hours,
                    money(cost, &report->prices, text));
        else
            (void)printf("    --thaw %-9s  not in all of these classes\n", thaw_tier_name((enum thaw_tier)i));
    }
}

void restore_forecast_print(const struct restore_report *report)
{
    const struct restore_forecast *forecast = &report->forecast;
    const struct state_totals bring = sum_of(forecast->bring);
    const struct cost cost = restore_cost(report);
    char requests[MONEY_SIZE], retrieval[MONEY_SIZE], storage[MONEY_SIZE];

    (void)printf("  would restore %llu (%llu bytes), equal already %llu, conflicts %llu, being thawed %llu\n",
            (unsigned long long)bring.objects, (unsigned long long)bring.bytes, (unsigned long long)report->equal,
            (unsigned long long)forecast->skip, (unsigned long long)forecast->thawing);
    if (sum_of(forecast->thaw).objects > 0)
        print_tiers(report);
    (void)printf("  requests %s, retrieval %s (--thaw %s), a month there %s; list prices of %s\n",
            money(cost.requests, &report->prices, requests), money(cost.retrieval, &report->prices, retrieval),
            thaw_tier_name(report->tier), money(cost.storage_month, &report->prices, storage), report->prices.date);
}
