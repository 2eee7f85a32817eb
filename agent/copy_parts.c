/*
 * See copy.h: one object by parts. The owner creates the upload with all that the object is to be, then everybody who
 * is idle copies parts, each under the condition that the source is still the same; the owner completes, and looks
 * whether its version is the current one.
 *
 * The parts are the source's own where it has some, so that the copy gets the source's ETag. What is under way is noted
 * as {"upload", "etag", "size", "vault", "part", "class", "of"}: a later run goes on with it if the source is the same,
 * nothing was written to the vault's key since, and the object is to be the same. Which parts are done is asked of the
 * service, which knows best.
 */
#include "agent/copy_inside.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "s3/multipart.h"

struct copy_parts {
    const struct copying *copying;
    char upload_id[1024];
    struct copying_bounds bounds;
    pthread_mutex_t lock;
    /* guarded by lock */
    uint32_t next; /* the first that nobody has begun */
    enum s3_status status;
    struct s3_error error;
};

enum s3_status copying_read_tags(
        struct copying *copying, char tagging[COPY_TAGGING_MAX], bool *has_tags, struct s3_error *error)
{
    const struct source *source = copying->job->source;
    const struct s3_target target = { .bucket = source->bucket,
        .key = copying->from,
        .version = copying->from_version,
        .expected_owner = source->owner };
    struct s3_tags tags;
    enum s3_status status;

    *has_tags = false;
    if (source->policy->tags == CONFIG_TAGS_SKIP)
        return S3_OK;
    s3_tags_init(&tags);
    status = s3_get_object_tags(copying->conn, source->client, &target, &tags, error);
    if (status == S3_OK && tags.count > 0) {
        *has_tags = true;
        if (s3_tags_encode(&tags, tagging, COPY_TAGGING_MAX) == (size_t)-1)
            status = s3_fail(error, S3_REFUSED, "TooLong", "the tags are longer than this client sends");
    }
    s3_tags_free(&tags);
    if (status == S3_DENIED && source->policy->tags == CONFIG_TAGS_BEST_EFFORT) {
        (void)atomic_fetch_add_explicit(copying->job->without_tags, 1, memory_order_relaxed);
        return S3_OK;
    }
    return status;
}

static enum s3_status create(struct copying *copying, struct copy_parts *parts, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct s3_create_upload_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len) };
    struct s3_upload_answer answer;
    char *tagging = malloc(COPY_TAGGING_MAX), until[STATE_TIME_SIZE];
    bool has_tags = false;
    enum s3_status status;

    if (tagging == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = copying_read_tags(copying, tagging, &has_tags, error);
    copying_write(copying, &options.write, until);
    options.write.headers = copying->source.pairs;
    options.write.header_count = copying->source.pair_count;
    options.write.tagging = has_tags ? tagging : NULL;
    if (status == S3_OK)
        status = s3_create_upload(copying->conn, vault->client, &options, &answer, error);
    if (status == S3_OK)
        (void)snprintf(parts->upload_id, sizeof parts->upload_id, "%s", answer.upload_id);
    free(tagging);
    return status;
}

/* The version that lies in the vault now; "-" for none. */
static enum s3_status vault_now(const struct copying *copying, char version[S3_VERSION_MAX + 1], struct s3_error *error)
{
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = copying_look_at_vault(copying, &head, error);
    (void)snprintf(version, S3_VERSION_MAX + 1, "%s", status == S3_OK ? head.version : "-");
    s3_head_free(&head);
    return status == S3_NOT_FOUND ? S3_OK : status;
}

/* A move copies what the vault has, metadata included: its upload is none for a copy of the source. */
static const char *kind_of(const struct copying *copying)
{
    return copying->action->kind == ACTION_MOVE ? "vault" : "source";
}

static void note(const struct copying *copying, const struct copy_parts *parts, const char *version)
{
    const struct copy_job *job = copying->job;
    json_t *document = json_pack("{ss ss sI ss sI ss ss}", "upload", parts->upload_id, "etag", copying->etag, "size",
            (json_int_t)copying->size, "vault", version, "part", (json_int_t)parts->bounds.pieces[0].size, "class",
            storage_class_name(copying->class_), "of", kind_of(copying));
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;

    if (text != NULL) /* without memory a later run begins anew */
        job->keep(job->ctx, copying->action->key, text, strlen(text));
    free(text);
    json_decref(document);
}

