/* How long each answer is held back, and the one thread that wakes sleeping connections.
 *
 * A delayed request holds no thread: the connection is suspended and resumed at its deadline. Any thread. */
#ifndef S3SIM_LATENCY_H
#define S3SIM_LATENCY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;

const char *latency_set(const json_t *j); /* NULL, or what is wrong */
void latency_clear(void);
int64_t latency_of(const char *operation); /* ms */

void timer_start(void);
void timer_stop(void);                                  /* wakes all sleepers; from then on timer_sleep refuses */
bool timer_sleep(struct MHD_Connection *c, int64_t ms); /* suspends; false: did not, go on at once */

#endif
