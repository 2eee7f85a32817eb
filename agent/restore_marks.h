/*
 * What became of each object of a restore, two bits an object, by its place in the view: ten million objects take
 * 2.5 MB. Only for this process: the next one asks the destination. The caller holds a lock.
 */
#ifndef AGENT_RESTORE_MARKS_H
#define AGENT_RESTORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum restore_mark {
    RESTORE_UNMARKED,
    RESTORE_BROUGHT, /* by this process, and compared */
    RESTORE_FAILED,  /* told; not tried again */
    RESTORE_SKIPPED  /* a conflict that was told */
};

struct restore_marks {
    unsigned char *bits;
    size_t capacity; /* bytes */
};

enum restore_mark restore_marks_get(const struct restore_marks *marks, uint64_t ordinal);
/* False: out of memory. */
bool restore_marks_set(struct restore_marks *marks, uint64_t ordinal, enum restore_mark mark)
        __attribute__((warn_unused_result));
void restore_marks_free(struct restore_marks *marks);

#endif
