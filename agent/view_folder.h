/*
 * A folder for what a view has to sort: .views/<random> under the state folder (a name that no source can have), with a
 * manifest in it that nobody else opens. The lock of that manifest says that its process lives; what a killed one left
 * is removed when the next one is made. One thread.
 */
#ifndef AGENT_VIEW_FOLDER_H
#define AGENT_VIEW_FOLDER_H

#include "agent/program.h"
#include "state/manifest.h"

struct view_folder {
    char path[4096 + 32];      /* "": none */
    struct manifest *manifest; /* empty at first */
};

/* VERDICT_FULL: the disk; VERDICT_USAGE: no place for a manifest. */
enum verdict view_folder_open(const struct program *program, struct view_folder *folder, struct failure *failure)
        __attribute__((warn_unused_result));
/* Removes it; no reader may be left. */
void view_folder_close(struct view_folder *folder);

#endif
