/*
 * What lies in an archive class has to be thawed before it can be read: what that takes by class and tier, and asking
 * for it. A thaw needs the one right in the vault that a restore has beyond reading: s3:RestoreObject.
 *
 * By any thread, with its connection.
 */
#ifndef AGENT_THAW_H
#define AGENT_THAW_H

#include "agent/vault.h"
#include "state/entry.h"

enum thaw_tier { THAW_BULK, THAW_STANDARD, THAW_EXPEDITED, THAW_TIERS };

/* "bulk", "standard", "expedited". */
bool thaw_tier_parse(const char *text, enum thaw_tier *tier) __attribute__((warn_unused_result));
const char *thaw_tier_name(enum thaw_tier tier);

/* How long a version of this class takes at most, in hours; 0: the class has no such tier, or needs no thaw. */
unsigned thaw_hours(enum storage_class class_, enum thaw_tier tier);

enum thaw_state { THAW_READABLE, THAW_UNDER_WAY };

struct thaw_request {
    const struct vault *vault;
    struct s3_client *client; /* reads the vault */
    const struct layout_path *path;
    const char *version; /* "": the current one */
    enum storage_class class_;
    enum thaw_tier tier;
    unsigned days; /* how long it is to stay readable */
};

/* Looks how it is with a version that no listing says to be thawed, and asks for its thaw where nobody has.
 * VERDICT_USAGE: the class has no such tier. */
enum verdict thaw_ask(const struct thaw_request *request, struct s3_conn *conn, enum thaw_state *state,
        struct failure *failure) __attribute__((warn_unused_result));

#endif
