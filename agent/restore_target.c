/* See restore_target.h. */
#include "agent/restore_target.h"

#include <stdio.h>
#include <string.h>

#include "agent/select.h"
#include "s3/bucket.h"

#define S3_SCHEME "s3://"

bool restore_target_parse(const struct restore_place *place, struct restore_target *target, const char **what)
{
    const char *name = place->to + strlen(S3_SCHEME), *slash;
    size_t length;

    memset(target, 0, sizeof *target);
    *what = "it is empty";
    if (place->to[0] == '\0')
        return false;
    if (strncmp(place->to, S3_SCHEME, strlen(S3_SCHEME)) != 0) {
        *what = "a bucket is s3://BUCKET/PREFIX, anything else is a folder, and this looks like neither";
        if (strstr(place->to, "://") != NULL)
            return false;
        *what = "--to-profile, --to-role, --to-region and --to-endpoint are for buckets";
        if (place->profile != NULL || place->role != NULL || place->region != NULL || place->endpoint != NULL)
            return false;
        target->folder = place->to;
        return true;
    }
    slash = strchr(name, '/');
    length = slash != NULL ? (size_t)(slash - name) : strlen(name);
    *what = "the bucket's name is missing, or longer than one can be";
    if (length == 0 || length >= sizeof target->bucket)
        return false;
    memcpy(target->bucket, name, length);
    target->prefix_len = slash != NULL ? strlen(slash + 1) : 0;
    *what = "the prefix is longer than a key can be";
    if (target->prefix_len >= S3_KEY_MAX)
        return false;
    if (target->prefix_len > 0)
        memcpy(target->prefix, slash + 1, target->prefix_len);
    return true;
}

/* Whose credentials, and where. */
static void choose_access(const struct program *program, const char *source, const struct restore_place *place,
        struct restore_target *target)
{
    const struct config_source *known = select_source_of(program->config, source);
    const struct config_access *vault = &program->config->vault.access;
    struct config_access *config = &target->config;

    target->copy_source_prefix = "";
    if (known != NULL && known->kind == CONFIG_KIND_BUCKET) {
        *config = known->access;
        config->account = NULL; /* the bucket may be anybody's */
    } else {
        *config = (struct config_access){ .profile = vault->role_arn != NULL ? vault->profile : NULL,
            .endpoint = vault->endpoint,
            .sts_endpoint = vault->sts_endpoint,
            .region = vault->region,
            .path_style = vault->path_style };
    }
    if (place->profile != NULL || place->role != NULL) {
        config->role_arn = config->external_id = NULL;
        config->profile = place->profile;
    }
    if (place->role != NULL)
        config->role_arn = place->role;
    if (place->region != NULL)
        config->region = place->region;
    if (place->endpoint != NULL) {
        config->endpoint = place->endpoint;
        config->path_style = true; /* what stores of others understand */
    }
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static enum verdict look_for_bucket(struct s3_conn *conn, struct restore_target *target, struct failure *failure)
{
    const struct s3_bucket_options options = { .bucket = target->bucket };
    struct s3_bucket_head head = { .region = "" };
    struct s3_error error;
    enum s3_status status = s3_head_bucket(conn, target->client, &options, &head, &error);

    if (status == S3_NOT_FOUND)
        return failure_set(failure, VERDICT_NO_ACCESS,
                "there is no bucket \"%s\" to restore to; make it, or name another by --to", target->bucket);
    if (status == S3_DENIED)
        return failure_from_s3(failure, status, &error,
                "looking for the destination (a restore needs to list, read and write s3://%s; whose credentials are "
                "used: --to-profile, --to-role)",
                target->bucket);
    if (status != S3_OK)
        return failure_from_s3(failure, status, &error, "looking for the destination s3://%s", target->bucket);
    return VERDICT_OK;
}

enum verdict restore_target_open(const struct program *program, const struct vault *vault, const char *source,
        const struct restore_place *place, struct counters *counters, struct s3_conn *conn,
        struct restore_target *target, struct failure *failure)
{
    struct access_options options = { .config = &target->config, .session_name = "vaultferry-restore" };
    enum verdict verdict;

    if (target->folder != NULL)
        return VERDICT_OK;
    choose_access(program, source, place, target);
    if (strcmp(target->bucket, vault->bucket) == 0 &&
            is_same(target->config.endpoint, program->config->vault.access.endpoint))
        return failure_set(
                failure, VERDICT_USAGE, "--to \"%s\" is the vault itself: restore to another bucket", target->bucket);
    verdict = access_open(program, &options, &target->access, failure);
    if (verdict == VERDICT_OK)
        verdict = access_counted(target->access, counters, &target->client, failure);
    return verdict == VERDICT_OK ? look_for_bucket(conn, target, failure) : verdict;
}

void restore_target_close(struct restore_target *target)
{
    s3_client_free(target->client);
    access_close(target->access);
    target->client = NULL;
    target->access = NULL;
}
