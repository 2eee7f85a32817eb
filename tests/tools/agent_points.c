/*
 * Publishing and rebuilding without a run: `agent_points CONFIG FOLDER RECORDS POINTS CHANGES` fills the manifest
 * FOLDER/one with RECORDS records in no order and publishes a point, then POINTS - 1 more with CHANGES random changes
 * each; rebuilds FOLDER/two from the vault, and compares the two record by record. Prints one JSON line.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/publish.h"
#include "agent/rebuild.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum { BATCH = 2000, FLUSH_LINES = 20000 };

struct work {
    struct vault vault;
    struct source source;
    struct s3_conn *conn;
    struct publisher *publisher;
    uint64_t random, records, lines, fulls;
};

static struct failure failure;
static struct state_error why;

static void must(enum state_status status)
{
    if (status == STATE_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", state_status_name(status), why.what);
    exit(1);
}

static void check(enum verdict verdict)
{
    if (verdict == VERDICT_OK)
        return;
    (void)fprintf(stderr, "%s\n", failure.what);
    exit(1);
}

static uint64_t draw(struct work *work)
{
    uint64_t z = work->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct manifest *open_manifest(const char *folder, const char *name)
{
    struct manifest *manifest = NULL;
    char path[4096];
    const struct manifest_options options = { .folder = path, .workers = 4 };

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    must(manifest_open(&options, &manifest, NULL, &why));
    return manifest;
}

/* Every 50th key is longer than the path has room for. */
static size_t make_key(uint64_t number, char key[STATE_KEY_MAX + 1])
{
    return (size_t)snprintf(key, STATE_KEY_MAX + 1, "%0*" PRIu64 "/documents/%010" PRIu64 ".pdf",
            number % 50 == 0 ? 990 : 6, number / 1000, number);
}

static void change_one(struct work *work, struct manifest_batch *batch, uint64_t number, const char *point)
{
    char key[STATE_KEY_MAX + 1], etag[40], version[40], line[STATE_CHANGE_LINE_MAX];
    uint64_t chance = draw(work);
    struct state_change change = { .did = STATE_COPIED,
        .by = STATE_BY_ETAG,
        .entry = { .size = chance % 1000000,
                .source_time_ms = INT64_C(1700000000000) + (int64_t)(chance % 1000000) * 1000,
                .copied_ms = INT64_C(1790000000000),
                .class_ = (enum storage_class)(chance % CLASS_OTHER) } };
    size_t length;

    (void)snprintf(etag, sizeof etag, "%016" PRIx64 "%016" PRIx64, chance, draw(work));
    (void)snprintf(version, sizeof version, "%016" PRIx64 "%016" PRIx64, draw(work), draw(work));
    change.entry.key = (struct state_text){ key, make_key(number, key) };
    change.entry.etag = (struct state_text){ etag, 32 };
    change.entry.vault_version = (struct state_text){ version, 32 };
    if (chance % 8 == 0 && manifest_batch_remove(batch, change.entry.key, &why) == STATE_OK) {
        change.did = STATE_DELETED;
    } else {
        change.entry.run = (struct state_text){ point, STATE_POINT_LEN };
        must(manifest_batch_put(batch, &change.entry, &why));
        change.entry.run.len = 0;
    }
    must(state_change_format(&change, line, &length, &why));
    must(manifest_outbox_append(batch, line, length, NULL, &why));
    work->lines++;
}

/* Number i of the first point in an order of its own; later ones by chance. */
static uint64_t pick(struct work *work, uint64_t i, bool first)
{
    return first ? (i * UINT64_C(7919)) % work->records : draw(work) % work->records;
}

static void change_many(struct work *work, struct manifest *manifest, uint64_t count, bool first, const char *point)
{
    for (uint64_t i = 0; i < count;) {
        struct manifest_batch *batch = NULL;
        must(manifest_batch_begin(manifest, &batch, &why));
        for (unsigned n = 0; n < BATCH && i < count; n++)
            change_one(work, batch, pick(work, i++, first), point);
        must(manifest_batch_commit(batch, &why));
        if (i % FLUSH_LINES == 0)
            check(publisher_flush(work->publisher, work->conn, &failure));
    }
}

