/*
 * All answers that are not pages, copies above all: no 200 is a copy without its root and its ETag. The first two
 * bytes: chunk size and kind.
 */
#include "s3/lifecycle.h"
#include "s3/retention.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static union {
    struct s3_copy_answer copy;
    struct s3_upload_answer upload;
    struct s3_versioning_answer versioning;
    struct s3_location_answer location;
    struct s3_session_answer session;
    struct s3_identity_answer identity;
    struct s3_publish_answer publish;
    struct s3_retention retention;
    struct s3_bucket_lock lock;
    struct s3_role_answer role;
    struct s3_role_policy_answer role_policy;
    struct s3_role_policies_answer role_policies;
} out;
static struct s3_bucket_page buckets;
static struct s3_part_page parts;
static struct s3_deleted deleted;
static struct s3_tags tags;
static struct s3_lifecycle lifecycle;
static struct s3_buffer rule = { .max = S3_LIFECYCLE_BYTES_MAX };

static void *out_of(enum s3_answer_kind kind)
{
    switch (kind) {
    case S3_ANSWER_BUCKETS:
        return &buckets;
    case S3_ANSWER_PARTS:
        return &parts;
    case S3_ANSWER_DELETED:
        return &deleted;
    case S3_ANSWER_TAGS:
        return &tags;
    case S3_ANSWER_LIFECYCLE:
        return &lifecycle;
    default:
        return &out;
    }
}

static void check(enum s3_answer_kind kind, const uint8_t *data, size_t size)
{
    switch (kind) {
    case S3_ANSWER_COPY:
        require(out.copy.etag[0] != '\0' && strlen(out.copy.etag) <= S3_ETAG_MAX);
        require(memmem(data, size, "CopyObjectResult", 16) != NULL || memmem(data, size, "CopyPartResult", 14) != NULL);
        break;
    case S3_ANSWER_COMPLETE:
        require(memmem(data, size, "CompleteMultipartUploadResult", 29) != NULL);
        break;
    case S3_ANSWER_CREATE_UPLOAD:
        require(out.upload.upload_id[0] != '\0');
        break;
    case S3_ANSWER_LOCATION:
        require(out.location.region[0] != '\0');
        break;
    case S3_ANSWER_ASSUME_ROLE:
        require(out.session.access_key[0] != '\0' && out.session.secret_key[0] != '\0' && out.session.token[0] != '\0');
        break;
    case S3_ANSWER_RETENTION:
        require(strcmp(out.retention.mode, "GOVERNANCE") == 0 || strcmp(out.retention.mode, "COMPLIANCE") == 0);
        break;
    case S3_ANSWER_BUCKET_LOCK:
        require(memmem(data, size, "ObjectLockConfiguration", 23) != NULL);
        break;
    case S3_ANSWER_ROLE:
        require(out.role.arn[0] != '\0' && strlen(out.role.trust) <= S3_IAM_DOCUMENT_MAX);
        break;
    case S3_ANSWER_ROLE_POLICY:
        require(strlen(out.role_policy.document) <= S3_IAM_DOCUMENT_MAX);
        break;
    case S3_ANSWER_ROLE_POLICIES:
        require(out.role_policies.count <= S3_ROLE_POLICIES_MAX);
        break;
    case S3_ANSWER_PUBLISH:
        require(out.publish.message_id[0] != '\0');
        break;
    case S3_ANSWER_CALLER_IDENTITY:
        require(out.identity.account[0] != '\0' && out.identity.arn[0] != '\0');
        break;
    case S3_ANSWER_DELETED:
        for (size_t i = 0; i < deleted.count; i++) {
            require(deleted.entries[i].key.len >= 1 && deleted.entries[i].key.len <= S3_KEY_MAX);
            require(!deleted.entries[i].failed || deleted.entries[i].code.len > 0);
        }
        break;
    case S3_ANSWER_TAGS:
        require(tags.count <= S3_TAGS_MAX);
        for (size_t i = 0; i < tags.count; i++) {
            require(tags.tags[i].key.len >= 1 && tags.tags[i].key.len <= S3_TAG_KEY_MAX);
        }
        break;
    case S3_ANSWER_LIFECYCLE:
        require(memmem(data, size, "LifecycleConfiguration", 22) != NULL);
        require(lifecycle.count <= S3_LIFECYCLE_RULES_MAX && lifecycle.move_count <= S3_LIFECYCLE_MOVES_MAX);
        for (size_t i = 0; i < lifecycle.move_count; i++) {
            require(lifecycle.moves[i].rule < lifecycle.count);
        }
        for (size_t i = 0; i < lifecycle.count && i < 3; i++) {
            s3_buffer_clear(&rule);
            /* not every document can be cut; what is cut, lay in it */
            if (s3_lifecycle_cut((struct s3_text){ (const char *)data, size }, i, &rule)) {
                require(rule.len >= 7 && rule.ptr[0] == '<' && rule.ptr[rule.len - 1] == '>');
            }
        }
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum s3_answer_kind kinds[] = { S3_ANSWER_COPY, S3_ANSWER_COPY, S3_ANSWER_COMPLETE,
        S3_ANSWER_CREATE_UPLOAD, S3_ANSWER_BUCKETS, S3_ANSWER_PARTS, S3_ANSWER_DELETED, S3_ANSWER_TAGS,
        S3_ANSWER_VERSIONING, S3_ANSWER_LOCATION, S3_ANSWER_ASSUME_ROLE, S3_ANSWER_CALLER_IDENTITY, S3_ANSWER_LIFECYCLE,
        S3_ANSWER_PUBLISH, S3_ANSWER_RETENTION, S3_ANSWER_BUCKET_LOCK, S3_ANSWER_ROLE, S3_ANSWER_ROLE_POLICY,
        S3_ANSWER_ROLE_POLICIES };
    static struct s3_parser *parser;
    if (parser == NULL) {
        parser = s3_parser_new();
        require(parser != NULL);
    }
    if (size < 2) {
        return 0;
    }
    size_t chunk = (size_t)data[0] + 1;
    enum s3_answer_kind kind = kinds[data[1] % (sizeof kinds / sizeof kinds[0])];
    data += 2, size -= 2;
    enum s3_status first = S3_OK;
    for (int round = 0; round < 2; round++) {
        struct s3_error error;
        s3_error_clear(&error);
        require(s3_parser_begin(parser, kind, out_of(kind)) == S3_OK);
        for (size_t at = 0; at < size; at += chunk) {
            s3_parser_feed(parser, (const char *)data + at, size - at < chunk ? size - at : chunk);
        }
        enum s3_status status = s3_parser_finish(parser, 200, &error);
        require(round == 0 || status == first);
        require(status == S3_OK || error.code[0] != '\0');
        if (status == S3_OK) {
            check(kind, data, size);
        }
        first = status;
        chunk = size + 1;
    }
    return 0;
}
