/* See drill.h. */
#include "agent/drill.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/crew.h"
#include "agent/drill_bound.h"
#include "agent/drill_inside.h"
#include "agent/event.h"
#include "agent/select.h"

enum { WAITING_MAX = 64, NAME_TRIES = 10, WAIT_STEP_MS = 200, WAIT_LEAST_MS = 1000, WAIT_MOST_MS = 60 * 1000 };

void drill_tell(struct drilling *drilling, struct drill_object *object, const char *problem, const char *format, ...)
{
    struct drill_report *report = drilling->report;
    struct drill_problem *item;
    va_list arguments;

    object->is_bad = true;
    (void)pthread_mutex_lock(&report->lock);
    report->problems++;
    item = report->listed < DRILL_PROBLEMS_MAX ? realloc(report->items, (report->listed + 1) * sizeof *report->items)
                                               : NULL;
    if (item != NULL) {
        report->items = item;
        item += report->listed;
        item->problem = problem;
        item->key = malloc(object->key.len);
        item->key_len = item->key != NULL ? object->key.len : 0;
        if (item->key != NULL)
            memcpy(item->key, object->key.ptr, object->key.len);
        va_start(arguments, format);
        (void)vsnprintf(item->detail, sizeof item->detail, format, arguments);
        va_end(arguments);
        report->listed++;
    }
    (void)pthread_mutex_unlock(&report->lock);
}

void drill_end(struct drilling *drilling, const struct failure *failure)
{
    (void)pthread_mutex_lock(&drilling->report->lock);
    if (!drilling->has_failure) {
        drilling->has_failure = true;
        drilling->failure = *failure;
    }
    (void)pthread_mutex_unlock(&drilling->report->lock);
    atomic_store(&drilling->over, true);
}

void drill_skip(struct drilling *drilling, struct drill_object *object, const char *why)
{
    struct drill_report *report = drilling->report;

    object->state = DRILL_SKIPPED;
    (void)pthread_mutex_lock(&report->lock);
    report->skipped[object->stratum]++;
    report->why_skipped[object->stratum] = why;
    (void)pthread_mutex_unlock(&report->lock);
}

