/* See recover.h. */
#include "agent/recover.h"

#include "agent/event.h"
#include "agent/state_folder.h"
#include "state/manifest.h"

static void check(struct source *source, const char *folder)
{
    const struct manifest_options options = { .folder = folder, .workers = 1 };
    struct manifest *manifest = NULL;
    struct state_error error;
    enum state_status status = manifest_open(&options, &manifest, NULL, &error);

    if (status == STATE_BUSY)
        return;
    source->unclean = true;
    if (status == STATE_BAD_DATA) {
        event_warn("manifest-unfit", source->name, "the local manifest is not used: %s. It is rebuilt from the vault",
                error.what);
        status = manifest_discard(&options, &error);
    } else if (status == STATE_OK) {
        status = manifest_close(manifest, true, &error);
    }
    if (status != STATE_OK)
        event_warn("manifest-unfit", source->name, "%s", error.what);
}

void recover_manifests(const struct program *program, struct selection *selection)
{
    char folder[sizeof program->state_dir + STATE_SOURCE_MAX + 2];

    for (size_t i = 0; i < selection->count; i++)
        if (state_folder_path(program, selection->sources[i].name, folder, sizeof folder) &&
                manifest_was_left_open(folder))
            check(&selection->sources[i], folder);
}
