/*
 * Whether a store does what the lock headers of a write ask for. AWS does; Ceph's gateway ignores them on copies. What
 * was written first in each way is looked at, once for all that use a vault; where its lock is missing, it is set by a
 * request of its own, for that version and for all that follow.
 *
 * Any thread. The one that looks holds the lock of its way meanwhile: others wait for what it finds.
 */
#ifndef AGENT_LOCK_WATCH_H
#define AGENT_LOCK_WATCH_H

#include "s3/head.h"
#include "s3/object.h"

struct vault;
struct lock_watch;

enum lock_way { LOCK_BY_COPY, LOCK_BY_UPLOAD, LOCK_BY_PUT, LOCK_WAYS };

struct lock_watch *lock_watch_new(void); /* NULL without memory */
void lock_watch_free(struct lock_watch *watch);

/* What was written, and what is known of it. */
struct lock_written {
    enum lock_way way;
    const char *path;
    size_t path_len;
    const char *version;
    const struct s3_head *head; /* of this version after the write; NULL: it was not looked at */
    bool earlier;               /* another run began to write it, by its own clock: its end may be near or over */
    bool any_end;               /* found, not written: whatever lock it has is left as it is */
};
/* Sees to it that the version is locked as the config asks; without a lock in the config it does nothing. A version
 * whose lock may not be looked at is taken for locked, with a warning. */
enum s3_status lock_watch_settle(const struct vault *vault, struct s3_conn *conn, const struct lock_written *written,
        struct s3_error *error) __attribute__((warn_unused_result));

#endif
