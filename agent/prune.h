/*
 * prune: forgets the points that the policy no longer keeps, and takes away what no point needs: versions, delete
 * markers, the names of long keys, and the oldest points' own files. The only code that ever ends a version.
 *
 * With the prune role alone, under the source's lease, by the service's times; what may go is judged in prune_judge.h.
 * First everything is looked at and counted, and nothing done where the numbers are suspicious; then it is listed again
 * and taken away. All that it knows lies in the vault: after a kill at any instant, the next prune goes on.
 *
 * The order that safety rests on: a point's forgotten.json is written before anything that it needs goes; a delete
 * marker goes only after the service has said that what it hides is gone, a long key's name likewise; where the chain
 * begins is recorded before anything of it goes, and of a folder the point goes before its forgotten.json.
 *
 * Main thread; the lease is renewed by its keeper's.
 */
#ifndef AGENT_PRUNE_H
#define AGENT_PRUNE_H

#include <jansson.h>

#include "agent/lease.h"
#include "agent/lock_extend.h"
#include "agent/prices.h"
#include "agent/prune_judge.h"

struct prune_options {
    const struct program *program;
    const struct vault *vault; /* as the prune role */
    struct s3_conn *conn;
    const struct prices *prices;
    const char *source; /* the vault's folder */
    const struct config_policy *policy;
    const char *account; /* of the source, NULL: the config does not say */
    bool dry_run, accept;
};

/* What went, or would go. */
struct prune_counts {
    uint64_t versions, bytes, markers, names;
    struct state_totals by_class[CLASS_COUNT];
    struct state_totals small[CLASS_COUNT]; /* of these: below the least that the class bills */
    double early;                           /* what classes with a least time still bill of them */
};

enum { PRUNE_STOPPED_SIZE = 400 };
struct prune_report {
    char source[STATE_SOURCE_MAX + 1];
    enum exit_code exit;
    char stopped[PRUNE_STOPPED_SIZE]; /* why nothing was done although nothing failed; "" */
    struct prune_points points;       /* as judged; owned */
    size_t ignored;                   /* points that do not count */
    uint64_t all_versions;            /* of the source, before */
    uint64_t all_entries;             /* and delete markers and names */
    struct prune_counts counts;
    uint64_t forgotten, remembered; /* points */
    uint64_t point_files;           /* versions of files of points that no later point needs */
    uint64_t retained_by_lock;      /* versions that the service keeps, as they are locked */
    uint64_t failed;                /* that it would not take away for another reason; the first is in `error` */
    bool extends;                   /* locks, of what stays */
    int64_t lock_days;
    struct lock_extended extended;
    struct cost cost; /* storage_month: what is saved */
    bool has_error;
    struct failure error;
};

/*
 * The source of the config whose policy a folder of the vault is pruned by; NULL: it has none, or `stopped` says why it
 * is not known. Where patterns with several policies may mean it, as tags tell, of which the vault knows nothing, all
 * its points have to name one and the same; with `accept` the newest says it.
 */
struct prune_whose {
    const struct program *program;
    const struct vault *vault;
    struct s3_conn *conn;
    const char *folder;
    bool accept;
};
enum verdict prune_find_source(const struct prune_whose *whose, const struct config_source **source,
        char stopped[PRUNE_STOPPED_SIZE], struct failure *failure) __attribute__((warn_unused_result));

/* One source; the report says all that is to be said. */
void prune_source(const struct prune_options *options, struct prune_report *report);
void prune_report_clear(struct prune_report *report);
json_t *prune_report_json(const struct prune_report *report, const struct prices *prices, bool dry_run);
void prune_report_print(const struct prune_report *report, const struct prices *prices, bool dry_run);
/* {"requests", "storage_month", ..., "early_deletion"} of all together. */
json_t *prune_cost_json(const struct prune_report *reports, size_t count, const struct prices *prices);

#endif
