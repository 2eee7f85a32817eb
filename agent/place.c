/* See place.h. */
#include "agent/place.h"

#include <stdio.h>

enum {
    UNPRICED_BYTES = 128 * 1024, /* S3's rules leave smaller objects where they are unless told otherwise */
    ENDLESS_DAYS = 3650,
    MONTH_DAYS = 30,
    YEAR_DAYS = 365
};
#define FIRST_COPY CLASS_COUNT /* as the class that an object comes from */
#define DAY_MS INT64_C(86400000)
#define MONTH (365.0 / 12)                 /* as "a month" in prices */
#define SIZE_MAX_BYTES (UINT64_C(1) << 46) /* above S3's largest object */

/* One object, and the policy that it is judged by. */
struct judging {
    const struct config_policy *policy;
    const struct prices *prices;
    double bytes;
    double retention_days;
};

static int64_t longest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How far back this many periods reach. */
static int64_t reach(int64_t count, int64_t days)
{
    return count == CONFIG_KEEP_ALL ? ENDLESS_DAYS : count * days;
}

static int64_t length_days(const struct config_duration *length)
{
    return length->years * YEAR_DAYS + length->months * MONTH_DAYS + length->days + (length->hours + 23) / 24;
}

int64_t place_retention_days(const struct config_policy *policy)
{
    const struct config_keep *keep = &policy->keep;
    const struct config_duration *const lengths[] = { &keep->within, &keep->within_hourly, &keep->within_daily,
        &keep->within_weekly, &keep->within_monthly, &keep->within_yearly };
    int64_t days = 0;

    if (keep->given) {
        days = longest(reach(keep->last, 1), reach(keep->daily, 1)); /* a point a day is what most schedules make */
        days = longest(days, keep->hourly == CONFIG_KEEP_ALL ? ENDLESS_DAYS : (keep->hourly + 23) / 24);
        days = longest(days, reach(keep->weekly, 7));
        days = longest(days, reach(keep->monthly, MONTH_DAYS));
        days = longest(days, reach(keep->yearly, YEAR_DAYS));
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            days = longest(days, length_days(lengths[i]));
    } else {
        days = policy->delete_after_days == CONFIG_UNSET ? ENDLESS_DAYS : policy->delete_after_days;
    }
    if (policy->delete_after_days != CONFIG_UNSET && days > policy->delete_after_days)
        days = policy->delete_after_days;
    return days;
}

/* What an object costs in a class for so many days. */
static double storage(const struct judging *judging, enum storage_class class_, double days)
{
    const struct price *price = &judging->prices->classes[class_];
    const double gb = 1024.0 * 1024.0 * 1024.0, months = days / MONTH;
    const double billed = judging->bytes < price->minimum_bytes ? price->minimum_bytes : judging->bytes;
    double sum = 0;

    price_add(&sum, price->storage_gb_month, (billed + price->overhead_bytes) / gb * months);
    price_add(&sum, judging->prices->classes[CLASS_STANDARD].storage_gb_month,
            price->overhead_standard_bytes / gb * months);
    return sum;
}

/* The rest of its retention in a class where it lies already, or stays by the PUT that is needed anyhow. */
static double storage_there(const struct judging *judging, enum storage_class class_)
{
    return storage(judging, class_, judging->retention_days);
}

/* The same in a class that it comes into now. */
static double storage_from_now(const struct judging *judging, enum storage_class class_)
{
    const double minimum = judging->prices->classes[class_].minimum_days;

    return storage(judging, class_, judging->retention_days < minimum ? minimum : judging->retention_days);
}

static double enter_first(const struct judging *judging, enum storage_class to)
{
    double sum = 0;

    price_add(&sum, judging->prices->classes[to].put_1k, 0.001);
    return sum;
}

static double enter_by_move(const struct judging *judging, enum storage_class from, enum storage_class to)
{
    const bool by_agent = judging->policy->transitions == CONFIG_TRANSITIONS_AGENT;
    const struct price *price = &judging->prices->classes[to], *left = &judging->prices->classes[from];
    const enum thaw_tier tier = storage_class_is_archive(from) ? THAW_BULK : THAW_STANDARD;
    double sum = 0;

    price_add(&sum, by_agent ? price->put_1k : price->lifecycle_1k, 0.001);
    if (by_agent && from != CLASS_STANDARD) {
        price_add(&sum, left->thaw_gb[tier], judging->bytes / (1024.0 * 1024.0 * 1024.0));
        price_add(&sum, left->thaw_1k[tier], 0.001);
    }
    return sum;
}

