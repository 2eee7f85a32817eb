/*
 * prune: forgets points that the policy no longer keeps, and removes what no point needs any more.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/outcome.h"
#include "agent/permission_hint.h"
#include "agent/prune.h"
#include "agent/report.h"
#include "agent/select.h"
#include "agent/vault_sources.h"

enum { GRACE_MS = 25 * 1000 };

struct options {
    struct option_list wanted, accept;
    bool dry_run;
};

static bool take_options(struct program *program, int argc, char **argv, struct options *out)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "accept", required_argument, NULL, 'a' }, { "dry-run", no_argument, NULL, 'd' }, { NULL, 0, NULL, 0 } };
    int option;
    bool well = true;

    memset(out, 0, sizeof *out);
    while (well && (option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == 's')
            well = option_list_add(&out->wanted, optarg);
        else if (option == 'a')
            well = option_list_add(&out->accept, optarg);
        else if (option == 'd')
            out->dry_run = true;
        else
            well = false;
    }
    if (!well)
        (void)command_misused(
                program, "prune", "option \"%s\" is unknown, lacks its value, or is given too often", argv[optind - 1]);
    else if (optind < argc)
        (void)command_misused(program, "prune", "\"%s\" is one word too many", argv[optind]);
    else
        return true;
    return false;
}

/* Whose the credentials are: the role that may end versions, and no other in its place. */
static enum verdict check_role(const struct config *config, struct failure *failure)
{
    if (config->vault.prune_role_arn == NULL && config->vault.access.role_arn != NULL)
        return failure_set(failure, VERDICT_USAGE,
                "the config has vault.role_arn but no vault.prune_role_arn: what writes the vault must not be able to "
                "remove versions, so name the role that may (`vaultferry policy prune-role` prints its rights)");
    return VERDICT_OK;
}

struct pruned {
    const struct program *program;
    const struct vault *vault;
    struct s3_conn *conn;
    const struct options *options;
    struct prices prices;
    struct prune_report *reports;
    size_t count;
    struct outcome outcome;
};

static bool is_accepted(const struct pruned *pruned, const char *source, const struct config_source *config)
{
    size_t cursor = 0;
    const char *bucket = config != NULL ? select_next_literal(config, &cursor) : NULL;

    for (size_t i = 0; i < pruned->options->accept.count; i++) {
        const char *name = pruned->options->accept.items[i];
        if (strcmp(name, source) == 0 || (config->name != NULL && bucket != NULL && strcmp(name, bucket) == 0))
            return true;
    }
    return false;
}

static enum exit_code prune_one(struct pruned *pruned, const char *source)
{
    const struct config_source *config = select_source_of(pruned->program->config, source);
    struct prune_report *report = &pruned->reports[pruned->count++];
    const struct prune_whose whose = { .program = pruned->program,
        .vault = pruned->vault,
        .conn = pruned->conn,
        .folder = source,
        .accept = config != NULL && is_accepted(pruned, source, config) };
    struct prune_options options = { .program = pruned->program,
        .vault = pruned->vault,
        .conn = pruned->conn,
        .prices = &pruned->prices,
        .source = source,
        .dry_run = pruned->options->dry_run };

    (void)snprintf(report->source, sizeof report->source, "%s", source);
    if (config == NULL) {
        event_warn("no-policy", source, "the config has no source of this name, so no policy says what may go");
        return EXIT_DONE;
    }
    if (prune_find_source(&whose, &config, report->stopped, &report->error) != VERDICT_OK) {
        report->has_error = true;
        report->exit = verdict_exit(report->error.verdict);
        event_error(source, &report->error);
    } else if (config == NULL) {
        report->exit = EXIT_GUARDED;
        event_warn("prune-stopped", source, "%s", report->stopped);
    } else {
        options.policy = config->policy;
        options.account = config->access.account;
        options.accept = whose.accept;
        prune_source(&options, report);
    }
    if (report->stopped[0] != '\0')
        outcome_problem(&pruned->outcome, "%s", report->stopped);
    outcome_source(&pruned->outcome, &(struct outcome_source){ .source = source,
                                             .exit = report->exit,
                                             .checked = report->all_versions,
                                             .problems = report->failed + report->ignored,
                                             .error = report->has_error ? &report->error : NULL });
    if (!pruned->program->json && !pruned->program->quiet)
        prune_report_print(report, &pruned->prices, options.dry_run);
    return report->exit;
}

