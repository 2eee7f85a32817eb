/*
 * What lies in an archive class has to be thawed before it can be read: what that takes by class and tier, and asking
 * for it. A thaw needs the one right in the vault that a restore has beyond reading: s3:RestoreObject.
 *
 * By any thread, with its connection.
 */
#ifndef AGENT_THAW_H
#define AGENT_THAW_H

#include "agent/vault.h"
#include "s3/head.h"
#include "state/entry.h"

enum thaw_tier { THAW_BULK, THAW_STANDARD, THAW_EXPEDITED, THAW_TIERS };

/* "bulk", "standard", "expedited". */
bool thaw_tier_parse(const char *text, enum thaw_tier *tier) __attribute__((warn_unused_result));
const char *thaw_tier_name(enum thaw_tier tier);

/* A copy that stays readable for less than this is asked for again: its reading has to end in time. */
enum { THAW_LEFT_MS_MIN = 15 * 60 * 1000 };

/* How long a version of this class takes at most, in hours; 0: the class has no such tier, or needs no thaw. */
unsigned thaw_hours(enum storage_class class_, enum thaw_tier tier);

/* The class whose tiers count: an archived object of INTELLIGENT_TIERING may lie as deep as DEEP_ARCHIVE, which only
 * HEAD tells (`archive`: its x-amz-archive-status). */
enum storage_class thaw_class(enum storage_class class_, const char *archive);

enum thaw_state { THAW_READABLE, THAW_UNDER_WAY, THAW_NEEDED };
/* What HEAD says of an archived version; where it says nothing, nobody has asked for its thaw. Pure. */
enum thaw_state thaw_state_of(const struct s3_head *head, int64_t now_ms);

struct thaw_request {
    const struct vault *vault;
    struct s3_client *client; /* reads the vault */
    const struct layout_path *path;
    const char *version; /* "": the current one */
    enum storage_class class_;
    enum thaw_tier tier;
    unsigned days; /* how long it is to stay readable */
};

/* Looks how it is with a version that no listing says to be thawed, and asks for its thaw where nobody has, or where it
 * is over soon: THAW_READABLE or THAW_UNDER_WAY. A store that knows no thaw (501) reads all at once. VERDICT_USAGE: the
 * class has no such tier. */
enum verdict thaw_ask(const struct thaw_request *request, struct s3_conn *conn, enum thaw_state *state,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
