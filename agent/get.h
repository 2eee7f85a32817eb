/*
 * One object of the vault, as it was at a time, to a descriptor. Needs the vault alone: no source account, no manifest.
 *
 * Which version it was is read from the points: from the newest complete one that had finished by then, back to where
 * the key is named. Where there are no points, or they are damaged, the versions of the object and their times say it.
 *
 * Main thread.
 */
#ifndef AGENT_GET_H
#define AGENT_GET_H

#include "agent/points.h"

/* A point's id, an RFC 3339 time, an age such as 2h, or the latest: what --at takes. */
enum get_when_kind { GET_LATEST, GET_POINT, GET_TIME, GET_AGE };
struct get_when {
    enum get_when_kind kind;
    char point[STATE_POINT_SIZE]; /* GET_POINT */
    int64_t value;                /* GET_TIME: milliseconds since 1970; GET_AGE: seconds */
};
/* NULL and "latest" are the latest. False: none of the forms. Pure. */
bool get_when_parse(const char *text, struct get_when *when) __attribute__((warn_unused_result));
/* The time up to which points count; INT64_MAX for the latest. Pure. */
int64_t get_when_ms(const struct get_when *when, int64_t now_ms) __attribute__((warn_unused_result));

struct get_place {
    const struct vault *vault;
    struct s3_conn *conn;
    const char *source; /* the vault's folder */
    struct state_text key;
};

/* The point that is meant: the one that is named, or the newest complete one that had finished by then. */
struct get_choice {
    struct point_read read;             /* the caller's to point_read_free */
    const struct point_listed *listed;  /* borrows the list; may be set where the point itself cannot be read */
    char passed_over[STATE_POINT_SIZE]; /* the newest by then that is not complete, where none is named; "": none */
    enum state_point_state passed_over_state;
};
/* Of the list of all points; the place's key is not looked at. VERDICT_BAD_DATA: one that may be it cannot be read. */
enum verdict get_choose(const struct get_place *place, const struct points_list *list, const struct get_when *when,
        struct get_choice *choice, struct failure *failure) __attribute__((warn_unused_result));
/* The listed point of this id; NULL. Pure. */
const struct point_listed *get_listed_point(const struct points_list *list, const char *id);

struct get_found {
    struct layout_path path;
    char version[S3_VERSION_MAX + 1]; /* "": the current one */
    bool has_size;
    uint64_t size;
    bool doubtful; /* the points are damaged: told as a warning; this is what the versions' times say */
};
/* VERDICT_NOT_FOUND: it was not there then; `failure` says at which point. */
enum verdict get_find(const struct get_place *place, const struct get_when *when, struct get_found *found,
        struct failure *failure) __attribute__((warn_unused_result));

/* Writes it, each byte once: after a broken connection it goes on behind the last byte. *written says how far it came.
 */
enum verdict get_send(const struct get_place *place, const struct get_found *found, int output, uint64_t *written,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
