/*
 * Carrying one object out of the vault: exactly the version that was recorded, into any bucket. Inside the store where
 * the destination's credentials may read the vault, else through here: read with the vault's credentials, written with
 * the destination's. By the vault's own parts, so that the destination's ETag is the vault's and a later comparison
 * needs no bytes.
 *
 * Headers, metadata, website redirect and tags come along, the ACL where one was recorded. The class is the job's, the
 * encryption the destination's own. What is there under the key is written over: whether that is wanted is the caller's
 * decision. Nothing is written to the vault, and nothing is deleted but uploads that were begun here.
 *
 * Any thread, each with its own connection. A job is shared by all that work on it.
 */
#ifndef AGENT_BRING_H
#define AGENT_BRING_H

#include <stdatomic.h>

#include "agent/vault.h"
#include "agent/view.h"
#include "state/change.h"

/* Zero what is not needed. Fixed while it is in use, but for what is atomic. */
struct bring_job {
    const struct program *program;
    const struct vault *vault;
    const char *source; /* the vault's folder */
    struct s3_client *client;
    const char *bucket, *owner;     /* the destination; owner: its account, NULL where not known */
    const char *storage_class;      /* NULL: STANDARD */
    const char *copy_source_prefix; /* before the vault's name, for stores with tenants; NULL: none */
    bool stream;                    /* through here, whatever the two sides may do */
    bool redirects; /* objects may have website redirects, which cost a HEAD each where the store copies by itself */
    bool no_acl;    /* leaves recorded ACLs alone */
    uint64_t parts_above; /* objects larger than this go by parts; 0: S3's 5 GiB */

    _Atomic uint64_t bytes;        /* carried so far, also of objects under way */
    _Atomic uint64_t without_acl;  /* written, but their ACL was refused; the first is told as a warning */
    _Atomic uint64_t without_tags; /* written without tags, which the vault's credentials may not read; likewise */
    _Atomic int way;               /* private: whether the store copies by itself, as far as that is known */
};

/* What is to be brought; borrowed for the call. */
struct bring_object {
    const struct view_object *object;
    struct state_text to; /* the whole key at the destination */
    const char *version;  /* of the vault, as a listing says it. NULL: the object's own, or the current one */
    const char *etag;     /* of that version in the vault. NULL: a HEAD more finds it */
};
/* A copy of all of it in one piece, for a task of a crew: free() it. NULL without memory. */
struct bring_object *bring_object_copy(const struct bring_object *object);

enum bring_outcome {
    BRING_DONE,
    BRING_ARCHIVED /* it has to be thawed first; nothing was written */
};

struct bring_result {
    enum bring_outcome outcome;
    char etag[S3_ETAG_MAX + 1], version[S3_VERSION_MAX + 1]; /* what was written */
    uint64_t bytes;
    enum state_compared by; /* what was written, with what the vault has */
    bool streamed, in_parts;
};

/*
 * VERDICT_NOT_FOUND: the vault does not have that version (where the bucket of the destination is missing:
 * VERDICT_NO_ACCESS). VERDICT_CHANGED: the version has another ETag than was said. VERDICT_BAD_DATA: the bytes are not
 * what the vault says they are, or arrived as others; where they were written they are left. VERDICT_CANCELLED: a stop
 * was asked for.
 */
enum verdict bring_do(struct bring_job *job, struct s3_conn *conn, const struct bring_object *object,
        struct bring_result *result, struct failure *failure) __attribute__((warn_unused_result));

/* Whether a size and an ETag, as the destination's listing says them, are those of the object. Pure. A different ETag
 * proves nothing: bring_is_same asks. `etag` is of the vault's version, NULL where not known. */
bool bring_looks_same(const struct state_entry *entry, const char *etag, uint64_t size, struct state_text there);
/* Whether what lies under the destination's key is the object: by size, and by ETag or checksum of the bytes, by a HEAD
 * of both. *same is false where nothing lies there, and where nothing comparable is known of the two. */
enum verdict bring_is_same(struct bring_job *job, struct s3_conn *conn, const struct bring_object *object, bool *same,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
