/* What publish*.c share. Private to them. */
#ifndef AGENT_PUBLISH_INSIDE_H
#define AGENT_PUBLISH_INSIDE_H

#include "agent/publish.h"
#include "agent/publish_meta.h"
#include "s3/buffer.h"

struct publisher {
    const struct vault *vault;
    const struct source *source;
    struct manifest *manifest;
    char point[STATE_POINT_SIZE];
    struct publish_logs fulls; /* put by this run, and still what the manifest says */
    struct s3_buffer buffer;   /* one compressed file */
};

/* A new file of this run: begun in the buffer, then put. */
enum verdict publish_file_begin(struct publisher *publisher, enum layout_kind kind, uint64_t number,
        struct change_file_writer **writer, struct failure *failure) __attribute__((warn_unused_result));
/* Ends the file (the writer is freed in any case) and puts it. VERDICT_CHANGED: one of that number, with other content,
 * is there already. */
enum verdict publish_file_end(struct publisher *publisher, struct s3_conn *conn, struct change_file_writer *writer,
        struct state_point_file *file, struct failure *failure) __attribute__((warn_unused_result));

struct publish_bytes {
    const struct layout_path *path;
    const char *content_type;
    const void *ptr;
    size_t len;
};
/* Puts a file under points/, locked as the copies are, if there is none; *version (may be NULL) is "" where it was
 * there already with the same bytes: an answer got lost. VERDICT_CHANGED: there with other bytes. */
enum verdict publish_put(struct publisher *publisher, struct s3_conn *conn, const struct publish_bytes *bytes,
        char version[S3_VERSION_MAX + 1], struct failure *failure) __attribute__((warn_unused_result));

#endif
