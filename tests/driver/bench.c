/* See bench.h. */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "s3/list.h"
#include "s3/object.h"

enum { THREADS_MAX = 256 };

struct bench {
    struct world *world;
    const struct bench_options *options;
    _Atomic uint64_t next, done, failed, connections;
    pthread_barrier_t finished; /* memory is read while all connections are still open */
};

static uint64_t anonymous_kib(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %llu kB", &kib) == 1)
            break;
    if (status != NULL)
        (void)fclose(status);
    return kib;
}

static enum s3_status copy_one(struct bench *bench, struct s3_conn *conn, uint64_t number, struct s3_error *error)
{
    char key[64];
    struct s3_text name = { key,
        (size_t)snprintf(key, sizeof key, "prefix/object-%09llu", (unsigned long long)number) };
    struct s3_copy_options options = { .target = { .bucket = bench->options->bucket, .key = name },
        .source = { .bucket = bench->options->source, .key = { "source", 6 } },
        .annotation_directive = "EXCLUDE" };
    struct s3_copy_result result;

    return s3_copy_object(conn, bench->world->client, &options, &result, error);
}

static enum s3_status head_one(struct bench *bench, struct s3_conn *conn, struct s3_head *head, struct s3_error *error)
{
    struct s3_head_options options = { .target = { .bucket = bench->options->bucket, .key = { "source", 6 } } };

    return s3_head_object(conn, bench->world->client, &options, head, error);
}

static void complain(const struct s3_error *error)
{
    (void)fprintf(stderr, "%s: %d %s %s\n", error->operation, error->http_status, error->code, error->message);
}

/* Pages follow one another, so one thread lists all. */
static void list_all(struct bench *bench, struct s3_conn *conn)
{
    struct s3_page page;
    struct s3_error error;
    char after[S3_KEY_MAX];
    struct s3_list_options options = { .bucket = bench->options->bucket };
    uint64_t pages = 0;

    s3_page_init(&page);
    do {
        if (s3_list_objects(conn, bench->world->client, &options, &page, &error) != S3_OK) {
            complain(&error);
            atomic_fetch_add(&bench->failed, 1);
            break;
        }
        atomic_fetch_add(&bench->done, page.count);
        if (page.count > 0) {
            const struct s3_text *last = &page.entries[page.count - 1].key;
            memcpy(after, last->ptr, last->len);
            options.start_after = (struct s3_text){ after, last->len };
        }
        pages++;
    } while (page.truncated && page.count > 0 && (bench->options->count == 0 || pages < bench->options->count));
    s3_page_free(&page);
}

static void repeat(struct bench *bench, struct s3_conn *conn)
{
    bool heads = strcmp(bench->options->what, "head") == 0;
    struct s3_head head;
    struct s3_error error;
    uint64_t number;

    s3_head_init(&head);
    while ((number = atomic_fetch_add(&bench->next, 1)) < bench->options->count) {
        enum s3_status status = heads ? head_one(bench, conn, &head, &error) : copy_one(bench, conn, number, &error);
        if (status != S3_OK) {
            complain(&error);
            atomic_fetch_add(&bench->failed, 1);
            break;
        }
        atomic_fetch_add(&bench->done, 1);
    }
    s3_head_free(&head);
}

static void *work(void *ctx)
{
    struct bench *bench = ctx;
    struct s3_conn *conn;
    struct s3_error error;

    if (s3_conn_new(bench->world->tls, &bench->world->clock, &conn, &error) != S3_OK) {
        atomic_fetch_add(&bench->failed, 1);
        return NULL;
    }
    if (strcmp(bench->options->what, "list") == 0)
        list_all(bench, conn);
    else
        repeat(bench, conn);
    atomic_fetch_add(&bench->connections, s3_conn_opened(conn));
    (void)pthread_barrier_wait(&bench->finished);
    (void)pthread_barrier_wait(&bench->finished);
    s3_conn_free(conn);
    return NULL;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int bench_run(struct world *world, const struct bench_options *options)
{
    struct bench bench = { .world = world, .options = options };
    pthread_t threads[THREADS_MAX];
    double cpu = cpu_seconds();
    int64_t began = world_real_ms(), ms;
    uint64_t memory;

    if (options->threads == 0 || options->threads > THREADS_MAX || options->bucket == NULL)
        return 1;
    (void)pthread_barrier_init(&bench.finished, NULL, options->threads + 1);
    for (unsigned i = 0; i < options->threads; i++)
        if (pthread_create(&threads[i], NULL, work, &bench) != 0)
            abort();
    (void)pthread_barrier_wait(&bench.finished);
    ms = world_real_ms() - began;
    cpu = cpu_seconds() - cpu;
    memory = anonymous_kib();
    (void)pthread_barrier_wait(&bench.finished);
    for (unsigned i = 0; i < options->threads; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&bench.finished);
    (void)printf("{\"what\": \"%s\", \"done\": %llu, \"failed\": %llu, \"cpu_us_each\": %.2f, \"seconds\": %.3f, "
                 "\"connections\": %llu, \"anonymous_kib\": %llu}\n",
            options->what, (unsigned long long)bench.done, (unsigned long long)bench.failed,
            bench.done > 0 ? cpu * 1e6 / (double)bench.done : 0, (double)ms / 1000,
            (unsigned long long)bench.connections, (unsigned long long)memory);
    return bench.failed > 0 ? 1 : 0;
}
