/*
 * Listing objects and versions, a page a call. Keys are always asked for URL-encoded, since XML cannot carry all of
 * them; pages are walked by start_after, which is right on every server, where a token is not.
 */
#ifndef S3_LIST_H
#define S3_LIST_H

#include "s3/answer.h"
#include "s3/client.h"

struct s3_list_options {
    const char *bucket;
    const char *expected_owner;
    struct s3_text prefix, start_after;
    struct s3_text token; /* instead of start_after */
    const char *delimiter;
    uint32_t max_keys;   /* 0: the service's 1,000 */
    bool restore_status; /* ask for RestoreStatus of each */
};
enum s3_status s3_list_objects(struct s3_conn *conn, struct s3_client *client, const struct s3_list_options *options,
        struct s3_page *page, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_versions_options {
    const char *bucket;
    const char *expected_owner;
    struct s3_text prefix, key_marker, version_marker;
    const char *delimiter;
    uint32_t max_keys;
    bool restore_status;
};
enum s3_status s3_list_versions(struct s3_conn *conn, struct s3_client *client,
        const struct s3_versions_options *options, struct s3_page *page, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
