/*
 * Uploads a stream whose length nobody knows: one PUT if it ends within the first part, else a multipart upload with
 * parts by stream_plan.h, some of them on their way while the next is being filled. What all of them hold in memory has
 * a bound; every part carries its MD5.
 *
 * Nothing of it becomes an object before stream_upload_finish: who does not call it leaves no object, and no upload
 * either, since stream_upload_free aborts one that was begun.
 *
 * One thread fills and finishes; the uploading threads belong to the upload.
 */
#ifndef AGENT_STREAM_UPLOAD_H
#define AGENT_STREAM_UPLOAD_H

#include "agent/vault.h"
#include "state/change.h"

struct stream_upload;

struct stream_upload_options {
    const struct program *program;
    const struct vault *vault;
    struct s3_conn *conn;           /* of the calling thread */
    const struct layout_path *path; /* of the object in the vault */
    const char *spool_folder;       /* where parts lie that are too large for memory */
    /* What becomes of it: the class by its size, PLACE_SIZE_UNKNOWN where it does not end within the first part. */
    enum storage_class (*class_for)(void *ctx, uint64_t size);
    const char *policy; /* that says so, for messages */
    void *ctx;
};
/* Borrows all of it. Sends nothing. */
enum verdict stream_upload_new(const struct stream_upload_options *options, struct stream_upload **upload,
        struct failure *failure) __attribute__((warn_unused_result));

/* Where the next part's bytes go, and how many make it full. Waits for memory. Fails where an earlier part did. */
enum verdict stream_upload_room(struct stream_upload *upload, char **at, size_t *size, struct failure *failure)
        __attribute__((warn_unused_result));
/* The room is full: it is uploaded in the background. */
enum verdict stream_upload_give(struct stream_upload *upload, struct failure *failure)
        __attribute__((warn_unused_result));
/* Whether a part could not be uploaded: there is no use in reading on. */
bool stream_upload_has_failed(struct stream_upload *upload);

struct stream_uploaded {
    uint64_t size;
    uint32_t parts; /* 1 for a single PUT */
    char etag[S3_ETAG_MAX + 1], version[S3_VERSION_MAX + 1], checksum[S3_CHECKSUM_MAX + 1];
    int64_t modified_ms;
    enum storage_class class_;
    enum state_compared by;
};
/* The stream ended after `length` bytes of the room that was given out last: makes it an object, and looks at it. */
enum verdict stream_upload_finish(struct stream_upload *upload, size_t length, struct stream_uploaded *uploaded,
        struct failure *failure) __attribute__((warn_unused_result));
/* Waits for what is on its way; aborts what was not finished. */
void stream_upload_free(struct stream_upload *upload);

#endif
