/*
 * Learning where lifecycle rules have moved the copies: the service tells nobody. Each run of a policy whose tiers are
 * left to rules lists about a thirtieth of data/<source>/ in the vault, on from where the last one stopped, so that a
 * daily run has seen all in a month: a request for each 30,000 objects. Records whose copy lies deeper than they say
 * are corrected.
 *
 * Only copies under data/: what lies under data-long/ is listed by hashes, in another order than the records, and is so
 * little that its class does not count. By the source's thread, after the walk.
 */
#ifndef AGENT_SWEEP_H
#define AGENT_SWEEP_H

#include "agent/run_inside.h"

/* What fails is an event, and tried again by the next run. */
void sweep_do(struct run *run);

#endif