enum worth { WORTH_IT, NOT_WORTH_IT, WORTH_UNKNOWN };

static void add(double *sum, double cost)
{
    *sum = *sum < 0 || cost < 0 ? PRICE_UNKNOWN : *sum + cost;
}

static enum worth compare(double would_cost, double costs_otherwise)
{
    if (would_cost < 0 || costs_otherwise < 0)
        return WORTH_UNKNOWN;
    return would_cost < costs_otherwise ? WORTH_IT : NOT_WORTH_IT;
}

static bool is_taken(const struct judging *judging, enum worth worth)
{
    return worth == WORTH_IT || (worth == WORTH_UNKNOWN && judging->bytes >= UNPRICED_BYTES);
}

static struct judging judging_of(const struct config_policy *policy, const struct prices *prices, uint64_t size)
{
    return (struct judging){ .policy = policy,
        .prices = prices,
        .bytes = (double)size,
        .retention_days = (double)place_retention_days(policy) };
}

/* The tiers whose age is reached. */
static size_t reached(const struct config_policy *policy, int64_t age_days)
{
    size_t count = 0;

    while (count < policy->tier_count && policy->tiers[count].after_days <= age_days)
        count++;
    return count;
}

static int64_t age_of(int64_t source_time_ms, int64_t now_ms)
{
    return source_time_ms >= now_ms ? 0 : (now_ms - source_time_ms) / DAY_MS;
}

/* The class among the first `count` tiers; `from` is FIRST_COPY, or where it lies. *unknown: a price was missing. */
static enum storage_class choose(const struct judging *judging, size_t count, enum storage_class from, bool *unknown)
{
    enum storage_class best = from == FIRST_COPY ? CLASS_STANDARD : from;
    double best_cost = from == FIRST_COPY ? enter_first(judging, best) : 0;

    add(&best_cost, storage_there(judging, best));
    for (size_t i = 0; i < count; i++) {
        const enum storage_class to = judging->policy->tiers[i].class_;
        double cost = from == FIRST_COPY ? enter_first(judging, to) : enter_by_move(judging, from, to);
        enum worth worth;

        if (from != FIRST_COPY && !storage_class_may_follow(from, to))
            continue;
        add(&cost, storage_from_now(judging, to));
        worth = compare(cost, best_cost);
        *unknown = *unknown || worth == WORTH_UNKNOWN;
        if (!is_taken(judging, worth))
            continue;
        best = to;
        best_cost = cost;
    }
    return best;
}

/* The size from which on it would go to its class by age, found between the size that does not and twice it, and so
 * on. 0: no size does. */
