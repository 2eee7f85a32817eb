/*
 * What stream_upload.c and stream_finish.c share. Private to them.
 */
#ifndef AGENT_STREAM_INSIDE_H
#define AGENT_STREAM_INSIDE_H

#include "agent/stream_memory.h"
#include "agent/stream_plan.h"
#include "agent/stream_upload.h"
#include "s3/multipart.h"

enum { STREAM_UPLOADERS = 4 };

/* A part on its way. */
struct stream_piece {
    struct stream_piece *next;
    struct stream_memory memory;
    size_t length;
    uint32_t number;
};

struct stream_uploader {
    struct stream_upload *upload;
    struct s3_conn *conn;
    pthread_t thread;
};

struct stream_upload {
    struct stream_upload_options options;
    struct stream_budget budget;
    struct stream_piece *filling;
    uint32_t given; /* parts that were handed over */
    uint64_t size;  /* of them */
    bool begun, finished;
    char upload_id[1024];
    char version_before[S3_VERSION_MAX + 1]; /* what lay there before; "-" for nothing */
    struct stream_uploader uploaders[STREAM_UPLOADERS];
    unsigned started;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    struct stream_piece *queue, **queue_end;
    unsigned under_way; /* handed over and not done */
    bool closed;
    struct s3_part_entry *entries;
    enum s3_status status;
    struct s3_error error;
};

/* No more pieces: waits until the threads have ended. */
void stream_join(struct stream_upload *upload);
/* What the threads failed with. */
enum verdict stream_failure(struct stream_upload *upload, struct failure *failure) __attribute__((warn_unused_result));
void stream_enqueue(struct stream_upload *upload);

/* What the object is to be. */
void stream_write(const struct stream_upload *upload, struct s3_write *write);
/* HEAD of what lies at the path: its version ("-" where there is nothing) and head (may be NULL). */
enum verdict stream_look(struct stream_upload *upload, struct s3_head *head, char version[S3_VERSION_MAX + 1],
        struct failure *failure) __attribute__((warn_unused_result));
void stream_abort(struct stream_upload *upload);

#endif
