/*
 * drill: restores a sample into a scratch bucket, compares it, takes it away again, and leaves a record in the vault.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/drill.h"
#include "agent/event.h"
#include "agent/outcome.h"
#include "agent/report.h"
#include "agent/vault_sources.h"

enum {
    GRACE_MS = 25 * 1000
}; /* after a signal: half of it for what is on its way, half for cleaning up. ECS gives
      30 s unless told otherwise */
#define THAW_MAX_DEFAULT (UINT64_C(10) << 30) /* a bulk thaw of it costs some cents */

struct words {
    struct option_list sources;
    const char *at;
    struct drill_options options;
};

static bool take_number(const char *text, int base, uint64_t most, uint64_t *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char *end;

    if (strspn(text, digits) != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, base);
    return errno == 0 && end != text && *end == '\0' && *out <= most;
}

static bool take_cost(const char *text, double *out)
{
    char *end;

    if (strspn(text, "0123456789.") != strlen(text))
        return false;
    *out = strtod(text, &end);
    return end != text && *end == '\0';
}

static bool take_value(struct words *words, int option)
{
    struct drill_options *options = &words->options;

    switch (option) {
    case 't':
        options->place.to = optarg;
        return true;
    case 's':
        return option_list_add(&words->sources, optarg);
    case 'n':
        return take_number(optarg, 10, DRILL_SAMPLE_MAX, &options->sample) && options->sample > 0;
    case 'T':
        return take_number(optarg, 10, UINT64_MAX, &options->thaw_max);
    case 'c':
        return take_cost(optarg, &options->cost_max);
    case 'S':
        options->has_seed = true;
        return take_number(optarg, 16, UINT64_MAX, &options->seed);
    case 'a':
        words->at = optarg;
        return get_when_parse(optarg, &options->when);
    case 'x':
        return thaw_tier_parse(optarg, &options->tier);
    case 'w':
        options->no_wait = true;
        return true;
    case 'p':
        options->place.profile = optarg;
        return true;
    case 'r':
        options->place.role = optarg;
        return true;
    case 'R':
        options->place.region = optarg;
        return true;
    case 'e':
        options->place.endpoint = optarg;
        return true;
    default:
        return false;
    }
}

static bool take_words(struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "to", required_argument, NULL, 't' },
        { "source", required_argument, NULL, 's' }, { "sample", required_argument, NULL, 'n' },
        { "max-thaw", required_argument, NULL, 'T' }, { "max-cost", required_argument, NULL, 'c' },
        { "seed", required_argument, NULL, 'S' }, { "at", required_argument, NULL, 'a' },
        { "thaw", required_argument, NULL, 'x' }, { "no-wait", no_argument, NULL, 'w' },
        { "to-profile", required_argument, NULL, 'p' }, { "to-role", required_argument, NULL, 'r' },
        { "to-region", required_argument, NULL, 'R' }, { "to-endpoint", required_argument, NULL, 'e' },
        { NULL, 0, NULL, 0 } };
    struct restore_target parsed;
    const char *what;
    int option;

    words->options.sample = DRILL_SAMPLE_DEFAULT;
    words->options.thaw_max = THAW_MAX_DEFAULT;
    words->options.cost_max = program->config->limits.max_cost;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take_value(words, option)) {
            (void)command_misused(program, "drill",
                    "option \"%s\" is unknown, lacks its value, or has one that cannot be (--sample is 1 to %d, "
                    "--max-thaw a number of bytes, --seed 16 hex digits, --thaw bulk, standard or expedited)",
                    argv[optind - 1], DRILL_SAMPLE_MAX);
            return false;
        }
    if (optind < argc)
        (void)command_misused(program, "drill", "\"%s\" is one word too many", argv[optind]);
    else if (words->options.place.to == NULL)
        (void)command_misused(
                program, "drill", "--to s3://BUCKET/PREFIX is missing: a bucket to restore the sample to");
    else if (!restore_target_parse(&words->options.place, &parsed, &what))
        (void)command_misused(program, "drill", "--to \"%s\": %s", words->options.place.to, what);
    else if (parsed.folder != NULL)
        (void)command_misused(program, "drill", "--to \"%s\": a drill restores to a bucket, s3://BUCKET/PREFIX",
                words->options.place.to);
    else
        return true;
    return false;
}

/* The exit code of all, what their documents have in common, and each source's record. */
struct result {
    enum exit_code exit;
    uint64_t checked, bytes_read, sample;
    json_t *problems, *sources;
    json_t *confidence, *record; /* of the last source: the top's where it is the only one */
    struct failure error;
    bool has_error;
    struct outcome outcome;
};

