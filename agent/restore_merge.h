/*
 * The heart of a restore: three sorted streams in one pass. What is to be there (a view), what the vault holds of it
 * now (its versions: class, and whether they are thawed), and what the destination has. For each object it says how the
 * vault's copy can be read and how the destination's compares; what is then done is restore.c's business.
 *
 * Nothing is kept from one object to the next, so a pass takes the same memory for ten objects and ten million. The
 * streams are functions of the caller: an error of one never looks like its end. One thread.
 */
#ifndef AGENT_RESTORE_MERGE_H
#define AGENT_RESTORE_MERGE_H

#include "agent/view.h"
#include "s3/answer.h"

/* Where objects, versions and the destination's keys come from; each as its own header says. */
struct restore_streams {
    void *ctx;
    enum verdict (*object)(void *ctx, const struct view_object **object, struct failure *failure);
    enum verdict (*version)(void *ctx, const struct s3_page_entry **entry, struct failure *failure);
    /* NULL: the destination cannot be listed (a folder): each object is RESTORE_UNSEEN */
    enum verdict (*there)(void *ctx, const struct s3_page_entry **entry, struct failure *failure);
    size_t version_skip; /* bytes of a version's key before the object's: "data/<source>/" with the vault's prefix */
    size_t there_skip;   /* likewise of the destination's keys */
};

enum restore_vault {
    RESTORE_READABLE,
    RESTORE_ARCHIVED, /* in an archive class, and nothing says that it is thawed */
    RESTORE_THAWING,
    RESTORE_GONE,   /* no such version in the vault */
    RESTORE_SINGLY, /* the key is too long for data/: the listing cannot tell */
    RESTORE_VAULTS
};

enum restore_there {
    RESTORE_ABSENT,
    RESTORE_EQUAL,     /* same size, and an ETag of the object's */
    RESTORE_DOUBTFUL,  /* same size, another ETag: a checksum may tell */
    RESTORE_DIFFERENT, /* another size */
    RESTORE_UNSEEN,
    RESTORE_THERES
};

/* What was seen of one version of the vault. */
struct restore_copy {
    char version[S3_VERSION_MAX + 1]; /* "": the current one, which has no id of its own */
    char etag[S3_ETAG_MAX + 1];
    uint64_t size;
    enum storage_class class_;
};

struct restore_sight {
    const struct view_object *object; /* borrowed until the next call; NULL at the end */
    uint64_t ordinal;                 /* from 0: the same object has the same in each pass */
    enum restore_vault vault;
    enum restore_there there;
    struct restore_copy copy; /* with RESTORE_READABLE, RESTORE_ARCHIVED and RESTORE_THAWING */
};

struct restore_merge {
    const struct restore_streams *streams;
    int64_t now_ms; /* of the vault: what is thawed until then or soon after is not */
    uint64_t ordinal;
    bool begun;
    const struct s3_page_entry *version, *there; /* the next ones; NULL past the end */
};

/* Begins a pass; the streams are at their first entries. Borrows them. */
void restore_merge_begin(struct restore_merge *merge, const struct restore_streams *streams, int64_t now_ms);
/* The next object. */
enum verdict restore_merge_next(struct restore_merge *merge, struct restore_sight *sight, struct failure *failure)
        __attribute__((warn_unused_result));

/* How the vault's copy can be read, by a listing's entry. Pure. */
enum restore_vault restore_state(const struct s3_page_entry *entry, int64_t now_ms);
/* Notes what a listing's entry says of a copy, and returns how it can be read (a delete marker: RESTORE_GONE). Pure. */
enum restore_vault restore_take(struct restore_copy *copy, const struct s3_page_entry *entry, int64_t now_ms);
/* Whether the entry is the version that was recorded. Where none was, the newest that was there when it was copied is
 * meant: *best_ms is the time of the best so far, INT64_MIN at first. Pure. */
bool restore_is_version(const struct state_entry *recorded, const struct s3_page_entry *entry, int64_t *best_ms);

#endif
