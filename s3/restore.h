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

/* S3_OK too where it is thawed already, which sets its days anew, or on its way. */
enum s3_status s3_restore_object(struct s3_conn *conn, struct s3_client *client,
        const struct s3_restore_options *options, struct s3_error *error) __attribute__((warn_unused_result));

#endif
