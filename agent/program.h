/*
 * What a command has at hand: the options of the command line, the config, and what is made of it once for the process:
 * CA store, environment, request counters. Made by command.c, borrowed by everything; read-only after it was made,
 * except the counters.
 */
#ifndef AGENT_PROGRAM_H
#define AGENT_PROGRAM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "agent/budget.h"
#include "agent/config.h"
#include "agent/failure.h"
#include "s3/client.h"

/* Requests by kind, for reports and for limits of a run; counted by the trace of every client. */
enum request_kind {
    REQUEST_LIST,
    REQUEST_HEAD,
    REQUEST_GET,
    REQUEST_PUT,
    REQUEST_COPY,
    REQUEST_DELETE,
    REQUEST_OTHER,
    REQUEST_KINDS
};
const char *request_kind_name(enum request_kind kind); /* "list", "head", ... as in the JSON reports */

struct counters {
    _Atomic uint64_t requests[REQUEST_KINDS]; /* attempts, as the service bills them */
    _Atomic uint64_t retried, throttled;
    struct budget *budget; /* takes the requests in as well; NULL: none */
};

struct program {
    const char *config_option; /* -c; NULL */
    char state_dir[4096];
    bool json, quiet;
    int verbose;
    struct config *config; /* NULL for commands that need none */
    struct s3_environment environment;
    const struct s3_clock *clock;
    struct s3_tls *tls;
    struct s3_limiter *limiter; /* limits.requests_per_second, for all accounts together; NULL: not set */
};

/* Fills in all but the config. Names the CA file where that is wrong. */
enum verdict program_init(struct program *program, struct failure *failure) __attribute__((warn_unused_result));
/* Finds, reads and checks the config, and makes the limiter. */
enum verdict program_load_config(struct program *program, struct failure *failure) __attribute__((warn_unused_result));
void program_free(struct program *program);
/* A connection for the calling thread. */
enum verdict program_connect(const struct program *program, struct s3_conn **conn, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
