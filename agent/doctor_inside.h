/*
 * The inside of doctor, for doctor*.c only.
 */
#ifndef AGENT_DOCTOR_INSIDE_H
#define AGENT_DOCTOR_INSIDE_H

#include "agent/doctor.h"
#include "agent/source.h"
#include "agent/vault.h"

enum { DOCTOR_ATTEMPTS = 3 }; /* of a request: nobody waits minutes for each of many checks */

struct doctor {
    const struct program *program;
    const struct option_list *wanted;
    struct s3_conn *conn;
    struct doctor_report *report;
    struct vault vault;               /* with a client that gives up sooner */
    struct s3_client *hasty;          /* the vault's; owned */
    struct s3_client *once;           /* likewise, which repeats nothing */
    bool vault_answers;               /* its role can be taken, the bucket is there */
    char probe[STATE_PATH_MAX + 1];   /* the path of the object that this doctor writes */
    char written[S3_VERSION_MAX + 1]; /* its version; "": none, or none any more */
    bool is_written, is_cleaned;
    bool keeps_wrong;               /* the store takes bytes whose sum is wrong: they must not be offered */
    char found[S3_VERSION_MAX + 1]; /* the version of another object, where none is written */
    struct source *sources;         /* that were looked at: names and policies */
    size_t source_count, source_capacity;
    uint64_t objects; /* of all sources that were looked at, by their newest points */
};

/* A sum that the few bytes which go with it do not have. */
#define DOCTOR_WRONG_MD5 "AAAAAAAAAAAAAAAAAAAAAA=="

/* One principal on one bucket, and an object there that can be looked at. */
struct doctor_side {
    const char *subject;
    enum permission_document document, other; /* where its permissions stand; other: across accounts, else none */
    bool on_source;
    struct s3_client *client;
    const char *bucket, *owner;
    struct s3_text key;
    const char *version;    /* NULL: not known */
    bool key_exists, lists; /* lists: what is not there can be told from what is denied */
    bool not_needed;        /* runs do without */
};

/* Adds a check and returns it, for what is beside state and text; a spare one where there is no memory. */
struct doctor_check *doctor_say(struct doctor *doctor, const char *subject, const char *check, enum doctor_state state,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for a failure that is no matter of one permission. */
struct doctor_check *doctor_say_failure(
        struct doctor *doctor, const char *subject, const char *check, const struct failure *failure);

/* Asks one permission of the table with a request that changes nothing, and says what came of it. */
enum doctor_state doctor_probe(struct doctor *doctor, const struct doctor_side *side, const char *action);
/* Says what an answer means for a permission; `error` is looked at where status is not S3_OK. */
enum doctor_state doctor_judge(struct doctor *doctor, const struct doctor_side *side, const char *action,
        enum s3_status status, const struct s3_error *error);
/* All statements of a side's document, on the vault or on the sources; those that are asked otherwise are left out. */
void doctor_probe_all(struct doctor *doctor, const struct doctor_side *side);

/* Who asks: false where the role cannot be taken, which is said. */
bool doctor_identity(struct doctor *doctor, const char *subject, const struct access *access, const char *account);

void doctor_look_at_vault(struct doctor *doctor);
/* What a run would say of the vault, with the sources that were found. */
void doctor_look_at_health(struct doctor *doctor);
/* As the restore role and the prune role; then what doctor wrote is deleted, by all who may. Comes last. */
void doctor_look_at_roles(struct doctor *doctor);
enum verdict doctor_look_at_sources(struct doctor *doctor, struct failure *failure);
/* One source in the vault: its newest point, its lease. */
void doctor_look_at_points(struct doctor *doctor, const char *source, const char *subject);
/* Ends with what is known of the sources: how large the manifests become. */
void doctor_look_at_machine(struct doctor *doctor);
/* Whether the way to one endpoint is encrypted. */
void doctor_look_at_endpoint(struct doctor *doctor, const char *subject, const struct access *access);
/* The write of a sink: what a request that only asks for a right brings is not kept. */
bool doctor_take_nothing(void *ctx, const char *bytes, size_t length);

/* S3_OK where the document of a bucket is there and begins as it should; a store that does not know it may answer with
 * something else, which is S3_REFUSED. */
struct s3_buffer;
enum s3_status doctor_document(struct doctor *doctor, const struct doctor_side *side, const char *subresource,
        struct s3_buffer *document, struct s3_error *error) __attribute__((warn_unused_result));

#endif
