/* Multipart uploads of a bucket, from create to complete or abort.
 *
 * A bucket's uploads are guarded by its upload_lock; _locked says that the caller holds it. multipart_clear is for the
 * bucket's end, when nobody else can hold it. */
#ifndef S3SIM_MULTIPART_H
#define S3SIM_MULTIPART_H

#include "request.h"

struct upload_part {
    unsigned number;
    struct body *body;
    uint64_t size;
    int64_t mtime;
    uint8_t md5[16];
    struct bag *sums;
};

struct upload {
    struct upload *next;
    uint64_t id;
    char *key;
    size_t key_len;
    int64_t initiated;
    char account[13];
    struct version v; /* all that was said at the creation */
    int algorithm;    /* of the additional checksum; -1 none */
    bool full_object;
    struct upload_part *part; /* by number */
    size_t parts, cap;
};

void multipart_clear(struct bucket *b);
/* The place in the list of the upload that the request names; NULL when there is none. */
struct upload **multipart_find_locked(const struct request *q);
void multipart_free(struct upload *u);
void multipart_put_target(struct request *q); /* <Bucket> and <Key> */

#endif
