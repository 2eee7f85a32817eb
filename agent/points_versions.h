/*
 * A listing of all versions under a prefix of the vault, one at a time: by key, the versions of a key from the newest
 * to the oldest. For one thread, with its connection; one request a page of 1,000, each when it is needed.
 *
 * An error never looks like the end: it stays, and comes out of every later call.
 */
#ifndef AGENT_POINTS_VERSIONS_H
#define AGENT_POINTS_VERSIONS_H

#include "agent/vault.h"
#include "s3/list.h"

struct points_versions {
    const struct vault *vault;
    struct s3_conn *conn;
    struct s3_page page;
    size_t at;           /* the page's next entry */
    bool last;           /* no page follows */
    bool has_last;       /* last_key is set */
    bool restore_status; /* ask whether what is archived is thawed; set after begin */
    enum verdict verdict;
    struct failure failure;
    size_t prefix_len, marker_len, version_len, last_len;
    char prefix[STATE_PATH_MAX + 1];
    char marker[STATE_PATH_MAX + 1], version[S3_VERSION_MAX + 1]; /* where the next page begins */
    char last_key[S3_KEY_MAX];
};

/* All keys with the prefix that come after `after` (empty: all). */
void points_versions_begin(struct points_versions *cursor, const struct vault *vault, struct s3_conn *conn,
        struct state_text prefix, struct state_text after);
/* The next version or delete marker, borrowed until the next call; *entry is NULL at the end. */
enum verdict points_versions_next(struct points_versions *cursor, const struct s3_page_entry **entry,
        struct failure *failure) __attribute__((warn_unused_result));
void points_versions_end(struct points_versions *cursor);

/* The oldest version of one file, "" where it need not be named. VERDICT_NOT_FOUND: there is none. */
enum verdict points_versions_oldest(const struct vault *vault, struct s3_conn *conn, const struct layout_path *path,
        char version[S3_VERSION_MAX + 1], struct failure *failure) __attribute__((warn_unused_result));

#endif
