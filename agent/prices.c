/* See prices.h. */
#include "agent/prices.h"

#include <stdio.h>
#include <string.h>

/* Made from prices.json by the build. */
extern const char prices_json[];
extern const unsigned prices_json_size;

static void take(double *into, double price)
{
    if (price != CONFIG_UNSET)
        *into = price;
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_number(value) ? json_number_value(value) : PRICE_UNKNOWN;
}

static double rule(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name)); /* 0 where there is none */
}

static void read_class(const json_t *object, struct price *price)
{
    *price = (struct price){ .storage_gb_month = number(object, "storage_gb_month"),
        .put_1k = number(object, "put_1k"),
        .get_1k = number(object, "get_1k"),
        .lifecycle_1k = number(object, "lifecycle_1k"),
        .thaw_gb = { number(object, "bulk_gb"), number(object, "standard_gb"), number(object, "expedited_gb") },
        .thaw_1k = { number(object, "bulk_1k"), number(object, "standard_1k"), number(object, "expedited_1k") },
        .minimum_days = rule(object, "minimum_days"),
        .minimum_bytes = rule(object, "minimum_bytes"),
        .overhead_bytes = rule(object, "overhead_bytes"),
        .overhead_standard_bytes = rule(object, "overhead_standard_bytes") };
}

static void replace_class(const struct config_class_price *from, struct price *price)
{
    take(&price->storage_gb_month, from->storage_gb_month);
    take(&price->put_1k, from->put_1k);
    take(&price->get_1k, from->get_1k);
    take(&price->lifecycle_1k, from->lifecycle_1k);
    take(&price->thaw_gb[THAW_BULK], from->bulk_gb);
    take(&price->thaw_1k[THAW_BULK], from->bulk_1k);
    take(&price->thaw_gb[THAW_STANDARD], from->standard_gb);
    take(&price->thaw_1k[THAW_STANDARD], from->standard_1k);
    take(&price->thaw_gb[THAW_EXPEDITED], from->expedited_gb);
    take(&price->thaw_1k[THAW_EXPEDITED], from->expedited_1k);
    take(&price->minimum_days, from->minimum_days);
    take(&price->minimum_bytes, from->minimum_bytes);
    take(&price->overhead_bytes, from->overhead_bytes);
    take(&price->overhead_standard_bytes, from->overhead_standard_bytes);
}

static void replace(const struct config_prices *from, struct prices *prices)
{
    if (!from->given)
        return;
    (void)snprintf(prices->currency, sizeof prices->currency, "%.3s", from->currency);
    if (from->date != NULL)
        (void)snprintf(prices->date, sizeof prices->date, "%.10s", from->date);
    take(&prices->list_1k, from->list_1k);
    take(&prices->transfer_gb, from->transfer_gb);
    for (size_t i = 0; i < from->class_count; i++)
        replace_class(&from->classes[i],
                &prices->classes[storage_class_from(from->classes[i].class_, strlen(from->classes[i].class_))]);
}

enum verdict prices_load(const struct config *config, struct prices *prices, struct failure *failure)
{
    json_t *table = json_loadb(prices_json, prices_json_size, 0, NULL);
    const json_t *classes = json_object_get(table, "classes");

    if (table == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "the table of prices cannot be read: out of memory");
    memset(prices, 0, sizeof *prices);
    (void)snprintf(prices->date, sizeof prices->date, "%s", json_string_value(json_object_get(table, "date")));
    (void)snprintf(
            prices->currency, sizeof prices->currency, "%s", json_string_value(json_object_get(table, "currency")));
    prices->list_1k = number(table, "list_1k");
    prices->transfer_gb = number(table, "transfer_gb");
    for (int i = 0; i < CLASS_COUNT; i++)
        read_class(json_object_get(classes, storage_class_name((enum storage_class)i)), &prices->classes[i]);
    json_decref(table);
    replace(&config->prices, prices);
    return VERDICT_OK;
}

void price_add(double *sum, double price, double units)
{
    if (units <= 0)
        return;
    *sum = *sum < 0 || price < 0 ? PRICE_UNKNOWN : *sum + price * units;
}

void price_add_month(double *sum, const struct prices *prices, enum storage_class class_, struct state_totals what,
        struct state_totals small)
{
    const struct price *price = &prices->classes[class_];
    const double objects = (double)what.objects, gb = 1024.0 * 1024.0 * 1024.0;
    const double billed = (double)what.bytes - (double)small.bytes + (double)small.objects * price->minimum_bytes;

    price_add(sum, price->storage_gb_month, (billed + objects * price->overhead_bytes) / gb);
    price_add(sum, prices->classes[CLASS_STANDARD].storage_gb_month, objects * price->overhead_standard_bytes / gb);
}

double price_gb(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0 * 1024.0);
}

void price_add_retrieval(double *sum, const struct prices *prices, enum storage_class class_, enum thaw_tier tier,
        struct state_totals what)
{
    const struct price *price = &prices->classes[class_];

    if (class_ == CLASS_STANDARD) /* reading it is a request, and nothing more */
        return;
    if (!storage_class_is_archive(class_))
        tier = THAW_STANDARD;
    price_add(sum, price->thaw_gb[tier], price_gb(what.bytes));
    price_add(sum, price->thaw_1k[tier], (double)what.objects / 1000);
}

static json_t *sum_json(double sum)
{
    return sum < 0 ? json_null() : json_real(sum);
}

double cost_sum(const struct cost *cost)
{
    const double parts[] = { cost->requests, cost->storage_month, cost->transfer, cost->retrieval };
    double sum = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        sum += parts[i] < 0 ? 0 : parts[i];
    return sum;
}

bool cost_is_unknown(const struct cost *cost)
{
    return cost->requests < 0 || cost->storage_month < 0 || cost->transfer < 0 || cost->retrieval < 0;
}

json_t *cost_json(const struct cost *cost, const struct prices *prices)
{
    return json_pack("{so so so so ss ss}", "requests", sum_json(cost->requests), "storage_month",
            sum_json(cost->storage_month), "transfer", sum_json(cost->transfer), "retrieval", sum_json(cost->retrieval),
            "currency", prices->currency, "date", prices->date);
}

const char *money(double sum, const struct prices *prices, char out[MONEY_SIZE])
{
    if (sum < 0)
        (void)snprintf(out, MONEY_SIZE, "unknown");
    else
        (void)snprintf(out, MONEY_SIZE, sum == 0 || sum >= 1 ? "%s %.2f" : "%s %.4f", prices->currency, sum);
    return out;
}
