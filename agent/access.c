/* See access.h. */
#include "agent/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/endpoint.h"
#include "s3/sts.h"

struct access {
    struct s3_provider *ambient, *role;
    struct s3_client *client;
    struct s3_limiter *limiter; /* its own, unless the user has set one rate for all */
    bool owns_limiter;
    const struct s3_clock *clock;
    const char *endpoint; /* of config or environment; NULL: AWS's own */
    const char *sts;      /* likewise */
    bool path_style;
    char region[32];
};

static enum request_kind kind_of(const struct s3_trace *trace)
{
    const char *operation = trace->operation;

    if (strncmp(operation, "List", 4) == 0)
        return REQUEST_LIST;
    if (strncmp(operation, "Head", 4) == 0)
        return REQUEST_HEAD;
    if (strcmp(operation, "CopyObject") == 0 || strcmp(operation, "UploadPartCopy") == 0)
        return REQUEST_COPY;
    if (strncmp(operation, "Delete", 6) == 0 || strncmp(operation, "Abort", 5) == 0)
        return REQUEST_DELETE;
    if (strncmp(operation, "Get", 3) == 0)
        return REQUEST_GET;
    if (strcmp(trace->method, "PUT") == 0 || strcmp(trace->method, "POST") == 0)
        return strcmp(operation, "AssumeRole") == 0 ? REQUEST_OTHER : REQUEST_PUT;
    return REQUEST_OTHER;
}

static void count(void *ctx, const struct s3_trace *trace)
{
    struct counters *counters = ctx;

    atomic_fetch_add_explicit(&counters->requests[kind_of(trace)], 1, memory_order_relaxed);
    if (counters->budget != NULL)
        atomic_fetch_add_explicit(&counters->budget->requests, 1, memory_order_relaxed);
    if (trace->attempt > 1)
        atomic_fetch_add_explicit(&counters->retried, 1, memory_order_relaxed);
    if (trace->status == S3_THROTTLED)
        atomic_fetch_add_explicit(&counters->throttled, 1, memory_order_relaxed);
}

