/* See view_command.h. */
#include "agent/view_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/report.h"

enum { GRACE_MS = 5 * 1000 };

enum verdict view_command_open(struct view_command *command, const char *wanted, struct failure *failure)
{
    const struct access_options access = { .session_name = "vaultferry-view" };
    const struct option_list list = { .items = { wanted }, .count = 1 };
    enum verdict verdict;

    clock_catch_signals(GRACE_MS);
    verdict = vault_open(command->program, &access, &command->vault, failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(command->program, &command->conn, failure);
    if (verdict == VERDICT_OK)
        verdict =
                vault_sources_find(command->program, &command->vault, command->conn, &list, &command->sources, failure);
    if (verdict == VERDICT_OK)
        command->source = vault_sources_folder(&command->sources, wanted);
    return verdict;
}

void view_command_close(struct view_command *command)
{
    vault_sources_free(&command->sources);
    s3_conn_free(command->conn);
    vault_close(&command->vault);
}

static void warn_of_point(const struct view_command *command, const struct state_point *point)
{
    const struct state_point_missing *first = point->missing_listed > 0 ? &point->missing[0] : NULL;
    char key[200];

    if (point->state == STATE_POINT_GUARDED)
        event_warn("point-guarded", command->source,
                "point %s was stopped by the guard (%s): it holds what the vault had, deletions were not taken over",
                point->id, point->has_guard ? point->guard.reason : "no reason was noted");
    if (point->missing_count > 0)
        event_warn("point-partial", command->source,
                "point %s lacks %llu objects, or has an older copy of them; the first is \"%s\" (%s)", point->id,
                (unsigned long long)point->missing_count,
                first != NULL ? key_for_people(first->key.ptr, first->key.len, key, sizeof key) : "not named",
                first != NULL && first->code[0] != '\0' ? first->code : "no reason was noted");
    if (point->state == STATE_POINT_PARTIAL && !point->walk_ended)
        event_warn("point-partial", command->source,
                "point %s is partial: its run ended before the whole source was listed, so it may lack objects that it "
                "does not name",
                point->id);
}

enum exit_code view_command_warn(const struct view_command *command, const struct view *view)
{
    const struct view_about *about = view_about(view);

