/*
 * The small encodings inside answers: percent escapes, the two forms of time, and the check of UTF-8. Pure.
 */
#ifndef S3_DECODE_H
#define S3_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes in place what encoding-type=url has encoded; the new length, or (size_t)-1 at a malformed escape. A plus is a
 * space: S3 writes one so, and a plus itself as %2B; servers that write %20 escape the plus all the same. */
size_t s3_url_decode(char *text, size_t length);
/* 2013-05-24T00:00:00.000Z to milliseconds since 1970; false where it is not such a time. Fractions of any length, Z
 * only. */
bool s3_parse_iso_time(const char *text, size_t length, int64_t *milliseconds);
/* Fri, 24 May 2013 00:00:00 GMT to seconds since 1970. */
bool s3_parse_http_time(const char *text, size_t length, int64_t *seconds);
/* A whole decimal number without sign or spaces that fits; false else. */
bool s3_parse_number(const char *text, size_t length, uint64_t *number);
/* Well-formed UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool s3_is_utf8(const char *text, size_t length);

#endif
