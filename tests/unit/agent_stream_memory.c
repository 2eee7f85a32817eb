/* The bound of bytes on their way: stream_memory.c. */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/stream_memory.h"

enum { THREADS = 8, ROUNDS = 200, MIB = 1 << 20 };

static struct stream_budget budget = STREAM_BUDGET(4 * MIB);
static _Atomic uint64_t held, most;

static void *take_and_give(void *ctx)
{
    unsigned seed = (unsigned)(uintptr_t)ctx;

    for (int i = 0; i < ROUNDS; i++) {
        size_t size = (size_t)rand_r(&seed) % (2 * MIB);
        struct stream_memory memory;
        uint64_t now, seen;
        if (!stream_memory_take(&budget, size, &memory))
            abort();
        now = atomic_fetch_add(&held, size) + size;
        seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) {
        }
        memset(memory.ptr, 1, size < 100 ? size : 100);
        (void)atomic_fetch_sub(&held, size);
        stream_memory_free(&memory);
    }
    return NULL;
}

static void all_threads_together_keep_the_bound(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, (void *)(uintptr_t)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(atomic_load(&most) <= 4 * MIB);
    assert_int_equal(budget.used, 0);
}

static void a_piece_larger_than_the_budget_goes_alone(void **state)
{
    struct stream_memory memory;

    (void)state;
    assert_true(stream_memory_take(&budget, 6 * MIB, &memory));
    memset(memory.ptr, 7, memory.size);
    stream_memory_free(&memory);
    stream_memory_free(&memory);
    assert_int_equal(budget.used, 0);
}

static void a_piece_in_a_file_leaves_no_name(void **state)
{
    char folder[] = "/tmp/vaultferry-spool-XXXXXX";
    struct stream_memory memory;
    struct failure failure;
    DIR *names;
    int count = 0;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(stream_memory_spool(folder, 3 * MIB + 5, &memory, &failure), VERDICT_OK);
    memset(memory.ptr, 9, memory.size);
    names = opendir(folder);
    assert_non_null(names);
    while (readdir(names) != NULL)
        count++;
    (void)closedir(names);
    assert_int_equal(count, 2); /* "." and ".." */
    assert_int_equal(memory.ptr[3 * MIB + 4], 9);
    stream_memory_free(&memory);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(stream_memory_spool("/nowhere/at/all", MIB, &memory, &failure), VERDICT_FULL);
    assert_non_null(strstr(failure.what, "/nowhere/at/all"));
    assert_null(memory.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_threads_together_keep_the_bound),
        cmocka_unit_test(a_piece_larger_than_the_budget_goes_alone),
        cmocka_unit_test(a_piece_in_a_file_leaves_no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
