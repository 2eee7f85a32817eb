/*
 * The files ~/.aws/config and ~/.aws/credentials: named sets of properties, read as the SDKs read them. Private to s3/.
 *
 * `[name]` in the credentials file and `[profile name]` in the config file make one profile (there `[default]` too,
 * which `[profile default]` outdoes); other sections are passed over. A property is `name = value`; a later one
 * replaces an earlier one. `#` and `;` begin comments, at a line's start or after a blank. Lines that are indented more
 * than the property above them belong to it: nested settings, which are passed over. What is no such line is an error
 * that names file and line, and never shows the line, which may hold a key.
 */
#ifndef S3_PROFILE_H
#define S3_PROFILE_H

#include "s3/credentials.h"

enum { PROFILE_FILE_MAX = 1024 * 1024, PROFILE_NAME_MAX = 255 };

enum profile_key {
    PROFILE_ACCESS_KEY,
    PROFILE_SECRET_KEY,
    PROFILE_TOKEN,
    PROFILE_ACCOUNT,
    PROFILE_ROLE_ARN,
    PROFILE_SOURCE_PROFILE,
    PROFILE_CREDENTIAL_SOURCE,
    PROFILE_EXTERNAL_ID,
    PROFILE_SESSION_NAME,
    PROFILE_DURATION,
    PROFILE_REGION,
    PROFILE_MFA,
    PROFILE_WEB_IDENTITY,
    PROFILE_PROCESS,
    PROFILE_LOGIN,
    PROFILE_SSO, /* any property that begins with sso_ */
    PROFILE_KEYS
};

enum profile_file { PROFILE_CONFIG, PROFILE_CREDENTIALS, PROFILE_FILES };

struct profile {
    struct profile *next;
    struct s3_secret values[PROFILE_FILES][PROFILE_KEYS];
    bool prefixed; /* was `[profile default]` */
    char name[PROFILE_NAME_MAX + 1];
};

struct profiles {
    struct profile *first;
    char *paths[PROFILE_FILES]; /* as looked at; NULL where there is no home folder to look in */
};

void profile_init(struct profiles *profiles);
void profile_clear(struct profiles *profiles); /* wipes */

/* Adds the content of one file, whose `path` is for messages. S3_FATAL where it is malformed. */
enum s3_status profile_parse(struct profiles *profiles, enum profile_file file, const char *path, const char *text,
        size_t length, struct s3_error *error) __attribute__((warn_unused_result));

/* Reads both files: those that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name, which must be there, or those of
 * the home folder, which need not. */
enum s3_status profile_load(struct profiles *profiles, const struct s3_environment *environment, struct s3_error *error)
        __attribute__((warn_unused_result));

/* NULL where there is none. */
const struct profile *profile_find(const struct profiles *profiles, const char *name);

/* A value, NULL where it is absent or empty. The credentials file's goes first, and its keys are never mixed with the
 * config file's. */
const struct s3_secret *profile_secret(const struct profile *profile, enum profile_key key);
const char *profile_value(const struct profile *profile, enum profile_key key);

/* "a and b", the files as looked at. */
void profile_paths(const struct profiles *profiles, char *text, size_t size);

#endif
