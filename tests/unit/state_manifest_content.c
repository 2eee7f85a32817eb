/* What the manifest keeps: records, outbox, pending keys, jobs and meta, through batches, loads and compactions. */
#include "tests/unit/state_manifest_test.h"

static struct manifest *open_as(enum manifest_found expected)
{
    struct manifest_options options = test_options();
    struct manifest *manifest;
    enum manifest_found found;
    OK(manifest_open(&options, &manifest, &found, &why));
    assert_int_equal(found, expected);
    return manifest;
}

static void close_clean(struct manifest *manifest)
{
    OK(manifest_close(manifest, true, &why));
}

static void fill(struct manifest *manifest, unsigned records)
{
    struct manifest_batch *batch;
    char key[16];
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 1; i <= records; i++) {
        (void)snprintf(key, sizeof key, "key-%06u", i);
        test_put(batch, test_text(key), i);
    }
    OK(manifest_batch_commit(batch, &why));
}

static uint64_t records(struct manifest *manifest)
{
    struct manifest_totals totals;
    manifest_totals(manifest, &totals);
    return totals.records;
}

static void an_aborted_or_spoiled_batch_leaves_no_trace(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_batch *batch;
    struct state_entry entry;
    struct test_texts texts;
    static char long_key[STATE_KEY_MAX + 1];
    fill(manifest, 10);
    OK(manifest_batch_begin(manifest, &batch, &why));
    test_put(batch, test_text("key-x"), 77);
    OK(manifest_outbox_append(batch, "line", 4, NULL, &why));
    OK(manifest_batch_get(batch, test_text("key-x"), &entry, &why));
    assert_int_equal(entry.size, 77);
    manifest_batch_abort(batch);
    assert_int_equal(records(manifest), 10);
    OK(manifest_batch_begin(manifest, &batch, &why));
    test_put(batch, test_text("key-x"), 77);
    GIVES(STATE_NOT_FOUND, manifest_batch_remove(batch, test_text("key-y"), &why));
    memset(long_key, 'k', sizeof long_key);
    entry = test_entry((struct state_text){ long_key, sizeof long_key }, 1, &texts);
    GIVES(STATE_BAD_DATA, manifest_batch_put(batch, &entry, &why));
    test_put(batch, test_text("key-z"), 78);
    memset(&why, 0, sizeof why);
    GIVES(STATE_BAD_DATA, manifest_batch_commit(batch, &why));
    assert_non_null(strstr(why.what, "1025 bytes"));
    assert_int_equal(records(manifest), 10);
    entry.key.len = 0;
    OK(manifest_batch_begin(manifest, &batch, &why));
    GIVES(STATE_BAD_DATA, manifest_batch_put(batch, &entry, &why));
    manifest_batch_abort(batch);
    close_clean(manifest);
}

static void matches_compares_etag_size_and_time(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_reader *reader;
    struct test_texts texts;
    fill(manifest, 50);
    OK(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    for (unsigned i = 1; i <= 50; i++) {
        struct state_text key;
        OK(manifest_reader_next(reader, &key, &why));
        struct state_entry entry = test_entry(key, i, &texts);
        assert_true(manifest_reader_matches(reader, entry.etag, entry.size, entry.source_time_ms));
        assert_false(manifest_reader_matches(reader, entry.etag, entry.size, entry.source_time_ms + 1000));
        assert_false(manifest_reader_matches(reader, entry.etag, entry.size + 1, entry.source_time_ms));
        texts.etag[7] = texts.etag[7] == 'a' ? 'b' : 'a';
        assert_false(manifest_reader_matches(reader, entry.etag, entry.size, entry.source_time_ms));
    }
    manifest_reader_end(reader);
    manifest_reader_free(reader);
    close_clean(manifest);
}

static void a_reader_sees_the_manifest_as_of_its_begin(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_reader *reader;
    struct manifest_batch *batch;
    struct state_text key;
    fill(manifest, 2);
    OK(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_batch_remove(batch, test_text("key-000001"), &why));
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_reader_next(reader, &key, &why));
    assert_memory_equal(key.ptr, "key-000001", 10);
    manifest_reader_end(reader);
    OK(manifest_reader_begin(reader, &why));
    OK(manifest_reader_next(reader, &key, &why));
    assert_memory_equal(key.ptr, "key-000002", 10);
    GIVES(STATE_END, manifest_reader_next(reader, &key, &why));
    manifest_reader_end(reader);
    /* an idle reader outlives a compaction */
    OK(manifest_compact(manifest, &why));
    OK(manifest_reader_begin(reader, &why));
    OK(manifest_reader_next(reader, &key, &why));
    assert_memory_equal(key.ptr, "key-000002", 10);
    manifest_reader_free(reader);
    close_clean(manifest);
}

