/*
 * Every permission that the program needs: by whom, on what, and what for. The one table from which `policy` prints
 * documents; a service that refuses something is explained by it.
 *
 * Pure, but for the JSON that it makes; any thread.
 */
#ifndef AGENT_PERMISSION_H
#define AGENT_PERMISSION_H

#include <jansson.h>

#include "agent/config.h"
#include "agent/failure.h"

enum permission_document {
    PERMISSION_SOURCE_BUCKET, /* in the source's account: what its bucket grants to the vault role */
    PERMISSION_SOURCE_ROLE,   /* in the source's account: what the source's role may */
    PERMISSION_SOURCE_KEY,    /* in the source's account: what its KMS key grants to the vault role */
    PERMISSION_VAULT_ROLE,
    PERMISSION_VAULT_KEY,    /* what the vault's KMS key grants to the roles of its own account */
    PERMISSION_VAULT_BUCKET, /* what nobody may, not even in its own account */
    PERMISSION_PRUNE_ROLE,
    PERMISSION_RESTORE_ROLE,
    PERMISSION_VAULT_TRUST, /* these four: who may take the role */
    PERMISSION_PRUNE_TRUST,
    PERMISSION_RESTORE_TRUST,
    PERMISSION_SOURCE_TRUST,
    PERMISSION_BOOTSTRAP,        /* what bootstrap itself needs in the backup account */
    PERMISSION_BOOTSTRAP_SOURCE, /* and in a source's account, with --source-profile */
    PERMISSION_DOCUMENTS
};

/* What a statement is about. */
enum permission_resource {
    PERMISSION_EVERYTHING,    /* "*" */
    PERMISSION_VAULT,         /* the bucket */
    PERMISSION_VAULT_OBJECTS, /* all under the vault's prefix */
    PERMISSION_VAULT_POINTS,  /* all under points/ */
    PERMISSION_VAULT_DRILLS,  /* the records of drills under points/ */
    PERMISSION_VAULT_NOTES,   /* all under points/ and lease/ */
    PERMISSION_VAULT_CATALOG, /* all but the copies: under points/, lease/ and names/ */
    PERMISSION_VAULT_ROLES,   /* the roles of the backup account */
    PERMISSION_VAULT_ENCRYPTION,
    PERMISSION_TOPIC,
    PERMISSION_SOURCE, /* the buckets of a source */
    PERMISSION_SOURCE_OBJECTS,
    PERMISSION_SOURCE_ENCRYPTION,
    PERMISSION_SOURCE_ROLES
};

enum { PERMISSION_ACTIONS_MAX = 12 };

struct permission {
    enum permission_document document;
    const char *sid;
    enum permission_resource resource;
    const char *actions[PERMISSION_ACTIONS_MAX]; /* the rest is NULL */
    const char *why;                             /* what does not work without */
    enum {
        PERMISSION_ALWAYS,
        PERMISSION_WITH_KEY,
        PERMISSION_WITH_ACL,
        PERMISSION_WITH_RECORDED_ACL,
        PERMISSION_WITH_STREAMS, /* sources in AWS whose "copy" is "stream" */
        PERMISSION_WITH_TOPIC,
        PERMISSION_WITH_LOCK,
        PERMISSION_WITH_EXTENSION, /* of locks */
        PERMISSION_IN_AWS,         /* the vault's endpoint is AWS's own */
        PERMISSION_ELSEWHERE       /* it is another store */
    } when;
};

/* All of them, in the order of the documents. */
const struct permission *permission_table(size_t *count);

/* "vault-role"; PERMISSION_DOCUMENTS where it is none. */
enum permission_document permission_document_of(const char *name);
const char *permission_document_name(enum permission_document document);

/* The role of the backup account that is for restores alone: its name is the vault role's with "-restore". False where
 * the config has no vault role, or the name would be too long. */
enum { PERMISSION_ARN_SIZE = 2304 };
bool permission_restore_role(const struct config *config, char arn[PERMISSION_ARN_SIZE]);
/* The account of an ARN; "" where the text is none. */
void permission_account_of(const char *arn, char account[16]);
/* The backup account, as the config or the vault role says; "" where neither does. */
void permission_vault_account(const struct config *config, char account[16]);

/* Whether this config needs the statement at all: its "when". */
bool permission_is_needed(const struct config *config, const struct permission *permission);

/*
 * The document for this config. Of the sources' documents: for the config's source that `source` names or selects;
 * NULL: for all that is in the config. Buckets that are chosen by tags are not known beforehand: their account's are
 * all meant. VERDICT_USAGE: the config does not say what the document must name.
 */
enum verdict permission_policy(const struct config *config, enum permission_document document, const char *source,
        json_t **policy, struct failure *failure) __attribute__((warn_unused_result));

#endif
