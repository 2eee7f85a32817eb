/*
 * Performs operations of s3/ that come as JSON lines on stdin, and prints what came of each as a JSON line, so that one
 * table of tests runs against every server. README.md has the format.
 *
 * With --threads N all lines are read first; N threads then share one client and take them in turn. Answers carry the
 * line's number. With --bench nothing is read.
 */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "job.h"
#include "world.h"

enum { THREADS_MAX = 256 };

struct driver {
    struct world world;
    pthread_mutex_t lock;
    /* guarded by lock */
    json_t *lines; /* NULL: as they come from stdin */
    size_t next;
};

static _Thread_local json_t *attempts; /* of the job that this thread does */

static const char *const status_names[] = { [S3_OK] = "OK",
    [S3_RETRY] = "RETRY",
    [S3_THROTTLED] = "THROTTLED",
    [S3_NOT_FOUND] = "NOT_FOUND",
    [S3_CHANGED] = "CHANGED",
    [S3_ARCHIVED] = "ARCHIVED",
    [S3_DENIED] = "DENIED",
    [S3_EXPIRED] = "EXPIRED",
    [S3_CLOCK] = "CLOCK",
    [S3_REDIRECT] = "REDIRECT",
    [S3_BAD_DATA] = "BAD_DATA",
    [S3_FULL] = "FULL",
    [S3_REFUSED] = "REFUSED",
    [S3_CANCELLED] = "CANCELLED",
    [S3_NO_MEMORY] = "NO_MEMORY",
    [S3_FATAL] = "FATAL" };

static void take_trace(void *ctx, const struct s3_trace *trace)
{
    json_t *one;

    (void)ctx;
    if (attempts == NULL)
        return;
    one = json_object();
    put_text(one, "operation", trace->operation);
    put_number(one, "attempt", (uint64_t)trace->attempt);
    put_text(one, "status", status_names[trace->status]);
    put_number(one, "http_status", (uint64_t)trace->http_status);
    put_text(one, "code", trace->code);
    put_number(one, "sent", trace->bytes_sent);
    put_number(one, "received", trace->bytes_received);
    json_array_append_new(attempts, one);
}

static json_t *describe_error(const struct s3_error *error)
{
    json_t *out = json_object();

    put_text(out, "operation", error->operation);
    put_text(out, "bucket", error->bucket);
    put_bytes(out, "key", (struct s3_text){ error->key, error->key_len });
    put_number(out, "http_status", (uint64_t)error->http_status);
    put_text(out, "code", error->code);
    put_text(out, "message", error->message);
    put_text(out, "request_id", error->request_id);
    put_text(out, "region", error->region);
    put_flag(out, "in_200", error->in_200);
    return out;
}

static const struct operation *const tables[] = { operations_object, operations_list, operations_bucket,
    operations_multipart, operations_lock };

static const struct operation *find(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct operation *at = tables[i]; at->name != NULL; at++)
            if (name != NULL && strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

static void print_operations(void)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct operation *at = tables[i]; at->name != NULL; at++)
            (void)puts(at->name);
}

static void print_line(struct driver *driver, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    (void)pthread_mutex_lock(&driver->lock);
    (void)puts(text != NULL ? text : "{}");
    (void)fflush(stdout);
    (void)pthread_mutex_unlock(&driver->lock);
    free(text);
    json_decref(line);
}

static json_t *perform(struct driver *driver, struct s3_conn *conn, const json_t *request, size_t number)
{
    struct job *job = calloc(1, sizeof *job);
    const struct operation *operation;
    enum s3_status status = S3_REFUSED;
    json_t *out = json_object();

    if (job == NULL)
        abort();
    job_begin(job, request);
    job->conn = conn;
    job->client = driver->world.client;
    job->sts = driver->world.sts;
    operation = find(job_text(job, "op"));
    world_stop_after((int64_t)job_number(job, "stop_after_ms"));
    attempts = job->attempts;
    if (operation != NULL)
        status = operation->run(job);
    attempts = NULL;
    put_number(out, "number", number);
    if (operation == NULL || job_has_unknown_field(job)) {
        put_text(out, "wrong", operation == NULL ? "op" : job->wrong_field);
    } else {
        put_text(out, "status", status_names[status]);
        json_object_set(out, "result", job->result);
        if (status != S3_OK)
            json_object_set_new(out, "error", describe_error(&job->error));
        json_object_set(out, "attempts", job->attempts);
        put_number(out, "connections", s3_conn_opened(conn));
    }
    job_end(job);
    free(job);
    return out;
}

/* The next line of work; NULL at the end. */
static json_t *next_line(struct driver *driver, size_t *number)
{
    json_t *line = NULL;

    (void)pthread_mutex_lock(&driver->lock);
    *number = driver->next;
    if (driver->lines != NULL)
        line = json_incref(json_array_get(driver->lines, driver->next));
    else
        line = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL);
    driver->next++;
    (void)pthread_mutex_unlock(&driver->lock);
    return line;
}

