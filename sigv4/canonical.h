/*
 * The canonical request: what a signature is computed over. It is never written down: its parts are streamed into the
 * hash, so that no length of a path, a query or a header value needs a bound.
 *
 * Belongs to one signer and so to one thread; keeps pointers to the request's headers for the duration of a call.
 */
#ifndef SIGV4_CANONICAL_H
#define SIGV4_CANONICAL_H

#include "sigv4/hash.h"
#include "sigv4/sigv4.h"
#include "sigv4/writer.h"

enum { SIGV4_MAX_ADDED = 3 }; /* date, token, content hash */

struct sigv4_canonical {
    size_t count;
    const struct sigv4_pair *headers[SIGV4_MAX_HEADERS + SIGV4_MAX_ADDED]; /* borrowed, in order of their names */
};

/* Checks the request's own headers, and takes them and the signer's `added` ones in order. */
enum sigv4_status sigv4_canonical_collect(struct sigv4_canonical *canonical, const struct sigv4_request *request,
        const struct sigv4_pair *added, size_t added_count) __attribute__((warn_unused_result));

/* Appends the signed headers' names, `host;x-amz-date`, each once. */
void sigv4_canonical_write_names(const struct sigv4_canonical *canonical, struct sigv4_writer *out);

/* Hashes the request with this query and these names (as written above). Checks what collect has not. */
enum sigv4_status sigv4_canonical_hash(const struct sigv4_canonical *canonical, const struct sigv4_request *request,
        struct sigv4_text query, struct sigv4_text names, struct sigv4_hash *hash, char hex[SIGV4_HASH_HEX])
        __attribute__((warn_unused_result));

#endif
