/* Packed records give back the very bytes that went in, stay small, and are safe to read whatever their bytes are. */
#include "state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct state_text text(const char *of)
{
    return (struct state_text){ of, strlen(of) };
}

static bool same(struct state_text a, struct state_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static size_t round_trip(const struct state_entry *in)
{
    unsigned char packed[RECORD_MAX];
    struct record_texts texts;
    struct state_entry out;
    enum storage_class class_;
    uint64_t size;
    size_t len = record_encode(in, packed);
    assert_true(len > 0 && len <= RECORD_MAX);
    /* a heap block of exactly its size, so that a sanitizer sees a byte too many */
    unsigned char *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, packed, len);
    assert_true(record_decode(exact, len, &texts, &out));
    assert_true(same(in->etag, out.etag) && same(in->vault_version, out.vault_version));
    assert_true(same(in->source_version, out.source_version) && same(in->checksum, out.checksum));
    assert_true(same(in->run, out.run));
    assert_true(in->size == out.size && in->class_ == out.class_);
    assert_true(in->source_time_ms == out.source_time_ms && in->copied_ms == out.copied_ms);
    assert_true(record_class_size(exact, len, &class_, &size) && class_ == in->class_ && size == in->size);
    assert_true(record_matches(exact, len, in->etag, in->size, in->source_time_ms));
    assert_false(record_matches(exact, len, in->etag, in->size + 1, in->source_time_ms));
    assert_false(record_matches(exact, len, in->etag, in->size, in->source_time_ms + 1));
    assert_false(record_matches(exact, len, text("another"), in->size, in->source_time_ms));
    for (size_t cut = 0; cut < len; cut++)
        assert_false(record_decode(packed, cut, &texts, &out));
    free(exact);
    return len;
}

static struct state_entry typical(void)
{
    return (struct state_entry){
        .etag = text("9b2cf535f27731c974343645a3985328"),
        .size = 4711,
        .source_time_ms = INT64_C(1700000000000),
        .vault_version = text("3sL4kqtJlcpXroDTDmJ_rmSpXd3dIbrH"),
        .class_ = CLASS_STANDARD,
        .copied_ms = INT64_C(1795143601234),
        .run = text("20261120T030000Z"),
    };
}

static void a_typical_record_is_below_100_bytes_with_its_checksum(void **state)
{
    (void)state;
    struct state_entry entry = typical();
    assert_true(round_trip(&entry) + 8 < 100);
    entry.checksum = text("CRC64NVME:AAECAwQFBgc=");
    assert_true(round_trip(&entry) + 8 < 100);
}

static void every_etag_comes_back(void **state)
{
    (void)state;
    static const char *const etags[] = { "", "9b2cf535f27731c974343645a3985328", "9B2CF535F27731C974343645A3985328",
        "9b2cf535f27731c974343645a398532", "9b2cf535f27731c974343645a3985328-1",
        "9b2cf535f27731c974343645a3985328-10000", "9b2cf535f27731c974343645a3985328-99999",
        "9b2cf535f27731c974343645a3985328-100000", "9b2cf535f27731c974343645a3985328-0",
        "9b2cf535f27731c974343645a3985328-007", "9b2cf535f27731c974343645a3985328-",
        "9b2cf535f27731c974343645a3985328-1x", "9b2cf535f27731c974343645a3985328+12",
        "9b2cf535f27731c974343645a39853289", "gb2cf535f27731c974343645a3985328", "x",
        "0123456789abcdef0123456789abcdef", "ffffffffffffffffffffffffffffffff", "00000000000000000000000000000000" };
    for (size_t i = 0; i < sizeof etags / sizeof etags[0]; i++) {
        struct state_entry entry = typical();
        entry.etag = text(etags[i]);
        (void)round_trip(&entry);
    }
}

