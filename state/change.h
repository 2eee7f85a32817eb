/*
 * A change line: one JSON object on one line, what happened to one key, or (did = "is") that a record is live. The
 * lines of logs, of full files and of the manifest's outbox are all of this form:
 *
 *   {"key":"a/b","did":"copied","size":12,"etag":"9b2c…","version":"…","time":"2026-11-20T02:59:12Z","vault":"…",
 *    "class":"STANDARD","checksum":"CRC64NVME:…","at":"2026-11-20T03:00:01Z","by":"etag"}
 *
 * Written by hand in this order, read by hand in any order; unknown fields are skipped whatever they hold, so that a
 * newer writer may add some. Pure functions over the caller's memory; any thread.
 */
#ifndef STATE_CHANGE_H
#define STATE_CHANGE_H

#include "state/entry.h"
#include "state/error.h"

#include <stddef.h>

enum state_did {
    STATE_COPIED,   /* a new key */
    STATE_RECOPIED, /* a known key, changed */
    STATE_ADOPTED,  /* found in the vault, equal, not copied again */
    STATE_MOVED,    /* to another class, by a copy of ours */
    STATE_DELETED,  /* a delete marker was put: entry.vault_version is the marker's, the rest is what was known of the
                       object */
    STATE_IS        /* lines of full files: a live record */
};

/* How the copy was compared with its source. */
enum state_compared { STATE_BY_NOTHING, STATE_BY_ETAG, STATE_BY_CHECKSUM, STATE_BY_SIZE };

struct state_change {
    struct state_entry entry; /* entry.run: empty in a log's line, where the file's header says it */
    enum state_did did;
    enum storage_class from; /* STATE_MOVED only */
    enum state_compared by;
    struct state_text acl; /* the source object's, as the service wrote it; empty where it was not asked for */
};

enum {
    STATE_ACL_MAX = 16384,
    /* the longest line that is written: every byte of every text escaped */
    STATE_CHANGE_LINE_MAX = 24576 + 6 * STATE_ACL_MAX,
    STATE_LINE_MAX = 131072 /* the longest line that is read: room for fields of newer writers */
};

/* Where texts with escapes are decoded to; all others borrow the line. */
struct state_change_arena {
    char bytes[STATE_KEY_MAX + STATE_ETAG_MAX + 2 * STATE_VERSION_MAX + STATE_CHECKSUM_MAX + STATE_RUN_MAX +
               STATE_ACL_MAX];
    size_t used;
};

/*
 * Writes the line with its newline; `len` is its length. STATE_BAD_DATA: the entry breaks a bound, holds invalid UTF-8
 * or a time that cannot be spelled. The same change always gives the same bytes.
 */
enum state_status state_change_format(const struct state_change *change, char out[STATE_CHANGE_LINE_MAX], size_t *len,
        struct state_error *error) __attribute__((warn_unused_result));

/*
 * Reads one line, with or without its newline. `out` borrows `line` and `arena`, which is emptied first.
 * STATE_BAD_DATA: not a line of ours; STATE_TOO_NEW: something happened that this version has no word for.
 */
enum state_status state_change_parse(const char *line, size_t len, struct state_change *out,
        struct state_change_arena *arena, struct state_error *error) __attribute__((warn_unused_result));

const char *state_did_name(enum state_did did);
/* "etag", "checksum", "size"; "" for STATE_BY_NOTHING. */
const char *state_compared_name(enum state_compared by);

#endif
