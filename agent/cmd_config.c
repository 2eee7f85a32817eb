/*
 * config check, config schema: what the config says, without doing anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/program.h"
#include "agent/report.h"

static enum exit_code print_schema(struct program *program)
{
    char *schema = config_schema();
    bool well;

    (void)program;
    if (schema == NULL)
        return EXIT_INTERNAL;
    well = fputs(schema, stdout) >= 0;
    free(schema);
    return well ? EXIT_DONE : EXIT_INTERNAL;
}

static enum exit_code check(struct program *program)
{
    struct failure failure;

    if (program_init(program, &failure) != VERDICT_OK || program_load_config(program, &failure) != VERDICT_OK)
        return command_fail(program, "config", verdict_exit(failure.verdict), &failure);
    if (program->json)
        return json_print(json_pack("{ss si sI sI}", "command", "config", "exit", 0, "sources",
                       (json_int_t)program->config->source_count, "policies",
                       (json_int_t)program->config->policy_count))
                       ? EXIT_DONE
                       : EXIT_INTERNAL;
    if (!program->quiet)
        (void)printf("config is well: %zu sources, %zu policies, vault \"%s\"\n", program->config->source_count,
                program->config->policy_count, program->config->vault.bucket);
    return EXIT_DONE;
}

enum exit_code cmd_config(struct program *program, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "schema") == 0)
        return print_schema(program);
    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return check(program);
    return command_misused(program, "config", "say \"config check\" or \"config schema\"");
}
