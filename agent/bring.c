/* See bring.h. */
#include "agent/bring_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct s3_target bringing_from(const struct bringing *bringing)
{
    struct s3_target target =
            vault_target(bringing->job->vault, bringing->object->path->ptr, bringing->object->path->len);

    target.version = bringing->object->version[0] != '\0' ? bringing->object->version : NULL;
    return target;
}

struct s3_target bringing_to(const struct bringing *bringing)
{
    return (struct s3_target){
        .bucket = bringing->job->bucket, .key = bringing->object->key, .expected_owner = bringing->job->expected_owner
    };
}

struct s3_copy_source bringing_source(const struct bringing *bringing)
{
    const struct s3_target from = bringing_from(bringing);

    return (struct s3_copy_source){ .prefix = bringing->job->copy_source_prefix,
        .bucket = from.bucket,
        .key = from.key,
        .version = from.version,
        .if_match = bringing->object->etag[0] != '\0' ? bringing->quoted : NULL,
        .expected_owner = from.expected_owner };
}

static enum s3_status read_tags(struct bringing *bringing, struct s3_error *error)
{
    const struct s3_target from = bringing_from(bringing);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    status = s3_get_object_tags(bringing->conn, bringing->job->from, &from, &tags, error);
    if (status == S3_OK && tags.count > 0) {
        bringing->tagging = malloc(BRING_TAGGING_MAX);
        if (bringing->tagging == NULL)
            status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        else if (s3_tags_encode(&tags, bringing->tagging, BRING_TAGGING_MAX) == (size_t)-1)
            status = s3_fail(error, S3_REFUSED, "TooLong", "the tags are longer than this client sends");
    }
    s3_tags_free(&tags);
    return status;
}

enum s3_status bringing_look(struct bringing *bringing, struct s3_error *error)
{
    const struct s3_head_options options = { .target = bringing_from(bringing), .checksum = true };
    enum s3_status status;

    if (bringing->looked)
        return S3_OK;
    status = s3_head_object(bringing->conn, bringing->job->from, &options, &bringing->head, error);
    if (status == S3_OK && bringing->head.size != bringing->object->size)
        status = s3_fail(error, S3_BAD_DATA, "NotEqual", "the vault's version has %llu bytes, not %llu",
                (unsigned long long)bringing->head.size, (unsigned long long)bringing->object->size);
    if (status == S3_OK)
        status = read_tags(bringing, error);
    bringing->looked = status == S3_OK;
    return status;
}

void bringing_write(const struct bringing *bringing, struct s3_write *write)
{
    write->headers = bringing->head.pairs;
    write->header_count = bringing->head.pair_count;
    write->tagging = bringing->tagging;
    write->storage_class = bringing->job->class_;
}

static enum s3_status look_there(const struct bringing *bringing, struct s3_head *head, struct s3_error *error)
{
    struct s3_head_options options = { .target = bringing_to(bringing), .checksum = true };
    enum s3_status status;

    options.target.version = bringing->result->version[0] != '\0' ? bringing->result->version : NULL;
    status = s3_head_object(bringing->conn, bringing->job->to, &options, head, error);
    if (status == S3_NOT_FOUND) /* not to be taken for a version that is gone from the vault */
        return s3_fail(error, S3_BAD_DATA, "NotThere", "it was answered for, but the destination does not have it");
    return status;
}

enum s3_status bringing_compare(struct bringing *bringing, struct s3_error *error)
{
    const struct bring_object *object = bringing->object;
    struct s3_head head;
    enum s3_status status;

    if (object->etag[0] != '\0' && strcmp(bringing->result->etag, object->etag) == 0) {
        bringing->result->by = STATE_BY_ETAG;
        return S3_OK;
    }
    s3_head_init(&head);
    status = bringing_look(bringing, error);
    if (status == S3_OK)
        status = look_there(bringing, &head, error);
    if (status == S3_OK && head.size != object->size) {
        status = s3_fail(error, S3_BAD_DATA, "NotEqual", "what was written has %llu bytes, the vault's version %llu",
                (unsigned long long)head.size, (unsigned long long)object->size);
    } else if (status == S3_OK) {
        bool same = head.checksum[0] != '\0' && strcmp(head.checksum, bringing->head.checksum) == 0 &&
                    strcmp(head.checksum_type, bringing->head.checksum_type) == 0;
        if (bringing->result->by != STATE_BY_CHECKSUM)
            bringing->result->by = same ? STATE_BY_CHECKSUM : STATE_BY_SIZE;
    }
    s3_head_free(&head);
    return status;
}

