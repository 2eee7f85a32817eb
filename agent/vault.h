/*
 * The vault as the agent sees it: a bucket, a layout, a client, and what every write to it carries (owner, ACL,
 * encryption). Shared by all threads; each call takes the calling thread's connection.
 */
#ifndef AGENT_VAULT_H
#define AGENT_VAULT_H

#include "agent/access.h"
#include "agent/lock_watch.h"
#include "s3/object.h"
#include "state/layout.h"

struct vault {
    const struct config_vault *config;
    struct access *access;
    struct s3_client *client;
    struct layout layout;
    struct lock_watch *lock_watch;
    int64_t locks_from_ms;      /* the beginning of the run: locks count from it; 0: from the moment of the write */
    const char *bucket, *owner; /* owner: account id for x-amz-expected-bucket-owner, NULL where not configured */
};

enum verdict vault_open(const struct program *program, const struct access_options *extra, struct vault *vault,
        struct failure *failure) __attribute__((warn_unused_result));
void vault_close(struct vault *vault);

/* The vault's time, by the Date of its last answer. */
int64_t vault_now_ms(const struct vault *vault);
struct s3_target vault_target(const struct vault *vault, const char *path, size_t length);
/* What each object that is written gets: ACL, encryption. Class is STANDARD. */
void vault_write_defaults(const struct vault *vault, struct s3_write *write);
/* Whether a write was refused for the class that it asked for: stores that do not know one say InvalidStorageClass, or
 * no more than InvalidArgument. */
bool vault_refuses_class(const struct s3_error *error, enum storage_class class_);
/* The lock that all under data/, data-long/, names/ and points/ gets, where the config has one; `until` holds its text
 * as long as `write` is used. What one run writes within some hours has one and the same end. */
void vault_write_lock(const struct vault *vault, struct s3_write *write, char until[STATE_TIME_SIZE]);
/* The same from a given time on, whatever the run. */
void vault_lock_from(const struct vault *vault, int64_t from_ms, struct s3_write *write, char until[STATE_TIME_SIZE]);

struct vault_put {
    const char *path;
    size_t path_len;
    const void *bytes;
    size_t len;
    const char *content_type; /* NULL: application/octet-stream */
    bool locked;              /* as vault_write_lock says */
    bool only_if_absent;      /* If-None-Match: *; VERDICT_CHANGED where it was there */
};
struct vault_put_result {
    char etag[S3_ETAG_MAX + 1];
    char version[S3_VERSION_MAX + 1];
};
enum verdict vault_put(const struct vault *vault, struct s3_conn *conn, const struct vault_put *put,
        struct vault_put_result *result, struct failure *failure) __attribute__((warn_unused_result));

/* Reads a whole small object (at most `max` bytes) of a version (NULL: the current one); *bytes is the caller's to
 * free(). */
enum verdict vault_get(const struct vault *vault, struct s3_conn *conn, const char *path, size_t path_len,
        const char *version, size_t max, char **bytes, size_t *len, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
