/*
 * Ages as people write them on the command line: 90s, 30m, 26h, 3d, 2w. Pure.
 */
#ifndef AGENT_AGE_H
#define AGENT_AGE_H

#include <stdbool.h>
#include <stdint.h>

/* A number and one unit; at least a second, at most a hundred years. */
bool age_parse(const char *text, int64_t *seconds) __attribute__((warn_unused_result));

#endif
