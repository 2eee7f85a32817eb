/* What a write says about an object beside its bytes: headers, metadata, tags, class, encryption, lock, checksums. */
#ifndef S3SIM_PROPS_H
#define S3SIM_PROPS_H

#include "request.h"

/* Each fills its part of v and returns -1, or the s3_error. */
int props_attrs(const struct request *q, struct version *v);
int props_extra(struct request *q, struct version *v); /* encryption, redirect, lock; may ask for permissions */
int props_tags(struct request *q, struct version *v);  /* x-amz-tagging */
int props_class(const struct request *q, struct version *v);
/* Holds the body against Content-MD5 and x-amz-checksum-*, notes the checksum in *extra. */
int props_verify(const struct request *q, const struct body *body, struct bag **extra);
int props_checksum(
        const struct body *body, int algorithm, struct bag **extra); /* computes and notes it, if not too large */

bool props_hides_md5(const struct version *v); /* encryption under which an ETag is not the MD5 */
void props_veil_md5(struct version *v);        /* gives such an object's ETag */
/* An ACL, as x-amz-acl named it, or as a document. */
#define PROPS_ACL "s3sim-acl"
#define PROPS_ACL_DOCUMENT "s3sim-acl-document"
/* A restore of an archived version, by the server's clock: under way until ready, readable until expiry. */
#define PROPS_RESTORE "s3sim-restore"
struct thaw {
    bool asked;
    int64_t ready, expiry;
};
struct thaw props_thaw(const struct version *v);
bool props_is_archived(const struct version *v); /* and cannot be read now */
int props_tags_of_xml(const char *p, size_t n, size_t most, struct bag **out);
void props_reply(struct request *q, const struct version *v, bool checksums); /* attrs, encryption, lock, class… */
void props_reply_encryption(struct request *q, const struct bag *extra);
void props_reply_checksums(struct request *q, const struct bag *extra);
void props_checksum_elements(struct buf *b, const struct bag *extra);
const char *props_checksum_name(const struct bag *extra); /* CRC32, or NULL */

#endif
