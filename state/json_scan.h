/*
 * Just enough of JSON for change lines, fast: a scanner over one text in memory that the caller drives, value by value.
 * It accepts what RFC 8259 accepts and nothing else (UTF-8 is checked, lone surrogates are refused, so that every
 * string has one spelling as bytes), except that numbers which are read, not skipped, are whole and not negative. Every
 * function returns false at the first violation and leaves the reason in `why`. Internal to state/; any thread.
 */
#ifndef STATE_JSON_SCAN_H
#define STATE_JSON_SCAN_H

#include "state/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_SCAN_DEPTH = 64 /* of what is skipped */ };

struct json_scan {
    const char *start, *p, *end;
    const char *why; /* NULL: nothing wrong so far */
};

void json_scan_init(struct json_scan *scan, const char *text, size_t len);
/*
 * A string, decoded. It borrows the text where it has no escapes, else `room`; where `room` is too small ptr is NULL.
 * `len` is the decoded length in any case: whoever has a bound compares it.
 */
bool json_scan_string(struct json_scan *scan, char *room, size_t size, struct state_text *out)
        __attribute__((warn_unused_result));
bool json_scan_uint(struct json_scan *scan, uint64_t *out) __attribute__((warn_unused_result));
/* Any value, however nested. */
bool json_scan_skip(struct json_scan *scan) __attribute__((warn_unused_result));

/*
 * An object's members: json_scan_object, then json_scan_member until it sets `more` to false; after each the caller
 * reads or skips the value. A name that has escapes is decoded to `room`.
 */
bool json_scan_object(struct json_scan *scan) __attribute__((warn_unused_result));
bool json_scan_member(struct json_scan *scan, bool first, char *room, size_t size, struct state_text *name, bool *more)
        __attribute__((warn_unused_result));
/* Exactly these bytes are next, and are taken: false is no error, the caller reads on in the general way. */
bool json_scan_literal(struct json_scan *scan, const char *text, size_t len) __attribute__((warn_unused_result));
/* The whole text is one JSON value, nested no deeper than JSON_SCAN_DEPTH. */
bool json_scan_is_valid(const char *text, size_t len) __attribute__((warn_unused_result));
/* Nothing but blanks is left. */
bool json_scan_end(struct json_scan *scan) __attribute__((warn_unused_result));

#endif
