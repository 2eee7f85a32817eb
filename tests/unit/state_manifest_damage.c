/*
 * A damaged file never crashes the process that opens it, and what it answers is never wrong: the check in a child
 * either refuses the file, or everything in it is what was written (damage to bytes that nobody uses). Damage of other
 * kinds than flipped bits: pages that took another's place, that were zeroed, a file that was cut.
 */
#include "tests/unit/state_manifest_test.h"

enum { RECORDS = 4000, FILES = 480, LINES = 40, PENDING = 60, ROUNDS = 60 };

static char keys[RECORDS][STATE_KEY_MAX];
static size_t lengths[RECORDS];
static unsigned char *good;
static size_t good_size;

static struct state_text key_of(unsigned i)
{
    return (struct state_text){ keys[i], lengths[i] };
}

/* Ascending, and every tenth one long. */
static void make_key(unsigned i)
{
    int len = snprintf(keys[i], STATE_KEY_MAX, "%s%05u/", i >= RECORDS * 9 / 10 ? "z" : "a", i);
    assert_true(len > 0);
    lengths[i] = (size_t)len;
    if (i < RECORDS * 9 / 10)
        return;
    memset(keys[i], 'z', STATE_KEY_MAX);
    lengths[i] = i % 2 == 0 ? 600 : STATE_KEY_MAX;
    /* the number lies behind the first link, for the second half also behind another prefix */
    (void)snprintf(keys[i] + 580, 8, "%06u", i);
    keys[i][586] = 'z';
}

static void commit_records(struct manifest *manifest, unsigned first, unsigned step, uint64_t add)
{
    struct manifest_batch *batch;
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = first; i < RECORDS; i += step)
        test_put(batch, key_of(i), i + add);
    OK(manifest_batch_commit(batch, &why));
}

/* Written in an order that leaves free pages; the last commit differs by one record from the one before. */
static void build(void)
{
    struct manifest_options options = test_options();
    struct manifest *manifest;
    struct manifest_batch *batch;
    for (unsigned i = 0; i < RECORDS; i++)
        make_key(i);
    OK(manifest_open(&options, &manifest, NULL, &why));
    for (unsigned first = 0; first < 7; first++)
        commit_records(manifest, first, 7, 999);
    for (unsigned first = 0; first < 5; first++)
        commit_records(manifest, first, 5, 1);
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 0; i < LINES; i++)
        OK(manifest_outbox_append(batch, keys[i], lengths[i], NULL, &why));
    for (unsigned i = 0; i < PENDING; i++)
        OK(manifest_pending_add(batch, key_of(i * 60), &why));
    OK(manifest_job_put(batch, 'm', key_of(3999), test_text("job"), &why));
    OK(manifest_meta_put(batch, "point", "20261120T030000Z", 16, &why));
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_batch_begin(manifest, &batch, &why));
    test_put(batch, key_of(0), 2);
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_close(manifest, false, &why));
    int fd = open(test_path("manifest.mdb"), O_RDONLY);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    good_size = (size_t)st.st_size;
    good = malloc(good_size);
    assert_non_null(good);
    assert_int_equal(read(fd, good, good_size), good_size);
    (void)close(fd);
}

static enum state_status count_line(void *ctx, uint64_t sequence, const char *line, size_t length)
{
    unsigned *lines = ctx;
    assert_int_equal(sequence, *lines + 1);
    assert_true(test_same_text((struct state_text){ line, length }, key_of(*lines)));
    ++*lines;
    return STATE_OK;
}

