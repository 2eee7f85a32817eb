#include "sigv4/hash.h"

#include <string.h>

#include <openssl/crypto.h>

enum { DIGEST_BYTES = SIGV4_HASH_HEX / 2 };

void sigv4_hash_write_hex(char *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

bool sigv4_hash_init(struct sigv4_hash *hash)
{
    hash->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    hash->context = EVP_MD_CTX_new();
    return hash->algorithm && hash->context;
}

void sigv4_hash_clear(struct sigv4_hash *hash)
{
    EVP_MD_CTX_free(hash->context);
    EVP_MD_free(hash->algorithm);
    OPENSSL_cleanse(hash, sizeof *hash); /* the pieces may hold a session token */
}

void sigv4_hash_begin(struct sigv4_hash *hash)
{
    hash->failed = EVP_DigestInit_ex2(hash->context, hash->algorithm, NULL) != 1;
    hash->gathered = 0;
}

static void push(struct sigv4_hash *hash, const char *bytes, size_t length)
{
    if (!hash->failed && EVP_DigestUpdate(hash->context, bytes, length) != 1)
        hash->failed = true;
}

void sigv4_hash_add(struct sigv4_hash *hash, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    if (length > sizeof hash->pieces - hash->gathered) {
        push(hash, hash->pieces, hash->gathered);
        hash->gathered = 0;
        if (length > sizeof hash->pieces) {
            push(hash, bytes, length);
            return;
        }
    }
    memcpy(hash->pieces + hash->gathered, bytes, length);
    hash->gathered += length;
}

enum sigv4_status sigv4_hash_end(struct sigv4_hash *hash, char hex[SIGV4_HASH_HEX])
{
    unsigned char digest[DIGEST_BYTES];
    push(hash, hash->pieces, hash->gathered);
    if (hash->failed || EVP_DigestFinal_ex(hash->context, digest, NULL) != 1)
        return SIGV4_CRYPTO;
    sigv4_hash_write_hex(hex, digest, sizeof digest);
    return SIGV4_OK;
}

enum sigv4_status sigv4_hash_hex(const void *data, size_t length, char out[SIGV4_HASH_HEX + 1])
{
    unsigned char digest[DIGEST_BYTES];
    if (EVP_Digest(length > 0 ? data : "", length, digest, NULL, EVP_sha256(), NULL) != 1)
        return SIGV4_CRYPTO;
    sigv4_hash_write_hex(out, digest, sizeof digest);
    out[SIGV4_HASH_HEX] = '\0';
    return SIGV4_OK;
}