static void note(
        const struct program *program, const char *source, const struct drill_report *report, struct result *result)
{
    json_t *document, *problems = drill_problems_json(report);

    result->exit = exit_worse(result->exit, report->exit);
    for (size_t i = 0; i < report->listed; i++) {
        char key[4200];
        outcome_problem(&result->outcome, "%s: %s: %s", report->items[i].problem,
                key_for_people(report->items[i].key, report->items[i].key_len, key, sizeof key),
                report->items[i].detail);
    }
    outcome_source(&result->outcome, &(struct outcome_source){ .source = source,
                                             .exit = report->exit,
                                             .checked = report->checked,
                                             .problems = report->problems,
                                             .error = report->has_error ? &report->error : NULL });
    result->checked += report->checked;
    result->bytes_read += report->bytes_read;
    for (unsigned i = 0; i < DRILL_STRATA; i++)
        result->sample += report->strata.wanted[i];
    (void)json_array_extend(result->problems, problems);
    json_decref(problems);
    if (report->has_error && !result->has_error) {
        result->has_error = true;
        result->error = report->error;
    }
    json_decref(result->confidence);
    json_decref(result->record);
    result->confidence = report->done ? drill_confidence_json(report) : json_null();
    result->record = report->record[0] != '\0' ? json_string(report->record) : json_null();
    document = drill_record_json(report);
    if (document != NULL &&
            (json_object_set_new(document, "exit", json_integer((int)report->exit)) != 0 ||
                    json_object_set(document, "record", result->record) != 0 ||
                    json_object_set_new(document, "thawing", json_integer((json_int_t)report->thawing)) != 0 ||
                    (report->has_error && json_object_set_new(document, "error", failure_json(&report->error)) != 0) ||
                    json_array_append(result->sources, document) != 0))
        result->exit = EXIT_INTERNAL;
    json_decref(document);
    if (!program->json)
        drill_page_print(report);
    else if (report->has_error)
        event_error(report->source, &report->error);
}

static enum verdict drill_all(struct program *program, struct words *words, const struct vault *vault,
        struct counters *counters, struct result *result, struct failure *failure)
{
    struct drill_options *options = &words->options;
    struct vault_sources sources = { .count = 0 };
    struct drill_report *report = malloc(sizeof *report);
    enum verdict verdict = report != NULL ? program_connect(program, &options->conn, failure)
                                          : failure_set(failure, VERDICT_INTERNAL, "out of memory");

    options->program = program;
    options->vault = vault;
    options->counters = counters;
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, vault, options->conn, &words->sources, &sources, failure);
    if (verdict == VERDICT_OK && sources.count == 0)
        verdict = failure_set(failure, VERDICT_NOT_FOUND, "the vault holds no source that could be drilled");
    for (size_t i = 0; verdict == VERDICT_OK && i < sources.count && !clock_stop_asked(); i++) {
        options->source = sources.names[i];
        if (i > 0 && !program->json)
            (void)printf("\n");
        drill_do(options, report);
        event_end_progress();
        note(program, sources.names[i], report, result);
        drill_report_free(report);
    }
    if (clock_stop_asked())
        result->exit = exit_worse(result->exit, EXIT_LEFT);
    outcome_end(&result->outcome, verdict != VERDICT_OK ? failure : NULL);
    free(report);
    vault_sources_free(&sources);
    s3_conn_free(options->conn);
    return verdict;
}

static bool print_json(const struct result *result)
{
    bool single = json_array_size(result->sources) == 1;
    json_t *document = json_pack("{ss si sI sI sI sO sO sO sO}", "command", "drill", "exit", (int)result->exit,
            "checked", (json_int_t)result->checked, "bytes_read", (json_int_t)result->bytes_read, "sample",
            (json_int_t)result->sample, "problems", result->problems, "confidence",
            single ? result->confidence : json_null(), "record", single ? result->record : json_null(), "sources",
            result->sources);

    if (document != NULL && result->has_error &&
            json_object_set_new(document, "error", failure_json(&result->error)) != 0) {
        json_decref(document);
        return false;
    }
    return json_print(document);
}

enum exit_code cmd_drill(struct program *program, int argc, char **argv)
{
    const struct access_options access = { .session_name = "vaultferry-drill" };
    struct words *words = calloc(1, sizeof *words);
    struct result result = { .exit = EXIT_DONE, .problems = json_array(), .sources = json_array() };
    struct vault vault = { .access = NULL };
    struct counters counters = { .budget = NULL };
    struct failure failure;
    enum verdict verdict;

    if (words == NULL || !take_words(program, argc, argv, words)) {
        result.exit = words == NULL ? EXIT_INTERNAL : EXIT_USAGE;
        goto out;
    }
    clock_catch_signals(GRACE_MS);
    outcome_begin(&result.outcome, program, "drill");
    verdict = vault_open(program, &access, &vault, &failure);
    if (verdict == VERDICT_OK)
        verdict = drill_all(program, words, &vault, &counters, &result, &failure);
    else
        outcome_end(&result.outcome, &failure);
    if (verdict != VERDICT_OK)
        result.exit = command_fail(program, "drill", verdict_exit(verdict), &failure);
    else if (program->json && !print_json(&result))
        result.exit = EXIT_INTERNAL;
out:
    json_decref(result.problems);
    json_decref(result.sources);
    json_decref(result.confidence);
    json_decref(result.record);
    vault_close(&vault);
    free(words);
    return result.exit;
}
