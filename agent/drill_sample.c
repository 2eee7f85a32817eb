/* See drill_sample.h. */
#include "agent/drill_sample.h"

#include <string.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define KIB UINT64_C(1024)

static const struct {
    int64_t below_ms;
    const char *name;
} ages[DRILL_AGES] = { { 30 * DAY_MS, "under 30 days" }, { 90 * DAY_MS, "30 to 90 days" },
    { 365 * DAY_MS, "90 to 365 days" }, { INT64_MAX, "over a year" } };

/* 128 KiB: below it, the colder classes bill that much all the same; 8 MiB: by parts above, when streamed. */
static const struct {
    uint64_t up_to;
    const char *name;
} sizes[DRILL_SIZES] = { { 128 * KIB, "up to 128 KiB" }, { 8 * KIB * KIB, "128 KiB to 8 MiB" },
    { KIB * KIB * KIB, "8 MiB to 1 GiB" }, { UINT64_MAX, "over 1 GiB" } };

unsigned drill_stratum(enum storage_class class_, int64_t age_ms, uint64_t size)
{
    unsigned age = 0, band = 0;

    while (age < DRILL_AGES - 1 && age_ms >= ages[age].below_ms)
        age++;
    while (band < DRILL_SIZES - 1 && size > sizes[band].up_to)
        band++;
    return ((unsigned)class_ * DRILL_AGES + age) * DRILL_SIZES + band;
}

enum storage_class drill_stratum_class(unsigned stratum)
{
    return (enum storage_class)(stratum / (DRILL_AGES * DRILL_SIZES));
}

const char *drill_stratum_age(unsigned stratum)
{
    return ages[stratum / DRILL_SIZES % DRILL_AGES].name;
}

const char *drill_stratum_size(unsigned stratum)
{
    return sizes[stratum % DRILL_SIZES].name;
}

/* splitmix64: passes the usual tests, and is a few lines that never change, so that a record's seed can be used again.
 */
static uint64_t throw_dice(uint64_t *dice)
{
    uint64_t z = *dice += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Evenly below n: what lies above the last multiple of n is thrown again. */
static uint64_t throw_below(uint64_t *dice, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, thrown;

    do
        thrown = throw_dice(dice);
    while (thrown >= limit);
    return thrown % n;
}

void drill_sample_init(struct drill_sample *sample, uint64_t seed)
{
    memset(sample, 0, sizeof *sample);
    sample->dice = seed;
}

void drill_sample_count(struct drill_sample *sample, unsigned stratum, uint64_t size)
{
    sample->objects[stratum]++;
    sample->bytes[stratum] += size;
}

/* The stratum of which each taken object stands for the most; DRILL_STRATA: all are taken whole. */
static unsigned neediest(const struct drill_sample *sample)
{
    unsigned found = DRILL_STRATA;

    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        if (sample->wanted[i] == sample->objects[i])
            continue;
        if (found == DRILL_STRATA || (long double)sample->objects[i] * (long double)sample->wanted[found] >
                                             (long double)sample->objects[found] * (long double)sample->wanted[i])
            found = i;
    }
    return found;
}

uint64_t drill_sample_allot(struct drill_sample *sample, uint64_t total)
{
    uint64_t given = 0;

    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        sample->wanted[i] = sample->objects[i] > 0 ? 1 : 0;
        given += sample->wanted[i];
    }
    while (given < total) {
        unsigned next = neediest(sample);
        if (next == DRILL_STRATA)
            break;
        sample->wanted[next]++;
        given++;
    }
    return given;
}

bool drill_sample_takes(struct drill_sample *sample, unsigned stratum)
{
    uint64_t left, need;

    if (sample->seen[stratum] >= sample->objects[stratum]) /* it was not there in the first pass */
        return false;
    left = sample->objects[stratum] - sample->seen[stratum]++;
    need = sample->wanted[stratum] - sample->taken[stratum];
    if (need == 0 || throw_below(&sample->dice, left) >= need)
        return false;
    sample->taken[stratum]++;
    return true;
}

uint64_t drill_sample_worth(const uint64_t tested[DRILL_STRATA], const uint64_t objects[DRILL_STRATA])
{
    long double all = 0, least = -1;

    for (unsigned i = 0; i < DRILL_STRATA; i++)
        all += (long double)objects[i];
    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        if (objects[i] == 0)
            continue;
        long double worth = (long double)tested[i] * all / (long double)objects[i];
        if (least < 0 || worth < least)
            least = worth;
    }
    /* the smallest part is taken off so that a whole number is not missed by rounding */
    return least < 0 ? 0 : (uint64_t)(least * (1 + 1e-15L));
}