static void every_checksum_comes_back(void **state)
{
    (void)state;
    static const char *const checksums[] = { "",
        "CRC32:AAECAw==", "CRC32C:/+8AAQ==", "CRC64NVME:AAECAwQFBgc=", "SHA1:AAECAwQFBgcICQoLDA0ODxAREhM=",
        "SHA256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "SHA256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=-12",
        "CRC32:AAECAx==", "CRC32:AAEC=w==", "CRC32:AAEC!w==", "CRC32:AAECAwQ=", "CRC64NVME:AAECAwQFBgd=",
        "MD5:AAECAwQFBgcICQoLDA0ODw==", "crc32:AAECAw==", ":", "XXHASH:1" };
    for (size_t i = 0; i < sizeof checksums / sizeof checksums[0]; i++) {
        struct state_entry entry = typical();
        entry.checksum = text(checksums[i]);
        (void)round_trip(&entry);
    }
}

static void every_run_and_time_comes_back(void **state)
{
    (void)state;
    static const char *const runs[] = { "", "20261120T030000Z", "19700101T000000Z", "99991231T235959Z",
        "20260230T030000Z", "20261120T250000Z", "20261120T030060Z", "20261120t030000z", "x" };
    static const int64_t times[] = { 0, 1, -1, 999, 1000, -1000, -1001, INT64_C(1700000000123), INT64_C(1700000000000),
        INT64_MAX, INT64_MIN, INT64_MAX / 1000 * 1000, INT64_MIN / 1000 * 1000, INT64_C(253402300799999) };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        for (size_t j = 0; j < sizeof times / sizeof times[0]; j++) {
            struct state_entry entry = typical();
            entry.run = text(runs[i]);
            entry.copied_ms = times[j];
            entry.source_time_ms = times[j] == INT64_MAX ? 0 : times[j];
            (void)round_trip(&entry);
        }
}

static void fields_at_their_bounds_fit_and_beyond_do_not(void **state)
{
    (void)state;
    static char long_text[STATE_VERSION_MAX + 1];
    unsigned char out[RECORD_MAX];
    memset(long_text, 'v', sizeof long_text);
    struct state_entry entry = { .etag = { long_text, STATE_ETAG_MAX },
        .size = UINT64_MAX - 1,
        .source_time_ms = INT64_MIN,
        .source_version = { long_text, STATE_VERSION_MAX },
        .vault_version = { long_text, STATE_VERSION_MAX },
        .checksum = { long_text, STATE_CHECKSUM_MAX },
        .class_ = CLASS_OTHER,
        .copied_ms = INT64_MAX,
        .run = { long_text, STATE_RUN_MAX } };
    (void)round_trip(&entry);
    struct state_text *const fields[] = { &entry.etag, &entry.source_version, &entry.vault_version, &entry.checksum,
        &entry.run };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fields[i]->len++;
        assert_int_equal(record_encode(&entry, out), 0);
        fields[i]->len--;
    }
}

/* Whatever the bytes: no read beyond them, and what decodes has fields within their bounds. */
static void arbitrary_bytes_are_safe_to_decode(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct state_entry entry = typical();
    unsigned char good[RECORD_MAX];
    entry.checksum = text("SHA256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    size_t good_len = record_encode(&entry, good);
    for (unsigned i = 0; i < 100000; i++) {
        size_t len = i % 2 == 0 ? good_len : i % 97;
        unsigned char *bytes = malloc(len + 1);
        assert_non_null(bytes);
        for (size_t j = 0; j < len; j++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            bytes[j] = i % 2 == 0 ? good[j] : (unsigned char)(seed >> 56);
        }
        if (i % 2 == 0)
            bytes[seed % len] ^= (unsigned char)(1U << i / 2 % 8);
        unsigned char *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, len);
        struct record_texts texts;
        struct state_entry out;
        if (record_decode(exact, len, &texts, &out)) {
            assert_true(out.etag.len <= STATE_ETAG_MAX && out.vault_version.len <= STATE_VERSION_MAX);
            assert_true(out.checksum.len <= STATE_CHECKSUM_MAX && out.run.len <= STATE_RUN_MAX);
        }
        (void)!record_matches(exact, len, entry.etag, entry.size, entry.source_time_ms);
        free(exact);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typical_record_is_below_100_bytes_with_its_checksum),
        cmocka_unit_test(every_etag_comes_back),
        cmocka_unit_test(every_checksum_comes_back),
        cmocka_unit_test(every_run_and_time_comes_back),
        cmocka_unit_test(fields_at_their_bounds_fit_and_beyond_do_not),
        cmocka_unit_test(arbitrary_bytes_are_safe_to_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
