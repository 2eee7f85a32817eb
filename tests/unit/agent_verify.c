/* The pure parts of verify: which keys it takes, what bytes are compared by, and the order of what the logs say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/verify_choice.h"
#include "agent/verify_sort.h"
#include "agent/verify_sum.h"

static struct state_text text(const char *string)
{
    return (struct state_text){ string, strlen(string) };
}

static void forms_of_subsets_and_samples(void **state)
{
    static const char *const subsets[] = { "1/1", "3/3", "1/1000000" };
    static const char *const no_subsets[] = { "", "0/3", "4/3", "1/0", "1", "/3", "1/", "1/3x", "-1/3", "+1/3", " 1/3",
        "1/1000001", "99999999999999999999999/3" };
    static const char *const samples[] = { "5%", "0.25%", "100%", "0.0001%", "7.50%" };
    static const char *const no_samples[] = { "", "5", "%", "0%", "0.00001%", "100.1%", "101%", "5%%", "5.%", ".5%",
        "-1%", "5 %" };
    struct verify_choice choice;

    (void)state;
    for (size_t i = 0; i < sizeof subsets / sizeof subsets[0]; i++)
        assert_true(verify_choice_subset(subsets[i], &choice));
    for (size_t i = 0; i < sizeof no_subsets / sizeof no_subsets[0]; i++)
        assert_false(verify_choice_subset(no_subsets[i], &choice));
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        assert_true(verify_choice_sample(samples[i], 0, &choice));
    for (size_t i = 0; i < sizeof no_samples / sizeof no_samples[0]; i++)
        assert_false(verify_choice_sample(no_samples[i], 0, &choice));
}

static void subsets_are_disjoint_whole_and_even(void **state)
{
    unsigned counts[10] = { 0 };

    (void)state;
    for (int i = 0; i < 10000; i++) {
        unsigned had = 0;
        char key[32], subset[8];
        (void)snprintf(key, sizeof key, "logs/2026/%06d", i);
        for (int part = 1; part <= 10; part++) {
            struct verify_choice choice;
            (void)snprintf(subset, sizeof subset, "%d/10", part);
            assert_true(verify_choice_subset(subset, &choice));
            if (verify_choice_has(&choice, text(key))) {
                had++;
                counts[part - 1]++;
            }
        }
        assert_int_equal(had, 1);
    }
    for (int part = 0; part < 10; part++)
        assert_in_range(counts[part], 850, 1150);
}

static void a_sample_has_its_size_and_is_another_one_each_day(void **state)
{
    const int64_t day_ms = INT64_C(24) * 3600 * 1000;
    struct verify_choice today, later, tomorrow;
    unsigned taken = 0, both = 0;

    (void)state;
    assert_true(verify_choice_sample("5%", 20000 * day_ms, &today));
    assert_true(verify_choice_sample("5%", 20001 * day_ms - 1, &later));
    assert_true(verify_choice_sample("5%", 20001 * day_ms, &tomorrow));
    for (int i = 0; i < 20000; i++) {
        char key[32];
        bool has;
        (void)snprintf(key, sizeof key, "k%d", i);
        has = verify_choice_has(&today, text(key));
        assert_int_equal(has, verify_choice_has(&later, text(key)));
        taken += has;
        both += has && verify_choice_has(&tomorrow, text(key));
    }
    assert_in_range(taken, 850, 1150);
    assert_in_range(both, 20, 90);
}

static enum verify_summed by(
        const char *bytes, const char *etag, const struct verify_parts *parts, const char *checksum, bool by_checksum)
{
    struct verify_sum *sum = verify_sum_new();
    enum verify_summed etag_is, checksum_is;

    assert_non_null(sum);
    verify_sum_begin(sum, etag, parts, checksum);
    for (size_t i = 0; i < strlen(bytes); i += 4) /* in pieces */
        verify_sum_add(sum, bytes + i, strlen(bytes + i) < 4 ? strlen(bytes + i) : 4);
    verify_sum_end(sum, &etag_is, &checksum_is);
    verify_sum_free(sum);
    return by_checksum ? checksum_is : etag_is;
}