struct collected {
    char text[4096];
    size_t len;
    uint64_t last;
};

static enum state_status collect(void *ctx, uint64_t sequence, const char *line, size_t length)
{
    struct collected *to = ctx;
    assert_true(sequence > to->last && to->len + length < sizeof to->text);
    to->last = sequence;
    memcpy(to->text + to->len, line, length);
    to->len += length;
    return STATE_OK;
}

static void the_outbox_keeps_order_and_never_reuses_a_number(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_batch *batch;
    struct manifest_totals totals;
    uint64_t sequence = 0;
    uint64_t last = 0;
    uint64_t lines = 0;
    char line[16];
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 1; i <= 300; i++) {
        (void)snprintf(line, sizeof line, "%03u\n", i);
        OK(manifest_outbox_append(batch, line, 4, &sequence, &why));
        assert_int_equal(sequence, i);
    }
    OK(manifest_batch_commit(batch, &why));
    struct collected all = { .len = 0 };
    OK(manifest_outbox_read(manifest, 0, 400, collect, &all, &last, &lines, &why));
    assert_int_equal(lines, 100);
    assert_int_equal(last, 100);
    OK(manifest_outbox_read(manifest, last + 1, 4000, collect, &all, &last, &lines, &why));
    assert_int_equal(lines, 200);
    assert_int_equal(all.len, 1200);
    assert_memory_equal(all.text + 1196, "300\n", 4);
    OK(manifest_outbox_read(manifest, last + 1, 4000, collect, &all, &last, &lines, &why));
    assert_int_equal(lines, 0);
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_outbox_trim(batch, 299, &why));
    OK(manifest_batch_commit(batch, &why));
    manifest_totals(manifest, &totals);
    assert_int_equal(totals.outbox_lines, 1);
    assert_int_equal(totals.outbox_bytes, 4);
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_outbox_trim(batch, UINT64_MAX, &why));
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_compact(manifest, &why));
    close_clean(manifest);
    manifest = open_as(MANIFEST_CLEAN);
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_outbox_append(batch, "next", 4, &sequence, &why));
    assert_int_equal(sequence, 301);
    OK(manifest_batch_commit(batch, &why));
    close_clean(manifest);
}

static void pending_keys_come_in_order_with_their_records(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_batch *batch;
    struct manifest_reader *reader;
    struct manifest_totals totals;
    struct state_entry entry;
    struct state_text key;
    fill(manifest, 9);
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_pending_add(batch, test_text("key-000007"), &why));
    OK(manifest_pending_add(batch, test_text("key-000002"), &why));
    OK(manifest_pending_add(batch, test_text("key-000002"), &why));
    OK(manifest_pending_add(batch, test_text("key-000005"), &why));
    OK(manifest_pending_remove(batch, test_text("key-000005"), &why));
    GIVES(STATE_NOT_FOUND, manifest_pending_remove(batch, test_text("key-000005"), &why));
    OK(manifest_pending_add(batch, test_text("gone"), &why));
    OK(manifest_batch_commit(batch, &why));
    manifest_totals(manifest, &totals);
    assert_int_equal(totals.pending, 3);
    OK(manifest_compact(manifest, &why));
    OK(manifest_reader_new(manifest, MANIFEST_PENDING, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    OK(manifest_reader_next(reader, &key, &why));
    GIVES(STATE_NOT_FOUND, manifest_reader_entry(reader, &entry, &why));
    OK(manifest_reader_next(reader, &key, &why));
    OK(manifest_reader_entry(reader, &entry, &why));
    assert_int_equal(entry.size, 2);
    OK(manifest_reader_next(reader, &key, &why));
    OK(manifest_reader_entry(reader, &entry, &why));
    assert_int_equal(entry.size, 7);
    GIVES(STATE_END, manifest_reader_next(reader, &key, &why));
    manifest_reader_end(reader);
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_pending_clear(batch, &why));
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_reader_begin(reader, &why));
    GIVES(STATE_END, manifest_reader_next(reader, &key, &why));
    manifest_reader_free(reader);
    manifest_totals(manifest, &totals);
    assert_int_equal(totals.pending, 0);
    assert_int_equal(totals.records, 9);
    close_clean(manifest);
}

