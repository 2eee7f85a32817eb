/*
 * plan: what run would do.
 */
#include <getopt.h>

#include "agent/command.h"
#include "agent/runs.h"

enum exit_code cmd_plan(struct program *program, int argc, char **argv)
{
    static const struct option known[] = { { "source", required_argument, NULL, 's' },
        { "list", no_argument, NULL, 'l' }, { "explain", no_argument, NULL, 'e' }, { NULL, 0, NULL, 0 } };
    struct option_list sources = { .count = 0 };
    struct plan_options options = { .program = program, .command = "plan" };
    int option;

    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        if (option == '?' || (option == 's' && !option_list_add(&sources, optarg)))
            return command_misused(program, "plan", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
        options.list = options.list || option != 's';
        options.explain = options.explain || option == 'e';
    }
    if (optind < argc)
        return command_misused(program, "plan", "\"%s\" is one word too many", argv[optind]);
    options.wanted = sources.items;
    options.wanted_count = sources.count;
    return plans_do(&options);
}
