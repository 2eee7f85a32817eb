/*
 * Where a restore brings things: a bucket with a prefix, or a local folder; and with whose credentials it is written.
 * Those of the source's entry in the config, or, where the config does not know the source (any more), the ambient ones
 * at the vault's endpoint; each can be told otherwise. Made by the main thread, then shared read-only.
 */
#ifndef AGENT_RESTORE_TARGET_H
#define AGENT_RESTORE_TARGET_H

#include "agent/access.h"
#include "agent/vault.h"

/* As the command line says; NULL: not given. */
struct restore_place {
    const char *to; /* s3://bucket/prefix, or a folder */
    const char *profile, *role, *region, *endpoint;
};

struct restore_target {
    const char *folder; /* as given; NULL: a bucket */
    char bucket[64];
    char prefix[S3_KEY_MAX + 1]; /* put before the whole key */
    size_t prefix_len;
    struct config_access config; /* borrows the program's config and the place */
    const char *copy_source_prefix;
    struct access *access;
    struct s3_client *client; /* its requests are counted */
};

/* Takes `place->to` apart. False: `what` says what is wrong with it. Pure. */
bool restore_target_parse(const struct restore_place *place, struct restore_target *target, const char **what)
        __attribute__((warn_unused_result));
/* Opens the client of a parsed bucket and looks whether the bucket is there; a folder needs neither. Requests are
 * counted in `counters`. VERDICT_USAGE: it is the vault itself. */
enum verdict restore_target_open(const struct program *program, const struct vault *vault, const char *source,
        const struct restore_place *place, struct counters *counters, struct s3_conn *conn,
        struct restore_target *target, struct failure *failure) __attribute__((warn_unused_result));
void restore_target_close(struct restore_target *target);

#endif
