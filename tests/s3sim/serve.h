/* From a complete request to its reply: route, signature, rights, faults, operation. */
#ifndef S3SIM_SERVE_H
#define S3SIM_SERVE_H

#include "request.h"

/* First half: which operation, which fault. Returns the milliseconds for which the answer is to be held back. */
int64_t serve_prepare(struct request *q);
/* Second half: fills q->reply. status 0: no answer, the connection is to be reset. */
void serve_perform(struct request *q);

#endif
