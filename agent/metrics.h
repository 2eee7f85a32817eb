/*
 * The numbers of a run for those who watch: CloudWatch's embedded metrics on standard output, a text file for
 * Prometheus' node exporter. Both by source and policy; README.md lists them.
 */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include "agent/report.h"

struct metrics_source {
    const struct source_report *report;
    const char *policy;
    double seconds;
    bool has_good;
    int64_t good_ms; /* when the last complete point was finished, by the vault's clock */
};

/* Whether the config wants any. */
bool metrics_wanted(const struct config *config);

/* One line a source, and one a source and class. False where standard output fails. */
bool metrics_print_emf(const struct metrics_source *sources, size_t count, int64_t now_ms)
        __attribute__((warn_unused_result));

/* What a verify, drill or prune of a source came to, by source and command; where the config wants it. */
struct metrics_check {
    const char *command, *source;
    enum exit_code exit;
    uint64_t checked, problems;
};
bool metrics_print_check(const struct metrics_check *check, int64_t now_ms) __attribute__((warn_unused_result));

/* How old a source's last good point is, as status finds it: also while nothing runs. */
struct metrics_age {
    const char *source, *policy;
    bool has_good;
    int64_t age_s;
    bool judged, stale; /* by --max-age */
};
bool metrics_print_age(const struct metrics_age *age, int64_t now_ms) __attribute__((warn_unused_result));

/* Replaces the file in one step. Lines of sources that are not among these are kept: a run of one source takes nothing
 * from the others. */
enum verdict metrics_write_file(const char *path, const struct metrics_source *sources, size_t count,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
