/*
 * What a sample says of the whole: how large a share may be bad at most, at a confidence. Clopper and Pearson's
 * one-sided bound, which never claims more than the sample gives; exact, by the sum of the binomial terms. Pure.
 */
#ifndef AGENT_DRILL_BOUND_H
#define AGENT_DRILL_BOUND_H

#include <stdint.h>

/*
 * The largest share of bad objects at which `bad` or fewer among `tested` are still as likely as 1 - confidence. No bad
 * one: 1 - (1 - confidence)^(1/tested). 1 where nothing was tested. Confidence is above 0.5 and below 1.
 */
double drill_bound(uint64_t bad, uint64_t tested, double confidence) __attribute__((warn_unused_result));

#endif
