/*
 * SHA-256 and MD5, in pieces or at once, by OpenSSL. MD5 is only what S3 demands beside Object Lock (Content-MD5);
 * nothing here trusts it. One digest belongs to one thread at a time.
 */
#ifndef STATE_DIGEST_H
#define STATE_DIGEST_H

#include "state/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    STATE_DIGEST_MAX = 32,      /* bytes of SHA-256 */
    STATE_SHA256_HEX_SIZE = 65, /* 64 lower-case digits and NUL */
    STATE_DIGEST_BASE64_SIZE = 45
};

enum state_digest_kind { STATE_SHA256, STATE_MD5 };

struct state_digest;

/* NULL when memory is out or the library refuses the algorithm (MD5 under a FIPS provider). Ready for updates. */
struct state_digest *state_digest_new(enum state_digest_kind kind) __attribute__((warn_unused_result));
void state_digest_free(struct state_digest *digest);
/* A failure of the library is kept and comes out of the end. */
void state_digest_update(struct state_digest *digest, const void *ptr, size_t len);

/* Each ends the digest and makes it ready for the next. */
enum state_status state_digest_hex(struct state_digest *digest, char out[STATE_SHA256_HEX_SIZE],
        struct state_error *error) __attribute__((warn_unused_result));
enum state_status state_digest_base64(struct state_digest *digest, char out[STATE_DIGEST_BASE64_SIZE],
        struct state_error *error) __attribute__((warn_unused_result));

/* The SHA-256 of bytes in hex: the link of the chain, the name of a long key. */
enum state_status state_sha256_hex(const void *ptr, size_t len, char out[STATE_SHA256_HEX_SIZE],
        struct state_error *error) __attribute__((warn_unused_result));
/* 64 lower-case hex digits. */
bool state_sha256_is_hex(const char *ptr, size_t len) __attribute__((warn_unused_result));

#endif
