/*
 * From a config_access to a client: ambient credentials or a profile, then the role where one is named. An access
 * belongs to the program's main thread until it is made; its client is used from any thread.
 */
#ifndef AGENT_ACCESS_H
#define AGENT_ACCESS_H

#include "agent/program.h"

struct access;

struct access_options {
    const struct config_access *config;
    const char *role_arn;     /* instead of config->role_arn where not NULL, e.g. the prune role */
    const char *session_name; /* "vaultferry-run" */
    const char *session_policy;
};

enum verdict access_open(const struct program *program, const struct access_options *options, struct access **access,
        struct failure *failure) __attribute__((warn_unused_result));
void access_close(struct access *access);
/* A client that counts nothing, the access's own. */
struct s3_client *access_client(const struct access *access);
/* Another one over the same credentials and limiter, whose requests are counted (borrows `counters`). Returns a client
 * that s3_client_free frees, before the access is closed. */
enum verdict access_counted(const struct access *access, struct counters *counters, struct s3_client **client,
        struct failure *failure) __attribute__((warn_unused_result));
/* Another one that gives up sooner: after so many attempts. For who asks many things and may hear no. As above. */
enum verdict access_hasty(const struct access *access, int attempts, struct s3_client **client, struct failure *failure)
        __attribute__((warn_unused_result));
/* Who the requests are made as, by GetCallerIdentity: an ARN, cut at `size`. A store of its own, without an address for
 * STS, is asked itself. */
enum verdict access_identity(const struct access *access, struct s3_conn *conn, char *arn, size_t size,
        struct failure *failure) __attribute__((warn_unused_result));
/* A client of another of AWS's services over the same credentials, at the address that AWS_ENDPOINT_URL_<SERVICE> or
 * AWS_ENDPOINT_URL names, else AWS's own. s3_client_free it before the access is closed. */
enum verdict access_service(const struct program *program, const struct access *access, const char *service,
        const char *region, struct s3_client **client, struct failure *failure) __attribute__((warn_unused_result));
/* A client of IAM: at AWS_ENDPOINT_URL_IAM, else where the config has a store of its own for STS or S3, else AWS's own,
 * which is one for the partition. s3_client_free it before the access is closed. */
enum verdict access_iam(const struct program *program, const struct access *access, struct s3_client **client,
        struct failure *failure) __attribute__((warn_unused_result));
/* The address that config or environment gives; NULL: AWS's own. */
const char *access_endpoint(const struct access *access);
/* The region: the config's, else the environment's or profile's, else us-east-1. */
const char *access_region(const struct access *access);

#endif
