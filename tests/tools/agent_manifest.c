/*
 * A hand in a manifest: `agent_manifest FOLDER put KEY VERSION SIZE` or `agent_manifest FOLDER remove KEY`, so that a
 * test can see whether somebody notices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/manifest_batch.h"

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

int main(int argc, char **argv)
{
    struct manifest_options options = { .folder = argv[1], .workers = 1 };
    struct manifest_batch *batch = NULL;
    struct manifest *manifest = NULL;
    struct state_error error;
    enum state_status status;

    if (argc < 4 || argc > 6)
        return 1;
    status = manifest_open(&options, &manifest, NULL, &error);
    if (status == STATE_OK)
        status = manifest_batch_begin(manifest, &batch, &error);
    if (status == STATE_OK)
        status = change(batch, argc, argv, &error);
    if (status == STATE_OK)
        status = manifest_batch_commit(batch, &error);
    else
        manifest_batch_abort(batch);
    if (status == STATE_OK)
        status = manifest_close(manifest, true, &error);
    if (status != STATE_OK)
        (void)fprintf(stderr, "%s\n", error.what);
    return status == STATE_OK ? 0 : 2;
}
