/* What the unit tests of the manifest share: a folder of their own, statuses with their reasons, entries by number. */
#ifndef STATE_MANIFEST_TEST_H
#define STATE_MANIFEST_TEST_H

#include "state/manifest.h"
#include "state/manifest_batch.h"
#include "state/manifest_load.h"
#include "state/manifest_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct state_error why;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        enum state_status got_ = (call);                                                                               \
        if (got_ != STATE_OK)                                                                                          \
            fail_msg("%s: %s: %s", #call, state_status_name(got_), why.what);                                          \
    } while (0)

#define GIVES(expected, call)                                                                                          \
    do {                                                                                                               \
        enum state_status got_ = (call);                                                                               \
        if (got_ != (expected))                                                                                        \
            fail_msg("%s: %s, not %s (%s)", #call, state_status_name(got_), state_status_name(expected), why.what);    \
    } while (0)

/* <temporary>/state/source; the manifest makes the last two itself. */
static char test_root[64];
static char test_folder[96];

static inline struct manifest_options test_options(void)
{
    return (struct manifest_options){ .folder = test_folder, .workers = 4 };
}

static inline int test_setup(void **state)
{
    (void)state;
    (void)snprintf(test_root, sizeof test_root, "/tmp/vaultferry-manifest-XXXXXX");
    if (mkdtemp(test_root) == NULL)
        return -1;
    (void)snprintf(test_folder, sizeof test_folder, "%s/state/source", test_root);
    return 0;
}

static inline const char *test_path(const char *name)
{
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", test_folder, name);
    return path;
}

static inline void test_empty(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    (void)rmdir(folder);
}

static inline int test_teardown(void **state)
{
    (void)state;
    char parent[80];
    (void)snprintf(parent, sizeof parent, "%s/state", test_root);
    test_empty(test_folder);
    test_empty(parent);
    test_empty(test_root);
    return 0;
}

/* splitmix64: a test that fails does so again */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct test_texts {
    char etag[64];
    char version[40];
};

/* An entry that is told by its number, as S3 would give it. */
static inline struct state_entry test_entry(struct state_text key, uint64_t number, struct test_texts *texts)
{
    uint64_t seed = number;
    uint64_t a = test_random(&seed);
    uint64_t b = test_random(&seed);
    int etag = number % 7 == 0 ? snprintf(texts->etag, sizeof texts->etag, "%016" PRIx64 "%016" PRIx64 "-%u", a, b,
                                         (unsigned)(a % 9999 + 1))
                               : snprintf(texts->etag, sizeof texts->etag, "%016" PRIx64 "%016" PRIx64, a, b);
    (void)snprintf(texts->version, sizeof texts->version, "%016" PRIX64 "%016" PRIx64, b, a);
    return (struct state_entry){
        .key = key,
        .etag = { texts->etag, (size_t)etag },
        .size = number,
        .source_time_ms = INT64_C(1700000000000) + (int64_t)(number % 1000000) * 1000,
        .vault_version = { texts->version, 32 },
        .class_ = (enum storage_class)(number % 3 == 0 ? CLASS_DEEP_ARCHIVE : CLASS_STANDARD),
        .copied_ms = INT64_C(1764126123000),
        .run = { "20261120T030000Z", 16 },
    };
}

static inline bool test_same_text(struct state_text a, struct state_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool test_same(const struct state_entry *a, const struct state_entry *b)
{
    return test_same_text(a->key, b->key) && test_same_text(a->etag, b->etag) && a->size == b->size &&
           a->source_time_ms == b->source_time_ms && test_same_text(a->source_version, b->source_version) &&
           test_same_text(a->vault_version, b->vault_version) && test_same_text(a->checksum, b->checksum) &&
           a->class_ == b->class_ && a->copied_ms == b->copied_ms && test_same_text(a->run, b->run);
}

static inline void test_put(struct manifest_batch *batch, struct state_text key, uint64_t number)
{
    struct test_texts texts;
    struct state_entry entry = test_entry(key, number, &texts);
    OK(manifest_batch_put(batch, &entry, &why));
}

static inline struct state_text test_text(const char *text)
{
    return (struct state_text){ text, strlen(text) };
}

#endif
