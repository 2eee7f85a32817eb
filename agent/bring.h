/*
 * Carrying one version out of the vault into another bucket: the only code that writes objects back. By CopyObject in
 * one request with the destination's credentials, by UploadPartCopy above 5 GB or where the version has parts; and
 * where the destination's principal may not read the vault, or the two are different stores, through this process, with
 * the credentials of each side. However it goes, the boundaries of parts are kept, so that the ETag is the same, and a
 * later comparison needs no bytes. Headers, metadata, tags and a recorded ACL go along; the encryption is the
 * destination's own. What lies under the key is written over: whether that is wanted is for the caller to say.
 *
 * By the threads of a crew, each with its own connection. A bring that breaks off leaves nothing behind that can be
 * seen; what is there when it returns was compared with the vault's version.
 */
#ifndef AGENT_BRING_H
#define AGENT_BRING_H

#include <stdatomic.h>

#include "agent/vault.h"
#include "state/change.h"

/* What all objects of a restore share. Fixed while threads use it, but for the atomics. */
struct bring_job {
    const struct vault *vault;
    struct s3_client *from; /* reads the vault */
    struct s3_client *to;   /* writes the destination, and copies where one principal can */
    const char *bucket, *expected_owner;
    const char *class_;             /* NULL: STANDARD */
    const char *copy_source_prefix; /* of the vault's bucket; NULL in AWS */
    bool one_endpoint;              /* else everything passes through here */
    bool website;                   /* redirects have to be set anew: a HEAD an object */
    uint64_t parts_above;           /* larger ones go by parts: S3's 5 GiB, less in tests */
    atomic_bool copies;             /* a server-side copy has been done: a denial is one */
    atomic_bool streams;            /* the destination's principal cannot copy from the vault */
    _Atomic uint64_t without_acl;   /* brought, but their recorded ACL could not be set; the first is told */
    _Atomic uint64_t without_tags;  /* brought without tags, which may not be read; the first is told */
};

/* Borrowed for the call. */
struct bring_object {
    const struct layout_path *path; /* in the vault */
    const char *version;            /* "": the current one */
    const char *etag;               /* the version's */
    uint64_t size;
    struct s3_text key;    /* in the destination */
    struct state_text acl; /* as recorded; empty: none */
};

struct bring_result {
    char etag[S3_ETAG_MAX + 1];
    char version[S3_VERSION_MAX + 1]; /* in the destination; "" where it has none */
    enum state_compared by;
    bool streamed;
};

/*
 * S3_ARCHIVED: the version has to be thawed first. S3_CANCELLED: a stop was asked for. S3_NOT_FOUND: the vault does not
 * have the version; where it is the destination's bucket that is missing, S3_DENIED. S3_CHANGED: the version has
 * another ETag. S3_BAD_DATA: the vault gave bytes that are not what its ETag says, or others arrived.
 */
enum s3_status bring_do(struct bring_job *job, struct s3_conn *conn, const struct bring_object *object,
        struct bring_result *result, struct s3_error *error) __attribute__((warn_unused_result));

#endif
