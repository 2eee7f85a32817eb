/* The table of operations, and which of them a request is. See ops.h.
 *
 * A known subresource without a row of its own is answered NotImplemented: it must never fall through to the plain
 * operation (a DELETE ?something is not a DeleteBucket). */
#include "iam.h"
#include "ops.h"

#include <string.h>

#define S ON_SERVICE
#define B ON_BUCKET
#define O ON_OBJECT
#define W OP_WRITES_WORLD
#define DOCUMENT(Name, param, kind, get_action, put_action)                                                            \
    { "Get" Name, "GET", B, param, NULL, op_get_document, get_action, NULL, 0, kind },                                 \
            { "Put" Name, "PUT", B, param, NULL, op_put_document, put_action, NULL, W, kind },                         \
    {                                                                                                                  \
        "Delete" Name, "DELETE", B, param, NULL, op_delete_document, put_action, NULL, W, kind                         \
    }

static const struct operation table[] = {
    { "AssumeRole", "POST", S, NULL, NULL, op_sts, NULL, NULL, OP_WRITES_WORLD | OP_OWN_ACCESS, 0 },
    { "CreateRole", "POST", S, NULL, NULL, op_iam, NULL, NULL, W | OP_OWN_ACCESS, 0 },
    { "UpdateAssumeRolePolicy", "POST", S, NULL, NULL, op_iam, NULL, NULL, W | OP_OWN_ACCESS, 0 },
    { "PutRolePolicy", "POST", S, NULL, NULL, op_iam, NULL, NULL, W | OP_OWN_ACCESS, 0 },
    { "GetRole", "POST", S, NULL, NULL, op_iam, NULL, NULL, OP_OWN_ACCESS, 0 },
    { "GetRolePolicy", "POST", S, NULL, NULL, op_iam, NULL, NULL, OP_OWN_ACCESS, 0 },
    { "ListRolePolicies", "POST", S, NULL, NULL, op_iam, NULL, NULL, OP_OWN_ACCESS, 0 },
    { "GetCallerIdentity", "POST", S, NULL, NULL, op_sts, NULL, NULL, OP_OWN_ACCESS, 0 },
    { "ListBuckets", "GET", S, NULL, NULL, op_list_buckets, "s3:ListAllMyBuckets", NULL, 0, 0 },

    { "UploadPartCopy", "PUT", O, "partNumber", "x-amz-copy-source", op_upload_part_copy, "s3:PutObject", NULL,
            OP_COPIES, 0 },
    { "CopyObject", "PUT", O, NULL, "x-amz-copy-source", op_copy_object, "s3:PutObject", NULL, OP_COPIES, 0 },
    { "UploadPart", "PUT", O, "partNumber", NULL, op_upload_part, "s3:PutObject", NULL, 0, 0 },
    { "PutObjectTagging", "PUT", O, "tagging", NULL, op_put_tagging, "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging", 0, 0 },
    { "PutObjectAcl", "PUT", O, "acl", NULL, op_put_object_acl, "s3:PutObjectAcl", "s3:PutObjectVersionAcl", 0, 0 },
    { "PutObjectRetention", "PUT", O, "retention", NULL, op_put_object_lock, "s3:PutObjectRetention", NULL, 0, 0 },
    { "PutObjectLegalHold", "PUT", O, "legal-hold", NULL, op_put_object_lock, "s3:PutObjectLegalHold", NULL, 0, 0 },
    { "PutObject", "PUT", O, NULL, NULL, op_put_object, "s3:PutObject", NULL, 0, 0 },
    { "ListParts", "GET", O, "uploadId", NULL, op_list_parts, "s3:ListMultipartUploadParts", NULL, 0, 0 },
    { "GetObjectTagging", "GET", O, "tagging", NULL, op_get_tagging, "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging", 0, 0 },
    { "GetObjectAcl", "GET", O, "acl", NULL, op_get_object_acl, "s3:GetObjectAcl", "s3:GetObjectVersionAcl", 0, 0 },
    { "GetObjectRetention", "GET", O, "retention", NULL, op_get_object_lock, "s3:GetObjectRetention", NULL, 0, 0 },
    { "GetObjectLegalHold", "GET", O, "legal-hold", NULL, op_get_object_lock, "s3:GetObjectLegalHold", NULL, 0, 0 },
    { "GetObject", "GET", O, NULL, NULL, op_get_object, "s3:GetObject", "s3:GetObjectVersion", 0, 0 },
    { "HeadObject", "HEAD", O, NULL, NULL, op_get_object, "s3:GetObject", "s3:GetObjectVersion", 0, 0 },
    { "AbortMultipartUpload", "DELETE", O, "uploadId", NULL, op_abort_upload, "s3:AbortMultipartUpload", NULL, 0, 0 },
    { "DeleteObjectTagging", "DELETE", O, "tagging", NULL, op_delete_tagging, "s3:DeleteObjectTagging",
            "s3:DeleteObjectVersionTagging", 0, 0 },
    { "DeleteObject", "DELETE", O, NULL, NULL, op_delete_object, "s3:DeleteObject", "s3:DeleteObjectVersion", 0, 0 },
    { "RestoreObject", "POST", O, "restore", NULL, op_restore_object, "s3:RestoreObject", NULL, 0, 0 },
    { "CreateMultipartUpload", "POST", O, "uploads", NULL, op_create_upload, "s3:PutObject", NULL, 0, 0 },
    { "CompleteMultipartUpload", "POST", O, "uploadId", NULL, op_complete_upload, "s3:PutObject", NULL, OP_COPIES, 0 },

    { "ListObjectVersions", "GET", B, "versions", NULL, op_list_versions, "s3:ListBucketVersions", NULL, OP_LISTS, 0 },
    { "ListMultipartUploads", "GET", B, "uploads", NULL, op_list_uploads, "s3:ListBucketMultipartUploads", NULL, 0, 0 },
    { "GetBucketLocation", "GET", B, "location", NULL, op_get_location, "s3:GetBucketLocation", NULL, 0, 0 },
    { "GetBucketVersioning", "GET", B, "versioning", NULL, op_get_versioning, "s3:GetBucketVersioning", NULL, 0, 0 },
    { "PutBucketVersioning", "PUT", B, "versioning", NULL, op_put_versioning, "s3:PutBucketVersioning", NULL, W, 0 },
    { "GetBucketTagging", "GET", B, "tagging", NULL, op_get_bucket_tagging, "s3:GetBucketTagging", NULL, 0, 0 },
    { "PutBucketTagging", "PUT", B, "tagging", NULL, op_put_bucket_tagging, "s3:PutBucketTagging", NULL, W, 0 },
    { "DeleteBucketTagging", "DELETE", B, "tagging", NULL, op_delete_bucket_tagging, "s3:PutBucketTagging", NULL, W,
            0 },
    DOCUMENT("BucketPolicy", "policy", DOC_POLICY, "s3:GetBucketPolicy", "s3:PutBucketPolicy"),
    DOCUMENT("BucketLifecycleConfiguration", "lifecycle", DOC_LIFECYCLE, "s3:GetLifecycleConfiguration",
            "s3:PutLifecycleConfiguration"),
    DOCUMENT("BucketCors", "cors", DOC_CORS, "s3:GetBucketCORS", "s3:PutBucketCORS"),
    DOCUMENT("BucketEncryption", "encryption", DOC_ENCRYPTION, "s3:GetEncryptionConfiguration",
            "s3:PutEncryptionConfiguration"),
    DOCUMENT("PublicAccessBlock", "publicAccessBlock", DOC_PUBLIC_ACCESS, "s3:GetBucketPublicAccessBlock",
            "s3:PutBucketPublicAccessBlock"),
    DOCUMENT("BucketOwnershipControls", "ownershipControls", DOC_OWNERSHIP, "s3:GetBucketOwnershipControls",
            "s3:PutBucketOwnershipControls"),
    DOCUMENT("BucketAcl", "acl", DOC_ACL, "s3:GetBucketAcl", "s3:PutBucketAcl"),
    DOCUMENT("ObjectLockConfiguration", "object-lock", DOC_OBJECT_LOCK, "s3:GetBucketObjectLockConfiguration",
            "s3:PutBucketObjectLockConfiguration"),
    DOCUMENT("BucketNotificationConfiguration", "notification", DOC_NOTIFICATION, "s3:GetBucketNotification",
            "s3:PutBucketNotification"),
    DOCUMENT("BucketLogging", "logging", DOC_LOGGING, "s3:GetBucketLogging", "s3:PutBucketLogging"),
    DOCUMENT("BucketWebsite", "website", DOC_WEBSITE, "s3:GetBucketWebsite", "s3:PutBucketWebsite"),
    { "DeleteObjects", "POST", B, "delete", NULL, op_delete_objects, NULL, NULL, OP_OWN_ACCESS | OP_COPIES, 0 },
    { "ListObjectsV2", "GET", B, "list-type", NULL, op_list_objects, "s3:ListBucket", NULL, OP_LISTS, 0 },
    { "ListObjects", "GET", B, NULL, NULL, op_list_objects, "s3:ListBucket", NULL, OP_LISTS, 0 },
    { "HeadBucket", "HEAD", B, NULL, NULL, op_head_bucket, "s3:ListBucket", NULL, 0, 0 },
    { "CreateBucket", "PUT", B, NULL, NULL, op_create_bucket, NULL, NULL, W | OP_NO_BUCKET | OP_OWN_ACCESS, 0 },
    { "DeleteBucket", "DELETE", B, NULL, NULL, op_delete_bucket, "s3:DeleteBucket", NULL, W, 0 },
    { "NotImplemented", NULL, 0, NULL, NULL, op_not_implemented, NULL, NULL, OP_NO_BUCKET | OP_OWN_ACCESS, 0 },
};
enum { ROWS = sizeof table / sizeof table[0] };

