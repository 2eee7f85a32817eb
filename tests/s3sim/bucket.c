/* The table of buckets, sorted by name. See store.h. */
#include "store.h"

#include "buf.h"
#include "digest.h"
#include "multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bucket **table;
static size_t table_n, table_cap;

void store_clear_locked(struct bucket *b); /* store.c */

size_t bucket_from(const char *name)
{
    size_t low = 0, high = table_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(table[mid]->name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct bucket *bucket_at(size_t i)
{
    return i < table_n ? table[i] : NULL;
}

struct bucket *bucket_find(const char *name)
{
    struct bucket *b = bucket_at(bucket_from(name));
    return b && !strcmp(b->name, name) ? b : NULL;
}

struct bucket *bucket_create(const char *name, const char *account, const char *region, int64_t now)
{
    size_t at = bucket_from(name);
    struct bucket *b = mem_get(sizeof *b);
    snprintf(b->name, sizeof b->name, "%s", name);
    snprintf(b->account, sizeof b->account, "%s", account);
    snprintf(b->region, sizeof b->region, "%s", region);
    b->created = now;
    b->random = digest_mix((uint64_t)at + 99);
    pthread_rwlock_init(&b->lock, NULL);
    pthread_mutex_init(&b->upload_lock, NULL);
    if (table_n == table_cap) {
        table_cap = table_cap ? table_cap * 2 : 16;
        table = realloc(table, table_cap * sizeof *table);
        if (!table)
            abort();
    }
    memmove(table + at + 1, table + at, (table_n - at) * sizeof *table);
    table[at] = b;
    table_n++;
    return b;
}

void bucket_delete(struct bucket *b)
{
    size_t at = bucket_from(b->name);
    memmove(table + at, table + at + 1, (table_n - at - 1) * sizeof *table);
    table_n--;
    store_clear_locked(b); /* nobody else can hold it: the world is locked */
    multipart_clear(b);
    synth_free(b->synth);
    policy_free(b->policy);
    for (int i = 0; i < DOC_COUNT; i++)
        free(b->document[i]);
    bag_drop(b->tags);
    pthread_rwlock_destroy(&b->lock);
    pthread_mutex_destroy(&b->upload_lock);
    free(b);
}

void bucket_delete_all(void)
{
    while (table_n)
        bucket_delete(table[table_n - 1]);
    free(table);
    table = NULL;
    table_cap = 0;
}

bool bucket_is_empty(struct bucket *b)
{
    struct cursor c;
    struct entry e;
    pthread_rwlock_rdlock(&b->lock);
    cursor_seek(&c, b, "", 0, false);
    bool empty = !cursor_next(&c, &e);
    pthread_rwlock_unlock(&b->lock);
    return empty;
}

void bucket_set_document(struct bucket *b, enum document d, const char *text, size_t n)
{
    free(b->document[d]);
    b->document[d] = text ? mem_dup(text, n) : NULL;
}
