/* The lock over everything but objects, and the numbers that tests may turn.
 *
 * Requests run under the read side; what changes buckets, their documents or accounts runs under the write side. A
 * bucket's objects have a lock of their own, taken inside. Never take the read side twice: writers are preferred. */
#ifndef S3SIM_WORLD_H
#define S3SIM_WORLD_H

#include <jansson.h>
#include <stdint.h>

struct limits {
    uint64_t min_part_size, max_copy_size, max_put_size;
    int64_t min_session_seconds;
};

void world_start(void);
void world_stop(void);
void world_read(void);
void world_write(void);
void world_unlock(void);
void world_reset(void);                  /* forgets buckets, accounts, faults, latency, clock; takes the lock itself */
const struct limits *world_limits(void); /* under the lock */
const char *world_set_limits(const json_t *j); /* under the write lock; NULL or what is wrong */

#endif
