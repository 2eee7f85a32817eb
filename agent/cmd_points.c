/*
 * points: the recovery points that the vault holds, oldest first.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/command.h"
#include "agent/event.h"
#include "agent/points.h"
#include "agent/report.h"
#include "agent/vault_sources.h"

static json_t *point_json(const char *source, const struct state_point *point)
{
    const struct state_totals totals = state_point_totals(point);

    return json_pack("{ss ss so so ss sI sI sI sI sI s[] sb}", "source", source, "point", point->id, "started",
            time_json(point->started_ms), "finished", time_json(point->finished_ms), "state",
            state_point_state_name(point->state), "objects", (json_int_t)totals.objects, "bytes",
            (json_int_t)totals.bytes, "copied", (json_int_t)(point->did.copied + point->did.recopied), "deleted",
            (json_int_t)point->did.deleted, "failed", (json_int_t)point->did.failed, "kept_by", "pinned", 0);
}

static void print_point(const char *source, const struct state_point *point)
{
    const struct state_totals totals = state_point_totals(point);

    (void)printf("%-24s %s %-8s %12llu objects %16llu bytes  copied %llu, deleted %llu, failed %llu\n", source,
            point->id, state_point_state_name(point->state), (unsigned long long)totals.objects,
            (unsigned long long)totals.bytes, (unsigned long long)(point->did.copied + point->did.recopied),
            (unsigned long long)point->did.deleted, (unsigned long long)point->did.failed);
}

/* One source's points; a damaged one is told, and does not hide the others. */
static enum verdict list_points(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const char *source, json_t *out, bool *damaged, struct failure *failure)
{
    struct points_list list = { .count = 0 };
    enum verdict verdict = points_find(vault, conn, source, NULL, &list, failure);

    for (size_t i = 0; i < list.count && verdict == VERDICT_OK; i++) {
        struct point_read read;
        if (!list.items[i].has_point || list.items[i].forgotten)
            continue;
        if (list.items[i].tampered)
            event_warn("tampered", source,
                    "point %s: a file of it was written again or deleted; its oldest version is read. "
                    "`vaultferry verify` says which",
                    list.items[i].id);
        *damaged = *damaged || list.items[i].tampered;
        verdict = points_read(vault, conn, source, &list.items[i], &read, failure);
        if (verdict == VERDICT_BAD_DATA) {
            event_error(source, failure);
            *damaged = true;
            verdict = VERDICT_OK;
            continue;
        }
        if (verdict != VERDICT_OK)
            break;
        if (program->json)
            (void)json_array_append_new(out, point_json(source, read.point));
        else
            print_point(source, read.point);
        point_read_free(&read);
    }
    points_list_free(&list);
    return verdict;
}

static bool take_options(struct program *program, int argc, char **argv, struct option_list *wanted)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option != 's' || !option_list_add(wanted, optarg)) {
            (void)command_misused(program, "points", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
    }
    if (optind < argc) {
        (void)command_misused(program, "points", "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    return true;
}

enum exit_code cmd_points(struct program *program, int argc, char **argv)
{
    struct option_list wanted = { .count = 0 };
    const struct access_options access = { .session_name = "vaultferry-points" };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct s3_conn *conn = NULL;
    struct failure failure;
    json_t *points = json_array();
    bool damaged = false;
    enum exit_code code;
    enum verdict verdict;

    if (!take_options(program, argc, argv, &wanted)) {
        json_decref(points);
        return EXIT_USAGE;
    }
    verdict = vault_open(program, &access, &vault, &failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &conn, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, conn, &wanted, &sources, &failure);
    for (size_t i = 0; i < sources.count && verdict == VERDICT_OK; i++)
        verdict = list_points(program, &vault, conn, sources.names[i], points, &damaged, &failure);
    code = verdict != VERDICT_OK ? command_fail(program, "points", verdict_exit(verdict), &failure)
           : damaged             ? EXIT_PARTIAL
                                 : EXIT_DONE;
    if (verdict == VERDICT_OK && program->json &&
            !json_print(json_pack("{ss si sO}", "command", "points", "exit", (int)code, "points", points)))
        code = EXIT_INTERNAL;
    json_decref(points);
    vault_sources_free(&sources);
    s3_conn_free(conn);
    vault_close(&vault);
    return code;
}
