/* May the caller do this? Identity, session and bucket policies together. Under the world's read lock. */
#ifndef S3SIM_ACCESS_H
#define S3SIM_ACCESS_H

#include "request.h"

/* b NULL: an action on the account. key NULL: on the bucket itself. */
bool access_allowed(struct request *q, const char *action, const struct bucket *b, const char *key, size_t key_len);
const char *access_account(const struct request *q); /* the caller's, "" for an anonymous one */

#endif
