/* See source_config.h. */
#include "agent/source_config.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "s3/bucket.h"

enum { DOCUMENT_MAX = 512 * 1024 };

/* What is asked for, and what its document holds: a server that does not know a document may answer with something
 * else. */
static const struct {
    const char *name, *mark;
} documents[] = { { "policy", "\"Statement\"" }, { "lifecycle", "<LifecycleConfiguration" },
    { "cors", "<CORSConfiguration" }, { "encryption", "<ServerSideEncryptionConfiguration" }, { "tagging", "<Tagging" },
    { "versioning", "<VersioningConfiguration" }, { "website", "<WebsiteConfiguration" } };

static json_t *describe(
        enum s3_status status, const struct s3_buffer *document, const char *mark, const struct s3_error *error)
{
    if (status == S3_NOT_FOUND)
        return json_null();
    if (status != S3_OK)
        return json_pack("{ss}", "error", error->code[0] != '\0' ? error->code : s3_status_name(status));
    if (document->len == 0 || memmem(document->ptr, document->len, mark, strlen(mark)) == NULL)
        return json_null();
    return json_stringn(document->ptr, document->len);
}

enum verdict source_config_read(const struct source *source, struct s3_client *client, struct s3_conn *conn,
        struct source_config *config, struct failure *failure)
{
    const struct s3_bucket_options options = { .bucket = source->bucket, .expected_owner = source->owner };
    struct s3_buffer document;
    struct s3_error error;
    json_t *all = json_object();
    enum verdict verdict = VERDICT_OK;

    memset(config, 0, sizeof *config);
    s3_buffer_init(&document, DOCUMENT_MAX);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0] && verdict == VERDICT_OK; i++) {
        enum s3_status status;
        json_t *value;

        s3_buffer_clear(&document);
        status = s3_get_bucket_document(conn, client, &options, documents[i].name, &document, &error);
        if (status == S3_CANCELLED || status == S3_EXPIRED || status == S3_FATAL || status == S3_NO_MEMORY ||
                (status == S3_NOT_FOUND && strcmp(error.code, "NoSuchBucket") == 0)) {
            verdict = failure_from_s3(
                    failure, status, &error, "reading the configuration of source \"%s\"", source->name);
            break;
        }
        value = describe(status, &document, documents[i].mark, &error);
        if (json_is_string(value) && strcmp(documents[i].name, "website") == 0)
            config->website = true;
        if (json_object_set_new(all, documents[i].name, value) != 0)
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    s3_buffer_free(&document);
    if (verdict == VERDICT_OK) {
        config->json = json_dumps(all, JSON_COMPACT);
        if (config->json == NULL)
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    json_decref(all);
    return verdict;
}

void source_config_free(struct source_config *config)
{
    free(config->json);
    config->json = NULL;
}
