/*
 * What the manifest costs: `state_manifest FOLDER RECORDS` fills one there by a load, reads and compares it, changes 1
 * % of it in batches of 2,000, packs it, checks it as after a kill, and prints a line for each.
 */
#include "state/manifest.h"
#include "state/manifest_batch.h"
#include "state/manifest_load.h"
#include "state/manifest_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 2000, PAGE = 1000 };

static struct state_error why;

static void must(enum state_status status)
{
    if (status == STATE_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", state_status_name(status), why.what);
    exit(1);
}

/* CPU time: the machine may be busy with other things. A child's is not in it. */
static double now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void report(const char *what, double since, uint64_t records)
{
    double seconds = now() - since;
    (void)printf("%-44s %9.3f s %9.3f us a record, CPU\n", what, seconds, seconds * 1e6 / (double)records);
}

struct texts {
    char key[80];
    char etag[40];
    char version[40];
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* 45 bytes of key, an MD5, a version of 32 bytes, a CRC64: what S3 gives for most objects */
static struct state_entry make(uint64_t number, uint64_t salt, struct texts *texts)
{
    uint64_t a = mix(number + 1 + salt * 0x9e3779b97f4a7c15);
    int key = snprintf(texts->key, sizeof texts->key, "customers/%06" PRIu64 "/documents/%010" PRIu64 ".pdf",
            number / 1000, number);
    (void)snprintf(texts->etag, sizeof texts->etag, "%016" PRIx64 "%016" PRIx64, a, mix(a));
    (void)snprintf(texts->version, sizeof texts->version, "%016" PRIX64 "%016" PRIx64, mix(a + 1), mix(a + 2));
    return (struct state_entry){ .key = { texts->key, (size_t)key },
        .etag = { texts->etag, 32 },
        .size = a % 5000000,
        .source_time_ms = INT64_C(1700000000000) + (int64_t)(a % 60000000) * 1000,
        .vault_version = { texts->version, 32 },
        .checksum = { "CRC64NVME:AAECAwQFBgc=", 22 },
        .class_ = CLASS_STANDARD,
        .copied_ms = INT64_C(1764126123456),
        .run = { "20261120T030000Z", 16 } };
}

static void load(struct manifest *manifest, uint64_t records)
{
    struct manifest_load *loading;
    struct texts texts;
    double start = now();
    for (uint64_t i = 0; i < records; i++) {
        struct state_entry entry = make(i, 0, &texts);
        if (entry.key.len == 0)
            exit(1);
    }
    double made = now() - start;
    start = now();
    must(manifest_load_begin(manifest, &loading, &why));
    for (uint64_t i = 0; i < records; i++) {
        struct state_entry entry = make(i, 0, &texts);
        must(manifest_load_put(loading, &entry, &why));
    }
    report("load, before its sync", start + made, records);
    must(manifest_load_finish(loading, &why));
    report("load", start + made, records);
}

static void read_all(struct manifest *manifest, uint64_t records, int compare)
{
    struct manifest_reader *reader;
    struct state_entry *wanted = calloc(PAGE, sizeof *wanted);
    struct texts *texts = calloc(PAGE, sizeof *texts);
    char last[STATE_KEY_MAX];
    struct state_text key = { last, 0 };
    double spent = 0;
    uint64_t equal = 0;
    if (wanted == NULL || texts == NULL)
        exit(1);
    must(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    for (uint64_t first = 0; first < records; first += PAGE) {
        uint64_t rows = records - first < PAGE ? records - first : PAGE;
        for (uint64_t i = 0; i < rows && compare == 1; i++)
            wanted[i] = make(first + i, 0, &texts[i]);
        double start = now();
        must(manifest_reader_begin(reader, &why));
        must(manifest_reader_seek(reader, key, true, &why));
        for (uint64_t i = 0; i < rows; i++) {
            must(manifest_reader_next(reader, &key, &why));
            if (compare == 1)
                equal += manifest_reader_matches(reader, wanted[i].etag, wanted[i].size, wanted[i].source_time_ms);
            if (compare == 2)
                must(manifest_reader_entry(reader, &wanted[i], &why));
        }
        memcpy(last, key.ptr, key.len);
        key.ptr = last;
        manifest_reader_end(reader);
        spent += now() - start;
    }
    manifest_reader_free(reader);
    free(wanted);
    free(texts);
    report(compare == 0    ? "next, checksum verified"
            : compare == 1 ? "next, verified, compared (pages of 1,000)"
                           : "next, verified, whole entry",
            now() - spent, records);
    if (compare == 1 && equal != records)
        exit(1);
}

static void change(struct manifest *manifest, uint64_t records, uint64_t step, uint64_t salt)
{
    struct manifest_batch *batch = NULL;
    struct texts texts;
    uint64_t changes = 0;
    double start = now();
    for (uint64_t i = 0; i < records; i += step) {
        if (changes % BATCH == 0) {
            if (batch != NULL)
                must(manifest_batch_commit(batch, &why));
            must(manifest_batch_begin(manifest, &batch, &why));
        }
        struct state_entry entry = make(i, salt, &texts);
        char line[220];
        memset(line, 'x', sizeof line);
        must(manifest_batch_put(batch, &entry, &why));
        must(manifest_outbox_append(batch, line, sizeof line, NULL, &why));
        changes++;
        if (changes % (BATCH * 5) == 0)
            must(manifest_outbox_trim(batch, changes, &why));
    }
    must(manifest_batch_commit(batch, &why));
    report(step == 1 ? "put each, with its line, 2,000 a batch" : "put 1 %, with its line, 2,000 a batch", start,
            changes);
    start = now();
    must(manifest_sync(manifest, &why));
    report("  and a sync", start, changes);
    must(manifest_batch_begin(manifest, &batch, &why));
    must(manifest_outbox_trim(batch, UINT64_MAX, &why));
    must(manifest_batch_commit(batch, &why));
}

static void sizes(struct manifest *manifest, const char *when)
{
    uint64_t bytes = 0;
    uint64_t packed = 0;
    uint64_t raw = 0;
    bool loose = false;
    must(manifest_file_size(manifest, &bytes, &packed, &raw, &why));
    must(manifest_is_loose(manifest, &loose, &why));
    (void)printf("%s: file %" PRIu64 " KiB, %.3f x packed, %.3f x (key + record)%s\n", when, bytes >> 10,
            (double)bytes / (double)packed, (double)bytes / (double)raw, loose ? ", loose" : "");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: %s FOLDER RECORDS\n", argv[0]);
        return 1;
    }
    struct manifest_options options = { .folder = argv[1], .workers = 4 };
    struct manifest *manifest;
    enum manifest_found found;
    uint64_t records = strtoull(argv[2], NULL, 10);
    must(manifest_discard(&options, &why));
    must(manifest_open(&options, &manifest, &found, &why));
    change(manifest, records, 1, 0);
    sizes(manifest, "after inserts in order");
    must(manifest_close(manifest, true, &why));
    must(manifest_discard(&options, &why));
    must(manifest_open(&options, &manifest, &found, &why));
    load(manifest, records);
    sizes(manifest, "after the load");
    read_all(manifest, records, 0);
    read_all(manifest, records, 1);
    read_all(manifest, records, 2);
    change(manifest, records, 100, 1);
    sizes(manifest, "after 1 % changed");
    change(manifest, records, 100, 2);
    sizes(manifest, "after 1 % changed again");
    double start = now();
    must(manifest_compact(manifest, &why));
    report("compaction", start, records);
    sizes(manifest, "after the compaction");
    must(manifest_close(manifest, false, &why));
    start = now();
    must(manifest_open(&options, &manifest, &found, &why));
    report("open after a kill", start, records);
    must(manifest_close(manifest, true, &why));
    return 0;
}
