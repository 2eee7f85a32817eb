/*
 * Which buckets and keys a source means: the pure part of selection. The caller lists buckets and fetches tags.
 *
 * A bucket is selected when it matches any of `buckets` or any of `arns` (where either is given) and all `tags` (where
 * given), belongs to the source's account (where both are known), and none of `exclude_buckets` matches: exclusions
 * win. Nothing here allocates except the tally. Any thread; a tally belongs to one.
 */
#ifndef AGENT_SELECT_H
#define AGENT_SELECT_H

#include "agent/config.h"

struct select_tag {
    const char *key, *value;
};

/* A bucket as it was listed. Unknown texts are NULL. */
struct select_candidate {
    const char *name;
    const char *account, *region;
    const char *arn; /* NULL: arn:aws:s3:::NAME, in the partition of the pattern */
    bool tags_known;
    const struct select_tag *tags;
    size_t tag_count;
};

enum select_verdict {
    SELECT_YES,
    SELECT_NO,         /* nothing of the source means it */
    SELECT_EXCLUDED,   /* an exclusion took it out */
    SELECT_TAGS_NEEDED /* it depends on the tags: fetch them and ask again */
};

struct select_reason {
    char text[320];     /* one line for people: `matches "acme-*" of buckets` */
    const char *bucket; /* the config's, of SELECT_MISSING alone */
};

/* `reason` may be NULL. */
enum select_verdict select_bucket(const struct config_source *source, const struct select_candidate *candidate,
        struct select_reason *reason) __attribute__((warn_unused_result));

/* Whether the buckets have to be listed: false where all are named literally. */
bool select_needs_listing(const struct config_source *source);
/* The next literally named bucket (by name or ARN) from *cursor (begin with 0), or NULL past the last. */
const char *select_next_literal(const struct config_source *source, size_t *cursor);
/* Whether the bucket is the vault itself, as far as names, accounts and endpoints tell. It must never be a source. */
bool select_is_vault(
        const struct config *config, const struct config_source *source, const struct select_candidate *candidate);
/* The vault's folder for a selected bucket: the source's name, else the bucket's. */
const char *select_folder(const struct config_source *source, const char *bucket);

/* The source of the config that a folder of the vault comes from, as far as names tell, without asking anybody; NULL:
 * none does. One that names it goes before patterns, wherever it stands. */
const struct config_source *select_source_of(const struct config *config, const char *folder);
/* Each that it may come from, from *cursor (begin with 0), NULL past the last: more than one where only patterns mean
 * it, which tags or accounts tell apart. */
const struct config_source *select_next_source_of(const struct config *config, const char *folder, size_t *cursor);

/* Whether the key is wanted: no pattern of exclude_keys matches. Prefixes are the walk's business. */
bool select_key(const struct config_source *source, const char *key, size_t len);

/* What one source's patterns found in a listing. */
struct select_tally;
/* Borrows the source. Free with select_tally_free. NULL without memory. */
struct select_tally *select_tally_new(const struct config_source *source) __attribute__((warn_unused_result));
void select_tally_free(struct select_tally *tally);
/* Notes a bucket that exists, whether it was selected or not. */
void select_tally_add(struct select_tally *tally, const struct select_candidate *candidate);

enum select_problem { SELECT_NO_PROBLEM, SELECT_MISSING /* an error */, SELECT_UNMATCHED /* a warning */ };
/* The next complaint after the listing, from *cursor (begin with 0), or SELECT_NO_PROBLEM after the last: a literal
 * bucket that is missing, a glob or set of tags that matches nothing. */
enum select_problem select_tally_next(const struct select_tally *tally, size_t *cursor, struct select_reason *reason)
        __attribute__((warn_unused_result));

/* One bucket that one source selected. A stream has no bucket (NULL). */
struct select_pick {
    const struct config_source *source;
    const char *bucket;
};

/* Whether two picks are one bucket, or would share a folder of the vault; then `pair` holds their sources in the order
 * of the text, and `reason` (may be NULL) names both. Sorts `picks`. */
bool select_collides(struct select_pick *picks, size_t count, const struct config_source *pair[2],
        struct select_reason *reason) __attribute__((warn_unused_result));

#endif
