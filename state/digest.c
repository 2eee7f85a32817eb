/* See digest.h. */
#include "state/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct state_digest {
    EVP_MD_CTX *ctx;
    const EVP_MD *md;
    bool failed;
};

static void restart(struct state_digest *digest)
{
    digest->failed = EVP_DigestInit_ex(digest->ctx, digest->md, NULL) != 1;
}

struct state_digest *state_digest_new(enum state_digest_kind kind)
{
    struct state_digest *digest = calloc(1, sizeof *digest);
    if (digest == NULL)
        return NULL;
    digest->md = kind == STATE_MD5 ? EVP_md5() : EVP_sha256();
    digest->ctx = EVP_MD_CTX_new();
    if (digest->ctx != NULL)
        restart(digest);
    if (digest->ctx == NULL || digest->failed) {
        state_digest_free(digest);
        return NULL;
    }
    return digest;
}

void state_digest_free(struct state_digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->ctx);
    free(digest);
}

void state_digest_update(struct state_digest *digest, const void *ptr, size_t len)
{
    if (len > 0 && !digest->failed && EVP_DigestUpdate(digest->ctx, ptr, len) != 1)
        digest->failed = true;
}

static enum state_status final(
        struct state_digest *digest, unsigned char raw[EVP_MAX_MD_SIZE], unsigned *len, struct state_error *error)
{
    bool ok = !digest->failed && EVP_DigestFinal_ex(digest->ctx, raw, len) == 1 && *len <= STATE_DIGEST_MAX;
    restart(digest);
    return ok ? STATE_OK : state_fail(error, STATE_IO, 0, "the crypto library failed to compute a digest");
}

static void to_hex(const unsigned char *raw, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * len] = '\0';
}

enum state_status state_digest_hex(
        struct state_digest *digest, char out[STATE_SHA256_HEX_SIZE], struct state_error *error)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out[0] = '\0';
    enum state_status status = final(digest, raw, &len, error);
    if (status == STATE_OK)
        to_hex(raw, len, out);
    return status;
}

enum state_status state_digest_base64(
        struct state_digest *digest, char out[STATE_DIGEST_BASE64_SIZE], struct state_error *error)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out[0] = '\0';
    enum state_status status = final(digest, raw, &len, error);
    if (status == STATE_OK)
        (void)EVP_EncodeBlock((unsigned char *)out, raw, (int)len);
    return status;
}

enum state_status state_sha256_hex(
        const void *ptr, size_t len, char out[STATE_SHA256_HEX_SIZE], struct state_error *error)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned raw_len = 0;
    out[0] = '\0';
    if (EVP_Digest(ptr, len, raw, &raw_len, EVP_sha256(), NULL) != 1)
        return state_fail(error, STATE_IO, 0, "the crypto library failed to compute a digest");
    to_hex(raw, raw_len, out);
    return STATE_OK;
}

bool state_sha256_is_hex(const char *ptr, size_t len)
{
    if (len != STATE_SHA256_HEX_SIZE - 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((ptr[i] >= '0' && ptr[i] <= '9') || (ptr[i] >= 'a' && ptr[i] <= 'f')))
            return false;
    return true;
}
