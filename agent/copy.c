/* See copy.h: one object, by one request where possible. Large ones are copy_parts.c, those that are there already
 * copy_adopt.c. */
#include "agent/copy_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS_AGAIN = 3 }; /* a source that changes faster than this is left to the next run */

void copying_set_etag(struct copying *copying, const char *etag, size_t length)
{
    size_t kept = length > 0 ? strnlen(etag, length < S3_ETAG_MAX ? length : S3_ETAG_MAX) : 0;

    if (kept > 0)
        memcpy(copying->etag, etag, kept);
    copying->etag[kept] = '\0';
    copying->quoted[0] = '"';
    memcpy(copying->quoted + 1, copying->etag, kept);
    memcpy(copying->quoted + 1 + kept, "\"", 2);
}

enum s3_status copying_look_at_source(struct copying *copying, bool under_condition, struct s3_error *error)
{
    const struct source *source = copying->job->source;
    struct s3_head_options options = { .target = { .bucket = source->bucket,
                                               .key = copying->from,
                                               .version = copying->from_version,
                                               .expected_owner = source->owner },
        .if_match = under_condition ? copying->quoted : NULL };
    enum s3_status status = s3_head_object(copying->conn, source->client, &options, &copying->source, error);

    if (status != S3_OK)
        return status;
    copying->looked = true;
    copying_set_etag(copying, copying->source.etag, strlen(copying->source.etag));
    copying->size = copying->source.size;
    copying->source_time_ms = copying->source.modified_s * 1000;
    return S3_OK;
}

enum s3_status copying_look_at_vault(const struct copying *copying, struct s3_head *head, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct s3_head_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len) };

    return s3_head_object(copying->conn, vault->client, &options, head, error);
}

struct s3_copy_source copying_source(const struct copying *copying)
{
    const struct source *source = copying->job->source;

    return (struct s3_copy_source){ .prefix = source->config->copy_source_prefix,
        .bucket = source->bucket,
        .key = copying->from,
        .version = copying->from_version,
        .if_match = copying->quoted,
        .expected_owner = source->owner };
}

void copying_write(const struct copying *copying, struct s3_write *write, char until[STATE_TIME_SIZE])
{
    vault_write_defaults(copying->job->vault, write);
    vault_write_lock(copying->job->vault, write, until);
    write->storage_class = storage_class_name(copying->class_);
}

void copying_note_class(struct copying *copying, const struct s3_head *head)
{
    copying->class_ = storage_class_from(head->class_, strlen(head->class_));
}

/* The key is written down before anything lies under its hash. */
static enum s3_status write_name(const struct copying *copying, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct layout_path path;
    struct state_error bad;
    struct s3_put_options options = {
        .body = copying->action->key.ptr, .body_len = copying->action->key.len, .content_md5 = true
    };
    char until[STATE_TIME_SIZE];
    struct s3_put_result result;
    enum s3_status status;

    if (layout_name(&vault->layout, copying->job->source->name, copying->action->key, &path, &bad) != STATE_OK)
        return s3_fail(error, S3_REFUSED, "BadKey", "%s", bad.what);
    options.target = vault_target(vault, path.ptr, path.len);
    vault_write_defaults(vault, &options.write);
    vault_write_lock(vault, &options.write, until);
    options.write.if_none_match = "*";
    status = s3_put_object(copying->conn, vault->client, &options, &result, error);
    return status == S3_CHANGED ? S3_OK : status; /* it was there */
}

static bool has_redirect(const struct s3_head *head)
{
    static const char name[] = "x-amz-website-redirect-location";

    for (size_t i = 0; i < head->pair_count; i++)
        if (head->pairs[i].name.len == sizeof name - 1 && memcmp(head->pairs[i].name.ptr, name, sizeof name - 1) == 0)
            return true;
    return false;
}

/* A store that ignores the condition of copies (Ceph RGW) copies what is there by then: whether the copy is what the
 * source is now, which it is then taken for. */
static bool took_newer(struct copying *copying, const struct s3_head *there)
{
    struct s3_error ignored;

    if (copying->from_version != NULL || copying_look_at_source(copying, false, &ignored) != S3_OK ||
            copying->size != there->size || strcmp(copying->etag, there->etag) != 0)
        return false;
    copying->by = STATE_BY_ETAG;
    return true;
}

/* After the copy: what is known of it by the answer alone, else one HEAD. The ETag says it best; a multipart source
 * that became a single part, and a source under another key, have other ETags, and are compared by size. */
static enum s3_status compare(struct copying *copying, const struct s3_copy_result *result, struct s3_error *error)
{
    bool same_etag = strcmp(result->answer.etag, copying->etag) == 0;
    struct s3_head head;
    enum s3_status status = S3_OK;

