/* What verify.c and the verify_*.c share. Private to them. */
#ifndef AGENT_VERIFY_INSIDE_H
#define AGENT_VERIFY_INSIDE_H

#include "agent/points.h"
#include "agent/points_versions.h"
#include "agent/prune_record.h"
#include "agent/verify.h"
#include "agent/verify_sort.h"
#include "state/chain.h"

/* A file under points/<source>/<id>/, as it was listed. */
struct verify_file {
    uint32_t folder; /* index of its folder */
    uint64_t number;
    enum layout_kind kind;
    bool there, hidden, rewritten; /* a version; a delete marker; a second version with other content */
    bool named;                    /* by a point */
    uint64_t size;                 /* of the oldest version */
};

/* A folder under points/<source>/, and its point where it has one that can be read. */
struct verify_point {
    struct point_listed listed;
    struct state_point *slim; /* what the chain needs; NULL: no point that can be read */
    char sha256[STATE_SHA256_HEX_SIZE];
    char account[64]; /* of the source's bucket, cut to that; "": it does not say */
    int64_t started_ms, finished_ms;
    enum state_point_state state;
    struct state_totals totals;
    struct state_point_file *files;
    size_t files_count;
    bool walk_ended;
    bool follows; /* names a predecessor */
    bool stray;   /* no point, but a later one names it as its predecessor: its logs count */
    bool removed; /* a prune has said that it takes all of this away: what is left of it is nobody's */
};

/* A time of which it is not known what was written: a log or a point is lost. Both ends included. */
struct verify_span {
    int64_t from_ms, to_ms;
};

/* A run, as its lease tells. */
struct verify_lease {
    uint64_t number;
    int64_t from_ms, last_ms;
    bool judged, finished;
    int64_t to_ms; /* where judged */
};

struct verifying {
    const struct verify_options *options;
    struct verify_report *report;
    int64_t began_ms; /* by the vault's clock */

    struct prune_record record;  /* of the last prune, where it is needed */
    bool has_record;             /* it was read already */
    struct verify_point *points; /* ascending */
    size_t point_count, point_capacity;
    struct verify_file *files; /* by folder, kind and number */
    size_t file_count, file_capacity;
    size_t newest;  /* index of the newest point; point_count: none */
    uint32_t *kept; /* how many points before this index are kept */

    struct verify_span *lost;
    size_t lost_count, lost_capacity;
    struct verify_lease *leases;
    size_t lease_count, lease_capacity;
    int64_t leases_ms; /* when they were listed; 0: never */

    struct verify_sort *history;
    uint64_t sequence;
    struct state_totals live; /* what the history makes of the newest point */
};

/* Tells a problem; key and detail by printf's rules. Any thread. */
void verify_tell(struct verifying *verifying, const char *problem, struct state_text key, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void verify_note(struct verifying *verifying, enum verify_note_kind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A stop was asked for: noted in the report. */
bool verify_stops(struct verifying *verifying);

/* verify_points.c: the files under points/, and the points. */
enum verdict verify_list_points(struct verifying *verifying, struct failure *failure)
        __attribute__((warn_unused_result));
enum verdict verify_read_points(struct verifying *verifying, struct failure *failure)
        __attribute__((warn_unused_result));
struct verify_file *verify_find_file(struct verifying *verifying, const char *point, enum layout_kind kind, uint64_t n);
void verify_free_points(struct verifying *verifying);
/* Whether a point from index `from` up to the one before `to` is kept. */
bool verify_is_kept(const struct verifying *verifying, size_t from, size_t to);
/* "points/docs/<id>/<file>" for a problem, of the vault's layout. */
void verify_path(const struct verifying *verifying, const char *point, enum layout_kind kind, uint64_t number,
        struct layout_path *path);

/* verify_chain.c: the points against each other, and the files that they name. */
enum verdict verify_check_chain(struct verifying *verifying, struct failure *failure)
        __attribute__((warn_unused_result));
void verify_check_files(struct verifying *verifying);

/* verify_history.c: the logs, read and sorted. */
enum verdict verify_read_history(struct verifying *verifying, struct failure *failure)
        __attribute__((warn_unused_result));

/* The lines of a point's full files alone, into a new history (NULL where there is none). *lost: one cannot be read. */
enum verdict verify_read_full(struct verifying *verifying, size_t index, bool *lost, struct failure *failure)
        __attribute__((warn_unused_result));

/* verify_spans.c: what explains a version that no log tells of. */
enum verify_reason { VERIFY_UNEXPLAINED, VERIFY_RUN, VERIFY_UNFINISHED_RUN, VERIFY_LOST_FILE };
bool verify_add_lost(struct verifying *verifying, int64_t from_ms, int64_t to_ms) __attribute__((warn_unused_result));
enum verdict verify_explain(struct verifying *verifying, int64_t modified_ms, enum verify_reason *reason,
        struct failure *failure) __attribute__((warn_unused_result));

/* verify_manifest.c: the records of this state folder against the history. */
enum verdict verify_check_manifest(struct verifying *verifying, struct failure *failure)
        __attribute__((warn_unused_result));

/* verify_objects.c: the versions against the history. */
struct verify_reader;
enum verdict verify_check_objects(struct verifying *verifying, struct verify_reader *reader, struct failure *failure)
        __attribute__((warn_unused_result));

/* All that the history says of one place, the newest first. */
struct verify_change {
    struct verify_record record; /* texts lie in the group */
    bool seen;                   /* its version is listed */
    bool needed;                 /* a kept point needs it */
};
struct verify_group {
    bool is_long;
    struct state_text name, key;
    struct verify_change *changes;
    size_t count, capacity;
    char *text;
    size_t text_used, text_capacity;
};
void verify_group_free(struct verify_group *group);
/* The next place; count 0: the end. *ahead is the history's next record, which this keeps between calls. */
enum verdict verify_group_next(struct verifying *verifying, const struct verify_record **ahead,
        struct verify_group *group, struct failure *failure) __attribute__((warn_unused_result));

/* verify_names.c: the name of a long key, while names/ is listed beside data-long/. */
struct verify_names {
    struct points_versions cursor;
    const struct s3_page_entry *entry;
    size_t prefix_len;
};
enum verdict verify_names_begin(struct verifying *verifying, struct verify_names *names, struct failure *failure)
        __attribute__((warn_unused_result));
enum verdict verify_names_check(struct verifying *verifying, struct verify_names *names,
        const struct verify_group *group, struct failure *failure) __attribute__((warn_unused_result));

/* verify_read.c: the bytes, by threads. NULL reader: nobody reads. */
enum verdict verify_reader_start(struct verifying *verifying, struct verify_reader **reader, struct failure *failure)
        __attribute__((warn_unused_result));
enum verdict verify_reader_give(struct verify_reader *reader, const struct verify_change *change,
        const struct s3_page_entry *entry, struct failure *failure) __attribute__((warn_unused_result));
/* Waits for all that was given. */
void verify_reader_stop(struct verify_reader *reader);

#endif
