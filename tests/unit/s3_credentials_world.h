/*
 * What the tests of credentials stand on: an environment and a clock that they set, a folder of files, and a server on
 * loopback that answers request after request from a script and remembers what it was asked.
 */
#ifndef TESTS_S3_CREDENTIALS_WORLD_H
#define TESTS_S3_CREDENTIALS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "s3/client.h"
#include "s3/credentials.h"
#include "s3/http.h"

enum { VARIABLES = 32, STEPS = 16, REQUEST_MAX = 64 * 1024 };

struct variable {
    char name[64];
    char value[4096];
};

/* One answer. Status 0: the connection is closed without any. */
struct step {
    int status;
    const char *body;
    int delay_ms;
};

struct server {
    int listener;
    unsigned port;
    pthread_t thread;
    const struct step *steps;
    atomic_size_t asked; /* requests so far; the last step goes on answering */
    size_t step_count;
    char requests[STEPS][REQUEST_MAX];
};

struct world {
    struct variable variables[VARIABLES];
    size_t variable_count;
    struct s3_environment environment;
    struct s3_clock clock;
    _Atomic int64_t now_ms, slept_ms; /* one time for both clocks */
    char folder[64];
    struct s3_tls *tls;
    struct s3_conn *conn;
    struct server server;
    struct s3_error error;
};

static inline const char *world_get(void *ctx, const char *name)
{
    const struct world *world = ctx;
    for (size_t i = 0; i < world->variable_count; i++)
        if (strcmp(world->variables[i].name, name) == 0)
            return world->variables[i].value;
    return NULL;
}

static inline void world_set(struct world *world, const char *name, const char *value)
{
    size_t i = 0;
    while (i < world->variable_count && strcmp(world->variables[i].name, name) != 0)
        i++;
    assert_true(i < VARIABLES);
    assert_true(strlen(name) < sizeof world->variables[i].name && strlen(value) < sizeof world->variables[i].value);
    memcpy(world->variables[i].name, name, strlen(name) + 1);
    memcpy(world->variables[i].value, value, strlen(value) + 1);
    if (i == world->variable_count)
        world->variable_count++;
}

static inline int64_t world_now(void *ctx)
{
    return atomic_load(&((struct world *)ctx)->now_ms);
}

static inline bool world_sleep(void *ctx, int64_t ms)
{
    struct world *world = ctx;
    atomic_fetch_add(&world->slept_ms, ms);
    atomic_fetch_add(&world->now_ms, ms);
    return true;
}

static inline double world_random(void *ctx)
{
    (void)ctx;
    return 0.5;
}

static inline struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->environment = (struct s3_environment){ world_get, world };
    world->clock = (struct s3_clock){
        .wall_ms = world_now, .monotonic_ms = world_now, .sleep_ms = world_sleep, .random = world_random, .ctx = world
    };
    atomic_init(&world->now_ms, INT64_C(1795000000000)); /* 2026-11-18T11:06:40Z */
    (void)snprintf(world->folder, sizeof world->folder, "%s", "/tmp/vaultferry-credentials-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world_set(world, "HOME", world->folder);
    assert_int_equal(s3_tls_new(NULL, &world->tls, &world->error), S3_OK);
    assert_int_equal(s3_conn_new(world->tls, &world->clock, &world->conn, &world->error), S3_OK);
    world->server.listener = -1;
    return world;
}