/* All of it, by walking and by looking up. */
static void expect_what_was_written(struct manifest *manifest)
{
    struct manifest_reader *reader;
    struct state_entry entry;
    struct state_text key;
    struct test_texts texts;
    unsigned lines = 0;
    uint64_t last;
    uint64_t read_lines;
    OK(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    for (unsigned i = 0; i < RECORDS; i++) {
        OK(manifest_reader_next(reader, &key, &why));
        OK(manifest_reader_entry(reader, &entry, &why));
        struct state_entry wanted = test_entry(key_of(i), i + 1, &texts);
        if (i == 0 && entry.size == 2)
            wanted = test_entry(key_of(i), 2, &texts);
        assert_true(test_same(&entry, &wanted));
        OK(manifest_reader_get(reader, key_of(i), &why));
    }
    GIVES(STATE_END, manifest_reader_next(reader, &key, &why));
    manifest_reader_free(reader);
    OK(manifest_reader_new(manifest, MANIFEST_PENDING, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    for (unsigned i = 0; i < PENDING; i++) {
        OK(manifest_reader_next(reader, &key, &why));
        assert_true(test_same_text(key, key_of(i * 60)));
    }
    manifest_reader_free(reader);
    OK(manifest_outbox_read(manifest, 0, SIZE_MAX, count_line, &lines, &last, &read_lines, &why));
    assert_int_equal(lines, LINES);
}

/* A file that passed must also bear being written to. */
static void change_everything(struct manifest *manifest, bool pack)
{
    struct manifest_batch *batch;
    commit_records(manifest, 0, 3, 5);
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 0; i < RECORDS; i += 2)
        OK(manifest_batch_remove(batch, key_of(i), &why));
    OK(manifest_outbox_trim(batch, LINES, &why));
    OK(manifest_pending_clear(batch, &why));
    OK(manifest_batch_commit(batch, &why));
    if (pack)
        OK(manifest_compact(manifest, &why));
}

static size_t damage(unsigned char *bytes, unsigned kind, uint64_t *seed)
{
    size_t pages = good_size / 4096;
    size_t page = test_random(seed) % pages * 4096;
    unsigned flips = 1 + (unsigned)(test_random(seed) % 8);
    switch (kind % 8) {
    case 0: /* one bit anywhere */
        bytes[test_random(seed) % good_size] ^= (unsigned char)(1U << test_random(seed) % 8);
        break;
    case 1: /* some bytes anywhere */
    case 2:
        for (unsigned i = 0; i < flips; i++)
            bytes[test_random(seed) % good_size] = (unsigned char)test_random(seed);
        break;
    case 3: /* a page's header or slots */
        for (unsigned i = 0; i < flips; i++)
            bytes[page + test_random(seed) % 64] ^= (unsigned char)(1U << test_random(seed) % 8);
        break;
    case 4: /* LMDB's meta pages */
        bytes[test_random(seed) % (2 * 4096) % 4096 % 160 + (test_random(seed) % 2) * 4096] ^=
                (unsigned char)(1U << test_random(seed) % 8);
        break;
    case 5: /* a page in another's place */
        memcpy(bytes + page, good + test_random(seed) % pages * 4096, 4096);
        break;
    case 6: /* a page, or a part of it, that never arrived */
        memset(bytes + page + (flips > 4 ? 2048 : 0), 0, 2048);
        break;
    default: /* an end that never arrived */
        return test_random(seed) % good_size;
    }
    return good_size;
}

static void damage_is_found_or_harmless(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    uint64_t seed = 328;
    unsigned refused = 0;
    unsigned harmless = 0;
    build();
    unsigned char *bytes = malloc(good_size);
    assert_non_null(bytes);
    for (unsigned i = 0; i < FILES; i++) {
        struct manifest *manifest;
        enum manifest_found found;
        memcpy(bytes, good, good_size);
        size_t size = damage(bytes, i, &seed);
        int fd = open(test_path("manifest.mdb"), O_WRONLY | O_TRUNC);
        assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
        enum state_status status = manifest_open(&options, &manifest, &found, &why);
        if (status == STATE_OK) {
            assert_int_equal(found, MANIFEST_VERIFIED);
            expect_what_was_written(manifest);
            change_everything(manifest, harmless % 8 == 0); /* its syncs are slow */
            OK(manifest_close(manifest, false, &why));
            harmless++;
        } else {
            GIVES(STATE_BAD_DATA, status);
            assert_int_equal(found, MANIFEST_REBUILD);
            assert_true(strlen(why.what) > 0);
            refused++;
        }
    }
    print_message("%u damaged files: %u refused, %u with damage that nobody reads\n", FILES, refused, harmless);
    assert_true(refused > FILES / 4 && harmless > 0);
    free(bytes);
    free(good);
}

/* The other side of the check: whatever history a sound file has, it passes. */
static void a_sound_file_passes_whatever_its_history(void **state)
{
    (void)state;
    static char value[60000];
    struct manifest_options options = test_options();
    uint64_t seed = 77;
    for (unsigned i = 0; i < RECORDS; i++)
        make_key(i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct manifest *manifest;
        struct manifest_batch *batch;
        enum manifest_found found;
        uint64_t sequence = 0;
        OK(manifest_open(&options, &manifest, &found, &why));
        assert_int_equal(found, round == 0 ? MANIFEST_NEW : MANIFEST_VERIFIED);
        for (unsigned b = 0; b < 4; b++) {
            unsigned changes = (unsigned)(test_random(&seed) % 700);
            bool grow = test_random(&seed) % 3 > 0;
            OK(manifest_batch_begin(manifest, &batch, &why));
            for (unsigned i = 0; i < changes; i++) {
                unsigned which = (unsigned)(test_random(&seed) % RECORDS);
                size_t length = 1 + test_random(&seed) % (i % 20 == 0 ? sizeof value : 900);
                enum state_status status = STATE_OK;
                if (grow)
                    test_put(batch, key_of(which), 1 + test_random(&seed) % 1000);
                else
                    status = manifest_batch_remove(batch, key_of(which), &why);
                assert_true(status == STATE_OK || status == STATE_NOT_FOUND);
                if (i % 9 == 0)
                    OK(manifest_job_put(batch, 'm', key_of(which % 97), (struct state_text){ value, length }, &why));
                if (i % 11 == 0)
                    status = manifest_job_remove(batch, 'm', key_of((which + 1) % 97), &why);
                assert_true(status == STATE_OK || status == STATE_NOT_FOUND);
                OK(manifest_pending_add(batch, key_of(which), &why));
                OK(manifest_outbox_append(batch, value, length % 6000 + 1, &sequence, &why));
            }
            if (changes % 5 == 0)
                OK(manifest_pending_clear(batch, &why));
            OK(manifest_outbox_trim(batch, sequence > 300 ? sequence - 300 : 0, &why));
            OK(manifest_meta_put(batch, "fences", value, changes * 50, &why));
            if (changes % 7 == 0)
                manifest_batch_abort(batch);
            else
                OK(manifest_batch_commit(batch, &why));
        }
        if (test_random(&seed) % 10 == 0)
            OK(manifest_compact(manifest, &why));
        OK(manifest_close(manifest, false, &why));
    }
}

static void a_file_cut_after_a_clean_close_is_refused(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    build();
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_close(manifest, true, &why));
    assert_int_equal(truncate(test_path("manifest.mdb"), (off_t)(good_size / 4096 / 2 * 4096)), 0);
    GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, NULL, &why));
    assert_int_equal(truncate(test_path("manifest.mdb"), 0), 0);
    GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, NULL, &why));
    free(good);
}

