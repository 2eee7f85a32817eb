/*
 * Whether the vault is fit to be relied on, looked at once a run of the program: is it the right account's, does it
 * keep versions, and does no rule of its lifecycle take away what a restore needs. The judgements are pure; only
 * health_check asks. What it finds is read-only afterwards and shared by all sources.
 *
 * It looks at rules as they are written, not at what they have done already; what is missing is found by verify.
 */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include "agent/vault.h"
#include "s3/lifecycle.h"

enum { HEALTH_WARNINGS = 20, HEALTH_TEXT = 400 };

struct health {
    char warnings[HEALTH_WARNINGS][HEALTH_TEXT]; /* for people; each was an event as well */
    size_t count;
    bool refused; /* nothing may be written to such a vault: `failure` says why */
    struct failure failure;
};

/* Whether a rule under this id is one of those that bootstrap installs. */
bool health_rule_is_ours(struct s3_text id);

/*
 * What is wrong with the rule at `index` for a vault under `prefix` (a config's vault.prefix): an enabled rule that is
 * not ours and expires versions under data/, data-long/, names/ or points/, or moves names/ or points/ to a class that
 * cannot be read at once. False: nothing. A filter by tag or size makes no difference: it may always match.
 */
bool health_judge_rule(const struct s3_lifecycle *rules, size_t index, const char *prefix, char out[HEALTH_TEXT]);

/* A vault without versions keeps only what was copied last: an attack on the source would reach it. */
enum verdict health_judge_versioning(const struct s3_versioning_answer *versioning, const char *bucket,
        struct failure *failure) __attribute__((warn_unused_result));

/* Looks; emits an event for each warning. Never fails otherwise: what may not be read is a warning, and what makes the
 * vault unfit, or cannot be reached, is in `health`. Its few requests are of no source and are not counted. */
void health_check(const struct program *program, const struct access *vault_access, struct health *health);

#endif
