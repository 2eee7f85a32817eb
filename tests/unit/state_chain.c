/* The chain of points: whole ones, and each way in which it can be broken. */
#include "state/chain.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5 };

/* Five points of real bytes, each linked to the bytes before it. */
struct chain {
    struct state_point points[N];
    struct chain_point links[N];
};

static void hash_one(struct chain *chain, size_t i)
{
    char *bytes;
    size_t len;
    struct state_point_link link;
    assert_int_equal(state_point_write(&chain->points[i], &bytes, &len, NULL), STATE_OK);
    assert_int_equal(state_point_link_to(chain->points[i].id, bytes, len, &link, NULL), STATE_OK);
    chain->links[i].point = &chain->points[i];
    memcpy(chain->links[i].sha256, link.sha256, sizeof link.sha256);
    free(bytes);
    if (i + 1 < N) {
        chain->points[i + 1].has_predecessor = true;
        chain->points[i + 1].predecessor = link;
    }
}

static void make(struct chain *chain)
{
    memset(chain, 0, sizeof *chain);
    for (size_t i = 0; i < N; i++) {
        chain->points[i].source = "acme-docs";
        (void)snprintf(chain->points[i].id, STATE_POINT_SIZE, "2026112%zuT030000Z", i);
    }
    for (size_t i = 0; i < N; i++)
        hash_one(chain, i);
}

static void assert_verdict(const struct chain_point *points, size_t n, enum chain_fault fault, size_t at)
{
    struct chain_verdict verdict = state_chain_check(points, n);
    assert_string_equal(state_chain_fault_name(verdict.fault), state_chain_fault_name(fault));
    assert_int_equal(verdict.at, at);
}

static void a_chain_as_written_is_whole(void **state)
{
    (void)state;
    struct chain chain;
    make(&chain);
    for (size_t n = 0; n <= N; n++)
        assert_verdict(chain.links, n, CHAIN_WHOLE, n);
}

static void one_changed_byte_breaks_it_at_the_next_point(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < N; i++) {
        struct chain chain;
        make(&chain);
        struct state_point_link old = chain.points[i + 1].predecessor;
        chain.points[i].did.copied++;
        hash_one(&chain, i);
        chain.points[i + 1].predecessor = old;
        assert_verdict(chain.links, N, CHAIN_ALTERED, i + 1);
    }
}

static void a_point_taken_away_is_a_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < N; i++) {
        struct chain chain;
        make(&chain);
        memmove(&chain.links[i], &chain.links[i + 1], (N - i - 1) * sizeof chain.links[0]);
        assert_verdict(chain.links, N - 1, CHAIN_GAP, i);
    }
}

static void a_prune_that_was_recorded_is_no_gap(void **state)
{
    (void)state;
    struct chain chain;
    make(&chain);
    struct state_point *head = &chain.points[N - 1];
    head->has_root = true;
    memcpy(head->root, chain.points[2].id, sizeof head->root);
    head->root_removed = chain.points[2].predecessor;
    assert_verdict(chain.links + 2, N - 2, CHAIN_WHOLE, N - 2);
    assert_verdict(chain.links, N, CHAIN_WHOLE, N); /* what was to be removed may still be there */
    assert_verdict(chain.links + 1, N - 1, CHAIN_GAP, 0);
    assert_verdict(chain.links + 3, N - 3, CHAIN_GAP, 0);
    head->root_removed.sha256[0] = head->root_removed.sha256[0] == '0' ? '1' : '0';
    assert_verdict(chain.links + 2, N - 2, CHAIN_GAP, 0);
}

static void a_root_excuses_no_gap_in_the_middle(void **state)
{
    (void)state;
    struct chain chain;
    make(&chain);
    struct state_point *head = &chain.points[N - 1];
    head->has_root = true;
    memcpy(head->root, chain.points[2].id, sizeof head->root);
    head->root_removed = chain.points[2].predecessor;
    memmove(&chain.links[1], &chain.links[2], (N - 2) * sizeof chain.links[0]);
    assert_verdict(chain.links, N - 1, CHAIN_GAP, 1);
}

static void two_that_follow_one_are_a_fork(void **state)
{
    (void)state;
    struct chain chain;
    make(&chain);
    chain.points[3].predecessor = chain.points[2].predecessor;
    assert_verdict(chain.links, N, CHAIN_FORK, 3);
}

static void a_second_beginning_is_found(void **state)
{
    (void)state;
    struct chain chain;
    make(&chain);
    chain.points[2].has_predecessor = false;
    assert_verdict(chain.links, N, CHAIN_BEGINS, 2);
}

static void points_out_of_order_are_found(void **state)
{
    (void)state;
    struct chain chain;
    make(&chain);
    chain.links[3] = chain.links[2];
    assert_verdict(chain.links, N, CHAIN_ORDER, 3);
    chain.links[3] = chain.links[0];
    assert_verdict(chain.links, N, CHAIN_ORDER, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_as_written_is_whole),
        cmocka_unit_test(one_changed_byte_breaks_it_at_the_next_point),
        cmocka_unit_test(a_point_taken_away_is_a_gap),
        cmocka_unit_test(a_prune_that_was_recorded_is_no_gap),
        cmocka_unit_test(a_root_excuses_no_gap_in_the_middle),
        cmocka_unit_test(two_that_follow_one_are_a_fork),
        cmocka_unit_test(a_second_beginning_is_found),
        cmocka_unit_test(points_out_of_order_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
