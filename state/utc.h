/*
 * Times as text and back: point ids (20261120T030000Z) and RFC 3339 in UTC. Pure arithmetic on the proleptic Gregorian
 * calendar, no time zone, no locale, no clock; any thread. Leap seconds do not exist here, as in POSIX time.
 */
#ifndef STATE_UTC_H
#define STATE_UTC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_POINT_LEN = 16,  /* 20261120T030000Z */
    STATE_POINT_SIZE = 17, /* with its NUL */
    STATE_TIME_SIZE = 25   /* 2026-11-20T03:00:00.123Z and its NUL */
};

/* The years 1 to 9999: what RFC 3339 can spell. */
#define STATE_TIME_MIN_MS INT64_C(-62135596800000)
#define STATE_TIME_MAX_MS INT64_C(253402300799999)

/* A point's id; false (and an empty text) before 1970 or after 9999. */
bool state_utc_to_point(int64_t seconds, char out[STATE_POINT_SIZE]) __attribute__((warn_unused_result));
/* Exactly the form above, an existing date, 1970 or later. */
bool state_utc_from_point(const char *text, size_t len, int64_t *seconds) __attribute__((warn_unused_result));

/*
 * The one spelling of a time in all files of the vault: 2026-11-20T03:00:00Z, with three digits of fraction where the
 * milliseconds are not 0. Returns the length, 0 (and an empty text) outside of the range.
 */
size_t state_utc_format(int64_t ms, char out[STATE_TIME_SIZE]) __attribute__((warn_unused_result));
/*
 * RFC 3339: any number of fraction digits (cut to milliseconds), Z or an offset, T and Z also in lower case. The whole
 * text must be one time.
 */
bool state_utc_parse(const char *text, size_t len, int64_t *ms) __attribute__((warn_unused_result));

#endif
