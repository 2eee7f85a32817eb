/*
 * A source as the vault holds it at a point or a time: one stream of objects in key order, read from the full file and
 * the logs of the points, or, where there are no points or somebody asks for it, from the versions alone. Reads the
 * vault only: no source account, no manifest. What it has to sort lies in a folder of its own under the state folder,
 * which view_close removes, and the next view_open, where a killed one left it.
 *
 * An error never looks like the end. For one thread; the connection is used by view_open only.
 */
#ifndef AGENT_VIEW_H
#define AGENT_VIEW_H

#include "agent/get.h"
#include "agent/program.h"

struct view;

struct view_options {
    const struct program *program;
    const struct vault *vault;
    struct s3_conn *conn;
    const char *source; /* the vault's folder */
    const struct get_when *when;
    bool from_versions;       /* whatever the points say */
    struct state_text prefix; /* of keys; empty: all */
};

struct view_about {
    bool from_versions;
    bool doubtful;     /* the points are damaged (told as a warning): the versions and their times stand in */
    uint64_t nameless; /* from versions: long keys whose names are missing, and which are left out */
    int64_t at_ms;     /* when the point had finished, or the time */
    const struct state_point *point; /* whole, borrowed; NULL where the versions stand in */
    /* `latest` and times take complete points only: the newest one of another kind that was passed over */
    char passed_over[STATE_POINT_SIZE]; /* "": none */
    enum state_point_state passed_over_state;
};

struct view_object {
    struct state_entry entry; /* from versions: source_time_ms is 0, etag is the vault's */
    struct state_text acl;    /* the source object's, where it was recorded */
};

/* VERDICT_NOT_FOUND: no such point, or none by then; `failure` says which there are. */
enum verdict view_open(const struct view_options *options, struct view **view, struct failure *failure)
        __attribute__((warn_unused_result));
const struct view_about *view_about(const struct view *view);
/* *object is borrowed until the next call, NULL at the end. A failure stays. */
enum verdict view_next(struct view *view, const struct view_object **object, struct failure *failure)
        __attribute__((warn_unused_result));
/* The next view_next yields the first object again. */
enum verdict view_rewind(struct view *view, struct failure *failure) __attribute__((warn_unused_result));
void view_close(struct view *view);

#endif
