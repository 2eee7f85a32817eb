/*
 * Who are we? Builds the chain from the real environment, assumes the roles that are named, one on top of the other,
 * asks the service for the caller's identity and its buckets, and prints one JSON line without any secret:
 * {"origin", "account", "expires", "identity": {"account", "arn"}, "buckets", "requests", "ok", "errors":
 * [{"operation", "status", "http_status", "code", "message"}]}. Exits 1 where there are errors, of which the first few
 * are shown.
 *
 * s3_whoami [--endpoint URL] [--sts-endpoint URL] [--region R] [--profile P] [--role ARN]... [--external-id X]
 *     [--session-name N] [--policy JSON] [--duration SECONDS] [--stream SECONDS --threads N]
 *
 * External id, policy and duration are the last role's. With --stream, the threads go on listing buckets for so long.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "s3/bucket.h"
#include "s3/http.h"
#include "s3/sts.h"

enum { ROLES_MAX = 8, THREADS_MAX = 64, ERRORS_SHOWN = 5, PAUSE_MS = 10 };

struct arguments {
    const char *endpoint, *sts_endpoint, *region, *profile, *external_id, *session_name, *policy, *duration;
    const char *roles[ROLES_MAX];
    size_t role_count;
    const char *stream, *threads;
};

struct program {
    struct arguments arguments;
    struct s3_tls *tls;
    struct s3_provider *chain, *roles[ROLES_MAX], *provider; /* provider: the last of them */
    struct s3_client *sts, *s3;
    int64_t until_ms;
    atomic_int requests, ok;
    atomic_bool failed;
    pthread_mutex_t lock;
    json_t *errors; /* guarded by lock */
};

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic_ms(void *ctx)
{
    (void)ctx;
    return read_clock(CLOCK_MONOTONIC);
}

static bool sleep_ms(void *ctx, int64_t ms)
{
    (void)ctx;
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
    return true;
}

static double no_chance(void *ctx)
{
    (void)ctx;
    return 0.5;
}

static const struct s3_clock real_clock = {
    .wall_ms = wall_ms, .monotonic_ms = monotonic_ms, .sleep_ms = sleep_ms, .random = no_chance
};

