/*
 * Shell patterns over bytes: `*` any characters (also `/`), `?` one character, `[a-z]` and `[!a-z]` sets, `\` takes the
 * meaning from the next one. Characters are UTF-8; a byte that is not valid UTF-8 counts as one character.
 *
 * Time is at most pattern times text, never exponential. Pure, no allocation, any thread.
 */
#ifndef AGENT_GLOB_H
#define AGENT_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all of `text` matches. A malformed pattern (see glob_check) matches nothing where its fault is reached. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t text_len);

/* NULL where the pattern is well formed, else what is wrong with it, e.g. "[ without ]". */
const char *glob_check(const char *pattern, size_t len);

/* Whether it is a plain name: without `*`, `?`, `[` and `\`. */
bool glob_is_literal(const char *pattern, size_t len);

#endif
