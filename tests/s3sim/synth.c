/* See synth.h. */
#include "synth.h"

#include "buf.h"
#include "digest.h"
#include "stamp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum shape { FLAT, UUID, DATE, BASE62, HEX, PREFIXES, LONG_PREFIX };
static const char *const shape_names[] = { "flat-number", "uuid", "date", "base62", "hex", "prefixes", "long-prefix" };

struct generation {
    uint64_t salt, changed, deleted; /* shares of 2^32 */
    int64_t time;
};

struct synth {
    enum shape shape;
    uint64_t count, seed, per_prefix;
    uint64_t size_min, size_max;
    int64_t born, age_min, age_max; /* seconds */
    unsigned generations;
    struct generation generation[SYNTH_GENERATIONS];
    pthread_mutex_t lock; /* guards the filling of md5 */
    _Atomic unsigned char known[SYNTH_PATTERNS * SYNTH_SIZES];
    uint8_t md5[SYNTH_PATTERNS * SYNTH_SIZES][16];
};

static uint64_t share(const json_t *j, const char *name)
{
    double d = json_number_value(json_object_get(j, name));
    return d <= 0 ? 0 : d >= 1 ? (uint64_t)1 << 32 : (uint64_t)(d * 4294967296.0);
}

/* "name": n, or "name": [from, to] */
static int range(const json_t *j, const char *name, double unset, double out[2])
{
    const json_t *v = json_object_get(j, name);
    out[0] = out[1] = unset;
    if (!v)
        return 1;
    if (json_is_array(v) && json_array_size(v) == 2) {
        out[0] = json_number_value(json_array_get(v, 0));
        out[1] = json_number_value(json_array_get(v, 1));
    } else if (json_is_number(v)) {
        out[0] = out[1] = json_number_value(v);
    } else {
        return 0;
    }
    return out[0] >= 0 && out[1] >= out[0];
}

static const char *describe(const json_t *j, struct synth *s, int64_t now)
{
    json_int_t count = json_integer_value(json_object_get(j, "count"));
    const char *shape = json_string_value(json_object_get(j, "shape"));
    double size[2], age[2];
    if (count < 1 || count > 10000000)
        return "count: 1 to 10000000";
    s->count = (uint64_t)count;
    s->seed = digest_mix((uint64_t)json_integer_value(json_object_get(j, "seed")));
    s->per_prefix = 1000;
    if (json_object_get(j, "per_prefix"))
        s->per_prefix = (uint64_t)json_integer_value(json_object_get(j, "per_prefix"));
    if (s->per_prefix < 1 || s->per_prefix > 100000000)
        return "per_prefix: 1 to 100000000";
    s->shape = FLAT;
    for (size_t i = 0; shape; i++) {
        if (i == sizeof shape_names / sizeof shape_names[0])
            return "shape: flat-number, uuid, date, base62, hex, prefixes or long-prefix";
        if (!strcmp(shape, shape_names[i])) {
            s->shape = (enum shape)i;
            break;
        }
    }
    if (!range(j, "size", 1024, size) || size[1] > 5.0 * (1ull << 40))
        return "size: bytes, or [from, to]; at most 5 TiB";
    if (!range(j, "age_days", 30, age) || age[1] > 20000)
        return "age_days: days, or [from, to]";
    s->size_min = (uint64_t)size[0];
    s->size_max = (uint64_t)size[1];
    s->born = now;
    s->age_min = (int64_t)(age[0] * 86400);
    s->age_max = (int64_t)(age[1] * 86400);
    return NULL;
}

struct synth *synth_make(const json_t *j, struct synth *old, int64_t now, const char **why)
{
    json_int_t generation = json_integer_value(json_object_get(j, "generation"));
    struct synth *s = old;
    if (!old || json_object_get(j, "count")) {
        s = mem_get(sizeof *s);
        *why = describe(j, s, now);
        if (*why) {
            free(s);
            return NULL;
        }
        pthread_mutex_init(&s->lock, NULL);
    }
    if (!json_object_get(j, "changed_share") && !json_object_get(j, "deleted_share"))
        return s;
    if (s->generations == SYNTH_GENERATIONS) {
        *why = "generation: too many of them";
        return NULL;
    }
    struct generation *g = &s->generation[s->generations++];
    g->salt = digest_mix(s->seed ^ digest_mix((uint64_t)generation + s->generations * 1000003u));
    g->changed = share(j, "changed_share");
    g->deleted = share(j, "deleted_share");
    g->time = now;
    return s;
}

void synth_free(struct synth *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint64_t synth_count(const struct synth *s)
{
    return s->count;
}

static char *digits(char *o, uint64_t v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v /= 10)
        o[i] = (char)('0' + v % 10);
    return o + width;
}

static char *hexes(char *o, uint64_t v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v >>= 4)
        o[i] = "0123456789abcdef"[v & 15];
    return o + width;
}

