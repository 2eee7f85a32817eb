/* Lifecycle rules: what a bucket may be told, and one pass of the service over it by the server's clock. A rule is due
 * at the first midnight (UTC) that is its days after the version was made, or after it was replaced. */
#ifndef S3SIM_LIFECYCLE_H
#define S3SIM_LIFECYCLE_H

#include "store.h"
#include "xmlin.h"

/* NULL, or what S3 would not take about the document. */
const char *lifecycle_check(const struct xml *document);
/* What one pass does to the bucket; the caller holds the world for writing. */
void lifecycle_pass(struct bucket *b, int64_t now);

#endif
