/* See state_folder.h. */
#include "agent/state_folder.h"

#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "state/layout.h"
#include "state/manifest_batch.h"

static const char META_OWNER[] = "owner";

bool state_folder_path(const struct program *program, const char *source, char *folder, size_t size)
{
    int length = snprintf(folder, size, "%s/%s", program->state_dir, source);

    return length > 0 && (size_t)length < size;
}

enum verdict state_folder_open(const struct program *program, const char *source, unsigned readers,
        struct manifest **manifest, enum manifest_found *found, struct failure *failure)
{
    char folder[sizeof program->state_dir + STATE_SOURCE_MAX + 2];
    const struct manifest_options options = { .folder = folder, .workers = readers };
    struct state_error error;
    enum state_status status;

    if (!state_folder_path(program, source, folder, sizeof folder))
        return failure_set(failure, VERDICT_USAGE, "the path of the state folder is too long");
    status = manifest_open(&options, manifest, found, &error);
    if (status == STATE_BAD_DATA) {
        event_warn("manifest-unfit", source, "the local manifest is not used: %s. It is rebuilt from the vault",
                error.what);
        status = manifest_discard(&options, &error);
        if (status == STATE_OK)
            status = manifest_open(&options, manifest, NULL, &error);
        *found = MANIFEST_REBUILD;
    }
    if (status == STATE_BUSY)
        return failure_set(failure, VERDICT_HELD,
                "another process is at work on source \"%s\" with the same state folder", source);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "opening the manifest of source \"%s\"", source);
    return VERDICT_OK;
}

enum verdict state_folder_keep_owner(
        struct manifest *manifest, const char *source, const char *owner, struct failure *failure)
{
    struct manifest_batch *batch = NULL;
    struct state_error error;
    enum state_status status = manifest_batch_begin(manifest, &batch, &error);

    if (status == STATE_OK) {
        status = manifest_meta_put(batch, META_OWNER, owner, strlen(owner), &error);
        if (status == STATE_OK)
            status = manifest_batch_commit(batch, &error);
        else
            manifest_batch_abort(batch);
    }
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "writing the manifest of source \"%s\"", source);
    return VERDICT_OK;
}

enum verdict state_folder_owner(
        struct manifest *manifest, const char *source, char owner[STATE_FOLDER_OWNER_SIZE], struct failure *failure)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char chance[(STATE_FOLDER_OWNER_SIZE - 1) / 2];
    struct state_error error;
    size_t length = 0;
    enum state_status status =
            manifest_meta_get(manifest, META_OWNER, owner, STATE_FOLDER_OWNER_SIZE - 1, &length, &error);

    owner[STATE_FOLDER_OWNER_SIZE - 1] = '\0';
    if (status == STATE_OK && length == STATE_FOLDER_OWNER_SIZE - 1)
        return VERDICT_OK;
    if (!clock_random_bytes(chance, sizeof chance))
        return failure_set(failure, VERDICT_INTERNAL, "the system gives no random bytes");
    for (size_t i = 0; i < sizeof chance; i++) {
        owner[2 * i] = hex[chance[i] >> 4];
        owner[2 * i + 1] = hex[chance[i] & 15];
    }
    return state_folder_keep_owner(manifest, source, owner, failure);
}
