/* What the operations on objects share. */
#ifndef S3SIM_OBJECT_H
#define S3SIM_OBJECT_H

#include "request.h"

/* versionId of the request: false and replied when it is malformed. */
bool object_version_param(struct request *q, struct version_ref *out);
/* Replies for a key or version that is not there (or a marker), as S3 does with and without the right to list. */
void object_missing(struct request *q, enum found f, struct version_ref which, const struct version *v);
void object_reply_version(struct request *q, const char *header, const struct bucket *b, uint64_t id);
/* if-match and its three friends against v, with a prefix for their names; -1, 304 or 412. */
int object_conditions(const struct request *q, const char *prefix, const struct version *v);
bool object_condition_failed(struct request *q, enum put_result r); /* replies and says true unless PUT_DONE */
/* "bytes=a-b" with both ends, as part copies need it. */
bool object_exact_range(const char *text, uint64_t *from, uint64_t *to);

#endif
