/*
 * Memory for bytes on their way through: pieces of some MiB whose sum has a bound. Whoever asks for a piece waits until
 * others have given back enough. Pieces above a size may lie in a file instead, which has no name and goes with its
 * last user; both look like memory.
 *
 * A budget may be used by any thread; a piece belongs to one at a time. A piece goes back to the system as soon as it
 * is freed.
 */
#ifndef AGENT_STREAM_MEMORY_H
#define AGENT_STREAM_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/failure.h"
#include "s3/object.h"

struct stream_budget {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    uint64_t limit;
    uint64_t used; /* guarded by lock */
};
#define STREAM_BUDGET(limit_)                                                                                          \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER, .freed = PTHREAD_COND_INITIALIZER, .limit = (limit_)                        \
    }

struct stream_memory {
    char *ptr; /* NULL: nothing */
    size_t size;
    size_t mapped;                /* of pages of its own; 0: from malloc */
    struct stream_budget *budget; /* NULL: a file, which counts for none */
};

/* Waits for its share of the budget; a piece that is larger than all of it waits until it is the only one. False
 * without memory. */
bool stream_memory_take(struct stream_budget *budget, size_t size, struct stream_memory *memory)
        __attribute__((warn_unused_result));
/* A piece in a file without a name in the folder, with its room on the disk reserved. VERDICT_FULL where there is none.
 */
enum verdict stream_memory_spool(const char *folder, size_t size, struct stream_memory *memory, struct failure *failure)
        __attribute__((warn_unused_result));
void stream_memory_free(struct stream_memory *memory);

/* The body of a GET on its way into memory, from its start again where it is sent again; more than fits breaks it off.
 */
struct stream_landing {
    char *ptr;
    size_t size, used;
};
struct s3_sink stream_landing_sink(struct stream_landing *landing);

#endif