/* Without the check: a record that changed after a clean close fails its reader, for good, and the rest can be read. */
static void a_changed_record_is_never_yielded(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    struct manifest_reader *reader;
    struct state_text key;
    build();
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_compact(manifest, &why));
    OK(manifest_close(manifest, true, &why));
    int fd = open(test_path("manifest.mdb"), O_RDWR);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size <= good_size);
    ssize_t size = read(fd, good, good_size);
    unsigned char *at = memmem(good, (size_t)size, "a01000/", 7);
    assert_non_null(at);
    unsigned char flipped = at[7 + 8 + 20] ^ 4; /* in the record, behind its checksum */
    assert_int_equal(pwrite(fd, &flipped, 1, at + 7 + 8 + 20 - good), 1);
    (void)close(fd);
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    for (unsigned i = 0; i < 1000; i++)
        OK(manifest_reader_next(reader, &key, &why));
    for (unsigned i = 0; i < 3; i++)
        GIVES(STATE_BAD_DATA, manifest_reader_next(reader, &key, &why));
    manifest_reader_end(reader);
    OK(manifest_reader_begin(reader, &why));
    GIVES(STATE_BAD_DATA, manifest_reader_get(reader, key_of(1000), &why));
    OK(manifest_reader_get(reader, key_of(1001), &why));
    manifest_reader_free(reader);
    GIVES(STATE_BAD_DATA, manifest_compact(manifest, &why));
    struct manifest_batch *batch;
    OK(manifest_batch_begin(manifest, &batch, &why));
    GIVES(STATE_BAD_DATA, manifest_batch_remove(batch, key_of(1000), &why));
    GIVES(STATE_BAD_DATA, manifest_batch_commit(batch, &why));
    OK(manifest_close(manifest, false, &why));
    free(good);
}

static void a_check_that_takes_too_long_is_a_rebuild(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    struct manifest_batch *batch;
    char key[40];
    OK(manifest_open(&options, &manifest, NULL, &why));
    /* a fifo in the place of the file: opening it for reading waits for a writer that never comes */
    OK(manifest_batch_begin(manifest, &batch, &why));
    (void)snprintf(key, sizeof key, "key");
    test_put(batch, test_text(key), 1);
    OK(manifest_batch_commit(batch, &why));
    OK(manifest_close(manifest, false, &why));
    assert_int_equal(unlink(test_path("manifest.mdb")), 0);
    assert_int_equal(mkfifo(test_path("manifest.mdb"), 0600), 0);
    options.check_seconds = 1;
    GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, NULL, &why));
    assert_non_null(strstr(why.what, "signal 14"));
    OK(manifest_discard(&options, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damage_is_found_or_harmless, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_sound_file_passes_whatever_its_history, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_file_cut_after_a_clean_close_is_refused, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_changed_record_is_never_yielded, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_check_that_takes_too_long_is_a_rebuild, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
