/*
 * The program's clock, its dice, and its stop. One for the process: signals set the stop, everything that waits looks
 * at it.
 *
 * A first SIGTERM or SIGINT, or the time of clock_stop_at, asks for an orderly end (clock_stop_asked: no new work), the
 * end of the grace time or a second signal breaks off what is in flight (s3_clock.stopped).
 */
#ifndef AGENT_CLOCK_H
#define AGENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "s3/clock.h"

/* The clock that s3/ is given. Its requests are broken off shortly before the grace time is over, so that the process
 * has ended when it is: a request sees within a second that it is to end. */
const struct s3_clock *clock_real(void);
/* The same for workers, whose requests are broken off in the middle of the grace time: the rest of it is for logs and
 * point. */
const struct s3_clock *clock_of_workers(void);
int64_t clock_wall_ms(void);
int64_t clock_monotonic_ms(void);

/*
 * A connection's own clock: as one of the two, and it breaks off as well what hangs after a time at which the work
 * that the connection does now should be over, with that clock's share of the grace time. For what has a window of its
 * own. Not to be moved; set by the thread that uses the connection.
 */
struct clock_bound {
    struct s3_clock clock;
    bool of_worker;
    int64_t over_ms; /* monotonic; 0: never */
};
void clock_bound_init(struct clock_bound *bound, const struct s3_clock *as);

/* Installs the handlers of SIGTERM and SIGINT, and ignores SIGPIPE and SIGXFSZ. Before any thread starts. The
 * environment's VAULTFERRY_GRACE_SECONDS (2 to 3600) goes before a `grace_ms` that is not 0. */
void clock_catch_signals(int64_t grace_ms);
/* Asks for the end as a first signal does: the window is over. Again and again does no harm. */
void clock_ask_stop(void);
/* Asks for the end at a time of the monotonic clock: a deadline. Before any thread starts. */
void clock_stop_at(int64_t monotonic_ms);
bool clock_stop_asked(void);
/* Whether it was a signal that asked for it. */
bool clock_signalled(void);
/* Waits until a time of the monotonic clock has come, for a second at most. A stop ends it. For who must not be seen to
 * have ended before a point that it wrote: who then asks for the time of now means that point. */
void clock_outlast(int64_t monotonic_ms);
/* Bytes of chance for names and ids; false where the system gives none. */
bool clock_random_bytes(void *out, unsigned length) __attribute__((warn_unused_result));

#endif
