/*
 * restore: a source, as it was at a point or a time, into a bucket or a folder.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/restore.h"

/* What is in flight may still come to its end, and a part of a large object takes its time. */
enum { GRACE_MS = 20 * 1000 };

enum option_id {
    OPTION_SOURCE = 1,
    OPTION_PREFIX,
    OPTION_AT,
    OPTION_TO,
    OPTION_CONFLICT,
    OPTION_CLASS,
    OPTION_THAW,
    OPTION_TO_PROFILE,
    OPTION_TO_ROLE,
    OPTION_TO_REGION,
    OPTION_TO_ENDPOINT,
    OPTION_WITH_VALUE, /* those before have a value */
    OPTION_NO_WAIT,
    OPTION_DRY_RUN,
    OPTION_FROM_VERSIONS
};

struct words {
    const char *values[OPTION_WITH_VALUE];
    bool no_wait, dry_run, from_versions;
};

/* False: told what is wrong. */
static bool take_words(struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, OPTION_SOURCE },
        { "prefix", required_argument, NULL, OPTION_PREFIX }, { "at", required_argument, NULL, OPTION_AT },
        { "to", required_argument, NULL, OPTION_TO }, { "conflict", required_argument, NULL, OPTION_CONFLICT },
        { "class", required_argument, NULL, OPTION_CLASS }, { "thaw", required_argument, NULL, OPTION_THAW },
        { "to-profile", required_argument, NULL, OPTION_TO_PROFILE },
        { "to-role", required_argument, NULL, OPTION_TO_ROLE },
        { "to-region", required_argument, NULL, OPTION_TO_REGION },
        { "to-endpoint", required_argument, NULL, OPTION_TO_ENDPOINT },
        { "no-wait", no_argument, NULL, OPTION_NO_WAIT }, { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
        { "from-versions", no_argument, NULL, OPTION_FROM_VERSIONS }, { NULL, 0, NULL, 0 } };
    int option;

    memset(words, 0, sizeof *words);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < OPTION_SOURCE || option > OPTION_FROM_VERSIONS || option == OPTION_WITH_VALUE ||
                (option < OPTION_WITH_VALUE && words->values[option] != NULL)) {
            (void)command_misused(program, "restore",
                    "option \"%s\" is unknown, lacks its value, or is given too often", argv[optind - 1]);
            return false;
        }
        if (option < OPTION_WITH_VALUE)
            words->values[option] = optarg;
        words->no_wait = words->no_wait || option == OPTION_NO_WAIT;
        words->dry_run = words->dry_run || option == OPTION_DRY_RUN;
        words->from_versions = words->from_versions || option == OPTION_FROM_VERSIONS;
    }
    if (optind < argc) {
        (void)command_misused(program, "restore", "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    return true;
}

static const char *given_or(const char *value, const char *otherwise)
{
    return value != NULL ? value : otherwise;
}

static bool parse_conflict(const char *text, enum restore_conflict *conflict)
{
    static const char *const names[] = { "skip", "overwrite", "fail" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *conflict = (enum restore_conflict)i;
            return true;
        }
    }
    return false;
}

/* EXIT_DONE, or told what is wrong. */
static enum exit_code understand(struct program *program, const struct words *words, struct restore_options *options)
{
    const char *const *values = words->values;
    struct restore_target target;
    const char *what = NULL;

    if (values[OPTION_SOURCE] == NULL || values[OPTION_TO] == NULL)
        return command_misused(
                program, "restore", "%s is missing", values[OPTION_SOURCE] == NULL ? "--source" : "--to");
    if (!get_when_parse(values[OPTION_AT], &options->when))
        return command_misused(program, "restore",
                "--at takes a point's id, a time such as 2026-11-20T03:00:00Z, or an age such as 2h, not \"%s\"",
                values[OPTION_AT]);
    if (!parse_conflict(given_or(values[OPTION_CONFLICT], "skip"), &options->conflict))
        return command_misused(
                program, "restore", "--conflict is skip, overwrite or fail, not \"%s\"", values[OPTION_CONFLICT]);
    if (!thaw_tier_parse(given_or(values[OPTION_THAW], "bulk"), &options->tier))
        return command_misused(
                program, "restore", "--thaw is bulk, standard or expedited, not \"%s\"", values[OPTION_THAW]);
    options->class_ = values[OPTION_CLASS];
    if (options->class_ != NULL &&
            (options->class_[0] == '\0' || storage_class_from(options->class_, strlen(options->class_)) == CLASS_OTHER))
        return command_misused(program, "restore", "--class \"%s\": there is no such class", options->class_);
    options->source = values[OPTION_SOURCE];
    options->prefix = given_or(values[OPTION_PREFIX], "");
    if (strlen(options->prefix) > STATE_KEY_MAX)
        return command_misused(program, "restore", "--prefix is longer than a key can be");
    options->place = (struct restore_place){ .to = values[OPTION_TO],
        .profile = values[OPTION_TO_PROFILE],
        .role = values[OPTION_TO_ROLE],
        .region = values[OPTION_TO_REGION],
        .endpoint = values[OPTION_TO_ENDPOINT] };
    if (!restore_target_parse(&options->place, &target, &what))
        return command_misused(program, "restore", "--to \"%s\": %s", values[OPTION_TO], what);
    return EXIT_DONE;
}

static enum exit_code tell(const struct program *program, const struct restore_report *report)
{
    event_end_progress();
    if (program->json) {
        if (report->has_error)
            event_error(report->source, &report->error);
        return json_print(restore_report_json(report)) ? report->exit : EXIT_INTERNAL;
    }
    if (report->has_error && report->objects == 0)
        return command_fail(program, "restore", report->exit, &report->error);
    restore_report_print(report);
    return report->exit;
}

enum exit_code cmd_restore(struct program *program, int argc, char **argv)
{
    struct words words;
    struct restore_options options = { .program = program };
    struct restore_report *report;
    enum exit_code code;

    if (!take_words(program, argc, argv, &words))
        return EXIT_USAGE;
    options.no_wait = words.no_wait;
    options.dry_run = words.dry_run;
    options.from_versions = words.from_versions;
    code = understand(program, &words, &options);
    if (code != EXIT_DONE)
        return code;
    report = calloc(1, sizeof *report);
    if (report == NULL)
        return EXIT_INTERNAL;
    clock_catch_signals(GRACE_MS);
    restore_do(&options, report);
    code = tell(program, report);
    source_report_clear(&report->lines);
    free(report);
    return code;
}
