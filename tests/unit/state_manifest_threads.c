/*
 * One committer beside many readers: each reader sees exactly one commit's state between begin and end, whatever is
 * committed meanwhile. Meant for ThreadSanitizer, too.
 */
#include "tests/unit/state_manifest_test.h"

#include <pthread.h>

enum { READERS = 4, COMMITS = 120, RECORDS = 400, PAGE = 90 };

static struct manifest *manifest;
static _Atomic bool stop;
static _Atomic unsigned rounds;

static void key_of(unsigned i, char key[STATE_KEY_MAX], struct state_text *text)
{
    size_t len = i % 10 == 0 ? 540 : 20;
    memset(key, 'p', len);
    (void)snprintf(key + len - 8, 9, "%07u", i);
    *text = (struct state_text){ key, len - 1 };
}

/* Only in threads: cmocka's assertions belong to the main one. */
static void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, why.what);
    abort();
}

/* Reads all records in pages; all must be of one commit. Returns which. */
static uint64_t read_once(struct manifest_reader *reader)
{
    struct state_error error;
    struct state_text key;
    struct state_entry entry;
    uint64_t commit = 0;
    unsigned records = 0;
    must(manifest_reader_begin(reader, &error) == STATE_OK, "begin");
    for (enum state_status status = STATE_OK; status == STATE_OK;) {
        status = manifest_reader_next(reader, &key, &error);
        if (status == STATE_END)
            break;
        must(status == STATE_OK, "next");
        must(manifest_reader_entry(reader, &entry, &error) == STATE_OK, "entry");
        must(manifest_reader_matches(reader, entry.etag, entry.size, entry.source_time_ms), "matches");
        must(records == 0 || entry.size == commit, "one commit");
        commit = entry.size;
        records++;
        if (records % PAGE == 0) {
            char last[STATE_KEY_MAX];
            struct state_text from = { last, key.len };
            memcpy(last, key.ptr, key.len);
            must(manifest_reader_seek(reader, from, true, &error) == STATE_OK, "seek");
        }
    }
    must(commit == 0 ? records == 0 : records == RECORDS - commit % 7, "all records of a commit");
    manifest_reader_end(reader);
    return commit;
}

static enum state_status count_line(void *ctx, uint64_t sequence, const char *line, size_t length)
{
    uint64_t *last = ctx;
    must(sequence > *last && length == 5 && memcmp(line, "line\n", 5) == 0, "a line");
    *last = sequence;
    return STATE_OK;
}

static void *read_on(void *unused)
{
    (void)unused;
    struct manifest_reader *reader;
    struct state_error error;
    uint64_t before = 0;
    must(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &error) == STATE_OK, "new");
    while (!stop) {
        struct manifest_totals totals;
        uint64_t noted = 0;
        uint64_t seen = 0;
        uint64_t last = 0;
        uint64_t lines = 0;
        size_t length;
        enum state_status status = manifest_meta_get(manifest, "commit", &noted, sizeof noted, &length, &error);
        must(status == STATE_OK || status == STATE_NOT_FOUND, "meta");
        must(noted >= before, "meta goes on");
        manifest_totals(manifest, &totals);
        must(manifest_outbox_read(manifest, 0, SIZE_MAX, count_line, &seen, &last, &lines, &error) == STATE_OK,
                "outbox");
        before = read_once(reader);
        must(before >= noted, "a later commit");
        rounds++;
    }
    manifest_reader_free(reader);
    return NULL;
}

static void commit(uint64_t n)
{
    struct manifest_batch *batch;
    char bytes[STATE_KEY_MAX];
    struct state_text key;
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 0; i < RECORDS; i++) {
        key_of(i, bytes, &key);
        if (i < n % 7) {
            enum state_status status = manifest_batch_remove(batch, key, &why);
            assert_true(status == STATE_OK || status == STATE_NOT_FOUND);
        } else {
            test_put(batch, key, n);
        }
    }
    uint64_t sequence = 0;
    OK(manifest_outbox_append(batch, "line\n", 5, &sequence, &why));
    OK(manifest_outbox_trim(batch, sequence > 20 ? sequence - 20 : 0, &why));
    OK(manifest_meta_put(batch, "commit", &n, sizeof n, &why));
    OK(manifest_batch_commit(batch, &why));
}

static void readers_see_whole_commits(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    pthread_t threads[READERS];
    OK(manifest_open(&options, &manifest, NULL, &why));
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, NULL), 0);
    for (uint64_t n = 1; n <= COMMITS || rounds < 2 * READERS; n++) {
        commit(n);
        if (n % 40 == 0)
            OK(manifest_sync(manifest, &why));
    }
    stop = true;
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    OK(manifest_compact(manifest, &why));
    OK(manifest_close(manifest, false, &why));
    enum manifest_found found;
    OK(manifest_open(&options, &manifest, &found, &why));
    assert_int_equal(found, MANIFEST_VERIFIED);
    OK(manifest_close(manifest, true, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(readers_see_whole_commits, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