/* A name that accepts nothing is a slip of the pen: who made it would take the source for accepted. */
static enum verdict check_accepted(
        const struct pruned *pruned, const struct vault_sources *sources, struct failure *failure)
{
    for (size_t i = 0; i < pruned->options->accept.count; i++) {
        bool known = false;
        for (size_t j = 0; j < sources->count; j++) {
            const struct config_source *config = select_source_of(pruned->program->config, sources->names[j]);
            const struct options one = { .accept = { { pruned->options->accept.items[i] }, 1 } };
            const struct pruned only = { .options = &one };
            known = known || (config != NULL && is_accepted(&only, sources->names[j], config));
        }
        if (!known)
            return failure_set(failure, VERDICT_USAGE, "--accept %s: this prune has no source or bucket of that name",
                    pruned->options->accept.items[i]);
    }
    return VERDICT_OK;
}

static bool print_document(const struct pruned *pruned, enum exit_code code)
{
    struct prune_report sum = { .exit = code };
    json_t *sources = json_array(), *document, *error = NULL;

    for (size_t i = 0; i < pruned->count; i++) {
        const struct prune_report *report = &pruned->reports[i];
        sum.forgotten += pruned->options->dry_run ? report->points.forgotten : report->forgotten;
        sum.counts.versions += report->counts.versions;
        sum.counts.bytes += report->counts.bytes;
        sum.counts.markers += report->counts.markers;
        sum.retained_by_lock += report->retained_by_lock;
        sum.failed += report->failed;
        if (report->has_error && error == NULL)
            error = failure_json(&report->error);
        (void)json_array_append_new(sources, prune_report_json(report, &pruned->prices, pruned->options->dry_run));
    }
    document = json_pack("{ss si sb sI sI sI sI sI sI so so}", "command", "prune", "exit", (int)code, "dry_run",
            (int)pruned->options->dry_run, "forgotten", (json_int_t)sum.forgotten, "versions",
            (json_int_t)sum.counts.versions, "bytes", (json_int_t)sum.counts.bytes, "markers",
            (json_int_t)sum.counts.markers, "retained_by_lock", (json_int_t)sum.retained_by_lock, "failed",
            (json_int_t)sum.failed, "cost", prune_cost_json(pruned->reports, pruned->count, &pruned->prices), "sources",
            sources);
    if (document != NULL && error != NULL)
        (void)json_object_set(document, "error", error);
    json_decref(error);
    return json_print(document);
}

static enum exit_code prune_all(struct pruned *pruned, const struct vault_sources *sources)
{
    enum exit_code code = EXIT_DONE;

    for (size_t i = 0; i < sources->count; i++) {
        if (clock_stop_asked()) {
            code = exit_worse(code, EXIT_LEFT);
            break;
        }
        code = exit_worse(code, prune_one(pruned, sources->names[i]));
    }
    return code;
}

enum exit_code cmd_prune(struct program *program, int argc, char **argv)
{
    struct options options;
    const struct access_options access = { .role_arn = program->config->vault.prune_role_arn,
        .session_name = "vaultferry-prune" };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct pruned pruned = { .program = program, .vault = &vault, .options = &options };
    struct failure failure;
    enum exit_code code;
    enum verdict verdict;

    if (!take_options(program, argc, argv, &options))
        return EXIT_USAGE;
    clock_catch_signals(GRACE_MS);
    outcome_begin(&pruned.outcome, program, "prune");
    verdict = check_role(program->config, &failure);
    permission_hint_as(PERMISSION_PRUNE_ROLE);
    if (verdict == VERDICT_OK)
        verdict = prices_load(program->config, &pruned.prices, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_open(program, &access, &vault, &failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &pruned.conn, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, pruned.conn, &options.wanted, &sources, &failure);
    if (verdict == VERDICT_OK)
        verdict = check_accepted(&pruned, &sources, &failure);
    if (verdict == VERDICT_OK && (pruned.reports = calloc(sources.count + 1, sizeof *pruned.reports)) == NULL)
        verdict = failure_set(&failure, VERDICT_INTERNAL, "out of memory");
    if (verdict != VERDICT_OK)
        code = command_fail(program, "prune", verdict_exit(verdict), &failure);
    else
        code = prune_all(&pruned, &sources);
    if (verdict == VERDICT_OK && program->json && !print_document(&pruned, code))
        code = EXIT_INTERNAL;
    outcome_end(&pruned.outcome, verdict != VERDICT_OK ? &failure : NULL);
    for (size_t i = 0; i < pruned.count; i++)
        prune_report_clear(&pruned.reports[i]);
    free(pruned.reports);
    vault_sources_free(&sources);
    s3_conn_free(pruned.conn);
    vault_close(&vault);
    return code;
}
