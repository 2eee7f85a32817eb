/* One version of the vault into the scratch bucket, as a restore does it: see bring.h. */
#include "agent/drill_inside.h"

#include <string.h>

#define PARTS_ABOVE (UINT64_C(5) << 30) /* what CopyObject takes */

/* Redirects of a bucket that serves a website are set anew, as by a restore. */
static bool was_website(const struct state_point *point)
{
    json_t *documents = point->configuration != NULL ? json_loads(point->configuration, 0, NULL) : NULL;
    bool is = json_is_string(json_object_get(documents, "website"));

    json_decref(documents);
    return is;
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

void drill_carry_init(struct drilling *drilling)
{
    const struct vault *vault = drilling->options->vault;
    struct bring_job *job = &drilling->bring;

    job->vault = vault;
    job->from = vault->client;
    job->to = drilling->target.client;
    job->bucket = drilling->target.bucket;
    job->one_endpoint = is_same(drilling->target.config.endpoint, vault->config->access.endpoint);
    job->website = was_website(drilling->point);
    job->parts_above = PARTS_ABOVE;
}

/* What the listing does not show of a long key. */
static enum s3_status find_etag(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_target *copy, struct s3_error *error)
{
    const struct s3_head_options options = { .target = *copy };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(conn, drilling->options->vault->client, &options, &head, error);
    if (status == S3_OK)
        memcpy(object->vault_etag, head.etag, sizeof object->vault_etag);
    s3_head_free(&head);
    return status;
}

enum verdict drill_carry(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct drill_way *way, struct failure *failure)
{
    const struct bring_object what = { .path = &way->path,
        .version = object->version,
        .etag = object->vault_etag,
        .size = object->size,
        .key = way->scratch.key,
        .acl = object->acl };
    struct bring_result result;
    struct s3_error error;
    enum s3_status status = S3_OK;

    s3_error_clear(&error);
    if (object->vault_etag[0] == '\0')
        status = find_etag(drilling, conn, object, &way->copy, &error);
    if (status == S3_OK)
        status = bring_do(&drilling->bring, conn, &what, &result, &error);
    if (status == S3_ARCHIVED) {
        drill_skip(drilling, object, "archived, and no longer thawed when it was to be copied");
        return failure_set(failure, VERDICT_CHANGED, "it is archived");
    }
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "restoring it");
}
