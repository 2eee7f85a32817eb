/*
 * Tag sets as documents. Private to s3/.
 */
#ifndef S3_TAGS_H
#define S3_TAGS_H

#include "s3/answer.h"
#include "s3/call.h"

/* Writes <Tagging> into the call's body; `body` is freed by the caller after the call. */
bool tags_set_body(struct s3_call *call, const struct s3_tags *tags, struct s3_buffer *body)
        __attribute__((warn_unused_result));

#endif
