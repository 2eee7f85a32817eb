/* Documents of a bucket, the vault's and the sources' alike: read, written, its policy merged. See bootstrap.h. */
#include <stdlib.h>
#include <string.h>

#include "agent/bootstrap_inside.h"
#include "agent/bootstrap_policy.h"
#include "agent/bucket_xml.h"
#include "s3/bucket.h"

struct s3_bucket_options bootstrap_bucket_options(const struct bootstrap_bucket *bucket)
{
    return (struct s3_bucket_options){ .bucket = bucket->name, .expected_owner = bucket->owner };
}

enum bootstrap_found bootstrap_read(struct bootstrap *work, const struct bootstrap_bucket *bucket,
        const char *subresource, json_t **out, struct failure *failure)
{
    const struct s3_bucket_options options = bootstrap_bucket_options(bucket);
    struct s3_buffer text;
    struct s3_error error;
    enum s3_status status;
    enum bootstrap_found found = BOOTSTRAP_BAD;

    *out = NULL;
    s3_buffer_init(&text, BOOTSTRAP_DOCUMENT_MAX);
    status = s3_get_bucket_document(work->conn, bucket->client, &options, subresource, &text, &error);
    if (status == S3_OK && text.len > 0)
        *out = text.ptr[0] == '{' ? json_loadb(text.ptr, text.len, 0, NULL) : bucket_xml_json(text.ptr, text.len);
    if (status == S3_OK)
        found = json_is_object(*out) ? BOOTSTRAP_FOUND : BOOTSTRAP_LACKS;
    else if (status == S3_NOT_FOUND && strcmp(error.code, "NoSuchBucket") != 0)
        found = BOOTSTRAP_NONE;
    else if (status == S3_REFUSED || status == S3_FULL) /* FULL: a store that lists the bucket instead */
        found = BOOTSTRAP_LACKS;
    else
        failure_from_s3(failure, status, &error, "reading ?%s of the bucket", subresource);
    s3_buffer_free(&text);
    return found;
}

enum verdict bootstrap_write(struct bootstrap *work, const struct bootstrap_bucket *bucket, const char *subresource,
        const char *document, struct failure *failure)
{
    const struct s3_bucket_options options = bootstrap_bucket_options(bucket);
    struct s3_error error;
    enum s3_status status = s3_put_bucket_document(work->conn, bucket->client, &options, subresource, document, &error);

    return status == S3_OK ? VERDICT_OK
                           : failure_from_s3(failure, status, &error, "writing ?%s of the bucket", subresource);
}

/* A principal that was made just now is not known everywhere yet. */
static bool is_not_known_yet(const struct failure *failure)
{
    return strcmp(failure->s3.code, "MalformedPolicy") == 0 && strstr(failure->s3.message, "rincipal") != NULL;
}

static enum verdict write_policy(
        struct bootstrap *work, const struct bootstrap_bucket *bucket, const json_t *policy, struct failure *failure)
{
    enum { TRIES = 10, WAIT_MS = 3000 };
    const struct s3_clock *clock = work->program->clock;
    char *text = json_dumps(policy, JSON_COMPACT);
    enum verdict verdict;

    if (text == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (int i = 0;; i++) {
        verdict = bootstrap_write(work, bucket, "policy", text, failure);
        if (verdict == VERDICT_OK || i == TRIES || !is_not_known_yet(failure) ||
                !clock->sleep_ms(clock->ctx, WAIT_MS) || !bootstrap_goes_on(work))
            break;
    }
    free(text);
    return verdict;
}

void bootstrap_bucket_policy(struct bootstrap *work, const struct bootstrap_bucket *bucket, const json_t *wanted,
        bool keep_principals, enum permission_document document, const char *what, const char *detail)
{
    const bool vault = document == PERMISSION_BOOTSTRAP;
    struct failure failure;
    json_t *found = NULL, *merged = NULL;
    enum bootstrap_found state =
            vault && work->fresh ? BOOTSTRAP_NONE : bootstrap_read(work, bucket, "policy", &found, &failure);

    if (state == BOOTSTRAP_BAD) {
        bootstrap_failed(work, what, bucket->name, &failure, document, vault ? "LookAtVault" : "GrantBuckets");
        return;
    }
    if (state == BOOTSTRAP_LACKS) {
        bootstrap_note(work, what, bucket->name, BOOTSTRAP_SKIPPED, "this store lacks it");
        json_decref(found);
        return;
    }
    merged = bootstrap_policy_merge(found, wanted, keep_principals);
    if (found != NULL && bootstrap_policy_same(found, merged))
        bootstrap_note(work, what, bucket->name, BOOTSTRAP_OK, "%s", detail);
    else if (work->options->dry_run || write_policy(work, bucket, merged, &failure) == VERDICT_OK)
        bootstrap_note(work, what, bucket->name, found == NULL ? BOOTSTRAP_CREATE : BOOTSTRAP_CHANGE, "%s", detail);
    else
        bootstrap_failed(work, what, bucket->name, &failure, document, vault ? "SetUpVault" : "GrantBuckets");
    json_decref(merged);
    json_decref(found);
}
