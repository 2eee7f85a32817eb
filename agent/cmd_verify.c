/*
 * verify: manifest, vault and chain of points against each other, and, with --read-data, the bytes. Reads only.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/outcome.h"
#include "agent/report.h"
#include "agent/vault_sources.h"
#include "agent/verify.h"

enum { GRACE_MS = 10 * 1000 };

struct options {
    struct option_list wanted;
    const char *subset, *sample;
    bool read_data;
};

static bool take_options(struct program *program, int argc, char **argv, struct options *out)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "subset", required_argument, NULL, 'u' }, { "sample", required_argument, NULL, 'a' },
        { "read-data", no_argument, NULL, 'r' }, { NULL, 0, NULL, 0 } };
    struct verify_choice choice;
    int option;
    bool well = true;

    memset(out, 0, sizeof *out);
    while (well && (option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == 's')
            well = option_list_add(&out->wanted, optarg);
        else if (option == 'u')
            out->subset = optarg;
        else if (option == 'a')
            out->sample = optarg;
        else if (option == 'r')
            out->read_data = true;
        else
            well = false;
    }
    if (!well)
        (void)command_misused(program, "verify", "option \"%s\" is unknown, lacks its value, or is given too often",
                argv[optind - 1]);
    else if (optind < argc)
        (void)command_misused(program, "verify", "\"%s\" is one word too many", argv[optind]);
    else if (out->subset != NULL && out->sample != NULL)
        (void)command_misused(program, "verify", "--subset and --sample exclude each other");
    else if (out->subset != NULL && !verify_choice_subset(out->subset, &choice))
        (void)command_misused(program, "verify", "--subset \"%s\" is not of the form 3/10", out->subset);
    else if (out->sample != NULL && !verify_choice_sample(out->sample, 0, &choice))
        (void)command_misused(program, "verify", "--sample \"%s\" is not of the form 5%%", out->sample);
    else
        return true;
    return false;
}

/* What is told of all sources. */
struct telling {
    const struct program *program;
    json_t *problems, *sources;
    uint64_t checked, bytes_read, told;
    json_t *error; /* the first source's that could not be looked at; NULL: none */
    struct outcome outcome;
};

static void tell_problem(void *ctx, const struct verify_problem *problem)
{
    struct telling *telling = ctx;
    char key[4200];

    telling->told++;
    outcome_problem(&telling->outcome, "%s: %s: %s", problem->problem,
            key_for_people(problem->key.ptr, problem->key.len, key, sizeof key), problem->detail);
    if (!telling->program->json) {
        event_end_progress();
        (void)printf("%s: %s: %s: %s\n", problem->source, problem->problem,
                key_for_people(problem->key.ptr, problem->key.len, key, sizeof key), problem->detail);
        return;
    }
    if (json_array_size(telling->problems) >= VERIFY_LISTED_MAX)
        return;
    (void)json_array_append_new(
            telling->problems, json_pack("{ss so ss so}", "source", problem->source, "key", key_json(problem->key),
                                       "problem", problem->problem, "detail", words_json(problem->detail)));
}

static json_t *notes_json(const struct verify_report *report)
{
    json_t *notes = json_array();

    for (int i = 0; i < VERIFY_NOTES; i++)
        if (report->notes[i].count > 0)
            (void)json_array_append_new(
                    notes, json_pack("{ss sI so}", "note", verify_note_name((enum verify_note_kind)i), "count",
                                   (json_int_t)report->notes[i].count, "detail", words_json(report->notes[i].detail)));
    return notes;
}

static json_t *source_json(const struct verify_report *report, const struct failure *failure)
{
    json_t *json = json_pack("{ss so sI sI sI sI sI sI s{sI sI sI} sI sb so}", "source", report->source, "point",
            report->newest[0] != '\0' ? json_string(report->newest) : json_null(), "points", (json_int_t)report->points,
            "checked", (json_int_t)report->checked, "versions", (json_int_t)report->versions, "problems",
            (json_int_t)report->problems, "read", (json_int_t)report->read, "bytes_read",
            (json_int_t)report->bytes_read, "compared", "by_etag", (json_int_t)report->by_etag, "by_checksum",
            (json_int_t)report->by_checksum, "by_size", (json_int_t)report->by_size, "archived",
            (json_int_t)report->archived, "stopped", (int)report->stopped, "notes", notes_json(report));

    if (json != NULL && failure != NULL)
        (void)json_object_set_new(json, "error", failure_json(failure));
    return json;
}

