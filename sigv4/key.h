/*
 * The signing key: four HMACs from a secret to a key for one day, region and service, then one HMAC a signature. The
 * last key is kept, since a worker signs thousands of requests with it. The derived key itself lives only inside
 * OpenSSL's HMAC context, which wipes it; what is kept here to recognise it (the secret among it) is wiped by
 * sigv4_key_clear.
 *
 * Belongs to one signer and so to one thread.
 */
#ifndef SIGV4_KEY_H
#define SIGV4_KEY_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "sigv4/sigv4.h"

struct sigv4_key {
    EVP_MAC_CTX *hmac; /* keyed with the derived key while `derived` */
    bool derived;
    char day[8];
    char region[SIGV4_MAX_SCOPE_NAME + 1], service[SIGV4_MAX_SCOPE_NAME + 1];
    size_t secret_len;
    char secret[SIGV4_MAX_SECRET];
};

bool sigv4_key_init(struct sigv4_key *key) __attribute__((warn_unused_result));
void sigv4_key_clear(struct sigv4_key *key);

/* Makes `key` the key of this secret, day (8 digits) and scope, if it is not already. Borrows, and copies, the secret.
 */
enum sigv4_status sigv4_key_use(struct sigv4_key *key, struct sigv4_text secret, const char *day,
        const struct sigv4_scope *scope) __attribute__((warn_unused_result));

/* The signature of `text` in 64 hex digits, not terminated. Only after sigv4_key_use was SIGV4_OK. */
enum sigv4_status sigv4_key_sign(struct sigv4_key *key, const char *text, size_t length, char hex[SIGV4_HASH_HEX])
        __attribute__((warn_unused_result));

#endif
