/* See restore_marks.h. */
#include "agent/restore_marks.h"

#include <stdlib.h>
#include <string.h>

enum { A_BYTE = 4, LEAST = 1024 };

static unsigned shift_of(uint64_t ordinal)
{
    return (unsigned)(ordinal % A_BYTE) * 2;
}

enum restore_mark restore_marks_get(const struct restore_marks *marks, uint64_t ordinal)
{
    if (ordinal / A_BYTE >= marks->capacity)
        return RESTORE_UNMARKED;
    return (enum restore_mark)(marks->bits[ordinal / A_BYTE] >> shift_of(ordinal) & 3);
}

bool restore_marks_set(struct restore_marks *marks, uint64_t ordinal, enum restore_mark mark)
{
    uint64_t at = ordinal / A_BYTE;

    if (at >= marks->capacity) {
        size_t capacity = marks->capacity < LEAST ? LEAST : marks->capacity;
        unsigned char *larger;
        while (capacity <= at)
            capacity += capacity / 2;
        larger = realloc(marks->bits, capacity);
        if (larger == NULL)
            return false;
        memset(larger + marks->capacity, 0, capacity - marks->capacity);
        marks->bits = larger;
        marks->capacity = capacity;
    }
    marks->bits[at] =
            (unsigned char)((marks->bits[at] & ~(3U << shift_of(ordinal))) | (unsigned)mark << shift_of(ordinal));
    return true;
}

void restore_marks_free(struct restore_marks *marks)
{
    free(marks->bits);
    memset(marks, 0, sizeof *marks);
}
