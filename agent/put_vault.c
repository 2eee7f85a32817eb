/* What a put needs before it reads its first byte, and gives back at its end; see put_inside.h. */
#include "agent/put_inside.h"

#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/health.h"
#include "s3/multipart.h"
#include "state/manifest_batch.h"

enum { READERS = 4 };

static enum verdict open_manifest(struct put *put)
{
    const struct program *program = put->options->program;

    if (!state_folder_path(program, put->source.name, put->folder, sizeof put->folder))
        return failure_set(&put->failure, VERDICT_USAGE, "the path of the state folder is too long");
    return state_folder_open(program, put->source.name, READERS, &put->manifest, &put->found, &put->failure);
}

static enum verdict check_vault(struct put *put)
{
    struct health health;

    health_check(put->options->program, put->vault.access, &put->source, 1, &health);
    if (health.refused)
        put->failure = health.failure;
    health_free(&health);
    return health.refused ? put->failure.verdict : VERDICT_OK;
}

static enum verdict take_lease(struct put *put)
{
    const struct lease_options options = {
        .program = put->options->program, .vault = &put->vault, .source = put->source.name, .owner = put->owner
    };

    if (state_folder_owner(put->manifest, put->source.name, put->owner, &put->failure) != VERDICT_OK ||
            lease_keeper_start(put->options->program, &put->keeper, &put->failure) != VERDICT_OK ||
            lease_take(&options, put->conn, &put->lease, &put->failure) != VERDICT_OK)
        return put->failure.verdict;
    lease_keeper_add(put->keeper, put->lease);
    put->kept_renewed = true;
    return VERDICT_OK;
}

static enum verdict catch_up(struct put *put)
{
    bool from_scratch = put->found == MANIFEST_NEW || put->found == MANIFEST_REBUILD;
    enum verdict verdict = rebuild_catch_up(
            &put->vault, &put->source, put->conn, put->manifest, from_scratch, &put->rebuilt, &put->failure);

    if (verdict == VERDICT_BAD_DATA) {
        /* somebody damaged the points: the stream is kept all the same, and the exit code tells */
        event_error(put->source.name, &put->failure);
        put->damaged = true;
        verdict = rebuild_from_versions(
                &put->vault, &put->source, put->conn, put->manifest, &put->rebuilt, &put->failure);
    }
    return verdict == VERDICT_OK ? state_folder_keep_owner(put->manifest, put->source.name, put->owner, &put->failure)
                                 : verdict;
}

/* Uploads under our folder are a killed put's: whoever holds the lease has none yet. What cannot be listed or aborted
 * is left to the bucket's own rule. */
static void abort_stale_uploads(struct put *put, enum layout_kind kind)
{
    struct s3_list_uploads_options options = { .bucket = put->vault.bucket, .expected_owner = put->vault.owner };
    struct layout_path folder;
    struct s3_page page;
    struct s3_error error;

    if (layout_folder(&put->vault.layout, kind, put->source.name, &folder) != STATE_OK)
        return;
    options.prefix = (struct s3_text){ folder.ptr, folder.len };
    s3_page_init(&page);
    if (s3_list_uploads(put->conn, put->vault.client, &options, &page, &error) == S3_OK) {
        for (size_t i = 0; i < page.count && !clock_stop_asked(); i++) {
            const struct s3_page_entry *entry = &page.entries[i];
            const struct s3_target target = vault_target(&put->vault, entry->key.ptr, entry->key.len);
            char upload[1024];
            if (snprintf(upload, sizeof upload, "%.*s", (int)entry->version.len, entry->version.ptr) <
                    (int)sizeof upload)
                (void)!s3_abort_upload(put->conn, put->vault.client, &target, upload, &error);
        }
    }
    s3_page_free(&page);
}

/* A long name is written down before anything lies under its hash. */
static enum verdict lay_path(struct put *put)
{
    const struct put_options *options = put->options;
    struct vault_put name = {
        .bytes = options->name.ptr, .len = options->name.len, .locked = true, .only_if_absent = true
    };
    struct layout_path path;
    struct state_error error;
    enum layout_kind kind;
    enum verdict verdict;

    if (layout_data(&put->vault.layout, put->source.name, options->name, &put->path, &kind, &error) != STATE_OK)
        return failure_set(&put->failure, VERDICT_USAGE, "an object cannot have this name: %s", error.what);
    if (kind != LAYOUT_DATA_LONG)
        return VERDICT_OK;
    if (layout_name(&put->vault.layout, put->source.name, options->name, &path, &error) != STATE_OK)
        return failure_set(&put->failure, VERDICT_USAGE, "an object cannot have this name: %s", error.what);
    name.path = path.ptr;
    name.path_len = path.len;
    verdict = vault_put(&put->vault, put->conn, &name, NULL, &put->failure);
    return verdict == VERDICT_CHANGED ? VERDICT_OK : verdict; /* it was there */
}

enum verdict put_open(struct put *put)
{
    const struct program *program = put->options->program;
    const struct config_source *config = put->options->source;
    const struct access_options access = { .session_name = "vaultferry-put" };
    struct publish_options publish;

    put->source = (struct source){ .config = config, .policy = config->policy };
    (void)snprintf(put->source.name, sizeof put->source.name, "%s", config->name);
    if (prices_load(program->config, &put->prices, &put->failure) != VERDICT_OK ||
            vault_open(program, &access, &put->vault, &put->failure) != VERDICT_OK ||
            program_connect(program, &put->conn, &put->failure) != VERDICT_OK || open_manifest(put) != VERDICT_OK ||
            check_vault(put) != VERDICT_OK || take_lease(put) != VERDICT_OK || catch_up(put) != VERDICT_OK ||
            points_next(&put->vault, put->rebuilt.last_folder, &put->started_ms, put->point, &put->failure) !=
                    VERDICT_OK)
        return put->failure.verdict;
    put->vault.locks_from_ms = put->started_ms;
    publish = (struct publish_options){
        .vault = &put->vault, .source = &put->source, .manifest = put->manifest, .point = put->point
    };
    if (publisher_new(&publish, &put->publisher, &put->failure) != VERDICT_OK ||
            publisher_flush(put->publisher, put->conn, &put->failure) != VERDICT_OK || /* a killed put's lines */
            lay_path(put) != VERDICT_OK)
        return put->failure.verdict;
    abort_stale_uploads(put, LAYOUT_DATA);
    abort_stale_uploads(put, LAYOUT_DATA_LONG);
    return VERDICT_OK;
}

void put_close(struct put *put)
{
    struct state_error error;

    if (put->publisher != NULL)
        publisher_free(put->publisher);
    if (put->kept_renewed)
        lease_keeper_remove(put->keeper, put->lease);
    if (put->manifest != NULL && manifest_close(put->manifest, !put->manifest_stale, &error) != STATE_OK)
        event_warn(
                "manifest-not-closed", put->source.name, "the manifest is checked at the next start: %s", error.what);
    if (put->lease != NULL)
        lease_release(put->lease, put->conn); /* last: whoever takes it next finds everything in place */
    lease_keeper_stop(put->keeper);
    s3_conn_free(put->conn);
    vault_close(&put->vault);
}
