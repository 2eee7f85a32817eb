/*
 * run: backs up all sources, or the named ones. Up to eight sources are in flight at a time, each on a thread of its
 * own, over one pool of workers.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "agent/age.h"
#include "agent/command.h"
#include "agent/runs.h"

/* A whole number of at least 1. */
static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool take_options(struct program *program, int argc, char **argv, struct runs_options *out,
        struct option_list *sources, struct option_list *accept)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "accept", required_argument, NULL, 'a' }, { "deadline", required_argument, NULL, 'd' },
        { "due", no_argument, NULL, 'D' }, { "max-requests", required_argument, NULL, 'r' },
        { "max-bytes", required_argument, NULL, 'b' }, { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        bool well = option == 's'   ? option_list_add(sources, optarg)
                    : option == 'a' ? option_list_add(accept, optarg)
                    : option == 'd' ? age_parse(optarg, &out->deadline_s)
                    : option == 'r' ? read_number(optarg, &out->max_requests)
                    : option == 'b' ? read_number(optarg, &out->max_bytes)
                                    : option == 'D';
        out->due = out->due || option == 'D';
        if (!well && option != '?' && option != 's' && option != 'a') {
            (void)command_misused(program, "run",
                    "\"%s\" is not what this option takes: an age such as 3h, or a whole number", optarg);
            return false;
        }
        if (!well) {
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
    struct option_list sources = { .count = 0 }, accept = { .count = 0 };
    struct runs_options options = { .program = program, .command = "run", .kind = RUN_BACKUP, .accept = &accept };

    if (!take_options(program, argc, argv, &options, &sources, &accept))
        return EXIT_USAGE;
    options.wanted = sources.items;
    options.wanted_count = sources.count;
    return runs_do(&options);
}
