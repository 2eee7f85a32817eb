/*
 * The request by which each permission is asked for; see doctor_ask.h. A request that may not be made is denied before
 * anything else of it is looked at, so one that cannot succeed tells as much as one that does: of an upload that does
 * not exist, of an object that is in no archive, of bytes whose sum is wrong.
 */
#include "agent/doctor_ask.h"

#include <stdio.h>
#include <string.h>

#include "s3/bucket.h"
#include "s3/buffer.h"
#include "s3/list.h"
#include "s3/multipart.h"
#include "s3/restore.h"
#include "s3/retention.h"

enum { DOCUMENT_MAX = 512 * 1024 };

/* An id in the form of S3's own, which no upload has. */
static const char no_upload[] = "dm9sdGZlcnJ5LWRvY3Rvcjpuby1zdWNoLXVwbG9hZA";

static struct s3_target target(const struct doctor_side *side, bool with_version)
{
    return (struct s3_target){ .bucket = side->bucket,
        .key = side->key,
        .version = with_version ? side->version : NULL,
        .expected_owner = side->owner };
}

static struct s3_bucket_options bucket(const struct doctor_side *side)
{
    return (struct s3_bucket_options){ .bucket = side->bucket, .expected_owner = side->owner };
}

static enum s3_status list(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_list_options options = { .bucket = side->bucket, .expected_owner = side->owner, .max_keys = 1 };
    struct s3_page page;
    enum s3_status status;

    s3_page_init(&page);
    status = s3_list_objects(doctor->conn, side->client, &options, &page, error);
    s3_page_free(&page);
    return status;
}

static enum s3_status list_versions(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_versions_options options = { .bucket = side->bucket, .expected_owner = side->owner, .max_keys = 1 };
    struct s3_page page;
    enum s3_status status;

    s3_page_init(&page);
    status = s3_list_versions(doctor->conn, side->client, &options, &page, error);
    s3_page_free(&page);
    return status;
}

static enum s3_status list_uploads(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_list_uploads_options options = {
        .bucket = side->bucket, .expected_owner = side->owner, .max_uploads = 1
    };
    struct s3_page page;
    enum s3_status status;

    s3_page_init(&page);
    status = s3_list_uploads(doctor->conn, side->client, &options, &page, error);
    s3_page_free(&page);
    return status;
}

static enum s3_status list_buckets(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_list_buckets_options options = { .max_buckets = 1 };
    struct s3_bucket_page page;
    enum s3_status status;

    s3_bucket_page_init(&page);
    status = s3_list_buckets(doctor->conn, side->client, &options, &page, error);
    s3_bucket_page_free(&page);
    return status;
}

static enum s3_status location(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_bucket_options options = bucket(side);
    struct s3_location_answer answer;

    return s3_get_bucket_location(doctor->conn, side->client, &options, &answer, error);
}

static enum s3_status versioning(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_bucket_options options = bucket(side);
    struct s3_versioning_answer answer;

    return s3_get_bucket_versioning(doctor->conn, side->client, &options, &answer, error);
}

static const struct {
    const char *subresource, *mark;
} documents[] = { { "policy", "\"Statement\"" }, { "lifecycle", "<LifecycleConfiguration" },
    { "cors", "<CORSConfiguration" }, { "encryption", "<ServerSideEncryptionConfiguration" }, { "tagging", "<Tagging" },
    { "website", "<WebsiteConfiguration" }, { "object-lock", "<ObjectLockConfiguration" },
    { "publicAccessBlock", "<PublicAccessBlockConfiguration" }, { "ownershipControls", "<OwnershipControls" },
    { "acl", "<AccessControlPolicy" } };

enum s3_status doctor_document(struct doctor *doctor, const struct doctor_side *side, const char *subresource,
        struct s3_buffer *document, struct s3_error *error)
{
    const struct s3_bucket_options options = bucket(side);
    enum s3_status status = s3_get_bucket_document(doctor->conn, side->client, &options, subresource, document, error);

    for (size_t i = 0; status == S3_OK && i < sizeof documents / sizeof documents[0]; i++)
        if (strcmp(documents[i].subresource, subresource) == 0 &&
                (document->len == 0 ||
                        memmem(document->ptr, document->len, documents[i].mark, strlen(documents[i].mark)) == NULL))
            return s3_fail(error, S3_REFUSED, "NotImplemented", "the store answers with something else");
    return status;
}

static enum s3_status fetch(
        struct doctor *doctor, const struct doctor_side *side, const char *subresource, struct s3_error *error)
{
    struct s3_buffer document;
    enum s3_status status;

    s3_buffer_init(&document, DOCUMENT_MAX);
    status = doctor_document(doctor, side, subresource, &document, error);
    s3_buffer_free(&document);
    return status;
}

