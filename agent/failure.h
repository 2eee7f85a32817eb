/*
 * What goes wrong, in the agent's own words: the one place where the statuses of s3/ and state/ become decisions of the
 * program. A failure is complete enough to print and to act on; nothing below this room prints.
 */
#ifndef AGENT_FAILURE_H
#define AGENT_FAILURE_H

#include "agent/command.h"
#include "s3/error.h"
#include "state/error.h"

#include <stdbool.h>

enum verdict {
    VERDICT_OK,
    VERDICT_NOT_FOUND,   /* no such object, point or lease: often an answer, not a failure */
    VERDICT_CHANGED,     /* a condition did not hold */
    VERDICT_HELD,        /* somebody else holds the lease or the state folder */
    VERDICT_NO_ACCESS,   /* credentials, permissions, a bucket that is missing */
    VERDICT_UNREACHABLE, /* the service did not answer well for as long as we tried */
    VERDICT_BAD_DATA,    /* what is in the vault or the state folder is damaged, or not what it says it is */
    VERDICT_CANCELLED,   /* a stop was asked for */
    VERDICT_USAGE,       /* wrong use or config */
    VERDICT_FULL,        /* the disk, or a bound */
    VERDICT_INTERNAL     /* out of memory and the like */
};

struct failure {
    enum verdict verdict;
    struct s3_error s3; /* where a request failed; else s3.operation is NULL */
    char what[1000];    /* one clear line: what was tried, on what, what to do. Never a secret */
};

/* Each fills `failure` (which may be NULL) and returns the verdict, so that a failing path is one line. `what`
 * (printf's rules) says what was being done: "reading the newest point of source \"docs\"". */
enum verdict failure_set(struct failure *failure, enum verdict verdict, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
enum verdict failure_from_s3(struct failure *failure, enum s3_status status, const struct s3_error *error,
        const char *format, ...) __attribute__((format(printf, 4, 5)));
enum verdict failure_from_state(struct failure *failure, enum state_status status, const struct state_error *error,
        const char *format, ...) __attribute__((format(printf, 4, 5)));

enum verdict verdict_of_s3(enum s3_status status);
enum verdict verdict_of_state(enum state_status status);
enum exit_code verdict_exit(enum verdict verdict);

/* A key for people and JSON: valid UTF-8 stays, control bytes and quotes are escaped as in JSON (\n, \u0001), cut at
 * `size`. Terminated. */
const char *key_for_people(const char *key, size_t length, char *out, size_t size);

#endif
