/* See program.h. */
#include "agent/program.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/access.h"
#include "agent/clock.h"
#include "agent/config_load.h"
#include "agent/permission_hint.h"
#include "s3/buffer.h"
#include "s3/http.h"
#include "s3/object.h"

const char *request_kind_name(enum request_kind kind)
{
    static const char *const names[REQUEST_KINDS] = { "list", "head", "get", "put", "copy", "delete", "other" };

    return names[kind];
}

static const char *from_environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

/* -> $VAULTFERRY_STATE_DIR, else the XDG state folder, else (for root) /var/lib/vaultferry */
static enum verdict find_state_dir(struct program *program, struct failure *failure)
{
    const char *given = getenv("VAULTFERRY_STATE_DIR"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length;

    if (program->state_dir[0] != '\0')
        return VERDICT_OK;
    if (given != NULL && given[0] != '\0')
        length = snprintf(program->state_dir, sizeof program->state_dir, "%s", given);
    else if (geteuid() == 0)
        length = snprintf(program->state_dir, sizeof program->state_dir, "/var/lib/vaultferry");
    else if (xdg != NULL && xdg[0] == '/')
        length = snprintf(program->state_dir, sizeof program->state_dir, "%s/vaultferry", xdg);
    else if (home != NULL && home[0] == '/')
        length = snprintf(program->state_dir, sizeof program->state_dir, "%s/.local/state/vaultferry", home);
    else
        return failure_set(
                failure, VERDICT_USAGE, "no state folder: give --state-dir, or set VAULTFERRY_STATE_DIR or HOME");
    if (length < 0 || (size_t)length >= sizeof program->state_dir)
        return failure_set(failure, VERDICT_USAGE, "the path of the state folder is too long");
    return VERDICT_OK;
}

/* Sixty-four workers with a few connections each, beside LMDB: more than the 1,024 of many shells is welcome, less is
 * no error. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/*
 * Pages of actions are made by one thread and freed by another: with an arena a core and a threshold that grows with
 * what was freed, glibc keeps three times what is in use. Large blocks are given back as they are freed, and few arenas
 * do for threads that mostly wait.
 */
static void tame_malloc(void)
{
    (void)mallopt(M_ARENA_MAX, 4);
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

enum verdict program_init(struct program *program, struct failure *failure)
{
    struct s3_error error;
    enum s3_status status;
    enum verdict verdict = find_state_dir(program, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    raise_descriptors();
    tame_malloc();
    program->environment.get = from_environment;
    program->clock = clock_real();
    s3_error_clear(&error);
    status = s3_http_global_init(&error);
    if (status == S3_OK)
        status = s3_tls_new(getenv("AWS_CA_BUNDLE"), &program->tls, &error);
    if (status != S3_OK) {
        failure_from_s3(failure, status, &error, "starting");
        failure->verdict = VERDICT_USAGE;
        return VERDICT_USAGE;
    }
    return VERDICT_OK;
}

static bool gather(void *ctx, const char *bytes, size_t length)
{
    return s3_buffer_add(ctx, bytes, length);
}

static bool forget(void *ctx)
{
    s3_buffer_clear(ctx);
    return true;
}

struct fetching {
    const struct program *program;
    struct failure failure; /* why the object could not be had */
};

/* The config itself may lie in S3: it is read with the ambient credentials. */
static enum config_status fetch_config(
        void *ctx, const char *bucket, const char *key, char **text, size_t *len, char *why, size_t why_size)
{
    struct fetching *fetching = ctx;
    const struct program *program = fetching->program;
    const struct config_access ambient = { 0 };
    struct access_options options = { .config = &ambient, .session_name = "vaultferry-config" };
    struct access *access = NULL;
    struct s3_conn *conn = NULL;
    struct s3_buffer body;
    struct s3_head head;
    struct s3_error error;
    struct failure *failure = &fetching->failure;
    enum s3_status status = S3_FATAL;
    const struct s3_get_options get = { .target = { .bucket = bucket, .key = { key, strlen(key) } } };
    const struct s3_sink sink = { .write = gather, .restart = forget, .ctx = &body };

    s3_buffer_init(&body, JSON_TEXT_MAX);
    s3_head_init(&head);
    failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (access_open(program, &options, &access, failure) == VERDICT_OK &&
            program_connect(program, &conn, failure) == VERDICT_OK) {
        status = s3_get_object(conn, access_client(access), &get, &sink, &head, &error);
        if (status != S3_OK)
            failure_from_s3(failure, status, &error, "reading it");
    }
    if (status == S3_OK && s3_buffer_text(&body) == NULL)
        status = S3_NO_MEMORY;
    if (status == S3_OK) {
        *text = body.ptr;
        *len = body.len;
    } else {
        (void)snprintf(why, why_size, "%s", failure->what);
        s3_buffer_free(&body);
    }
    s3_head_free(&head);
    s3_conn_free(conn);
    access_close(access);
    return status == S3_OK ? CONFIG_OK : CONFIG_UNREADABLE;
}

enum verdict program_load_config(struct program *program, struct failure *failure)
{
    struct config_origin origin;
    struct config_error error;
    struct fetching fetching = { .program = program };
    enum config_status status = config_source_choose(
            program->config_option, getenv("VAULTFERRY_CONFIG"), getenv("VAULTFERRY_CONFIG_JSON"), &origin, &error);

    if (status == CONFIG_OK)
        status = config_load(&origin, fetch_config, &fetching, &program->config, &error);
    if (status == CONFIG_UNREADABLE && verdict_exit(fetching.failure.verdict) == EXIT_NO_ACCESS &&
            fetching.failure.verdict != VERDICT_NOT_FOUND) {
        *failure = fetching.failure; /* not the config's fault: credentials, permissions, an endpoint that is down */
        (void)snprintf(failure->what, sizeof failure->what, "%s", error.message);
        return failure->verdict;
    }
    if (status != CONFIG_OK)
        return failure_set(failure, VERDICT_USAGE, "%s", error.message);
    permission_hint_know(program->config);
    if (program->config->limits.requests_per_second > 0) {
        program->limiter = s3_limiter_new(program->config->limits.requests_per_second, 0);
        if (program->limiter == NULL)
            return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    return VERDICT_OK;
}

enum verdict program_connect(const struct program *program, struct s3_conn **conn, struct failure *failure)
{
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    status = s3_conn_new(program->tls, program->clock, conn, &error);
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "preparing a connection");
}

void program_free(struct program *program)
{
    permission_hint_know(NULL);
    config_free(program->config);
    s3_limiter_free(program->limiter);
    s3_tls_free(program->tls);
    s3_http_global_cleanup();
    program->config = NULL;
    program->limiter = NULL;
    program->tls = NULL;
}
