/*
 * The vault's lifecycle rules: what all policies together ask the service to move, and whether it is what the bucket
 * has.
 *
 * Derived are, under the vault's prefix:
 * - for each source, under data/<source>/ and data-long/<source>/: transitions of current and of noncurrent versions
 *   after the tiers' days, for objects from the size on that gains by it (place_min_bytes). Where every source asks for
 *   the same, one rule for data/ instead, so that a new source has its rules from its first copy on.
 * - abort of uploads that nobody went on with for 7 days, and expiry of leases 100 days after their run: longer than
 *   anything asks for them, and what verify says of killed runs rests on them.
 * Nothing else, and never an expiry under data/, data-long/, names/ or points/.
 *
 * Ages of rules count from the copy, and for a noncurrent version from the time that it was replaced: an upper bound of
 * the days that the policy says. A first copy goes right away where its age says, see place.h.
 *
 * A policy with transitions "agent" has no rules, and neither has one with "auto" whose tiers S3's rules cannot
 * express (STANDARD_IA before 30 days). A source that the config no longer has keeps the moves that it has, as long as
 * the vault has its folder.
 *
 * Ids begin with "vaultferry-", in a vault under a prefix with "vaultferry-" and a hash of it. The id only says what
 * rules_install may replace. What is judged, is judged by what it does.
 *
 * Pure but for rules_install; any thread.
 */
#ifndef AGENT_RULES_H
#define AGENT_RULES_H

#include "agent/prices.h"
#include "agent/vault.h"
#include "s3/lifecycle.h"

enum { RULES_UPLOAD_DAYS = 7, RULES_LEASE_DAYS = 100, RULES_TEXT = 400 };

/* Whether S3's rules can do what the tiers say: a config with "lifecycle" was checked for it, one with "auto" not. A
 * first tier of 0 days needs none: copies are made in it. */
bool rules_can_express(const struct config_policy *policy);

/* A folder of the vault. Without a policy: the config does not know it any more. */
struct rules_source {
    const char *folder;
    const struct config_policy *policy;
};

/* What rules are derived from. All is borrowed. */
struct rules_task {
    const struct config *config;
    const struct prices *prices;
    const struct rules_source *sources;
    size_t count;
    const struct s3_lifecycle *found; /* what the bucket has now */
};

struct rules_wanted {
    struct s3_lifecycle rules;
    char **texts; /* private: ids and prefixes */
    size_t text_count, text_capacity;
};
/* VERDICT_FULL where S3's 1,000 rules do not suffice for one rule a folder, although all tiers of a policy then share
 * the largest of their size filters. Free in any case. */
enum verdict rules_derive(const struct rules_task *task, struct rules_wanted *wanted, struct failure *failure)
        __attribute__((warn_unused_result));
void rules_wanted_free(struct rules_wanted *wanted);

enum rules_found {
    RULES_UNREADABLE, /* nobody knows */
    RULES_NONE,       /* something is wanted, and no rule moves anything of the source */
    RULES_DIFFER,     /* rules move objects of the source, but not as its policy says */
    RULES_INSTALLED   /* what is wanted is there, and nothing else of ours; also where nothing is wanted */
};

/*
 * Whether what the bucket has does for one source what its policy asks for, whoever wrote it and in however many rules;
 * `out` says what lacks or differs. A store that keeps no size filter at all is not blamed for that, and neither is a
 * filter of "auto" that an older table of prices gave (half to twice the size).
 */
enum rules_found rules_judge(const struct rules_task *task, const struct rules_source *source, char out[RULES_TEXT])
        __attribute__((warn_unused_result));
/* Whether abort of uploads and expiry of leases are there; `out` says what lacks. */
bool rules_judge_upkeep(const struct rules_task *task, char out[RULES_TEXT]) __attribute__((warn_unused_result));
/* Whether the bucket has any rule under one of our ids. */
bool rules_has_ours(const struct rules_task *task);

/* What a run found, by source; read-only for all threads once the run has begun. */
struct rules_entry {
    char folder[STATE_SOURCE_MAX + 1];
    enum rules_found found;
};
struct rules {
    struct rules_entry *entries;
    size_t count;
};
/*
 * Who moves a source's objects where its policy says "auto": INSTALLED, the service; NONE, the agent; DIFFER, the
 * service, otherwise than the policy says, until bootstrap was run again: the agent keeps out of it, and so it does
 * where it is UNREADABLE (as for any folder that was not asked for). The run has warned.
 */
enum rules_found rules_of_source(const struct rules *rules, const char *folder);
void rules_free(struct rules *rules);

/* What rules_install did, or with `dry_run` would do. */
struct rules_install {
    bool differs;         /* the bucket had others, and now (without dry_run) has ours */
    bool unconfirmed;     /* read back, they were not there yet: S3 may take minutes until all of it knows them */
    bool sizes_dropped;   /* the store does not keep size filters: small objects are moved as well */
    size_t ours, foreign; /* rules, after it */
    char detail[RULES_TEXT];
};
/*
 * Derives the rules for every folder that the vault has and for every source that the config names, and writes them
 * where the bucket has others. Foreign rules stay, byte for byte. Asks no source account. Two at once: the later one
 * wins, with its own view of the foreign rules; S3 has no condition for this.
 * Needs s3:ListBucket, s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration.
 */
enum verdict rules_install(const struct program *program, const struct vault *vault, struct s3_conn *conn, bool dry_run,
        struct rules_install *out, struct failure *failure) __attribute__((warn_unused_result));

#endif
