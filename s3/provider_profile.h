/*
 * The provider that a profile describes: its own keys, or a role on the keys of another profile, of the environment, of
 * the container or of the instance. Private to s3/.
 */
#ifndef S3_PROVIDER_PROFILE_H
#define S3_PROVIDER_PROFILE_H

#include "s3/profile.h"

struct provider_profile_options {
    const struct s3_environment *environment;
    const struct s3_clock *clock;
    const struct profiles *profiles;
    const char *region, *sts_endpoint; /* of STS; NULL: us-east-1, the region's own */
};

/* *provider is NULL where the profile has neither keys nor a role. What is contradictory, missing or not supported is
 * S3_FATAL, with a line that names the profile. */
enum s3_status provider_profile_new(const struct provider_profile_options *options, const struct profile *profile,
        struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

#endif
