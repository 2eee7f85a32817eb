/*
 * Keys of 1 to 1,024 bytes keep their identity and their byte order, whatever they share: a property test that holds
 * the manifest against a sorted array, through inserts, replacements, removals, seeks and a compaction.
 */
#include "tests/unit/state_manifest_test.h"

enum { KEYS_MAX = 20000, PREFIXES = 9 };

static struct model {
    struct state_text key;
    uint64_t number; /* of its record; 0: none is there */
} model[KEYS_MAX];
static size_t count;

static int compare_text(struct state_text a, struct state_text b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.ptr, b.ptr, shared);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
    return compare_text(((const struct model *)a)->key, ((const struct model *)b)->key);
}

static void add_key(const unsigned char *bytes, size_t len)
{
    assert_true(count < KEYS_MAX && len >= 1 && len <= STATE_KEY_MAX);
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    model[count++].key = (struct state_text){ copy, len };
}

static void add_tails(unsigned char *bytes, size_t shared, uint64_t *seed)
{
    static const unsigned char alphabet[] = { 0x00, 0x01, 'a', 'b', 0x7f, 0xc3, 0xa9, 0xfe, 0xff };
    for (unsigned i = 0; i < 1250; i++) {
        size_t room = STATE_KEY_MAX - shared;
        size_t tail = 1 + test_random(seed) % (i % 3 == 0 ? room : room < 4 ? room : 4);
        for (size_t j = 0; j < tail; j++)
            bytes[shared + j] = alphabet[test_random(seed) % sizeof alphabet];
        add_key(bytes, shared + tail);
    }
}

/* Around every length at which the layout changes, of bytes that are one character, or random, or from a small
 * alphabet. */
static void make_keys(void)
{
    static const size_t shared[PREFIXES] = { 0, 1, 509, 510, 511, 512, 1012, 1013, 1014 };
    unsigned char bytes[STATE_KEY_MAX];
    uint64_t seed = 11812;
    count = 0;
    memset(bytes, 'k', sizeof bytes);
    for (size_t len = 1; len <= STATE_KEY_MAX; len++)
        add_key(bytes, len);
    memset(bytes, 0, sizeof bytes);
    for (size_t len = 1; len <= STATE_KEY_MAX; len++)
        add_key(bytes, len);
    memset(bytes, 0xff, sizeof bytes);
    for (size_t len = 1; len <= STATE_KEY_MAX; len++)
        add_key(bytes, len);
    for (size_t i = 0; i < PREFIXES; i++) {
        memset(bytes, i % 2 == 0 ? 'k' : 'p', sizeof bytes);
        add_tails(bytes, shared[i], &seed);
    }
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = 1 + test_random(&seed) % STATE_KEY_MAX;
        for (size_t j = 0; j < len; j++)
            bytes[j] = (unsigned char)test_random(&seed);
        add_key(bytes, len);
    }
    qsort(model, count, sizeof model[0], compare);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare(&model[kept - 1], &model[i]) == 0)
            free((char *)model[i].key.ptr);
        else
            model[kept++] = model[i];
    }
    count = kept;
    assert_true(count >= 11812);
}

static void free_keys(void)
{
    for (size_t i = 0; i < count; i++)
        free((char *)model[i].key.ptr);
    memset(model, 0, sizeof model);
}

static void expect(struct manifest_reader *reader, size_t from)
{
    struct state_text key;
    for (size_t i = from; i < count; i++) {
        if (model[i].number == 0)
            continue;
        OK(manifest_reader_next(reader, &key, &why));
        assert_int_equal(compare_text(key, model[i].key), 0);
        struct test_texts texts;
        struct state_entry entry;
        struct state_entry wanted = test_entry(model[i].key, model[i].number, &texts);
        OK(manifest_reader_entry(reader, &entry, &why));
        assert_true(test_same(&entry, &wanted));
        return;
    }
    GIVES(STATE_END, manifest_reader_next(reader, &key, &why));
    GIVES(STATE_END, manifest_reader_next(reader, &key, &why));
}

