/* MD5, SHA-256, HMAC and S3's additional checksums. Code of its own above OpenSSL's digests: nothing of sigv4/ is used,
 * so that the two sides of a signature have no mistake in common. Threads: all functions may be called from any. */
#ifndef S3SIM_DIGEST_H
#define S3SIM_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct evp_md_ctx_st;

void digest_start(void); /* once, before any other */
void digest_stop(void);
void digest_md5(const void *p, size_t n, uint8_t out[16]);
void digest_sha256(const void *p, size_t n, uint8_t out[32]);
void digest_hmac(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[32]);
uint64_t digest_mix(uint64_t v); /* splitmix64's finisher: cheap pseudo-randomness */

enum { SUM_CRC32, SUM_CRC32C, SUM_CRC64NVME, SUM_SHA1, SUM_SHA256, SUM_MD5, SUM_COUNT };

/* A running sum. sum_end closes it and returns the digest's length (at most 32). */
struct sum {
    int algorithm;
    uint64_t crc;
    struct evp_md_ctx_st *ctx;
};
void sum_begin(struct sum *s, int algorithm);
void sum_add(struct sum *s, const void *p, size_t n);
size_t sum_end(struct sum *s, uint8_t out[32]);

const char *sum_name(int algorithm);    /* CRC32 */
const char *sum_header(int algorithm);  /* x-amz-checksum-crc32 */
const char *sum_element(int algorithm); /* ChecksumCRC32 */
int sum_by_name(const char *name);      /* -1: none; SUM_MD5 is not one of S3's classic five, so it is never found */

#endif
