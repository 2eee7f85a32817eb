/*
 * The packed forms of texts within a record (record.h): which form a text has, its bytes, and the text again. Packing
 * and spelling are exact inverses: a text that would not come back byte for byte has no packed form. Pure; any thread.
 */
#ifndef STATE_RECORD_FORM_H
#define STATE_RECORD_FORM_H

#include "state/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORM_MD5_SIZE = 16, FORM_MD5_TEXT = 32, FORM_RAW_MAX = 32 };

/* 32 lower-case hex digits, read from the start of a text of at least that length. */
bool form_md5_pack(const char *text, unsigned char out[FORM_MD5_SIZE]) __attribute__((warn_unused_result));
void form_md5_spell(const unsigned char bytes[FORM_MD5_SIZE], char out[FORM_MD5_TEXT]);

/* A number in decimal without leading zeros, 1 to 99,999 (parts are at most 10,000). */
bool form_parts_pack(const char *text, size_t len, uint64_t *parts) __attribute__((warn_unused_result));
size_t form_parts_spell(uint64_t parts, char out[5]);

/*
 * "ALGORITHM:base64" of a known algorithm with a value of its length: its number (1 to FORM_CHECKSUMS) and raw bytes; 0
 * for all else.
 */
enum { FORM_CHECKSUMS = 5 };
unsigned form_checksum_pack(struct state_text text, unsigned char raw[FORM_RAW_MAX])
        __attribute__((warn_unused_result));
/* How many raw bytes; 0 for a number that is none. */
size_t form_checksum_size(unsigned form) __attribute__((warn_unused_result));
size_t form_checksum_spell(unsigned form, const unsigned char *raw, char out[64]);

#endif
