/*
 * Keys that a command prints: credential_process of a profile. The command is split into words as a shell would, with
 * quotes and backslashes, and run without one; what it prints is {"Version": 1, "AccessKeyId", "SecretAccessKey",
 * "SessionToken", "Expiration"}, the last two optional. Its standard error is the program's. Private to s3/.
 */
#ifndef S3_PROVIDER_PROCESS_H
#define S3_PROVIDER_PROCESS_H

#include "s3/credentials.h"

/* `origin` begins each message. A command that cannot be split is S3_FATAL. */
enum s3_status process_provider_new(const char *command, const char *origin, const struct s3_clock *clock,
        struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

#endif
