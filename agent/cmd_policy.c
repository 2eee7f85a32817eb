/*
 * policy: the least that an account has to grant, as the policy document to put there. Asks nobody.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/command.h"
#include "agent/permission.h"
#include "agent/program.h"
#include "agent/report.h"

static bool take_options(struct program *program, int argc, char **argv, const char **source)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 's' || *source != NULL) {
            (void)command_misused(program, "policy", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
        *source = optarg;
    }
    return true;
}

/* What does not work without each statement. */
static json_t *reasons_json(const struct config *config, enum permission_document document)
{
    json_t *reasons = json_object();
    size_t count;
    const struct permission *table = permission_table(&count);

    for (size_t i = 0; i < count; i++)
        if (table[i].document == document && permission_is_needed(config, &table[i]))
            (void)json_object_set_new(reasons, table[i].sid, json_string(table[i].why));
    return reasons;
}

static bool print_policy(const struct program *program, enum permission_document document, json_t *policy)
{
    char *text;
    bool well;

    if (program->json)
        return json_print(json_pack("{ss si ss so so}", "command", "policy", "exit", 0, "document",
                permission_document_name(document), "policy", policy, "why", reasons_json(program->config, document)));
    text = json_dumps(policy, JSON_INDENT(2));
    json_decref(policy);
    well = text != NULL && puts(text) >= 0;
    free(text);
    return well;
}

enum exit_code cmd_policy(struct program *program, int argc, char **argv)
{
    enum permission_document document;
    const char *source = NULL;
    struct failure failure;
    json_t *policy;

    if (!take_options(program, argc, argv, &source))
        return EXIT_USAGE;
    if (optind + 1 != argc)
        return command_misused(program, "policy",
                "name one document: source-bucket, source-role, source-key, vault-role, vault-key, vault-bucket, "
                "prune-role or restore-role; vault-trust, prune-trust, restore-trust or source-trust; bootstrap or "
                "bootstrap-source");
    document = permission_document_of(argv[optind]);
    if (document == PERMISSION_DOCUMENTS)
        return command_misused(program, "policy", "there is no document \"%s\"", argv[optind]);
    if (permission_policy(program->config, document, source, &policy, &failure) != VERDICT_OK)
        return command_fail(program, "policy", verdict_exit(failure.verdict), &failure);
    return print_policy(program, document, policy) ? EXIT_DONE : EXIT_INTERNAL;
}
