/* What a lease says and what it means: forms that are read and refused, and the table of decisions. */
#include "agent/lease.h"
#include "agent/lease_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define OWNER "0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffff"
#define NONCE "00000000000000000000000000000001"
#define NOON INT64_C(1795176000000) /* 2026-11-20T12:00:00Z */

static struct lease_document sample(void)
{
    return (struct lease_document){ .owner = OWNER,
        .nonce = NONCE,
        .host = "backup-1",
        .program = "vaultferry 1",
        .pid = 42,
        .started_ms = NOON,
        .renewed_ms = NOON + 20500,
        .released = false };
}

static void what_is_written_is_read(void **state)
{
    struct lease_document one = sample(), other;
    char *text = lease_document_write(&one);

    (void)state;
    assert_string_equal(text,
            "{\"format\":1,\"owner\":\"" OWNER "\",\"nonce\":\"" NONCE "\",\"host\":\"backup-1\",\"pid\":42,"
            "\"program\":\"vaultferry "
            "1\",\"started\":\"2026-11-20T12:00:00Z\",\"renewed\":\"2026-11-20T12:00:20.500Z\","
            "\"released\":false}");
    assert_true(lease_document_read(text, strlen(text), &other));
    assert_memory_equal(&one.pid, &other.pid, sizeof one.pid);
    assert_string_equal(one.owner, other.owner);
    assert_string_equal(one.nonce, other.nonce);
    assert_string_equal(one.host, other.host);
    assert_string_equal(one.program, other.program);
    assert_true(one.started_ms == other.started_ms && one.renewed_ms == other.renewed_ms && !other.released);
    free(text);
}

static void a_field_without_its_form_is_not_written(void **state)
{
    struct lease_document one = sample();

    (void)state;
    one.owner[0] = 'G';
    assert_null(lease_document_write(&one));
    one = sample();
    one.nonce[5] = '\0';
    assert_null(lease_document_write(&one));
    one = sample();
    one.renewed_ms = INT64_MAX;
    assert_null(lease_document_write(&one));
}

/* Each is the good document with one member exchanged. */
static void a_document_is_read_strictly(void **state)
{
    static const char *const good[] = { "\"format\":1", "\"owner\":\"" OWNER "\"", "\"nonce\":\"" NONCE "\"",
        "\"host\":\"h\"", "\"pid\":1", "\"program\":\"p\"", "\"started\":\"2026-11-20T12:00:00Z\"",
        "\"renewed\":\"2026-11-20T12:00:00+01:00\"", "\"released\":true" };
    static const struct {
        int member;
        const char *text;
    } bad[] = { { 0, "\"format\":2" }, { 0, "\"format\":\"1\"" }, { 0, "\"format\":1.0" }, { 0, "\"formats\":1" },
        { 0, "\"format\":1,\"format\":1" }, { 1, "\"owner\":\"0123\"" }, { 1, "\"owner\":7" },
        { 1, "\"owner\":\"0123456789ABCDEF0123456789abcdef\"" }, { 1, "\"owner\":\"" OWNER "0\"" },
        { 2, "\"nonce\":null" }, { 2, "\"nonce\":\"\"" }, { 3, "\"host\":\"a\\u0000b\"" }, { 3, "\"host\":[]" },
        { 4, "\"pid\":0" }, { 4, "\"pid\":-1" }, { 4, "\"pid\":\"1\"" }, { 4, "\"pid\":99999999999999999999" },
        { 5, "\"program\":1" },
        { 5, "\"program\":\"0123456789012345678901234567890123456789012345678901234567890123\"" },
        { 6, "\"started\":\"yesterday\"" }, { 6, "\"started\":0" }, { 7, "\"renewed\":\"2026-11-20\"" },
        { 8, "\"released\":\"true\"" }, { 8, "\"released\":1" }, { 8, "\"released\":null" }, { 8, "\"x\":true" } };
    struct lease_document document;
    char text[1000];

    (void)state;
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        size_t used = 0;
        for (int k = 0; k < 9; k++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%c%s", k == 0 ? '{' : ',',
                    i > 0 && bad[i - 1].member == k ? bad[i - 1].text : good[k]);
        used += (size_t)snprintf(text + used, sizeof text - used, ",\"later\":{}}");
        if (lease_document_read(text, used, &document) != (i == 0))
            fail_msg("%s", text);
        if (i > 0)
            assert_true(document.owner[0] == '\0');
        for (size_t cut = 0; cut < used; cut++)
            assert_false(lease_document_read(text, cut, &document));
    }
    assert_false(lease_document_read("[]", 2, &document));
    assert_false(lease_document_read("", 0, &document));
}

static void a_document_beyond_the_bound_is_not_read(void **state)
{
    struct lease_document one = sample(), other;
    char *text = lease_document_write(&one), *large = malloc(LEASE_DOCUMENT_MAX + 1);
    size_t len = strlen(text);

    (void)state;
    assert_non_null(large);
    memset(large, ' ', LEASE_DOCUMENT_MAX + 1);
    memcpy(large, text, len);
    assert_true(lease_document_read(large, LEASE_DOCUMENT_MAX, &other));
    assert_false(lease_document_read(large, LEASE_DOCUMENT_MAX + 1, &other));
    free(large);
    free(text);
}

static void standing_follows_the_table(void **state)
{
    static const struct {
        bool has_content, readable, released, ours;
        int64_t age_ms;
        enum lease_standing expect;
    } cases[] = {
        { false, false, false, false, 0, LEASE_IS_FREE }, /* markers only */
        { true, true, false, false, 0, LEASE_IS_HELD },
        { true, true, false, false, LEASE_DEAD_MS, LEASE_IS_HELD },
        { true, true, false, false, LEASE_DEAD_MS + 1, LEASE_IS_DEAD },
        { true, true, false, false, -5000, LEASE_IS_HELD }, /* times are cut to seconds on either side */
        { true, true, false, true, 0, LEASE_IS_OURS },
        { true, true, false, true, LEASE_DEAD_MS + 1, LEASE_IS_OURS },
        { true, true, true, false, 0, LEASE_IS_FREE },
        { true, true, true, true, 0, LEASE_IS_FREE },
        { true, false, false, false, 0, LEASE_IS_HELD },
        { true, false, true, true, LEASE_DEAD_MS, LEASE_IS_HELD }, /* what could not be read says nothing */
        { true, false, false, false, LEASE_DEAD_MS + 1, LEASE_IS_DEAD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lease_seen seen = { .number = 1,
            .has_content = cases[i].has_content,
            .is_readable = cases[i].readable,
            .document = sample(),
            .renewed_ms = NOON - cases[i].age_ms };
        seen.document.released = cases[i].released;
        if (lease_judge(&seen, cases[i].ours ? OWNER : OTHER, NOON) != cases[i].expect)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_field_without_its_form_is_not_written),
        cmocka_unit_test(a_document_is_read_strictly),
        cmocka_unit_test(a_document_beyond_the_bound_is_not_read),
        cmocka_unit_test(standing_follows_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
