/*
 * points: the recovery points that the vault holds, oldest first; or what one of them recorded of the source's bucket,
 * as commands that build it again.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bucket_config.h"
#include "agent/command.h"
#include "agent/event.h"
#include "agent/get.h"
#include "agent/points.h"
#include "agent/report.h"
#include "agent/retain.h"
#include "agent/schedule.h"
#include "agent/select.h"
#include "agent/vault_sources.h"

/* What is shown of a point. */
struct row {
    char id[STATE_POINT_SIZE];
    int64_t started_ms, finished_ms;
    struct state_totals totals;
    struct state_point_did did;
};

/* The points of one source, by time; the same index in both. */
struct table {
    struct row *rows;
    struct retain_point *points;
    size_t count, capacity;
};

static void table_free(struct table *table)
{
    free(table->rows);
    free(table->points);
}

static bool table_grow(struct table *table)
{
    size_t capacity = table->capacity > 0 ? 2 * table->capacity : 64;
    struct row *rows = realloc(table->rows, capacity * sizeof *rows);
    struct retain_point *points;

    if (rows == NULL)
        return false;
    table->rows = rows;
    points = realloc(table->points, capacity * sizeof *points);
    if (points == NULL)
        return false;
    table->points = points;
    table->capacity = capacity;
    return true;
}

static bool table_add(struct table *table, const struct state_point *point, bool pinned, const char *zone)
{
    struct row *row;

    if (table->count == table->capacity && !table_grow(table))
        return false;
    row = &table->rows[table->count];
    *row = (struct row){ .started_ms = point->started_ms,
        .finished_ms = point->finished_ms,
        .totals = state_point_totals(point),
        .did = point->did };
    memcpy(row->id, point->id, sizeof row->id);
    table->points[table->count++] = (struct retain_point){ .started_s = point->started_ms / 1000,
        .local_s = schedule_local(zone, point->started_ms / 1000),
        .state = point->state,
        .walk_ended = point->walk_ended,
        .pinned = pinned };
    return true;
}

static json_t *point_json(const char *source, const struct row *row, const struct retain_point *point)
{
    json_t *reasons = json_array();

    for (unsigned i = 0; point->kept && i < point->reason_count; i++)
        (void)json_array_append_new(reasons, json_string(point->reasons[i]));
    return json_pack("{ss ss so so ss sI sI sI sI sI so sb}", "source", source, "point", row->id, "started",
            time_json(row->started_ms), "finished", time_json(row->finished_ms), "state",
            state_point_state_name(point->state), "objects", (json_int_t)row->totals.objects, "bytes",
            (json_int_t)row->totals.bytes, "copied", (json_int_t)(row->did.copied + row->did.recopied), "deleted",
            (json_int_t)row->did.deleted, "failed", (json_int_t)row->did.failed, "kept_by", reasons, "pinned",
            point->pinned);
}

static void print_point(const char *source, const struct row *row, const struct retain_point *point, bool judged)
{
    (void)printf("%-24s %s %-8s %12llu objects %16llu bytes  copied %llu, deleted %llu, failed %llu", source, row->id,
            state_point_state_name(point->state), (unsigned long long)row->totals.objects,
            (unsigned long long)row->totals.bytes, (unsigned long long)(row->did.copied + row->did.recopied),
            (unsigned long long)row->did.deleted, (unsigned long long)row->did.failed);
    if (!judged && point->pinned)
        (void)printf("; pinned");
    for (unsigned i = 0; judged && i < point->reason_count; i++)
        (void)printf("%s%s", i == 0 ? "; kept: " : ", ", point->reasons[i]);
    (void)printf("%s\n", judged && !point->kept ? "; no rule keeps it" : "");
}

/* Reads one source's points; a damaged one is told, and does not hide the others. */
static enum verdict read_points(const struct vault *vault, struct s3_conn *conn, const char *source, const char *zone,
        struct table *table, bool *damaged, struct failure *failure)
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
        if (!table_add(table, read.point, list.items[i].pinned, zone))
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
        point_read_free(&read);
    }
    points_list_free(&list);
    return verdict;
}

/* With the reasons why each stays, where the config has the source's policy. */
static enum verdict list_points(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const char *source, json_t *out, bool *damaged, struct failure *failure)
{
    const struct config_source *config = select_source_of(program->config, source);
    struct table table = { .rows = NULL };
    enum verdict verdict = read_points(
            vault, conn, source, config != NULL ? config->policy->timezone : "UTC", &table, damaged, failure);

    if (verdict == VERDICT_OK && config != NULL)
        retain(config->policy, vault_now_ms(vault) / 1000, table.points, table.count);
    for (size_t i = 0; i < table.count && verdict == VERDICT_OK; i++) {
        if (program->json)
            (void)json_array_append_new(out, point_json(source, &table.rows[i], &table.points[i]));
        else
            print_point(source, &table.rows[i], &table.points[i], config != NULL);
    }
    table_free(&table);
    return verdict;
}