/* Writes a file of the world's folder and returns its path, good until the next call. */
static inline const char *world_write(struct world *world, const char *name, const char *content)
{
    static char path[256];
    FILE *file;
    (void)snprintf(path, sizeof path, "%s/.aws", world->folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/%s", world->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline size_t body_length(const char *head)
{
    const char *at = strcasestr(head, "\r\ncontent-length:");
    return at != NULL ? (size_t)strtoul(at + 17, NULL, 10) : 0;
}

static inline void serve_one(struct server *server, int fd)
{
    size_t number = atomic_load(&server->asked), used = 0;
    char *text = server->requests[number < STEPS ? number : STEPS - 1], answer[REQUEST_MAX + 512];
    const struct step *step = &server->steps[number < server->step_count ? number : server->step_count - 1];
    ssize_t got;

    memset(text, 0, REQUEST_MAX);
    while (used < REQUEST_MAX - 1) {
        const char *end = strstr(text, "\r\n\r\n");
        if (end != NULL && used >= (size_t)(end - text) + 4 + body_length(text))
            break;
        got = read(fd, text + used, REQUEST_MAX - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    atomic_store(&server->asked, number + 1);
    if (step->delay_ms > 0)
        (void)nanosleep(&(struct timespec){ step->delay_ms / 1000, step->delay_ms % 1000 * 1000000L }, NULL);
    if (step->status != 0) {
        const char *body = step->body != NULL ? step->body : "";
        int length = snprintf(answer, sizeof answer,
                "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", step->status, strlen(body));
        (void)send(fd, answer, (size_t)length, MSG_NOSIGNAL);
        (void)send(fd, body, strlen(body), MSG_NOSIGNAL);
    }
}

static inline void *serve(void *ctx)
{
    struct server *server = ctx;
    int fd;
    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        serve_one(server, fd);
        (void)shutdown(fd, SHUT_RDWR);
        (void)close(fd);
    }
    return NULL;
}

static inline void world_stop_server(struct world *world)
{
    if (world->server.listener < 0)
        return;
    (void)shutdown(world->server.listener, SHUT_RDWR);
    (void)pthread_join(world->server.thread, NULL);
    (void)close(world->server.listener);
    world->server.listener = -1;
}

/* Starts the server, or gives a new script to a new one. */
static inline void world_serve(struct world *world, const struct step *steps, size_t count)
{
    struct server *server = &world->server;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    world_stop_server(world);
    server->steps = steps;
    server->step_count = count;
    atomic_store(&server->asked, 0);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 64), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

/* Sets a variable to the server's address with a path. */
static inline void world_set_url(struct world *world, const char *name, const char *path)
{
    char url[256];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", world->server.port, path);
    world_set(world, name, url);
}

static inline void world_free(struct world *world)
{
    static const char *const names[] = { ".aws/config", ".aws/credentials", ".aws", "config", "credentials", "token",
        "" };
    char path[256];
    world_stop_server(world);
    s3_conn_free(world->conn);
    s3_tls_free(world->tls);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        (void)remove(path);
    }
    free(world);
}

/* The chain with the world's environment. */
static inline enum s3_status world_chain(struct world *world, const char *profile, struct s3_provider **provider)
{
    const struct s3_chain_options options = {
        .environment = &world->environment, .clock = &world->clock, .profile = profile
    };
    *provider = NULL;
    s3_error_clear(&world->error);
    return s3_provider_chain(&options, provider, &world->error);
}

static inline enum s3_status world_fetch(
        struct world *world, struct s3_provider *provider, struct s3_credentials **credentials)
{
    *credentials = NULL;
    s3_error_clear(&world->error);
    return s3_provider_get(provider, world->conn, credentials, &world->error);
}

/* The chain gives these keys. */
static inline void assert_chain_gives(
        struct world *world, const char *profile, const char *access_key, const char *token, const char *origin)
{
    struct s3_provider *provider;
    struct s3_credentials *credentials;
    if (world_chain(world, profile, &provider) != S3_OK)
        fail_msg("chain: %s", world->error.message);
    if (world_fetch(world, provider, &credentials) != S3_OK)
        fail_msg("get: %s", world->error.message);
    assert_string_equal(credentials->access_key.ptr, access_key);
    if (token != NULL)
        assert_string_equal(credentials->token.ptr, token);
    else
        assert_int_equal(credentials->token.len, 0);
    assert_string_equal(credentials->origin, origin);
    s3_credentials_release(credentials);
    s3_provider_free(provider);
}

/* The chain, or its first fetch, fails with this status and a line that has this text. */
static inline void assert_chain_fails(struct world *world, const char *profile, enum s3_status wanted, const char *text)
{
    struct s3_provider *provider;
    struct s3_credentials *credentials;
    enum s3_status status = world_chain(world, profile, &provider);
    if (status == S3_OK)
        status = world_fetch(world, provider, &credentials);
    assert_int_equal(status, wanted);
    if (strstr(world->error.message, text) == NULL)
        fail_msg("\"%s\" has no \"%s\"", world->error.message, text);
    s3_provider_free(provider);
}

#endif
