/*
 * The one spelling of paths and query strings, and the check that a text is in it. Pure functions, any thread.
 * (sigv4_encode and sigv4_build_query themselves are in sigv4/sigv4.h.)
 */
#ifndef SIGV4_ENCODE_H
#define SIGV4_ENCODE_H

#include <stdbool.h>

#include "sigv4/sigv4.h"

/*
 * Whether sigv4_encode with keep_slash could have written this path behind its first slash. A server decodes the path
 * and encodes it anew before it checks a signature, so any other spelling would be a signature that never matches.
 */
bool sigv4_encode_is_path(struct sigv4_text path) __attribute__((warn_unused_result));

/* Whether each parameter is `name=value` in encoded form. The order is not looked at. */
bool sigv4_encode_is_query(struct sigv4_text query) __attribute__((warn_unused_result));

#endif
