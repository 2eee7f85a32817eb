/* See store.h. The ordered map is a skip list: simple to walk in order, and a page of a thousand keys is a thousand
 * steps. */
#include "store.h"

#include "buf.h"
#include "stamp.h"

#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 16 };

static const char *object_key(const struct object *o)
{
    return (const char *)(o->next + o->height);
}

static int key_compare(const struct object *o, const char *key, size_t n)
{
    int c = memcmp(object_key(o), key, o->key_len < n ? o->key_len : n);
    return c ? c : (o->key_len > n) - (o->key_len < n);
}

/* path[h] is the slot that points past the last object below key at height h. */
static struct object *seek(struct bucket *b, const char *key, size_t n, struct object **path[HEIGHT])
{
    struct object **slots = b->first;
    for (int h = HEIGHT - 1; h >= 0; h--) {
        while (slots[h] && key_compare(slots[h], key, n) < 0)
            slots = slots[h]->next;
        if (path)
            path[h] = &slots[h];
    }
    return slots[0];
}

static struct object *find(struct bucket *b, const char *key, size_t n, struct object **path[HEIGHT])
{
    struct object *o = seek(b, key, n, path);
    return o && key_compare(o, key, n) == 0 ? o : NULL;
}

static struct object *insert(struct bucket *b, const char *key, size_t n, struct object **path[HEIGHT])
{
    unsigned height = 1;
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    for (uint64_t r = b->random >> 20; height < HEIGHT && (r & 3) == 0; r >>= 2)
        height++;
    struct object *o = mem_get(sizeof *o + height * sizeof o->next[0] + n);
    o->height = (uint8_t)height;
    o->key_len = (uint16_t)n;
    memcpy(o->next + height, key, n);
    for (unsigned h = 0; h < height; h++) {
        o->next[h] = *path[h];
        *path[h] = o;
    }
    b->objects++;
    return o;
}

static void unlink_object(struct bucket *b, struct object *o, struct object **path[HEIGHT])
{
    for (unsigned h = 0; h < o->height; h++)
        *path[h] = o->next[h];
    b->objects--;
    free(o);
}

static void version_free(struct bucket *b, struct version *v)
{
    version_drop(v);
    free(v);
    b->versions--;
}

void store_clear_locked(struct bucket *b);
void store_clear_locked(struct bucket *b)
{
    for (struct object *o = b->first[0], *next; o; o = next) {
        next = o->next[0];
        while (o->head) {
            struct version *v = o->head;
            o->head = v->older;
            version_free(b, v);
        }
        free(o);
    }
    memset(b->first, 0, sizeof b->first);
    b->objects = 0;
}

static bool synth_find(struct bucket *b, const char *key, size_t n, uint64_t *k)
{
    char t[SYNTH_KEY_MAX];
    if (!b->synth)
        return false;
    *k = synth_lower(b->synth, key, n);
    return *k < synth_count(b->synth) && synth_key(b->synth, *k, t) == n && !memcmp(t, key, n) &&
           synth_exists(b->synth, *k);
}

static void synth_version(struct bucket *b, uint64_t k, struct version *out)
{
    struct synth_entry e;
    synth_entry(b->synth, k, &e);
    memset(out, 0, sizeof *out);
    out->body = synth_body(b->synth, k);
    out->size = e.size;
    out->mtime = e.mtime;
    memcpy(out->md5, e.md5, 16);
}

static struct version *pick(struct object *o, struct version_ref which)
{
    struct version *v = o->head;
    while (which.given && v && v->id != which.id)
        v = v->older;
    return v;
}

static void hold(const struct version *v, struct version *out)
{
    *out = *v;
    out->older = NULL;
    (void)body_hold(out->body);
    (void)bag_hold(out->attrs);
    (void)bag_hold(out->extra);
    (void)bag_hold(out->tags);
    (void)parts_hold(out->parts);
}

static enum found get_locked(struct bucket *b, const char *key, size_t n, struct version_ref which, struct version *out)
{
    struct object *o = find(b, key, n, NULL);
    uint64_t k;
    memset(out, 0, sizeof *out);
    if (!o) {
        if (!synth_find(b, key, n, &k))
            return which.given ? NO_VERSION : NO_KEY;
        if (which.given && which.id != 0)
            return NO_VERSION;
        synth_version(b, k, out);
        return FOUND;
    }
    struct version *v = pick(o, which);
    if (!v)
        return which.given ? NO_VERSION : NO_KEY;
    hold(v, out);
    return v->marker ? IS_MARKER : FOUND;
}

