/*
 * Measurements without JSON in their way: the cost of a copied object, of a listed one, and memory at rest. Prints one
 * JSON line; asserts nothing.
 */
#ifndef DRIVER_BENCH_H
#define DRIVER_BENCH_H

#include "world.h"

struct bench_options {
    const char *what; /* "copy", "list" or "head" */
    const char *bucket, *source;
    uint64_t count; /* requests; pages for "list", 0: to the end */
    unsigned threads;
};

/* 0, or the program's exit code. */
int bench_run(struct world *world, const struct bench_options *options) __attribute__((warn_unused_result));

#endif
