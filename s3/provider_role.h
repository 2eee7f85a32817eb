/*
 * Keys of a role, by STS's AssumeRole with another provider's keys or a web identity's token. The public half is
 * s3_provider_role; the chain of a profile makes roles whose parents belong to them. Private to s3/.
 */
#ifndef S3_PROVIDER_ROLE_H
#define S3_PROVIDER_ROLE_H

#include "s3/credentials.h"

/* s3_provider_role, with options->parent taken where `owned`, also where it fails. */
enum s3_status provider_role_new(const struct s3_role_options *options, bool owned, struct s3_provider **provider,
        struct s3_error *error) __attribute__((warn_unused_result));

#endif
