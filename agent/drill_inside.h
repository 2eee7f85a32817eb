/* What drill.c and the drill_*.c share. Private to them. */
#ifndef AGENT_DRILL_INSIDE_H
#define AGENT_DRILL_INSIDE_H

#include <stdatomic.h>

#include "agent/bring.h"
#include "agent/drill.h"
#include "agent/restore_merge.h"
#include "state/digest.h"

enum drill_state { DRILL_PENDING, DRILL_THAWING, DRILL_TESTED, DRILL_SKIPPED };

/* One object of the sample. Texts lie behind the struct, terminated; one thread at a time has it. */
struct drill_object {
    unsigned number; /* its name in the scratch prefix */
    unsigned stratum;
    enum drill_state state;
    bool is_bad, denied;
    bool is_archived, is_gone; /* as the listing said */
    enum storage_class class_;
    uint64_t size;
    struct state_text key, acl;
    const char *version;              /* of the vault; "": the current one */
    const char *etag;                 /* the source's, when it was backed up */
    const char *checksum;             /* recorded then; "": none */
    char vault_etag[S3_ETAG_MAX + 1]; /* of the copy; "": the listing does not show it */
    char bytes[];
};

/* Both ends of an object's way. */
struct drill_way {
    struct layout_path path;
    char key[S3_KEY_MAX + 16]; /* in the scratch bucket: a number, since a prefix and the whole key may be too long */
    struct s3_target copy, scratch;
};

struct drilling {
    const struct drill_options *options;
    struct drill_report *report;
    struct restore_target target;
    struct bring_job bring;
    char prefix[S3_KEY_MAX + 1]; /* in the scratch bucket, with the slash at its end */
    size_t prefix_len;
    struct view *view;
    const struct state_point *point; /* the view's */
    struct drill_object **objects;
    size_t count;
    /* the source itself, to compare with where it still has the object; client NULL: it cannot be asked */
    struct access *source_access;
    struct s3_client *source_client;
    bool source_tags; /* the policy wants tags to be what the source's are */

    atomic_bool over; /* nothing new is begun: a stop, or no access to the scratch bucket */
    bool has_failure; /* under the report's lock: what ended it */
    struct failure failure;
};

/* Tells a problem of an object; marks it bad. Any thread. */
void drill_tell(struct drilling *drilling, struct drill_object *object, const char *problem, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* Ends the drill with a failure, the first one counts. Any thread. */
void drill_end(struct drilling *drilling, const struct failure *failure);

/* drill_choose.c: draws the sample from the point. */
enum verdict drill_choose(struct drilling *drilling, struct failure *failure) __attribute__((warn_unused_result));

/* drill_object.c: restores, compares and removes one object. A crew_work. */
void drill_object_do(void *ctx, struct s3_conn *conn, void *task);

/* drill_compare.c: what was restored to `scratch` from the vault's `copy` against what was backed up; tells each
 * difference. Not VERDICT_OK: it could not be compared. */
enum verdict drill_compare(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_target *scratch, const struct s3_target *copy, struct failure *failure)
        __attribute__((warn_unused_result));

/* drill_carry.c: one version of the vault into the scratch bucket. Any thread; init before them. */
void drill_carry_init(struct drilling *drilling);
enum verdict drill_carry(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct drill_way *way, struct failure *failure) __attribute__((warn_unused_result));

/* drill_scratch.c: removes all that lies under the drill's prefix: versions, and uploads that were begun. */
enum verdict drill_scratch_clean(struct drilling *drilling, uint64_t *left, struct failure *failure)
        __attribute__((warn_unused_result));

/* drill_budget.c: what of the sample may be thawed; the strata that do not fit are told as not tested. */
void drill_budget(struct drilling *drilling);
/* Notes that an object was not tested; `why` is static text. Any thread. */
void drill_skip(struct drilling *drilling, struct drill_object *object, const char *why);

#endif