static void jobs_and_meta_are_kept_to_their_bounds(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_batch *batch;
    struct manifest_reader *reader;
    struct state_text key;
    struct state_text value;
    unsigned char kind;
    char small[8];
    size_t length;
    static char big[MANIFEST_JOB_MAX + 1];
    static char key_bytes[STATE_KEY_MAX];
    memset(big, 'j', sizeof big);
    memset(key_bytes, 'k', sizeof key_bytes);
    struct state_text long_key = { key_bytes, sizeof key_bytes };
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_job_put(batch, 'm', long_key, (struct state_text){ big, MANIFEST_JOB_MAX }, &why));
    OK(manifest_job_put(batch, 'm', test_text("b"), test_text("old"), &why));
    OK(manifest_job_put(batch, 'm', test_text("b"), test_text("newer"), &why));
    OK(manifest_job_put(batch, 'a', test_text("z"), test_text("thaw"), &why));
    OK(manifest_meta_put(batch, "point", "20261120T030000Z", 16, &why));
    OK(manifest_meta_put(batch, "fences", big, sizeof big, &why));
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_compact(manifest, &why));
    close_clean(manifest);
    manifest = open_as(MANIFEST_CLEAN);
    OK(manifest_reader_new(manifest, MANIFEST_JOBS, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    OK(manifest_reader_next(reader, &key, &why));
    manifest_reader_job(reader, &kind, &key, &value);
    assert_true(kind == 'a' && test_same_text(key, test_text("z")) && test_same_text(value, test_text("thaw")));
    OK(manifest_reader_get(reader, test_text("mb"), &why));
    manifest_reader_job(reader, &kind, &key, &value);
    assert_true(kind == 'm' && test_same_text(key, test_text("b")) && test_same_text(value, test_text("newer")));
    OK(manifest_reader_seek(reader, test_text("mb"), true, &why));
    OK(manifest_reader_next(reader, &key, &why));
    manifest_reader_job(reader, &kind, &key, &value);
    assert_true(test_same_text(key, long_key) && value.len == MANIFEST_JOB_MAX && value.ptr[value.len - 1] == 'j');
    manifest_reader_free(reader);
    OK(manifest_meta_get(manifest, "point", big, sizeof big, &length, &why));
    assert_int_equal(length, 16);
    GIVES(STATE_FULL, manifest_meta_get(manifest, "point", small, sizeof small, &length, &why));
    assert_int_equal(length, 16);
    GIVES(STATE_NOT_FOUND, manifest_meta_get(manifest, "nothing", big, sizeof big, &length, &why));
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_job_remove(batch, 'm', long_key, &why));
    GIVES(STATE_NOT_FOUND, manifest_job_remove(batch, 'x', long_key, &why));
    OK(manifest_meta_put(batch, "point", NULL, 0, &why));
    OK(manifest_meta_put(batch, "point", NULL, 0, &why));
    OK(manifest_batch_commit(batch, &why));
    GIVES(STATE_NOT_FOUND, manifest_meta_get(manifest, "point", big, sizeof big, &length, &why));
    OK(manifest_batch_begin(manifest, &batch, &why));
    GIVES(STATE_FULL, manifest_job_put(batch, 'm', long_key, (struct state_text){ big, sizeof big }, &why));
    manifest_batch_abort(batch);
    OK(manifest_batch_begin(manifest, &batch, &why));
    GIVES(STATE_FULL, manifest_meta_put(batch, ".counts", "x", 1, &why));
    manifest_batch_abort(batch);
    close_clean(manifest);
}

