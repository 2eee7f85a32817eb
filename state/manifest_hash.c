/* See manifest_hash.h. */
#include "state/manifest_hash.h"

#include <string.h>

/* wyhash's secrets: odd, 32 bits set, and far from each other in each pair */
#define SECRET_A UINT64_C(0xa0761d6478bd642f)
#define SECRET_B UINT64_C(0xe7037ed1a0b428db)

__extension__ typedef unsigned __int128 product;

static uint64_t fold(uint64_t a, uint64_t b)
{
    product p = (product)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t read64(const unsigned char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static uint64_t read32(const unsigned char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

uint64_t manifest_hash(uint64_t seed, const void *ptr, size_t len)
{
    const unsigned char *p = ptr;
    size_t left = len;
    seed ^= fold(seed ^ SECRET_A, SECRET_B);
    for (; left > 16; left -= 16, p += 16)
        seed = fold(read64(p) ^ SECRET_B, read64(p + 8) ^ seed);
    uint64_t a = 0;
    uint64_t b = 0;
    if (left >= 8) {
        a = read64(p);
        b = read64(p + left - 8);
    } else if (left >= 4) {
        a = read32(p);
        b = read32(p + left - 4);
    } else if (left > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[left >> 1] << 8 | p[left - 1];
    }
    return fold(SECRET_B ^ len, fold(a ^ SECRET_B, b ^ seed));
}
