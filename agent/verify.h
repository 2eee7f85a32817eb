/*
 * Whether the vault holds what its points say: the chain of points, the versions under data/, the manifest of this
 * state folder where there is one, and, on request, the bytes. Reads only: no lease, no write, nothing is deleted.
 *
 * Every version that a point which is still kept needs is looked for, in one listing of the source's versions, against
 * what the logs say, which are sorted for it. So memory does not depend on the number of objects.
 *
 * A run may go on meanwhile: what it writes is no problem. What a run that did not end has left is told as a note.
 *
 * Main thread; with read_data, threads of its own for the bytes.
 */
#ifndef AGENT_VERIFY_H
#define AGENT_VERIFY_H

#include <pthread.h>

#include <jansson.h>

#include "agent/vault.h"
#include "agent/verify_choice.h"

enum { VERIFY_LISTED_MAX = 10000 }; /* problems in the JSON; the counts are exact */

struct verify_problem {
    const char *source;
    const char *problem;   /* a stable name, "version-missing" */
    struct state_text key; /* of the object, or the path of a file of the vault */
    char detail[700];
};

/* What is worth knowing and no fault. */
enum verify_note_kind {
    VERIFY_NOTE_RUNNING,    /* a run is going on */
    VERIFY_NOTE_UNFINISHED, /* versions on top that a run which did not end has written */
    VERIFY_NOTE_LEFT,       /* versions that no point needs */
    VERIFY_NOTE_LOST,       /* versions of which a file that is lost may tell */
    VERIFY_NOTE_CLASS,      /* in another class than they were written in */
    VERIFY_NOTE_LOGS,       /* logs that no point names: a run was killed */
    VERIFY_NOTE_MANIFEST,   /* what was not compared with the manifest, and why */
    VERIFY_NOTE_TOLD,       /* files under points/ that are none of ours */
    VERIFY_NOTES
};
struct verify_note {
    uint64_t count;
    char detail[300]; /* of the first */
};

/* Threads write it under its lock. */
struct verify_report {
    char source[STATE_SOURCE_MAX + 1];
    char newest[STATE_POINT_SIZE]; /* the newest point, "": none */
    pthread_mutex_t lock;
    uint64_t points;                                  /* that were read */
    uint64_t checked;                                 /* objects of the newest point, in the choice */
    uint64_t versions;                                /* that points need, compared with the listing */
    uint64_t read, bytes_read;                        /* versions whose bytes were read */
    uint64_t by_etag, by_checksum, by_size, archived; /* how they were compared; archived: not read */
    uint64_t problems;
    struct verify_note notes[VERIFY_NOTES];
    bool stopped; /* by a signal: not all was looked at */
};

struct verify_options {
    const struct program *program;
    const struct vault *vault;
    struct s3_conn *conn;
    const char *source; /* the vault's folder */
    struct verify_choice choice;
    bool read_data;
    /* Each problem, once; from any thread, one at a time. */
    void (*problem)(void *ctx, const struct verify_problem *problem);
    void *ctx;
};

/* One source. Not VERDICT_OK: it could not be looked at; what was found until then counts. */
enum verdict verify_source(const struct verify_options *options, struct verify_report *report, struct failure *failure)
        __attribute__((warn_unused_result));
const char *verify_note_name(enum verify_note_kind kind);

#endif
