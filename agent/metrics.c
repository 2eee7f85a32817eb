/* See metrics.h. */
#include "agent/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char NAMESPACE[] = "vaultferry";

/* A number of the report, by its place; or one that `special` makes. */
struct metric {
    const char *name, *unit; /* CloudWatch's */
    size_t offset;           /* of a uint64_t in struct source_report, where special is NULL */
    bool (*special)(const struct metrics_source *source, int64_t now_ms, double *value);
};

static bool is_guarded(const struct metrics_source *source, int64_t now_ms, double *value)
{
    (void)now_ms;
    *value = source->report->exit == EXIT_GUARDED ? 1 : 0;
    return true;
}

static bool exit_of(const struct metrics_source *source, int64_t now_ms, double *value)
{
    (void)now_ms;
    *value = source->report->exit;
    return true;
}

static bool seconds_of(const struct metrics_source *source, int64_t now_ms, double *value)
{
    (void)now_ms;
    *value = source->seconds;
    return true;
}

static bool requests_of(const struct metrics_source *source, int64_t now_ms, double *value)
{
    (void)now_ms;
    *value = 0;
    for (int i = 0; i < REQUEST_KINDS; i++)
        *value += (double)source->report->requests[i];
    return true;
}

static bool age_of(const struct metrics_source *source, int64_t now_ms, double *value)
{
    *value = now_ms > source->good_ms ? (double)(now_ms - source->good_ms) / 1000 : 0;
    return source->has_good;
}

#define OF_REPORT(field) offsetof(struct source_report, field), NULL

static const struct metric metrics[] = {
    { "Objects", "Count", OF_REPORT(objects) },
    { "Bytes", "Bytes", OF_REPORT(bytes) },
    { "Listed", "Count", OF_REPORT(listed) },
    { "Copied", "Count", OF_REPORT(copied) },
    { "Recopied", "Count", OF_REPORT(recopied) },
    { "BytesCopied", "Bytes", OF_REPORT(bytes_copied) },
    { "Deleted", "Count", OF_REPORT(deleted) },
    { "Moved", "Count", OF_REPORT(moved) },
    { "MoveFailed", "Count", OF_REPORT(move_failed) },
    { "Failed", "Count", OF_REPORT(failed) },
    { "Archived", "Count", OF_REPORT(archived) },
    { "Requests", "Count", 0, requests_of },
    { "Seconds", "Seconds", 0, seconds_of },
    { "Guarded", "Count", 0, is_guarded },
    { "ExitCode", "None", 0, exit_of },
    { "AgeOfLastGoodPoint", "Seconds", 0, age_of },
};
enum { METRICS = sizeof metrics / sizeof metrics[0] };

bool metrics_wanted(const struct config *config)
{
    return config->metrics.emf || config->metrics.prometheus_file != NULL;
}

static bool value_of(const struct metric *metric, const struct metrics_source *source, int64_t now_ms, double *value)
{
    uint64_t number;

    if (metric->special != NULL)
        return metric->special(source, now_ms, value);
    memcpy(&number, (const char *)source->report + metric->offset, sizeof number);
    *value = (double)number;
    return true;
}

/* Whole numbers are written as such. */
static json_t *number_json(double value)
{
    return value == (double)(int64_t)value ? json_integer((json_int_t)value) : json_real(value);
}

/* {"_aws": ..., dimensions, values}; takes `dimensions` and `named`. */
static bool print_emf_line(int64_t now_ms, json_t *dimensions, json_t *named, json_t *values)
{
    json_t *names = json_array(), *line;
    const char *name;
    json_t *value;

    json_object_foreach(dimensions, name, value)(void) json_array_append_new(names, json_string(name));
    line = json_pack("{s{sI s[{ss s[o] so}]}}", "_aws", "Timestamp", (json_int_t)now_ms, "CloudWatchMetrics",
            "Namespace", NAMESPACE, "Dimensions", names, "Metrics", named);
    if (line != NULL && (json_object_update(line, dimensions) != 0 || json_object_update(line, values) != 0)) {
        json_decref(line);
        line = NULL;
    }
    json_decref(dimensions);
    json_decref(values);
    return line != NULL && json_print(line);
}

static void name_metric(json_t *named, json_t *values, const char *name, const char *unit, double value)
{
    (void)json_array_append_new(named, json_pack("{ss ss}", "Name", name, "Unit", unit));
    (void)json_object_set_new(values, name, number_json(value));
}

bool metrics_print_emf(const struct metrics_source *sources, size_t count, int64_t now_ms)
{
    bool well = true;

    for (size_t i = 0; i < count && well; i++) {
        const struct metrics_source *source = &sources[i];
        json_t *named = json_array(), *values = json_object();
        for (size_t m = 0; m < METRICS; m++) {
            double value;
            if (value_of(&metrics[m], source, now_ms, &value))
                name_metric(named, values, metrics[m].name, metrics[m].unit, value);
        }
        well = print_emf_line(now_ms, json_pack("{ss ss}", "Source", source->report->source, "Policy", source->policy),
                named, values);
        for (int c = 0; c < CLASS_COUNT && well; c++) {
            if (source->report->by_class[c].objects == 0)
                continue;
            named = json_array();
            values = json_object();
            name_metric(named, values, "ClassObjects", "Count", (double)source->report->by_class[c].objects);
            name_metric(named, values, "ClassBytes", "Bytes", (double)source->report->by_class[c].bytes);
            well = print_emf_line(now_ms,
                    json_pack("{ss ss ss}", "Source", source->report->source, "Policy", source->policy, "Class",
                            storage_class_name((enum storage_class)c)),
                    named, values);
        }
    }
    return well;
}

bool metrics_print_check(const struct metrics_check *check, int64_t now_ms)
{
    json_t *named = json_array(), *values = json_object();

    name_metric(named, values, "Checked", "Count", (double)check->checked);
    name_metric(named, values, "Problems", "Count", (double)check->problems);
    name_metric(named, values, "ExitCode", "None", check->exit);
    return print_emf_line(
            now_ms, json_pack("{ss ss}", "Source", check->source, "Command", check->command), named, values);
}

bool metrics_print_age(const struct metrics_age *age, int64_t now_ms)
{
    json_t *named = json_array(), *values = json_object();

    if (age->has_good)
        name_metric(named, values, "AgeOfLastGoodPoint", "Seconds", (double)age->age_s);
    if (age->judged)
        name_metric(named, values, "Stale", "Count", age->stale ? 1 : 0);
    if (age->has_good || age->judged)
        return print_emf_line(
                now_ms, json_pack("{ss ss}", "Source", age->source, "Policy", age->policy), named, values);
    json_decref(named);
    json_decref(values);
    return true;
}
