/* The race between a listing and a copy, on request: an object changes or goes just before it is read. */
#ifndef S3SIM_MUTATE_H
#define S3SIM_MUTATE_H

#include "fault.h"
#include "store.h"

/* Does what the fault says, once, and clears it. No effect for other faults. */
void mutate_now(struct fault_action *f, struct bucket *b, const char *key, size_t n);

#endif
