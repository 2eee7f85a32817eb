/*
 * put: standard input, or what a command writes, into a stream source.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/age.h"
#include "agent/event.h"
#include "agent/put.h"

struct words {
    const char *source, *name;
    int64_t deadline_s; /* 0: none */
    char *const *command;
};

/* What follows "--" is the command, whatever it looks like. */
static bool take_words(struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "deadline", required_argument, NULL, 'd' }, { NULL, 0, NULL, 0 } };
    int front = 1, option;

    memset(words, 0, sizeof *words);
    while (front < argc && strcmp(argv[front], "--") != 0)
        front++;
    if (front < argc)
        words->command = &argv[front + 1];
    while ((option = getopt_long(front, argv, "", options, NULL)) != -1) {
        if (option == 'd' && words->deadline_s == 0) {
            if (age_parse(optarg, &words->deadline_s))
                continue;
            (void)command_misused(program, "put", "--deadline \"%s\": an age such as 3h is wanted", optarg);
            return false;
        }
        if (option != 's' || words->source != NULL) {
            (void)command_misused(program, "put", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
        words->source = optarg;
    }
    if (optind < front)
        words->name = argv[optind++];
    if (optind < front)
        (void)command_misused(
                program, "put", "\"%s\" is one word too many: a command comes after \"--\"", argv[optind]);
    else if (words->source == NULL || words->name == NULL)
        (void)command_misused(program, "put", "%s is missing", words->source == NULL ? "--source" : "the name");
    else if (words->command != NULL && words->command[0] == NULL)
        (void)command_misused(program, "put", "the command after \"--\" is missing");
    else
        return true;
    return false;
}

static const struct config_source *find_source(const struct program *program, const char *name)
{
    const struct config *config = program->config;

    for (size_t i = 0; i < config->source_count; i++)
        if (config->sources[i].kind == CONFIG_KIND_STREAM && strcmp(config->sources[i].name, name) == 0)
            return &config->sources[i];
    return NULL;
}

static enum exit_code tell(const struct program *program, const struct words *words, const struct put_report *report)
{
    const struct state_text name = { words->name, strlen(words->name) };
    char shown[256];

    if (report->has_error && !program->json)
        return command_fail(program, "put", report->exit, &report->error);
    if (program->json) {
        json_t *document = json_pack("{ss si ss so so sI so sI}", "command", "put", "exit", (int)report->exit, "source",
                words->source, "name", words_json(words->name), "point",
                report->point[0] != '\0' ? json_string(report->point) : json_null(), "bytes", (json_int_t)report->bytes,
                "version", report->version[0] != '\0' ? json_string(report->version) : json_null(), "parts",
                (json_int_t)report->parts);
        if (report->has_error) {
            (void)json_object_set_new(document, "error", failure_json(&report->error));
            event_error(words->source, &report->error);
        }
        event_end_progress();
        return json_print(document) ? report->exit : EXIT_INTERNAL;
    }
    event_end_progress();
    if (!program->quiet)
        (void)printf("%s: complete, point %s\n  \"%s\": %llu bytes in %u part%s, version %s\n", words->source,
                report->point, key_for_people(name.ptr, name.len, shown, sizeof shown),
                (unsigned long long)report->bytes, (unsigned)report->parts, report->parts == 1 ? "" : "s",
                report->version);
    return report->exit;
}

enum exit_code cmd_put(struct program *program, int argc, char **argv)
{
    struct words words;
    struct put_options options = { .program = program };
    struct put_report report;

    if (!take_words(program, argc, argv, &words))
        return EXIT_USAGE;
    options.source = find_source(program, words.source);
    if (options.source == NULL)
        return command_misused(program, "put",
                "--source \"%s\": the config has no source of kind stream with this name", words.source);
    options.name = (struct state_text){ words.name, strlen(words.name) };
    options.command = words.command;
    options.deadline_s = words.deadline_s;
    put_do(&options, &report);
    return tell(program, &words, &report);
}
