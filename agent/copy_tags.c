/* See copy_tags.h. */
#include "agent/copy_tags.h"

#include <stdlib.h>
#include <string.h>

static bool same(struct s3_text a, struct s3_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool has(const struct s3_tags *tags, struct s3_text key, struct s3_text value)
{
    for (size_t i = 0; i < tags->count; i++)
        if (same(tags->tags[i].key, key) && same(tags->tags[i].value, value))
            return true;
    return false;
}

/* Keys are unique in a set, so that as many tags which are all in the other set are the same set. */
bool copy_tags_are_equal(const struct s3_tags *a, const struct s3_tags *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!has(b, a->tags[i].key, a->tags[i].value))
            return false;
    return true;
}

enum s3_status copy_tags_get(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct s3_tags *tags, struct s3_error *error)
{
    enum s3_status status = s3_get_object_tags(conn, client, target, tags, error);

    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchTagSet") == 0) {
        tags->count = 0;
        return S3_OK;
    }
    return status;
}

static bool is_gone(enum s3_status status, const struct s3_error *error)
{
    return status == S3_NOT_FOUND && strcmp(error->code, "NoSuchBucket") != 0;
}

/* A key whose current version is a delete marker is answered with MethodNotAllowed. */
static bool has_marker(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target)
{
    const struct s3_head_options options = { .target = *target };
    struct s3_head head;
    struct s3_error error;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(conn, client, &options, &head, &error);
    s3_head_free(&head);
    return status == S3_NOT_FOUND;
}

static enum s3_status compare(const struct copy_job *job, struct s3_conn *conn, struct action *action,
        const struct s3_target *from, const struct s3_target *to, struct s3_error *error)
{
    struct s3_tags here, there;
    enum s3_status status;

    s3_tags_init(&here);
    s3_tags_init(&there);
    action->outcome = OUTCOME_ADOPTED;
    status = copy_tags_get(conn, job->source->client, from, &here, error);
    if (is_gone(status, error) || (strcmp(error->code, "MethodNotAllowed") == 0 && status != S3_OK &&
                                          has_marker(conn, job->source->client, from))) {
        action->outcome = OUTCOME_GONE;
        status = S3_OK;
    } else if (status == S3_OK) {
        status = copy_tags_get(conn, job->vault->client, to, &there, error);
        if (status == S3_OK && !copy_tags_are_equal(&here, &there)) {
            status = s3_put_object_tags(conn, job->vault->client, to, &here, error);
            action->outcome = OUTCOME_DONE;
        }
    }
    s3_tags_free(&there);
    s3_tags_free(&here);
    return status;
}

void copy_tags_do(const struct copy_job *job, struct s3_conn *conn, struct action *action)
{
    const struct source *source = job->source;
    const struct s3_target from = {
        .bucket = source->bucket, .key = { action->key.ptr, action->key.len }, .expected_owner = source->owner
    };
    struct layout_path path;
    enum layout_kind kind;
    struct state_error bad;
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    if (layout_data(&job->vault->layout, source->name, action->key, &path, &kind, &bad) != STATE_OK) {
        status = s3_fail(&error, S3_REFUSED, "BadKey", "%s", bad.what);
    } else {
        const struct s3_target to = vault_target(job->vault, path.ptr, path.len);
        status = compare(job, conn, action, &from, &to, &error);
    }
    if (status == S3_OK)
        return;
    if (status == S3_CANCELLED) {
        action->outcome = OUTCOME_LEFT;
        return;
    }
    action->outcome = OUTCOME_FAILED;
    action->failure = malloc(sizeof *action->failure);
    if (action->failure != NULL)
        failure_from_s3(action->failure, status, &error, "comparing tags");
}
