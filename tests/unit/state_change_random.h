/* Seeded random changes, rich in what has to be escaped, and their comparison: for the tests of change lines only. */
#ifndef TESTS_STATE_CHANGE_RANDOM_H
#define TESTS_STATE_CHANGE_RANDOM_H

#include "state/change.h"
#include "state/utc.h"
#include "state/utf8.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static uint32_t seed = 7;

static inline uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static inline struct state_text text(const char *s)
{
    return (struct state_text){ s, strlen(s) };
}

/* Valid UTF-8 of at most `max` bytes, rich in what has to be escaped. */
static inline struct state_text random_text(char *room, size_t max)
{
    size_t want = random32() % (max + 1), len = 0;
    if (random32() % 4 != 0)
        want = want % 80;
    while (len < want) {
        uint32_t code;
        switch (random32() % 8) {
        case 0:
            code = random32() % 0x20;
            break;
        case 1:
            code = (uint32_t) "\"\\/\x7F"[random32() % 4];
            break;
        case 2:
            code = 0x80 + random32() % 0x780;
            break;
        case 3:
            code = random32() % 2 ? 0x800 + random32() % 0xD000 : 0xE000 + random32() % 0x2000;
            break;
        case 4:
            code = 0x10000 + random32() % 0x100000;
            break;
        default:
            code = 0x20 + random32() % 0x5F;
        }
        char bytes[4];
        size_t n = state_utf8_put(code, bytes);
        if (len + n > want)
            break;
        memcpy(room + len, bytes, n);
        len += n;
    }
    return (struct state_text){ room, len };
}

struct rooms {
    char key[STATE_KEY_MAX], etag[STATE_ETAG_MAX], version[STATE_VERSION_MAX], vault[STATE_VERSION_MAX],
            checksum[STATE_CHECKSUM_MAX], run[STATE_RUN_MAX], acl[STATE_ACL_MAX];
};

static inline int64_t random_time(void)
{
    int64_t t = ((int64_t)random32() << 20 | random32() % (1 << 20)) % STATE_TIME_MAX_MS;
    return random32() % 3 == 0 ? t / 1000 * 1000 : t;
}

static inline struct state_change random_change(struct rooms *rooms)
{
    struct state_change c = { 0 };
    do
        c.entry.key = random_text(rooms->key, sizeof rooms->key);
    while (c.entry.key.len == 0);
    c.entry.etag = random_text(rooms->etag, sizeof rooms->etag);
    c.entry.source_version = random_text(rooms->version, sizeof rooms->version);
    c.entry.vault_version = random_text(rooms->vault, sizeof rooms->vault);
    c.entry.checksum = random_text(rooms->checksum, sizeof rooms->checksum);
    c.entry.run = random_text(rooms->run, sizeof rooms->run);
    if (random32() % 4 == 0) /* seldom a long one: they cost as much as a hundred others */
        c.acl = random_text(rooms->acl, random32() % 32 == 0 ? sizeof rooms->acl : 600);
    c.entry.size = ((uint64_t)random32() << 32 | random32()) >> random32() % 64;
    c.entry.source_time_ms = random_time();
    c.entry.copied_ms = random_time();
    c.entry.class_ = (enum storage_class)(random32() % CLASS_COUNT);
    c.did = (enum state_did)(random32() % (STATE_IS + 1));
    c.by = (enum state_compared)(random32() % 4);
    if (c.did == STATE_MOVED)
        c.from = (enum storage_class)(random32() % CLASS_COUNT);
    return c;
}

static inline void assert_text_equal(struct state_text a, struct state_text b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.ptr, b.ptr, a.len);
}

static inline void assert_change_equal(const struct state_change *a, const struct state_change *b)
{
    assert_text_equal(a->entry.key, b->entry.key);
    assert_text_equal(a->entry.etag, b->entry.etag);
    assert_text_equal(a->entry.source_version, b->entry.source_version);
    assert_text_equal(a->entry.vault_version, b->entry.vault_version);
    assert_text_equal(a->entry.checksum, b->entry.checksum);
    assert_text_equal(a->entry.run, b->entry.run);
    assert_text_equal(a->acl, b->acl);
    assert_true(a->entry.size == b->entry.size);
    assert_int_equal(a->entry.source_time_ms, b->entry.source_time_ms);
    assert_int_equal(a->entry.copied_ms, b->entry.copied_ms);
    assert_int_equal(a->entry.class_, b->entry.class_);
    assert_int_equal(a->did, b->did);
    assert_int_equal(a->from, b->from);
    assert_int_equal(a->by, b->by);
}

#endif
