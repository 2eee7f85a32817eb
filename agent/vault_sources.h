/*
 * The sources that the vault knows: the folders under points/. Needs no source account and no selection, so it works on
 * the worst day.
 */
#ifndef AGENT_VAULT_SOURCES_H
#define AGENT_VAULT_SOURCES_H

#include "agent/command.h"
#include "agent/vault.h"

struct vault_sources {
    char (*names)[STATE_SOURCE_MAX + 1]; /* in byte order */
    size_t count, capacity;
};

/* The folders in the vault, and the names that the config says without asking anybody (streams, literal buckets);
 * `wanted` (none: all) keeps only those. A wanted name that is neither is VERDICT_USAGE. */
enum verdict vault_sources_find(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const struct option_list *wanted, struct vault_sources *sources, struct failure *failure)
        __attribute__((warn_unused_result));
/* Of what was found for one wanted name, its own or its bucket's: the vault's folder. */
const char *vault_sources_folder(const struct vault_sources *sources, const char *wanted);
void vault_sources_free(struct vault_sources *sources);

#endif
