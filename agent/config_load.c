/* See config_load.h. */
#include "agent/config_load.h"

#include "agent/config_format.h"
#include "agent/config_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "s3://";

static enum config_status unreadable(struct config_error *error, const char *name, const char *what)
{
    const struct config_context context = { .name = name, .error = error };

    (void)!config_complain(&context, 0, 0, NULL, "%s", what);
    return CONFIG_UNREADABLE;
}

static enum config_status split_uri(struct config_origin *origin, struct config_error *error)
{
    const char *bucket = origin->name + strlen(scheme), *slash = strchr(bucket, '/');

    if (slash == NULL || slash[1] == '\0' || (size_t)(slash - bucket) >= sizeof(origin->bucket))
        return unreadable(error, origin->name, "not an object's URI: s3://BUCKET/KEY");
    memcpy(origin->bucket, bucket, (size_t)(slash - bucket));
    origin->bucket[slash - bucket] = '\0';
    origin->key = slash + 1;
    if (config_format_check(CONFIG_FORMAT_BUCKET, origin->bucket, strlen(origin->bucket)) != NULL)
        return unreadable(error, origin->name, "not a bucket's name in the URI s3://BUCKET/KEY");
    return CONFIG_OK;
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

enum config_status config_source_choose(const char *option, const char *env_config, const char *env_json,
        struct config_origin *out, struct config_error *error)
{
    *out = (struct config_origin){ .kind = CONFIG_ORIGIN_FILE };
    if (is_given(option))
        out->name = option;
    else if (is_given(env_config))
        out->name = env_config;
    if (out->name != NULL) {
        if (strncmp(out->name, scheme, strlen(scheme)) != 0)
            return CONFIG_OK;
        out->kind = CONFIG_ORIGIN_S3;
        return split_uri(out, error);
    }
    if (is_given(env_json)) {
        *out = (struct config_origin){ .kind = CONFIG_ORIGIN_TEXT, .name = "VAULTFERRY_CONFIG_JSON", .text = env_json };
        return CONFIG_OK;
    }
    return unreadable(error, "no config", "give -c FILE, VAULTFERRY_CONFIG or VAULTFERRY_CONFIG_JSON");
}

/* Also reads pipes and devices, up to the bound. */
static enum config_status read_file(const char *path, char **text, size_t *len, struct config_error *error)
{
    const struct config_context context = { .name = path, .error = error };
    enum config_status status = CONFIG_UNREADABLE;
    char reason[128];
    FILE *file = fopen(path, "re");

    *text = NULL;
    if (file == NULL)
        return unreadable(error, path, strerror_r(errno, reason, sizeof(reason)));
    *text = malloc(JSON_TEXT_MAX + 1);
    if (*text == NULL) {
        status = config_out_of_memory(&context);
        goto out;
    }
    *len = fread(*text, 1, JSON_TEXT_MAX + 1, file);
    if (ferror(file))
        status = unreadable(error, path, strerror_r(errno, reason, sizeof(reason)));
    else
        status = CONFIG_OK;
out:
    fclose(file);
    if (status != CONFIG_OK) {
        free(*text);
        *text = NULL;
    }
    return status;
}

enum config_status config_load(const struct config_origin *origin, config_fetch *fetch, void *ctx, struct config **out,
        struct config_error *error)
{
    char *owned = NULL, why[240] = "an s3:// URI cannot be read here";
    enum config_status status = CONFIG_OK;
    const char *text = origin->text;
    size_t len = 0;

    *out = NULL;
    if (origin->kind == CONFIG_ORIGIN_FILE) {
        status = read_file(origin->name, &owned, &len, error);
    } else if (origin->kind == CONFIG_ORIGIN_S3) {
        status = CONFIG_UNREADABLE;
        if (fetch != NULL)
            status = fetch(ctx, origin->bucket, origin->key, &owned, &len, why, sizeof(why));
        if (status != CONFIG_OK)
            (void)!unreadable(error, origin->name, why);
    } else {
        len = strlen(text);
    }
    if (status == CONFIG_OK)
        status = config_parse(origin->name, owned != NULL ? owned : text, len, out, error);
    free(owned);
    return status;
}
