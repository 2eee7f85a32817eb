/* Multipart uploads of a bucket, from create to complete or abort.
 *
 * A bucket's uploads are guarded by its upload_lock, which the operations in multipart.c take; multipart_clear is for
 * the bucket's end, when nobody else can hold it. */
#ifndef S3SIM_MULTIPART_H
#define S3SIM_MULTIPART_H

struct bucket;

void multipart_clear(struct bucket *b);
int multipart_any(struct bucket *b);

#endif