enum found store_get(struct bucket *b, const char *key, size_t n, struct version_ref which, struct version *out)
{
    pthread_rwlock_rdlock(&b->lock);
    enum found f = get_locked(b, key, n, which, out);
    pthread_rwlock_unlock(&b->lock);
    return f;
}

static enum put_result condition_locked(struct bucket *b, const char *key, size_t n, const struct condition *c)
{
    if (!c || (!c->if_match && !c->if_none_match))
        return PUT_DONE;
    struct version now;
    bool there = get_locked(b, key, n, (struct version_ref){ 0 }, &now) == FOUND;
    enum put_result r = PUT_DONE;
    if (c->if_none_match && there && version_etag_is(&now, c->if_none_match))
        r = PUT_FAILED_CONDITION;
    else if (c->if_match && !there)
        r = PUT_NO_KEY;
    else if (c->if_match && !version_etag_is(&now, c->if_match))
        r = PUT_FAILED_CONDITION;
    version_drop(&now);
    return r;
}

static void remove_version(struct bucket *b, struct object *o, uint64_t id)
{
    for (struct version **at = &o->head; *at; at = &(*at)->older)
        if ((*at)->id == id) {
            struct version *v = *at;
            *at = v->older;
            version_free(b, v);
            return;
        }
}

/* Puts v (content taken) as the newest, by the bucket's versioning. */
static void push_locked(struct bucket *b, const char *key, size_t n, struct version *v)
{
    struct object **path[HEIGHT];
    struct object *o = find(b, key, n, path);
    if (!o)
        o = insert(b, key, n, path);
    v->id = b->versioning == VERSIONING_ENABLED ? version_new_id() : 0;
    if (v->id == 0)
        remove_version(b, o, 0);
    struct version *kept = mem_get(sizeof *kept);
    *kept = *v;
    kept->older = o->head;
    o->head = kept;
    b->versions++;
}

enum put_result store_put(struct bucket *b, const char *key, size_t n, struct version *v, const struct condition *c)
{
    if (b->metadata_only) {
        body_drop(v->body);
        v->body = NULL;
    }
    pthread_rwlock_wrlock(&b->lock);
    enum put_result r = condition_locked(b, key, n, c);
    if (r == PUT_DONE)
        push_locked(b, key, n, v);
    pthread_rwlock_unlock(&b->lock);
    if (r != PUT_DONE)
        version_drop(v);
    return r;
}

void store_delete(struct bucket *b, const char *key, size_t n, int64_t now, bool *marker, uint64_t *id)
{
    uint64_t k;
    *marker = b->versioning != VERSIONING_NEVER;
    *id = 0;
    pthread_rwlock_wrlock(&b->lock);
    if (*marker) {
        struct version v = { .marker = true, .mtime = now };
        push_locked(b, key, n, &v);
        *id = v.id;
    } else {
        struct object **path[HEIGHT];
        struct object *o = find(b, key, n, path);
        bool hidden = synth_find(b, key, n, &k);
        if (!o && hidden)
            o = insert(b, key, n, path);
        if (o) {
            remove_version(b, o, 0);
            if (!o->head && !hidden) {
                (void)find(b, key, n, path);
                unlink_object(b, o, path);
            }
        }
    }
    pthread_rwlock_unlock(&b->lock);
}

enum delete_result store_delete_version(
        struct bucket *b, const char *key, size_t n, uint64_t id, int64_t now, bool bypass)
{
    struct object **path[HEIGHT];
    enum delete_result r = DELETE_NOTHING;
    uint64_t k;
    pthread_rwlock_wrlock(&b->lock);
    struct object *o = find(b, key, n, path);
    bool hidden = synth_find(b, key, n, &k);
    struct version *v = o ? pick(o, (struct version_ref){ true, id }) : NULL;
    if (v && version_is_locked(v, now, bypass)) {
        r = DELETE_LOCKED;
    } else if (v) {
        r = v->marker ? DELETE_DONE_MARKER : DELETE_DONE;
        remove_version(b, o, id);
        if (!o->head && !hidden)
            unlink_object(b, o, path);
    } else if (!o && hidden && id == 0) {
        (void)insert(b, key, n, path);
        r = DELETE_DONE;
    }
    pthread_rwlock_unlock(&b->lock);
    return r;
}

