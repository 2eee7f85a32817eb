/*
 * resync: for operators who do not trust the manifest, or the vault. Rebuilds the manifest from the vault and adopts
 * what is there; or copies again; or compares tags, which a listing does not show; or only says what differs.
 */
#include <getopt.h>

#include "agent/command.h"
#include "agent/runs.h"

enum exit_code cmd_resync(struct program *program, int argc, char **argv)
{
    static const struct option known[] = { { "source", required_argument, NULL, 's' },
        { "prefix", required_argument, NULL, 'p' }, { "from-vault", no_argument, NULL, 'f' },
        { "recopy", no_argument, NULL, 'r' }, { "check", no_argument, NULL, 'c' }, { "tags", no_argument, NULL, 't' },
        { NULL, 0, NULL, 0 } };
    struct option_list sources = { .count = 0 };
    const char *prefix = NULL;
    int option, mode = 0;

    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        if (option == '?' || (option == 's' && !option_list_add(&sources, optarg)))
            return command_misused(program, "resync",
                    "option \"%s\" is unknown, lacks its value, or is given too often", argv[optind - 1]);
        if (option == 'p')
            prefix = optarg;
        if (option == 's' || option == 'p')
            continue;
        if (mode != 0 && mode != option)
            return command_misused(program, "resync", "--from-vault, --recopy, --check and --tags exclude each other");
        mode = option;
    }
    if (optind < argc)
        return command_misused(program, "resync", "\"%s\" is one word too many", argv[optind]);
    if (mode == 'c') {
        const struct plan_options plan = { .program = program,
            .command = "resync",
            .wanted = sources.items,
            .wanted_count = sources.count,
            .prefix = prefix,
            .list = true,
            .differences_are_news = true };
        return plans_do(&plan);
    }
    const struct runs_options options = { .program = program,
        .command = "resync",
        .kind = mode == 'r'   ? RUN_RECOPY
                : mode == 't' ? RUN_TAGS
                              : RUN_REBUILD,
        .wanted = sources.items,
        .wanted_count = sources.count,
        .prefix = prefix };
    return runs_do(&options);
}
