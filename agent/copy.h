/*
 * Carrying one object into the vault: the only code that writes under data/. By CopyObject in one request, by
 * UploadPartCopy above 5 GB or where the source's parts are to be kept, each under the condition that the source is
 * still what was listed.
 *
 * Called by workers, each with its own connection; shares nothing else that is written. It deletes nothing, ever.
 */
#ifndef AGENT_COPY_H
#define AGENT_COPY_H

#include "agent/action.h"
#include "agent/source.h"
#include "agent/vault.h"

struct copy_job {
    const struct vault *vault;
    const struct source *source;
    bool website;      /* the bucket serves a website: redirects are looked for */
    const char *point; /* of this run, for records */
    _Atomic uint64_t *bytes_copied;
    /* Large copies are noted so that a later run goes on with them: called with the job's bytes after each step, with
     * none when it is over. From any worker; NULL: not kept. */
    void (*keep)(void *ctx, struct state_text key, const void *bytes, size_t length);
    /* What a former run kept; *bytes is the callee's to free(). False where there is nothing. */
    bool (*kept)(void *ctx, struct state_text key, void **bytes, size_t *length);
    void *ctx;
};

/* Does an action of kind COPY or RECOPY and fills in its outcome. Never fails otherwise. */
void copy_do(const struct copy_job *job, struct s3_conn *conn, struct action *action);

#endif
