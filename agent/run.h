/*
 * One run of one source, from lease to point: plain blocking code on a thread of its own, which leaves listing,
 * comparing and copying to the pool, records what comes back and publishes it. See the README of this folder for the
 * order of things, on which all safety rests.
 */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include "agent/health.h"
#include "agent/lease.h"
#include "agent/pool.h"
#include "agent/report.h"
#include "agent/source.h"

enum run_kind {
    RUN_BACKUP,
    RUN_REBUILD, /* resync: as a backup, but the manifest is made anew from the vault, and what the vault has is
                    adopted before it is copied */
    RUN_TAGS,    /* resync --tags: only the tags of what the manifest has are compared; makes no point */
    RUN_RECOPY   /* resync --recopy: every key of the prefix is copied, whatever the manifest says */
};

struct run_options {
    const struct program *program;
    const struct source *source;
    const struct access *vault_access;
    struct pool *pool;
    struct lease_keeper *keeper;
    const struct health *health; /* of the vault */
    enum run_kind kind;
    struct budget *budget; /* of all sources together; NULL: none */
    bool accept;           /* what the guard sees is let through this time */
    const int64_t *slot_s; /* only where no run that began since then has left a point; NULL: in any case */
    const char *prefix;    /* RUN_RECOPY, RUN_TAGS: only these keys; NULL: all */
    bool doubts_vault;     /* what is recorded is looked for in the vault: only keys with the prefix */
};

/* Fills in the report, its exit code included; never fails otherwise. */
void run_source(const struct run_options *options, struct source_report *report);

#endif
