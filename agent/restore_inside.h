/*
 * What the files of a restore share: the restore under way, and a task of its crew. See restore.h.
 */
#ifndef AGENT_RESTORE_INSIDE_H
#define AGENT_RESTORE_INSIDE_H

#include <pthread.h>

#include "agent/bring.h"
#include "agent/crew.h"
#include "agent/folder.h"
#include "agent/restore.h"
#include "agent/restore_marks.h"
#include "agent/restore_merge.h"

/* What one pass found and did: each object that was seen is counted once. */
struct restore_pass {
    uint64_t objects, bytes;
    uint64_t equal, skipped, failed, brought;
    uint64_t settled; /* brought in an earlier pass, and equal */
    uint64_t thawing, left;
};

struct restore {
    const struct restore_options *options;
    struct restore_report *report;
    struct vault vault;
    struct s3_client *vault_client; /* the vault's, counted */
    struct counters counters;
    struct restore_target target;
    char source[STATE_SOURCE_MAX + 1];
    struct s3_conn *conn; /* the main thread's */
    struct view *view;
    struct crew *crew;
    struct bring_job bring;  /* into a bucket */
    struct folder *folder;   /* or into a folder; NULL as well in a dry run whose folder does not exist */
    struct layout_path data; /* "data/<source>/" */
    unsigned pass_number;    /* from 1 */

    pthread_mutex_t lock;
    /* guarded by lock */
    struct restore_pass pass;
    struct restore_marks marks;
    uint64_t restored, restored_bytes; /* by this process */
    uint64_t without_access;           /* of the failures */
    uint64_t in_a_row;                 /* failures for want of access, one after the other */
    int64_t shown_ms, told_ms;         /* when progress was shown and told last */
    bool over;                         /* nothing is begun any more: `failure` says why */
    bool broken;                       /* a stop left work */
    bool met_conflict;                 /* --conflict fail */
    struct failure failure;
};

/* An object that the listings alone could not settle. One piece of memory. */
struct restore_task {
    struct restore *restore;
    uint64_t ordinal;
    enum restore_vault vault;
    enum restore_there there;
    struct restore_copy copy;
    struct layout_path path; /* in the vault */
    char key_there[S3_KEY_MAX];
    size_t key_there_len;
    struct state_entry entry; /* texts lie in `bytes` */
    struct state_text acl;
    char bytes[];
};

/* Copies what it needs of the sight. NULL without memory. */
struct restore_task *restore_task_new(struct restore *restore, const struct restore_sight *sight);
/* By a thread of the crew: settles one object, frees the task. */
void restore_task_do(void *ctx, struct s3_conn *conn, void *task);

/* What it is to be in the destination bucket. */
struct s3_target restore_task_target(const struct restore_task *task);

/* Brings a readable one, and compares it. Where it turns out to be archived, task->vault says so. */
enum verdict restore_bring_open(struct restore *restore, struct failure *failure) __attribute__((warn_unused_result));
void restore_bring_close(struct restore *restore);
enum verdict restore_bring(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));
/* Asks for the thaw of an archived one, and sets task->vault: thawing, or readable where it was thawed already. */
enum verdict restore_thaw(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));
/* What the folder has in its place: sets task->there. */
enum verdict restore_look_in_folder(struct restore_task *task, struct failure *failure)
        __attribute__((warn_unused_result));

/* What two HEADs say, where size and ETag did not: RESTORE_EQUAL, RESTORE_DIFFERENT, or still RESTORE_DOUBTFUL. Pure.
 */
enum restore_there restore_judge_heads(const struct s3_head *vault, const struct s3_head *there);
/* Asks both sides for one that is doubtful, and sets task->there. */
enum verdict restore_compare(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/* Reads both sides of one that is doubtful still, and sets task->there; it stays doubtful where one cannot be read. */
enum verdict restore_compare_bytes(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
        __attribute__((warn_unused_result));

/* Whether nothing new is to be begun. Any thread. */
bool restore_is_over(struct restore *restore);
/* Ends the restore with a failure; the first one counts. Any thread. */
void restore_end(struct restore *restore, const struct failure *failure);

/* Whether this process has brought it in an earlier pass. Any thread. */
bool restore_is_brought(struct restore *restore, const struct restore_task *task);

/* What became of an object in this pass. Any thread. */
void restore_note_equal(struct restore *restore, const struct restore_task *task);
void restore_note_brought(struct restore *restore, const struct restore_task *task);
void restore_note_conflict(struct restore *restore, const struct restore_task *task, const char *what);
void restore_note_failed(struct restore *restore, const struct restore_task *task, const struct failure *failure);
void restore_note_thawing(struct restore *restore, const struct restore_task *task);
void restore_note_left(struct restore *restore); /* a stop came first */
/* --dry-run: it would be brought, after a thaw where it is archived. */
void restore_note_forecast(struct restore *restore, const struct restore_task *task);

/* One pass; the crew is done with all of it when this returns. Main thread. */
void restore_pass_do(struct restore *restore);

#endif
