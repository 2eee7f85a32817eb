/* See report.h. */
#include "agent/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/utf8.h"

void source_report_clear(struct source_report *report)
{
    for (size_t i = 0; i < report->failure_count; i++) {
        free(report->failures[i].key);
        free(report->failures[i].failure);
    }
    for (size_t i = 0; i < report->warning_count; i++)
        free(report->warnings[i]);
    report->failure_count = report->warning_count = 0;
}

void source_report_warn(struct source_report *report, const char *text)
{
    for (size_t i = 0; i < report->warning_count; i++)
        if (strcmp(report->warnings[i], text) == 0)
            return;
    if (report->warning_count < REPORT_WARNINGS && (report->warnings[report->warning_count] = strdup(text)) != NULL)
        report->warning_count++;
}

static void name_failure(struct source_report *report, struct state_text key, struct failure *failure, bool of_move)
{
    struct report_failure *into = &report->failures[report->failure_count];

    if (report->failure_count == REPORT_FAILURES || (into->key = malloc(key.len + 1)) == NULL) {
        free(failure);
        return;
    }
    memcpy(into->key, key.ptr, key.len);
    into->key_len = key.len;
    into->failure = failure;
    into->of_move = of_move;
    report->failure_count++;
}

void source_report_add(struct source_report *report, struct state_text key, struct failure *failure)
{
    report->failed++;
    name_failure(report, key, failure, false);
}

void source_report_add_move(struct source_report *report, struct state_text key, struct failure *failure)
{
    report->move_failed++;
    name_failure(report, key, failure, true);
}

json_t *key_json(struct state_text key)
{
    return json_stringn(key.ptr, key.len);
}

json_t *words_json(const char *words)
{
    size_t length = strlen(words);
    json_t *json;
    char *copy;

    if (state_utf8_is_valid(words, length))
        return json_stringn(words, length);
    copy = malloc(length);
    if (copy == NULL)
        return NULL;
    for (size_t at = 0, step; at < length; at += step) {
        step = state_utf8_sequence(words + at, length - at);
        if (step > 0) {
            memcpy(copy + at, words + at, step);
        } else {
            copy[at] = '?';
            step = 1;
        }
    }
    json = json_stringn(copy, length);
    free(copy);
    return json;
}

json_t *time_json(int64_t ms)
{
    char text[STATE_TIME_SIZE];

    return state_utc_format(ms, text) > 0 ? json_string(text) : json_null();
}

json_t *failure_json(const struct failure *failure)
{
    const struct s3_error *s3 = &failure->s3;
    json_t *error = json_pack("{so}", "message", words_json(failure->what));

    if (error == NULL || s3->operation == NULL)
        return error;
    if (json_object_set_new(error, "operation", json_string(s3->operation)) != 0 ||
            json_object_set_new(error, "status", json_integer(s3->http_status)) != 0 ||
            json_object_set_new(error, "code", words_json(s3->code)) != 0 ||
            json_object_set_new(error, "request_id", words_json(s3->request_id)) != 0) {
        json_decref(error);
        return NULL;
    }
    return error;
}

json_t *classes_json(const struct state_totals by_class[CLASS_COUNT])
{
    json_t *classes = json_object();

    for (int i = 0; i < CLASS_COUNT && classes != NULL; i++) {
        if (by_class[i].objects == 0)
            continue;
        if (json_object_set_new(classes, storage_class_name((enum storage_class)i),
                    json_pack("{sI sI}", "objects", (json_int_t)by_class[i].objects, "bytes",
                            (json_int_t)by_class[i].bytes)) != 0) {
            json_decref(classes);
            return NULL;
        }
    }
    return classes;
}

json_t *requests_json(const uint64_t requests_by_kind[REQUEST_KINDS])
{
    json_t *requests = json_object();

    for (int i = 0; i < REQUEST_KINDS && requests != NULL; i++) {
        if (json_object_set_new(requests, request_kind_name((enum request_kind)i),
                    json_integer((json_int_t)requests_by_kind[i])) != 0) {
            json_decref(requests);
            return NULL;
        }
    }
    return requests;
}

json_t *source_report_failures_json(const struct source_report *report)
{
    json_t *failures = json_array();

    for (size_t i = 0; i < report->failure_count && failures != NULL; i++) {
        const struct report_failure *from = &report->failures[i];
        const struct failure none = { .what = "no memory to tell more" };
        json_t *one = failure_json(from->failure != NULL ? from->failure : &none);
        if (one == NULL ||
                json_object_set_new(one, "key", key_json((struct state_text){ from->key, from->key_len })) != 0 ||
                json_array_append_new(failures, one) != 0) {
            json_decref(failures);
            return NULL;
        }
    }
    return failures;
}

static json_t *warnings_json(const struct source_report *report)
{
    json_t *warnings = json_array();

    for (size_t i = 0; i < report->warning_count && warnings != NULL; i++) {
        if (json_array_append_new(warnings, words_json(report->warnings[i])) != 0) {
            json_decref(warnings);
            return NULL;
        }
    }
    return warnings;
}

