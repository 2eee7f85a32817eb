/* See bring.h. */
#include "agent/bring_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event.h"

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

/* The vault's tags are worth less than its bytes: on the worst day an object comes back without them, and that is said.
 */
static void miss_tags(const struct bringing *bringing, const struct s3_error *error)
{
    if (atomic_fetch_add(&bringing->job->without_tags, 1) == 0)
        event_warn("restored-without-tags", NULL,
                "the tags of objects in the vault may not be read (%s: %s): they are brought back without; grant "
                "s3:GetObjectVersionTagging",
                error->code, error->message);
}

static enum s3_status read_tags(struct bringing *bringing, struct s3_error *error)
{
    const struct s3_target from = bringing_from(bringing);
    struct s3_tags tags;
    enum s3_status status;

    s3_tags_init(&tags);
    status = s3_get_object_tags(bringing->conn, bringing->job->from, &from, &tags, error);
    if (status == S3_DENIED) {
        miss_tags(bringing, error);
        status = S3_OK;
    } else if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchTagSet") == 0) { /* as some stores say "none" */
        status = S3_OK;
    } else if (status == S3_OK && tags.count > 0) {
        bringing->tags = (uint32_t)tags.count;
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

    options.target.version = bringing->result->version[0] != '\0' ? bringing->result->version : NULL;
    return s3_head_object(bringing->conn, bringing->job->to, &options, head, error);
}

static bool same_checksum(const struct s3_head *a, const struct s3_head *b)
{
    return a->checksum[0] != '\0' && strcmp(a->checksum, b->checksum) == 0 &&
           strcmp(a->checksum_type, b->checksum_type) == 0;
}

/* Whether the two of them ought to be equal, as ETags or checksums: then others than these are other bytes. */
static bool must_be_equal(const struct bringing *bringing, const struct s3_head *there, bool same_parts)
{
    const struct s3_head *here = &bringing->head;
    const char *colon = strchr(here->checksum, ':');

    if (same_parts && bringing_tells_md5(bringing->object->etag, here) && bringing_tells_md5(there->etag, there))
        return true;
    return colon != NULL && strncmp(here->checksum, there->checksum, (size_t)(colon + 1 - here->checksum)) == 0 &&
           strcmp(here->checksum_type, "FULL_OBJECT") == 0 && strcmp(there->checksum_type, "FULL_OBJECT") == 0;
}

static enum s3_status compare_heads(
        struct bringing *bringing, const struct s3_head *there, bool same_parts, struct s3_error *error)
{
    const struct bring_object *object = bringing->object;
    struct bring_result *result = bringing->result;

    (void)snprintf(result->etag, sizeof result->etag, "%s", there->etag);
    if (result->version[0] == '\0')
        (void)snprintf(result->version, sizeof result->version, "%s", there->version);
    if (there->size != object->size)
        return s3_fail(error, S3_BAD_DATA, "NotEqual",
                "what was written has %llu bytes, the vault's version %llu; it was left where it is",
                (unsigned long long)there->size, (unsigned long long)object->size);
    if (object->etag[0] != '\0' && strcmp(there->etag, object->etag) == 0) {
        result->by = STATE_BY_ETAG;
    } else if (same_checksum(there, &bringing->head)) {
        result->by = STATE_BY_CHECKSUM;
    } else if (must_be_equal(bringing, there, same_parts)) {
        return s3_fail(error, S3_BAD_DATA, "NotEqual",
                "what was written has the ETag %s, the vault's version %s: other bytes arrived; it was left where it "
                "is",
                there->etag, object->etag);
    } else if (result->by != STATE_BY_CHECKSUM) {
        result->by = STATE_BY_SIZE;
    }
    return S3_OK;
}

enum s3_status bringing_compare(struct bringing *bringing, bool same_parts, struct s3_error *error)
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
    if (status == S3_OK) {
        status = look_there(bringing, &head, error);
        if (status == S3_NOT_FOUND) /* not to be taken for a version that is gone from the vault */
            status = s3_fail(
                    error, S3_BAD_DATA, "NotThere", "it was answered for, but the destination does not have it");
    }
    if (status == S3_OK)
        status = compare_heads(bringing, &head, same_parts, error);
    s3_head_free(&head);
    return status;
}

static bool has_parts(const struct bring_object *object)
{
    return object->size > 0 && strchr(object->etag, '-') != NULL;
}

static enum s3_status by_one_request(struct bringing *bringing, struct s3_error *error)
{
    struct s3_copy_options options = { .target = bringing_to(bringing),
        .source = bringing_source(bringing),
        .write = { .storage_class = bringing->job->class_ },
        .metadata_directive = "COPY",
        .tagging_directive = "COPY",
        .annotation_directive = "EXCLUDE" };
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
    return bringing_compare(bringing, !has_parts(bringing->object), error);
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
    if (bringing->object->size > BRING_PUT_MAX || has_parts(bringing->object))
        return bringing_by_parts(bringing, true, error);
    return bringing_by_stream(bringing, error);
}

/* Whether it may go through here what the store would not copy by itself: a principal that may not read the vault, or,
 * as stores with tenants say it, does not see it; or a copy that the store cannot do. */
static bool may_go_through_here(const struct bring_job *job, enum s3_status status, const struct s3_error *error)
{
    return status == S3_DENIED || (status == S3_NOT_FOUND && !atomic_load(&job->copies)) ||
           (status == S3_REFUSED && strcmp(error->code, "NotImplemented") == 0);
}

/* The others need not ask, unless the store has copied some: then it was about this one. */
static void note_blindness(struct bring_job *job, const struct s3_error *error)
{
    if (!atomic_load(&job->copies) && !atomic_exchange(&job->streams, true))
        event_warn("restore-streamed", NULL,
                "the destination's credentials cannot copy from the vault (%s: %s): all bytes pass through here, read "
                "with the vault's credentials",
                error->code, error->message);
}

static enum s3_status carry(struct bringing *bringing, struct s3_error *error)
{
    struct bring_job *job = bringing->job;
    struct s3_error refused;
    enum s3_status status;

    if (!job->one_endpoint || atomic_load(&job->streams))
        return through_here(bringing, error);
    status = by_the_server(bringing, error);
    if (status == S3_OK)
        atomic_store(&job->copies, true);
    if (!may_go_through_here(job, status, error))
        return status;
    refused = *error;
    bringing->result->by = STATE_BY_NOTHING;
    status = through_here(bringing, error);
    if (status == S3_OK)
        note_blindness(job, &refused);
    return status;
}

/* What a request for the destination did not find says nothing of the vault's version. */
static enum s3_status settle_not_found(const struct bring_job *job, const struct s3_error *error)
{
    if (strcmp(error->code, "NoSuchUpload") == 0) /* aborted from outside */
        return S3_RETRY;
    if (strcmp(error->code, "NoSuchBucket") == 0 && strcmp(error->bucket, job->bucket) == 0)
        return S3_DENIED;
    return S3_NOT_FOUND;
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
    if (status != S3_OK && atomic_fetch_add(&bringing->job->without_acl, 1) == 0)
        event_warn("restored-without-acl", NULL,
                "the recorded ACL could not be set (%s: %s): objects are brought back without theirs", error->code,
                error->message);
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
    if (status == S3_NOT_FOUND)
        status = settle_not_found(job, error);
    s3_head_free(&bringing.head);
    free(bringing.tagging);
    return status;
}
