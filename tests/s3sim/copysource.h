/* The source of CopyObject and UploadPartCopy: found, allowed, held against its conditions. */
#ifndef S3SIM_COPYSOURCE_H
#define S3SIM_COPYSOURCE_H

#include "request.h"

struct copy_source {
    char *text; /* owned: decoded */
    const char *key;
    size_t key_len;
    struct bucket *bucket;
    struct version_ref which;
    struct version v; /* holds references */
};

bool copy_source_open(struct request *q, struct copy_source *s); /* false: replied */
void copy_source_close(struct copy_source *s);

#endif
