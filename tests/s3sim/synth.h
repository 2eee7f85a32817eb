/* Buckets of up to ten million objects that are computed, not stored.
 *
 * Key k of a bucket is a monotone function of k, so a key is found by binary search. An object's content is one of 256
 * patterns of 16 bytes, repeated to one of 16 sizes: its MD5 is computed once for each of these and is the true one up
 * to 1 MiB, made up from the content's description above that. A new generation gives another content and time to a
 * share of the keys, and takes a share away. A spec is immutable while the bucket's read lock is held. */
#ifndef S3SIM_SYNTH_H
#define S3SIM_SYNTH_H

#include "body.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { SYNTH_KEY_MAX = 700, SYNTH_SIZES = 16, SYNTH_PATTERNS = 256, SYNTH_GENERATIONS = 32 };

struct synth;

struct synth_entry {
    uint64_t size;
    int64_t mtime; /* seconds */
    uint8_t md5[16];
};

/* Makes a spec from the control API's JSON, or gives `old` (may be NULL) its next generation and returns it. On a
 * mistake returns NULL with *why, and `old` is as it was. */
struct synth *synth_make(const json_t *j, struct synth *old, int64_t now, const char **why);
void synth_free(struct synth *s);
uint64_t synth_count(const struct synth *s);                            /* indices; some may be deleted */
size_t synth_key(const struct synth *s, uint64_t k, char *out);         /* needs SYNTH_KEY_MAX */
uint64_t synth_lower(const struct synth *s, const char *key, size_t n); /* first index whose key is not below */
bool synth_exists(const struct synth *s, uint64_t k);
void synth_entry(struct synth *s, uint64_t k, struct synth_entry *out);
struct body *synth_body(struct synth *s, uint64_t k);

#endif
