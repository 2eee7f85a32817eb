/*
 * Which objects of a source a drill takes: a random sample, stratified by class, age and size. In two passes over the
 * same stream: the first counts the strata, then each is given its share, then the second takes exactly that many of
 * each, every object of a stratum with the same chance (Knuth's algorithm S). So memory does not depend on the number
 * of objects, and the same seed over the same objects takes the same sample.
 *
 * Pure: the seed and the time are arguments. One thread.
 */
#ifndef AGENT_DRILL_SAMPLE_H
#define AGENT_DRILL_SAMPLE_H

#include <stdbool.h>

#include "state/entry.h"

enum { DRILL_AGES = 4, DRILL_SIZES = 4, DRILL_STRATA = CLASS_COUNT * DRILL_AGES * DRILL_SIZES };

/* A stratum's number, below DRILL_STRATA. An age below 0 counts as 0. */
unsigned drill_stratum(enum storage_class class_, int64_t age_ms, uint64_t size) __attribute__((warn_unused_result));
enum storage_class drill_stratum_class(unsigned stratum);
const char *drill_stratum_age(unsigned stratum);  /* "30 to 90 days" */
const char *drill_stratum_size(unsigned stratum); /* "up to 128 KiB" */

struct drill_sample {
    uint64_t objects[DRILL_STRATA], bytes[DRILL_STRATA];
    uint64_t wanted[DRILL_STRATA]; /* by drill_sample_allot */
    uint64_t seen[DRILL_STRATA], taken[DRILL_STRATA];
    uint64_t dice;
};

/* Begins the first pass. */
void drill_sample_init(struct drill_sample *sample, uint64_t seed);
void drill_sample_count(struct drill_sample *sample, unsigned stratum, uint64_t size);
/*
 * Ends the first pass: `total` objects are to be taken, but at least one of each stratum that has any, and never more
 * than there are. Adams' apportionment: of all that give each at least one it makes the worst represented stratum as
 * well represented as can be, and that is what the bound rests on. Returns how many will be taken.
 */
uint64_t drill_sample_allot(struct drill_sample *sample, uint64_t total);
/* Whether the second pass takes this object. */
bool drill_sample_takes(struct drill_sample *sample, unsigned stratum) __attribute__((warn_unused_result));

/*
 * How large a plain random sample this one is worth at least: the worst represented stratum's tests, over its share of
 * all. `tested` and `objects` have DRILL_STRATA numbers; strata without objects do not count. 0 where a stratum was not
 * tested.
 *
 * With this n the bound holds whatever strata the bad objects are in: a stratum of share w has at least n * w tests,
 * and so many tests in proportion find bad objects at least as surely as n at random (Hoeffding 1956).
 */
uint64_t drill_sample_worth(const uint64_t tested[DRILL_STRATA], const uint64_t objects[DRILL_STRATA])
        __attribute__((warn_unused_result));

#endif
