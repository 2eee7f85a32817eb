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

struct copy_parts;

/* What copies of one source share. Fixed while workers use it. */
struct copy_job {
    const struct vault *vault;
    const struct source *source;
    bool website; /* the bucket serves a website: redirects are looked for, by a HEAD each */
    enum storage_class (*class_for)(void *ctx, uint64_t size, int64_t source_time_ms);
    uint64_t parts_above; /* objects larger than this go by parts: S3's 5 GiB, less in tests */
    _Atomic uint64_t *bytes_copied;
    _Atomic uint64_t *without_tags; /* copied without tags that could not be read (policy best-effort) */
    _Atomic uint64_t *without_acl;  /* copied, but their ACL could not be read (policy record) */
    /* Large copies are noted so that a later run goes on with them. `keep` notes bytes for a key (none: no longer);
     * `kept` finds what is noted: *bytes is the caller's to free(), false where there is nothing. Called from any
     * worker. */
    void (*keep)(void *ctx, struct state_text key, const char *bytes, size_t length);
    bool (*kept)(void *ctx, struct state_text key, char **bytes, size_t *length);
    /* Whether it is recorded that this version in the vault is a copy of another content than the ETag's. From any
     * worker. */
    bool (*holds_other)(void *ctx, struct state_text key, struct state_text etag, const char *version);
    /* Offers the parts of a large copy to idle workers, who call copy_parts_help; `withdraw` returns when none of them
     * is at it any more. */
    void (*offer)(void *ctx, struct copy_parts *parts);
    void (*withdraw)(void *ctx, struct copy_parts *parts);
    /* Whether nothing new is to be begun, not even a part. From any worker. */
    bool (*stopping)(void *ctx);
    void *ctx;
};

/* Does an action of kind COPY or RECOPY and fills in its outcome. Never fails otherwise. */
void copy_do(const struct copy_job *job, struct s3_conn *conn, struct action *action);

/* By an idle worker: copies parts until none is left to begin. */
void copy_parts_help(struct copy_parts *parts, struct s3_conn *conn);
/* Whether there are parts that nobody has begun. */
bool copy_parts_wanted(const struct copy_parts *parts);

#endif
