/*
 * diff: what came, changed and went in a source between two points or times. Two views are merged in key order; for a
 * document, whose lists come one after the other, once for each list.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/view_command.h"

enum { LISTS = 3 };
enum what { ADDED, CHANGED, REMOVED, SAME };

static const char *const names[LISTS] = { "added", "changed", "removed" };
static const char *const marks[LISTS] = { "+ ", "~ ", "- " };

struct words {
    const char *source, *prefix, *a, *b;
    bool from_versions;
};

struct pair {
    struct view_command *command;
    struct view *view[2];
    const struct view_object *at[2]; /* NULL: at the end */
    uint64_t count[LISTS];
};

static enum exit_code take_words(const struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "prefix", required_argument, NULL, 'p' }, { "from-versions", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
    int option;

    memset(words, 0, sizeof *words);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **into = option == 's' ? &words->source : option == 'p' ? &words->prefix : NULL;
        if (option == 'v')
            words->from_versions = true;
        else if (into == NULL || *into != NULL)
            return command_misused(program, "diff", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
        else
            *into = optarg;
    }
    if (words->source == NULL)
        return command_misused(program, "diff", "--source is missing");
    if (argc - optind != 2)
        return command_misused(program, "diff", "two points or times are compared, not %d", argc - optind);
    words->a = argv[optind];
    words->b = argv[optind + 1];
    return EXIT_DONE;
}

static bool is_same(struct state_text a, struct state_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int compare_keys(struct state_text a, struct state_text b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

/*
 * Another version in another class is the same object, moved; in the same class it was copied again, since its tags or
 * headers had changed. ETag and time of the source are only known from points.
 */
static bool is_changed(const struct pair *pair, const struct state_entry *a, const struct state_entry *b)
{
    const bool mixed = view_about(pair->view[0])->from_versions != view_about(pair->view[1])->from_versions;

    if (a->vault_version.len > 0 && is_same(a->vault_version, b->vault_version))
        return false;
    if (a->size != b->size || (!mixed && (!is_same(a->etag, b->etag) || a->source_time_ms != b->source_time_ms)))
        return true;
    return a->vault_version.len > 0 && b->vault_version.len > 0 && a->class_ == b->class_;
}

/* What comes next in key order; SAME where it is in both. *object is the one to tell of. */
static enum what judge(const struct pair *pair, const struct view_object **object)
{
    const struct view_object *a = pair->at[0], *b = pair->at[1];
    int order = a == NULL ? 1 : b == NULL ? -1 : compare_keys(a->entry.key, b->entry.key);

    *object = order < 0 ? a : b;
    if (order != 0)
        return order < 0 ? REMOVED : ADDED;
    return is_changed(pair, &a->entry, &b->entry) ? CHANGED : SAME;
}

static enum verdict step(struct pair *pair, enum what what, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    if (what != ADDED)
        verdict = view_next(pair->view[0], &pair->at[0], failure);
    if (verdict == VERDICT_OK && what != REMOVED)
        verdict = view_next(pair->view[1], &pair->at[1], failure);
    return verdict;
}

/* One pass. In a document only what belongs to the list `only` is told, on a terminal everything. */
static enum verdict pass(struct pair *pair, enum what only, struct failure *failure)
{
    const bool json = pair->command->program->json;
    const struct view_object *object;
    bool first = true;
    enum verdict verdict = view_rewind(pair->view[0], failure);

    if (verdict == VERDICT_OK)
        verdict = view_rewind(pair->view[1], failure);
    if (verdict == VERDICT_OK)
        verdict = step(pair, SAME, failure);
    while (verdict == VERDICT_OK && (pair->at[0] != NULL || pair->at[1] != NULL)) {
        enum what what = judge(pair, &object);
        if (what != SAME && (!json || what == only)) {
            pair->count[what]++;
            if (json)
                verdict = view_array_add(view_object_json(object), &first, failure);
            else
                view_object_print(marks[what], object);
        }
        if (verdict == VERDICT_OK)
            verdict = view_command_goes_on(pair->command, failure);
        if (verdict == VERDICT_OK)
            verdict = step(pair, what, failure);
    }
    return verdict;
}

static json_t *counts(const struct pair *pair)
{
    return json_pack("{s{sI sI sI}}", "total", names[ADDED], (json_int_t)pair->count[ADDED], names[CHANGED],
            (json_int_t)pair->count[CHANGED], names[REMOVED], (json_int_t)pair->count[REMOVED]);
}

static enum exit_code show(struct pair *pair)
{
    const bool json = pair->command->program->json;
    enum exit_code code = EXIT_DONE;
    struct failure failure;
    enum verdict verdict = VERDICT_OK;

    for (int i = 0; i < 2; i++)
        code = exit_worse(code, view_command_warn(pair->command, pair->view[i]));
    if (!json)
        return view_document_end(pair->command, NULL, pass(pair, SAME, &failure), code, &failure);
    view_document_begin(pair->command, json_pack("{so so}", "a", view_about_json(view_about(pair->view[0])), "b",
                                               view_about_json(view_about(pair->view[1]))));
    for (int list = 0; list < LISTS; list++) {
        view_array_begin(names[list]);
        if (verdict == VERDICT_OK)
            verdict = pass(pair, (enum what)list, &failure);
        view_array_end();
    }
    return view_document_end(pair->command, counts(pair), verdict, code, &failure);
}

static enum verdict open_views(
        struct pair *pair, const struct words *words, const struct get_when when[2], struct failure *failure)
{
    struct view_command *command = pair->command;
    enum verdict verdict = view_command_open(command, words->source, failure);

    for (int i = 0; i < 2 && verdict == VERDICT_OK; i++) {
        const struct view_options options = { .program = command->program,
            .vault = &command->vault,
            .conn = command->conn,
            .source = command->source,
            .when = &when[i],
            .from_versions = words->from_versions,
            .prefix = { words->prefix, words->prefix != NULL ? strlen(words->prefix) : 0 } };
        verdict = view_open(&options, &pair->view[i], failure);
    }
    return verdict;
}

enum exit_code cmd_diff(struct program *program, int argc, char **argv)
{
    struct view_command command = { .program = program, .name = "diff" };
    struct pair pair = { .command = &command };
    struct words words;
    struct get_when when[2];
    struct failure failure;
    enum exit_code code = take_words(program, argc, argv, &words);

    if (code != EXIT_DONE)
        return code;
    if (!get_when_parse(words.a, &when[0]) || !get_when_parse(words.b, &when[1]))
        return command_misused(program, "diff",
                "%s: a point's id, a time such as 2026-11-20T03:00:00Z, an age such as 2h, or latest",
                get_when_parse(words.a, &when[0]) ? words.b : words.a);
    code = open_views(&pair, &words, when, &failure) == VERDICT_OK
                   ? show(&pair)
                   : command_fail(program, "diff", verdict_exit(failure.verdict), &failure);
    view_close(pair.view[0]);
    view_close(pair.view[1]);
    view_command_close(&command);
    return code;
}
