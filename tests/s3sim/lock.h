/* Object Lock: what a write asks for, what a bucket sets by default, and what policies may say about it. */
#ifndef S3SIM_LOCK_H
#define S3SIM_LOCK_H

#include "request.h"

#define LOCK_MODE "x-amz-object-lock-mode"
#define LOCK_UNTIL "x-amz-object-lock-retain-until-date"
#define LOCK_HOLD "x-amz-object-lock-legal-hold"

/* Judges the lock headers of a write, asks for the rights that they need, and notes them in v, else the bucket's
 * default. -1, or the s3_error. */
int lock_of_write(struct request *q, struct version *v);
/* The lock of a version as headers, as far as the caller may see it. */
void lock_reply(struct request *q, const struct version *v);
/* Whether a configuration that is being put is one. */
bool lock_document_is_well(const char *text, size_t n);
bool lock_may_bypass(struct request *q, const char *key, size_t n);
/* A condition key of policies, "s3:object-lock-…", for this request: in `out`, or NULL where it says nothing of it. */
const char *lock_condition(const struct request *q, const char *name, char out[40]);

#endif
