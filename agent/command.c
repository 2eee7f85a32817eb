/* See command.h. */
#include "agent/command.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/completion.h"
#include "agent/event.h"
#include "agent/permission.h"
#include "agent/program.h"
#include "agent/report.h"
#include "agent/runs.h"
#include "agent/suggest.h"

static command_run cmd_help, cmd_completion;

static const struct command {
    const char *name;
    command_run *run;
    bool needs_config;
    const char *usage, *what;
} commands[] = {
    { "run", cmd_run, true,
            "[--source S]... [--due] [--accept S]... [--deadline 3h] [--max-requests N] [--max-bytes N]",
            "back up all sources, the named ones, or those whose schedule wants it now" },
    { "plan", cmd_plan, true, "[--source S]... [--list] [--explain]", "say what a run would do, and do nothing" },
    { "bootstrap", cmd_bootstrap, true, "[--dry-run] [--profile P] [--source-profile P]",
            "make a backup account ready, and say, or with --source-profile do, what the sources' accounts have to "
            "grant" },
    { "resync", cmd_resync, true, "[--source S]... [--prefix P] [--from-vault | --recopy | --check | --tags]",
            "rebuild the manifest from the vault and adopt what is there; copy again; only report differences; or "
            "compare tags" },
    { "restore", cmd_restore, true,
            "--source S --to s3://B/P|DIR [--prefix P] [--at T] [--conflict skip|overwrite|fail] [--class C] "
            "[--thaw bulk|standard|expedited] [--no-wait] [--dry-run] [--from-versions] [--to-profile X] "
            "[--to-role ARN] [--to-region R] [--to-endpoint URL]",
            "bring a source back; what is equal already is left alone, so call it again to go on" },
    { "get", cmd_get, true, "--source S KEY [--at T]", "one object of the vault to standard output" },
    { "put", cmd_put, true, "--source S NAME [--deadline 3h] [-- COMMAND ARG...]",
            "standard input, or a command's output, into a stream source" },
    { "points", cmd_points, true, "[--source S]... | --source S --bucket-config [--at T]",
            "the recovery points in the vault; or the source bucket's own configuration, as commands that build it "
            "again" },
    { "ls", cmd_ls, true, "--source S [--prefix P] [--at T] [--from-versions]", "the objects at a point or a time" },
    { "diff", cmd_diff, true, "--source S [--prefix P] [--from-versions] A B",
            "what came, changed and went between two points or times" },
    { "verify", cmd_verify, true, "[--source S]... [--subset N/T | --sample 5%] [--read-data]",
            "manifest, vault and chain of points against each other; the bytes on request" },
    { "status", cmd_status, true, "[--source S]... [--max-age 26h [--notify]]",
            "each source's last good point and its age" },
    { "doctor", cmd_doctor, true, "[--source S]...",
            "try every permission that runs, restores and prunes need, and look at vault, sources and this machine" },
    { "policy", cmd_policy, true, "DOCUMENT [--source S]",
            "the policy document that an account has to have: source-bucket, source-role, source-key, vault-role, "
            "vault-key, vault-bucket, prune-role, restore-role; who may take a role: vault-trust, prune-trust, "
            "restore-trust, source-trust; what bootstrap needs: bootstrap, bootstrap-source" },
    { "drill", cmd_drill, true,
            "--to s3://BUCKET/PREFIX [--source S]... [--sample N] [--at T] [--seed HEX] [--max-thaw BYTES] "
            "[--max-cost X] [--thaw TIER] [--no-wait] [--to-profile P] [--to-role ARN] [--to-region R] [--to-endpoint "
            "URL]",
            "restore a random sample to a scratch bucket, compare it, take it away, and record that in the vault" },
    { "pin", cmd_pin, true, "--source S POINT", "keep a point against every expiry" },
    { "unpin", cmd_unpin, true, "--source S POINT", "let the policy decide about a point again; with the prune role" },
    { "prune", cmd_prune, true, "[--source S]... [--dry-run] [--accept S]...",
            "forget the points that the policy no longer keeps, then remove the versions that no point needs" },
    { "config", cmd_config, false, "check | schema", "check the config, or print its JSON Schema" },
    { "completion", cmd_completion, false, "bash | zsh | fish", "print a script that completes the command line" },
    { "version", cmd_version, false, "", "print the version" },
    { "help", cmd_help, false, "[COMMAND]", "print this" },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char usage[] = "usage: vaultferry [-c FILE] [--state-dir DIR] [--json] [-v | -q] COMMAND";

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static enum exit_code cmd_help(struct program *program, int argc, char **argv)
{
    (void)program;
    if (argc > 1) {
        const struct command *command = find_command(argv[1]);
        if (command == NULL)
            return command_misused(program, "help", "there is no command \"%s\"", argv[1]);
        (void)printf("%s\n\nvaultferry %s%s%s\n    %s\n", usage, command->name, command->usage[0] != '\0' ? " " : "",
                command->usage, command->what);
        return EXIT_DONE;
    }
    (void)printf("%s\n\n", usage);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)printf("  %-8s %s\n", commands[i].name, commands[i].what);
    (void)printf("\nvaultferry help COMMAND says more. The config comes from -c, VAULTFERRY_CONFIG or "
                 "VAULTFERRY_CONFIG_JSON.\n"
                 "Exit codes: 0 done, 1 wrong use or config, 2 objects failed or differences found, 3 stopped by the "
                 "guard,\n"
                 "4 another run holds the lease, 5 no access, 6 work is left (window or signal), 7 internal.\n");
    return EXIT_DONE;
}

