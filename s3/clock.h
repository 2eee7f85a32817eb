/*
 * Time, chance and stopping, as the program that links s3/ gives them: the library itself reads no clock and rolls no
 * dice, so a test can hold both still. All functions are called from any thread.
 */
#ifndef S3_CLOCK_H
#define S3_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct s3_clock {
    int64_t (*wall_ms)(void *ctx);           /* UTC, milliseconds since 1970 */
    int64_t (*monotonic_ms)(void *ctx);      /* never goes back */
    bool (*sleep_ms)(void *ctx, int64_t ms); /* false: the wait was ended by a stop */
    bool (*stopped)(void *ctx);              /* true: requests under way are to be broken off */
    double (*random)(void *ctx);             /* in [0, 1) */
    void *ctx;
};

#endif
