/* See digest.h. */
#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static EVP_MD *md_md5, *md_sha1, *md_sha256;
static uint64_t crc_tables[3][256];
/* The reflected polynomials of CRC-32, CRC-32C and CRC-64/NVME. */
static const uint64_t crc_polynomials[3] = { 0xEDB88320u, 0x82F63B78u, 0x9A6C9329AC4BC9B5u };

void digest_start(void)
{
    md_md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!md_md5 || !md_sha1 || !md_sha256)
        abort();
    for (int t = 0; t < 3; t++)
        for (uint64_t i = 0; i < 256; i++) {
            uint64_t c = i;
            for (int k = 0; k < 8; k++)
                c = c & 1 ? c >> 1 ^ crc_polynomials[t] : c >> 1;
            crc_tables[t][i] = c;
        }
}

void digest_stop(void)
{
    EVP_MD_free(md_md5);
    EVP_MD_free(md_sha1);
    EVP_MD_free(md_sha256);
}

static EVP_MD_CTX *begin(EVP_MD *md)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || EVP_DigestInit_ex(c, md, NULL) != 1)
        abort();
    return c;
}

static void add(EVP_MD_CTX *c, const void *p, size_t n)
{
    if (EVP_DigestUpdate(c, p, n) != 1)
        abort();
}

static size_t end(EVP_MD_CTX *c, uint8_t *out)
{
    unsigned int n = 0;
    if (EVP_DigestFinal_ex(c, out, &n) != 1)
        abort();
    EVP_MD_CTX_free(c);
    return n;
}

void digest_md5(const void *p, size_t n, uint8_t out[16])
{
    EVP_MD_CTX *c = begin(md_md5);
    add(c, p, n);
    (void)end(c, out);
}

void digest_sha256(const void *p, size_t n, uint8_t out[32])
{
    EVP_MD_CTX *c = begin(md_sha256);
    add(c, p, n);
    (void)end(c, out);
}

void digest_hmac(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[32])
{
    uint8_t pad[64] = { 0 }, inner[32];
    if (key_len > sizeof pad)
        digest_sha256(key, key_len, pad);
    else if (key_len)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36;
    EVP_MD_CTX *c = begin(md_sha256);
    add(c, pad, sizeof pad);
    add(c, p, n);
    (void)end(c, inner);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    c = begin(md_sha256);
    add(c, pad, sizeof pad);
    add(c, inner, sizeof inner);
    (void)end(c, out);
}

uint64_t digest_mix(uint64_t v)
{
    v += 0x9E3779B97F4A7C15u;
    v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9u;
    v = (v ^ v >> 27) * 0x94D049BB133111EBu;
    return v ^ v >> 31;
}

void sum_begin(struct sum *s, int algorithm)
{
    s->algorithm = algorithm;
    s->crc = algorithm == SUM_CRC64NVME ? UINT64_MAX : UINT32_MAX;
    s->ctx = NULL;
    if (algorithm >= SUM_SHA1)
        s->ctx = begin(algorithm == SUM_SHA1 ? md_sha1 : algorithm == SUM_SHA256 ? md_sha256 : md_md5);
}

void sum_add(struct sum *s, const void *p, size_t n)
{
    if (s->ctx) {
        add(s->ctx, p, n);
        return;
    }
    const uint64_t *t = crc_tables[s->algorithm];
    const uint8_t *b = p;
    uint64_t c = s->crc;
    for (size_t i = 0; i < n; i++)
        c = t[(c ^ b[i]) & 255] ^ c >> 8;
    s->crc = c;
}

size_t sum_end(struct sum *s, uint8_t out[32])
{
    if (s->ctx)
        return end(s->ctx, out);
    size_t n = s->algorithm == SUM_CRC64NVME ? 8 : 4;
    uint64_t c = ~s->crc;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(c >> (8 * (n - 1 - i)));
    return n;
}

static const char *const names[SUM_COUNT] = { "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "MD5" };

const char *sum_name(int algorithm)
{
    return names[algorithm];
}

const char *sum_header(int algorithm)
{
    static const char *const h[SUM_COUNT] = { "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
        "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-checksum-sha256", "x-amz-checksum-md5" };
    return h[algorithm];
}

const char *sum_element(int algorithm)
{
    static const char *const e[SUM_COUNT] = { "ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1",
        "ChecksumSHA256", "ChecksumMD5" };
    return e[algorithm];
}

int sum_by_name(const char *name)
{
    for (int i = 0; i < SUM_MD5; i++)
        if (!strcasecmp(name, names[i]))
            return i;
    return -1;
}