static char *base62(char *o, uint64_t v, unsigned width)
{
    for (unsigned i = width; i-- > 0; v /= 62)
        o[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[v % 62];
    return o + width;
}

/* A point of [0, space) that grows with k and looks random within its own count'th of the space. */
static uint64_t spread(const struct synth *s, uint64_t k, uint64_t space)
{
    uint64_t step = space / s->count;
    return k * step + digest_mix(s->seed ^ k) % step;
}

size_t synth_key(const struct synth *s, uint64_t k, char *out)
{
    uint64_t h = digest_mix(s->seed + k * 2 + 1), v;
    char *o = out;
    switch (s->shape) {
    case FLAT:
        o = digits(o, k, 10);
        break;
    case UUID:
        o = hexes(o, spread(s, k, (uint64_t)1 << 32), 8);
        *o++ = '-';
        o = hexes(o, h >> 48, 4);
        memcpy(o, "-4", 2);
        o = hexes(o + 2, h >> 36, 3);
        memcpy(o, "-a", 2);
        o = hexes(o + 2, h >> 24, 3);
        *o++ = '-';
        o = hexes(o, digest_mix(h), 12);
        break;
    case DATE: { /* three years, a path of year/month/day/hour */
        struct buf b = { .p = o, .cap = 64 };
        stamp_plain(&b, 1672531200 + (int64_t)(k * 94608000 / s->count));
        o[4] = o[7] = o[10] = o[13] = '/'; /* 2023/01/01/00:00:00Z -> 2023/01/01/00/0000-… */
        o[16] = o[17];
        o[17] = o[18];
        o[18] = '-';
        o = digits(o + 19, k, 8);
        memcpy(o, ".json", 5);
        o += 5;
        break;
    }
    case BASE62:
        v = spread(s, k, 56800235584u); /* 62^6 */
        o = base62(base62(o, v, 6), h, 8);
        break;
    case HEX:
        o = hexes(hexes(hexes(o, spread(s, k, (uint64_t)1 << 48), 12), h, 16), h >> 7, 4);
        break;
    case PREFIXES:
        memcpy(o, "dir-", 4);
        o = digits(o + 4, k / s->per_prefix, 7);
        memcpy(o, "/file-", 6);
        o = digits(o + 6, k % s->per_prefix, 8);
        memcpy(o, ".dat", 4);
        o += 4;
        break;
    case LONG_PREFIX:
        for (int i = 0; i < 600; i++)
            *o++ = i % 60 == 59 ? '/' : (char)('a' + i / 60);
        o = digits(o, k, 10);
    }
    return (size_t)(o - out);
}

uint64_t synth_lower(const struct synth *s, const char *key, size_t n)
{
    uint64_t low = 0, high = s->count;
    char t[SYNTH_KEY_MAX];
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        size_t m = synth_key(s, mid, t);
        int c = memcmp(t, key, m < n ? m : n);
        if (c < 0 || (c == 0 && m < n))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool synth_exists(const struct synth *s, uint64_t k)
{
    for (unsigned g = 0; g < s->generations; g++)
        if (s->generation[g].deleted &&
                (digest_mix(k ^ s->generation[g].salt ^ 0xdead) >> 32) < s->generation[g].deleted)
            return false;
    return true;
}

struct content {
    unsigned pattern, size_index;
    int64_t mtime;
};

static struct content content_of(const struct synth *s, uint64_t k)
{
    uint64_t h = digest_mix(s->seed ^ (k + 0x5151));
    struct content c = { .pattern = h & 255, .size_index = h >> 8 & (SYNTH_SIZES - 1) };
    uint64_t span = (uint64_t)(s->age_max - s->age_min) + 1;
    c.mtime = s->born - s->age_min - (int64_t)((h >> 16) % span);
    for (unsigned g = 0; g < s->generations; g++)
        if ((digest_mix(k ^ s->generation[g].salt) >> 32) < s->generation[g].changed) {
            c.pattern = (c.pattern + 1) & 255;
            c.mtime = s->generation[g].time;
        }
    return c;
}

static uint64_t size_of(const struct synth *s, unsigned index)
{
    return s->size_min + (s->size_max - s->size_min) / (SYNTH_SIZES - 1) * index;
}

static struct body *body_of(const struct synth *s, struct content c)
{
    uint8_t pattern[16];
    uint64_t a = digest_mix(s->seed ^ 0xb0d7 ^ c.pattern), b = digest_mix(a);
    memcpy(pattern, &a, 8);
    memcpy(pattern + 8, &b, 8);
    return body_pattern(pattern, size_of(s, c.size_index));
}

void synth_entry(struct synth *s, uint64_t k, struct synth_entry *out)
{
    struct content c = content_of(s, k);
    if (s->size_min == s->size_max)
        c.size_index = 0;
    unsigned at = c.pattern * SYNTH_SIZES + c.size_index;
    if (!atomic_load_explicit(&s->known[at], memory_order_acquire)) {
        pthread_mutex_lock(&s->lock);
        if (!atomic_load_explicit(&s->known[at], memory_order_relaxed)) {
            struct body *b = body_of(s, c);
            body_md5(b, s->md5[at]);
            body_drop(b);
            atomic_store_explicit(&s->known[at], 1, memory_order_release);
        }
        pthread_mutex_unlock(&s->lock);
    }
    out->size = size_of(s, c.size_index);
    out->mtime = c.mtime;
    memcpy(out->md5, s->md5[at], 16);
}

struct body *synth_body(struct synth *s, uint64_t k)
{
    struct content c = content_of(s, k);
    if (s->size_min == s->size_max)
        c.size_index = 0;
    return body_of(s, c);
}
