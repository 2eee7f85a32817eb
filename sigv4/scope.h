/*
 * The texts that a time, a region and a service make: x-amz-date, and the credential scope. Pure.
 */
#ifndef SIGV4_SCOPE_H
#define SIGV4_SCOPE_H

#include "sigv4/sigv4.h"

struct sigv4_scope_text {
    char date[17];                            /* 20130524T000000Z; the first 8 are the day of the signing key */
    char text[2 * SIGV4_MAX_SCOPE_NAME + 24]; /* 20130524/us-east-1/s3/aws4_request, terminated */
    size_t len;
};

/* SIGV4_BAD_INPUT for a time outside 1970 to 9999 or a name that could not stand in a scope. */
enum sigv4_status sigv4_scope_write(const struct sigv4_scope *scope, struct sigv4_scope_text *out)
        __attribute__((warn_unused_result));

#endif
