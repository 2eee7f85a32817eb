/*
 * What a lease says, and what that means: the JSON of lease/<source>/<n>.json, and the decision whether the source may
 * be taken. Pure functions, any thread; the vault is read by lease_sight.h.
 *
 *   {"format":1,"owner":"32 hex","nonce":"32 hex","host":"...","pid":1,"program":"vaultferry x","started":"RFC 3339",
 *    "renewed":"RFC 3339","released":false}
 *
 * The owner is a state folder, the nonce one taking of the lease: it tells whose version of the file it is. Reading is
 * strict (types, lengths, forms), except that members which are not known are skipped. A document that cannot be read
 * says nothing: the lease then counts as held until its age says that it is dead.
 */
#ifndef AGENT_LEASE_DOCUMENT_H
#define AGENT_LEASE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LEASE_DOCUMENT_MAX = 64 * 1024, /* bytes; one of ours has some 300 */
    LEASE_ID_LEN = 32,
    LEASE_HOST_MAX = 255,
    LEASE_PROGRAM_MAX = 63
};

struct lease_document {
    char owner[LEASE_ID_LEN + 1], nonce[LEASE_ID_LEN + 1];
    char host[LEASE_HOST_MAX + 1];
    char program[LEASE_PROGRAM_MAX + 1];
    int64_t pid;
    int64_t started_ms, renewed_ms; /* by the vault's clock */
    bool released;
};

/* 32 lower-case hex digits. */
bool lease_id_is_valid(const char *text, size_t len);
/* False where it is no lease of format 1, whole and well-formed. */
bool lease_document_read(const char *text, size_t len, struct lease_document *out) __attribute__((warn_unused_result));
/* Returns the JSON, terminated, for free(); NULL without memory, or where a field has not its form. */
char *lease_document_write(const struct lease_document *document) __attribute__((warn_unused_result));

/* One lease number as it was found. */
struct lease_seen {
    uint64_t number;
    bool has_content;               /* a version of it is there; false: delete markers only, content went long ago */
    bool is_readable;               /* `document` is the owner's */
    struct lease_document document; /* released: whether the owner said so in its newest version */
    int64_t renewed_ms;             /* Last-Modified of the newest version */
};

enum lease_standing {
    LEASE_IS_FREE, /* released, or nothing is left of it */
    LEASE_IS_OURS, /* of the same owner, who may take it over at once */
    LEASE_IS_DEAD, /* not renewed for LEASE_DEAD_MS */
    LEASE_IS_HELD
};
/* `now_ms` and renewed_ms are the server's; the machine's clock plays no part. */
enum lease_standing lease_judge(const struct lease_seen *seen, const char *owner, int64_t now_ms);

#endif
