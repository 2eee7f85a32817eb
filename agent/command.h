/*
 * The command line: global options, the table of commands, help. Each command lives in a file of its own.
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

/* Exit codes: promises to those who run this from a schedule. With several sources, exit_worse decides. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,     /* wrong use or config */
    EXIT_PARTIAL = 2,   /* done, but objects failed, differences were found, or a source is stale */
    EXIT_GUARDED = 3,   /* stopped by the guard */
    EXIT_LEASED = 4,    /* another run holds the lease */
    EXIT_NO_ACCESS = 5, /* credentials, permissions, bucket missing, listing denied */
    EXIT_LEFT = 6,      /* window or signal: work is left */
    EXIT_INTERNAL = 7
};

/* Of two sources' codes the one that the program ends with: the first that applies of 7, 5, 3, 2, 6, 4. */
enum exit_code exit_worse(enum exit_code one, enum exit_code other);

/* Runs the program; the value is the process's exit code. */
int command_main(int argc, char **argv);

#endif