static enum s3_status by_one_request(struct bringing *bringing, struct s3_error *error)
{
    struct s3_copy_options options = { .target = bringing_to(bringing),
        .source = bringing_source(bringing),
        .write = { .storage_class = bringing->job->class_ },
        .metadata_directive = "COPY",
        .tagging_directive = "COPY" };
    struct s3_copy_result result;
    enum s3_status status = S3_OK;

    if (bringing->job->website) { /* S3 leaves a redirect out unless all headers are set anew */
        status = bringing_look(bringing, error);
        options.metadata_directive = "REPLACE";
        options.write.headers = bringing->head.pairs;
        options.write.header_count = bringing->head.pair_count;
    }
    if (status == S3_OK)
        status = s3_copy_object(bringing->conn, bringing->job->to, &options, &result, error);
    if (status != S3_OK)
        return status;
    (void)snprintf(bringing->result->etag, sizeof bringing->result->etag, "%s", result.answer.etag);
    (void)snprintf(bringing->result->version, sizeof bringing->result->version, "%s", result.version);
    return bringing_compare(bringing, error);
}

static bool has_parts(const struct bring_object *object)
{
    return object->size > 0 && strchr(object->etag, '-') != NULL;
}

static enum s3_status by_the_server(struct bringing *bringing, struct s3_error *error)
{
    const struct bring_object *object = bringing->object;

    if (object->size > bringing->job->parts_above || has_parts(object))
        return bringing_by_parts(bringing, false, error);
    return by_one_request(bringing, error);
}

static enum s3_status through_here(struct bringing *bringing, struct s3_error *error)
{
    bringing->result->streamed = true;
    if (bringing->object->size > BRING_WHOLE_MAX || has_parts(bringing->object))
        return bringing_by_parts(bringing, true, error);
    return bringing_by_stream(bringing, error);
}

/* A store says in many ways that a principal does not see a bucket of another account. */
static bool may_be_blind(enum s3_status status)
{
    return status == S3_DENIED || status == S3_NOT_FOUND;
}

static enum s3_status carry(struct bringing *bringing, struct s3_error *error)
{
    struct bring_job *job = bringing->job;
    struct s3_error denied;
    enum s3_status status;

    if (!job->one_endpoint || atomic_load(&job->streams))
        return through_here(bringing, error);
    status = by_the_server(bringing, error);
    if (status == S3_OK)
        atomic_store(&job->copies, true);
    if (!may_be_blind(status) || atomic_load(&job->copies))
        return status;
    denied = *error;
    status = through_here(bringing, error);
    if (status == S3_OK)
        atomic_store(&job->streams, true); /* the others need not ask */
    else if (status == S3_DENIED)
        *error = denied;
    return status;
}

/* An ACL names accounts that the destination may not know, or does not take ACLs at all: the object is there anyway. */
static enum s3_status put_acl(struct bringing *bringing, struct s3_error *error)
{
    const struct bring_object *object = bringing->object;
    struct s3_target to = bringing_to(bringing);
    enum s3_status status;

    if (object->acl.len == 0)
        return S3_OK;
    to.version = bringing->result->version[0] != '\0' ? bringing->result->version : NULL;
    status = s3_put_object_acl(
            bringing->conn, bringing->job->to, &to, (struct s3_text){ object->acl.ptr, object->acl.len }, error);
    if (status == S3_CANCELLED)
        return status;
    if (status != S3_OK)
        (void)atomic_fetch_add(&bringing->job->without_acl, 1);
    return S3_OK;
}

enum s3_status bring_do(struct bring_job *job, struct s3_conn *conn, const struct bring_object *object,
        struct bring_result *result, struct s3_error *error)
{
    struct bringing bringing = { .job = job, .conn = conn, .object = object, .result = result };
    enum s3_status status;

    memset(result, 0, sizeof *result);
    (void)snprintf(bringing.quoted, sizeof bringing.quoted, "\"%s\"", object->etag);
    s3_head_init(&bringing.head);
    status = carry(&bringing, error);
    if (status == S3_OK)
        status = put_acl(&bringing, error);
    s3_head_free(&bringing.head);
    free(bringing.tagging);
    return status;
}
