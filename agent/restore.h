/*
 * Bringing a source back: passes over what is to be there, what the vault holds of it and what the destination has (see
 * restore_merge.h), until the last one finds everything equal. Whatever is equal already is left alone, so an
 * interrupted restore goes on by being called again, on any machine: nothing but the destination is consulted.
 *
 * Needs the vault and the destination: no source account, no manifest. In the vault it writes nothing; where copies are
 * archived it asks for their thaw. Main thread.
 */
#ifndef AGENT_RESTORE_H
#define AGENT_RESTORE_H

#include "agent/prices.h"
#include "agent/report.h"
#include "agent/restore_target.h"
#include "agent/thaw.h"
#include "agent/view.h"

/* What is done with an object of the destination that is another one. */
enum restore_conflict { RESTORE_SKIP, RESTORE_OVERWRITE, RESTORE_FAIL };

struct restore_options {
    const struct program *program;
    const char *source; /* its name or its bucket's */
    const char *prefix; /* of keys; "": all */
    struct get_when when;
    bool from_versions;
    struct restore_place place;
    enum restore_conflict conflict;
    const char *class_; /* NULL: the destination's default */
    enum thaw_tier tier;
    bool no_wait, dry_run;
};

/* What --dry-run foresees. */
struct restore_forecast {
    struct state_totals bring[CLASS_COUNT]; /* by the vault's class, archived ones included */
    struct state_totals thaw[CLASS_COUNT];  /* of these, what is archived and not thawed */
    uint64_t thawing;                       /* is being thawed already */
    uint64_t skip;                          /* conflicts that would be left */
};

struct restore_report {
    enum exit_code exit;
    char source[STATE_SOURCE_MAX + 1];
    char point[STATE_POINT_SIZE]; /* "": from the versions alone */
    const char *state;            /* "complete", "partial", "guarded", or "versions" */
    uint64_t missing;             /* objects that the point lacks */
    bool doubtful;                /* the points are damaged */
    bool dry_run;
    uint64_t objects, bytes;
    uint64_t restored, restored_bytes, equal, skipped, thawing, failed;
    uint64_t without_tags, without_acl;        /* restored, but for these */
    struct state_totals by_class[CLASS_COUNT]; /* restored, by the vault's class */
    uint64_t requests[REQUEST_KINDS];
    enum thaw_tier tier;
    enum storage_class class_; /* that what is brought gets */
    bool to_folder;
    struct prices prices;
    struct restore_forecast forecast;
    struct source_report lines; /* failures by key, as a run reports them */
    bool has_error;             /* what ended it */
    struct failure error;
};

/* Fills the report, whatever happens. */
void restore_do(const struct restore_options *options, struct restore_report *report);

/* What it cost, or would cost: an estimate by list prices. */
struct cost restore_cost(const struct restore_report *report);
/* The fields of a dry run. False without memory. */
bool restore_forecast_add(json_t *json, const struct restore_report *report) __attribute__((warn_unused_result));
void restore_forecast_print(const struct restore_report *report);

/* The JSON of `restore`; the caller decrefs it. NULL without memory. */
json_t *restore_report_json(const struct restore_report *report);
/* Lines for people on stdout. */
void restore_report_print(const struct restore_report *report);

#endif
