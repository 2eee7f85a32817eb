/*
 * pin, unpin: a point that stays, whatever the policy says. Whoever writes the vault may pin; only the prune role can
 * take a pin away, as that is the end of a version.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/forgotten.h"
#include "agent/get.h"
#include "agent/permission_hint.h"
#include "agent/points_versions.h"
#include "agent/report.h"
#include "agent/vault_sources.h"

struct words {
    struct option_list source;
    struct get_when when;
};

static bool take_words(struct program *program, const char *command, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    int option;

    memset(words, 0, sizeof *words);
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option != 's' || words->source.count > 0 || !option_list_add(&words->source, optarg)) {
            (void)command_misused(program, command, "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
    }
    if (words->source.count != 1 || argc - optind != 1)
        (void)command_misused(program, command, "name one --source and one point");
    else if (!get_when_parse(argv[optind], &words->when))
        (void)command_misused(program, command,
                "%s: a point's id, a time such as 2026-11-20T03:00:00Z, an age such as 2h, or latest", argv[optind]);
    else
        return true;
    return false;
}

/* The point that is meant, also one that was forgotten where its id is given. */
static enum verdict find_point(
        const struct get_place *place, const struct get_when *when, struct point_listed *found, struct failure *failure)
{
    struct points_list list = { .count = 0 };
    struct get_choice choice = { .listed = NULL };
    const struct point_listed *listed = NULL;
    enum verdict verdict = points_find(place->vault, place->conn, place->source, NULL, &list, failure);

    if (verdict == VERDICT_OK && when->kind == GET_POINT) {
        listed = get_listed_point(&list, when->point);
        if (listed == NULL)
            verdict = failure_set(
                    failure, VERDICT_NOT_FOUND, "source \"%s\" has no point %s", place->source, when->point);
    } else if (verdict == VERDICT_OK) {
        verdict = get_choose(place, &list, when, &choice, failure);
        listed = choice.listed;
    }
    if (verdict == VERDICT_OK)
        *found = *listed;
    point_read_free(&choice.read);
    points_list_free(&list);
    return verdict;
}

static enum verdict pin(
        const struct get_place *place, const struct point_listed *point, bool *changed, struct failure *failure)
{
    struct vault_put put = { .content_type = "application/json", .only_if_absent = true };
    struct layout_path path;
    json_t *json;
    char *text;
    /* what is gone cannot be kept */
    enum verdict verdict = forgotten_check(place->vault, place->conn, place->source, point, failure);

    if (verdict != VERDICT_OK || point->pinned)
        return verdict;
    json = json_pack("{si ss ss so}", "format", 1, "source", place->source, "point", point->id, "pinned",
            time_json(vault_now_ms(place->vault)));
    text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text == NULL ||
            layout_point_file(&place->vault->layout, place->source, point->id, LAYOUT_PINNED, 0, &path) != STATE_OK) {
        free(text);
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    put.path = path.ptr;
    put.path_len = path.len;
    put.bytes = text;
    put.len = strlen(text);
    verdict = vault_put(place->vault, place->conn, &put, NULL, failure);
    free(text);
    *changed = verdict == VERDICT_OK;
    return verdict == VERDICT_CHANGED ? VERDICT_OK : verdict; /* somebody else has pinned it meanwhile */
}

/* All versions, and delete markers over them, which a thief of the writer's role may have put. */
static enum verdict unpin(
        const struct get_place *place, const struct point_listed *point, bool *changed, struct failure *failure)
{
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    struct layout_path path;
    enum verdict verdict;

    if (layout_point_file(&place->vault->layout, place->source, point->id, LAYOUT_PINNED, 0, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no point", point->id);
    points_versions_begin(&cursor, place->vault, place->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL) {
        struct s3_delete_options options = { .target = vault_target(place->vault, path.ptr, path.len) };
        struct s3_delete_result result;
        struct s3_error error;
        char version[S3_VERSION_MAX + 1];
        enum s3_status status;
        (void)snprintf(version, sizeof version, "%.*s", (int)entry->version.len, entry->version.ptr);
        options.target.version = version;
        status = s3_delete_object(place->conn, place->vault->client, &options, &result, &error);
        if (status != S3_OK)
            verdict = failure_from_s3(failure, status, &error,
                    "removing the pin s3://%s/%s: the prune role needs s3:DeleteObjectVersion there, and a pin that is "
                    "locked stays until its lock ends",
                    place->vault->bucket, path.ptr);
        *changed = *changed || verdict == VERDICT_OK;
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    return verdict;
}

typedef enum verdict act(
        const struct get_place *place, const struct point_listed *point, bool *changed, struct failure *failure);

static enum exit_code change(
        struct program *program, const char *command, const char *role_arn, act *what, const struct words *words)
{
    const struct access_options access = { .role_arn = role_arn, .session_name = "vaultferry-pin" };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct get_place place = { .vault = &vault };
    struct point_listed point = { .id = "" };
    bool is_pin = what == pin, changed = false;
    struct failure failure;
    enum exit_code code = EXIT_DONE;
    enum verdict verdict = vault_open(program, &access, &vault, &failure);

    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &place.conn, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, place.conn, &words->source, &sources, &failure);
    if (verdict == VERDICT_OK) {
        place.source = vault_sources_folder(&sources, words->source.items[0]);
        verdict = find_point(&place, &words->when, &point, &failure);
    }
    if (verdict == VERDICT_OK)
        verdict = what(&place, &point, &changed, &failure);
    if (verdict != VERDICT_OK)
        code = command_fail(program, command, verdict_exit(verdict), &failure);
    else if (program->json)
        code = json_print(json_pack("{ss si ss ss sb sb}", "command", command, "exit", 0, "source", place.source,
                       "point", point.id, "pinned", (int)is_pin, "changed", (int)changed))
                       ? EXIT_DONE
                       : EXIT_INTERNAL;
    else if (!program->quiet)
        (void)printf("%s: point %s %s\n", place.source, point.id,
                changed  ? is_pin ? "is pinned" : "is no longer pinned"
                : is_pin ? "was pinned already"
                         : "was not pinned");
    vault_sources_free(&sources);
    s3_conn_free(place.conn);
    vault_close(&vault);
    return code;
}

enum exit_code cmd_pin(struct program *program, int argc, char **argv)
{
    struct words words;

    return take_words(program, "pin", argc, argv, &words) ? change(program, "pin", NULL, pin, &words) : EXIT_USAGE;
}

enum exit_code cmd_unpin(struct program *program, int argc, char **argv)
{
    const struct config_vault *vault = &program->config->vault;
    struct words words;

    if (!take_words(program, "unpin", argc, argv, &words))
        return EXIT_USAGE;
    if (vault->prune_role_arn == NULL && vault->access.role_arn != NULL)
        return command_misused(program, "unpin",
                "the config has vault.role_arn but no vault.prune_role_arn: only the role that prunes may take a pin "
                "away");
    permission_hint_as(PERMISSION_PRUNE_ROLE);
    return change(program, "unpin", vault->prune_role_arn, unpin, &words);
}
