#include "sigv4/key.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "sigv4/hash.h"

enum { HMAC_BYTES = 32 };

bool sigv4_key_init(struct sigv4_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    key->hmac = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    EVP_MAC_free(algorithm); /* the context holds its own reference */
    return key->hmac && EVP_MAC_CTX_set_params(key->hmac, parameters) == 1;
}

void sigv4_key_clear(struct sigv4_key *key)
{
    EVP_MAC_CTX_free(key->hmac);
    OPENSSL_cleanse(key, sizeof *key);
}

static bool is_same(
        const struct sigv4_key *key, struct sigv4_text secret, const char *day, const struct sigv4_scope *scope)
{
    return key->derived && memcmp(key->day, day, sizeof key->day) == 0 && strcmp(key->region, scope->region) == 0 &&
           strcmp(key->service, scope->service) == 0 && key->secret_len == secret.len &&
           CRYPTO_memcmp(key->secret, secret.ptr, secret.len) == 0;
}

/* With `secret` NULL the context's own key is used again, which is twice as fast. */
static bool hmac(EVP_MAC_CTX *context, const void *secret, size_t secret_len, const char *text, size_t text_len,
        unsigned char out[HMAC_BYTES])
{
    size_t written = 0;
    return EVP_MAC_init(context, secret, secret_len, NULL) == 1 &&
           EVP_MAC_update(context, (const unsigned char *)text, text_len) == 1 &&
           EVP_MAC_final(context, out, &written, HMAC_BYTES) == 1 && written == HMAC_BYTES;
}

static bool derive(struct sigv4_key *key)
{
    char first[4 + SIGV4_MAX_SECRET] = { 'A', 'W', 'S', '4' };
    unsigned char step[HMAC_BYTES];
    memcpy(first + 4, key->secret, key->secret_len);
    bool done = hmac(key->hmac, first, 4 + key->secret_len, key->day, sizeof key->day, step) &&
                hmac(key->hmac, step, sizeof step, key->region, strlen(key->region), step) &&
                hmac(key->hmac, step, sizeof step, key->service, strlen(key->service), step) &&
                hmac(key->hmac, step, sizeof step, "aws4_request", 12, step) &&
                EVP_MAC_init(key->hmac, step, sizeof step, NULL) == 1;
    OPENSSL_cleanse(first, sizeof first);
    OPENSSL_cleanse(step, sizeof step);
    return done;
}

enum sigv4_status sigv4_key_use(
        struct sigv4_key *key, struct sigv4_text secret, const char *day, const struct sigv4_scope *scope)
{
    if (secret.len == 0)
        return SIGV4_BAD_INPUT;
    if (is_same(key, secret, day, scope))
        return SIGV4_OK;
    size_t region_len = strlen(scope->region), service_len = strlen(scope->service);
    if (secret.len > sizeof key->secret || region_len >= sizeof key->region || service_len >= sizeof key->service)
        return SIGV4_TOO_LONG;

    key->derived = false;
    OPENSSL_cleanse(key->secret, sizeof key->secret); /* a longer one may have been there */
    memcpy(key->secret, secret.ptr, secret.len);
    key->secret_len = secret.len;
    memcpy(key->day, day, sizeof key->day);
    memcpy(key->region, scope->region, region_len + 1);
    memcpy(key->service, scope->service, service_len + 1);
    key->derived = derive(key);
    return key->derived ? SIGV4_OK : SIGV4_CRYPTO;
}

enum sigv4_status sigv4_key_sign(struct sigv4_key *key, const char *text, size_t length, char hex[SIGV4_HASH_HEX])
{
    unsigned char signature[HMAC_BYTES];
    assert(key->derived);
    if (!hmac(key->hmac, NULL, 0, text, length, signature))
        return SIGV4_CRYPTO;
    sigv4_hash_write_hex(hex, signature, sizeof signature);
    return SIGV4_OK;
}
