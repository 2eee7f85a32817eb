/*
 * Whether the vault is fit to be relied on, looked at once a run of the program: is it the right account's, does it
 * keep versions, can it lock where the config asks for that, does no rule of its lifecycle take away what a restore
 * needs, and are the rules there that the policies ask for. The judgements are pure; only health_check asks. What it
 * finds is read-only afterwards and shared by all sources.
 *
 * It looks at rules as they are written, not at what they have done already; what is missing is found by verify.
 */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include "agent/rules.h"
#include "agent/source.h"

enum { HEALTH_WARNINGS = 20, HEALTH_TEXT = 400 };

struct health {
    char warnings[HEALTH_WARNINGS][HEALTH_TEXT]; /* for people; each was an event as well */
    size_t count;
    bool refused; /* nothing may be written to such a vault: `failure` says why */
    struct failure failure;
    struct rules rules; /* whether the service moves what the policies say; private but for rules_of_source */
};

/*
 * What is wrong with the rule at `index` for a vault under `prefix` (a config's vault.prefix): an enabled rule that
 * expires versions under data/, data-long/, names/, points/ or prune/, or moves what lies under the last three to a
 * class that cannot be read at once. False: nothing. A rule is judged by what it does, whatever its id says: none of
 * vaultferry's does either. A filter by tag or size makes no difference: it may always match.
 */
bool health_judge_rule(const struct s3_lifecycle *rules, size_t index, const char *prefix, char out[HEALTH_TEXT]);

/* A vault without versions keeps only what was copied last: an attack on the source would reach it. */
enum verdict health_judge_versioning(const struct s3_versioning_answer *versioning, const char *bucket,
        struct failure *failure) __attribute__((warn_unused_result));

/* What the rules found in the bucket say of the sources that the task names, into `health`: an event and a warning
 * where they are not as the policies ask. No requests. */
void health_judge_rules(const struct rules_task *task, struct health *health);

/* Looks; emits an event for each warning. Never fails otherwise: what may not be read is a warning, and what makes the
 * vault unfit, or cannot be reached, is in `health`. Its few requests are of no source and are not counted. The
 * sources are those of this run. Free it with health_free. */
void health_check(const struct program *program, const struct access *vault_access, const struct source *sources,
        size_t count, struct health *health);
void health_free(struct health *health);

#endif
