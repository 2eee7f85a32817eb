/* Buckets, and in each an ordered map from key to its versions.
 *
 * Locks: the table of buckets, and what a bucket says about itself (policy, versioning, tags, documents), belong to the
 * world lock (world.h). A bucket's objects belong to its own lock, which the store_ functions take themselves; only a
 * cursor's user takes it by hand. Object content is shared by reference: what store_get returns outlives any change. */
#ifndef S3SIM_STORE_H
#define S3SIM_STORE_H

#include "body.h"
#include "buf.h"
#include "policy.h"
#include "synth.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum versioning { VERSIONING_NEVER, VERSIONING_ENABLED, VERSIONING_SUSPENDED };
enum document {
    DOC_POLICY,
    DOC_LIFECYCLE,
    DOC_CORS,
    DOC_ENCRYPTION,
    DOC_PUBLIC_ACCESS,
    DOC_OWNERSHIP,
    DOC_ACL,
    DOC_OBJECT_LOCK,
    DOC_NOTIFICATION,
    DOC_LOGGING,
    DOC_WEBSITE,
    DOC_COUNT
};
enum storage_class { CLASS_STANDARD, CLASS_GLACIER = 5, CLASS_DEEP_ARCHIVE = 6 };

struct version {
    struct version *older;
    struct body *body; /* NULL: empty, or made again from the ETag (bucket that keeps metadata only) */
    struct bag *attrs; /* what CopyObject carries over: content headers and x-amz-meta- */
    struct bag *extra; /* what it does not: encryption, redirect, lock, checksums */
    struct bag *tags;
    struct parts *parts; /* multipart: its parts */
    uint64_t size;
    int64_t mtime; /* seconds */
    uint64_t id;   /* 0 is the null version */
    uint8_t md5[16];
    uint8_t storage_class;
    bool marker;
};

struct object {
    struct version *head; /* newest; NULL hides a synthetic key */
    uint16_t key_len;
    uint8_t height;
    struct object *next[]; /* height of them, the key's bytes behind */
};

struct upload;
struct bucket {
    char name[64], account[13], region[32];
    int64_t created;
    enum versioning versioning;
    bool check_region, metadata_only, object_lock;
    bool small_moves; /* lifecycle rules without a size filter take small objects to archive classes */
    struct policy *policy;
    char *document[DOC_COUNT]; /* as they were put */
    struct bag *tags;
    pthread_rwlock_t lock; /* guards what follows */
    struct object *first[16];
    uint64_t random, objects, versions;
    struct synth *synth;
    pthread_mutex_t upload_lock; /* guards uploads */
    struct upload *uploads;
};

/* world lock */
struct bucket *bucket_find(const char *name);
struct bucket *bucket_at(size_t i);   /* in name order; NULL past the end */
size_t bucket_from(const char *name); /* index of the first that is not below */
struct bucket *bucket_create(const char *name, const char *account, const char *region, int64_t now);
void bucket_delete(struct bucket *b);
void bucket_delete_all(void);
bool bucket_is_empty(struct bucket *b);
void bucket_set_document(struct bucket *b, enum document d, const char *text, size_t n); /* NULL removes */

enum found { FOUND, NO_KEY, IS_MARKER, NO_VERSION };

struct version_ref {
    bool given; /* false: the current one */
    uint64_t id;
};

struct condition {
    const char *if_match, *if_none_match; /* header values or NULL */
};

enum put_result { PUT_DONE, PUT_FAILED_CONDITION, PUT_NO_KEY };

void version_drop(struct version *v);                            /* the references, not the memory */
struct body *version_body(const struct version *v);              /* returns a reference */
bool version_etag_is(const struct version *v, const char *list); /* list of ETags, quoted or not, or * */
void version_etag(const struct version *v, struct buf *out);     /* no quotes */
bool version_is_locked(const struct version *v, int64_t now, bool bypass);
uint64_t version_new_id(void);
void version_id_text(uint64_t id, char out[40]);
bool version_id_parse(const char *text, size_t n, uint64_t *out);

/* IS_MARKER fills out too (id, mtime). The caller drops out. */
enum found store_get(struct bucket *b, const char *key, size_t n, struct version_ref which, struct version *out);
/* Takes v's references. v->id is set to the new version's id. */
enum put_result store_put(struct bucket *b, const char *key, size_t n, struct version *v, const struct condition *c);
/* Delete without a version: *marker says whether a marker was made, id which. */
void store_delete(struct bucket *b, const char *key, size_t n, int64_t now, bool *marker, uint64_t *id);
enum delete_result { DELETE_DONE, DELETE_DONE_MARKER, DELETE_NOTHING, DELETE_LOCKED };
enum delete_result store_delete_version(
        struct bucket *b, const char *key, size_t n, uint64_t id, int64_t now, bool bypass);
enum found store_set_tags(
        struct bucket *b, const char *key, size_t n, struct version_ref which, struct bag *takes, uint64_t *id);
/* In place, as a lifecycle rule does: version and time stay. */
enum found store_set_class(
        struct bucket *b, const char *key, size_t n, struct version_ref which, enum storage_class class_);
/* NULL takes it away. */
enum found store_set_extra(
        struct bucket *b, const char *key, size_t n, struct version_ref which, const char *name, const char *value);
void store_set_synth(struct bucket *b, struct synth *takes);

/* Walks the keys of a bucket in byte order. The caller holds b->lock for reading as long as the cursor lives. */
struct cursor {
    struct bucket *b;
    struct object *node;
    uint64_t k;
    char key[SYNTH_KEY_MAX];
};
struct entry {
    const char *key;
    size_t n;
    const struct version *head; /* NULL: synthetic, k says which */
    uint64_t k;
};
void cursor_seek(struct cursor *c, struct bucket *b, const char *key, size_t n, bool after);
bool cursor_next(struct cursor *c, struct entry *e);
const char *class_name(int storage_class);
int class_by_name(const char *name); /* -1: none */

#endif
