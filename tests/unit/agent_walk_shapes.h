/* Key shapes, each as people and programs make them. A shape writes its i-th key of n into `key` and returns the
 * length. */
#ifndef TESTS_UNIT_AGENT_WALK_SHAPES_H
#define TESTS_UNIT_AGENT_WALK_SHAPES_H

#include "agent_walk_world.h"

#define SHAPE_KEY(...) (size_t) snprintf((char *)key, WALK_KEY_MAX, __VA_ARGS__)

struct shape {
    const char *name;
    size_t (*make)(unsigned char *key, size_t i, size_t n, uint64_t *random);
    size_t most;     /* no more keys than that, for the memory's sake; 0: any number */
    double cold;     /* a cold walk of a million keys sends at most this many requests a page */
    uint64_t rounds; /* and takes at most this long, in times of one request */
};

static inline size_t shape_random(unsigned char *key, size_t len, const char *alphabet, uint64_t *random)
{
    size_t size = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        key[i] = (unsigned char)alphabet[world_below(random, size)];
    return len;
}

#define HEX "0123456789abcdef"
#define BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static inline size_t shape_padded(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)random;
    return SHAPE_KEY("%012zu", i);
}

static inline size_t shape_plain(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)random;
    return SHAPE_KEY("img/%zu.jpg", i);
}

static inline size_t shape_uuid(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)i;
    uint64_t a = world_random(random), b = world_random(random);
    return SHAPE_KEY("%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xFFFF,
            (unsigned)a & 0xFFF, (unsigned)(b >> 48) & 0xFFF, (unsigned long long)(b & 0xFFFFFFFFFFFF));
}

static inline size_t shape_date_uuid(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    size_t day = (size_t)((double)i / (double)n * 730);
    size_t len = SHAPE_KEY("%04zu-%02zu-%02zu/", 2024 + day / 365, day % 365 / 31 + 1, day % 31 + 1);
    return len + shape_uuid(key + len, i, n, random);
}

static inline size_t shape_date_folders(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)random;
    size_t hour = (size_t)((double)i / (double)n * 365 * 24);
    size_t day = hour / 24;
    return SHAPE_KEY("logs/%04zu/%02zu/%02zu/%02zu/part-%05zu.gz", 2023 + day / 365, day % 365 / 31 + 1, day % 31 + 1,
            hour % 24, i % 100000);
}

static inline size_t shape_base62(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)i, (void)n;
    return shape_random(key, 22, BASE62, random);
}

static inline size_t shape_timestamps(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n;
    return SHAPE_KEY("evt-%zu.%03u", 1700000000 + i * 7 + world_below(random, 7), (unsigned)world_below(random, 1000));
}

/* 600 bytes in common, of a path that people could have made. */
static inline size_t shape_deep_prefix(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)random;
    size_t len = 0;
    while (len < 600)
        len += (size_t)snprintf((char *)key + len, WALK_KEY_MAX - len, "folder%02zu/", len / 9 % 100);
    return len + (size_t)snprintf((char *)key + len, WALK_KEY_MAX - len, "%08zu", i);
}

static inline size_t shape_one_prefix(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    memcpy(key, "tenants/4711/data/", 18);
    return 18 + shape_uuid(key + 18, i, n, random);
}

static inline size_t shape_long(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)i;
    size_t len = shape_random(key, 8, HEX, random);
    memset(key + len, 'x', 1000 - len);
    return 1000;
}

/* Tiny folders before and after, one giant between them. */
static inline size_t shape_giant(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)random;
    if (i < n / 50)
        return SHAPE_KEY("%c/tiny-%05zu/index", i % 2 ? 'a' : 't', i);
    return SHAPE_KEY("media/raw/%010zu.bin", i);
}

static inline size_t shape_tiny_folders(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)random;
    return SHAPE_KEY("user-%zu/profile/%zu", i / 10 * 7919 % 1000003, i % 10);
}

/* Nine tenths in a hundredth of the space. */
static inline size_t shape_skewed(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    size_t len = world_below(random, 10) > 0 ? SHAPE_KEY("5e") : 0;
    (void)i, (void)n;
    return len + shape_random(key + len, 16, HEX, random);
}

static inline size_t shape_clustered(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)random;
    size_t cluster = i * 200 / n;
    uint64_t name = cluster + 77;
    return SHAPE_KEY("%016llx/%06zu", (unsigned long long)world_random(&name), i);
}