static void print_source(const struct verify_report *report, bool read_data)
{
    for (int i = 0; i < VERIFY_NOTES; i++)
        if (report->notes[i].count > 0)
            (void)printf("%s: note: %s: %llu; %s\n", report->source, verify_note_name((enum verify_note_kind)i),
                    (unsigned long long)report->notes[i].count, report->notes[i].detail);
    if (read_data)
        (void)printf("%s: %llu versions read, %llu bytes: compared by ETag %llu, by checksum %llu, by size only %llu; "
                     "%llu archived\n",
                report->source, (unsigned long long)report->read, (unsigned long long)report->bytes_read,
                (unsigned long long)report->by_etag, (unsigned long long)report->by_checksum,
                (unsigned long long)report->by_size, (unsigned long long)report->archived);
    (void)printf("%s: %llu points, %llu objects and %llu versions checked%s: %llu problem%s\n", report->source,
            (unsigned long long)report->points, (unsigned long long)report->checked,
            (unsigned long long)report->versions, report->stopped ? ", then stopped" : "",
            (unsigned long long)report->problems, report->problems == 1 ? "" : "s");
}

static enum exit_code verify_one(struct verify_options *verify, const struct options *options, struct telling *telling)
{
    struct verify_report *report = calloc(1, sizeof *report);
    struct failure failure = { .verdict = VERDICT_OK };
    enum exit_code code = EXIT_DONE;
    enum verdict verdict;

    if (report == NULL) {
        failure_set(&failure, VERDICT_INTERNAL, "out of memory");
        event_error(verify->source, &failure);
        return EXIT_INTERNAL;
    }
    (void)pthread_mutex_init(&report->lock, NULL);
    verdict = verify_source(verify, report, &failure);
    event_end_progress();
    if (verdict == VERDICT_CANCELLED)
        report->stopped = true;
    else if (verdict != VERDICT_OK)
        event_error(verify->source, &failure);
    if (verdict != VERDICT_OK)
        code = verdict_exit(verdict);
    if (verdict != VERDICT_OK && telling->error == NULL)
        telling->error = failure_json(&failure);
    if (report->stopped)
        code = exit_worse(code, EXIT_LEFT);
    if (report->problems > 0)
        code = exit_worse(code, EXIT_PARTIAL);
    outcome_source(&telling->outcome, &(struct outcome_source){ .source = verify->source,
                                              .exit = code,
                                              .checked = report->checked,
                                              .problems = report->problems,
                                              .error = verdict != VERDICT_OK ? &failure : NULL });
    telling->checked += report->checked;
    telling->bytes_read += report->bytes_read;
    if (telling->program->json)
        (void)json_array_append_new(telling->sources, source_json(report, verdict != VERDICT_OK ? &failure : NULL));
    else if (!telling->program->quiet)
        print_source(report, options->read_data);
    (void)pthread_mutex_destroy(&report->lock);
    free(report);
    return code;
}

static enum exit_code verify_all(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const struct options *options, const struct vault_sources *sources, struct telling *telling)
{
    struct verify_options verify = { .program = program,
        .vault = vault,
        .conn = conn,
        .read_data = options->read_data,
        .problem = tell_problem,
        .ctx = telling };
    enum exit_code code = EXIT_DONE;

    if (options->subset != NULL)
        (void)!verify_choice_subset(options->subset, &verify.choice);
    if (options->sample != NULL)
        (void)!verify_choice_sample(options->sample, vault_now_ms(vault), &verify.choice);
    for (size_t i = 0; i < sources->count; i++) {
        verify.source = sources->names[i];
        if (clock_stop_asked())
            return exit_worse(code, EXIT_LEFT);
        code = exit_worse(code, verify_one(&verify, options, telling));
    }
    return code;
}

static bool print_document(const struct telling *telling, enum exit_code code)
{
    json_t *document = json_pack("{ss si sI sI sI sO sO}", "command", "verify", "exit", (int)code, "checked",
            (json_int_t)telling->checked, "bytes_read", (json_int_t)telling->bytes_read, "problem_count",
            (json_int_t)telling->told, "problems", telling->problems, "sources", telling->sources);

    if (document != NULL && telling->error != NULL)
        (void)json_object_set(document, "error", telling->error);
    return json_print(document);
}

enum exit_code cmd_verify(struct program *program, int argc, char **argv)
{
    struct options options;
    const struct access_options access = { .session_name = "vaultferry-verify" };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct telling telling = { .program = program };
    struct s3_conn *conn = NULL;
    struct failure failure;
    enum exit_code code;
    enum verdict verdict;

    if (!take_options(program, argc, argv, &options))
        return EXIT_USAGE;
    clock_catch_signals(GRACE_MS);
    telling.problems = json_array();
    telling.sources = json_array();
    outcome_begin(&telling.outcome, program, "verify");
    verdict = vault_open(program, &access, &vault, &failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &conn, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, conn, &options.wanted, &sources, &failure);
    if (verdict != VERDICT_OK)
        code = command_fail(program, "verify", verdict_exit(verdict), &failure);
    else
        code = verify_all(program, &vault, conn, &options, &sources, &telling);
    if (verdict == VERDICT_OK && program->json && !print_document(&telling, code))
        code = EXIT_INTERNAL;
    outcome_end(&telling.outcome, verdict != VERDICT_OK ? &failure : NULL);
    json_decref(telling.error);
    json_decref(telling.problems);
    json_decref(telling.sources);
    vault_sources_free(&sources);
    s3_conn_free(conn);
    vault_close(&vault);
    return code;
}
