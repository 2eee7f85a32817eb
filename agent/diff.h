/*
 * A page of the listing against the manifest: which keys are new, which differ, which are missing, which are due to lie
 * in a colder class. One pass over both in key order, in one short read transaction that is over before anything is
 * handed on. Called by workers.
 */
#ifndef AGENT_DIFF_H
#define AGENT_DIFF_H

#include "agent/job.h"
#include "s3/answer.h"

struct pool;

/* Compares the page's keys of the interval with the records of the interval: queues copies, hands missing keys to the
 * source's thread, notes what is due to be moved, counts the rest. */
enum verdict diff_page(struct pool *pool, struct job *job, const struct s3_page *page,
        const struct walk_interval *interval, struct failure *failure) __attribute__((warn_unused_result));

#endif
