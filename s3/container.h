/*
 * Keys of a container: the address and the authorization token that ECS, EKS and Greengrass put into its environment.
 * Private to s3/.
 */
#ifndef S3_CONTAINER_H
#define S3_CONTAINER_H

#include "s3/credentials.h"

enum { CONTAINER_URL_MAX = 2048 };

/* Whether the environment names such an address. */
bool container_is_there(const struct s3_environment *environment);

/*
 * Makes a provider of what AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, or else _FULL_URI, names. An address or a token that
 * may not be used is S3_FATAL at once, naming its variable; a token's file is read again at each fetch, since its token
 * rotates. Borrows the clock for life.
 */
enum s3_status container_provider_new(const struct s3_environment *environment, const struct s3_clock *clock,
        struct s3_provider **provider, struct s3_error *error) __attribute__((warn_unused_result));

/* The address that the environment names, checked as below. Pure. */
enum s3_status container_url(const struct s3_environment *environment, char url[static CONTAINER_URL_MAX],
        struct s3_error *error) __attribute__((warn_unused_result));

/* Whether keys, and with them the token, may be fetched from an address: over https from any host; over http only from
 * this machine itself, or from the link-local addresses of ECS and EKS. Pure. */
bool container_url_is_allowed(const char *url);

#endif
