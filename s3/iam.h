/*
 * The roles of an account, by IAM's query API, on a client whose service is "iam" and whose region is s3_iam_region's.
 * Names of roles are without their path.
 */
#ifndef S3_IAM_H
#define S3_IAM_H

#include "s3/answer.h"
#include "s3/client.h"

/* S3_NOT_FOUND where there is no such role. */
enum s3_status s3_get_role(struct s3_conn *conn, struct s3_client *client, const char *name,
        struct s3_role_answer *role, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_create_role_options {
    const char *name, *path; /* path: "/", or "/a/b/" */
    const char *trust;       /* the document of who may take it */
    const char *description;
};
/* S3_REFUSED with code EntityAlreadyExists where it is there. */
enum s3_status s3_create_role(struct s3_conn *conn, struct s3_client *client,
        const struct s3_create_role_options *options, struct s3_role_answer *role, struct s3_error *error)
        __attribute__((warn_unused_result));
enum s3_status s3_update_role_trust(struct s3_conn *conn, struct s3_client *client, const char *name, const char *trust,
        struct s3_error *error) __attribute__((warn_unused_result));

/* An inline policy. S3_NOT_FOUND where the role has none of that name. */
enum s3_status s3_get_role_policy(struct s3_conn *conn, struct s3_client *client, const char *role, const char *policy,
        struct s3_role_policy_answer *answer, struct s3_error *error) __attribute__((warn_unused_result));
enum s3_status s3_put_role_policy(struct s3_conn *conn, struct s3_client *client, const char *role, const char *policy,
        const char *document, struct s3_error *error) __attribute__((warn_unused_result));
/* The names of its inline policies; those that are attached are not among them. */
enum s3_status s3_list_role_policies(struct s3_conn *conn, struct s3_client *client, const char *role,
        struct s3_role_policies_answer *answer, struct s3_error *error) __attribute__((warn_unused_result));

#endif
