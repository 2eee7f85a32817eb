/*
 * What the logs of a source say of its objects, in the order of a listing: by place, of one place the newest first. An
 * external sort: some MiB in memory, what is more in a file without a name that goes with its last user.
 *
 * For one thread. A failure stays.
 */
#ifndef AGENT_VERIFY_SORT_H
#define AGENT_VERIFY_SORT_H

#include "agent/failure.h"
#include "state/change.h"

/* One line of a log or full file. */
struct verify_record {
    bool is_long;           /* under data-long/, which is listed before data/ */
    struct state_text name; /* what follows data/<source>/ or data-long/<source>/: the key, or its hash */
    struct state_text key;
    struct state_text version, etag, checksum;
    uint64_t sequence; /* the later line of a key wins */
    uint64_t size;
    int64_t copied_ms;
    uint32_t point; /* index of the one that named the line first */
    enum state_did did;
    enum state_compared by;
    enum storage_class class_;
};

struct verify_sort;

/* Borrows `folder`, where the file lies once `memory` bytes (0: 16 MiB) are passed; it is made where it is missing. */
enum verdict verify_sort_new(const char *folder, size_t memory, struct verify_sort **sort, struct failure *failure)
        __attribute__((warn_unused_result));
void verify_sort_free(struct verify_sort *sort);
enum verdict verify_sort_add(struct verify_sort *sort, const struct verify_record *record, struct failure *failure)
        __attribute__((warn_unused_result));
/* From the first on, as often as is wanted; nothing is added after it. */
enum verdict verify_sort_begin(struct verify_sort *sort, struct failure *failure) __attribute__((warn_unused_result));
/* *record is borrowed until the next call, NULL at the end. */
enum verdict verify_sort_next(struct verify_sort *sort, const struct verify_record **record, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