static void forget(const struct copying *copying)
{
    copying->job->keep(copying->job->ctx, copying->action->key, NULL, 0);
}

/* Marks the parts that an earlier run has copied. Parts of another size than ours are copied again over them. */
static enum s3_status take_done(struct copying *copying, struct copy_parts *parts, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct s3_list_parts_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len),
        .upload_id = parts->upload_id };
    struct s3_part_page page = { 0 };
    enum s3_status status;

    do {
        status = s3_list_parts(copying->conn, vault->client, &options, &page, error);
        for (size_t i = 0; i < page.count && status == S3_OK; i++) {
            const struct s3_part_entry *entry = &page.parts[i];
            if (entry->number >= 1 && entry->number <= parts->bounds.count &&
                    parts->bounds.pieces[entry->number - 1].size == entry->size)
                memcpy(parts->bounds.pieces[entry->number - 1].etag, entry->etag, sizeof entry->etag);
        }
        options.after = page.next_number;
    } while (status == S3_OK && page.truncated && page.next_number > 0);
    s3_part_page_free(&page);
    return status;
}

/* Goes on with what a former run noted: *resumed says whether. */
static enum s3_status resume(
        struct copying *copying, struct copy_parts *parts, const char *version, bool *resumed, struct s3_error *error)
{
    const struct copy_job *job = copying->job;
    char *text = NULL;
    size_t length = 0;
    json_t *document = NULL;
    const char *upload = NULL, *etag = NULL, *before = NULL, *class_ = NULL, *of = NULL;
    json_int_t size = 0, part = 0;
    enum s3_status status = S3_OK;

    *resumed = false;
    if (!job->kept(job->ctx, copying->action->key, &text, &length))
        return S3_OK;
    document = json_loadb(text, length, 0, NULL);
    if (document != NULL &&
            json_unpack(document, "{ss ss sI ss sI ss ss}", "upload", &upload, "etag", &etag, "size", &size, "vault",
                    &before, "part", &part, "class", &class_, "of", &of) == 0 &&
            strcmp(class_, storage_class_name(copying->class_)) == 0 && strcmp(of, kind_of(copying)) == 0 &&
            strcmp(etag, copying->etag) == 0 && (uint64_t)size == copying->size && strcmp(before, version) == 0 &&
            (uint64_t)part == parts->bounds.pieces[0].size && strlen(upload) < sizeof parts->upload_id) {
        (void)snprintf(parts->upload_id, sizeof parts->upload_id, "%s", upload);
        status = take_done(copying, parts, error);
        *resumed = status == S3_OK;
        if (status == S3_NOT_FOUND) /* aborted by the bucket's rules meanwhile */
            status = S3_OK;
    }
    json_decref(document);
    free(text);
    return status;
}

static enum s3_status copy_in_store(const struct copy_parts *parts, struct s3_conn *conn, uint32_t index,
        char etag[S3_ETAG_MAX + 1], struct s3_error *error)
{
    const struct copying *copying = parts->copying;
    const struct vault *vault = copying->job->vault;
    const struct copying_piece *part = &parts->bounds.pieces[index];
    const struct s3_upload_part_copy_options options = { .target = vault_target(
                                                                 vault, copying->path.ptr, copying->path.len),
        .upload_id = parts->upload_id,
        .number = index + 1,
        .source = copying_source(copying),
        .ranged = true,
        .first = part->first,
        .last = part->first + part->size - 1 };
    struct s3_copy_result result;
    enum s3_status status = s3_upload_part_copy(conn, vault->client, &options, &result, error);

    if (status == S3_OK)
        memcpy(etag, result.answer.etag, sizeof result.answer.etag);
    return status;
}

