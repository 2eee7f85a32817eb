/* The buffer's bound holds and a refused addition changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "s3/buffer.h"

static void fills_to_its_maximum_exactly_and_no_further(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max += 7) {
        struct s3_buffer buffer;
        s3_buffer_init(&buffer, max);
        for (size_t i = 0; i < max; i++) {
            assert_true(s3_buffer_add(&buffer, "x", 1));
        }
        assert_int_equal(buffer.len, max);
        assert_false(s3_buffer_add(&buffer, "x", 1));
        assert_false(s3_buffer_printf(&buffer, "%d", 1));
        assert_null(s3_buffer_reserve(&buffer, 1));
        assert_int_equal(buffer.len, max);
        const char *text = s3_buffer_text(&buffer);
        assert_non_null(text);
        assert_int_equal(strlen(text), max);
        assert_int_equal(buffer.len, max);
        s3_buffer_free(&buffer);
        assert_int_equal(buffer.max, max);
        assert_null(buffer.ptr);
    }
}

static void clear_keeps_the_memory(void **state)
{
    (void)state;
    struct s3_buffer buffer;
    s3_buffer_init(&buffer, 10000);
    assert_true(s3_buffer_printf(&buffer, "%s-%04d", "a", 42));
    assert_true(s3_buffer_add_text(&buffer, "/b"));
    assert_string_equal(s3_buffer_text(&buffer), "a-0042/b");
    char *room = s3_buffer_reserve(&buffer, 5000);
    assert_non_null(room);
    memset(room, 'y', 5000);
    buffer.len += 5000;
    char *before = buffer.ptr;
    s3_buffer_clear(&buffer);
    assert_true(s3_buffer_add_text(&buffer, "again"));
    assert_ptr_equal(buffer.ptr, before);
    assert_false(s3_buffer_add(&buffer, before, SIZE_MAX));
    assert_string_equal(s3_buffer_text(&buffer), "again");
    s3_buffer_free(&buffer);
    s3_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_to_its_maximum_exactly_and_no_further),
        cmocka_unit_test(clear_keeps_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