    (void)memccpy(copying->version, result->version, '\0', sizeof copying->version);
    (void)memccpy(copying->source_version, result->source_version, '\0', sizeof copying->source_version);
    (void)memccpy(copying->checksum, result->answer.checksum, '\0', sizeof copying->checksum);
    copying->copied_ms = result->answer.modified_ms; /* as a listing tells it */
    copying->in_seconds = false;
    copying->by = same_etag ? STATE_BY_ETAG : STATE_BY_SIZE;
    if (same_etag && result->version[0] != '\0')
        return S3_OK;
    s3_head_init(&head);
    status = copying_look_at_vault(copying, &head, error);
    if (status == S3_NOT_FOUND) /* not to be taken for a source that is gone */
        status = s3_fail(error, S3_BAD_DATA, "NotThere", "the copy was answered for, but the vault does not have it");
    if (status == S3_OK && head.size != copying->size && !took_newer(copying, &head))
        status = s3_fail(error, S3_BAD_DATA, "NotEqual",
                "the copy has %llu bytes, the source %llu; it was left where it is", (unsigned long long)head.size,
                (unsigned long long)copying->size);
    if (status == S3_OK && copying->version[0] == '\0')
        (void)snprintf(copying->version, sizeof copying->version, "%s", head.version);
    if (status == S3_OK)
        copying_note_class(copying, &head);
    s3_head_free(&head);
    return status;
}

enum s3_status copying_by_one_request(struct copying *copying, struct s3_error *error)
{
    const struct copy_job *job = copying->job;
    const struct config_policy *policy = job->source->policy;
    struct s3_copy_options options = { .target = vault_target(job->vault, copying->path.ptr, copying->path.len),
        .source = copying_source(copying),
        .metadata_directive = "COPY",
        .tagging_directive = policy->tags == CONFIG_TAGS_SKIP ? "REPLACE" : "COPY",
        .annotation_directive = policy->annotations == CONFIG_ANNOTATIONS_COPY ? "COPY" : "EXCLUDE" };
    char until[STATE_TIME_SIZE];
    struct s3_copy_result result;
    enum s3_status status = S3_OK;

    copying_write(copying, &options.write, until);
    options.write.if_match = copying->over;
    if (job->website && !copying->looked)
        status = copying_look_at_source(copying, true, error);
    if (status == S3_OK && job->website && has_redirect(&copying->source)) {
        /* S3 leaves the redirect out unless all headers are set anew */
        options.metadata_directive = "REPLACE";
        options.write.headers = copying->source.pairs;
        options.write.header_count = copying->source.pair_count;
    }
    if (status == S3_OK)
        status = s3_copy_object(copying->conn, job->vault->client, &options, &result, error);
    if (status == S3_DENIED && policy->tags == CONFIG_TAGS_BEST_EFFORT) {
        options.tagging_directive = "REPLACE";
        status = s3_copy_object(copying->conn, job->vault->client, &options, &result, error);
        if (status == S3_OK)
            (void)atomic_fetch_add_explicit(job->without_tags, 1, memory_order_relaxed);
    }
    if (status == S3_OK)
        status = compare(copying, &result, error);
    return status == S3_OK ? copying_settle_lock(copying, LOCK_BY_COPY, NULL, error) : status;
}

static bool wants_parts(const struct copying *copying)
{
    return copying->size > copying->job->parts_above ||
           (copying_is_streamed(copying) && copying->size > COPY_STREAM_WHOLE) ||
           (copying->job->source->policy->parts == CONFIG_PARTS_FAITHFUL && strchr(copying->etag, '-') != NULL);
}

/* Copies what the source is now; where it changed since it was listed, looks again. */
static enum s3_status copy_what_is_there(struct copying *copying, struct s3_error *error)
{
    enum s3_status status = S3_OK;

    for (int look = 0; look < LOOKS_AGAIN; look++) {
        if (look > 0 || copying->etag[0] == '\0') {
            copying->looked = false;
            status = copying_look_at_source(copying, false, error);
            if (status != S3_OK)
                return status;
        }
        copying->class_ = copying->job->class_for(copying->job->ctx, copying->size, copying->source_time_ms);
        status = wants_parts(copying)           ? copying_by_parts(copying, error)
                 : copying_is_streamed(copying) ? copying_by_stream(copying, error)
                                                : copying_by_one_request(copying, error);
        if (status != S3_CHANGED)
            return status;
    }
    return status;
}

