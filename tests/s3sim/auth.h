/* Is this request signed as AWS demands? Signature version 4, in the header or presigned, checked by code of its own.
 *
 * Under the world's read lock. Sets q->credential, region, service; NULL credential means anonymous. */
#ifndef S3SIM_AUTH_H
#define S3SIM_AUTH_H

#include "request.h"

int auth_check(struct request *q);               /* -1, or the s3_error */
int auth_payload(struct request *q);             /* the body against x-amz-content-sha256; -1, or the s3_error */
struct credential *auth_peek(struct request *q); /* whose key is named, unverified; NULL for nobody's */

#endif
