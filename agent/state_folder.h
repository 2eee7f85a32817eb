/*
 * The state folder of one source, as whoever works on the source opens it: its manifest, and the folder's name in
 * leases. One thread a source.
 */
#ifndef AGENT_STATE_FOLDER_H
#define AGENT_STATE_FOLDER_H

#include "agent/program.h"
#include "state/manifest.h"

enum { STATE_FOLDER_OWNER_SIZE = 33 }; /* 32 hex digits and NUL */

/* Where a source's manifest lies. False where the path is too long. */
bool state_folder_path(const struct program *program, const char *source, char *folder, size_t size)
        __attribute__((warn_unused_result));

/* Opens the manifest for so many threads that read; one that is unfit is removed, told, and opened as new (*found is
 * MANIFEST_REBUILD). VERDICT_HELD: another process has it. */
enum verdict state_folder_open(const struct program *program, const char *source, unsigned readers,
        struct manifest **manifest, enum manifest_found *found, struct failure *failure)
        __attribute__((warn_unused_result));

/* Who this folder is, in leases: drawn once, kept in the manifest. */
enum verdict state_folder_owner(struct manifest *manifest, const char *source, char owner[STATE_FOLDER_OWNER_SIZE],
        struct failure *failure) __attribute__((warn_unused_result));
/* Writes it down again: a manifest that was made anew has forgotten it. */
enum verdict state_folder_keep_owner(struct manifest *manifest, const char *source, const char *owner,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
