/* How large the parts of a stream are: stream_plan.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/stream_plan.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

static void the_parts_of_a_stream_reach_five_tebibytes(void **state)
{
    uint64_t sum = 0, before = 0;

    (void)state;
    for (uint32_t number = 1; number <= STREAM_PARTS_MAX; number++) {
        uint64_t size = stream_part_size(number);
        assert_true(size >= 5 * MIB && size <= 5 * GIB);
        assert_true(size >= before);
        sum += size;
        before = size;
    }
    assert_true(sum >= 5 * TIB);
}

static void parts_stay_small_while_the_stream_is_short(void **state)
{
    static const struct {
        uint64_t stream, part;
    } cases[] = { { 0, 8 * MIB }, { 7 * GIB, 8 * MIB }, { 20 * GIB, 16 * MIB }, { 50 * GIB, 32 * MIB },
        { 110 * GIB, 64 * MIB } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t sum = 0;
        uint32_t number = 1;
        while ((sum += stream_part_size(number)) < cases[i].stream)
            number++;
        assert_int_equal(stream_part_size(number), cases[i].part);
        assert_int_equal(stream_part_size(number) <= STREAM_PART_IN_MEMORY, cases[i].part <= 32 * MIB);
    }
}

static void equal_parts_are_as_small_as_ten_thousand_allow(void **state)
{
    static const struct {
        uint64_t size, part;
    } cases[] = { { 0, 8 * MIB }, { 1, 8 * MIB }, { 8 * MIB + 1, 8 * MIB }, { 80000 * MIB, 8 * MIB },
        { 80000 * MIB + 1, 9 * MIB }, { 160000 * MIB, 16 * MIB }, { 5 * TIB, 525 * MIB } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t part = stream_even_part_size(cases[i].size);
        assert_int_equal(part, cases[i].part);
        assert_true((cases[i].size + part - 1) / part <= STREAM_PARTS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_stream_reach_five_tebibytes),
        cmocka_unit_test(parts_stay_small_while_the_stream_is_short),
        cmocka_unit_test(equal_parts_are_as_small_as_ten_thousand_allow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
