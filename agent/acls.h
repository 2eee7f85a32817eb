/*
 * Recorded ACLs in a manifest: of each object whose policy records them the ACL as the service wrote it, among the
 * manifest's jobs, so that full files and views have what otherwise only the log of the copy says. They move in the
 * same batches as the records.
 */
#ifndef AGENT_ACLS_H
#define AGENT_ACLS_H

#include "state/change.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum { JOB_KIND_ACL = 'a' }; /* of the manifest's jobs */

/* What a change says of its object's ACL: a copy has the one that comes with it, or none; what was adopted or moved
 * without one keeps it; what was deleted has none. */
enum state_status acls_note(struct manifest_batch *batch, const struct state_change *change, struct state_error *error)
        __attribute__((warn_unused_result));
/* Forgets all. No batch may be open. */
enum state_status acls_clear(struct manifest *manifest, struct state_error *error) __attribute__((warn_unused_result));

/* Reading, beside a reader of the records and between its begin and end. Costs nothing where there are none. */
struct acls {
    struct manifest_reader *reader; /* NULL: there are none */
};
enum state_status acls_open(struct manifest *manifest, struct acls *acls, struct state_error *error)
        __attribute__((warn_unused_result));
enum state_status acls_begin(struct acls *acls, struct state_error *error) __attribute__((warn_unused_result));
/* *acl is empty where there is none; borrowed until the next call. */
enum state_status acls_find(struct acls *acls, struct state_text key, struct state_text *acl, struct state_error *error)
        __attribute__((warn_unused_result));
void acls_end(struct acls *acls);
void acls_close(struct acls *acls);

#endif
