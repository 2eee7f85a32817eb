/*
 * What a drill may take: bytes that are thawed, and money. A stratum is tested whole or not at all, since one of which
 * only the cheap objects were tried would say too much: so the cheapest strata come first, and those that do not fit
 * are told as not tested. See drill_inside.h.
 */
#include "agent/drill_inside.h"

#include <stdlib.h>

/* A copy, then reading both sides: headers, tags, bytes. */
enum { WRITES = 1, READS = 8, PAGE = 1000 };

struct need {
    unsigned stratum;
    enum storage_class class_;
    struct state_totals all, archived;
    double price;
};

static int by_price(const void *a, const void *b)
{
    const struct need *one = a, *other = b;

    if (one->price != other->price)
        return one->price < other->price ? -1 : 1;
    if (one->archived.bytes != other->archived.bytes)
        return one->archived.bytes < other->archived.bytes ? -1 : 1;
    return one->stratum < other->stratum ? -1 : one->stratum > other->stratum;
}

static double requests_price(const struct prices *prices, uint64_t objects)
{
    double sum = 0;

    price_add(&sum, prices->classes[CLASS_STANDARD].put_1k, WRITES * (double)objects / 1000);
    price_add(&sum, prices->classes[CLASS_STANDARD].get_1k, READS * (double)objects / 1000);
    return sum;
}

/* What a stratum's sample takes out of its class: where it was thawed already, that was paid for. */
static double retrieval_price(const struct drilling *drilling, const struct need *need)
{
    double sum = 0;

    price_add_retrieval(&sum, &drilling->report->prices, need->class_, drilling->options->tier,
            storage_class_is_archive(need->class_) ? need->archived : need->all);
    return sum;
}

static const char *why_not(const struct drilling *drilling, const struct need *need, uint64_t thawed, double spent)
{
    const struct drill_options *options = drilling->options;

    if (need->archived.objects > 0 && thaw_hours(need->class_, options->tier) == 0)
        return "archived, in a class that has no thaw of this tier";
    if (need->archived.objects > 0 && need->archived.bytes >= options->thaw_max - thawed)
        return "archived, and its sample is larger than what --max-thaw leaves";
    if (options->cost_max >= 0 && need->price < 0)
        return "its price is not known, and the cost is limited";
    if (options->cost_max >= 0 && spent + need->price > options->cost_max)
        return "its sample costs more than what --max-cost leaves";
    return NULL;
}

static void skip_stratum(struct drilling *drilling, unsigned stratum, const char *why)
{
    for (size_t i = 0; i < drilling->count; i++)
        if (drilling->objects[i]->stratum == stratum)
            drill_skip(drilling, drilling->objects[i], why);
}

static void gather(const struct drilling *drilling, struct need needs[DRILL_STRATA])
{
    for (unsigned i = 0; i < DRILL_STRATA; i++)
        needs[i] = (struct need){ .stratum = i, .class_ = drill_stratum_class(i) };
    for (size_t i = 0; i < drilling->count; i++) {
        const struct drill_object *object = drilling->objects[i];
        struct need *need = &needs[object->stratum];
        need->all.objects++;
        need->all.bytes += object->size;
        if (object->is_archived) {
            need->archived.objects++;
            need->archived.bytes += object->size;
        }
    }
}

void drill_budget(struct drilling *drilling)
{
    struct drill_report *report = drilling->report;
    struct need needs[DRILL_STRATA];
    uint64_t thawed = 0, objects = 0;
    double spent = 0;

    gather(drilling, needs);
    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        double retrieval = retrieval_price(drilling, &needs[i]);
        needs[i].price =
                retrieval < 0 ? PRICE_UNKNOWN : retrieval + requests_price(&report->prices, needs[i].all.objects);
        objects += report->strata.objects[i];
    }
    price_add(&report->cost.requests, report->prices.list_1k, 2 * (double)(objects / PAGE + 1) / 1000);
    spent = report->cost.requests;
    qsort(needs, DRILL_STRATA, sizeof needs[0], by_price);
    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        const struct need *need = &needs[i];
        const char *why = need->all.objects > 0 ? why_not(drilling, need, thawed, spent) : NULL;
        if (need->all.objects == 0)
            continue;
        if (why != NULL) {
            skip_stratum(drilling, need->stratum, why);
            continue;
        }
        thawed += need->archived.bytes;
        spent += need->price;
        price_add(&report->cost.requests, 1, requests_price(&report->prices, need->all.objects));
        price_add(&report->cost.retrieval, 1, retrieval_price(drilling, need));
    }
}
