/*
 * What is known of one object in the vault: the noun that manifest, change lines and full files share. An entry borrows
 * all of its bytes; who fills it says how long they live. Bounds are S3's own, so that readers can use fixed arrays.
 */
#ifndef STATE_ENTRY_H
#define STATE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATE_KEY_MAX = 1024,     /* bytes of UTF-8 */
    STATE_ETAG_MAX = 128,     /* opaque by contract; 32 hex digits, or these and -N, in practice */
    STATE_VERSION_MAX = 1024, /* S3's bound of a version id; 32 bytes in practice */
    STATE_CHECKSUM_MAX = 160, /* "SHA256:" and base64; a composite one ends in -N */
    STATE_RUN_MAX = 32        /* a point id, 20261120T030000Z */
};

enum storage_class {
    CLASS_STANDARD,
    CLASS_STANDARD_IA,
    CLASS_ONEZONE_IA,
    CLASS_INTELLIGENT_TIERING,
    CLASS_GLACIER_IR,
    CLASS_GLACIER,
    CLASS_DEEP_ARCHIVE,
    CLASS_OTHER, /* a class that this version does not know */
    CLASS_COUNT
};

/* S3's spelling; CLASS_OTHER is "OTHER". */
const char *storage_class_name(enum storage_class class_);
/* An empty text is STANDARD, as in S3's answers. An unknown one is CLASS_OTHER. */
enum storage_class storage_class_from(const char *text, size_t length);
/* Whether a GET or a copy from it needs RestoreObject first. */
bool storage_class_is_archive(enum storage_class class_);
/* Whether objects move from one class to the other: S3's waterfall, only ever to a colder one. */
bool storage_class_may_follow(enum storage_class before, enum storage_class after);

struct state_text {
    const char *ptr; /* not terminated; NULL only with len 0 */
    size_t len;
};

struct state_entry {
    struct state_text key;  /* 1 to STATE_KEY_MAX bytes, valid UTF-8 */
    struct state_text etag; /* of the source, without quotes */
    uint64_t size;
    int64_t source_time_ms;           /* the source's Last-Modified, milliseconds since 1970 */
    struct state_text source_version; /* empty where the source is not versioned or it is not known */
    struct state_text vault_version;  /* empty where not known */
    struct state_text checksum;       /* "ALGORITHM:base64" as the vault answered; empty where it gave none */
    enum storage_class class_;        /* of the vault's copy */
    int64_t copied_ms;                /* when the vault's version was made, by the vault's clock */
    struct state_text run;            /* the point id of the run that recorded it */
};

#endif