static bool same_text(struct s3_text a, struct s3_text b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool has_pair(const struct s3_head *head, const struct s3_pair *pair)
{
    for (size_t i = 0; i < head->pair_count; i++)
        if (same_text(head->pairs[i].name, pair->name) && same_text(head->pairs[i].value, pair->value))
            return true;
    return false;
}

bool copying_same_headers(const struct s3_head *a, const struct s3_head *b)
{
    if (a->pair_count != b->pair_count || a->tags != b->tags)
        return false;
    for (size_t i = 0; i < a->pair_count; i++)
        if (!has_pair(b, &a->pairs[i]))
            return false;
    return true;
}

static char *lay(char **at, const char *text, struct state_text *out)
{
    size_t length = strlen(text);

    memcpy(*at, text, length);
    *out = (struct state_text){ *at, length };
    *at += length;
    return *at;
}

static bool fill_result(const struct copying *copying, enum state_did did)
{
    struct action *action = copying->action;
    struct state_entry *entry = &action->result.entry;
    char *at = malloc(strlen(copying->version) + strlen(copying->source_version) + strlen(copying->checksum) +
                      strlen(copying->etag) + copying->acl.len + 1);

    if (at == NULL)
        return false;
    action->text = at;
    (void)lay(&at, copying->version, &entry->vault_version);
    (void)lay(&at, copying->source_version, &entry->source_version);
    (void)lay(&at, copying->checksum, &entry->checksum);
    (void)lay(&at, copying->etag, &entry->etag);
    if (copying->acl.len > 0)
        memcpy(at, copying->acl.ptr, copying->acl.len);
    action->result.acl = (struct state_text){ at, copying->acl.len };
    entry->key = action->key;
    entry->size = copying->size;
    entry->source_time_ms = copying->source_time_ms;
    entry->class_ = copying->class_;
    entry->copied_ms = copying->copied_ms;
    action->in_seconds = copying->in_seconds;
    action->result.did = did;
    action->result.by = copying->by;
    return true;
}

static void fill_failure(const struct copying *copying, enum s3_status status, const struct s3_error *error)
{
    struct action *action = copying->action;

    action->outcome = OUTCOME_FAILED;
    action->failure = malloc(sizeof *action->failure);
    if (action->failure == NULL)
        return;
    if (vault_refuses_class(error, copying->class_))
        failure_from_s3(action->failure, status, error,
                "copying into class %s, a tier of policy \"%s\": take the tier out if the vault does not know the "
                "class",
                storage_class_name(copying->class_), copying->job->source->policy->name);
    else
        failure_from_s3(action->failure, status, error, "copying");
}

static void settle(struct copying *copying, enum s3_status status, const struct s3_error *error, bool adopted)
{
    struct action *action = copying->action;
    bool bucket_gone = strcmp(error->code, "NoSuchBucket") == 0;

    switch (status) {
    case S3_OK:
        action->outcome = adopted ? OUTCOME_ADOPTED : OUTCOME_DONE;
        if (!fill_result(copying, adopted                       ? STATE_ADOPTED
                                  : action->kind == ACTION_COPY ? STATE_COPIED
                                                                : STATE_RECOPIED)) {
            struct s3_error none;
            s3_error_clear(&none);
            fill_failure(copying, s3_fail(&none, S3_NO_MEMORY, "NoMemory", "out of memory"), &none);
        } else if (!adopted) {
            (void)atomic_fetch_add_explicit(copying->job->bytes_copied, copying->size, memory_order_relaxed);
        }
        return;
    case S3_NOT_FOUND:
        if (!bucket_gone) {
            action->outcome = OUTCOME_GONE;
            return;
        }
        break;
    case S3_ARCHIVED:
        action->outcome = OUTCOME_ARCHIVED;
        return;
    case S3_CANCELLED:
        action->outcome = OUTCOME_LEFT;
        return;
    default:
        break;
    }
    fill_failure(copying, bucket_gone ? S3_DENIED : status, error);
}

void copy_do(const struct copy_job *job, struct s3_conn *conn, struct action *action)
{
    struct copying copying = {
        .job = job, .conn = conn, .action = action, .from = { action->key.ptr, action->key.len }
    };
    struct s3_error error;
    struct state_error bad;
    enum layout_kind kind = LAYOUT_DATA;
    enum s3_status status = S3_OK;
    bool adopted = false;

    s3_error_clear(&error);
    s3_head_init(&copying.source);
    s3_buffer_init(&copying.acl, STATE_ACL_MAX);
    copying_set_etag(&copying, action->etag.ptr, action->etag.len);
    copying.size = action->size;
    copying.source_time_ms = action->source_time_ms;
    if (layout_data(&job->vault->layout, job->source->name, action->key, &copying.path, &kind, &bad) != STATE_OK)
        status = s3_fail(&error, S3_REFUSED, "BadKey", "%s", bad.what);
    if (status == S3_OK && action->look_first && action->etag.len > 0)
        status = copying_adopt(&copying, &adopted, &error);
    if (status == S3_OK && kind == LAYOUT_DATA_LONG) /* also of what was adopted: its name may have been lost */
        status = write_name(&copying, &error);
    if (status == S3_OK && !adopted)
        status = copy_what_is_there(&copying, &error);
    if (status == S3_OK)
        status = copying_read_acl(&copying, &error);
    settle(&copying, status, &error, adopted);
    s3_buffer_free(&copying.acl);
    s3_head_free(&copying.source);
}
