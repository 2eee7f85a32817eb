/*
 * bootstrap: makes the backup account ready, and says, or does, what the sources' accounts have to grant.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bootstrap.h"
#include "agent/clock.h"
#include "agent/command.h"
#include "agent/report.h"

/* A step is a few requests: what is under way at a signal ends, the next one is not begun. */
enum { GRACE_MS = 20 * 1000 };

static bool take_options(struct program *program, int argc, char **argv, struct bootstrap_options *options)
{
    static const struct option known[] = { { "dry-run", no_argument, NULL, 'n' },
        { "profile", required_argument, NULL, 'p' }, { "source-profile", required_argument, NULL, 's' },
        { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        const char **value = option == 'p' ? &options->profile : &options->source_profile;
        if (option == '?' || (option != 'n' && *value != NULL)) {
            (void)command_misused(program, "bootstrap",
                    "option \"%s\" is unknown, lacks its value, or is given too often", argv[optind - 1]);
            return false;
        }
        if (option == 'n')
            options->dry_run = true;
        else
            *value = optarg;
    }
    if (optind < argc)
        (void)command_misused(program, "bootstrap", "\"%s\" is one word too many", argv[optind]);
    return optind == argc;
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void print_steps(const json_t *steps)
{
    size_t i;
    json_t *step;

    json_array_foreach(steps, i, step)(void)
            printf("%-12s  %-22s  %s%s%s\n", text_at(step, "state"), text_at(step, "what"), text_at(step, "where"),
                    text_at(step, "where")[0] != '\0' ? ": " : "", text_at(step, "detail"));
}

static const char *destination(const char *document)
{
    static const struct {
        const char *document, *text;
    } texts[] = { { "source-bucket", "add to the policy of the bucket" },
        { "source-key", "add to the policy of each KMS key that encrypts objects of it" },
        { "source-role", "the policy of the role, or user, that reads it" },
        { "source-trust", "the trust policy of that role" },
        { "vault-key", "add to the policy of the vault's KMS key" } };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i].document, document) == 0)
            return texts[i].text;
    return "";
}

static void print_grants(const json_t *grants)
{
    size_t i;
    json_t *one;

    json_array_foreach(grants, i, one)
    {
        char *policy = json_dumps(json_object_get(one, "policy"), JSON_INDENT(2));
        const char *account = text_at(one, "account"), *source = text_at(one, "source");
        (void)printf("\nTo be granted in %s%s: %s%s%s (%s)\n%s\n", account[0] != '\0' ? "account " : "its account",
                account, destination(text_at(one, "document")), source[0] != '\0' ? " " : "", source,
                text_at(one, "document"), policy != NULL ? policy : "");
        free(policy);
    }
}

enum exit_code cmd_bootstrap(struct program *program, int argc, char **argv)
{
    struct bootstrap_options options = { .dry_run = false };
    struct bootstrap_report report;
    enum exit_code code;
    json_t *document;

    if (!take_options(program, argc, argv, &options))
        return EXIT_USAGE;
    clock_catch_signals(GRACE_MS);
    bootstrap_do(program, &options, &report);
    code = report.exit;
    if (program->json) {
        document = json_pack("{ss si sb sO sO}", "command", "bootstrap", "exit", (int)code, "dry_run",
                (int)options.dry_run, "steps", report.steps, "grants", report.grants);
        if (report.has_error)
            (void)json_object_set_new(document, "error", failure_json(&report.error));
        if (!json_print(document))
            code = EXIT_INTERNAL;
    } else {
        print_steps(report.steps);
        print_grants(report.grants);
        if (report.has_error)
            code = command_fail(program, "bootstrap", code, &report.error);
    }
    bootstrap_report_clear(&report);
    return code;
}
