/* What the server saw: counters by operation and status, and the last requests word for word. Any thread. */
#ifndef S3SIM_STATS_H
#define S3SIM_STATS_H

#include "request.h"

#include <jansson.h>

void stats_start(void); /* once, before any other */
void stats_stop(void);
void stats_connection(bool opened);
void stats_connection_used(void); /* its first request to S3 or STS */
void stats_begin(void);           /* a request is in flight */
void stats_end(void);
void stats_record(const struct request *q, int status); /* the answer is known */
void stats_reset(void);
json_t *stats_counters(void);
json_t *stats_requests(size_t last);

#endif
