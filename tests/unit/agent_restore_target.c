/* Where --to points, and what two HEADs say of each other. */
#include "agent/restore_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void destinations_are_buckets_or_folders(void **state)
{
    static const struct {
        const char *to, *bucket, *prefix; /* bucket NULL: refused, "": a folder */
    } cases[] = {
        { "s3://b", "b", "" },
        { "s3://b/", "b", "" },
        { "s3://b/p", "b", "p" },
        { "s3://b/p/", "b", "p/" },
        { "s3://b//p//q", "b", "/p//q" },
        { "s3://b/s3://c", "b", "s3://c" },
        { "s3://", NULL, NULL },
        { "s3:///p", NULL, NULL },
        { "", NULL, NULL },
        { "gs://b/p", NULL, NULL },
        { "S3://b/p", NULL, NULL },
        { "folder", "", "" },
        { "/tmp/x", "", "" },
        { "s3:", "", "" },
        { "./a://b", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct restore_place place = { .to = cases[i].to };
        struct restore_target target;
        const char *what = NULL;
        bool well = restore_target_parse(&place, &target, &what);
        if (well != (cases[i].bucket != NULL) || (!well && (what == NULL || what[0] == '\0')))
            fail_msg("case %zu", i);
        if (!well)
            continue;
        assert_int_equal(target.folder != NULL, cases[i].bucket[0] == '\0');
        assert_string_equal(target.bucket, cases[i].bucket);
        assert_int_equal(target.prefix_len, strlen(cases[i].prefix));
        assert_memory_equal(target.prefix, cases[i].prefix, target.prefix_len);
    }
}

static void destinations_have_bounds(void **state)
{
    char to[2000];
    const char *what = NULL;
    struct restore_target target;
    const struct restore_place place = { .to = to };

    (void)state;
    (void)snprintf(to, sizeof to, "s3://%063d/p", 0);
    assert_true(restore_target_parse(&place, &target, &what));
    (void)snprintf(to, sizeof to, "s3://%064d/p", 0);
    assert_false(restore_target_parse(&place, &target, &what));
    (void)snprintf(to, sizeof to, "s3://b/%01023d", 0);
    assert_true(restore_target_parse(&place, &target, &what));
    (void)snprintf(to, sizeof to, "s3://b/%01024d", 0);
    assert_false(restore_target_parse(&place, &target, &what));
}

static void credentials_are_not_for_folders(void **state)
{
    const struct restore_place places[] = { { .to = "x", .profile = "p" }, { .to = "x", .role = "r" },
        { .to = "x", .region = "r" }, { .to = "x", .endpoint = "e" } };
    struct restore_target target;
    const char *what = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_false(restore_target_parse(&places[i], &target, &what));
}

#define MD5_ONE "0123456789abcdef0123456789abcdef"
#define MD5_TWO "fedcba9876543210fedcba9876543210"

static void heads_tell_where_sizes_and_etags_do_not(void **state)
{
    static const struct {
        struct s3_head vault, there;
        enum restore_there expected;
    } cases[] = {
        { { .size = 1 }, { .size = 2 }, RESTORE_DIFFERENT },
        { { .etag = MD5_ONE }, { .etag = MD5_ONE }, RESTORE_EQUAL },
        { { .etag = MD5_ONE }, { .etag = MD5_TWO }, RESTORE_DIFFERENT },
        { { .etag = MD5_ONE }, { .etag = MD5_TWO, .encryption = "AES256" }, RESTORE_DIFFERENT },
        { { .etag = MD5_ONE }, { .etag = MD5_TWO, .encryption = "aws:kms" }, RESTORE_DOUBTFUL },
        { { .etag = MD5_ONE, .encryption = "aws:kms:dsse" }, { .etag = MD5_TWO }, RESTORE_DOUBTFUL },
        { { .etag = MD5_ONE }, { .etag = MD5_TWO, .customer_algorithm = "AES256" }, RESTORE_DOUBTFUL },
        { { .etag = MD5_ONE }, { .etag = MD5_TWO "-3" }, RESTORE_DOUBTFUL },
        { { .etag = MD5_ONE "-2" }, { .etag = MD5_ONE "-3" }, RESTORE_DOUBTFUL },
        { { .etag = MD5_ONE "-2", .checksum = "CRC64NVME:x=" }, { .etag = MD5_ONE "-3", .checksum = "CRC64NVME:x=" },
                RESTORE_EQUAL },
        { { .etag = MD5_ONE "-2", .checksum = "CRC64NVME:x=" }, { .etag = MD5_ONE "-3", .checksum = "CRC64NVME:y=" },
                RESTORE_DIFFERENT },
        { { .etag = MD5_ONE, .checksum = "CRC64NVME:x=" }, { .etag = MD5_TWO "-3", .checksum = "SHA256:x=" },
                RESTORE_DOUBTFUL },
        { { .etag = MD5_ONE, .checksum = "SHA256:x=-2" }, { .etag = MD5_TWO "-3", .checksum = "SHA256:x=-2" },
                RESTORE_DOUBTFUL }, /* of parts: says nothing about the whole */
        { { .etag = MD5_ONE, .checksum = "CRC32:x=" }, { .etag = MD5_TWO "-3", .checksum = "CRC32C:x=" },
                RESTORE_DOUBTFUL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (restore_judge_heads(&cases[i].vault, &cases[i].there) != cases[i].expected)
            fail_msg("case %zu", i);
}

static void marks_are_kept_by_place(void **state)
{
    struct restore_marks marks = { .bits = NULL };

    (void)state;
    for (uint64_t i = 0; i < 100000; i += 7)
        assert_true(restore_marks_set(&marks, i, (enum restore_mark)(i % 4)));
    for (uint64_t i = 0; i < 200000; i++)
        assert_int_equal(restore_marks_get(&marks, i), i < 100000 && i % 7 == 0 ? i % 4 : RESTORE_UNMARKED);
    for (uint64_t i = 0; i < 100000; i += 7)
        assert_true(restore_marks_set(&marks, i, RESTORE_FAILED));
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(restore_marks_get(&marks, i), i % 7 == 0 ? RESTORE_FAILED : RESTORE_UNMARKED);
    restore_marks_free(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations_are_buckets_or_folders),
        cmocka_unit_test(destinations_have_bounds),
        cmocka_unit_test(credentials_are_not_for_folders),
        cmocka_unit_test(heads_tell_where_sizes_and_etags_do_not),
        cmocka_unit_test(marks_are_kept_by_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