#define DOCUMENT(name, subresource)                                                                                    \
    static enum s3_status name(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)          \
    {                                                                                                                  \
        return fetch(doctor, side, subresource, error);                                                                \
    }
DOCUMENT(policy, "policy")
DOCUMENT(lifecycle, "lifecycle")
DOCUMENT(cors, "cors")
DOCUMENT(encryption, "encryption")
DOCUMENT(tagging, "tagging")
DOCUMENT(website, "website")
DOCUMENT(object_lock, "object-lock")
DOCUMENT(public_access, "publicAccessBlock")
DOCUMENT(ownership, "ownershipControls")
DOCUMENT(bucket_acl, "acl")

bool doctor_take_nothing(void *ctx, const char *bytes, size_t length)
{
    (void)ctx;
    (void)bytes;
    (void)length;
    return true;
}

/* By GET, whose refusal says why; a byte at most. */
static enum s3_status get_byte(
        struct doctor *doctor, const struct doctor_side *side, bool with_version, struct s3_error *error)
{
    const struct s3_get_options options = { .target = target(side, with_version), .ranged = true };
    const struct s3_sink sink = { .write = doctor_take_nothing };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_get_object(doctor->conn, side->client, &options, &sink, &head, error);
    s3_head_free(&head);
    /* an empty object has no first byte */
    return status == S3_REFUSED && strcmp(error->code, "InvalidRange") == 0 ? S3_OK : status;
}

static enum s3_status get_object(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    return get_byte(doctor, side, false, error);
}

static enum s3_status get_version(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    if (side->version == NULL)
        return s3_fail(error, S3_REFUSED, "NotImplemented", "there is no version to ask for");
    return get_byte(doctor, side, true, error);
}

static enum s3_status tags_of(
        struct doctor *doctor, const struct doctor_side *side, bool with_version, struct s3_error *error)
{
    const struct s3_target asked = target(side, with_version);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    status = s3_get_object_tags(doctor->conn, side->client, &asked, &tags, error);
    s3_tags_free(&tags);
    return status;
}

static enum s3_status get_tags(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    return tags_of(doctor, side, false, error);
}

static enum s3_status get_version_tags(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    if (side->version == NULL)
        return s3_fail(error, S3_REFUSED, "NotImplemented", "there is no version to ask for");
    return tags_of(doctor, side, true, error);
}

static enum s3_status get_acl(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_target asked = target(side, false);
    struct s3_buffer document;
    enum s3_status status;

    s3_buffer_init(&document, DOCUMENT_MAX);
    status = s3_get_object_acl(doctor->conn, side->client, &asked, &document, error);
    s3_buffer_free(&document);
    return status;
}

/* Of the object that doctor wrote itself, which is in no archive: refused as that, once it is allowed. */
static enum s3_status thaw(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_restore_options options = { .target = target(side, false), .days = 1, .tier = "Bulk" };
    bool readable;

    if (!doctor->is_written)
        return s3_fail(error, S3_REFUSED, "NotImplemented", "it is asked of an object that doctor writes itself");
    return s3_restore_object(doctor->conn, side->client, &options, &readable, error);
}

static enum s3_status abort_upload(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_target asked = target(side, false);

    return s3_abort_upload(doctor->conn, side->client, &asked, no_upload, error);
}

static enum s3_status list_parts(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_list_parts_options options = {
        .target = target(side, false), .upload_id = no_upload, .max_parts = 1
    };
    struct s3_part_page page;
    enum s3_status status;

    s3_part_page_init(&page);
    status = s3_list_parts(doctor->conn, side->client, &options, &page, error);
    s3_part_page_free(&page);
    return status;
}

enum { WRITTEN_SIZE = STATE_PATH_MAX + 64 };

/* Where a role may write: the restore role nothing but a drill's record. Nothing is there, ever. */
static struct s3_target never_written(
        const struct doctor *doctor, const struct doctor_side *side, char path[WRITTEN_SIZE])
{
    if (side->document == PERMISSION_RESTORE_ROLE)
        (void)snprintf(path, WRITTEN_SIZE, "%spoints/.doctor/drill-never-written.json", doctor->vault.config->prefix);
    else
        (void)snprintf(path, WRITTEN_SIZE, "%s-wrong", doctor->probe);
    return vault_target(&doctor->vault, path, strlen(path));
}

/* Bytes whose sum is wrong, never stored; If-None-Match as the vault's own policy demands it for points. */
static enum s3_status offer(
        struct doctor *doctor, const struct doctor_side *side, const char *acl, struct s3_error *error)
{
    struct s3_put_options options = { .body = "x",
        .body_len = 1,
        .content_md5_base64 = DOCTOR_WRONG_MD5,
        .write = { .if_none_match = "*", .acl = acl } };
    struct s3_put_result result;
    char path[WRITTEN_SIZE];

