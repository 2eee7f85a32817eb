/*
 * ls: the objects of a source at a point or a time, in key order. They are printed as they are read.
 */
#include <getopt.h>
#include <string.h>

#include "agent/view_command.h"

struct words {
    const char *source, *prefix, *at;
    bool from_versions;
};

static enum exit_code take_words(const struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "prefix", required_argument, NULL, 'p' }, { "at", required_argument, NULL, 'a' },
        { "from-versions", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
    int option;

    memset(words, 0, sizeof *words);
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        const char **into = option == 's'   ? &words->source
                            : option == 'p' ? &words->prefix
                            : option == 'a' ? &words->at
                                            : NULL;
        if (option == 'v')
            words->from_versions = true;
        else if (into == NULL || *into != NULL)
            return command_misused(program, "ls", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
        else
            *into = optarg;
    }
    if (optind < argc)
        return command_misused(program, "ls", "\"%s\" is one word too many", argv[optind]);
    return words->source != NULL ? EXIT_DONE : command_misused(program, "ls", "--source is missing");
}

static enum verdict list(const struct view_command *command, struct view *view, json_t **total, struct failure *failure)
{
    const struct view_object *object = NULL;
    json_int_t objects = 0, bytes = 0;
    bool first = true;
    enum verdict verdict = view_next(view, &object, failure);

    while (verdict == VERDICT_OK && object != NULL) {
        objects++;
        bytes += (json_int_t)object->entry.size;
        if (command->program->json)
            verdict = view_array_add(view_object_json(object), &first, failure);
        else
            view_object_print("", object);
        if (verdict == VERDICT_OK)
            verdict = view_command_goes_on(command, failure);
        if (verdict == VERDICT_OK)
            verdict = view_next(view, &object, failure);
    }
    *total = json_pack("{s{sI sI}}", "total", "objects", objects, "bytes", bytes);
    return verdict;
}

static enum exit_code show(struct view_command *command, struct view *view)
{
    const bool json = command->program->json;
    enum exit_code code = view_command_warn(command, view);
    struct failure failure;
    json_t *total = NULL;
    enum verdict verdict;

    if (json) {
        view_document_begin(command, view_about_json(view_about(view)));
        view_array_begin("objects");
    }
    verdict = list(command, view, &total, &failure);
    if (json)
        view_array_end();
    return view_document_end(command, total, verdict, code, &failure);
}

enum exit_code cmd_ls(struct program *program, int argc, char **argv)
{
    struct view_command command = { .program = program, .name = "ls" };
    struct words words;
    struct get_when when;
    struct view *view = NULL;
    struct failure failure;
    enum exit_code code = take_words(program, argc, argv, &words);
    enum verdict verdict;

    if (code != EXIT_DONE)
        return code;
    if (!get_when_parse(words.at, &when))
        return command_misused(program, "ls",
                "--at %s: a point's id, a time such as 2026-11-20T03:00:00Z, or an age such as 2h", words.at);
    verdict = view_command_open(&command, words.source, &failure);
    if (verdict == VERDICT_OK) {
        const struct view_options options = { .program = program,
            .vault = &command.vault,
            .conn = command.conn,
            .source = command.source,
            .when = &when,
            .from_versions = words.from_versions,
            .prefix = { words.prefix, words.prefix != NULL ? strlen(words.prefix) : 0 } };
        verdict = view_open(&options, &view, &failure);
    }
    code = verdict == VERDICT_OK ? show(&command, view) : command_fail(program, "ls", verdict_exit(verdict), &failure);
    view_close(view);
    view_command_close(&command);
    return code;
}
