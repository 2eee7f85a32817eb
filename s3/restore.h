/*
 * RestoreObject: makes a copy of an archived version readable for some days, hours after it was asked for.
 */
#ifndef S3_RESTORE_H
#define S3_RESTORE_H

#include "s3/object.h"

struct s3_restore_options {
    struct s3_target target;
    unsigned days;    /* how long it stays readable; 0: not sent, as INTELLIGENT_TIERING wants it */
    const char *tier; /* "Bulk", "Standard", "Expedited"; NULL: the service's own choice */
};

/* What is sent. Pure; returns the length. */
enum { S3_RESTORE_DOCUMENT_MAX = 256 };
size_t s3_restore_document(const struct s3_restore_options *options, char out[S3_RESTORE_DOCUMENT_MAX]);

/* *readable: it was thawed already, and its days begin anew; else it is on its way, asked for now or before. */
enum s3_status s3_restore_object(struct s3_conn *conn, struct s3_client *client,
        const struct s3_restore_options *options, bool *readable, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
