/* s3sim: an S3 and STS server for tests, on loopback, in memory. See README.md. */
#include "digest.h"
#include "http.h"
#include "latency.h"
#include "stats.h"
#include "world.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct arguments {
    uint64_t port, tls_port, threads;
    const char *certificate, *key, *port_file;
};

static int usage(void)
{
    fputs("usage: s3sim [--port N] [--tls-port N --tls-cert FILE --tls-key FILE] [--threads N] [--port-file FILE]\n",
            stderr);
    return 1;
}

static int read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option known[] = { { "port", 1, NULL, 'p' }, { "tls-port", 1, NULL, 't' },
        { "tls-cert", 1, NULL, 'c' }, { "tls-key", 1, NULL, 'k' }, { "threads", 1, NULL, 'n' },
        { "port-file", 1, NULL, 'f' }, { NULL, 0, NULL, 0 } };
    int o;
    while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (o == 'c')
            a->certificate = optarg;
        else if (o == 'k')
            a->key = optarg;
        else if (o == 'f')
            a->port_file = optarg;
        else if (o == '?' || !text_u64(optarg, 65535, o == 'p' ? &a->port : o == 't' ? &a->tls_port : &a->threads))
            return 0;
    }
    return optind == argc && !a->certificate == !a->key && a->threads >= 1 && a->threads <= 64;
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = mem_get(65536);
    size_t n = f ? fread(text, 1, 65535, f) : 0;
    if (f)
        fclose(f);
    if (n == 0)
        fprintf(stderr, "s3sim: cannot read %s\n", path);
    return text;
}

static int announce(const struct arguments *a, const struct http *plain, const struct http *tls)
{
    char line[80];
    snprintf(line, sizeof line, "{\"port\":%u,\"tls_port\":%u}\n", http_port(plain), tls ? http_port(tls) : 0);
    fputs(line, stdout);
    fflush(stdout);
    FILE *f = a->port_file ? fopen(a->port_file, "w") : NULL;
    if (a->port_file && (!f || fputs(line, f) < 0 || fclose(f) != 0)) {
        fprintf(stderr, "s3sim: cannot write %s\n", a->port_file);
        return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct arguments a = { .threads = 4 };
    sigset_t stop;
    int got, status = 1;
    if (!read_arguments(argc, argv, &a))
        return usage();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before any thread: only sigwait sees them */
    digest_start();
    world_start();
    stats_start();
    timer_start();
    char *certificate = a.certificate ? slurp(a.certificate) : NULL, *key = a.key ? slurp(a.key) : NULL;
    struct http_options o = { .port = (uint16_t)a.port, .threads = (unsigned)a.threads };
    struct http *plain = http_start(&o), *tls = NULL;
    if (certificate) {
        o = (struct http_options){ (uint16_t)a.tls_port, (unsigned)a.threads, certificate, key };
        tls = http_start(&o);
    }
    if (!plain || (certificate && !tls))
        fputs("s3sim: cannot listen\n", stderr);
    else if (announce(&a, plain, tls)) {
        sigwait(&stop, &got);
        status = 0;
    }
    timer_stop();
    http_stop(plain);
    http_stop(tls);
    world_stop();
    stats_stop();
    digest_stop();
    free(certificate);
    free(key);
    return status;
}
