/*
 * The JSON in which container, instance metadata and a command of a profile give keys. Pure. Private to s3/.
 */
#ifndef S3_PROVIDER_JSON_H
#define S3_PROVIDER_JSON_H

#include "s3/credentials.h"

/*
 * {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId"}, the last three optional; where there is a
 * "Code", it is "Success". Else S3_BAD_DATA, with a message that begins with `origin` and holds nothing of the text.
 * Its copies of the values are wiped, but for what jansson's reader leaves behind; the text itself is the caller's.
 */
enum s3_status provider_json_parse(const char *text, size_t length, const char *origin,
        struct s3_credentials **credentials, struct s3_error *error) __attribute__((warn_unused_result));

/* What a command prints: with "Version", which is 1, and the token as "SessionToken". */
enum s3_status provider_json_parse_process(const char *text, size_t length, const char *origin,
        struct s3_credentials **credentials, struct s3_error *error) __attribute__((warn_unused_result));

#endif
