/*
 * What an object's bytes are compared by, while they pass: the MD5 of a plain ETag, the MD5 of the parts' MD5s of a
 * multipart one, or a checksum that the service keeps (CRC64NVME, CRC32, CRC32C, SHA256 of the whole object). One
 * thread at a time.
 */
#ifndef AGENT_VERIFY_SUM_H
#define AGENT_VERIFY_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_sum;

/* Where the parts of a multipart object end. */
struct verify_parts {
    uint64_t *sizes; /* NULL: all of `even`, but for the last */
    uint64_t even;   /* 0: not known */
    uint32_t count;
};

enum verify_summed {
    VERIFY_EQUAL,
    VERIFY_DIFFERENT,
    VERIFY_NOT_COMPARED /* nothing of a known kind to compare with */
};

/* NULL without memory. */
struct verify_sum *verify_sum_new(void) __attribute__((warn_unused_result));
void verify_sum_free(struct verify_sum *sum);
/*
 * What is to be met: an ETag (NULL: none that tells of the bytes; `parts` where it ends in -N, borrowed), and a
 * checksum as "ALGORITHM:base64" (NULL: none). What is of no known form is left out.
 */
void verify_sum_begin(struct verify_sum *sum, const char *etag, const struct verify_parts *parts, const char *checksum);
void verify_sum_add(struct verify_sum *sum, const void *ptr, size_t len);
/* Ends it: by ETag and by checksum. */
void verify_sum_end(struct verify_sum *sum, enum verify_summed *etag, enum verify_summed *checksum);

#endif