json_t *source_report_json(const struct source_report *report)
{
    json_t *json = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = { { "objects", report->objects }, { "bytes", report->bytes }, { "listed", report->listed },
        { "copied", report->copied }, { "recopied", report->recopied }, { "adopted", report->adopted },
        { "deleted", report->deleted }, { "moved", report->moved }, { "unchanged", report->unchanged },
        { "archived", report->archived }, { "failed", report->failed }, { "gone", report->gone },
        { "thawing", report->thawing }, { "move_failed", report->move_failed }, { "reclassed", report->reclassed },
        { "bytes_copied", report->bytes_copied }, { "without_tags", report->without_tags },
        { "without_acl", report->without_acl }, { "retried", report->retried }, { "throttled", report->throttled } };
    bool well = json != NULL && json_object_set_new(json, "source", json_string(report->source)) == 0 &&
                json_object_set_new(json, "exit", json_integer(report->exit)) == 0 &&
                json_object_set_new(json, "state", json_string(report->state)) == 0 &&
                json_object_set_new(
                        json, "point", report->point[0] != '\0' ? json_string(report->point) : json_null()) == 0;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && well; i++)
        well = json_object_set_new(json, numbers[i].name, json_integer((json_int_t)numbers[i].value)) == 0;
    if (well && report->tags)
        well = json_object_set_new(json, "tags_compared", json_integer((json_int_t)report->tags_compared)) == 0 &&
               json_object_set_new(json, "tags_changed", json_integer((json_int_t)report->tags_changed)) == 0;
    well = well && json_object_set_new(json, "requests", requests_json(report->requests)) == 0 &&
           json_object_set_new(json, "by_class", classes_json(report->by_class)) == 0 &&
           json_object_set_new(json, "failures", source_report_failures_json(report)) == 0 &&
           json_object_set_new(json, "warnings", warnings_json(report)) == 0 &&
           (!report->has_error || json_object_set_new(json, "error", failure_json(&report->error)) == 0);
    if (!well) {
        json_decref(json);
        return NULL;
    }
    return json;
}

void source_report_gap(struct source_report *report, const char *name, const struct failure *failure)
{
    (void)snprintf(report->source, sizeof report->source, "%s", name);
    report->state = "skipped";
    report->exit = verdict_exit(failure->verdict);
    report->has_error = true;
    report->error = *failure;
}

json_t *document_lift_error(json_t *document)
{
    const json_t *sources = json_object_get(document, "sources");
    json_int_t code = json_integer_value(json_object_get(document, "exit"));
    json_t *error = NULL;

    for (size_t i = 0; i < json_array_size(sources) && error == NULL; i++)
        if (json_integer_value(json_object_get(json_array_get(sources, i), "exit")) == code)
            error = json_object_get(json_array_get(sources, i), "error");
    if (error != NULL && json_object_set(document, "error", error) != 0) {
        json_decref(document);
        return NULL;
    }
    return document;
}

void source_report_print(const struct source_report *report)
{
    char key[256];

    (void)printf(
            "%s: %s%s%s\n", report->source, report->state, report->point[0] != '\0' ? ", point " : "", report->point);
    if (report->tags)
        (void)printf("  tags of %llu objects compared, of %llu written anew; %llu gone from the source, failed %llu\n",
                (unsigned long long)report->tags_compared, (unsigned long long)report->tags_changed,
                (unsigned long long)report->gone, (unsigned long long)report->failed);
    else
        (void)printf(
                "  listed %llu, unchanged %llu, copied %llu, copied again %llu, adopted %llu, deleted %llu, archived "
                "%llu, failed %llu\n",
                (unsigned long long)report->listed, (unsigned long long)report->unchanged,
                (unsigned long long)report->copied, (unsigned long long)report->recopied,
                (unsigned long long)report->adopted, (unsigned long long)report->deleted,
                (unsigned long long)report->archived, (unsigned long long)report->failed);
    (void)printf(
            "  vault holds %llu objects, %llu bytes; %llu bytes copied; requests:", (unsigned long long)report->objects,
            (unsigned long long)report->bytes, (unsigned long long)report->bytes_copied);
    for (int i = 0; i < REQUEST_KINDS; i++)
        if (report->requests[i] > 0)
            (void)printf(" %s %llu", request_kind_name((enum request_kind)i), (unsigned long long)report->requests[i]);
    (void)printf("\n");
    if (report->moved + report->thawing + report->move_failed + report->reclassed > 0)
        (void)printf("  moved to colder classes %llu, thawing to be moved %llu, not moved %llu, found in another class "
                     "%llu\n",
                (unsigned long long)report->moved, (unsigned long long)report->thawing,
                (unsigned long long)report->move_failed, (unsigned long long)report->reclassed);
    if (report->without_tags > 0)
        (void)printf(
                "  %llu copied without their tags, which may not be read\n", (unsigned long long)report->without_tags);
    for (size_t i = 0; i < report->failure_count && i < 20; i++)
        (void)printf("  failed: \"%s\": %s\n",
                key_for_people(report->failures[i].key, report->failures[i].key_len, key, sizeof key),
                report->failures[i].failure != NULL ? report->failures[i].failure->what : "no memory to tell more");
    if (report->failed + report->move_failed > 20)
        (void)printf("  and %llu more; --json names %d\n",
                (unsigned long long)(report->failed + report->move_failed) - 20, REPORT_FAILURES);
    for (size_t i = 0; i < report->warning_count; i++)
        (void)printf("  warning: %s\n", report->warnings[i]);
    if (report->has_error)
        (void)printf("  %s\n", report->error.what);
}

bool json_print(json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    bool well = text != NULL && puts(text) >= 0 && fflush(stdout) == 0;

    free(text);
    json_decref(document);
    return well;
}
