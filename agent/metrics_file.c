/* The file for Prometheus; see metrics.h. */
#include "agent/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OLD_FILE_MAX = 16 * 1024 * 1024 };

struct gauge {
    const char *name, *help;
    void (*write)(FILE *file, const char *name, const struct metrics_source *source);
};

static void write_number(FILE *file, const char *name, const struct metrics_source *source, double value)
{
    (void)fprintf(file, "%s{source=\"%s\",policy=\"%s\"} %.15g\n", name, source->report->source, source->policy, value);
}

#define GAUGE(function, value)                                                                                         \
    static void function(FILE *file, const char *name, const struct metrics_source *source)                            \
    {                                                                                                                  \
        write_number(file, name, source, (double)(value));                                                             \
    }

GAUGE(write_objects, source->report->objects)
GAUGE(write_bytes, source->report->bytes)
GAUGE(write_listed, source->report->listed)
GAUGE(write_copied, source->report->copied)
GAUGE(write_recopied, source->report->recopied)
GAUGE(write_bytes_copied, source->report->bytes_copied)
GAUGE(write_deleted, source->report->deleted)
GAUGE(write_moved, source->report->moved)
GAUGE(write_move_failed, source->report->move_failed)
GAUGE(write_failed, source->report->failed)
GAUGE(write_archived, source->report->archived)
GAUGE(write_seconds, source->seconds)
GAUGE(write_exit, source->report->exit)
GAUGE(write_guarded, source->report->exit == EXIT_GUARDED)

static void write_good(FILE *file, const char *name, const struct metrics_source *source)
{
    if (source->has_good)
        write_number(file, name, source, (double)source->good_ms / 1000);
}

static void write_requests(FILE *file, const char *name, const struct metrics_source *source)
{
    for (int i = 0; i < REQUEST_KINDS; i++)
        (void)fprintf(file, "%s{source=\"%s\",policy=\"%s\",kind=\"%s\"} %llu\n", name, source->report->source,
                source->policy, request_kind_name((enum request_kind)i),
                (unsigned long long)source->report->requests[i]);
}

static void write_class_bytes(FILE *file, const char *name, const struct metrics_source *source)
{
    for (int c = 0; c < CLASS_COUNT; c++)
        if (source->report->by_class[c].objects > 0)
            (void)fprintf(file, "%s{source=\"%s\",policy=\"%s\",class=\"%s\"} %llu\n", name, source->report->source,
                    source->policy, storage_class_name((enum storage_class)c),
                    (unsigned long long)source->report->by_class[c].bytes);
}

static const struct gauge gauges[] = {
    { "vaultferry_objects", "Objects that the vault holds for the source.", write_objects },
    { "vaultferry_bytes", "Their bytes.", write_bytes },
    { "vaultferry_class_bytes", "Their bytes by storage class.", write_class_bytes },
    { "vaultferry_listed", "Objects that the last run listed.", write_listed },
    { "vaultferry_copied", "Objects that it copied for the first time.", write_copied },
    { "vaultferry_recopied", "Objects that it copied again since they had changed.", write_recopied },
    { "vaultferry_bytes_copied", "Bytes that it copied.", write_bytes_copied },
    { "vaultferry_deleted", "Objects that it marked as deleted.", write_deleted },
    { "vaultferry_moved", "Copies that it moved to colder classes.", write_moved },
    { "vaultferry_move_failed", "Copies that it could not move.", write_move_failed },
    { "vaultferry_failed", "Objects that it could not copy.", write_failed },
    { "vaultferry_archived", "Objects that the source holds in an archive class.", write_archived },
    { "vaultferry_requests", "Requests that it sent, by kind.", write_requests },
    { "vaultferry_seconds", "How long it took.", write_seconds },
    { "vaultferry_exit_code", "What it ended with for this source.", write_exit },
    { "vaultferry_guarded", "1 where the guard stopped it.", write_guarded },
    { "vaultferry_last_good_point_timestamp_seconds", "When the newest complete recovery point was finished.",
            write_good },
};

static bool is_among(const struct metrics_source *sources, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(sources[i].report->source) == length && memcmp(sources[i].report->source, name, length) == 0)
            return true;
    return false;
}

/* The lines of one gauge that the file had for other sources. */
static void keep_others(
        FILE *file, const char *old, const char *name, const struct metrics_source *sources, size_t count)
{
    char begin[128];
    size_t length = (size_t)snprintf(begin, sizeof begin, "%s{source=\"", name);

    while (old != NULL && *old != '\0') {
        const char *end = strchr(old, '\n');
        size_t line = end != NULL ? (size_t)(end - old) + 1 : strlen(old);
        if (end != NULL && strncmp(old, begin, length) == 0 &&
                !is_among(sources, count, old + length, strcspn(old + length, "\"\n")))
            (void)fwrite(old, 1, line, file);
        old += line;
    }
}

/* The file as it is, NULL where there is none or it cannot be ours. */
static char *read_old(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t length = 0;
    FILE *into;
    int byte;

    if (file == NULL || (into = open_memstream(&text, &length)) == NULL) {
        if (file != NULL)
            (void)fclose(file);
        return NULL;
    }
    for (size_t read = 0; read < OLD_FILE_MAX && (byte = getc(file)) != EOF; read++)
        (void)putc(byte, into);
    (void)fclose(file);
    if (fclose(into) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool write_all(FILE *file, const char *old, const struct metrics_source *sources, size_t count)
{
    for (size_t g = 0; g < sizeof gauges / sizeof gauges[0]; g++) {
        (void)fprintf(file, "# HELP %s %s\n# TYPE %s gauge\n", gauges[g].name, gauges[g].help, gauges[g].name);
        keep_others(file, old, gauges[g].name, sources, count);
        for (size_t i = 0; i < count; i++)
            gauges[g].write(file, gauges[g].name, &sources[i]);
    }
    return fflush(file) == 0 && ferror(file) == 0;
}

enum verdict metrics_write_file(
        const char *path, const struct metrics_source *sources, size_t count, struct failure *failure)
{
    char partial[4200], reason[128];
    char *old = read_old(path);
    FILE *file;
    bool well;
    int fd;

    (void)snprintf(partial, sizeof partial, "%s.%ld", path, (long)getpid());
    fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644); /* the exporter is somebody else */
    file = fd >= 0 ? fdopen(fd, "w") : NULL;
    well = file != NULL && write_all(file, old, sources, count);
    if (file != NULL)
        well = fclose(file) == 0 && well;
    else if (fd >= 0)
        (void)close(fd);
    well = well && rename(partial, path) == 0;
    free(old);
    if (well)
        return VERDICT_OK;
    (void)failure_set(failure, VERDICT_INTERNAL, "metrics file \"%s\" cannot be written: %s", path,
            strerror_r(errno, reason, sizeof reason));
    (void)unlink(partial);
    return failure->verdict;
}
