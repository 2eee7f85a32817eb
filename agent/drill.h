/*
 * A restore drill: a random sample of a source's objects, stratified by class, age and size, is really restored into a
 * scratch bucket, compared there in bytes, headers, metadata and tags, and taken away again. What came of it is written
 * beside the point it was drawn from, with that point's hash, so that it belongs to the chain: who restored what, how
 * it was chosen (the seed draws the same sample again), and what that says of all objects.
 *
 * Everything it writes to the scratch bucket lies under a prefix of its own that no other drill has, and all of that is
 * deleted by version at the end, also after a signal. In the vault it writes the record, and asks for thaws.
 *
 * Main thread; the objects by a crew.
 */
#ifndef AGENT_DRILL_H
#define AGENT_DRILL_H

#include <jansson.h>
#include <pthread.h>

#include "agent/drill_sample.h"
#include "agent/get.h"
#include "agent/prices.h"
#include "agent/restore_target.h"

enum {
    DRILL_SAMPLE_DEFAULT = 100,
    DRILL_SAMPLE_MAX = 10000, /* held in memory, with their keys */
    DRILL_PROBLEMS_MAX = 1000 /* told one by one; the count is exact */
};
#define DRILL_CONFIDENCE 0.95

struct drill_options {
    const struct program *program;
    const struct vault *vault;
    struct counters *counters; /* of requests to vault and scratch */
    struct s3_conn *conn;      /* the main thread's */
    const char *source;        /* the vault's folder */
    struct restore_place place;
    struct get_when when;
    uint64_t sample;
    uint64_t thaw_max; /* bytes that may be thawed for it */
    double cost_max;   /* below 0: no limit */
    bool has_seed;
    uint64_t seed;
    enum thaw_tier tier;
    bool no_wait;
};

struct drill_problem {
    char *key; /* owned, key_len bytes */
    size_t key_len;
    const char *problem; /* a stable name, "bytes-changed" */
    char detail[700];
};

/* Threads write what stands behind the lock under it; all of it is fixed once drill_do has returned. */
struct drill_report {
    enum exit_code exit;
    char source[STATE_SOURCE_MAX + 1];
    struct state_point_link point; /* "": none could be drilled */
    enum state_point_state state;
    int64_t point_finished_ms, started_ms, finished_ms;
    uint64_t seed, wanted;
    char who[2048];                               /* "": the service does not tell */
    char scratch[S3_BUCKET_MAX + S3_KEY_MAX + 8]; /* s3://bucket/prefix, unique to this drill */
    struct drill_sample strata;
    char record[STATE_PATH_MAX + 1]; /* "": none was written */
    uint64_t worth;                  /* as drill_sample_worth, of the strata that were tested whole */
    uint64_t covered;                /* objects of those */
    uint64_t bad_covered;            /* bad ones among the tested of those */
    double at_most;                  /* share of bad objects among the covered; 1: nothing is known */
    bool done;                       /* the sample was tested, and what follows is known */
    bool census;                     /* every covered object was tested: at_most is no bound but the share itself */
    struct cost cost;                /* an estimate, without what bytes cost that leave the service */
    struct prices prices;
    bool has_error;
    struct failure error;

    pthread_mutex_t lock;
    uint64_t tested[DRILL_STRATA], bad[DRILL_STRATA], skipped[DRILL_STRATA];
    const char *why_skipped[DRILL_STRATA];
    uint64_t checked, bytes_read, with_source;
    uint64_t by_etag, by_checksum, by_copy; /* how bytes were compared; by_copy: with the vault's own bytes */
    uint64_t thawed, thawed_bytes, thawing; /* thawing: still under way */
    int64_t thaw_ms;                        /* how long was waited for thaws */
    uint64_t scratch_left;                  /* objects that could not be taken away */
    struct drill_problem *items;
    size_t listed;
    uint64_t problems;
};

/* Fills the report, whatever happens; drill_report_free it. */
void drill_do(const struct drill_options *options, struct drill_report *report);
void drill_report_free(struct drill_report *report);

/* drill_record.c: the same JSON for the vault and for --json; the caller decrefs it. NULL without memory. */
json_t *drill_record_json(const struct drill_report *report);
/* [{"source", "key", "problem", "detail"}] */
json_t *drill_problems_json(const struct drill_report *report);
/* {"level", "at_most", ...} */
json_t *drill_confidence_json(const struct drill_report *report);
/* The page for people, on stdout. */
void drill_page_print(const struct drill_report *report);

#endif