    if (doctor->keeps_wrong)
        return s3_fail(error, S3_REFUSED, "NotImplemented", "the store would keep what is only meant to be refused");
    options.target = never_written(doctor, side, path);
    return s3_put_object(doctor->conn, side->client, &options, &result, error);
}

static enum s3_status put_wrong(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    return offer(doctor, side, NULL, error);
}

/* What is refused with the ACL alone. */
static enum s3_status put_acl(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    if (offer(doctor, side, NULL, error) == S3_DENIED)
        return s3_fail(error, S3_REFUSED, "NotImplemented", "told by an object that is written, and none could be");
    return offer(doctor, side, doctor->vault.config->acl, error);
}

static enum s3_status put_tags(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_target own = { .bucket = doctor->vault.bucket,
        .key = { doctor->probe, strlen(doctor->probe) },
        .expected_owner = doctor->vault.owner };
    struct s3_tags tags;
    enum s3_status status;

    if (!doctor->is_written)
        return s3_fail(error, S3_REFUSED, "NotImplemented", "it is asked of an object that doctor writes itself");
    s3_tags_init(&tags);
    tags.tags[0].key = (struct s3_text){ "vaultferry", strlen("vaultferry") };
    tags.tags[0].value = (struct s3_text){ "doctor", strlen("doctor") };
    tags.count = 1;
    status = s3_put_object_tags(doctor->conn, side->client, &own, &tags, error);
    s3_tags_free(&tags);
    return status;
}

static enum s3_status get_retention(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    const struct s3_target asked = target(side, true);
    struct s3_retention retention;

    return s3_get_object_retention(doctor->conn, side->client, &asked, &retention, error);
}

/* To an end that is over: refused as that, once it is allowed. */
static enum s3_status put_retention(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error)
{
    char path[WRITTEN_SIZE];
    const struct s3_put_retention_options options = {
        .target = side->document == PERMISSION_RESTORE_ROLE ? never_written(doctor, side, path) : target(side, true),
        .mode = "GOVERNANCE",
        .until = "2001-01-01T00:00:00Z"
    };
    enum s3_status status = s3_put_object_retention(doctor->conn, side->client, &options, error);

    return status == S3_REFUSED && strcmp(error->code, "InvalidArgument") == 0 ? S3_OK : status;
}

/* In the order in which they help each other: whoever lists can tell what is missing from what is denied. */
static const struct doctor_ask asks[] = {
    { "s3:ListAllMyBuckets", list_buckets, false, false, false },
    { "s3:ListBucket", list, false, false, false },
    { "s3:ListBucketVersions", list_versions, false, false, false },
    { "s3:ListBucketMultipartUploads", list_uploads, false, true, false },
    { "s3:GetBucketLocation", location, false, true, false },
    { "s3:GetBucketVersioning", versioning, false, true, false },
    { "s3:GetLifecycleConfiguration", lifecycle, false, true, false },
    { "s3:GetBucketTagging", tagging, false, true, false },
    { "s3:GetBucketPolicy", policy, false, true, false },
    { "s3:GetBucketCORS", cors, false, true, false },
    { "s3:GetEncryptionConfiguration", encryption, false, true, false },
    { "s3:GetBucketWebsite", website, false, true, false },
    { "s3:GetBucketObjectLockConfiguration", object_lock, false, true, false },
    { "s3:GetBucketPublicAccessBlock", public_access, false, true, false },
    { "s3:GetBucketOwnershipControls", ownership, false, true, false },
    { "s3:GetBucketAcl", bucket_acl, false, true, false },
    { "s3:GetObject", get_object, true, false, false },
    { "s3:GetObjectVersion", get_version, true, false, false },
    { "s3:GetObjectTagging", get_tags, true, false, false },
    { "s3:GetObjectVersionTagging", get_version_tags, true, true, false },
    { "s3:GetObjectAcl", get_acl, true, true, false },
    { "s3:PutObjectTagging", put_tags, true, false, false },
    { "s3:RestoreObject", thaw, true, true, false },
    { "s3:AbortMultipartUpload", abort_upload, true, false, false },
    { "s3:ListMultipartUploadParts", list_parts, true, false, true },
    { "s3:PutObject", put_wrong, true, false, false },
    { "s3:PutObjectAcl", put_acl, true, false, false },
    { "s3:GetObjectRetention", get_retention, true, true, false },
    { "s3:PutObjectRetention", put_retention, true, false, false },
};

const struct doctor_ask *doctor_ask_for(const char *action)
{
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        if (strcmp(asks[i].action, action) == 0)
            return &asks[i];
    return NULL;
}
