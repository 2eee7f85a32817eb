/*
 * What copy.c and the copy_*.c share. Private to them.
 */
#ifndef AGENT_COPY_INSIDE_H
#define AGENT_COPY_INSIDE_H

#include "agent/copy.h"
#include "agent/copy_bounds.h"

enum { COPY_TAGGING_MAX = 16 * 1024 };
#define COPY_STREAM_WHOLE (UINT64_C(8) << 20) /* larger ones go by parts when they are streamed */

/* One object on its way. */
struct copying {
    const struct copy_job *job;
    struct s3_conn *conn;
    struct action *action;
    struct layout_path path;
    struct s3_text from;          /* what is copied: the action's key, or, of a move, the path itself */
    const char *from_version;     /* NULL: the current one */
    const char *over;             /* the ETag, quoted, that must lie at the path until then; NULL: whatever does */
    char etag[S3_ETAG_MAX + 1];   /* what the source must still be */
    char quoted[S3_ETAG_MAX + 3]; /* the same, as conditions want it */
    uint64_t size;
    int64_t source_time_ms;
    enum storage_class class_;
    struct s3_head source; /* filled by look_at_source */
    bool looked;
    bool resumed; /* an upload that a former run began, locked until when that one said */

    /* what came of it */
    char version[S3_VERSION_MAX + 1], source_version[S3_VERSION_MAX + 1], checksum[S3_CHECKSUM_MAX + 1];
    char vault_etag[S3_ETAG_MAX + 1];
    int64_t copied_ms;
    bool in_seconds; /* see action.h */
    enum state_compared by;
    struct s3_buffer acl; /* empty where it was not asked for, or not had */
};

/* The ETag that is copied, as conditions want it, too. */
void copying_set_etag(struct copying *copying, const char *etag, size_t length);
/* HEAD of the source, under the condition of the ETag (where there is one already); fills in etag, size, time. */
enum s3_status copying_look_at_source(struct copying *copying, bool under_condition, struct s3_error *error)
        __attribute__((warn_unused_result));
/* Whether two objects have the same headers and metadata, and as many tags. */
bool copying_same_headers(const struct s3_head *a, const struct s3_head *b);
/* HEAD of what lies in the vault now. */
enum s3_status copying_look_at_vault(const struct copying *copying, struct s3_head *head, struct s3_error *error)
        __attribute__((warn_unused_result));
struct s3_copy_source copying_source(const struct copying *copying);
/* What the copy is to be: class, ACL, encryption, lock; `until` holds its text as long as `write` is used. */
void copying_write(const struct copying *copying, struct s3_write *write, char until[STATE_TIME_SIZE]);
/* After the version is in the vault: its lock, where the store did not set it. `head` as in struct lock_written. */
enum s3_status copying_settle_lock(const struct copying *copying, enum lock_way way, const struct s3_head *head,
        struct s3_error *error) __attribute__((warn_unused_result));
/* The same for a version that was found there: it keeps its end, if it has one. */
enum s3_status copying_settle_found(const struct copying *copying, const struct s3_head *head, struct s3_error *error)
        __attribute__((warn_unused_result));

/* The class is what HEAD says of the copy, whatever was asked for. */
void copying_note_class(struct copying *copying, const struct s3_head *head);

/* The source's tags as a header, for copies that carry none by themselves; as the policy wants. */
enum s3_status copying_read_tags(struct copying *copying, char tagging[COPY_TAGGING_MAX], bool *has_tags,
        struct s3_error *error) __attribute__((warn_unused_result));

/* Whether the vault has it already: for runs after an unclean end, whose predecessor may have copied what it did not
 * record. Fills in what is known of it. */
enum s3_status copying_adopt(struct copying *copying, bool *adopted, struct s3_error *error)
        __attribute__((warn_unused_result));

/* By one CopyObject; fills in what came of it. */
enum s3_status copying_by_one_request(struct copying *copying, struct s3_error *error)
        __attribute__((warn_unused_result));
/* Copies by parts; fills in what came of it. */
enum s3_status copying_by_parts(struct copying *copying, struct s3_error *error) __attribute__((warn_unused_result));

/* Whether the bytes pass through here, by the policy of the source. */
bool copying_is_streamed(const struct copying *copying);
/* A whole object of at most COPY_STREAM_WHOLE bytes by a GET and a PUT; fills in what came of it. */
enum s3_status copying_by_stream(struct copying *copying, struct s3_error *error) __attribute__((warn_unused_result));
/* One part by a GET and an UploadPart. By any worker. */
struct copying_part {
    const char *upload_id;
    uint32_t number;
    uint64_t first, size;
};
enum s3_status copying_stream_part(const struct copying *copying, struct s3_conn *conn, const struct copying_part *part,
        char etag[S3_ETAG_MAX + 1], struct s3_error *error) __attribute__((warn_unused_result));

/* The source's ACL, where the policy records it. S3_OK also without it; else only S3_CANCELLED. */
enum s3_status copying_read_acl(struct copying *copying, struct s3_error *error) __attribute__((warn_unused_result));

#endif