static const char *variable(const struct program *program, const char *name)
{
    const char *value = program->environment.get(program->environment.ctx, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *first_of(const char *one, const char *two, const char *three)
{
    return one != NULL ? one : two != NULL ? two : three;
}

static enum s3_status find_region(const struct program *program, const struct config_access *config,
        struct access *access, struct s3_error *error)
{
    enum s3_status status;

    if (config->region != NULL) {
        (void)snprintf(access->region, sizeof access->region, "%s", config->region);
        return S3_OK;
    }
    status = s3_chain_region(&program->environment, config->profile, access->region, sizeof access->region, error);
    if (status == S3_OK && access->region[0] == '\0')
        (void)snprintf(access->region, sizeof access->region, "us-east-1");
    return status;
}

static enum s3_status find_credentials(const struct program *program, const struct access_options *options,
        struct access *access, struct s3_error *error)
{
    const struct config_access *config = options->config;
    const char *role = options->role_arn != NULL ? options->role_arn : config->role_arn;
    struct s3_chain_options chain = { .environment = &program->environment,
        .clock = program->clock,
        .profile = config->profile,
        .region = access->region,
        .sts_endpoint = access->sts };
    enum s3_status status = s3_provider_chain(&chain, &access->ambient, error);

    if (status == S3_OK && role != NULL) {
        struct s3_role_options wanted = { .parent = access->ambient,
            .clock = program->clock,
            .role_arn = role,
            .external_id = config->external_id,
            .session_name = options->session_name,
            .session_policy = options->session_policy,
            .region = access->region,
            .sts_endpoint = access->sts };
        status = s3_provider_role(&wanted, &access->role, error);
    }
    return status;
}

static enum s3_status make_client(const struct access *access, struct counters *counters, int attempts,
        struct s3_client **client, struct s3_error *error)
{
    struct s3_client_options wanted = { .region = access->region,
        .endpoint = access->endpoint,
        .path_style = access->path_style,
        .credentials = access->role != NULL ? access->role : access->ambient,
        .limiter = access->limiter,
        .clock = access->clock,
        .attempts = attempts,
        .trace = counters != NULL ? count : NULL,
        .trace_ctx = counters };

    s3_error_clear(error);
    return s3_client_new(&wanted, client, error);
}

enum verdict access_open(const struct program *program, const struct access_options *options, struct access **access,
        struct failure *failure)
{
    const struct config_access *config = options->config;
    struct access *made = calloc(1, sizeof *made);
    struct s3_error error;
    enum s3_status status;

    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    made->clock = program->clock;
    made->path_style = config->path_style;
    made->endpoint =
            first_of(config->endpoint, variable(program, "AWS_ENDPOINT_URL_S3"), variable(program, "AWS_ENDPOINT_URL"));
    made->sts = first_of(
            config->sts_endpoint, variable(program, "AWS_ENDPOINT_URL_STS"), variable(program, "AWS_ENDPOINT_URL"));
    s3_error_clear(&error); /* who makes no request fills in no more than what is wrong */
    status = find_region(program, config, made, &error);
    if (status == S3_OK)
        status = find_credentials(program, options, made, &error);
    if (status == S3_OK) {
        made->owns_limiter = program->limiter == NULL;
        made->limiter = made->owns_limiter ? s3_limiter_new(0, 0) : program->limiter;
        if (made->limiter == NULL)
            status = s3_fail(&error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    if (status == S3_OK)
        status = make_client(made, NULL, 0, &made->client, &error);
    if (status != S3_OK) {
        access_close(made);
        return failure_from_s3(failure, status, &error, "finding credentials and endpoint");
    }
    *access = made;
    return VERDICT_OK;
}

void access_close(struct access *access)
{
    if (access == NULL)
        return;
    s3_client_free(access->client);
    if (access->owns_limiter)
        s3_limiter_free(access->limiter);
    if (access->role != NULL)
        s3_provider_free(access->role);
    if (access->ambient != NULL)
        s3_provider_free(access->ambient);
    free(access);
}

struct s3_client *access_client(const struct access *access)
{
    return access->client;
}

enum verdict access_counted(
        const struct access *access, struct counters *counters, struct s3_client **client, struct failure *failure)
{
    struct s3_error error;
    enum s3_status status = make_client(access, counters, 0, client, &error);

    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "preparing a client");
}

enum verdict access_hasty(const struct access *access, int attempts, struct s3_client **client, struct failure *failure)
{
    struct s3_error error;
    enum s3_status status = make_client(access, NULL, attempts, client, &error);

    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "preparing a client");
}

/* An interface endpoint of AWS's serves one service alone. */
static const char *unless_aws(const char *endpoint)
{
    return endpoint != NULL && strstr(endpoint, ".amazonaws.") != NULL ? NULL : endpoint;
}

enum verdict access_identity(
        const struct access *access, struct s3_conn *conn, char *arn, size_t size, struct failure *failure)
{
    struct s3_client_options wanted = { .service = "sts",
        .region = access->region,
        .endpoint = first_of(access->sts, unless_aws(access->endpoint), NULL),
        .credentials = access->role != NULL ? access->role : access->ambient,
        .clock = access->clock };
    struct s3_identity_answer *identity = calloc(1, sizeof *identity);
    struct s3_client *client = NULL;
    struct s3_error error;
    enum s3_status status;

    if (identity == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    s3_error_clear(&error);
    status = s3_client_new(&wanted, &client, &error);
    if (status == S3_OK)
        status = s3_get_caller_identity(conn, client, identity, &error);
    if (status == S3_OK)
        (void)snprintf(arn, size, "%s", identity->arn);
    s3_client_free(client);
    free(identity);
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "asking who we are");
}

enum verdict access_service(const struct program *program, const struct access *access, const char *service,
        const char *region, struct s3_client **client, struct failure *failure)
{
    struct s3_client_options wanted = { .service = service,
        .region = region,
        .credentials = access->role != NULL ? access->role : access->ambient,
        .clock = access->clock };
    char name[64] = "AWS_ENDPOINT_URL_";
    size_t used = strlen(name);
    struct s3_error error;
    enum s3_status status;

    for (const char *at = service; *at != '\0' && used < sizeof name - 1; at++)
        name[used++] = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    name[used] = '\0';
    wanted.endpoint = first_of(variable(program, name), variable(program, "AWS_ENDPOINT_URL"), NULL);
    s3_error_clear(&error);
    status = s3_client_new(&wanted, client, &error);
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "preparing a client of %s", service);
}

enum verdict access_iam(
        const struct program *program, const struct access *access, struct s3_client **client, struct failure *failure)
{
    const struct s3_client_options wanted = { .service = "iam",
        .region = s3_iam_region(access->region),
        .endpoint = first_of(
                variable(program, "AWS_ENDPOINT_URL_IAM"), unless_aws(access->sts), unless_aws(access->endpoint)),
        .credentials = access->role != NULL ? access->role : access->ambient,
        .clock = access->clock };
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    status = s3_client_new(&wanted, client, &error);
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "preparing a client of IAM");
}

const char *access_endpoint(const struct access *access)
{
    return access->endpoint;
}

const char *access_region(const struct access *access)
{
    return access->region;
}
