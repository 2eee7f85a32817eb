/*
 * The command line: global options, the table of commands, help. Each command lives in a file of its own.
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

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

struct program;
struct failure;

/* A command: gets its own name as argv[0] and its options and arguments after it. Prints its result, by program->json
 * as one JSON document, and returns the exit code. */
typedef enum exit_code command_run(struct program *program, int argc, char **argv);

command_run cmd_bootstrap, cmd_run, cmd_plan, cmd_doctor, cmd_drill, cmd_get, cmd_put, cmd_points, cmd_ls, cmd_diff,
        cmd_policy, cmd_status, cmd_resync, cmd_restore, cmd_config, cmd_version, cmd_verify, cmd_prune, cmd_pin,
        cmd_unpin;

/* Prints what went wrong: on stderr for people, with --json as a document {"command", "exit", "error"} on stdout.
 * Returns `code`. */
enum exit_code command_fail(
        const struct program *program, const char *command, enum exit_code code, const struct failure *failure);
/* Wrong use of `command`: one line (printf's rules) that says what, and where help is. Returns EXIT_USAGE. */
enum exit_code command_misused(const struct program *program, const char *command, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Values of an option that may be given more than once, in their order. */
struct option_list {
    const char *items[256];
    size_t count;
};
/* False: more than 256. */
bool option_list_add(struct option_list *list, const char *value) __attribute__((warn_unused_result));

#endif
