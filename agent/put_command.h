/*
 * The command whose output becomes an object: started without a shell, its standard output a pipe that is read here,
 * its standard input and error ours. What it wrote counts only when it ended with exit code 0.
 *
 * One thread; any number of commands.
 */
#ifndef AGENT_PUT_COMMAND_H
#define AGENT_PUT_COMMAND_H

#include <sys/types.h>

#include "agent/failure.h"

struct put_command {
    const char *name;
    pid_t pid; /* 0: none is running */
    int output;
};

/* `words`: the command and its arguments, NULL at their end; borrowed. VERDICT_USAGE where it cannot be started. */
enum verdict put_command_start(char *const *words, struct put_command *command, struct failure *failure)
        __attribute__((warn_unused_result));
/* After the end of its output: waits until it has ended. VERDICT_BAD_DATA: it failed, `failure` says how.
 * VERDICT_CANCELLED: a stop was asked for meanwhile. */
enum verdict put_command_wait(struct put_command *command, struct failure *failure) __attribute__((warn_unused_result));
/* Ends it, if it is still running: by SIGTERM, then by force. Closes the pipe. */
void put_command_end(struct put_command *command);

#endif
