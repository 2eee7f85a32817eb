/* See verify_sum.h. */
#include "agent/verify_sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/digest.h"

enum algorithm { NO_ALGORITHM, ALGORITHM_CRC32, ALGORITHM_CRC32C, ALGORITHM_CRC64NVME, ALGORITHM_SHA256 };
enum { MD5_BYTES = 16, MD5_HEX = 32, EXPECTED_MAX = 200 };

struct verify_sum {
    struct state_digest *md5, *parts_md5, *sha256;
    bool by_etag, by_parts;
    char etag[EXPECTED_MAX], checksum[EXPECTED_MAX]; /* the latter in base64, without its name */
    const struct verify_parts *parts;
    uint32_t part;
    uint64_t left; /* of the part */
    bool broken;   /* more parts than there should be, or a digest that fails */
    enum algorithm algorithm;
    uint64_t crc, table[256];
};

struct verify_sum *verify_sum_new(void)
{
    struct verify_sum *sum = calloc(1, sizeof *sum);

    if (sum == NULL)
        return NULL;
    sum->md5 = state_digest_new(STATE_MD5); /* NULL where the library refuses it: then not by ETag */
    sum->parts_md5 = state_digest_new(STATE_MD5);
    sum->sha256 = state_digest_new(STATE_SHA256);
    if (sum->sha256 != NULL)
        return sum;
    verify_sum_free(sum);
    return NULL;
}

void verify_sum_free(struct verify_sum *sum)
{
    if (sum == NULL)
        return;
    state_digest_free(sum->md5);
    state_digest_free(sum->parts_md5);
    state_digest_free(sum->sha256);
    free(sum);
}

/* All three are reflected, begin with ones and end inverted. */
static void make_table(struct verify_sum *sum)
{
    uint64_t polynomial = sum->algorithm == ALGORITHM_CRC32    ? UINT64_C(0xedb88320)
                          : sum->algorithm == ALGORITHM_CRC32C ? UINT64_C(0x82f63b78)
                                                               : UINT64_C(0x9a6c9329ac4bc9b5);

    for (unsigned i = 0; i < 256; i++) {
        uint64_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? value >> 1 ^ polynomial : value >> 1;
        sum->table[i] = value;
    }
    sum->crc = sum->algorithm == ALGORITHM_CRC64NVME ? UINT64_MAX : UINT32_MAX;
}

static void take_checksum(struct verify_sum *sum, const char *checksum)
{
    static const struct {
        const char *name;
        enum algorithm algorithm;
    } known[] = { { "CRC64NVME:", ALGORITHM_CRC64NVME }, { "CRC32:", ALGORITHM_CRC32 }, { "CRC32C:", ALGORITHM_CRC32C },
        { "SHA256:", ALGORITHM_SHA256 } };

    sum->algorithm = NO_ALGORITHM;
    if (checksum == NULL || strchr(checksum, '-') != NULL) /* one of the parts' checksums */
        return;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t len = strlen(known[i].name);
        if (strncmp(checksum, known[i].name, len) != 0)
            continue;
        sum->algorithm = known[i].algorithm;
        (void)snprintf(sum->checksum, sizeof sum->checksum, "%s", checksum + len);
        if (sum->algorithm != ALGORITHM_SHA256)
            make_table(sum);
    }
}

static uint64_t size_of_part(const struct verify_parts *parts, uint32_t index)
{
    if (parts->sizes != NULL)
        return index < parts->count ? parts->sizes[index] : UINT64_MAX;
    return parts->even;
}

