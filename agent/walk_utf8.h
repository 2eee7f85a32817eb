/* Where UTF-8 may be cut. Pure functions, any thread. Keys that servers give are passed through as they are; only what
 * the walk makes up itself must be valid, because S3 refuses a start-after that is not. */
#ifndef AGENT_WALK_UTF8_H
#define AGENT_WALK_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The largest n <= at that does not lie inside a code point of bytes[0, len). */
size_t walk_utf8_floor(const unsigned char *bytes, size_t len, size_t at) __attribute__((warn_unused_result));

/* How many continuation bytes follow this first byte; 0 also for a byte that begins nothing. */
unsigned walk_utf8_follow(unsigned char first) __attribute__((warn_unused_result));

/* The bounds of the byte after this first byte of a longer code point (RFC 3629's table). */
void walk_utf8_second(unsigned char first, unsigned char *low, unsigned char *high);

#endif
