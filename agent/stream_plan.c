/* See stream_plan.h. */
#include "agent/stream_plan.h"

#include <assert.h>

enum { DOUBLED_EVERY = 1000 };
#define MIB (UINT64_C(1) << 20)

uint64_t stream_part_size(uint32_t number)
{
    assert(number >= 1 && number <= STREAM_PARTS_MAX);
    return STREAM_PART_LEAST << ((number - 1) / DOUBLED_EVERY);
}

uint64_t stream_even_part_size(uint64_t size)
{
    uint64_t share = size / STREAM_PARTS_MAX + (size % STREAM_PARTS_MAX != 0);
    uint64_t part = (share / MIB + (share % MIB != 0)) * MIB;

    return part > STREAM_PART_LEAST ? part : STREAM_PART_LEAST;
}