void verify_sum_begin(struct verify_sum *sum, const char *etag, const struct verify_parts *parts, const char *checksum)
{
    size_t hex = etag != NULL ? strspn(etag, "0123456789abcdef") : 0;
    char unused[STATE_SHA256_HEX_SIZE];
    struct state_error ignored;

    sum->by_etag = sum->md5 != NULL && hex == MD5_HEX && etag[hex] == '\0';
    sum->by_parts = sum->md5 != NULL && sum->parts_md5 != NULL && hex == MD5_HEX && etag[hex] == '-' && parts != NULL &&
                    parts->count > 0 && (parts->sizes != NULL || parts->even > 0);
    sum->broken = false;
    (void)snprintf(sum->etag, sizeof sum->etag, "%s", etag != NULL ? etag : "");
    sum->parts = parts;
    sum->part = 0;
    sum->left = sum->by_parts ? size_of_part(parts, 0) : 0;
    take_checksum(sum, checksum);
    /* what an object that broke off has left in them */
    if (sum->md5 != NULL)
        (void)!state_digest_hex(sum->md5, unused, &ignored);
    if (sum->parts_md5 != NULL)
        (void)!state_digest_hex(sum->parts_md5, unused, &ignored);
    (void)!state_digest_hex(sum->sha256, unused, &ignored);
}

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* A part's MD5, as bytes, into the MD5 of them all. */
static void end_part(struct verify_sum *sum)
{
    char hex[STATE_SHA256_HEX_SIZE];
    unsigned char bytes[MD5_BYTES];
    struct state_error ignored;

    if (state_digest_hex(sum->md5, hex, &ignored) != STATE_OK) {
        sum->broken = true;
        return;
    }
    for (size_t i = 0; i < MD5_BYTES; i++)
        bytes[i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    state_digest_update(sum->parts_md5, bytes, sizeof bytes);
    sum->left = size_of_part(sum->parts, ++sum->part);
}

static void add_to_parts(struct verify_sum *sum, const char *ptr, size_t len)
{
    while (len > 0) {
        size_t some = len < sum->left ? len : (size_t)sum->left;
        state_digest_update(sum->md5, ptr, some);
        ptr += some;
        len -= some;
        sum->left -= some;
        if (sum->left == 0)
            end_part(sum);
    }
}

void verify_sum_add(struct verify_sum *sum, const void *ptr, size_t len)
{
    const unsigned char *bytes = ptr;

    if (sum->by_parts)
        add_to_parts(sum, ptr, len);
    else if (sum->by_etag)
        state_digest_update(sum->md5, ptr, len);
    if (sum->algorithm == ALGORITHM_SHA256) {
        state_digest_update(sum->sha256, ptr, len);
    } else if (sum->algorithm != NO_ALGORITHM) {
        uint64_t crc = sum->crc;
        for (size_t i = 0; i < len; i++)
            crc = sum->table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
        sum->crc = crc;
    }
}

static enum verify_summed end_etag(struct verify_sum *sum)
{
    char found[STATE_SHA256_HEX_SIZE], whole[EXPECTED_MAX];
    struct state_error ignored;

    if (!sum->by_etag && !sum->by_parts)
        return VERIFY_NOT_COMPARED;
    if (sum->by_parts && sum->left != size_of_part(sum->parts, sum->part)) /* the last, which is shorter */
        end_part(sum);
    if (sum->broken || state_digest_hex(sum->by_parts ? sum->parts_md5 : sum->md5, found, &ignored) != STATE_OK)
        return VERIFY_NOT_COMPARED;
    if (sum->by_parts)
        (void)snprintf(whole, sizeof whole, "%s-%u", found, (unsigned)sum->part);
    else
        (void)snprintf(whole, sizeof whole, "%s", found);
    return strcmp(whole, sum->etag) == 0 ? VERIFY_EQUAL : VERIFY_DIFFERENT;
}

/* The bytes of a CRC, the highest first, in base64. */
static void crc_text(const struct verify_sum *sum, char out[16])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = sum->algorithm == ALGORITHM_CRC64NVME ? 8 : 4, used = 0;
    uint64_t value = ~sum->crc;
    unsigned char bytes[9] = { 0 };

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(value >> 8 * (len - 1 - i));
    for (size_t i = 0; i < len; i += 3) {
        unsigned three = (unsigned)bytes[i] << 16 | (unsigned)(i + 1 < len ? bytes[i + 1] : 0) << 8 |
                         (unsigned)(i + 2 < len ? bytes[i + 2] : 0);
        out[used++] = digits[three >> 18];
        out[used++] = digits[three >> 12 & 63];
        out[used++] = i + 1 < len ? digits[three >> 6 & 63] : '=';
        out[used++] = i + 2 < len ? digits[three & 63] : '=';
    }
    out[used] = '\0';
}

static enum verify_summed end_checksum(struct verify_sum *sum)
{
    char found[STATE_DIGEST_BASE64_SIZE], crc[16];
    struct state_error ignored;

    if (sum->algorithm == NO_ALGORITHM)
        return VERIFY_NOT_COMPARED;
    if (sum->algorithm == ALGORITHM_SHA256) {
        if (state_digest_base64(sum->sha256, found, &ignored) != STATE_OK)
            return VERIFY_NOT_COMPARED;
        return strcmp(found, sum->checksum) == 0 ? VERIFY_EQUAL : VERIFY_DIFFERENT;
    }
    crc_text(sum, crc);
    return strcmp(crc, sum->checksum) == 0 ? VERIFY_EQUAL : VERIFY_DIFFERENT;
}

void verify_sum_end(struct verify_sum *sum, enum verify_summed *etag, enum verify_summed *checksum)
{
    *etag = end_etag(sum);
    *checksum = end_checksum(sum);
}
