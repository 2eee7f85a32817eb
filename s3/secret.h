/*
 * The one type in which secrets live: bytes on the heap that are wiped before they are given back. Not copied by
 * assignment; never printed. Everything that holds a key, a session token or a container's authorization token holds it
 * in one of these.
 */
#ifndef S3_SECRET_H
#define S3_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct s3_secret {
    char *ptr; /* terminated, the NUL not counted; NULL while empty */
    size_t len;
};

/* Replaces the content (the old one is wiped). `bytes` may be NULL with length 0. False without memory: then it is
 * empty. */
bool s3_secret_set(struct s3_secret *secret, const char *bytes, size_t length) __attribute__((warn_unused_result));
void s3_secret_clear(struct s3_secret *secret);
/* Wipes memory in a way that the compiler keeps. */
void s3_wipe(void *memory, size_t length);

#endif
