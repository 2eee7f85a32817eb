/*
 * The bytes of one object's record in the manifest: an entry without its key, packed. A record of an MD5 ETag, a
 * version id of 32 bytes, a CRC64 and a point id takes about 80 bytes instead of the 190 of the texts.
 *
 *   byte   class (3 bits), form of the ETag (2), has vault version, has source version, source time in whole seconds
 *   byte   form of the checksum (3), form of the run (2), copied in whole seconds
 *   number size; number source time; ETag; vault version; source version; number copied; checksum; run
 *
 * Numbers are LEB128, signed ones zigzag; texts are a number and bytes. ETags of 32 lower hex digits are 16 bytes, and
 * a number more with "-N"; checksums of known algorithms their raw bytes; a point id the seconds between it and the
 * copy. What does not have exactly such a form is kept as text, so that decoding gives back the very same bytes.
 *
 * Pure functions, any thread. Integrity is the caller's: these never read beyond `len` nor trust a length, but bytes
 * that were changed may decode to another valid record.
 */
#ifndef STATE_RECORD_H
#define STATE_RECORD_H

#include "state/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECORD_MAX = 2 + 3 * 10 + (2 + STATE_ETAG_MAX) + 2 * (2 + STATE_VERSION_MAX) + (2 + STATE_CHECKSUM_MAX) +
                 (10 + STATE_RUN_MAX)
};

/* Where packed texts are spelled out. */
struct record_texts {
    char etag[48];
    char checksum[64];
    char run[20];
};

/* The length, 0 where the entry breaks a bound of entry.h (its key is not looked at). */
size_t record_encode(const struct state_entry *entry, unsigned char out[RECORD_MAX])
        __attribute__((warn_unused_result));

/* Fills all of `entry` but the key, borrowing `ptr` and `texts`. False: not a record. */
bool record_decode(const unsigned char *ptr, size_t len, struct record_texts *texts, struct state_entry *entry)
        __attribute__((warn_unused_result));

/* As comparing the decoded entry's fields, but without decoding them. */
bool record_matches(const unsigned char *ptr, size_t len, struct state_text etag, uint64_t size, int64_t source_time_ms)
        __attribute__((warn_unused_result));

/* CLASS_OTHER where it is not a record. */
enum storage_class record_class(const unsigned char *ptr, size_t len) __attribute__((warn_unused_result));

/* The two that totals need. False: not a record. */
bool record_class_size(const unsigned char *ptr, size_t len, enum storage_class *class_, uint64_t *size)
        __attribute__((warn_unused_result));

#endif
