/* Cutting at code points, and keys as numbers. */
#include "agent_walk_shapes.h"

#include "agent/walk_number.h"
#include "agent/walk_utf8.h"
#include "state/utf8.h"

static struct walk_bytes bytes_of(const char *text)
{
    return (struct walk_bytes){ (const unsigned char *)text, strlen(text) };
}

static void only_strict_utf8_is_valid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        { "", true },
        { "a/b", true },
        { "\x01\x7F", true },
        { "\xC3\xA9", true },
        { "\xE4\xB8\x80", true },
        { "\xF4\x8F\xBF\xBF", true },
        { "\xC3", false },
        { "\xA9", false },
        { "\xC0\xAF", false },
        { "\xE0\x80\x80", false },
        { "\xED\xA0\x80", false },
        { "\xF4\x90\x80\x80", false },
        { "\xF0\x8F\xBF\xBF", false },
        { "\xF5\x80\x80\x80", false },
        { "\xE4\xB8", false },
        { "a\xFF", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct walk_bytes text = bytes_of(cases[i].text);
        assert_int_equal(state_utf8_is_valid((const char *)text.ptr, text.len), cases[i].valid);
    }
}

static void a_cut_never_lies_inside_a_code_point(void **state)
{
    (void)state;
    struct walk_bytes text = bytes_of("a\xC3\xA9\xE4\xB8\x80\xF0\x9F\x98\x80z");
    static const size_t floors[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };
    for (size_t at = 0; at < sizeof floors / sizeof floors[0]; at++)
        assert_int_equal(walk_utf8_floor(text.ptr, text.len, at), floors[at]);
}

static void learn_all(struct walk_alphabet *alphabet, const struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        walk_alphabet_learn(alphabet, world->keys[i], 0, WALK_KEY_MAX);
}

static void numbers_ascend_with_keys(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        struct world world = { 0 };
        static struct walk_alphabet alphabet;
        memset(&alphabet, 0, sizeof alphabet);
        shape_fill(&world, &shapes[s], 500, 5);
        learn_all(&alphabet, &world);
        double before = 0;
        for (size_t i = 0; i < world.count; i++) {
            double number = walk_number_of(&alphabet, world.keys[i], 0);
            assert_true(number >= before && number <= 1);
            before = number;
        }
        world_clear(&world);
    }
}

static void a_number_s_key_is_valid_and_near_it(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        struct world world = { 0 };
        static struct walk_alphabet alphabet;
        memset(&alphabet, 0, sizeof alphabet);
        shape_fill(&world, &shapes[s], 500, 5);
        learn_all(&alphabet, &world);
        for (int i = 1; i < 100; i++) {
            struct walk_key key;
            double number = i / 100.0;
            if (!walk_number_key(&alphabet, world.keys[0], 0, number, 1e-4, &key))
                continue;
            struct walk_bytes text = { key.bytes, key.len };
            assert_true(state_utf8_is_valid((const char *)key.bytes, key.len) && key.len <= WALK_KEY_MAX);
            double back = walk_number_of(&alphabet, text, 0);
            /* what is no UTF-8 is moved to what is: a thirty-second at most, where 0xE0 begins a code point */
            assert_true(back <= number + 0.04 && back >= number - 0.04);
        }
        world_clear(&world);
    }
}

static void one_digit_stands_for_all_and_mixing_is_learned(void **state)
{
    (void)state;
    static struct walk_alphabet alphabet;
    memset(&alphabet, 0, sizeof alphabet);
    walk_alphabet_learn(&alphabet, bytes_of("00"), 0, WALK_KEY_MAX);
    assert_true(walk_number_of(&alphabet, bytes_of("5"), 0) == 0.5);
    walk_alphabet_learn(&alphabet, bytes_of("0a"), 0, WALK_KEY_MAX); /* base 16, then */
    assert_true(walk_number_of(&alphabet, bytes_of("8"), 0) == 0.5);
    assert_true(walk_number_of(&alphabet, bytes_of("08"), 1) == 0.5);
    assert_true(walk_number_share(&alphabet, bytes_of("00"), 0, 2) == 1.0 / 256);
    assert_true(walk_number_of(&alphabet, bytes_of("\xF4\x8F\xBF\xBF"), 0) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_strict_utf8_is_valid),
        cmocka_unit_test(a_cut_never_lies_inside_a_code_point),
        cmocka_unit_test(numbers_ascend_with_keys),
        cmocka_unit_test(a_number_s_key_is_valid_and_near_it),
        cmocka_unit_test(one_digit_stands_for_all_and_mixing_is_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
