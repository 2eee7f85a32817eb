/*
 * A hand in a manifest: `agent_manifest FOLDER put KEY VERSION SIZE` or `agent_manifest FOLDER remove KEY`, so that a
 * test can see whether somebody notices. `agent_manifest FOLDER list` prints class, version and key of each record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

static enum state_status change(struct manifest_batch *batch, int argc, char **argv, struct state_error *error)
{
    struct state_entry entry = { .key = { argv[3], strlen(argv[3]) } };

    if (strcmp(argv[2], "remove") == 0)
        return manifest_batch_remove(batch, entry.key, error);
    if (manifest_batch_get(batch, entry.key, &entry, error) != STATE_OK)
        entry.etag = (struct state_text){ "unknown", strlen("unknown") };
    entry.key = (struct state_text){ argv[3], strlen(argv[3]) };
    if (argc > 4)
        entry.vault_version = (struct state_text){ argv[4], strlen(argv[4]) };
    if (argc > 5)
        entry.size = strtoull(argv[5], NULL, 10);
    return manifest_batch_put(batch, &entry, error);
}

static enum state_status list(struct manifest *manifest, struct state_error *error)
{
    struct manifest_reader *reader = NULL;
    struct state_entry entry;
    struct state_text key;
    enum state_status status = manifest_reader_new(manifest, MANIFEST_LIVE, &reader, error);

    if (status == STATE_OK)
        status = manifest_reader_begin(reader, error);
    while (status == STATE_OK && (status = manifest_reader_next(reader, &key, error)) == STATE_OK) {
        status = manifest_reader_entry(reader, &entry, error);
        if (status == STATE_OK)
            (void)printf("%s %.*s %.*s\n", storage_class_name(entry.class_), (int)entry.vault_version.len,
                    entry.vault_version.ptr, (int)key.len, key.ptr);
    }
    if (reader != NULL)
        manifest_reader_end(reader);
    manifest_reader_free(reader);
    return status == STATE_END ? STATE_OK : status;
}

static enum state_status change_all(struct manifest *manifest, int argc, char **argv, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status = manifest_batch_begin(manifest, &batch, error);

    if (status == STATE_OK)
        status = change(batch, argc, argv, error);
    if (status == STATE_OK)
        return manifest_batch_commit(batch, error);
    manifest_batch_abort(batch);
    return status;
}

int main(int argc, char **argv)
{
    struct manifest_options options = { .folder = argv[1], .workers = 1 };
    const bool lists = argc == 3 && strcmp(argv[2], "list") == 0;
    struct manifest *manifest = NULL;
    struct state_error error;
    enum state_status status;

    if (!lists && (argc < 4 || argc > 6))
        return 1;
    status = manifest_open(&options, &manifest, NULL, &error);
    if (status == STATE_OK)
        status = lists ? list(manifest, &error) : change_all(manifest, argc, argv, &error);
    if (status == STATE_OK)
        status = manifest_close(manifest, true, &error);
    if (status != STATE_OK)
        (void)fprintf(stderr, "%s\n", error.what);
    return status == STATE_OK ? 0 : 2;
}
