/* The locks of copies, where the store did not set them with the copy; see copy_inside.h and lock_watch.h. */
#include "agent/copy_inside.h"

static enum s3_status settle(const struct copying *copying, struct lock_written *written, struct s3_error *error)
{
    enum s3_status status;

    written->path = copying->path.ptr;
    written->path_len = copying->path.len;
    status = lock_watch_settle(copying->job->vault, copying->conn, written, error);
    if (status == S3_NOT_FOUND) /* not to be taken for a source that is gone */
        return s3_fail(error, S3_BAD_DATA, "NotThere", "the copy is in the vault no more: it cannot be locked");
    return status;
}

enum s3_status copying_settle_lock(
        const struct copying *copying, enum lock_way way, const struct s3_head *head, struct s3_error *error)
{
    struct lock_written written = {
        .way = way, .version = copying->version, .head = head, .earlier = copying->resumed
    };

    return settle(copying, &written, error);
}

enum s3_status copying_settle_found(const struct copying *copying, const struct s3_head *head, struct s3_error *error)
{
    struct lock_written found = { .way = LOCK_BY_COPY, .version = head->version, .head = head, .any_end = true };

    return settle(copying, &found, error);
}
