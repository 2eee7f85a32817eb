/*
 * Multipart uploads: all that the object is to be is said at their creation; parts come from memory, from a reader or
 * from another object.
 */
#ifndef S3_MULTIPART_H
#define S3_MULTIPART_H

#include "s3/object.h"

struct s3_create_upload_options {
    struct s3_target target;
    struct s3_write write;
};
enum s3_status s3_create_upload(struct s3_conn *conn, struct s3_client *client,
        const struct s3_create_upload_options *options, struct s3_upload_answer *upload, struct s3_error *error)
        __attribute__((warn_unused_result));

struct s3_upload_part_options {
    struct s3_target target;
    const char *upload_id;
    uint32_t number; /* 1 to 10,000 */
    const void *body;
    size_t body_len;
    const struct s3_reader *reader;
    bool content_md5;
    const char *content_md5_base64;
    const char *checksum_name, *checksum_value;
};
enum s3_status s3_upload_part(struct s3_conn *conn, struct s3_client *client,
        const struct s3_upload_part_options *options, struct s3_put_result *result, struct s3_error *error)
        __attribute__((warn_unused_result));

struct s3_upload_part_copy_options {
    struct s3_target target;
    const char *upload_id;
    uint32_t number;
    struct s3_copy_source source;
    bool ranged;
    uint64_t first, last; /* bytes, both included */
};
enum s3_status s3_upload_part_copy(struct s3_conn *conn, struct s3_client *client,
        const struct s3_upload_part_copy_options *options, struct s3_copy_result *result, struct s3_error *error)
        __attribute__((warn_unused_result));

struct s3_complete_upload_options {
    struct s3_target target;
    const char *upload_id;
    const struct s3_part_entry *parts; /* in ascending order; number and etag are sent */
    size_t count;
    uint64_t size; /* x-amz-mp-object-size; 0: not sent */
    const char *if_match, *if_none_match;
};
/* An upload that is gone (S3_NOT_FOUND, NoSuchUpload) may have been completed by an earlier attempt whose answer was
 * lost: the caller looks. */
enum s3_status s3_complete_upload(struct s3_conn *conn, struct s3_client *client,
        const struct s3_complete_upload_options *options, struct s3_copy_result *result, struct s3_error *error)
        __attribute__((warn_unused_result));
enum s3_status s3_abort_upload(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        const char *upload_id, struct s3_error *error) __attribute__((warn_unused_result));

struct s3_list_parts_options {
    struct s3_target target;
    const char *upload_id;
    uint32_t after;     /* part number marker */
    uint32_t max_parts; /* 0: the service's 1,000 */
};
enum s3_status s3_list_parts(struct s3_conn *conn, struct s3_client *client,
        const struct s3_list_parts_options *options, struct s3_part_page *page, struct s3_error *error)
        __attribute__((warn_unused_result));

struct s3_list_uploads_options {
    const char *bucket;
    const char *expected_owner;
    struct s3_text prefix, key_marker, upload_marker;
    uint32_t max_uploads;
};
/* Entries: key, version (the upload's id), modified_ms (when it was begun). */
enum s3_status s3_list_uploads(struct s3_conn *conn, struct s3_client *client,
        const struct s3_list_uploads_options *options, struct s3_page *page, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