static enum exit_code cmd_completion(struct program *program, int argc, char **argv)
{
    struct completion_command known[COMMANDS];
    char names[16 * COMMANDS] = "", documents[COMPLETION_CHOICES] = "";
    size_t names_used = 0, documents_used = 0;

    for (size_t i = 0; i < COMMANDS; i++)
        names_used += (size_t)snprintf(names + names_used, sizeof names - names_used, "%s ", commands[i].name);
    for (int i = 0; i < PERMISSION_DOCUMENTS; i++)
        documents_used += (size_t)snprintf(documents + documents_used, sizeof documents - documents_used, "%s ",
                permission_document_name((enum permission_document)i));
    for (size_t i = 0; i < COMMANDS; i++) {
        known[i] = (struct completion_command){ commands[i].name, commands[i].usage, commands[i].what, NULL };
        if (commands[i].run == cmd_help)
            known[i].arguments = names;
        if (commands[i].run == cmd_policy)
            known[i].arguments = documents;
    }
    if (argc != 2 || !completion_print(argv[1], known, COMMANDS))
        return command_misused(program, "completion", "name one shell: bash, zsh or fish");
    return EXIT_DONE;
}

enum exit_code cmd_version(struct program *program, int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return command_misused(program, "version", "no arguments are taken");
    if (program->json)
        return json_print(json_pack("{ss si ss}", "command", "version", "exit", 0, "version", VAULTFERRY_VERSION))
                       ? EXIT_DONE
                       : EXIT_INTERNAL;
    (void)printf("vaultferry %s\n", VAULTFERRY_VERSION);
    return EXIT_DONE;
}

enum exit_code command_fail(
        const struct program *program, const char *command, enum exit_code code, const struct failure *failure)
{
    if (program->json)
        (void)json_print(
                json_pack("{ss si so}", "command", command, "exit", (int)code, "error", failure_json(failure)));
    event_end_progress();
    (void)fprintf(stderr, "vaultferry: %s\n", failure->what);
    return code;
}