/* Parameters that make another operation of a request. */
static const char *const subresources[] = { "accelerate", "acl", "analytics", "annotation", "attributes", "cors",
    "delete", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location", "logging",
    "metadataTable", "metrics", "notification", "object-lock", "ownershipControls", "partNumber", "policy",
    "policyStatus", "publicAccessBlock", "replication", "requestPayment", "restore", "retention", "select", "session",
    "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website" };

static const char *subresource_of(const struct request *q)
{
    for (unsigned i = 0; i < q->params; i++)
        for (size_t k = 0; k < sizeof subresources / sizeof subresources[0]; k++)
            if (!strcmp(q->param[i].name, subresources[k]))
                return subresources[k];
    return NULL;
}

const struct operation *ops_route(const struct request *q)
{
    enum level level = !q->bucket[0] ? ON_SERVICE : q->key_len ? ON_OBJECT : ON_BUCKET;
    const char *sub = q->params ? subresource_of(q) : NULL;
    bool reads = q->method[0] == 'G' || q->method[0] == 'H';
    for (size_t i = 0; i < ROWS - 1; i++) {
        const struct operation *op = &table[i];
        if (op->level != level || strcmp(op->method, q->method) != 0)
            continue;
        if (op->param ? !request_param(q, op->param) : sub && !(reads && !strcmp(sub, "partNumber")))
            continue;
        if (op->header && !request_header(q, op->header))
            continue;
        if (op->run == op_sts && i == 0 && !(q->upload.n && memmem(q->upload.p, q->upload.n, "Action=AssumeRole", 17)))
            continue;
        if (op->run == op_iam && !iam_is_asked(q, op->name))
            continue;
        return op;
    }
    return &table[ROWS - 1];
}

const struct operation *ops_at(size_t i)
{
    return i < ROWS ? &table[i] : NULL;
}

size_t ops_index(const struct operation *op)
{
    return (size_t)(op - table);
}

void op_not_implemented(struct request *q)
{
    reply_fail(q, E_NOT_IMPLEMENTED);
}