/* A synthetic key becomes a stored one when something is hung on it. */
static enum found editable(struct bucket *b, const char *key, size_t n, struct version_ref which, struct version **out)
{
    struct object **path[HEIGHT];
    struct object *o = find(b, key, n, path);
    uint64_t k;
    if (!o && synth_find(b, key, n, &k) && (!which.given || which.id == 0)) {
        o = insert(b, key, n, path);
        o->head = mem_get(sizeof *o->head);
        synth_version(b, k, o->head);
        b->versions++;
    }
    struct version *v = o ? pick(o, which) : NULL;
    if (!v)
        return which.given ? NO_VERSION : NO_KEY;
    *out = v;
    return v->marker ? IS_MARKER : FOUND;
}

enum found store_set_tags(
        struct bucket *b, const char *key, size_t n, struct version_ref which, struct bag *takes, uint64_t *id)
{
    struct version *v = NULL;
    pthread_rwlock_wrlock(&b->lock);
    enum found f = editable(b, key, n, which, &v);
    if (f == FOUND) {
        bag_drop(v->tags);
        v->tags = takes;
        *id = v->id;
    } else {
        bag_drop(takes);
    }
    pthread_rwlock_unlock(&b->lock);
    return f;
}

enum found store_set_extra(
        struct bucket *b, const char *key, size_t n, struct version_ref which, const char *name, const char *value)
{
    struct version *v = NULL;
    pthread_rwlock_wrlock(&b->lock);
    enum found f = editable(b, key, n, which, &v);
    if (f == FOUND) {
        struct bag *fresh = NULL;
        const char *k, *x;
        for (size_t at = 0; bag_next(v->extra, &at, &k, &x);)
            if (strcmp(k, name) != 0)
                bag_add(&fresh, k, x);
        if (value)
            bag_add(&fresh, name, value);
        bag_drop(v->extra);
        v->extra = fresh;
    }
    pthread_rwlock_unlock(&b->lock);
    return f;
}

enum found store_set_class(
        struct bucket *b, const char *key, size_t n, struct version_ref which, enum storage_class class_)
{
    struct version *v = NULL;
    pthread_rwlock_wrlock(&b->lock);
    enum found f = editable(b, key, n, which, &v);
    if (f == FOUND)
        v->storage_class = (uint8_t)class_;
    pthread_rwlock_unlock(&b->lock);
    return f;
}

void store_set_synth(struct bucket *b, struct synth *takes)
{
    pthread_rwlock_wrlock(&b->lock);
    if (b->synth != takes)
        synth_free(b->synth);
    b->synth = takes;
    pthread_rwlock_unlock(&b->lock);
}

void cursor_seek(struct cursor *c, struct bucket *b, const char *key, size_t n, bool after)
{
    c->b = b;
    c->node = seek(b, key, n, NULL);
    if (after && c->node && key_compare(c->node, key, n) == 0)
        c->node = c->node->next[0];
    c->k = 0;
    if (!b->synth)
        return;
    c->k = synth_lower(b->synth, key, n);
    if (after && c->k < synth_count(b->synth) && synth_key(b->synth, c->k, c->key) == n && !memcmp(c->key, key, n))
        c->k++;
}

bool cursor_next(struct cursor *c, struct entry *e)
{
    struct synth *s = c->b->synth;
    for (;;) {
        while (s && c->k < synth_count(s) && !synth_exists(s, c->k))
            c->k++;
        bool computed = s && c->k < synth_count(s);
        if (!computed && !c->node)
            return false;
        size_t n = computed ? synth_key(s, c->k, c->key) : 0;
        int order = !computed ? -1 : !c->node ? 1 : key_compare(c->node, c->key, n);
        if (order > 0) {
            *e = (struct entry){ .key = c->key, .n = n, .k = c->k++ };
            return true;
        }
        if (order == 0)
            c->k++;
        struct object *o = c->node;
        c->node = o->next[0];
        if (!o->head)
            continue;
        *e = (struct entry){ .key = object_key(o), .n = o->key_len, .head = o->head };
        return true;
    }
}
