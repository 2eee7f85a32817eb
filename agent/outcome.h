/*
 * What a command that is no run comes to, source by source: told to the topic and to CloudWatch as a run is. Main
 * thread.
 *
 * outcome_begin, then for each source any number of outcome_problem and one outcome_source, then outcome_end.
 */
#ifndef AGENT_OUTCOME_H
#define AGENT_OUTCOME_H

#include <stdio.h>

#include "agent/notify.h"
#include "agent/program.h"

struct outcome {
    const struct program *program;
    const char *command;
    struct notify_count count;
    size_t shown; /* problems of the present source */
    FILE *into;   /* NULL: nobody is to be told, or no memory */
    char *text;
    size_t length;
};

struct outcome_source {
    const char *source; /* lives until outcome_end */
    enum exit_code exit;
    uint64_t checked, problems;
    const struct failure *error; /* NULL: none */
};

void outcome_begin(struct outcome *outcome, const struct program *program, const char *command);
/* A line about the source that comes next; those beyond ten are left out. */
void outcome_problem(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));
void outcome_source(struct outcome *outcome, const struct outcome_source *source);
/* Sends the message, if there is one. `failure`: what ended the command before any source, else NULL. */
void outcome_end(struct outcome *outcome, const struct failure *failure);

#endif
