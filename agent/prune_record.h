/*
 * prune/<source>/record.json: when a source was last pruned, and, once points were taken away, where its chain begins
 * since: the oldest point that was left, and that one's link to the last that was removed. Written before anything of
 * the chain goes, so that at every instant the vault says why its oldest points are missing. It lies beside points/, as
 * the role of the runs can be denied to write there.
 *
 * The newest version counts. Any thread, with its connection.
 */
#ifndef AGENT_PRUNE_RECORD_H
#define AGENT_PRUNE_RECORD_H

#include "agent/vault.h"
#include "state/point.h"

struct prune_record {
    int64_t pruned_ms; /* when a prune came to its end; 0: none has */
    bool has_root;
    char root[STATE_POINT_SIZE];
    struct state_point_link removed; /* what the root names as its predecessor */
};

/* Where there is none, all is 0. */
enum verdict prune_record_read(const struct vault *vault, struct s3_conn *conn, const char *source,
        struct prune_record *record, struct failure *failure) __attribute__((warn_unused_result));
/* And takes the record's older versions away, as far as that is allowed. */
enum verdict prune_record_write(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct prune_record *record, struct failure *failure) __attribute__((warn_unused_result));

#endif
