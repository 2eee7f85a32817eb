/*
 * The program's clock, its dice, and its stop. One for the process: signals set the stop, everything that waits looks
 * at it.
 *
 * A first SIGTERM or SIGINT asks for an orderly end (clock_stop_asked: no new work), the end of the grace time or a
 * second signal breaks off what is in flight (s3_clock.stopped).
 */
#ifndef AGENT_CLOCK_H
#define AGENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "s3/clock.h"

/* The clock that s3/ is given. Its requests are broken off when the grace time is over. */
const struct s3_clock *clock_real(void);
/* The same for workers, whose requests are broken off in the middle of the grace time: the rest of it is for logs and
 * point. */
const struct s3_clock *clock_of_workers(void);
int64_t clock_wall_ms(void);
int64_t clock_monotonic_ms(void);

/* Installs the handlers of SIGTERM and SIGINT, and ignores SIGPIPE and SIGXFSZ. Before any thread starts. */
void clock_catch_signals(int64_t grace_ms);
/* Asks for the end as a first signal does: the window is over. Again and again does no harm. */
void clock_ask_stop(void);
bool clock_stop_asked(void);
/* Bytes of chance for names and ids; false where the system gives none. */
bool clock_random_bytes(void *out, unsigned length) __attribute__((warn_unused_result));

#endif
