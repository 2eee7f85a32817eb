/*
 * How large the parts of a stream are, by pure functions. S3 takes 10,000 parts of an object, of 5 MiB to 5 GiB each.
 *
 * Of a stream nobody knows the length: its parts begin small, so that most of them fit into memory, and double every
 * 1,000 parts, so that all of them hold more than the 5 TiB of an object.
 *
 *   parts            size       reaches     held in
 *   1 to 1,000       8 MiB      7.8 GiB     memory
 *   to 2,000        16 MiB       23 GiB     memory
 *   to 3,000        32 MiB       54 GiB     memory
 *   to 4,000        64 MiB      117 GiB     a file
 *   to 10,000   128 MiB to 4 GiB  7.8 TiB   a file
 */
#ifndef AGENT_STREAM_PLAN_H
#define AGENT_STREAM_PLAN_H

#include <stdint.h>

enum { STREAM_PARTS_MAX = 10000 };
#define STREAM_PART_LEAST (UINT64_C(8) << 20)
#define STREAM_PART_IN_MEMORY (UINT64_C(32) << 20) /* larger ones lie in a file until they are uploaded */

/* Of a stream's part, from 1 to STREAM_PARTS_MAX. */
uint64_t stream_part_size(uint32_t number);

/* Of the equal parts of an object whose size is known: 8 MiB, or as many whole MiB as it takes to need at most 10,000
 * (above 78 GiB). */
uint64_t stream_even_part_size(uint64_t size);

#endif
