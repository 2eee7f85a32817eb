/*
 * What stream_upload.c and stream_finish.c share. Private to them.
 */
#ifndef AGENT_STREAM_INSIDE_H
#define AGENT_STREAM_INSIDE_H

#include "agent/place.h"
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
    enum storage_class class_; /* that was asked for */
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

/* What the object is to be; its size, or PLACE_SIZE_UNKNOWN; `until` as vault_write_lock. */
void stream_write(struct stream_upload *upload, uint64_t size, struct s3_write *write, char until[STATE_TIME_SIZE]);
/* Why an object could not be begun, or put: `what` says which. */
enum verdict stream_refused(const struct stream_upload *upload, enum s3_status status, const struct s3_error *error,
        const char *what, struct failure *failure);
/* HEAD of what lies at the path: its version ("-" where there is nothing) and head (may be NULL). */
enum verdict stream_look(struct stream_upload *upload, struct s3_head *head, char version[S3_VERSION_MAX + 1],
        struct failure *failure) __attribute__((warn_unused_result));
void stream_abort(struct stream_upload *upload);

#endif
