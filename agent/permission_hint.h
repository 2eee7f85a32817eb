/*
 * What to grant when a service refuses something: from the request that was refused, and the service's own words where
 * it has any, to statements of the permission table and to the side on which they belong.
 *
 * AWS says why only to a caller of the bucket's own account ("because no identity-based policy allows ..."); across
 * accounts it says "Access Denied", and then both sides are named. Pure but for permission_hint_know, which main calls
 * once, before any thread starts; any thread.
 */
#ifndef AGENT_PERMISSION_HINT_H
#define AGENT_PERMISSION_HINT_H

#include "agent/permission.h"

/* Where a permission is missing or taken away. */
enum permission_side {
    PERMISSION_SIDE_UNKNOWN,
    PERMISSION_SIDE_IDENTITY, /* the role's or user's own policy */
    PERMISSION_SIDE_RESOURCE, /* the policy of the bucket or key */
    PERMISSION_SIDE_ORGANIZATION,
    PERMISSION_SIDE_BOUNDARY,
    PERMISSION_SIDE_SESSION,
    PERMISSION_SIDE_ENDPOINT
};

struct permission_denial {
    char action[80]; /* "s3:GetObject"; "" where the service does not say */
    enum permission_side side;
    bool denies; /* something denies it explicitly, which no Allow outweighs */
    bool of_key; /* it is about KMS */
};

/* Reads the words of an AccessDenied; what they do not say stays empty. */
void permission_denial_read(const char *message, struct permission_denial *denial);
/* "identity", "resource", "organization" ...; "unknown". */
const char *permission_side_name(enum permission_side side);
/* Whether it is the role itself that could not be taken, whatever was then to be asked with it. */
bool permission_is_of_role(const struct s3_error *error);
/* What has to be done about a side where a statement alone does not help, as the end of a sentence; NULL: nothing. */
const char *permission_side_advice(const struct permission_denial *denial);

/* The statement of `document` that has this action, on the sources (`on_source`) or on what is the document's own.
 * NULL: it has none. */
const struct permission *permission_find(enum permission_document document, const char *action, bool on_source);

/* Another statement of the same document with the same action, where this config needs one: at stores that look for a
 * right on the bucket as well. NULL: there is none. */
const struct permission *permission_find_other(
        const struct config *config, const struct permission *one, const char *action, bool on_source);

/* The config by which permission_hint tells the vault from the sources. It is borrowed; NULL: no more hints. Who asks
 * the vault is the vault role, with a config of the vault alone the restore role. */
void permission_hint_know(const struct config *config);
/* Who asks the vault from now on: the role of this document. Before threads start. */
void permission_hint_as(enum permission_document document);
/* What to grant for a request that was refused, as one sentence without a stop. False, and "", where the table does
 * not know it, or the refusal is not about permissions. */
bool permission_hint(const struct s3_error *error, char *out, size_t size);

#endif
