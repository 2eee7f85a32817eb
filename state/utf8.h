/*
 * Whether bytes are UTF-8 as the Unicode standard defines it (no overlong forms, no surrogates, at most U+10FFFF): what
 * S3 demands of a key. Pure; any thread.
 */
#ifndef STATE_UTF8_H
#define STATE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool state_utf8_is_valid(const char *ptr, size_t len) __attribute__((warn_unused_result));
/* The length (1 to 4) of the valid sequence at ptr, 0 where none begins there. `len`, at least 1, may be read. */
size_t state_utf8_sequence(const char *ptr, size_t len) __attribute__((warn_unused_result));
/* Writes `code` (a scalar value, else a programmer's error) and returns its length, 1 to 4. */
size_t state_utf8_put(uint32_t code, char out[4]);

#endif
