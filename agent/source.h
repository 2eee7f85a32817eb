/*
 * One bucket that is backed up: what the config says of it, and how it is read. Made by selection, read-only
 * afterwards, shared by all threads. Several sources of one config entry share its access.
 */
#ifndef AGENT_SOURCE_H
#define AGENT_SOURCE_H

#include "agent/access.h"
#include "agent/config.h"
#include "state/layout.h"

struct source {
    const struct config_source *config;
    const struct config_policy *policy;
    char name[STATE_SOURCE_MAX + 1]; /* the vault's folder */
    char bucket[64];
    char region[32];          /* "" where not known */
    const char *owner;        /* account id for x-amz-source-expected-bucket-owner, NULL where not configured */
    bool unclean;             /* the last run with this state folder was killed */
    struct access *access;    /* borrowed */
    struct s3_client *client; /* lists and reads it with the source's own credentials */
};

/* Whether the config wants this key backed up: it has one of the prefixes, and no exclusion. */
bool source_wants_key(const struct source *source, const char *key, size_t length);

#endif