static const char *get_variable(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static const struct s3_environment real_environment = { get_variable, NULL };

static bool parse_arguments(struct arguments *arguments, int argc, char **argv)
{
    const struct {
        const char *name;
        const char **value;
    } names[] = {
        { "--endpoint", &arguments->endpoint },
        { "--sts-endpoint", &arguments->sts_endpoint },
        { "--region", &arguments->region },
        { "--profile", &arguments->profile },
        { "--external-id", &arguments->external_id },
        { "--session-name", &arguments->session_name },
        { "--policy", &arguments->policy },
        { "--duration", &arguments->duration },
        { "--stream", &arguments->stream },
        { "--threads", &arguments->threads },
    };
    for (int i = 1; i < argc; i += 2) {
        size_t n = 0;
        if (i + 1 == argc)
            return false;
        if (strcmp(argv[i], "--role") == 0 && arguments->role_count < ROLES_MAX) {
            arguments->roles[arguments->role_count++] = argv[i + 1];
            continue;
        }
        while (n < sizeof names / sizeof names[0] && strcmp(names[n].name, argv[i]) != 0)
            n++;
        if (n == sizeof names / sizeof names[0])
            return false;
        *names[n].value = argv[i + 1];
    }
    return true;
}

static void note(struct program *program, enum s3_status status, const struct s3_error *error)
{
    atomic_store(&program->failed, true);
    (void)pthread_mutex_lock(&program->lock);
    if (json_array_size(program->errors) < ERRORS_SHOWN)
        (void)json_array_append_new(program->errors,
                json_pack("{s:s?, s:s, s:i, s:s, s:s}", "operation", error->operation, "status", s3_status_name(status),
                        "http_status", error->http_status, "code", error->code, "message", error->message));
    (void)pthread_mutex_unlock(&program->lock);
}

static enum s3_status make_providers(struct program *program, struct s3_error *error)
{
    const struct arguments *arguments = &program->arguments;
    const struct s3_chain_options chain = { .environment = &real_environment,
        .clock = &real_clock,
        .profile = arguments->profile,
        .region = arguments->region,
        .sts_endpoint = arguments->sts_endpoint };
    enum s3_status status = s3_provider_chain(&chain, &program->chain, error);

    program->provider = program->chain;
    for (size_t i = 0; i < arguments->role_count && status == S3_OK; i++) {
        bool last = i + 1 == arguments->role_count;
        const struct s3_role_options role = { .parent = program->provider,
            .clock = &real_clock,
            .role_arn = arguments->roles[i],
            .external_id = last ? arguments->external_id : NULL,
            .session_name = arguments->session_name,
            .session_policy = last ? arguments->policy : NULL,
            .duration_seconds =
                    last && arguments->duration != NULL ? (unsigned)strtoul(arguments->duration, NULL, 10) : 0,
            .region = arguments->region,
            .sts_endpoint = arguments->sts_endpoint };
        status = s3_provider_role(&role, &program->roles[i], error);
        program->provider = program->roles[i];
    }
    return status;
}

static enum s3_status make_clients(struct program *program, struct s3_error *error)
{
    const struct arguments *arguments = &program->arguments;
    struct s3_client_options options = { .service = "sts",
        .region = arguments->region,
        .endpoint = arguments->sts_endpoint,
        .path_style = true,
        .credentials = program->provider,
        .clock = &real_clock };
    enum s3_status status = s3_client_new(&options, &program->sts, error);

    options.service = "s3";
    options.endpoint = arguments->endpoint;
    if (status == S3_OK)
        status = s3_client_new(&options, &program->s3, error);
    return status;
}

static void count(struct program *program, enum s3_status status, const struct s3_error *error)
{
    atomic_fetch_add(&program->requests, 1);
    if (status == S3_OK)
        atomic_fetch_add(&program->ok, 1);
    else
        note(program, status, error);
}

static void list_buckets(struct program *program, struct s3_conn *conn, json_t *result)
{
    struct s3_bucket_page page;
    struct s3_error error;
    enum s3_status status;

    s3_bucket_page_init(&page);
    s3_error_clear(&error);
    status = s3_list_buckets(conn, program->s3, &(struct s3_list_buckets_options){ .max_buckets = 0 }, &page, &error);
    count(program, status, &error);
    if (status == S3_OK && result != NULL)
        (void)json_object_set_new(result, "buckets", json_integer((json_int_t)page.count));
    s3_bucket_page_free(&page);
}

static void *stream(void *ctx)
{
    struct program *program = ctx;
    struct s3_conn *conn;
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    status = s3_conn_new(program->tls, &real_clock, &conn, &error);
    if (status != S3_OK) {
        note(program, status, &error);
        return NULL;
    }
    while (monotonic_ms(NULL) < program->until_ms) {
        list_buckets(program, conn, NULL);
        (void)sleep_ms(NULL, PAUSE_MS);
    }
    s3_conn_free(conn);
    return NULL;
}

static void stream_all(struct program *program)
{
    pthread_t threads[THREADS_MAX];
    size_t wanted = program->arguments.threads != NULL ? strtoul(program->arguments.threads, NULL, 10) : 1, made = 0;

    program->until_ms = monotonic_ms(NULL) + (int64_t)strtoul(program->arguments.stream, NULL, 10) * 1000;
    while (made < wanted && made < THREADS_MAX && pthread_create(&threads[made], NULL, stream, program) == 0)
        made++;
    for (size_t i = 0; i < made; i++)
        (void)pthread_join(threads[i], NULL);
}

static void ask(struct program *program, struct s3_conn *conn, json_t *result)
{
    struct s3_identity_answer identity;
    struct s3_credentials *credentials;
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    status = s3_provider_get(program->provider, conn, &credentials, &error);
    if (status != S3_OK) {
        note(program, status, &error);
        return;
    }
    (void)json_object_set_new(result, "origin", json_string(credentials->origin));
    (void)json_object_set_new(result, "account", json_string(credentials->account));
    (void)json_object_set_new(result, "expires", json_integer(credentials->expires));
    s3_credentials_release(credentials);
    status = s3_get_caller_identity(conn, program->sts, &identity, &error);
    count(program, status, &error);
    if (status == S3_OK)
        (void)json_object_set_new(
                result, "identity", json_pack("{s:s, s:s}", "account", identity.account, "arn", identity.arn));
    list_buckets(program, conn, result);
    if (program->arguments.stream != NULL)
        stream_all(program);
}

int main(int argc, char **argv)
{
    struct program program = { .lock = PTHREAD_MUTEX_INITIALIZER, .errors = json_array() };
    struct s3_conn *conn = NULL;
    struct s3_error error;
    enum s3_status status;
    json_t *result = json_object();

    if (!parse_arguments(&program.arguments, argc, argv)) {
        fprintf(stderr, "s3_whoami: an argument that it does not know, or one without its value\n");
        return 2;
    }
    s3_error_clear(&error);
    status = s3_http_global_init(&error);
    if (status == S3_OK)
        status = s3_tls_new(getenv("AWS_CA_BUNDLE"), &program.tls, &error);
    if (status == S3_OK)
        status = s3_conn_new(program.tls, &real_clock, &conn, &error);
    if (status == S3_OK)
        status = make_providers(&program, &error);
    if (status == S3_OK)
        status = make_clients(&program, &error);
    if (status == S3_OK)
        ask(&program, conn, result);
    else
        note(&program, status, &error);
    (void)json_object_set_new(result, "requests", json_integer(atomic_load(&program.requests)));
    (void)json_object_set_new(result, "ok", json_integer(atomic_load(&program.ok)));
    (void)json_object_set_new(result, "errors", program.errors);
    (void)json_dumpf(result, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(result);
    s3_client_free(program.s3);
    s3_client_free(program.sts);
    for (size_t i = program.arguments.role_count; i-- > 0;)
        s3_provider_free(program.roles[i]);
    s3_provider_free(program.chain);
    s3_conn_free(conn);
    s3_tls_free(program.tls);
    s3_http_global_cleanup();
    return atomic_load(&program.failed) ? EXIT_FAILURE : EXIT_SUCCESS;
}