enum exit_code command_misused(const struct program *program, const char *command, const char *format, ...)
{
    struct failure failure = { .verdict = VERDICT_USAGE };
    char what[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    failure_set(&failure, VERDICT_USAGE, "%s: %s (vaultferry help%s%s)", command, what,
            find_command(command) != NULL ? " " : "", find_command(command) != NULL ? command : "");
    return command_fail(program, command, EXIT_USAGE, &failure);
}

bool option_list_add(struct option_list *list, const char *value)
{
    if (list->count == sizeof list->items / sizeof list->items[0])
        return false;
    list->items[list->count++] = value;
    return true;
}

/* The options before the command. False: told what is wrong. */
static bool take_options(struct program *program, int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
        { "state-dir", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
        { "verbose", no_argument, NULL, 'v' }, { "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 } };
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "+c:vqh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            program->config_option = optarg;
            break;
        case 's':
            if (strlen(optarg) >= sizeof program->state_dir || optarg[0] == '\0') {
                (void)command_misused(program, "--state-dir", "the path is empty or too long");
                return false;
            }
            (void)snprintf(program->state_dir, sizeof program->state_dir, "%s", optarg);
            break;
        case 'j':
            program->json = true;
            break;
        case 'v':
            program->verbose++;
            break;
        case 'q':
            program->quiet = true;
            break;
        case 'h':
            argv[optind - 1] = "help"; /* as the command */
            optind--;
            return true;
        case 'V':
            argv[optind - 1] = "version";
            optind--;
            return true;
        default:
            (void)command_misused(
                    program, "vaultferry", "option \"%s\" is unknown, or lacks its value", argv[optind - 1]);
            return false;
        }
    }
    return true;
}

static enum exit_code unknown_command(const struct program *program, const char *name)
{
    struct suggest suggestion;

    suggest_init(&suggestion, name);
    for (size_t i = 0; i < COMMANDS; i++)
        suggest_offer(&suggestion, commands[i].name);
    if (suggestion.best != NULL)
        return command_misused(
                program, "vaultferry", "there is no command \"%s\": did you mean \"%s\"?", name, suggestion.best);
    return command_misused(program, "vaultferry", "there is no command \"%s\"", name);
}

/*
 * Where whoever starts us has closed one of the three, the next file that is opened would get its number: what is
 * printed would land in a manifest, its locks or a connection. Its place is taken the wrong way round, so that reading
 * or writing there fails as it would have failed.
 */
static bool hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int command_main(int argc, char **argv)
{
    struct program *program = hold_standard_descriptors() ? calloc(1, sizeof *program) : NULL;
    const struct command *command;
    struct failure failure;
    enum exit_code code = EXIT_USAGE;

    if (program == NULL)
        return EXIT_INTERNAL;
    (void)signal(SIGCHLD, SIG_DFL); /* ignored by a caller, no command's end would ever be heard */
    if (!take_options(program, argc, argv))
        goto out;
    if (optind == argc) {
        if (program->json)
            (void)command_misused(program, "vaultferry", "the command is missing");
        else
            (void)fprintf(stderr, "%s\nvaultferry help lists the commands.\n", usage);
        goto out;
    }
    event_start(program->quiet);
    command = find_command(argv[optind]);
    if (command == NULL) {
        code = unknown_command(program, argv[optind]);
        goto out;
    }
    if (argc > optind + 1 && strcmp(argv[optind + 1], "--help") == 0) {
        code = cmd_help(program, 2, (char *[]){ "help", argv[optind], NULL });
        goto out;
    }
    if (command->run == cmd_run || command->run == cmd_resync)
        runs_catch_signals(); /* also while it is still starting */
    if (command->needs_config &&
            (program_init(program, &failure) != VERDICT_OK || program_load_config(program, &failure) != VERDICT_OK)) {
        code = command_fail(program, command->name, verdict_exit(failure.verdict), &failure);
    } else {
        int first = optind;
        optind = 0; /* getopt begins anew */
        code = command->run(program, argc - first, argv + first);
    }
    event_end_progress();
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == EXIT_DONE)
        code = EXIT_INTERNAL;
out:
    program_free(program);
    free(program);
    return (int)code;
}
