/* See place.h. */
#include "agent/place.h"

#include <stdio.h>

enum {
    UNPRICED_BYTES = 128 * 1024, /* S3's rules leave smaller objects where they are unless told otherwise */
    ENDLESS_DAYS = 3650,
    TIERS_MAX = CLASS_COUNT, /* each colder than the one before */
    MONTH_DAYS = 30,
    YEAR_DAYS = 365
};
#define DAY_MS INT64_C(86400000)
#define MONTH (365.0 / 12)                 /* as "a month" in prices */
#define SIZE_MAX_BYTES (UINT64_C(1) << 46) /* above S3's largest object */

/* One object, and the policy that it is judged by. */
struct judging {
    const struct config_policy *policy;
    const struct prices *prices;
    double bytes;
    int64_t retention_days;
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

/* The same for an object that comes into the class now. */
static double storage_from_now(const struct judging *judging, enum storage_class class_, double days)
{
    const double minimum = judging->prices->classes[class_].minimum_days;

    return storage(judging, class_, days < minimum ? minimum : days);
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

/* Whether an object that lies in `from` gains by a move that leaves it in `to` for so many days. */
static enum worth move_is_worth(
        const struct judging *judging, enum storage_class from, enum storage_class to, double days)
{
    double would = enter_by_move(judging, from, to), stays = storage(judging, from, days);

    price_add(&would, storage_from_now(judging, to, days), 1);
    return compare(would, stays);
}

/* The days from `age` on until a tier from `next` on is taken, at most the retention. `taken` says which are. */
static double stay_days(const struct judging *judging, const bool taken[TIERS_MAX], size_t next, int64_t age_days)
{
    for (size_t i = next; i < judging->policy->tier_count; i++) {
        const int64_t days = judging->policy->tiers[i].after_days - age_days;
        if (taken[i])
            return (double)(days < judging->retention_days ? days : judging->retention_days);
    }
    return (double)judging->retention_days;
}

/* Which tiers an object of this size will be moved to when it comes of their age: from the deepest one up, as the time
 * in a tier ends where the next one begins. */
static void judge_tiers(const struct judging *judging, bool taken[TIERS_MAX])
{
    const struct config_policy *policy = judging->policy;

    for (size_t i = policy->tier_count; i > 0; i--) {
        const struct config_tier *tier = &policy->tiers[i - 1];
        if (policy->min_size != CONFIG_AUTO)
            taken[i - 1] = judging->bytes >= (double)policy->min_size;
        else
            taken[i - 1] = is_taken(judging, move_is_worth(judging, CLASS_STANDARD, tier->class_,
                                                     stay_days(judging, taken, i, tier->after_days)));
    }
}

static struct judging judging_of(const struct config_policy *policy, const struct prices *prices, uint64_t size)
{
    return (struct judging){
        .policy = policy, .prices = prices, .bytes = (double)size, .retention_days = place_retention_days(policy)
    };
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

/* The class among the first `count` tiers; `from` is CLASS_COUNT for a first copy. *unknown: a price was missing. */
static enum storage_class choose(
        const struct judging *judging, size_t count, int64_t age_days, enum storage_class from, bool *unknown)
{
    const bool first = from == CLASS_COUNT;
    enum storage_class best = first ? CLASS_STANDARD : from;
    bool taken[TIERS_MAX];
    double days, best_cost;

    judge_tiers(judging, taken);
    days = stay_days(judging, taken, count, age_days);
    best_cost = first ? enter_first(judging, best) : 0;
    price_add(&best_cost, storage(judging, best, days), 1);
    for (size_t i = 0; i < count; i++) {
        const enum storage_class to = judging->policy->tiers[i].class_;
        double cost = first ? enter_first(judging, to) : enter_by_move(judging, from, to);
        enum worth worth;

        if (!first && !storage_class_may_follow(from, to))
            continue;
        price_add(&cost, storage_from_now(judging, to, days), 1);
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
static uint64_t needs(const struct judging *judging, const struct place *place, size_t count, enum storage_class from)
{
    struct judging other = *judging;
    double low = judging->bytes, high = low < 1 ? 1 : low;
    bool unknown = false;

    for (;; high *= 2) {
        other.bytes = high;
        if (choose(&other, count, place->age_days, from, &unknown) == place->by_age)
            break;
        low = high;
        if (high > (double)SIZE_MAX_BYTES)
            return 0;
    }
    while (high - low > 1) {
        other.bytes = low + (double)(uint64_t)((high - low) / 2);
        if (choose(&other, count, place->age_days, from, &unknown) == place->by_age)
            high = other.bytes;
        else
            low = other.bytes;
    }
    return (uint64_t)high;
}

static struct place judge(const struct judging *judging, int64_t age_days, enum storage_class from)
{
    const struct config_policy *policy = judging->policy;
    const size_t count = reached(policy, age_days);
    const enum storage_class stays = from == CLASS_COUNT ? CLASS_STANDARD : from;
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
    if (from != CLASS_COUNT && !storage_class_may_follow(from, tier->class_)) {
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
    place.class_ = choose(judging, count, age_days, from, &unknown);
    if (place.class_ != place.by_age) {
        place.reason = unknown ? PLACE_UNPRICED : PLACE_DEARER;
        place.needs_bytes = needs(judging, &place, count, from);
    }
    return place;
}

struct place place_new(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms)
{
    const struct judging judging = judging_of(policy, prices, size);

    return judge(&judging, age_of(source_time_ms, now_ms), CLASS_COUNT);
}

struct place place_move(const struct config_policy *policy, const struct prices *prices, uint64_t size,
        int64_t source_time_ms, int64_t now_ms, enum storage_class from)
{
    const struct judging judging = judging_of(policy, prices, size);

    return judge(&judging, age_of(source_time_ms, now_ms), from);
}

/* Whether an object of this size is moved into the tier when it comes of its age, from where it lies until then. */
static bool moves_into(struct judging *judging, size_t tier, double bytes)
{
    const struct config_policy *policy = judging->policy;
    enum storage_class from = CLASS_STANDARD;
    bool taken[TIERS_MAX];

    judging->bytes = bytes;
    judge_tiers(judging, taken);
    for (size_t i = 0; i < tier; i++)
        if (taken[i])
            from = policy->tiers[i].class_;
    return is_taken(judging, move_is_worth(judging, from, policy->tiers[tier].class_,
                                     stay_days(judging, taken, tier + 1, policy->tiers[tier].after_days)));
}

uint64_t place_min_bytes(const struct config_policy *policy, const struct prices *prices, enum storage_class to)
{
    struct judging judging = judging_of(policy, prices, 0);
    double low = (double)SIZE_MAX_BYTES, high = low;
    size_t tier = 0;

    while (tier < policy->tier_count && policy->tiers[tier].class_ != to)
        tier++;
    if (tier == policy->tier_count)
        return UINT64_MAX;
    if (policy->min_size != CONFIG_AUTO)
        return (uint64_t)policy->min_size;
    if (!moves_into(&judging, tier, high))
        return UINT64_MAX;
    /* downwards: a later tier that begins to be worth it shortens the time in this one, so that not every size above
     * the smallest one that gains does */
    while (low >= 1 && moves_into(&judging, tier, low)) {
        high = low;
        low /= 1.02;
    }
    if (low < 1)
        return 0;
    low = (double)(uint64_t)low;
    while (high - low > 1) {
        const double middle = low + (double)(uint64_t)((high - low) / 2);
        if (moves_into(&judging, tier, middle))
            high = middle;
        else
            low = middle;
    }
    return (uint64_t)high;
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