static void a_load_keeps_jobs_and_outbox_only(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_batch *batch;
    struct manifest_load *load;
    struct manifest_totals totals;
    struct test_texts texts;
    char buffer[32];
    size_t length;
    fill(manifest, 20);
    OK(manifest_batch_begin(manifest, &batch, &why));
    OK(manifest_job_put(batch, 'm', test_text("b"), test_text("job"), &why));
    OK(manifest_outbox_append(batch, "line", 4, NULL, &why));
    OK(manifest_pending_add(batch, test_text("key-000001"), &why));
    OK(manifest_meta_put(batch, "point", "old", 3, &why));
    OK(manifest_meta_put(batch, "fences", "old", 3, &why));
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_load_begin(manifest, &load, &why));
    struct state_entry entry = test_entry(test_text("a"), 1, &texts);
    OK(manifest_load_put(load, &entry, &why));
    OK(manifest_load_meta(load, "point", "new", 3, &why));
    OK(manifest_load_finish(load, &why));
    manifest_totals(manifest, &totals);
    assert_int_equal(totals.records, 1);
    assert_int_equal(totals.jobs, 1);
    assert_int_equal(totals.outbox_lines, 1);
    assert_int_equal(totals.pending, 0);
    OK(manifest_meta_get(manifest, "point", buffer, sizeof buffer, &length, &why));
    assert_memory_equal(buffer, "new", 3);
    GIVES(STATE_NOT_FOUND, manifest_meta_get(manifest, "fences", buffer, sizeof buffer, &length, &why));
    close_clean(manifest);
    OK(manifest_close(open_as(MANIFEST_CLEAN), false, &why));
    close_clean(open_as(MANIFEST_VERIFIED));
}

static void scattered_inserts_are_loose_until_packed(void **state)
{
    (void)state;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    struct manifest_batch *batch;
    uint64_t seed = 3;
    uint64_t bytes = 0;
    uint64_t packed = 0;
    uint64_t raw = 0;
    bool loose = true;
    char key[64];
    OK(manifest_is_loose(manifest, &loose, &why));
    assert_false(loose);
    for (unsigned i = 0; i < 30; i++) {
        OK(manifest_batch_begin(manifest, &batch, &why));
        for (unsigned j = 0; j < 1000; j++) {
            (void)snprintf(key, sizeof key, "scattered/%016" PRIx64, test_random(&seed));
            test_put(batch, test_text(key), j + 1);
        }
        OK(manifest_batch_commit(batch, &why));
    }
    OK(manifest_is_loose(manifest, &loose, &why));
    assert_true(loose);
    OK(manifest_compact(manifest, &why));
    OK(manifest_is_loose(manifest, &loose, &why));
    assert_false(loose);
    OK(manifest_file_size(manifest, &bytes, &packed, &raw, &why));
    assert_true(bytes < packed + packed / 10 && bytes > packed - packed / 10);
    assert_true(bytes < raw + raw * 2 / 5);
    assert_int_equal(records(manifest), 30000);
    close_clean(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_aborted_or_spoiled_batch_leaves_no_trace, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(matches_compares_etag_size_and_time, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_reader_sees_the_manifest_as_of_its_begin, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(the_outbox_keeps_order_and_never_reuses_a_number, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(pending_keys_come_in_order_with_their_records, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(jobs_and_meta_are_kept_to_their_bounds, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_load_keeps_jobs_and_outbox_only, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(scattered_inserts_are_loose_until_packed, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
