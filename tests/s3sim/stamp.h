/* Times as S3 writes and reads them, and the server's clock, which tests may set. Seconds since 1970, UTC; no time
 * zone, no locale, and none of the C library's calendar. */
#ifndef S3SIM_STAMP_H
#define S3SIM_STAMP_H

#include "buf.h"

#include <stdint.h>

int64_t clock_now(void); /* seconds, with the offset */
/* Replaces the offset. tolerant: signatures of the real time are taken too, so that an oracle without a clock of its
 * own can go on asking. Any thread. */
void clock_offset(int64_t seconds, int tolerant);
int clock_is_tolerant(void);
int64_t clock_real(void);      /* seconds without it */
int64_t clock_steady_ms(void); /* monotonic: for timers and rates only */

void stamp_iso(struct buf *b, int64_t s);   /* 2026-11-20T03:00:00.000Z */
void stamp_plain(struct buf *b, int64_t s); /* 2026-11-20T03:00:00Z */
void stamp_http(char out[30], int64_t s);   /* Fri, 20 Nov 2026 03:00:00 GMT */
/* Reads 20261120T030000Z, 2026-11-20T03:00:00[.fff]Z and the HTTP form. 1 when right. */
int stamp_parse(const char *p, int64_t *out);

#endif
