/*
 * The buckets that this run is about: the config's sources held against what is there. Lists buckets and fetches tags
 * where a source asks for it; each source's account is spoken to with its own credentials. Main thread.
 */
#ifndef AGENT_SELECTION_H
#define AGENT_SELECTION_H

#include "agent/source.h"

/* What the config means and could not be looked at: a bucket, or a whole entry of the config. Told already. */
struct selection_gap {
    const struct config_source *config;
    char name[STATE_SOURCE_MAX + 1]; /* the source's, the bucket's, or of an entry its first pattern or its account */
    bool whole;                      /* the entry: nobody knows which buckets it has */
    struct failure failure;
};

struct selection {
    struct source *sources;
    size_t count, capacity;
    struct access **accesses; /* one a config source */
    size_t access_count;
    struct selection_gap *gaps;
    size_t gap_count;
};

/*
 * `wanted`: names or buckets given by --source; none: all. A bucket that is named but missing, and an account that
 * cannot be listed, are gaps: told by an event, and the others go on. A pattern that matches nothing is told.
 * VERDICT_USAGE: two sources select one bucket, or a wanted name is none of them. VERDICT_CANCELLED: a signal came.
 */
enum verdict selection_make(const struct program *program, const char *const *wanted, size_t wanted_count,
        struct selection *selection, struct failure *failure) __attribute__((warn_unused_result));
void selection_free(struct selection *selection);

#endif
