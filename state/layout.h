/*
 * Where things lie in the vault: every path is built and taken apart here and nowhere else. Pure functions; any thread.
 *
 *   data/<source>/<key>                      the object
 *   data-long/<source>/<sha256 of key>       where the path above would pass 1,024 bytes, the vault's prefix counted
 *   names/<source>/<sha256 of key>           such a key's bytes, nothing else
 *   points/<source>/<point>/point.json · changes-NNNN.ndjson.zst · full-NNNN.ndjson.zst · forgotten.json
 *   points/<source>/<point>/pinned.json      the point stays, whatever the policy says
 *   points/<source>/<point>/interrupted.json a signal ended its run; before point.json in every listing
 *   points/<source>/<point>/drill-<time>.json   a restore of a sample of that point was tried then
 *   prune/<source>/record.json               when the source was pruned, and where its chain begins since
 *   lease/<source>/<n>.json                  n in ten digits, so that byte order is number order
 *
 * Two keys of one source sort as their data/ paths do; data-long/ is in the order of the hashes.
 */
#ifndef STATE_LAYOUT_H
#define STATE_LAYOUT_H

#include "state/digest.h"
#include "state/entry.h"
#include "state/error.h"
#include "state/utc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_PATH_MAX = 1024,
    STATE_SOURCE_MIN = 3,
    STATE_SOURCE_MAX = 63,
    STATE_PREFIX_MAX = 512,          /* leaves room for every fixed path */
    STATE_FILE_NUMBER_MAX = 99999999 /* four digits at least: from 10,000 on byte order is not number order */
};
#define STATE_LEASE_MAX UINT64_C(9999999999)

enum layout_kind {
    LAYOUT_DATA,
    LAYOUT_DATA_LONG,
    LAYOUT_NAME,
    LAYOUT_POINT,       /* point.json */
    LAYOUT_CHANGES,     /* changes-NNNN.ndjson.zst */
    LAYOUT_FULL,        /* full-NNNN.ndjson.zst */
    LAYOUT_FORGOTTEN,   /* forgotten.json */
    LAYOUT_INTERRUPTED, /* interrupted.json */
    LAYOUT_PINNED,      /* pinned.json */
    LAYOUT_DRILL,       /* drill-20261120T030000Z.json */
    LAYOUT_LEASE,
    LAYOUT_PRUNE /* prune/<source>/record.json */
};

/* The vault's prefix, checked: "" or valid UTF-8 that ends with a slash. */
struct layout {
    char prefix[STATE_PREFIX_MAX];
    size_t prefix_len;
};

/* A path, terminated for printing; keys may hold NUL, so the length counts. */
struct layout_path {
    char ptr[STATE_PATH_MAX + 1];
    size_t len;
};

/* What a path says. The texts borrow the bytes that were parsed. */
struct layout_parts {
    enum layout_kind kind;
    struct state_text source;
    struct state_text key;   /* LAYOUT_DATA */
    struct state_text hash;  /* LAYOUT_DATA_LONG, LAYOUT_NAME: 64 hex digits */
    struct state_text point; /* files of a point */
    uint64_t number;         /* LAYOUT_CHANGES, LAYOUT_FULL: from 1; LAYOUT_DRILL: seconds since 1970; LAYOUT_LEASE:
                                from 0 */
};

/* [a-z0-9.-], 3 to 63 bytes, a letter or digit at both ends, no "..": what S3 allows a new bucket. */
bool layout_source_is_valid(const char *ptr, size_t len) __attribute__((warn_unused_result));

enum state_status layout_init(struct layout *layout, const char *prefix, size_t len, struct state_error *error)
        __attribute__((warn_unused_result));

/*
 * The builders. STATE_BAD_DATA for a source, key, point or number that is not valid.
 * layout_data makes LAYOUT_DATA or LAYOUT_DATA_LONG, and says which; layout_name is the place of a long key's name (a
 * key that is not long has none: STATE_BAD_DATA).
 */
enum state_status layout_data(const struct layout *layout, const char *source, struct state_text key,
        struct layout_path *out, enum layout_kind *kind, struct state_error *error) __attribute__((warn_unused_result));
enum state_status layout_name(const struct layout *layout, const char *source, struct state_text key,
        struct layout_path *out, struct state_error *error) __attribute__((warn_unused_result));
/* A point's files. `number` is 1 or more for LAYOUT_CHANGES and LAYOUT_FULL, seconds since 1970 for LAYOUT_DRILL, 0 for
 * the others. */
enum state_status layout_point_file(const struct layout *layout, const char *source, const char *point,
        enum layout_kind kind, uint64_t number, struct layout_path *out) __attribute__((warn_unused_result));
enum state_status layout_lease(const struct layout *layout, const char *source, uint64_t number,
        struct layout_path *out) __attribute__((warn_unused_result));

/* Where a prune of the source leaves word. */
enum state_status layout_prune(const struct layout *layout, const char *source, struct layout_path *out)
        __attribute__((warn_unused_result));

/*
 * The prefix under which a listing finds a kind: "data/<source>/", "points/<source>/" (all files of a point share
 * it), "lease/<source>/". With a NULL source the folder of all sources, "points/".
 */
enum state_status layout_folder(const struct layout *layout, enum layout_kind kind, const char *source,
        struct layout_path *out) __attribute__((warn_unused_result));

/* The last part of a point's file, "changes-0001.ndjson.zst", as point.json lists it; and back. */
enum { LAYOUT_FILE_NAME_SIZE = 32 };
enum state_status layout_file_name(enum layout_kind kind, uint64_t number, char out[LAYOUT_FILE_NAME_SIZE])
        __attribute__((warn_unused_result));
bool layout_parse_file_name(const char *ptr, size_t len, enum layout_kind *kind, uint64_t *number)
        __attribute__((warn_unused_result));

/* STATE_NOT_FOUND: not a path of ours (outside of the prefix, or of no form above). */
enum state_status layout_parse(const struct layout *layout, const char *ptr, size_t len, struct layout_parts *out)
        __attribute__((warn_unused_result));

#endif
