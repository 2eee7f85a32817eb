/*
 * The manifest from the vault: after the state folder was lost, damaged or left behind by a run elsewhere.
 *
 * From the newest full file and the logs after it, also those that a killed run left without a point; where there are
 * no points at all, from the versions under data/ alone: then a record knows key, size, vault version, class and time,
 * and its ETag stands for the source's.
 */
#ifndef AGENT_REBUILD_H
#define AGENT_REBUILD_H

#include "agent/points.h"
#include "agent/source.h"
#include "state/manifest.h"

enum rebuild_from {
    REBUILD_NOTHING,  /* the manifest stands at the newest point already */
    REBUILD_LOGS,     /* only the logs after the manifest's point were applied */
    REBUILD_FULL,     /* from a full file, or from the first log on */
    REBUILD_VERSIONS, /* from data/ alone */
    REBUILD_EMPTY     /* the vault knows nothing of the source */
};

struct rebuild_result {
    enum rebuild_from from;
    bool has_newest;
    struct state_point_link newest; /* the newest point in the vault, whatever its state */
    uint64_t records, lines, files;
    bool orphan_logs; /* a run was killed before its point: look before copying */
};

/* Brings the manifest to the vault's newest point, logs without a point included (which the next point will name: meta
 * "logs"). With `from_scratch` the manifest's content is not trusted. No thread may use the manifest meanwhile. */
enum verdict rebuild_catch_up(const struct vault *vault, const struct source *source, struct s3_conn *conn,
        struct manifest *manifest, bool from_scratch, struct rebuild_result *result, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
