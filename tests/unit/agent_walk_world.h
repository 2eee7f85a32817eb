/* A bucket that the walk's tests list: a sorted set of keys, some of which may come and go, and a ledger of what a walk
 * handed out. The ledger is the oracle: it knows nothing of ranges, only that intervals must tile the space. */
#ifndef TESTS_UNIT_AGENT_WALK_WORLD_H
#define TESTS_UNIT_AGENT_WALK_WORLD_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/walk_plan.h"

struct world {
    struct walk_bytes *keys; /* ascending, no two equal */
    size_t count;
    unsigned char *absent;    /* 1: not in the bucket now */
    unsigned char *restless;  /* 1: may change while the walk goes on */
    unsigned char *delivered; /* by the walk */
    unsigned char *arena;
    size_t arena_len, arena_cap;
    size_t cap;
};

static inline uint64_t world_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static inline size_t world_below(uint64_t *state, size_t n)
{
    return n == 0 ? 0 : (size_t)(world_random(state) % n);
}

static inline int world_compare(struct walk_bytes a, struct walk_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline int world_compare_items(const void *a, const void *b)
{
    return world_compare(*(const struct walk_bytes *)a, *(const struct walk_bytes *)b);
}

/* Keys are added with their offset in `ptr`'s place until world_seal, because the arena moves. */
static inline void world_add(struct world *world, const void *key, size_t len)
{
    if (world->arena_len + len > world->arena_cap) {
        world->arena_cap = (world->arena_len + len) * 2;
        world->arena = realloc(world->arena, world->arena_cap);
        assert_non_null(world->arena);
    }
    if (world->count == world->cap) {
        world->cap = world->cap * 2 + 64;
        world->keys = realloc(world->keys, world->cap * sizeof *world->keys);
        assert_non_null(world->keys);
    }
    memcpy(world->arena + world->arena_len, key, len);
    world->keys[world->count++] = (struct walk_bytes){ (const unsigned char *)(uintptr_t)world->arena_len, len };
    world->arena_len += len;
}

static inline void world_seal(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        world->keys[i].ptr = world->arena + (uintptr_t)world->keys[i].ptr;
    if (world->count > 0)
        qsort(world->keys, world->count, sizeof *world->keys, world_compare_items);
    size_t kept = 0;
    for (size_t i = 0; i < world->count; i++) {
        if (kept == 0 || world_compare(world->keys[kept - 1], world->keys[i]) != 0)
            world->keys[kept++] = world->keys[i];
    }
    world->count = kept;
    world->absent = calloc(kept + 1, 1);
    world->restless = calloc(kept + 1, 1);
    world->delivered = calloc(kept + 1, 1);
    assert_true(world->absent != NULL && world->restless != NULL && world->delivered != NULL);
}

static inline void world_clear(struct world *world)
{
    free(world->keys);
    free(world->absent);
    free(world->restless);
    free(world->delivered);
    free(world->arena);
    *world = (struct world){ 0 };
}

/* The first key after `key`. */
static inline size_t world_after(const struct world *world, struct walk_bytes key)
{
    size_t low = 0;
    size_t high = world->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (world_compare(world->keys[middle], key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline bool world_begins(struct walk_bytes key, struct walk_bytes prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.ptr, prefix.ptr, prefix.len) == 0);
}

/* An answer as a server would give it at this moment. */
struct answer {
    const struct world *world;
    size_t *at; /* indexes of keys; room for a page */
    size_t count;
    bool truncated;
};

static inline struct walk_bytes answer_key(const void *ctx, size_t i)
{
    const struct answer *answer = ctx;
    return answer->world->keys[answer->at[i]];
}

static inline struct walk_page answer_page(const struct answer *answer)
{
    return (struct walk_page){
        .key = answer_key, .ctx = answer, .count = answer->count, .truncated = answer->truncated
    };
}

static inline void world_list(
        const struct world *world, const struct walk_request *request, size_t page_keys, struct answer *answer)
{
    struct walk_bytes after = { request->after.bytes, request->after.len };
    size_t i = world_after(world, after);
    if (world_compare(request->prefix, after) > 0) {
        i = world_after(world, request->prefix);
        if (i > 0 && world_compare(world->keys[i - 1], request->prefix) == 0)
            i--;
    }
    answer->world = world;
    answer->count = 0;
    answer->truncated = false;
    for (; i < world->count && world_begins(world->keys[i], request->prefix); i++) {
        if (world->absent[i])
            continue;
        if (answer->count == page_keys) {
            answer->truncated = true;
            return;
        }
        answer->at[answer->count++] = i;
    }
}

/* What a walk handed out. */
struct tile {
    struct walk_bytes prefix, after, last; /* owned but for prefix; last.ptr NULL: to the prefix's end */
};

struct ledger {
    struct tile *tiles;
    size_t count, cap;
};

static inline struct walk_bytes ledger_keep(const unsigned char *bytes, size_t len)
{
    unsigned char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return (struct walk_bytes){ copy, len };
}

static inline void ledger_take(
        struct ledger *ledger, struct world *world, const struct answer *answer, const struct walk_interval *interval)
{
    struct walk_bytes last = { interval->last.bytes, interval->last.len };
    for (size_t i = 0; i < answer->count; i++) {
        struct walk_bytes key = answer_key(answer, i);
        bool inside = world_compare(key, interval->after) > 0 && world_begins(key, interval->prefix) &&
                      (!interval->bounded || world_compare(key, last) <= 0);
        assert_int_equal(inside, i < interval->keys);
        if (inside)
            assert_int_equal(world->delivered[answer->at[i]]++, 0);
    }
    if (ledger->count == ledger->cap) {
        ledger->cap = ledger->cap * 2 + 64;
        ledger->tiles = realloc(ledger->tiles, ledger->cap * sizeof *ledger->tiles);
        assert_non_null(ledger->tiles);
    }
    ledger->tiles[ledger->count++] = (struct tile){
        .prefix = interval->prefix,
        .after = ledger_keep(interval->after.ptr, interval->after.len),
        .last = interval->bounded ? ledger_keep(last.ptr, last.len) : (struct walk_bytes){ 0 },
    };
}

static inline int ledger_compare(const void *a, const void *b)
{
    const struct tile *left = a;
    const struct tile *right = b;
    int order = world_compare(left->prefix, right->prefix);
    return order != 0 ? order : world_compare(left->after, right->after);
}

/* Disjoint, and a cover of each prefix between the bounds; every key that did not move was delivered once. */
static inline void ledger_check(struct ledger *ledger, const struct world *world, const struct walk_options *options)
{
    size_t prefixes = options->prefix_count > 0 ? options->prefix_count : 1;
    size_t seen = 0;
    qsort(ledger->tiles, ledger->count, sizeof *ledger->tiles, ledger_compare);
    for (size_t i = 0; i < ledger->count; i++) {
        const struct tile *tile = &ledger->tiles[i];
        if (i == 0 || world_compare(tile->prefix, ledger->tiles[i - 1].prefix) != 0) {
            seen++;
            assert_int_equal(world_compare(tile->after, options->after), 0);
        } else {
            const struct tile *before = &ledger->tiles[i - 1];
            assert_non_null(before->last.ptr);
            assert_int_equal(world_compare(tile->after, before->last), 0);
        }
        if (tile->last.ptr != NULL)
            assert_true(world_compare(tile->after, tile->last) < 0);
        bool ends = i + 1 == ledger->count || world_compare(tile->prefix, ledger->tiles[i + 1].prefix) != 0;
        if (ends)
            assert_int_equal(world_compare(tile->last, options->last), 0);
    }
    assert_int_equal(seen, prefixes);
    for (size_t i = 0; i < world->count; i++) {
        struct walk_bytes key = world->keys[i];
        bool asked = options->prefix_count == 0;
        for (size_t j = 0; j < options->prefix_count; j++)
            asked = asked || world_begins(key, options->prefixes[j]);
        asked = asked && world_compare(key, options->after) > 0 &&
                (options->last.len == 0 || world_compare(key, options->last) <= 0);
        if (!asked)
            assert_int_equal(world->delivered[i], 0);
        else if (!world->restless[i])
            assert_int_equal(world->delivered[i], world->absent[i] ? 0 : 1);
    }
}

static inline void ledger_clear(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        free((void *)(uintptr_t)ledger->tiles[i].after.ptr);
        free((void *)(uintptr_t)ledger->tiles[i].last.ptr);
    }
    free(ledger->tiles);
    *ledger = (struct ledger){ 0 };
}

#endif
