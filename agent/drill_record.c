/* What a drill says: the record for the vault, the JSON for programs, and the page for an auditor. See drill.h. */
#include "agent/drill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/report.h"

enum { RECORD_FORMAT = 1, LISTED_ON_PAGE = 50 };

/* One sentence that stands by itself. */
static void conclude(const struct drill_report *report, char out[400])
{
    uint64_t objects = 0;

    for (unsigned i = 0; i < DRILL_STRATA; i++)
        objects += report->strata.objects[i];
    if (objects == 0)
        (void)snprintf(out, 400, "The point holds no objects: there was nothing to restore.");
    else if (report->covered == 0)
        (void)snprintf(out, 400,
                "No stratum was tested whole, so nothing can be said of the source's %" PRIu64 " objects.", objects);
    else if (report->census)
        (void)snprintf(out, 400,
                "%s%" PRIu64 " objects were restored: %" PRIu64 " of them did not come back as they were backed up.",
                report->covered == objects ? "All " : "All of the strata that were tested, ", report->covered,
                report->bad_covered);
    else
        (void)snprintf(out, 400,
                "At most %.3g %% of %s%" PRIu64 " objects are bad, at %.0f %% confidence: of the sample, %" PRIu64
                " did not come back as they were backed up.",
                report->at_most * 100, report->covered == objects ? "the source's " : "the tested strata's ",
                report->covered, DRILL_CONFIDENCE * 100, report->bad_covered);
}

json_t *drill_confidence_json(const struct drill_report *report)
{
    char sentence[400];

    conclude(report, sentence);
    return json_pack("{sf so sI sI sI sb ss}", "level", DRILL_CONFIDENCE, "at_most",
            report->covered > 0 ? json_real(report->at_most) : json_null(), "objects", (json_int_t)report->covered,
            "worth", (json_int_t)report->worth, "bad", (json_int_t)report->bad_covered, "all_tested",
            (int)report->census, "conclusion", sentence);
}

json_t *drill_problems_json(const struct drill_report *report)
{
    json_t *problems = json_array();

    for (size_t i = 0; i < report->listed; i++) {
        const struct drill_problem *item = &report->items[i];
        const struct state_text key = { item->key, item->key_len };
        if (json_array_append_new(problems, json_pack("{ss so ss so}", "source", report->source, "key", key_json(key),
                                                    "problem", item->problem, "detail", words_json(item->detail))) !=
                0) {
            json_decref(problems);
            return NULL;
        }
    }
    return problems;
}

static json_t *strata_json(const struct drill_report *report)
{
    const struct drill_sample *strata = &report->strata;
    json_t *array = json_array();

    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        const char *why = report->why_skipped[i];
        if (strata->objects[i] == 0)
            continue;
        if (json_array_append_new(array,
                    json_pack("{ss ss ss sI sI sI sI sI ss?}", "class", storage_class_name(drill_stratum_class(i)),
                            "age", drill_stratum_age(i), "size", drill_stratum_size(i), "objects",
                            (json_int_t)strata->objects[i], "bytes", (json_int_t)strata->bytes[i], "sample",
                            (json_int_t)strata->wanted[i], "tested", (json_int_t)report->tested[i], "bad",
                            (json_int_t)report->bad[i], "not_tested", why)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static uint64_t total(const uint64_t numbers[DRILL_STRATA])
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < DRILL_STRATA; i++)
        sum += numbers[i];
    return sum;
}

static void spell_seed(const struct drill_report *report, char out[17])
{
    (void)snprintf(out, 17, "%016" PRIx64, report->seed);
}

static bool set_parts(json_t *record, const struct drill_report *report)
{
    json_t *compared =
            json_pack("{sI sI sI sI}", "etag", (json_int_t)report->by_etag, "checksum", (json_int_t)report->by_checksum,
                    "copy", (json_int_t)report->by_copy, "source", (json_int_t)report->with_source);
    json_t *thaw = json_pack("{sI sI so}", "objects", (json_int_t)report->thawed, "bytes",
            (json_int_t)report->thawed_bytes, "hours", json_real((double)report->thaw_ms / 3600000));

    return (json_object_set_new(record, "compared", compared) | json_object_set_new(record, "thaw", thaw) |
                   json_object_set_new(record, "cost", cost_json(&report->cost, &report->prices)) |
                   json_object_set_new(record, "strata", strata_json(report)) |
                   json_object_set_new(record, "problems", drill_problems_json(report)) |
                   json_object_set_new(record, "confidence", drill_confidence_json(report))) == 0;
}

json_t *drill_record_json(const struct drill_report *report)
{
    char seed[17];
    json_t *record;

    spell_seed(report, seed);
    record = json_pack("{si ss ss ss ss ss so ss so so ss ss ss sI sI sI sI sI sI}", "format", RECORD_FORMAT, "kind",
            "drill", "program", "vaultferry " VAULTFERRY_VERSION, "source", report->source, "point",
            report->point.point, "point_sha256", report->point.sha256, "point_finished",
            time_json(report->point_finished_ms), "state", state_point_state_name(report->state), "started",
            time_json(report->started_ms), "finished", time_json(report->finished_ms), "by", report->who, "scratch",
            report->scratch, "seed", seed, "objects", (json_int_t)total(report->strata.objects), "bytes",
            (json_int_t)total(report->strata.bytes), "sample", (json_int_t)total(report->strata.wanted), "checked",
            (json_int_t)report->checked, "bytes_read", (json_int_t)report->bytes_read, "problem_count",
            (json_int_t)report->problems);
    if (record != NULL && !set_parts(record, report)) {
        json_decref(record);
        return NULL;
    }
    return record;
}

static void print_strata(const struct drill_report *report)
{
    const struct drill_sample *strata = &report->strata;

    (void)printf("\n  %-20s %-15s %-17s %12s %18s %8s %8s %6s\n", "Class", "Age", "Size", "Objects", "Bytes", "Sample",
            "Tested", "Bad");
    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        if (strata->objects[i] == 0)
            continue;
        (void)printf("  %-20s %-15s %-17s %12" PRIu64 " %18" PRIu64 " %8" PRIu64 " %8" PRIu64 " %6" PRIu64 "\n",
                storage_class_name(drill_stratum_class(i)), drill_stratum_age(i), drill_stratum_size(i),
                strata->objects[i], strata->bytes[i], strata->wanted[i], report->tested[i], report->bad[i]);
        if (report->why_skipped[i] != NULL)
            (void)printf("      not tested whole: %s\n", report->why_skipped[i]);
    }
}

