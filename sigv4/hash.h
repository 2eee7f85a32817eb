/*
 * SHA-256 over a row of small pieces. The pieces are gathered in a small array first, since a call into OpenSSL costs
 * as much as hashing 50 bytes. One hash belongs to one signer and so to one thread; it is used again and again, which
 * spares the fetch of the algorithm and every allocation.
 */
#ifndef SIGV4_HASH_H
#define SIGV4_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "sigv4/sigv4.h"

struct sigv4_hash {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
    bool failed; /* sticky until the next begin */
    size_t gathered;
    char pieces[1024]; /* most canonical requests fit, and are hashed in one call */
};

bool sigv4_hash_init(struct sigv4_hash *hash) __attribute__((warn_unused_result));
void sigv4_hash_clear(struct sigv4_hash *hash);

void sigv4_hash_begin(struct sigv4_hash *hash);
void sigv4_hash_add(struct sigv4_hash *hash, const char *bytes, size_t length);
enum sigv4_status sigv4_hash_end(struct sigv4_hash *hash, char hex[SIGV4_HASH_HEX]) __attribute__((warn_unused_result));

/* Writes 2 * length lower-case digits, not terminated. */
void sigv4_hash_write_hex(char *out, const unsigned char *bytes, size_t length);

#endif