static inline size_t shape_mixed_case(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    static const char *const words[] = { "Invoice", "invoice", "README", "Photo", "photo", "scan", "Zebra", "apple" };
    (void)n;
    return SHAPE_KEY("%s %s_%06zu.PDF", words[world_below(random, 8)], words[world_below(random, 8)], i);
}

static inline size_t shape_put(unsigned char *key, unsigned point)
{
    if (point < 0x10000) {
        key[0] = (unsigned char)(0xE0 | point >> 12);
        key[1] = (unsigned char)(0x80 | (point >> 6 & 63));
        key[2] = (unsigned char)(0x80 | (point & 63));
        return 3;
    }
    key[0] = (unsigned char)(0xF0 | point >> 18);
    key[1] = (unsigned char)(0x80 | (point >> 12 & 63));
    key[2] = (unsigned char)(0x80 | (point >> 6 & 63));
    key[3] = (unsigned char)(0x80 | (point & 63));
    return 4;
}

static inline size_t shape_cjk(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)i;
    size_t len = 0;
    for (int j = 0; j < 6; j++)
        len += shape_put(key + len, 0x4E00 + (unsigned)world_below(random, 0x51A0));
    return len;
}

static inline size_t shape_emoji(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)i;
    size_t len = 0;
    for (int j = 0; j < 8; j++)
        len += shape_put(key + len, 0x1F300 + (unsigned)world_below(random, 0x300));
    return len;
}

static inline size_t shape_bytes(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    (void)n, (void)i;
    size_t len = 6 + world_below(random, 10);
    for (size_t j = 0; j < len; j++)
        key[j] = (unsigned char)(1 + world_below(random, 0x7F));
    return len;
}

static inline size_t shape_english(unsigned char *key, size_t i, size_t n, uint64_t *random)
{
    static const char *const parts[] = { "in", "re", "con", "tion", "er", "al", "ing", "pro", "est", "a", "o", "the" };
    (void)n;
    size_t len = 0;
    for (size_t j = 2 + world_below(random, 3); j > 0; j--)
        len += (size_t)snprintf((char *)key + len, 16, "%s", parts[world_below(random, 12)]);
    return len + (size_t)snprintf((char *)key + len, 24, "/%zu", i);
}

/* Flat shapes are held to a quarter more requests and 27 rounds. Where keys sit in dense clusters far apart, no density
 * tells what lies between them, and more probes are in vain. */
static const struct shape shapes[] = {
    { "numbers, zero padded", shape_padded, 0, 1.25, 27 },
    { "numbers, plain", shape_plain, 0, 1.25, 27 },
    { "uuid", shape_uuid, 0, 1.25, 27 },
    { "date/uuid", shape_date_uuid, 0, 1.25, 27 },
    { "date folders", shape_date_folders, 0, 1.25, 27 },
    { "base62", shape_base62, 0, 1.25, 27 },
    { "timestamps", shape_timestamps, 0, 1.25, 27 },
    { "600 bytes in common", shape_deep_prefix, 200000, 1.25, 27 },
    { "one prefix, uuid", shape_one_prefix, 0, 1.25, 27 },
    { "1,000-byte keys", shape_long, 50000, 1.25, 27 },
    { "a giant among tiny", shape_giant, 0, 1.25, 27 },
    { "tiny folders", shape_tiny_folders, 0, 1.25, 27 },
    { "skewed", shape_skewed, 0, 1.25, 27 },
    { "clustered", shape_clustered, 0, 1.5, 45 },
    { "mixed case", shape_mixed_case, 0, 1.5, 45 },
    { "CJK", shape_cjk, 0, 1.25, 27 },
    { "emoji", shape_emoji, 0, 1.25, 27 },
    { "control bytes", shape_bytes, 0, 1.25, 27 },
    { "word parts", shape_english, 0, 1.5, 45 },
};

#define SHAPES (sizeof shapes / sizeof shapes[0])

static inline void shape_fill(struct world *world, const struct shape *shape, size_t n, uint64_t seed)
{
    unsigned char key[WALK_KEY_MAX + 64];
    for (size_t i = 0; i < n; i++)
        world_add(world, key, shape->make(key, i, n, &seed));
    world_seal(world);
}

#endif