static enum s3_status copy_part(const struct copy_parts *parts, struct s3_conn *conn, uint32_t index,
        char etag[S3_ETAG_MAX + 1], struct s3_error *error)
{
    const struct copying_piece *part = &parts->bounds.pieces[index];
    const struct copying_part one = {
        .upload_id = parts->upload_id, .number = index + 1, .first = part->first, .size = part->size
    };
    enum s3_status status = copying_is_streamed(parts->copying)
                                    ? copying_stream_part(parts->copying, conn, &one, etag, error)
                                    : copy_in_store(parts, conn, index, etag, error);

    /* aborted from outside: nothing is said of the source by that, and the next run begins anew */
    if (status == S3_NOT_FOUND && strcmp(error->code, "NoSuchUpload") == 0)
        status = S3_RETRY;
    return status;
}

static bool begin_part(struct copy_parts *parts, uint32_t *index)
{
    const struct copy_job *job = parts->copying->job;
    bool begun = false;

    (void)pthread_mutex_lock(&parts->lock);
    while (parts->status == S3_OK && parts->next < parts->bounds.count &&
            parts->bounds.pieces[parts->next].etag[0] != '\0')
        parts->next++;
    if (parts->status == S3_OK && parts->next < parts->bounds.count &&
            job->stopping(job->ctx)) /* a later run goes on */
        parts->status = s3_fail(&parts->error, S3_CANCELLED, "Stopped", "the run ends before all parts are copied");
    if (parts->status == S3_OK && parts->next < parts->bounds.count) {
        *index = parts->next++;
        begun = true;
    }
    (void)pthread_mutex_unlock(&parts->lock);
    return begun;
}

bool copy_parts_wanted(const struct copy_parts *parts)
{
    struct copy_parts *shared = (struct copy_parts *)parts;
    bool wanted;

    (void)pthread_mutex_lock(&shared->lock);
    wanted = parts->status == S3_OK && parts->next < parts->bounds.count;
    (void)pthread_mutex_unlock(&shared->lock);
    return wanted;
}

void copy_parts_help(struct copy_parts *parts, struct s3_conn *conn)
{
    uint32_t index;

    while (begin_part(parts, &index)) {
        char etag[S3_ETAG_MAX + 1];
        struct s3_error error;
        enum s3_status status = copy_part(parts, conn, index, etag, &error);

        (void)pthread_mutex_lock(&parts->lock);
        if (status == S3_OK) {
            memcpy(parts->bounds.pieces[index].etag, etag, sizeof etag);
        } else if (parts->status == S3_OK) { /* the first failure is the story */
            parts->status = status;
            parts->error = error;
        }
        (void)pthread_mutex_unlock(&parts->lock);
    }
}

/* Completes. An upload that is gone may have been completed by an attempt whose answer was lost. */
static enum s3_status complete(struct copying *copying, struct copy_parts *parts, const char *version_before,
        struct s3_head *head, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct s3_complete_upload_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len),
        .upload_id = parts->upload_id,
        .count = parts->bounds.count,
        .size = copying->size,
        .if_match = copying->over };
    struct s3_part_entry *entries = calloc(parts->bounds.count, sizeof *entries);
    struct s3_copy_result result;
    struct s3_error looked;
    enum s3_status status, seen;

    if (entries == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    for (uint32_t i = 0; i < parts->bounds.count; i++) {
        entries[i].number = i + 1;
        memcpy(entries[i].etag, parts->bounds.pieces[i].etag, sizeof entries[i].etag);
    }
    options.parts = entries;
    status = s3_complete_upload(copying->conn, vault->client, &options, &result, error);
    free(entries);
    if (status != S3_OK && status != S3_NOT_FOUND)
        return status;
    seen = copying_look_at_vault(copying, head, &looked);
    if (status == S3_NOT_FOUND &&
            (seen != S3_OK || strcmp(head->version, version_before) == 0 || head->size != copying->size))
        return S3_RETRY;      /* really gone: aborted from outside. `error` says NoSuchUpload */
    if (seen == S3_NOT_FOUND) /* not to be taken for a source that is gone */
        return s3_fail(error, S3_BAD_DATA, "NotThere", "the copy was answered for, but the vault does not have it");
    if (seen != S3_OK) {
        *error = looked;
        return seen;
    }
    if (status == S3_OK && result.version[0] != '\0' && strcmp(result.version, head->version) != 0)
        return s3_fail(error, S3_RETRY, "Overtaken", "another version was written to the vault's key during the copy");
    (void)snprintf(copying->version, sizeof copying->version, "%s", head->version);
    return S3_OK;
}

