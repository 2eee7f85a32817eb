/*
 * The manifest from the vault: after the state folder was lost, damaged or left behind by a run elsewhere.
 *
 * From the newest full file and the logs after it, also those that a killed run left without a point; where there are
 * no points at all, from the versions under data/ alone: then a record knows key, size, vault version and class, its
 * ETag stands for the source's, and its source time is not known, so that a run looks at each object once.
 *
 * The points are followed by their links, from the newest backwards, and every link's hash is checked on the way.
 *
 * Killed at any instant, the next call goes on or begins anew, and ends with the same manifest: the point that the
 * manifest stands at moves only in the batch that completes that point's logs. Memory does not depend on the number of
 * records; of the points, what lies between two full files is held.
 */
#ifndef AGENT_REBUILD_H
#define AGENT_REBUILD_H

#include "agent/points.h"
#include "agent/source.h"
#include "state/manifest.h"

enum rebuild_from {
    REBUILD_NOTHING,  /* the manifest stands at the newest point already */
    REBUILD_LOGS,     /* only logs were applied: of points after the manifest's, or without a point */
    REBUILD_FULL,     /* from a full file, or from the first log on */
    REBUILD_VERSIONS, /* from data/ alone */
    REBUILD_EMPTY     /* the vault knows nothing of the source */
};

struct rebuild_result {
    enum rebuild_from from;
    bool has_newest;
    struct state_point_link newest;     /* the newest point in the vault, whatever its state */
    char last_folder[STATE_POINT_SIZE]; /* the newest folder under points/, also one without a point, "": none. The
                                           next point's id must be above it */
    uint64_t records, lines, files;
    uint64_t skipped; /* logs without a point that are damaged, and long keys whose names are missing: left out */
    bool orphan_logs; /* a run was killed before its point, or lines that no log holds were dropped: look before copying
                       */
};

/*
 * Brings the manifest to the vault's newest point, logs without a point included (which the next point will name: meta
 * "logs"). With `from_scratch` the manifest's content is not trusted. No thread may use the manifest meanwhile. Call it
 * before the first publisher_flush: where the vault has moved on without this manifest, what lies in its outbox is out
 * of date and is dropped, and what it tells of is found again by looking.
 *
 * VERDICT_BAD_DATA: the chain is broken, or a file that is needed is missing or damaged; `failure` names it. Then
 * rebuild_from_versions is left.
 */
enum verdict rebuild_catch_up(const struct vault *vault, const struct source *source, struct s3_conn *conn,
        struct manifest *manifest, bool from_scratch, struct rebuild_result *result, struct failure *failure)
        __attribute__((warn_unused_result));

/* From the versions under data/ alone, whatever the points say; the chain goes on after the newest point, and the next
 * point wants a full file. */
enum verdict rebuild_from_versions(const struct vault *vault, const struct source *source, struct s3_conn *conn,
        struct manifest *manifest, struct rebuild_result *result, struct failure *failure)
        __attribute__((warn_unused_result));

/*
 * A source as it was, into a manifest that has nothing yet and is read once (an index, which never publishes and never
 * catches up).
 */
struct rebuild_view {
    const struct vault *vault;
    struct s3_conn *conn;
    const char *source; /* the vault's folder */
    struct manifest *manifest;
    struct state_text prefix; /* of the keys that are wanted; empty: all */
};
/* As the newest point of the list says, which may be cut: what comes after it is not looked at. *unknown: how many
 * records (at most) do not know their vault version. VERDICT_BAD_DATA as above. */
enum verdict rebuild_view_point(const struct rebuild_view *view, const struct points_list *list, uint64_t *unknown,
        struct failure *failure) __attribute__((warn_unused_result));
/* As the versions alone say: of each object the newest that was there at that time, INT64_MAX: the current ones.
 * *nameless: long keys whose names are missing, and which are left out. */
enum verdict rebuild_view_time(const struct rebuild_view *view, int64_t until_ms, uint64_t *nameless,
        struct failure *failure) __attribute__((warn_unused_result));

/*
 * Records whose version is not in the vault any more, whoever has ended it, forget their source's time: the next walk
 * then sees them as changed, and brings the object again. `of` is a manifest that a rebuild has made, its prefix the
 * keys that are looked for; a request for each 1,000 versions. Two callers at once are none: nothing else may write.
 */
enum verdict rebuild_doubt_missing(const struct rebuild_view *of, uint64_t *missing, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
