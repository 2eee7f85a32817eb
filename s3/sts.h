/*
 * The calls of STS that a backup needs, on a client whose service is "sts".
 */
#ifndef S3_STS_H
#define S3_STS_H

#include "s3/answer.h"
#include "s3/client.h"

struct s3_assume_role_options {
    const char *role_arn, *session_name;
    const char *external_id, *policy; /* NULL: none */
    unsigned duration_seconds;        /* 0: not sent */
};
/* The answer holds secrets: s3_session_answer_wipe it. */
enum s3_status s3_assume_role(struct s3_conn *conn, struct s3_client *client,
        const struct s3_assume_role_options *options, struct s3_session_answer *session, struct s3_error *error)
        __attribute__((warn_unused_result));
/* The same for who holds a token of a web identity: a client without credentials asks. External id and tags are not for
 * it. */
enum s3_status s3_assume_role_with_web_identity(struct s3_conn *conn, struct s3_client *client,
        const struct s3_assume_role_options *options, const char *token, struct s3_session_answer *session,
        struct s3_error *error) __attribute__((warn_unused_result));
enum s3_status s3_get_caller_identity(struct s3_conn *conn, struct s3_client *client,
        struct s3_identity_answer *identity, struct s3_error *error) __attribute__((warn_unused_result));

#endif