static void *work(void *ctx)
{
    struct driver *driver = ctx;
    struct s3_conn *conn;
    struct s3_error error;
    json_t *line;
    size_t number;

    s3_error_clear(&error);
    if (s3_conn_new(driver->world.tls, &driver->world.clock, &conn, &error) != S3_OK)
        return NULL;
    while ((line = next_line(driver, &number)) != NULL) {
        print_line(driver, perform(driver, conn, line, number));
        json_decref(line);
    }
    s3_conn_free(conn);
    return NULL;
}

static int run_threads(struct driver *driver, unsigned count)
{
    pthread_t threads[THREADS_MAX];
    json_t *line;
    size_t number;
    json_t *lines = json_array();

    while ((line = next_line(driver, &number)) != NULL)
        json_array_append_new(lines, line);
    driver->lines = lines;
    driver->next = 0;
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, driver) != 0)
            abort();
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    json_decref(lines);
    return 0;
}

struct arguments {
    struct world_options world;
    struct bench_options bench;
    unsigned threads;
};

static const char *variable(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : fallback;
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option known[] = { { "endpoint", 1, NULL, 'e' }, { "sts-endpoint", 1, NULL, 's' },
        { "region", 1, NULL, 'r' }, { "ca", 1, NULL, 'c' }, { "path-style", 0, NULL, 'p' },
        { "anonymous", 0, NULL, 'A' }, { "attempts", 1, NULL, 'a' }, { "role-arn", 1, NULL, 'R' },
        { "external-id", 1, NULL, 'x' }, { "role-seconds", 1, NULL, 'd' }, { "speed", 1, NULL, 'S' },
        { "clock-offset", 1, NULL, 'o' }, { "no-chance", 0, NULL, 'n' }, { "rate", 1, NULL, 'q' },
        { "threads", 1, NULL, 't' }, { "bench", 1, NULL, 'b' }, { "bucket", 1, NULL, 'B' }, { "source", 1, NULL, 'C' },
        { "count", 1, NULL, 'N' }, { NULL, 0, NULL, 0 } };
    int option;

    a->world.speed = 1;
    a->world.ca = variable("AWS_CA_BUNDLE", NULL);
    a->world.region = variable("AWS_REGION", "us-east-1");
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'e':
            a->world.endpoint = optarg;
            break;
        case 's':
            a->world.sts_endpoint = optarg;
            break;
        case 'r':
            a->world.region = optarg;
            break;
        case 'c':
            a->world.ca = optarg;
            break;
        case 'p':
            a->world.path_style = true;
            break;
        case 'A':
            a->world.anonymous = true;
            break;
        case 'a':
            a->world.attempts = (int)strtol(optarg, NULL, 10);
            break;
        case 'R':
            a->world.role_arn = optarg;
            break;
        case 'x':
            a->world.external_id = optarg;
            break;
        case 'd':
            a->world.role_seconds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'S':
            a->world.speed = strtol(optarg, NULL, 10);
            break;
        case 'o':
            a->world.offset_ms = 1000 * strtol(optarg, NULL, 10);
            break;
        case 'n':
            a->world.without_chance = true;
            break;
        case 'q':
            a->world.rate = strtod(optarg, NULL);
            break;
        case 't':
            a->threads = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'b':
            a->bench.what = optarg;
            break;
        case 'B':
            a->bench.bucket = optarg;
            break;
        case 'C':
            a->bench.source = optarg;
            break;
        case 'N':
            a->bench.count = strtoull(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    if (a->world.sts_endpoint == NULL)
        a->world.sts_endpoint = a->world.endpoint;
    a->bench.threads = a->threads > 0 ? a->threads : 1;
    return optind == argc && a->world.speed > 0 && a->threads <= THREADS_MAX;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .threads = 0 };
    struct driver driver = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct s3_error error;
    enum s3_status status;
    int code = 0;

    if (argc == 2 && strcmp(argv[1], "--operations") == 0) {
        print_operations();
        return 0;
    }
    if (!read_arguments(argc, argv, &arguments)) {
        (void)fputs("ops_driver: see README.md for the options\n", stderr);
        return 1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    s3_error_clear(&error);
    status = world_open(&driver.world, &arguments.world, arguments.bench.what == NULL ? take_trace : NULL, &error);
    if (status != S3_OK) {
        json_t *line = json_object();
        put_text(line, "status", status_names[status]);
        json_object_set_new(line, "error", describe_error(&error));
        print_line(&driver, line);
        code = 1;
    } else if (arguments.bench.what != NULL) {
        code = bench_run(&driver.world, &arguments.bench);
    } else if (arguments.threads > 0) {
        code = run_threads(&driver, arguments.threads);
    } else {
        (void)work(&driver);
    }
    world_close(&driver.world);
    return code;
}
