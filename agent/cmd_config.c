/*
 * config check, config schema: what the config says, without doing anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/lock_check.h"
#include "agent/lock_extend.h"
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

/* What a config says well, and yet a person should know. */
static json_t *warnings_of(const struct config *config)
{
    json_t *warnings = json_array();
    char text[LOCK_TEXT];

    for (size_t i = 0; i < config->policy_count; i++)
        if (lock_outlasts(&config->vault.lock, &config->policies[i], text))
            (void)json_array_append_new(warnings, json_string(text));
    return warnings;
}

enum { MILLION = 1000000 };

/* How many versions the vault will have, the config does not know. */
static void tell_extending(const struct config *config, const struct prices *prices)
{
    const struct lock_extend_year year = lock_extend_year(prices, config->vault.lock.days, MILLION);
    char sum[MONEY_SIZE];

    (void)printf(
            "extending locks: %.1f requests a version and year at a prune a day; a million versions cost %s a year\n",
            (year.looks + year.extensions) / MILLION, money(year.price, prices, sum));
}

static bool extends(const struct config *config)
{
    return config->vault.lock.given && config->vault.lock.extend;
}

static json_t *extending_json(const struct config *config, const struct prices *prices)
{
    const struct lock_extend_year year = lock_extend_year(prices, config->vault.lock.days, MILLION);

    if (!extends(config))
        return json_null();
    return json_pack("{sf so ss}", "requests_a_version_and_year", (year.looks + year.extensions) / MILLION,
            "a_million_versions_and_year", year.price < 0 ? json_null() : json_real(year.price), "currency",
            prices->currency);
}

static enum exit_code check(struct program *program)
{
    struct prices prices;
    struct failure failure;
    json_t *warnings;

    if (program_init(program, &failure) != VERDICT_OK || program_load_config(program, &failure) != VERDICT_OK ||
            prices_load(program->config, &prices, &failure) != VERDICT_OK)
        return command_fail(program, "config", verdict_exit(failure.verdict), &failure);
    warnings = warnings_of(program->config);
    if (program->json)
        return json_print(json_pack("{ss si sI sI so so}", "command", "config", "exit", 0, "sources",
                       (json_int_t)program->config->source_count, "policies", (json_int_t)program->config->policy_count,
                       "warnings", warnings, "extending_locks", extending_json(program->config, &prices)))
                       ? EXIT_DONE
                       : EXIT_INTERNAL;
    for (size_t i = 0; i < json_array_size(warnings); i++)
        (void)fprintf(stderr, "warning: %s\n", json_string_value(json_array_get(warnings, i)));
    json_decref(warnings);
    if (!program->quiet)
        (void)printf("config is well: %zu sources, %zu policies, vault \"%s\"\n", program->config->source_count,
                program->config->policy_count, program->config->vault.bucket);
    if (!program->quiet && extends(program->config))
        tell_extending(program->config, &prices);
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