static void print_problems(const struct drill_report *report)
{
    char key[256];

    (void)printf("\n  Problems: %" PRIu64 "\n", report->problems);
    for (size_t i = 0; i < report->listed && i < LISTED_ON_PAGE; i++)
        (void)printf("    \"%s\": %s: %s\n",
                key_for_people(report->items[i].key, report->items[i].key_len, key, sizeof key),
                report->items[i].problem, report->items[i].detail);
    if (report->problems > LISTED_ON_PAGE)
        (void)printf("    and %" PRIu64 " more; the record names %d\n", report->problems - LISTED_ON_PAGE,
                DRILL_PROBLEMS_MAX);
}

/* The same seed at the same point draws the sample that is being thawed. */
static void print_continuation(const struct drill_report *report)
{
    char seed[17];

    spell_seed(report, seed);
    (void)printf("  %" PRIu64 " objects are being thawed; to go on with them: --source %s --at %s --seed %s, and what "
                 "else was given\n",
            report->thawing, report->source, report->point.point, seed);
}

void drill_page_print(const struct drill_report *report)
{
    char began[STATE_TIME_SIZE], ended[STATE_TIME_SIZE], point[STATE_TIME_SIZE], seed[17], sentence[400],
            price[MONEY_SIZE];

    (void)printf("Restore drill of source \"%s\"\n\n", report->source);
    if (!report->done) {
        (void)printf("  It was not done: %s\n", report->has_error ? report->error.what : "its sample is being thawed");
        if (report->thawing > 0)
            print_continuation(report);
        return;
    }
    if (state_utc_format(report->started_ms, began) == 0 || state_utc_format(report->finished_ms, ended) == 0 ||
            state_utc_format(report->point_finished_ms, point) == 0)
        return;
    spell_seed(report, seed);
    conclude(report, sentence);
    (void)printf("  What      point %s, %s, finished %s\n            SHA-256 of its file %s\n", report->point.point,
            state_point_state_name(report->state), point, report->point.sha256);
    (void)printf("  When      %s to %s\n", began, ended);
    (void)printf("  Who       vaultferry %s as %s\n", VAULTFERRY_VERSION,
            report->who[0] != '\0' ? report->who : "somebody whom the service does not name");
    (void)printf("  How       %" PRIu64 " of %" PRIu64 " objects, drawn at random from each class, age and size "
                 "(seed %s),\n            restored to %s,\n            read back, compared and removed again\n",
            total(report->strata.wanted), total(report->strata.objects), seed, report->scratch);
    (void)printf("  Compared  %" PRIu64 " objects, %" PRIu64 " bytes: by ETag %" PRIu64 ", by checksum %" PRIu64
                 ", with the vault's own bytes %" PRIu64 ";\n            headers, metadata and tags with the vault's, "
                 "%" PRIu64 " also with the source's\n",
            report->checked, report->bytes_read, report->by_etag, report->by_checksum, report->by_copy,
            report->with_source);
    if (report->thawed > 0)
        (void)printf("  Thawed    %" PRIu64 " objects, %" PRIu64 " bytes, waited for %.1f hours\n", report->thawed,
                report->thawed_bytes, (double)report->thaw_ms / 3600000);
    if (report->prices.date[0] != '\0')
        (void)printf("  Cost      about %s by the prices of %s\n",
                money(report->cost.requests < 0 || report->cost.retrieval < 0
                                ? PRICE_UNKNOWN
                                : report->cost.requests + report->cost.retrieval,
                        &report->prices, price),
                report->prices.date);
    print_strata(report);
    print_problems(report);
    (void)printf("\n  Conclusion: %s\n", sentence);
    if (report->has_error)
        (void)printf("  No record: %s\n", report->error.what);
    else
        (void)printf("  Record: %s\n", report->record);
}