static enum s3_status judge(struct copying *copying, const struct s3_head *head, struct s3_error *error)
{
    if (head->size != copying->size)
        return s3_fail(error, S3_BAD_DATA, "NotEqual",
                "the copy has %llu bytes, the source %llu; it was left where it is", (unsigned long long)head->size,
                (unsigned long long)copying->size);
    copying->by = strcmp(head->etag, copying->etag) == 0 ? STATE_BY_ETAG
                  : copying_is_streamed(copying)         ? STATE_BY_CHECKSUM /* each part by its MD5 */
                                                         : STATE_BY_SIZE;
    copying->copied_ms = head->modified_s * 1000;
    copying->in_seconds = true;
    copying_note_class(copying, head);
    (void)snprintf(copying->checksum, sizeof copying->checksum, "%s", head->checksum);
    return S3_OK;
}

static enum s3_status carry(struct copying *copying, struct copy_parts *parts, struct s3_error *error)
{
    const struct copy_job *job = copying->job;
    const struct vault *vault = job->vault;
    char version[S3_VERSION_MAX + 1];
    struct s3_target target = vault_target(vault, copying->path.ptr, copying->path.len);
    struct s3_head head;
    enum s3_status status = vault_now(copying, version, error);

    if (status == S3_OK)
        status = resume(copying, parts, version, &copying->resumed, error);
    if (status == S3_OK && !copying->resumed)
        status = create(copying, parts, error);
    if (status != S3_OK)
        return status;
    if (!copying->resumed)
        note(copying, parts, version);
    job->offer(job->ctx, parts);
    copy_parts_help(parts, copying->conn);
    job->withdraw(job->ctx, parts);
    status = parts->status;
    if (status != S3_OK)
        *error = parts->error;
    s3_head_init(&head);
    if (status == S3_OK)
        status = complete(copying, parts, version, &head, error);
    if (status == S3_OK)
        status = judge(copying, &head, error);
    if (status == S3_OK)
        status = copying_settle_lock(copying, LOCK_BY_UPLOAD, &head, error);
    s3_head_free(&head);
    if (status == S3_CHANGED || status == S3_NOT_FOUND || status == S3_ARCHIVED) {
        struct s3_error ignored; /* if it stays, the next run or the bucket's rules abort it */
        if (s3_abort_upload(copying->conn, vault->client, &target, parts->upload_id, &ignored) == S3_OK)
            forget(copying);
    } else if (status == S3_OK || status == S3_BAD_DATA) {
        forget(copying);
    }
    return status;
}

static enum s3_status lay_bounds(const struct copying *copying, struct copying_bounds *bounds, struct s3_error *error)
{
    const struct source *source = copying->job->source;
    const struct copy_shape shape = { .conn = copying->conn,
        .client = source->client,
        .target = { .bucket = source->bucket,
                .key = copying->from,
                .version = copying->from_version,
                .expected_owner = source->owner },
        .etag = copying->etag,
        .if_match = copying->quoted,
        .size = copying->size,
        .streamed = copying_is_streamed(copying) };

    return copy_lay_bounds(&shape, bounds, error);
}

enum s3_status copying_by_parts(struct copying *copying, struct s3_error *error)
{
    struct copy_parts parts;
    enum s3_status status = S3_OK;

    memset(&parts, 0, sizeof parts);
    parts.copying = copying;
    (void)pthread_mutex_init(&parts.lock, NULL);
    if (!copying->looked)
        status = copying_look_at_source(copying, true, error);
    if (status == S3_OK)
        status = lay_bounds(copying, &parts.bounds, error);
    if (status == S3_OK)
        status = carry(copying, &parts, error);
    (void)pthread_mutex_destroy(&parts.lock);
    free(parts.bounds.pieces);
    return status;
}
