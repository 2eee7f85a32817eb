/*
 * What things cost: one dated table of list prices (prices.json, of us-east-1), which the config may replace in parts.
 * An estimate for people, before the money is spent: no discounts, no free tiers, the first step of graded prices.
 *
 * Pure once loaded; any thread.
 */
#ifndef AGENT_PRICES_H
#define AGENT_PRICES_H

#include <jansson.h>

#include "agent/config.h"
#include "agent/failure.h"
#include "agent/thaw.h"
#include "state/point.h"

/* A price that the table does not know. Sums with it are not known either. */
#define PRICE_UNKNOWN (-1.0)

struct price {
    double storage_gb_month, put_1k, get_1k, lifecycle_1k;
    double thaw_gb[THAW_TIERS], thaw_1k[THAW_TIERS]; /* "standard" also of classes that are read without a thaw */
    /* what is billed at least, and beside an object's own bytes; 0: no such rule */
    double minimum_days, minimum_bytes, overhead_bytes, overhead_standard_bytes;
};

struct prices {
    char date[12], currency[4];
    double list_1k, transfer_gb;
    struct price classes[CLASS_COUNT];
};

enum verdict prices_load(const struct config *config, struct prices *prices, struct failure *failure)
        __attribute__((warn_unused_result));

/* Adds units at a price; what is unknown stays so. */
void price_add(double *sum, double price, double units);
/* Of the storage of objects for a month: their bytes, at least the class's minimum each, and what is billed beside
 * them. `small` are those below the minimum (objects and bytes), which are among `what`. */
void price_add_month(double *sum, const struct prices *prices, enum storage_class class_, struct state_totals what,
        struct state_totals small);
/* Bytes as the units that storage and retrieval are billed by. */
double price_gb(uint64_t bytes);
/* Of taking this much out of a class: by the tier where it is thawed, else as it is read. */
void price_add_retrieval(double *sum, const struct prices *prices, enum storage_class class_, enum thaw_tier tier,
        struct state_totals what);

/* "requests", "storage_month", "transfer", "retrieval", "currency", "date"; unknown sums are null. */
struct cost {
    double requests, storage_month, transfer, retrieval;
};
/* All of it that is known. */
double cost_sum(const struct cost *cost);
/* Whether a part of it is not. */
bool cost_is_unknown(const struct cost *cost);
json_t *cost_json(const struct cost *cost, const struct prices *prices);
enum { MONEY_SIZE = 40 };
/* "USD 12.34", "USD 0.0004", "unknown". */
const char *money(double sum, const struct prices *prices, char out[MONEY_SIZE]);

#endif
