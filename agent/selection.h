/*
 * The buckets that this run is about: the config's sources held against what is there. Lists buckets and fetches tags
 * where a source asks for it; each source's account is spoken to with its own credentials. Main thread.
 */
#ifndef AGENT_SELECTION_H
#define AGENT_SELECTION_H

#include "agent/source.h"

struct selection {
    struct source *sources;
    size_t count, capacity;
    struct access **accesses; /* one a config source */
    size_t access_count;
    size_t missing; /* buckets that are named but not there: told as errors already */
};

/*
 * `wanted`: names or buckets given by --source; none: all. A bucket that is named but missing is told by event_warn and
 * counted; a pattern that matches nothing is told. VERDICT_USAGE: two sources select one bucket, or a wanted name is
 * none of them. VERDICT_NO_ACCESS where an account cannot be listed.
 */
enum verdict selection_make(const struct program *program, const char *const *wanted, size_t wanted_count,
        struct selection *selection, struct failure *failure) __attribute__((warn_unused_result));
void selection_free(struct selection *selection);

#endif
