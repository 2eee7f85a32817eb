/*
 * From results to the manifest: the source's own thread takes what workers did and commits it, records and their change
 * lines together. Never before the vault has it, in batches, sorted by key.
 */
#ifndef AGENT_RECORD_H
#define AGENT_RECORD_H

#include "agent/job.h"
#include "agent/report.h"

enum { JOB_KIND_FAILED = 'f', JOB_KIND_UPLOAD = 'u' }; /* of the manifest's jobs */

struct recorder {
    struct pool *pool;
    struct job *job;
    struct source_report *report;
    const char *point;  /* this run's */
    bool failed_before; /* a former run left keys that failed */
    uint64_t lines;     /* that lie in the outbox since the last flush */
    uint64_t line_bytes;
    uint64_t left;          /* actions given back untried */
    uint64_t pending;       /* keys noted as missing */
    uint64_t still_there;   /* of these, found when looked for again */
    uint64_t left_out;      /* of these, unchanged: they were there all the time, so the listing was not whole */
    uint64_t customer_keys; /* known objects that can now only be read with a customer's key */
    /* What the guard compares with; "": not known, so that every replacement counts. */
    char base_point[STATE_POINT_SIZE];
    int64_t base_ms;       /* when that point was finished */
    uint64_t repeated;     /* recopied, and no replacement since then: the same content, or counted already */
    uint64_t left_changed; /* replaced as listed, and given back untried */
    uint64_t mark_failed;
    uint64_t moves_back; /* actions of kind MOVE that came back */
    uint64_t moves_left; /* of these, untried */
    int64_t newest_ms;   /* no version of the vault that was recorded is newer, by the vault's clock */
};

/* Commits a list of results, counts them in the report, frees them. */
enum verdict record_results(struct recorder *recorder, struct action *results, size_t count, struct failure *failure)
        __attribute__((warn_unused_result));

/* Frees results without recording them: after a failure. */
void results_free(struct recorder *recorder, struct action *results);

#endif
