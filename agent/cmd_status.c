/*
 * status: for each source its last good point and how old that is; with --max-age, whether that is too old. Reads the
 * vault alone, so that a monitor needs no right to any source.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/age.h"
#include "agent/command.h"
#include "agent/due.h"
#include "agent/event.h"
#include "agent/metrics.h"
#include "agent/newest.h"
#include "agent/notify.h"
#include "agent/report.h"
#include "agent/select.h"
#include "agent/vault_sources.h"

struct options {
    struct option_list wanted;
    int64_t max_age_s; /* 0: not asked */
    bool notify;       /* the topic of stale sources: on request, for a health check asks every minute */
};

static bool take_options(struct program *program, int argc, char **argv, struct options *out)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "max-age", required_argument, NULL, 'a' }, { "notify", no_argument, NULL, 'n' }, { NULL, 0, NULL, 0 } };
    int option;

    memset(out, 0, sizeof *out);
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == 'a' && !age_parse(optarg, &out->max_age_s)) {
            (void)command_misused(program, "status", "--max-age \"%s\" is no age such as 26h or 3d", optarg);
            return false;
        }
        out->notify = out->notify || option == 'n';
        if (option == '?' || (option == 's' && !option_list_add(&out->wanted, optarg))) {
            (void)command_misused(program, "status", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
    }
    if (optind < argc) {
        (void)command_misused(program, "status", "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    return true;
}

/* Whether the source's age is anybody's alarm: a source that was taken out of the config is kept, and grows old. Who
 * names it by --source, or has a config of the vault alone, asks all the same. */
static bool is_retired(const struct program *program, const struct options *options, const char *source)
{
    return options->wanted.count == 0 && program->config->source_count > 0 &&
           select_source_of(program->config, source) == NULL;
}

/* When the source is due, by the policy of the config; a source that the config does not name has none. */
struct dates {
    bool has_next, overdue, retired;
    int64_t next_s;
};

static struct dates dates_of(
        const struct program *program, const char *source, const struct newest *newest, int64_t now_s)
{
    const struct config_source *config = select_source_of(program->config, source);
    struct dates dates = { .has_next = false };

    if (config == NULL || config->kind == CONFIG_KIND_STREAM || config->policy->schedule == NULL)
        return dates;
    dates.has_next = due_next(config->policy, newest->served_ms / 1000, now_s, &dates.next_s);
    dates.overdue = dates.has_next && dates.next_s + config->policy->start_window_minutes * 60 < now_s;
    return dates;
}

static json_t *status_json(
        const char *source, const struct newest *newest, const struct dates *dates, int64_t age_s, bool stale)
{
    const struct state_point *point = newest->has_good ? newest->good.point : NULL;
    const struct state_totals totals = point != NULL ? state_point_totals(point) : (struct state_totals){ 0, 0 };
    const struct state_totals none[CLASS_COUNT] = { { 0, 0 } };

    return json_pack("{ss so so so sb sI sI so so sb}", "source", source, "point",
            point != NULL ? json_string(point->id) : json_null(), "age_seconds",
            point != NULL ? json_integer((json_int_t)age_s) : json_null(), "state",
            newest->has_any ? json_string(newest->state) : json_null(), "stale", stale, "objects",
            (json_int_t)totals.objects, "bytes", (json_int_t)totals.bytes, "by_class",
            classes_json(point != NULL ? point->by_class : none), "next_due",
            dates->has_next ? time_json(dates->next_s * 1000) : json_null(), "overdue", dates->overdue);
}

static void print_due(const struct dates *dates)
{
    char text[STATE_TIME_SIZE];

    if (dates->has_next && state_utc_format(dates->next_s * 1000, text) > 0)
        (void)printf("; %s %s", dates->overdue ? "OVERDUE since" : "due", text);
    if (dates->retired)
        (void)printf("; not in the config any more");
    (void)printf("\n");
}

static void print_status(
        const char *source, const struct newest *newest, const struct dates *dates, int64_t age_s, bool stale)
{
    const struct state_point *point = newest->has_good ? newest->good.point : NULL;

    if (point == NULL) {
        (void)printf(
                "%-24s no complete point yet%s%s", source, newest->has_any ? "; the newest is " : "", newest->state);
        print_due(dates);
        return;
    }
    (void)printf("%-24s %s, %lld h %02lld min old%s; %llu objects, %llu bytes; the newest point is %s", source,
            point->id, (long long)(age_s / 3600), (long long)(age_s / 60 % 60), stale ? ": STALE" : "",
            (unsigned long long)state_point_totals(point).objects, (unsigned long long)state_point_totals(point).bytes,
            newest->state);
    print_due(dates);
}

/* What one look at all sources comes to. */
struct look {
    const struct options *options;
    json_t *out;
    FILE *lines; /* of stale sources, for a message */
    size_t stale;
};

static void note_stale(struct look *look, const char *source, const struct newest *newest, int64_t age_s)
{
    look->stale++;
    if (newest->has_good)
        (void)fprintf(look->lines, "%s: the last good point, %s, is %lld h %02lld min old; the newest point is %s\n",
                source, newest->good.point->id, (long long)(age_s / 3600), (long long)(age_s / 60 % 60), newest->state);
    else
        (void)fprintf(look->lines, "%s: no complete point yet\n", source);
}

/* A source that the config does not have any more is nobody's alarm. */
static void tell_metrics(const struct program *program, const struct metrics_age *found, const struct vault *vault)
{
    const struct config_source *config = select_source_of(program->config, found->source);
    struct metrics_age age = *found;

    if (config == NULL || !program->config->metrics.emf || program->json)
        return;
    age.policy = config->policy->name;
    if (!metrics_print_age(&age, vault_now_ms(vault)))
        event_warn("metrics-not-written", age.source, "standard output fails");
}

static enum verdict tell(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const char *source, struct look *look, struct failure *failure)
{
    struct newest newest;
    enum verdict verdict = newest_find(vault, conn, source, &newest, failure);
    int64_t max_age_s = look->options->max_age_s, age_s = 0;
    struct dates dates;
    bool stale;

    if (verdict != VERDICT_OK)
        return verdict;
    if (newest.has_good)
        age_s = (vault_now_ms(vault) - newest.good.point->finished_ms) / 1000;
    if (age_s < 0) /* a point's end is rounded up, so that it is not before what it holds */
        age_s = 0;
    dates = dates_of(program, source, &newest, vault_now_ms(vault) / 1000);
    dates.retired = is_retired(program, look->options, source);
    stale = max_age_s > 0 && !dates.retired && (!newest.has_good || age_s > max_age_s);
    if (stale)
        note_stale(look, source, &newest, age_s);
    if (program->json)
        (void)json_array_append_new(look->out, status_json(source, &newest, &dates, age_s, stale));
    else
        print_status(source, &newest, &dates, age_s, stale);
    tell_metrics(program, &(struct metrics_age){ source, NULL, newest.has_good, age_s, max_age_s > 0, stale }, vault);
    newest_free(&newest);
    return VERDICT_OK;
}

static enum verdict look_at_all(const struct program *program, struct look *look, struct failure *failure)
{
    const struct access_options access = { .session_name = "vaultferry-status" };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct s3_conn *conn = NULL;
    enum verdict verdict = vault_open(program, &access, &vault, failure);

    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &conn, failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, conn, &look->options->wanted, &sources, failure);
    for (size_t i = 0; i < sources.count && verdict == VERDICT_OK; i++)
        verdict = tell(program, &vault, conn, sources.names[i], look, failure);
    vault_sources_free(&sources);
    s3_conn_free(conn);
    vault_close(&vault);
    return verdict;
}

enum exit_code cmd_status(struct program *program, int argc, char **argv)
{
    struct options options;
    struct look look = { .options = &options };
    struct failure failure;
    char *lines = NULL;
    size_t length = 0;
    enum exit_code code;
    enum verdict verdict;

    if (!take_options(program, argc, argv, &options))
        return EXIT_USAGE;
    look.out = json_array();
    look.lines = open_memstream(&lines, &length);
    verdict = look.lines != NULL ? look_at_all(program, &look, &failure)
                                 : failure_set(&failure, VERDICT_INTERNAL, "out of memory");
    code = verdict != VERDICT_OK ? command_fail(program, "status", verdict_exit(verdict), &failure)
           : look.stale > 0      ? EXIT_PARTIAL
                                 : EXIT_DONE;
    if (verdict == VERDICT_OK && program->json &&
            !json_print(json_pack("{ss si sO}", "command", "status", "exit", (int)code, "sources", look.out)))
        code = EXIT_INTERNAL;
    if (look.lines != NULL && fclose(look.lines) == 0 && verdict == VERDICT_OK && options.notify)
        notify_of_stale(program, look.stale, lines);
    free(lines);
    json_decref(look.out);
    return code;
}