/* The known check values of the algorithms, over "123456789". */
static void checksums_are_those_of_their_standards(void **state)
{
    static const char *const right[] = { "CRC32:y/Q5Jg==", "CRC32C:4waSgw==", "CRC64NVME:rosUhgp5mIg=",
        "SHA256:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=" };

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(by("123456789", NULL, NULL, right[i], true), VERIFY_EQUAL);
        assert_int_equal(by("123456780", NULL, NULL, right[i], true), VERIFY_DIFFERENT);
    }
    assert_int_equal(by("", NULL, NULL, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", true), VERIFY_EQUAL);
    assert_int_equal(by("123456789", NULL, NULL, "CRC32:y/Q5Jg==-2", true), VERIFY_NOT_COMPARED);
    assert_int_equal(by("123456789", NULL, NULL, "BLAKE3:xx", true), VERIFY_NOT_COMPARED);
    assert_int_equal(by("123456789", NULL, NULL, "", true), VERIFY_NOT_COMPARED);
}

/* As md5sum says them, the multipart ones over the digests of the parts in binary. */
static void etags_are_compared_whole_and_by_parts(void **state)
{
    uint64_t uneven[] = { 2, 5, 2 };
    const struct verify_parts even = { .even = 4, .count = 3 }, odd = { .sizes = uneven, .count = 3 },
                              exact = { .even = 3, .count = 3 }, none = { .count = 0 };

    (void)state;
    assert_int_equal(by("123456789", "25f9e794323b453885f5181f1b624d0b", NULL, NULL, false), VERIFY_EQUAL);
    assert_int_equal(by("123456788", "25f9e794323b453885f5181f1b624d0b", NULL, NULL, false), VERIFY_DIFFERENT);
    assert_int_equal(by("", "d41d8cd98f00b204e9800998ecf8427e", NULL, NULL, false), VERIFY_EQUAL);
    assert_int_equal(by("123456789", "EVEN-3", &even, NULL, false), VERIFY_NOT_COMPARED);
    assert_int_equal(by("123456789", "393e928fcf5925fcbd3a06aaf20b2d38-3", &even, NULL, false), VERIFY_EQUAL);
    assert_int_equal(by("123456799", "393e928fcf5925fcbd3a06aaf20b2d38-3", &even, NULL, false), VERIFY_DIFFERENT);
    assert_int_equal(by("123456789", "393e928fcf5925fcbd3a06aaf20b2d38-3", &odd, NULL, false), VERIFY_DIFFERENT);
    assert_int_equal(by("123456789", "4d70107d00231879aaca72f4af79ab19-3", &odd, NULL, false), VERIFY_EQUAL);
    assert_int_equal(by("123456789", "a8dd1c5498a84913e3d6e7b59d4b4f8f-3", &exact, NULL, false), VERIFY_EQUAL);
    assert_int_equal(by("123456789", "a8dd1c5498a84913e3d6e7b59d4b4f8f-3", &none, NULL, false), VERIFY_NOT_COMPARED);
    assert_int_equal(by("123456789", "opaque", NULL, NULL, false), VERIFY_NOT_COMPARED);
}

static struct verify_record record_of(unsigned i, char key[64], char version[32])
{
    struct verify_record record = { .sequence = i, .size = i, .point = i % 7, .did = STATE_COPIED };

    (void)snprintf(key, 64, "%s%u", i % 3 == 0 ? "\xc3\xa9/" : "k", (i * 7919u) % 500u);
    (void)snprintf(version, 32, "v%u", i);
    record.is_long = i % 5 == 0;
    record.key = text(key);
    record.name = record.is_long ? text(key) : record.key;
    record.version = text(version);
    return record;
}

static int order_of(const struct verify_record *a, const struct verify_record *b)
{
    int order = a->is_long != b->is_long ? (a->is_long ? -1 : 1) : 0;

    if (order == 0)
        order = strcmp(a->name.ptr, b->name.ptr);
    return order != 0 ? order : a->sequence > b->sequence ? -1 : 1;
}

static void sort_with(size_t memory, unsigned count)
{
    struct verify_sort *sort;
    struct failure failure;

    assert_int_equal(verify_sort_new("/tmp", memory, &sort, &failure), VERDICT_OK);
    for (unsigned i = 0; i < count; i++) {
        char key[64], version[32];
        struct verify_record record = record_of(i, key, version);
        assert_int_equal(verify_sort_add(sort, &record, &failure), VERDICT_OK);
    }
    for (int round = 0; round < 2; round++) {
        const struct verify_record *record;
        char name[64] = "", version[32];
        struct verify_record last = { .sequence = 0 };
        unsigned seen = 0;
        assert_int_equal(verify_sort_begin(sort, &failure), VERDICT_OK);
        while (verify_sort_next(sort, &record, &failure) == VERDICT_OK && record != NULL) {
            char key[64], name_now[64];
            struct verify_record wanted = record_of((unsigned)record->sequence, key, version);
            (void)snprintf(name_now, sizeof name_now, "%.*s", (int)record->name.len, record->name.ptr);
            assert_int_equal(record->name.len, wanted.name.len);
            assert_memory_equal(record->key.ptr, wanted.key.ptr, wanted.key.len);
            assert_int_equal(record->version.len, wanted.version.len);
            assert_memory_equal(record->version.ptr, wanted.version.ptr, wanted.version.len);
            assert_int_equal(record->is_long, wanted.is_long);
            assert_true(record->point == wanted.point && record->size == wanted.size);
            struct verify_record now = *record;
            now.name = text(name_now);
            last.name = text(name);
            if (seen++ > 0)
                assert_true(order_of(&last, &now) < 0);
            last = now;
            memcpy(name, name_now, sizeof name);
        }
        assert_int_equal(seen, count);
    }
    verify_sort_free(sort);
}

static void lines_are_sorted_in_memory_and_on_disk(void **state)
{
    (void)state;
    sort_with(0, 0);
    sort_with(0, 3000);
    sort_with(16 * 1024, 1);
    sort_with(16 * 1024, 3000);
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    struct verify_sort *sort;
    struct failure failure = { .what = "" };
    enum verdict verdict = VERDICT_OK;

    (void)state;
    assert_int_equal(verify_sort_new("/proc/no-such-folder", 16 * 1024, &sort, &failure), VERDICT_OK);
    for (unsigned i = 0; i < 3000 && verdict == VERDICT_OK; i++) {
        char key[64], version[32];
        struct verify_record record = record_of(i, key, version);
        verdict = verify_sort_add(sort, &record, &failure);
    }
    assert_int_equal(verdict, VERDICT_FULL);
    assert_non_null(strstr(failure.what, "/proc/no-such-folder"));
    assert_int_equal(verify_sort_begin(sort, &failure), VERDICT_FULL);
    verify_sort_free(sort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_subsets_and_samples),
        cmocka_unit_test(subsets_are_disjoint_whole_and_even),
        cmocka_unit_test(a_sample_has_its_size_and_is_another_one_each_day),
        cmocka_unit_test(checksums_are_those_of_their_standards),
        cmocka_unit_test(etags_are_compared_whole_and_by_parts),
        cmocka_unit_test(lines_are_sorted_in_memory_and_on_disk),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
