/*
 * The pages of a manifest's LMDB file, checked as bytes: LMDB trusts every number in its file, and one flipped bit in a
 * page's header, that no read stumbles over, makes a later write run over the process's memory. So this walks all trees
 * from the chosen meta page without LMDB: every page is where it says, has the kind that its depth demands, its slots
 * and nodes fill it without a gap or an overlap, its databases count what they contain, and no page is used twice or
 * both used and free. It knows LMDB's data format 1 (all of 0.9) as its header file and mdb.c lay it out for this
 * machine's word size.
 *
 * It does not look at the order of keys or at values: manifest_check.h does, through LMDB, once this has passed.
 *
 * Threads: pure, over a mapping of its own. A file that ends early is SIGBUS: for the child only.
 */
#ifndef STATE_MANIFEST_PAGES_H
#define STATE_MANIFEST_PAGES_H

#include "state/error.h"

#include <stddef.h>
#include <stdint.h>

/* `commit` chooses the meta page. STATE_BAD_DATA names the first thing that is wrong. */
enum state_status pages_check(const char *path, size_t page_size, uint64_t commit, struct state_error *error)
        __attribute__((warn_unused_result));

#endif
