/*
 * Keys of an EC2 instance's role, from its metadata service by version 2 of its protocol only (a token first), as
 * version 1 answers anybody who can make a process fetch a URL. Private to s3/.
 */
#ifndef S3_IMDS_H
#define S3_IMDS_H

#include "s3/credentials.h"

/* Whether AWS_EC2_METADATA_DISABLED is true. */
bool imds_is_disabled(const struct s3_environment *environment);

/*
 * Makes a provider. AWS_EC2_METADATA_SERVICE_ENDPOINT and _ENDPOINT_MODE choose the address, which is S3_FATAL at once
 * where it is none. `absent` (copied) is the line for a machine that has no such service, or no role: it ends the first
 * fetch as S3_FATAL "NoCredentials", with the reason in parentheses after it. Borrows the clock for life.
 */
enum s3_status imds_provider_new(const struct s3_environment *environment, const struct s3_clock *clock,
        const char *absent, struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

#endif