    if (about->passed_over[0] != '\0')
        event_warn("point-passed-over", command->source, "point %s is newer, but %s: --at %s shows it",
                about->passed_over, state_point_state_name(about->passed_over_state), about->passed_over);
    if (about->point != NULL)
        warn_of_point(command, about->point);
    if (about->nameless > 0)
        event_warn("names-missing", command->source,
                "%llu objects with long keys are left out, since their names are missing in the vault: see "
                "data-long/%s/",
                (unsigned long long)about->nameless, command->source);
    return about->doubtful || about->nameless > 0 ? EXIT_PARTIAL : EXIT_DONE;
}

static json_t *missing_json(const struct state_point *point)
{
    json_t *all = json_array();

    for (size_t i = 0; point != NULL && i < point->missing_listed && all != NULL; i++) {
        const struct state_point_missing *one = &point->missing[i];
        json_t *item = json_pack("{so ss si ss ss}", "key", key_json(one->key), "operation", one->operation, "status",
                (int)one->status, "code", one->code, "message", one->message);
        if (json_array_append_new(all, item) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

json_t *view_about_json(const struct view_about *about)
{
    const struct state_point *point = about->point;
    json_t *passed_over = about->passed_over[0] == '\0' ? json_null()
                                                        : json_pack("{ss ss}", "point", about->passed_over, "state",
                                                                  state_point_state_name(about->passed_over_state));

    return json_pack("{ss? ss? so sb sb so so sI sb}", "point", point != NULL ? point->id : NULL, "state",
            point != NULL ? state_point_state_name(point->state) : NULL, "at", time_json(about->at_ms), "from_versions",
            (int)about->from_versions, "doubtful", (int)about->doubtful, "passed_over", passed_over, "missing",
            missing_json(point), "missing_count", (json_int_t)(point != NULL ? point->missing_count : 0), "walk_ended",
            (int)(point == NULL || point->walk_ended));
}

json_t *view_object_json(const struct view_object *object)
{
    const struct state_entry *entry = &object->entry;
    const struct state_text version = entry->vault_version;

    /* a member without a value is left out */
    return json_pack("{so sI ss% so ss so so so*}", "key", key_json(entry->key), "size", (json_int_t)entry->size,
            "etag", entry->etag.len > 0 ? entry->etag.ptr : "", entry->etag.len, "time",
            entry->source_time_ms > 0 ? time_json(entry->source_time_ms) : json_null(), "class",
            storage_class_name(entry->class_), "version",
            version.len > 0 ? json_stringn(version.ptr, version.len) : json_null(), "copied",
            time_json(entry->copied_ms), "acl",
            object->acl.len > 0 ? json_stringn(object->acl.ptr, object->acl.len) : NULL);
}

void view_object_print(const char *mark, const struct view_object *object)
{
    const struct state_entry *entry = &object->entry;
    char time[STATE_TIME_SIZE] = "-", key[6 * STATE_KEY_MAX + 8];
    size_t length = state_utc_format(entry->source_time_ms > 0 ? entry->source_time_ms : entry->copied_ms, time);

    (void)printf("%s%-24s %15llu  %-19s %s\n", mark, length > 0 ? time : "-", (unsigned long long)entry->size,
            storage_class_name(entry->class_), key_for_people(entry->key.ptr, entry->key.len, key, sizeof key));
}

/* Members of an object without its braces: for a document that goes on. */
static void print_members(json_t *object)
{
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    size_t length = text != NULL ? strlen(text) : 0;

    if (length > 2)
        (void)fwrite(text + 1, 1, length - 2, stdout);
    free(text);
    json_decref(object);
}

void view_document_begin(const struct view_command *command, json_t *about)
{
    (void)fputc('{', stdout);
    print_members(json_pack("{ss ss}", "command", command->name, "source", command->source));
    (void)fputc(',', stdout);
    print_members(about);
}

void view_array_begin(const char *name)
{
    (void)printf(",\"%s\":[", name);
}

enum verdict view_array_add(json_t *value, bool *first, struct failure *failure)
{
    bool well = value != NULL;

    if (well && !*first)
        (void)fputc(',', stdout);
    *first = false;
    well = well && json_dumpf(value, stdout, JSON_COMPACT) == 0;
    json_decref(value);
    return well ? VERDICT_OK : failure_set(failure, VERDICT_FULL, "standard output takes no more, or out of memory");
}

void view_array_end(void)
{
    (void)fputc(']', stdout);
}

enum exit_code view_document_end(const struct view_command *command, json_t *last, enum verdict verdict,
        enum exit_code code, const struct failure *failure)
{
    if (verdict != VERDICT_OK)
        code = verdict_exit(verdict);
    if (command->program->json) {
        if (last != NULL) {
            (void)fputc(',', stdout);
            print_members(last);
        }
        (void)fputc(',', stdout);
        print_members(verdict == VERDICT_OK ? json_pack("{si}", "exit", (int)code)
                                            : json_pack("{si so}", "exit", (int)code, "error", failure_json(failure)));
        (void)fputs("}\n", stdout);
    } else {
        json_decref(last);
    }
    if (verdict != VERDICT_OK)
        (void)fprintf(stderr, "vaultferry: %s\n", failure->what);
    if (fflush(stdout) != 0 && code == EXIT_DONE)
        code = EXIT_INTERNAL;
    return code;
}

enum verdict view_command_goes_on(const struct view_command *command, struct failure *failure)
{
    if (clock_stop_asked())
        return failure_set(
                failure, VERDICT_CANCELLED, "%s of source \"%s\" was stopped", command->name, command->source);
    if (ferror(stdout))
        return failure_set(failure, VERDICT_FULL, "standard output takes no more");
    return VERDICT_OK;
}
