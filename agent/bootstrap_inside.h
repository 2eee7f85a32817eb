/*
 * What the files of bootstrap share. Private to them.
 */
#ifndef AGENT_BOOTSTRAP_INSIDE_H
#define AGENT_BOOTSTRAP_INSIDE_H

#include "agent/access.h"
#include "agent/bootstrap.h"
#include "agent/permission.h"
#include "s3/bucket.h"

enum { BOOTSTRAP_WHERE = 300, BOOTSTRAP_DOCUMENT_MAX = 1024 * 1024 };

struct bootstrap {
    const struct program *program; /* with the config as it was given */
    const struct bootstrap_options *options;
    struct bootstrap_report *report;
    struct s3_conn *conn;
    char account[16]; /* the backup account; "" where nothing says it */
    bool fresh;       /* the bucket is not there yet: nothing of it can be asked (only with --dry-run) */
    bool bare;        /* the store is not AWS: it has no ownership controls */
    bool stop;        /* nothing more can be done */
};

/* A setting was found as it should be, or has been made so, or would be. */
enum bootstrap_state { BOOTSTRAP_OK, BOOTSTRAP_CREATE, BOOTSTRAP_CHANGE, BOOTSTRAP_SKIPPED };

/* Adds a step; CREATE and CHANGE are told as what would be with --dry-run. */
void bootstrap_note(struct bootstrap *work, const char *what, const char *where, enum bootstrap_state state,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Adds a step that went wrong. `sid` is the statement of document `document` that a denial asks for. Stops all where
 * the service is not reached or a signal came. */
void bootstrap_failed(struct bootstrap *work, const char *what, const char *where, const struct failure *failure,
        enum permission_document document, const char *sid);
/* False where there is nothing more to do: after a signal, or what stops all. Between any two steps. */
bool bootstrap_goes_on(struct bootstrap *work);

/* Whether a store of its own, and not AWS, has failed to say who asks: not every one has that question. */
bool bootstrap_is_mute(const struct access *access, const struct failure *failure);

/* What is said of a bucket by one of its documents. */
enum bootstrap_found {
    BOOTSTRAP_FOUND,
    BOOTSTRAP_NONE,
    BOOTSTRAP_LACKS /* the store does not know it */,
    BOOTSTRAP_BAD
};
struct bootstrap_bucket {
    struct s3_client *client;
    const char *name, *owner;
};
/* With the owner that it must have. */
struct s3_bucket_options bootstrap_bucket_options(const struct bootstrap_bucket *bucket);
/* *out is the caller's to decref; JSON of a policy, or of XML as bucket_xml_json makes it. BAD fills `failure`. */
enum bootstrap_found bootstrap_read(struct bootstrap *work, const struct bootstrap_bucket *bucket,
        const char *subresource, json_t **out, struct failure *failure);
enum verdict bootstrap_write(struct bootstrap *work, const struct bootstrap_bucket *bucket, const char *subresource,
        const char *document, struct failure *failure) __attribute__((warn_unused_result));
/* The bucket's policy, merged with `wanted`, which it borrows. `detail` is told with the step. */
void bootstrap_bucket_policy(struct bootstrap *work, const struct bootstrap_bucket *bucket, const json_t *wanted,
        bool keep_principals, enum permission_document document, const char *what, const char *detail);

/* The vault's bucket and everything about it. */
void bootstrap_vault_bucket(struct bootstrap *work, const struct program *admin);

struct bootstrap_role {
    struct s3_client *iam;
    const char *what;            /* "vault role" */
    const char *arn, *account;   /* account: of the credentials; "" where not known */
    const struct config *config; /* what its documents are made for */
    enum permission_document policy, trust, needs;
    const char *sid; /* of what its making needs */
};
void bootstrap_role(struct bootstrap *work, const struct bootstrap_role *role);
/* The backup account's roles. */
void bootstrap_vault_roles(struct bootstrap *work, const struct access *access);
/* The sources' accounts: what is granted there with --source-profile, and what is to be granted. */
void bootstrap_sources(struct bootstrap *work);

#endif
