/*
 * point.json: a recovery point as the vault keeps it. Written once, last of its run, never changed: the points of a
 * source form a chain, each naming its predecessor and the SHA-256 of that file's bytes. Pure functions over memory, by
 * jansson; any thread. Unknown fields are ignored when reading, a format above ours is STATE_TOO_NEW.
 */
#ifndef STATE_POINT_H
#define STATE_POINT_H

#include "state/change_file.h"
#include "state/digest.h"
#include "state/entry.h"
#include "state/error.h"
#include "state/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_POINT_FORMAT = 1,
    STATE_POINT_BYTES_MAX = 16777216,
    STATE_POINT_FILES_MAX = 100000,
    STATE_POINT_MISSING_MAX = 1000, /* listed by key; the count is exact */
    STATE_POINT_TEXT_MAX = 1024     /* bucket, region, operation, code, message …; what servers said is cut to it */
};

enum state_point_state { STATE_POINT_COMPLETE, STATE_POINT_PARTIAL, STATE_POINT_GUARDED };

struct state_totals {
    uint64_t objects;
    uint64_t bytes;
};

/* What the run did, in objects; names as the report's. */
struct state_point_did {
    uint64_t listed, copied, recopied, adopted, deleted, moved, unchanged, archived, failed;
    uint64_t bytes_copied;
    uint64_t repeated;      /* of recopied: content as before, or replaced already since what the guard compares with */
    uint64_t customer_keys; /* of failed: known objects that now want a customer's key */
};

/* An object that the point lacks, and why. NULL texts are written as "". */
struct state_point_missing {
    struct state_text key;
    const char *operation; /* "CopyObject" */
    unsigned status;       /* HTTP, 0 where there was no answer */
    const char *code;      /* S3's, or the transport's */
    const char *message;
    const char *request_id;
};

/* Why the guard stopped it. */
struct state_point_guard {
    const char *reason; /* one line for people */
    uint64_t before;    /* objects of the last complete point */
    uint64_t changed;
    uint64_t deleted;
    uint64_t left_changed, left_deleted; /* of these: what an accepted run did not come to, later ones do */
    char complete[STATE_POINT_SIZE];     /* the last complete point, pinned; empty: none */
};

struct state_point_file {
    enum layout_kind kind; /* LAYOUT_CHANGES, LAYOUT_FULL */
    uint64_t number;
    char point[STATE_POINT_SIZE]; /* whose folder: this point's, or an earlier run's that was killed before its
                                     point.json */
    struct change_file_sum sum;
};

struct state_point_link {
    char point[STATE_POINT_SIZE];
    char sha256[STATE_SHA256_HEX_SIZE]; /* of the bytes of its point.json */
};

struct state_point {
    const char *program; /* "vaultferry 0.1.0" */
    const char *source;  /* the name in the vault */
    const char *bucket;
    const char *account; /* texts that are not known are "" */
    const char *region;
    char id[STATE_POINT_SIZE];
    int64_t started_ms;
    int64_t finished_ms;
    enum state_point_state state;
    bool walk_ended; /* the listing reached its end: a partial point of which this is true lacks only what `missing`
                        says */

    struct state_totals by_class[CLASS_COUNT];
    struct state_point_did did;

    uint64_t missing_count;
    const struct state_point_missing *missing; /* the first STATE_POINT_MISSING_MAX */
    size_t missing_listed;

    bool has_guard;
    struct state_point_guard guard;

    bool has_predecessor; /* false only for a source's first point */
    struct state_point_link predecessor;
    /*
     * After a prune: the oldest point that it left, and that one's link to the last point that was removed. Every later
     * point repeats the newest such root, until another prune.
     */
    bool has_root;
    char root[STATE_POINT_SIZE];
    struct state_point_link root_removed;

    /* In the order in which they apply: by folder, logs before full files, by number; strictly ascending. */
    const struct state_point_file *files;
    size_t files_count;

    /* JSON values as text, kept in value, not in spelling; NULL: not there. */
    const char *policy;        /* the effective policy */
    const char *configuration; /* of the source bucket: policy, lifecycle, CORS, encryption, tags, versioning */
};

/* The file's bytes, the same for the same point; the caller frees them. STATE_FULL: larger than the bound. */
enum state_status state_point_write(const struct state_point *point, char **bytes, size_t *len,
        struct state_error *error) __attribute__((warn_unused_result));
/* Returns a point that owns all it points to (state_point_free). */
enum state_status state_point_read(const char *bytes, size_t len, struct state_point **out, struct state_error *error)
        __attribute__((warn_unused_result));
/* For what state_point_read returned only. */
void state_point_free(struct state_point *point);

/* Whether every field keeps its bounds and form: asked before a point is written and after it was read. */
enum state_status state_point_check(const struct state_point *point, struct state_error *error)
        __attribute__((warn_unused_result));

struct state_totals state_point_totals(const struct state_point *point);
const char *state_point_state_name(enum state_point_state state);
/* The link to a point whose file has these bytes. */
enum state_status state_point_link_to(const char id[STATE_POINT_SIZE], const char *bytes, size_t len,
        struct state_point_link *out, struct state_error *error) __attribute__((warn_unused_result));

#endif
