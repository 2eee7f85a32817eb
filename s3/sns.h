/*
 * SNS's Publish, on a client whose service is "sns".
 */
#ifndef S3_SNS_H
#define S3_SNS_H

#include "s3/answer.h"
#include "s3/client.h"

enum { S3_SNS_SUBJECT_MAX = 99, S3_SNS_MESSAGE_MAX = 256 * 1024 };

/* A subject is up to S3_SNS_SUBJECT_MAX bytes of ASCII on one line, which begin with a letter or digit. */
enum s3_status s3_publish(struct s3_conn *conn, struct s3_client *client, const char *topic_arn, const char *subject,
        const char *message, struct s3_publish_answer *answer, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
