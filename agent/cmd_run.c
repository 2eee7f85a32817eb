/*
 * run: backs up all sources, or the named ones. Up to eight sources are in flight at a time, each on a thread of its
 * own, over one pool of workers.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/command.h"
#include "agent/event.h"
#include "agent/runs.h"

static bool take_options(struct program *program, int argc, char **argv, struct option_list *sources)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option != 's' || !option_list_add(sources, optarg)) {
            (void)command_misused(program, "run", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
    }
    if (optind < argc) {
        (void)command_misused(program, "run", "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    return true;
}

enum exit_code cmd_run(struct program *program, int argc, char **argv)
{
    struct option_list sources = { .count = 0 };
    struct runs_options options = { .program = program, .command = "run", .kind = RUN_BACKUP };

    if (!take_options(program, argc, argv, &sources))
        return EXIT_USAGE;
    options.wanted = sources.items;
    options.wanted_count = sources.count;
    return runs_do(&options);
}