struct words {
    struct option_list wanted;
    bool bucket_config;
    const char *at; /* of bucket_config */
    struct get_when when;
};

static bool take_option(int option, struct words *words)
{
    switch (option) {
    case 's':
        return option_list_add(&words->wanted, optarg);
    case 'b':
        words->bucket_config = true;
        return true;
    case 'a':
        words->at = optarg;
        return true;
    default:
        return false;
    }
}

static bool take_options(struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "bucket-config", no_argument, NULL, 'b' }, { "at", required_argument, NULL, 'a' }, { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (!take_option(option, words)) {
            (void)command_misused(program, "points", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
    }
    if (optind < argc) {
        (void)command_misused(program, "points", "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    if (words->bucket_config ? words->wanted.count != 1 : words->at != NULL) {
        (void)command_misused(program, "points", "--bucket-config takes one --source, and --at belongs to it");
        return false;
    }
    if (!get_when_parse(words->at, &words->when)) {
        (void)command_misused(program, "points",
                "--at %s: a point's id, a time such as 2026-11-20T03:00:00Z, or an age such as 2h", words->at);
        return false;
    }
    return true;
}

/* What a point recorded of the bucket itself. */
static enum verdict show_bucket(const struct get_place *place, const struct get_when *when, json_t **document,
        const struct program *program, struct failure *failure)
{
    struct points_list list = { .count = 0 };
    struct get_choice choice = { .listed = NULL };
    struct bucket_config config = { .recorded = NULL };
    enum verdict verdict = points_find(place->vault, place->conn, place->source, NULL, &list, failure);

    if (verdict == VERDICT_OK)
        verdict = get_choose(place, &list, when, &choice, failure);
    if (verdict == VERDICT_OK && choice.read.point->configuration == NULL)
        verdict = failure_set(failure, VERDICT_NOT_FOUND, "point %s of source \"%s\" has no configuration of a bucket",
                choice.read.point->id, place->source);
    else if (verdict == VERDICT_OK && !bucket_config_read(choice.read.point, &config))
        verdict = failure_set(failure, VERDICT_INTERNAL,
                "the configuration in point %s cannot be read, or out of memory", choice.read.point->id);
    if (verdict == VERDICT_OK && !program->json)
        bucket_config_print(choice.read.point, &config);
    if (verdict == VERDICT_OK && program->json) {
        const struct state_point *point = choice.read.point;
        *document = json_pack("{ss si ss ss ss ss ss sO sO sO}", "command", "points", "exit", 0, "source",
                place->source, "point", point->id, "bucket", point->bucket, "region", point->region, "account",
                point->account, "configuration", config.recorded, "commands", config.commands, "notes", config.notes);
    }
    bucket_config_free(&config);
    point_read_free(&choice.read);
    points_list_free(&list);
    return verdict;
}

static enum verdict list_all(const struct program *program, const struct get_place *place,
        const struct vault_sources *sources, json_t **document, bool *damaged, struct failure *failure)
{
    json_t *points = json_array();
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < sources->count && verdict == VERDICT_OK; i++)
        verdict = list_points(program, place->vault, place->conn, sources->names[i], points, damaged, failure);
    if (verdict == VERDICT_OK && program->json)
        *document = json_pack("{ss si sO}", "command", "points", "exit", *damaged ? (int)EXIT_PARTIAL : (int)EXIT_DONE,
                "points", points);
    json_decref(points);
    return verdict;
}

enum exit_code cmd_points(struct program *program, int argc, char **argv)
{
    struct words words = { .at = NULL };
    const struct access_options access = { .session_name = "vaultferry-points" };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct get_place place = { .vault = &vault };
    struct failure failure;
    json_t *document = NULL;
    bool damaged = false;
    enum exit_code code;
    enum verdict verdict;

    if (!take_options(program, argc, argv, &words))
        return EXIT_USAGE;
    verdict = vault_open(program, &access, &vault, &failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &place.conn, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, place.conn, &words.wanted, &sources, &failure);
    if (verdict == VERDICT_OK && words.bucket_config) {
        place.source = vault_sources_folder(&sources, words.wanted.items[0]);
        verdict = show_bucket(&place, &words.when, &document, program, &failure);
    } else if (verdict == VERDICT_OK) {
        verdict = list_all(program, &place, &sources, &document, &damaged, &failure);
    }
    code = verdict != VERDICT_OK ? command_fail(program, "points", verdict_exit(verdict), &failure)
           : damaged             ? EXIT_PARTIAL
                                 : EXIT_DONE;
    if (verdict == VERDICT_OK && program->json && !json_print(document))
        code = EXIT_INTERNAL;
    vault_sources_free(&sources);
    s3_conn_free(place.conn);
    vault_close(&vault);
    return code;
}
