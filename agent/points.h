/*
 * The points of a source in the vault: finding and reading them. Writing is publish.h. Pure reading, with the calling
 * thread's connection; never trusts a second version of a file under points/: the oldest version of each is the one
 * that was written.
 */
#ifndef AGENT_POINTS_H
#define AGENT_POINTS_H

#include "agent/vault.h"
#include "state/point.h"

enum {
    POINT_VERSION_SIZE =
            128, /* AWS' and Ceph's ids have 32 bytes, others 36; kept small since there may be many points */
    POINT_FILE_BYTES_MAX = 64 * 1024 * 1024 /* of a log or full file; our own have at most 8 MiB */
};

/* One folder under points/<source>/. */
struct point_listed {
    char id[STATE_POINT_SIZE];
    bool has_point;                   /* point.json is there */
    bool forgotten;                   /* forgotten.json is there */
    bool interrupted;                 /* interrupted.json is there */
    bool pinned;                      /* pinned.json is there, also under a delete marker */
    int64_t forgotten_ms;             /* forgotten.json's time, by the server: its oldest version's */
    bool tampered;                    /* a second version with other content, or a delete marker, of a file in it */
    char version[POINT_VERSION_SIZE]; /* of point.json, the oldest; "" on a bucket without versions */
    int64_t written_ms;               /* point.json's, by the server */
    uint32_t logs, fulls;             /* the highest numbers that are there */
};
struct points_list {
    struct point_listed *items; /* ascending by id */
    size_t count, capacity;
};
void points_list_free(struct points_list *list);

/*
 * Ids are of the vault's clock, so one of a time to come is not ours: somebody who may write the vault would be the
 * newest for ever. Readers leave it out, verify and prune tell of it.
 */
enum { POINT_FUTURE_S = 300 };
/* So far ahead of its start an id may be, as each is a second above the newest that is there: many short runs, or a
 * folder that somebody has laid there. Less than the above, as that is judged by other clocks. */
enum { POINT_LEAD_S = 280 };
bool points_is_to_come(const struct vault *vault, const char *id, size_t length);

/* All folders after `after` (NULL or "": all), by ListObjectVersions. An error is never taken for the end. */
enum verdict points_find(const struct vault *vault, struct s3_conn *conn, const char *source, const char *after,
        struct points_list *list, struct failure *failure) __attribute__((warn_unused_result));

/* The folder of this id alone. VERDICT_NOT_FOUND: there is none. */
enum verdict points_find_one(const struct vault *vault, struct s3_conn *conn, const char *source, const char *id,
        struct point_listed *listed, struct failure *failure) __attribute__((warn_unused_result));

/* A point with the hash of its bytes; free with point_read_free. Where its bytes are no point of ours
 * (VERDICT_BAD_DATA), the link is filled in all the same, link.point is "" where nothing could be read. */
struct point_read {
    struct state_point *point;
    struct state_point_link link; /* its id and the hash of its bytes: what its successor names */
};
enum verdict points_read(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct point_listed *listed, struct point_read *read, struct failure *failure)
        __attribute__((warn_unused_result));
void point_read_free(struct point_read *read);

/*
 * Hands the lines of one log or full file to the visitor, and says what the file is (`sum` may be NULL). The compressed
 * bytes are held in memory, and the visitor is not called before they are known to be what `expect` says or, where it
 * is NULL, before the file was read whole once: so a file that is cut or damaged reaches nobody. The oldest version is
 * read, or any other with the content that `expect` names.
 * VERDICT_BAD_DATA: damaged, or not what `expect` says; VERDICT_NOT_FOUND: not there. The visitor's own failure comes
 * back as its status' verdict.
 */
enum verdict points_read_file(const struct vault *vault, struct s3_conn *conn, const struct change_file_id *id,
        const struct change_file_sum *expect, struct change_file_visitor visitor, struct change_file_sum *sum,
        struct failure *failure) __attribute__((warn_unused_result));

/* The id of a point that begins now: the vault's time, and later than `last_folder` ("": none), which is the newest
 * under points/<source>/. Waits where that would be more than POINT_LEAD_S ahead. */
enum verdict points_next(const struct vault *vault, const char *last_folder, int64_t *started_ms,
        char id[STATE_POINT_SIZE], struct failure *failure) __attribute__((warn_unused_result));

#endif