static uint64_t needs(const struct judging *judging, enum storage_class by_age, size_t count, enum storage_class from)
{
    struct judging other = *judging;
    uint64_t low, high;
    bool unknown = false;

    if (judging->bytes > (double)SIZE_MAX_BYTES)
        return 0;
    low = (uint64_t)judging->bytes;
    high = low + 1;
    for (other.bytes = (double)high; choose(&other, count, from, &unknown) != by_age; other.bytes = (double)high) {
        if (high > SIZE_MAX_BYTES)
            return 0;
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        other.bytes = (double)middle;
        if (choose(&other, count, from, &unknown) == by_age)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static struct place judge(const struct judging *judging, int64_t age_days, enum storage_class from)
{
    const struct config_policy *policy = judging->policy;
    const size_t count = reached(policy, age_days);
    const enum storage_class stays = from == FIRST_COPY ? CLASS_STANDARD : from;
    const struct config_tier *tier = count > 0 ? &policy->tiers[count - 1] : policy->tiers;
    struct place place = { .class_ = stays,
        .by_age = stays,
        .reason = policy->tier_count == 0 ? PLACE_NO_TIERS : PLACE_YOUNG,
        .age_days = (int)(age_days > INT32_MAX ? INT32_MAX : age_days),
        .after_days = policy->tier_count == 0 ? 0 : (int)tier->after_days };
    bool unknown = false;

    if (count == 0)
        return place;
    place.by_age = tier->class_;
    if (from != FIRST_COPY && !storage_class_may_follow(from, tier->class_)) {
        place.reason = PLACE_THERE;
        return place;
    }
    place.reason = PLACE_TIER;
    if (policy->min_size != CONFIG_AUTO) {
        if (judging->bytes >= (double)policy->min_size) {
            place.class_ = tier->class_;
        } else {
            place.reason = PLACE_SMALL;
            place.needs_bytes = (uint64_t)policy->min_size;
        }
        return place;
    }
    place.class_ = choose(judging, count, from, &unknown);
    if (place.class_ != place.by_age)
        place.reason = unknown ? PLACE_UNPRICED : PLACE_DEARER;
    return place;
}

static struct place judge_and_say_why(const struct judging *judging, int64_t age_days, enum storage_class from)
{
    struct place place = judge(judging, age_days, from);

    if (place.reason == PLACE_DEARER || place.reason == PLACE_UNPRICED)
        place.needs_bytes = needs(judging, place.by_age, reached(judging->policy, age_days), from);
    return place;
}

enum storage_class place_class(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms)
{
    const struct judging judging = judging_of(policy, prices, size);

    return judge(&judging, age_of(source_time_ms, now_ms), FIRST_COPY).class_;
}

struct place place_new(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms)
{
    const struct judging judging = judging_of(policy, prices, size);

    return judge_and_say_why(&judging, age_of(source_time_ms, now_ms), FIRST_COPY);
}

struct place place_move(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms, enum storage_class from)
{
    const struct judging judging = judging_of(policy, prices, size);

    return judge_and_say_why(&judging, age_of(source_time_ms, now_ms), from);
}

/* Whether an object of this size is moved into the tier when it comes of its age, from where the tiers before it have
 * brought it. */
static bool moves_into(struct judging *judging, size_t tier, uint64_t bytes)
{
    const struct config_policy *policy = judging->policy;
    enum storage_class from = CLASS_STANDARD;
    bool unknown = false;

    judging->bytes = (double)bytes;
    for (size_t i = 0; i <= tier; i++)
        from = choose(judging, i + 1, from, &unknown);
    return from == policy->tiers[tier].class_;
}

uint64_t place_min_bytes(const struct config_policy *policy, const struct prices *prices, enum storage_class to)
{
    struct judging judging = judging_of(policy, prices, 0);
    uint64_t low = SIZE_MAX_BYTES, high = low;
    size_t tier = 0;

    while (tier < policy->tier_count && policy->tiers[tier].class_ != to)
        tier++;
    if (tier == policy->tier_count)
        return UINT64_MAX;
    if (policy->min_size != CONFIG_AUTO)
        return (uint64_t)policy->min_size;
    if (!moves_into(&judging, tier, high))
        return UINT64_MAX;
    /* from above and in small steps: where the tiers before it begin to hold an object, this one saves less, so that
     * not every size above the smallest one that gains does */
    while (moves_into(&judging, tier, low)) {
        if (low == 0)
            return 0;
        high = low;
        low -= low / 50 + 1;
    }
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (moves_into(&judging, tier, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

const char *place_explain(const struct place *place, char *out, size_t size)
{
    const char *class_ = storage_class_name(place->class_), *by_age = storage_class_name(place->by_age);
    char needs_text[48] = "";

    if (place->needs_bytes > 0)
        (void)snprintf(needs_text, sizeof needs_text, " under %llu bytes", (unsigned long long)place->needs_bytes);
    switch (place->reason) {
    case PLACE_NO_TIERS:
        (void)snprintf(out, size, "%d days old: %s, the policy has no tiers", place->age_days, class_);
        break;
    case PLACE_YOUNG:
        (void)snprintf(out, size, "%d days old: %s until %d days", place->age_days, class_, place->after_days);
        break;
    case PLACE_TIER:
        (void)snprintf(out, size, "%d days old: %s from %d days on", place->age_days, class_, place->after_days);
        break;
    case PLACE_SMALL:
        (void)snprintf(out, size, "%d days old: %s, as min_size keeps it from %s%s", place->age_days, class_, by_age,
                needs_text);
        break;
    case PLACE_DEARER:
        (void)snprintf(out, size, "%d days old: %s, as %s would cost more than it saves%s", place->age_days, class_,
                by_age, needs_text);
        break;
    case PLACE_UNPRICED:
        (void)snprintf(out, size, "%d days old: %s, as a price of %s is not known%s", place->age_days, class_, by_age,
                needs_text);
        break;
    case PLACE_THERE:
        (void)snprintf(out, size, "%d days old: lies in %s already", place->age_days, class_);
        break;
    }
    return out;
}
