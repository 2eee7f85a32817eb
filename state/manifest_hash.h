/*
 * The 64-bit checksum of everything in the manifest: folded 128-bit products over 16 bytes a step, as wyhash does. It
 * is there against damage (bits that flip, pages in the wrong place, another key's value), of which it misses one in
 * 2^64, not against forgery: who can write the file can write its checksums. About 15 ns for a key and its record; a
 * digest of OpenSSL takes 300, two rounds of CRC32C would need the CPU's instruction and a table beside it.
 */
#ifndef STATE_MANIFEST_HASH_H
#define STATE_MANIFEST_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Chains: the result for a key is the seed for its value. */
uint64_t manifest_hash(uint64_t seed, const void *ptr, size_t len);

#endif