/* The point, and its hash: the record names both. */
static enum verdict open_point(struct drilling *drilling, struct failure *failure)
{
    const struct drill_options *options = drilling->options;
    const struct view_options wanted = { .program = options->program,
        .vault = options->vault,
        .conn = options->conn,
        .source = options->source,
        .when = &options->when };
    struct drill_report *report = drilling->report;
    struct point_listed listed;
    struct point_read read = { .point = NULL };
    enum verdict verdict = view_open(&wanted, &drilling->view, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    drilling->point = view_about(drilling->view)->point;
    if (drilling->point == NULL)
        return failure_set(failure, VERDICT_BAD_DATA,
                "source \"%s\" has no point that can be relied on, so there is nothing that a drill could be recorded "
                "for (vaultferry verify says what is wrong)",
                options->source);
    verdict = points_find_one(options->vault, options->conn, options->source, drilling->point->id, &listed, failure);
    if (verdict == VERDICT_OK)
        verdict = points_read(options->vault, options->conn, options->source, &listed, &read, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    report->point = read.link;
    report->state = drilling->point->state;
    report->point_finished_ms = drilling->point->finished_ms;
    point_read_free(&read);
    return VERDICT_OK;
}

/* The prefix that no other drill has. */
static enum verdict open_scratch(struct drilling *drilling, struct failure *failure)
{
    const struct drill_options *options = drilling->options;
    struct drill_report *report = drilling->report;
    char time[STATE_POINT_SIZE];
    uint64_t chance;
    int length;
    enum verdict verdict = restore_target_open(options->program, options->vault, options->source, &options->place,
            options->counters, options->conn, &drilling->target, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    report->started_ms = vault_now_ms(options->vault);
    if (!clock_random_bytes(&chance, sizeof chance) || !state_utc_to_point(report->started_ms / 1000, time))
        return failure_set(failure, VERDICT_INTERNAL, "the system gives no random numbers, or no time");
    length = snprintf(drilling->prefix, sizeof drilling->prefix, "%.*sdrill-%s-%016" PRIx64 "/",
            (int)drilling->target.prefix_len, drilling->target.prefix, time, chance);
    if (length < 0 || (size_t)length + 8 >= sizeof drilling->prefix)
        return failure_set(failure, VERDICT_USAGE, "the prefix of --to is too long");
    drilling->prefix_len = (size_t)length;
    (void)snprintf(report->scratch, sizeof report->scratch, "s3://%s/%s", drilling->target.bucket, drilling->prefix);
    return VERDICT_OK;
}

/* The source may be gone; then the comparison with it is left out. */
static void open_source(struct drilling *drilling)
{
    const struct drill_options *options = drilling->options;
    const struct config_source *known = select_source_of(options->program->config, options->source);
    const struct access_options access = { .config = known != NULL ? &known->access : NULL,
        .session_name = "vaultferry-drill" };
    struct failure ignored;

    if (known == NULL || known->kind != CONFIG_KIND_BUCKET)
        return;
    drilling->source_tags = known->policy->tags != CONFIG_TAGS_SKIP;
    if (access_open(options->program, &access, &drilling->source_access, &ignored) == VERDICT_OK &&
            access_counted(drilling->source_access, options->counters, &drilling->source_client, &ignored) !=
                    VERDICT_OK)
        drilling->source_client = NULL;
}

/* All that is still to be done, once. */
static enum verdict work(struct drilling *drilling, struct failure *failure)
{
    /* requests on their way are broken off in the middle of the grace time: the rest of it is for cleaning up */
    struct program workers = *drilling->options->program;
    const struct crew_options options = { .program = &workers,
        .workers = (unsigned)workers.config->limits.workers,
        .waiting_max = WAITING_MAX,
        .work = drill_object_do,
        .ctx = drilling };
    struct crew *crew = NULL;
    enum verdict verdict;

    workers.clock = clock_of_workers();
    verdict = crew_start(&options, &crew, failure);
    for (size_t i = 0; verdict == VERDICT_OK && i < drilling->count && !atomic_load(&drilling->over); i++) {
        if (drilling->objects[i]->state == DRILL_PENDING || drilling->objects[i]->state == DRILL_THAWING)
            crew_give(crew, drilling->objects[i]);
        event_progress("%s: %zu of %zu objects tried", drilling->options->source, i, drilling->count);
    }
    crew_stop(crew);
    if (verdict == VERDICT_OK && drilling->has_failure) {
        *failure = drilling->failure;
        verdict = failure->verdict;
    }
    if (verdict == VERDICT_OK && clock_stop_asked())
        verdict = failure_set(failure, VERDICT_CANCELLED,
                "stopped before the whole sample was tested: nothing is recorded, call it again");
    return verdict;
}

static uint64_t count_thawing(const struct drilling *drilling)
{
    uint64_t thawing = 0;

    for (size_t i = 0; i < drilling->count; i++)
        thawing += drilling->objects[i]->state == DRILL_THAWING ? 1 : 0;
    return thawing;
}

/* Again and again, while anything is being thawed; at first soon, then every minute: a thaw takes hours. */
static enum verdict work_and_wait(struct drilling *drilling, struct failure *failure)
{
    const struct s3_clock *clock = clock_real();
    struct drill_report *report = drilling->report;
    int64_t began_ms = clock_monotonic_ms(), wait_ms = WAIT_LEAST_MS;
    enum verdict verdict = work(drilling, failure);

    report->thawing = count_thawing(drilling);
    while (verdict == VERDICT_OK && report->thawing > 0 && !drilling->options->no_wait) {
        int64_t until_ms = clock_monotonic_ms() + wait_ms;
        event_progress("%s: %" PRIu64 " objects are being thawed", drilling->options->source, report->thawing);
        while (clock_monotonic_ms() < until_ms && !clock_stop_asked())
            if (!clock->sleep_ms(clock->ctx, WAIT_STEP_MS))
                break;
        wait_ms = wait_ms * 2 < WAIT_MOST_MS ? wait_ms * 2 : WAIT_MOST_MS;
        report->thaw_ms = clock_monotonic_ms() - began_ms;
        verdict = work(drilling, failure);
        report->thawing = count_thawing(drilling);
    }
    return verdict;
}

/* What cannot be read at all is want of access, and no fault of the objects. */
static enum verdict check_denied(const struct drilling *drilling, struct failure *failure)
{
    const struct drill_report *report = drilling->report;
    uint64_t denied = 0;

    for (size_t i = 0; i < drilling->count; i++)
        denied += drilling->objects[i]->denied ? 1 : 0;
    if (denied == 0 || denied < report->checked)
        return VERDICT_OK;
    return failure_set(failure, VERDICT_NO_ACCESS,
            "no object could be restored, each was denied: the vault has to be read by its role, and the scratch "
            "bucket "
            "to be written (whose credentials are used: --to-profile, --to-role); the first one: %s",
            report->items[0].detail);
}

static void judge(struct drill_report *report)
{
    uint64_t objects[DRILL_STRATA] = { 0 };

    report->done = true;
    report->census = true;
    for (unsigned i = 0; i < DRILL_STRATA; i++) {
        if (report->strata.objects[i] == 0 || report->tested[i] < report->strata.wanted[i])
            continue; /* nothing is said of a stratum that was not tested whole */
        objects[i] = report->strata.objects[i];
        report->covered += objects[i];
        report->bad_covered += report->bad[i];
        report->census = report->census && report->tested[i] == objects[i];
    }
    report->worth = drill_sample_worth(report->tested, objects);
    report->at_most = drill_bound(report->bad_covered, report->worth, DRILL_CONFIDENCE);
    if (report->census && report->covered > 0)
        report->at_most = (double)report->bad_covered / (double)report->covered;
}

/* A store that ignores If-None-Match would make a second version of another drill's record. */
static bool is_taken(struct drilling *drilling, const struct layout_path *path)
{
    const struct vault *vault = drilling->options->vault;
    const struct s3_head_options options = { .target = vault_target(vault, path->ptr, path->len) };
    struct s3_head head;
    struct s3_error error;
    bool taken;

    s3_head_init(&head);
    taken = s3_head_object(drilling->options->conn, vault->client, &options, &head, &error) == S3_OK;
    s3_head_free(&head);
    return taken;
}

static enum verdict put_record(struct drilling *drilling, const char *text, struct failure *failure)
{
    const struct drill_options *options = drilling->options;
    const struct s3_pair header = { { "content-type", 12 }, { "application/json", 16 } };
    struct drill_report *report = drilling->report;
    char until[STATE_TIME_SIZE];
    struct layout_path path;
    struct s3_put_result result;
    struct s3_error error;
    enum s3_status status = S3_CHANGED;

    s3_error_clear(&error);
    for (int i = 0; i < NAME_TRIES && status == S3_CHANGED; i++) { /* another drill of the same second */
        struct s3_put_options put = { .body = text, .body_len = strlen(text), .content_md5 = true };
        if (layout_point_file(&options->vault->layout, options->source, report->point.point, LAYOUT_DRILL,
                    (uint64_t)(report->finished_ms / 1000 + i), &path) != STATE_OK)
            return failure_set(failure, VERDICT_INTERNAL, "the drill's record has no valid name");
        if (is_taken(drilling, &path))
            continue;
        put.target = vault_target(options->vault, path.ptr, path.len);
        vault_write_defaults(options->vault, &put.write);
        vault_write_lock(options->vault, &put.write, until);
        put.write.headers = &header;
        put.write.header_count = 1;
        put.write.if_none_match = "*";
        status = s3_put_object(options->conn, options->vault->client, &put, &result, &error);
    }
    if (status != S3_OK)
        return failure_from_s3(failure, status, &error, "writing the drill's record to the vault");
    (void)snprintf(report->record, sizeof report->record, "%s", path.ptr);
    return VERDICT_OK;
}

static enum verdict write_record(struct drilling *drilling, struct failure *failure)
{
    json_t *record = drill_record_json(drilling->report);
    char *text = record != NULL ? json_dumps(record, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    enum verdict verdict = text != NULL ? put_record(drilling, text, failure)
                                        : failure_set(failure, VERDICT_INTERNAL, "out of memory");

    free(text);
    json_decref(record);
    return verdict;
}

/* After everything: also after a failure, whatever it was. */
static enum verdict clean(struct drilling *drilling, enum verdict verdict, struct failure *failure)
{
    struct drill_report *report = drilling->report;
    struct failure unclean;

    if (drilling->prefix_len == 0 || drill_scratch_clean(drilling, &report->scratch_left, &unclean) == VERDICT_OK)
        return verdict;
    if (verdict != VERDICT_OK) { /* what came first is told, and this beside it */
        event_error(drilling->options->source, &unclean);
        return verdict;
    }
    *failure = unclean;
    return unclean.verdict;
}

static enum verdict drill(struct drilling *drilling, struct failure *failure)
{
    const struct drill_options *options = drilling->options;
    struct drill_report *report = drilling->report;
    struct failure ignored;
    enum verdict verdict = open_point(drilling, failure);

    if (verdict == VERDICT_OK)
        verdict = open_scratch(drilling, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    open_source(drilling);
    if (access_identity(options->vault->access, options->conn, report->who, sizeof report->who, &ignored) != VERDICT_OK)
        report->who[0] = '\0';
    drill_carry_init(drilling);
    verdict = prices_load(options->program->config, &report->prices, failure);
    if (verdict == VERDICT_OK)
        verdict = drill_choose(drilling, failure);
    if (verdict == VERDICT_OK) {
        drill_budget(drilling);
        verdict = work_and_wait(drilling, failure);
        verdict = clean(drilling, verdict, failure);
    }
    if (verdict == VERDICT_OK)
        verdict = check_denied(drilling, failure);
    if (verdict != VERDICT_OK || report->thawing > 0)
        return verdict;
    report->finished_ms = vault_now_ms(options->vault);
    judge(report);
    return write_record(drilling, failure);
}

void drill_do(const struct drill_options *options, struct drill_report *report)
{
    struct drilling *drilling = calloc(1, sizeof *drilling);
    const char *what;
    enum verdict verdict;

    memset(report, 0, sizeof *report);
    (void)pthread_mutex_init(&report->lock, NULL);
    (void)snprintf(report->source, sizeof report->source, "%s", options->source);
    report->seed = options->seed;
    if (drilling == NULL) {
        verdict = failure_set(&report->error, VERDICT_INTERNAL, "out of memory");
    } else if (!options->has_seed && !clock_random_bytes(&report->seed, sizeof report->seed)) {
        verdict = failure_set(&report->error, VERDICT_INTERNAL, "the system gives no random numbers");
    } else if (!restore_target_parse(&options->place, &drilling->target, &what)) {
        verdict = failure_set(&report->error, VERDICT_USAGE, "--to \"%s\": %s", options->place.to, what);
    } else {
        drilling->options = options;
        drilling->report = report;
        verdict = drill(drilling, &report->error);
    }
    if (report->finished_ms == 0)
        report->finished_ms = vault_now_ms(options->vault);
    report->has_error = verdict != VERDICT_OK;
    report->exit = verdict != VERDICT_OK                                                   ? verdict_exit(verdict)
                   : report->thawing > 0                                                   ? EXIT_LEFT
                   : report->problems > 0 || (report->covered == 0 && drilling->count > 0) ? EXIT_PARTIAL
                                                                                           : EXIT_DONE;
    if (drilling == NULL)
        return;
    for (size_t i = 0; i < drilling->count; i++)
        free(drilling->objects[i]);
    free(drilling->objects);
    s3_client_free(drilling->source_client);
    access_close(drilling->source_access);
    restore_target_close(&drilling->target);
    view_close(drilling->view);
    free(drilling);
}

void drill_report_free(struct drill_report *report)
{
    for (size_t i = 0; i < report->listed; i++)
        free(report->items[i].key);
    free(report->items);
    (void)pthread_mutex_destroy(&report->lock);
}