static void expect_all(struct manifest *manifest, uint64_t *seed)
{
    struct manifest_reader *reader;
    struct manifest_totals totals;
    uint64_t records = 0;
    struct manifest_class_total by_class[CLASS_COUNT] = { { 0 } };
    OK(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    for (size_t i = 0; i < count; i++) {
        if (model[i].number == 0)
            continue;
        expect(reader, i);
        records++;
        enum storage_class class_ = model[i].number % 3 == 0 ? CLASS_DEEP_ARCHIVE : CLASS_STANDARD;
        by_class[class_].objects++;
        by_class[class_].bytes += model[i].number;
    }
    expect(reader, count);
    for (size_t i = 0; i < count; i++) {
        bool after = test_random(seed) % 2 == 0;
        size_t from = test_random(seed) % count;
        OK(manifest_reader_seek(reader, model[from].key, after, &why));
        expect(reader, after ? from + 1 : from);
        GIVES(model[from].number == 0 ? STATE_NOT_FOUND : STATE_OK, manifest_reader_get(reader, model[from].key, &why));
    }
    manifest_reader_end(reader);
    manifest_reader_free(reader);
    manifest_totals(manifest, &totals);
    assert_int_equal(totals.records, records);
    assert_memory_equal(totals.by_class, by_class, sizeof by_class);
}

static void change_some(struct manifest *manifest, unsigned puts_of_ten, size_t changes, uint64_t *seed)
{
    struct manifest_batch *batch;
    struct state_entry entry;
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (size_t i = 0; i < changes; i++) {
        struct model *one = &model[test_random(seed) % count];
        GIVES(one->number == 0 ? STATE_NOT_FOUND : STATE_OK, manifest_batch_get(batch, one->key, &entry, &why));
        if (test_random(seed) % 10 < puts_of_ten) {
            one->number = 1 + test_random(seed) % 1000000;
            test_put(batch, one->key, one->number);
        } else {
            GIVES(one->number == 0 ? STATE_NOT_FOUND : STATE_OK, manifest_batch_remove(batch, one->key, &why));
            one->number = 0;
        }
    }
    OK(manifest_batch_commit(batch, &why));
}

static void keys_keep_order_and_identity(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    enum manifest_found found;
    uint64_t seed = 4711;
    make_keys();
    OK(manifest_open(&options, &manifest, &found, &why));
    for (unsigned i = 0; i < 8; i++)
        change_some(manifest, 8, 5000, &seed);
    expect_all(manifest, &seed);
    OK(manifest_compact(manifest, &why));
    expect_all(manifest, &seed);
    for (unsigned i = 0; i < 12; i++)
        change_some(manifest, 3, 5000, &seed);
    expect_all(manifest, &seed);
    OK(manifest_close(manifest, false, &why));
    OK(manifest_open(&options, &manifest, &found, &why));
    assert_int_equal(found, MANIFEST_VERIFIED);
    expect_all(manifest, &seed);
    change_some(manifest, 0, 200000, &seed);
    struct manifest_batch *batch;
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (size_t i = 0; i < count; i++) {
        enum state_status status = manifest_batch_remove(batch, model[i].key, &why);
        assert_true(status == STATE_OK || status == STATE_NOT_FOUND);
        model[i].number = 0;
    }
    OK(manifest_batch_commit(batch, &why));
    expect_all(manifest, &seed);
    OK(manifest_close(manifest, true, &why));
    free_keys();
}

static void a_load_takes_all_keys_in_order_and_nothing_else(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    enum manifest_found found;
    struct manifest_load *load;
    struct test_texts texts;
    uint64_t seed = 17;
    make_keys();
    OK(manifest_open(&options, &manifest, &found, &why));
    OK(manifest_load_begin(manifest, &load, &why));
    for (size_t i = 0; i < count; i++) {
        model[i].number = i + 1;
        struct state_entry entry = test_entry(model[i].key, i + 1, &texts);
        OK(manifest_load_put(load, &entry, &why));
    }
    OK(manifest_load_finish(load, &why));
    expect_all(manifest, &seed);
    OK(manifest_load_begin(manifest, &load, &why));
    struct state_entry entry = test_entry(model[5].key, 1, &texts);
    OK(manifest_load_put(load, &entry, &why));
    GIVES(STATE_BAD_DATA, manifest_load_put(load, &entry, &why));
    entry.key = model[4].key;
    GIVES(STATE_BAD_DATA, manifest_load_put(load, &entry, &why));
    manifest_load_abort(load);
    expect_all(manifest, &seed);
    OK(manifest_close(manifest, true, &why));
    OK(manifest_open(&options, &manifest, &found, &why));
    assert_int_equal(found, MANIFEST_CLEAN);
    expect_all(manifest, &seed);
    OK(manifest_close(manifest, true, &why));
    free_keys();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_keep_order_and_identity, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_load_takes_all_keys_in_order_and_nothing_else, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