static void publish(struct work *work, struct manifest *manifest, uint64_t count, unsigned number)
{
    const int64_t seconds = 1790000000 + number;
    char id[STATE_POINT_SIZE];
    struct publish_options options = {
        .vault = &work->vault, .source = &work->source, .manifest = manifest, .point = id
    };
    struct state_point point = {
        .state = STATE_POINT_COMPLETE, .started_ms = seconds * 1000, .finished_ms = seconds * 1000 + 500
    };
    struct state_point_link last;
    bool first = publish_last(manifest, &last, &failure) == VERDICT_NOT_FOUND;

    if (!state_utc_to_point(seconds, id))
        exit(1);
    check(publisher_new(&options, &work->publisher, &failure));
    change_many(work, manifest, count, first, id);
    check(publisher_flush(work->publisher, work->conn, &failure));
    if (publisher_wants_full(work->publisher)) {
        check(publisher_full(work->publisher, work->conn, &failure));
        work->fulls++;
    }
    check(publisher_point(work->publisher, work->conn, &point, first ? NULL : &last, NULL, &failure));
    publisher_free(work->publisher);
}

static bool same_text(struct state_text a, struct state_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool same_entry(const struct state_entry *a, const struct state_entry *b)
{
    return same_text(a->key, b->key) && same_text(a->etag, b->etag) && a->size == b->size &&
           a->source_time_ms == b->source_time_ms && same_text(a->source_version, b->source_version) &&
           same_text(a->vault_version, b->vault_version) && same_text(a->checksum, b->checksum) &&
           a->class_ == b->class_ && a->copied_ms == b->copied_ms && same_text(a->run, b->run);
}

static uint64_t compare(struct manifest *one, struct manifest *two)
{
    struct manifest_reader *a = NULL, *b = NULL;
    struct state_entry from_a, from_b;
    struct state_text key;
    enum state_status at_a, at_b;
    uint64_t differ = 0;

    must(manifest_reader_new(one, MANIFEST_LIVE, &a, &why));
    must(manifest_reader_new(two, MANIFEST_LIVE, &b, &why));
    must(manifest_reader_begin(a, &why));
    must(manifest_reader_begin(b, &why));
    for (;;) {
        at_a = manifest_reader_next(a, &key, &why);
        at_b = manifest_reader_next(b, &key, &why);
        if (at_a != STATE_OK || at_b != STATE_OK)
            break;
        must(manifest_reader_entry(a, &from_a, &why));
        must(manifest_reader_entry(b, &from_b, &why));
        differ += !same_entry(&from_a, &from_b);
    }
    differ += at_a != STATE_END || at_b != STATE_END;
    manifest_reader_free(a);
    manifest_reader_free(b);
    return differ;
}

static void work_on(struct work *work, char **arguments)
{
    uint64_t points = strtoull(arguments[4], NULL, 10), changes = strtoull(arguments[5], NULL, 10), differ;
    struct manifest *one = open_manifest(arguments[2], "one"), *two = open_manifest(arguments[2], "two");
    struct rebuild_result result;
    int64_t began, published, rebuilt;

    work->records = strtoull(arguments[3], NULL, 10);
    began = clock_monotonic_ms();
    for (unsigned i = 0; i < points; i++)
        publish(work, one, i == 0 ? work->records : changes, i);
    published = clock_monotonic_ms();
    check(rebuild_catch_up(&work->vault, &work->source, work->conn, two, true, &result, &failure));
    rebuilt = clock_monotonic_ms();
    differ = compare(one, two);
    (void)printf("{\"records\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"fulls\":%" PRIu64 ",\"files_read\":%" PRIu64
                 ",\"lines_read\":%" PRIu64 ",\"differ\":%" PRIu64 ",\"publish_ms\":%" PRId64 ",\"rebuild_ms\":%" PRId64
                 "}\n",
            result.records, work->lines, work->fulls, result.files, result.lines, differ, published - began,
            rebuilt - published);
    must(manifest_close(one, true, &why));
    must(manifest_close(two, true, &why));
    if (differ > 0)
        exit(1);
}

int main(int argc, char **argv)
{
    struct program program = { 0 };
    struct access_options access = { .session_name = "vaultferry-test" };
    struct work work = { .random = 1 };

    if (argc != 6)
        return EXIT_USAGE;
    event_start(false);
    program.config_option = argv[1];
    check(program_init(&program, &failure));
    check(program_load_config(&program, &failure));
    check(vault_open(&program, &access, &work.vault, &failure));
    check(program_connect(&program, &work.conn, &failure));
    work.source.config = &program.config->sources[0];
    work.source.policy = &program.config->policies[0];
    (void)snprintf(work.source.name, sizeof work.source.name, "docs");
    (void)snprintf(work.source.bucket, sizeof work.source.bucket, "docs");
    work_on(&work, argv);
    s3_conn_free(work.conn);
    vault_close(&work.vault);
    program_free(&program);
    return 0;
}
