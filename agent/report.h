/*
 * What a run says of its sources at its end: the struct that the run fills, and its JSON and text.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include <jansson.h>

#include "agent/program.h"
#include "state/point.h"

enum {
    REPORT_FAILURES = 1000, /* named one by one; the count is exact */
    REPORT_WARNINGS = 32    /* what is more is in the events only */
};

struct report_failure {
    char *key; /* raw bytes, key_len; owned */
    size_t key_len;
    struct failure *failure; /* owned */
    bool of_move;
};

struct source_report {
    char source[STATE_SOURCE_MAX + 1];
    enum exit_code exit;
    const char *state; /* "complete", "partial", "guarded", "skipped" */
    char point[STATE_POINT_SIZE];
    uint64_t objects, bytes; /* live in the vault after the run */
    uint64_t listed, copied, recopied, adopted, deleted, moved, unchanged, archived, failed, gone, bytes_copied;
    uint64_t thawing;      /* due to be moved, from an archive class: by a later run */
    uint64_t move_failed;  /* their copies stay where they are; named among the failures, not counted in `failed` */
    uint64_t reclassed;    /* records whose copy was found in another class: a lifecycle rule has moved it */
    uint64_t without_tags; /* copied without tags that may not be read */
    uint64_t without_acl;  /* likewise, of ACLs that the policy wants recorded */
    bool tags;             /* only tags were compared */
    uint64_t tags_compared, tags_changed;
    uint64_t connections;
    uint64_t requests[REQUEST_KINDS];
    uint64_t retried, throttled;
    struct state_totals by_class[CLASS_COUNT];
    struct report_failure failures[REPORT_FAILURES];
    size_t failure_count;
    char *warnings[REPORT_WARNINGS]; /* owned: what somebody should see to although the run went on */
    size_t warning_count;
    double seconds;
    int64_t finished_ms; /* when the point is finished by its own words, of the monotonic clock: a second from now */
    bool has_error;      /* what concerns the whole source */
    struct failure error;
};

void source_report_clear(struct source_report *report);
/* Notes one object's failure: takes `failure`, copies the key. Beyond the bound it is only counted. */
void source_report_add(struct source_report *report, struct state_text key, struct failure *failure);

/* Likewise, of a move. */
void source_report_add_move(struct source_report *report, struct state_text key, struct failure *failure);

/* Adds a warning, once. Copies the text. */
void source_report_warn(struct source_report *report, const char *text);

/* The JSON of `run`; the caller decrefs it. NULL without memory. */
json_t *source_report_json(const struct source_report *report);
/* Its failures alone, as an array. */
json_t *source_report_failures_json(const struct source_report *report);
/* Of a source that could not be looked at: it has no more than a name and an error. */
void source_report_gap(struct source_report *report, const char *name, const struct failure *failure);
/* Gives the document of several "sources" the "error" of the one that its "exit" comes from, where that has one.
 * Returns `document`, which may be NULL. */
json_t *document_lift_error(json_t *document);
/* Lines for people on stdout. */
void source_report_print(const struct source_report *report);

/* "error": {...} as every JSON document has it; the caller decrefs it. */
json_t *failure_json(const struct failure *failure);
/* {"list": 3, "head": 0, ...} */
json_t *requests_json(const uint64_t requests[REQUEST_KINDS]);
/* {"STANDARD": {"objects", "bytes"}}, classes without objects left out. */
json_t *classes_json(const struct state_totals by_class[CLASS_COUNT]);
/* A key as a JSON string; keys that are not valid UTF-8 cannot occur. */
json_t *key_json(struct state_text key);
/* Words for people: a text that was cut within a character, or that a service spelled badly, has "?" there. */
json_t *words_json(const char *words);
/* "2026-11-20T03:00:00Z" */
json_t *time_json(int64_t ms);
/* Prints a document on one line on stdout, and decrefs it. False where stdout fails. */
bool json_print(json_t *document);

#endif
