/* The restore as a whole: what is opened, how many passes, what the result is. See restore.h. */
#include "agent/restore_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/vault_sources.h"

enum {
    WAITING_MAX = 1000, /* tasks of one or two KiB */
    /* Between two looks at what is being thawed. A share of the time that passed, so that a short thaw is noticed soon
     * and a long one costs few listings; and a multiple of what a look takes. */
    POLL_MS_MIN = 1000,
    POLL_MS_MAX = 10 * 60 * 1000,
    POLL_SHARE = 20,
    POLL_LOOKS = 10,
    NAP_MS = 100 /* how late a stop may be noticed */
};

/* The vault's folder: what has this name, or is the bucket's. */
static enum verdict find_source(struct restore *restore, struct failure *failure)
{
    const struct restore_options *options = restore->options;
    const struct option_list wanted = { .items = { options->source }, .count = 1 };
    struct vault_sources sources = { .count = 0 };
    enum verdict verdict =
            vault_sources_find(options->program, &restore->vault, restore->conn, &wanted, &sources, failure);

    if (verdict == VERDICT_OK) {
        const char *name = sources.names[0];
        for (size_t i = 0; i < sources.count; i++)
            if (strcmp(sources.names[i], options->source) == 0)
                name = sources.names[i];
        (void)snprintf(restore->source, sizeof restore->source, "%s", name);
        (void)snprintf(restore->report->source, sizeof restore->report->source, "%s", name);
        if (layout_folder(&restore->vault.layout, LAYOUT_DATA, name, &restore->data) != STATE_OK)
            verdict = failure_set(failure, VERDICT_USAGE, "the vault's prefix is too long");
    }
    vault_sources_free(&sources);
    return verdict;
}

static enum verdict open_vault(struct restore *restore, struct failure *failure)
{
    const struct program *program = restore->options->program;
    const struct access_options access = { .session_name = "vaultferry-restore" };
    enum verdict verdict = vault_open(program, &access, &restore->vault, failure);

    if (verdict == VERDICT_OK)
        verdict = access_counted(restore->vault.access, &restore->counters, &restore->vault_client, failure);
    if (verdict == VERDICT_OK) {
        restore->vault.client = restore->vault_client;
        verdict = program_connect(program, &restore->conn, failure);
    }
    return verdict == VERDICT_OK ? find_source(restore, failure) : verdict;
}

/* What the point is, and what it lacks. */
static void describe(struct restore *restore)
{
    const struct view_about *about = view_about(restore->view);
    struct restore_report *report = restore->report;

    report->doubtful = about->doubtful;
    report->state = "versions";
    if (about->point != NULL) {
        (void)snprintf(report->point, sizeof report->point, "%s", about->point->id);
        report->state = state_point_state_name(about->point->state);
        report->missing = about->point->missing_count;
        if (about->point->state != STATE_POINT_COMPLETE)
            event_warn("point-lacks", restore->source, "point %s is %s: it lacks %llu object%s%s", report->point,
                    report->state, (unsigned long long)report->missing, report->missing == 1 ? "" : "s",
                    about->point->walk_ended ? "" : ", and whatever its run had not listed");
    }
    if (about->passed_over[0] != '\0')
        event_warn("point-passed-over", restore->source, "point %s is newer but %s; --at %s restores it",
                about->passed_over, state_point_state_name(about->passed_over_state), about->passed_over);
}

static enum verdict open_view(struct restore *restore, struct failure *failure)
{
    const struct restore_options *options = restore->options;
    const struct view_options wanted = { .program = options->program,
        .vault = &restore->vault,
        .conn = restore->conn,
        .source = restore->source,
        .when = &options->when,
        .from_versions = options->from_versions,
        .prefix = { options->prefix, strlen(options->prefix) } };
    enum verdict verdict = view_open(&wanted, &restore->view, failure);

    if (verdict == VERDICT_OK)
        describe(restore);
    return verdict;
}

static enum verdict start_crew(struct restore *restore, struct failure *failure)
{
    const struct crew_options options = { .program = restore->options->program,
        .workers = (unsigned)restore->options->program->config->limits.workers,
        .waiting_max = WAITING_MAX,
        .work = restore_task_do,
        .ctx = restore };

    return crew_start(&options, &restore->crew, failure);
}

static enum verdict open_all(struct restore *restore, struct failure *failure)
{
    const struct restore_options *options = restore->options;
    enum verdict verdict = open_vault(restore, failure);
    const char *what = NULL;

    if (verdict == VERDICT_OK && !restore_target_parse(&options->place, &restore->target, &what))
        verdict = failure_set(failure, VERDICT_USAGE, "--to \"%s\": %s", options->place.to, what);
    restore->report->to_folder = restore->target.folder != NULL;
    if (verdict == VERDICT_OK)
        verdict = restore_target_open(options->program, &restore->vault, restore->source, &options->place,
                &restore->counters, restore->conn, &restore->target, failure);
    if (verdict == VERDICT_OK)
        verdict = open_view(restore, failure);
    if (verdict == VERDICT_OK)
        verdict = restore_bring_open(restore, failure);
    return verdict == VERDICT_OK ? start_crew(restore, failure) : verdict;
}

static void close_all(struct restore *restore)
{
    crew_stop(restore->crew);
    restore_bring_close(restore);
    if (restore->view != NULL)
        view_close(restore->view);
    restore_target_close(&restore->target);
    s3_conn_free(restore->conn);
    s3_client_free(restore->vault_client);
    vault_close(&restore->vault);
    restore_marks_free(&restore->marks);
}

static void wait_for_thaw(struct restore *restore, int64_t began_ms, int64_t look_ms)
{
    int64_t now_ms = clock_monotonic_ms(), wait_ms = (now_ms - began_ms) / POLL_SHARE, until_ms;
    const struct restore_pass *pass = &restore->pass;
    const struct s3_clock *clock = restore->options->program->clock;

    if (wait_ms < look_ms * POLL_LOOKS)
        wait_ms = look_ms * POLL_LOOKS;
    wait_ms = wait_ms < POLL_MS_MIN ? POLL_MS_MIN : wait_ms > POLL_MS_MAX ? POLL_MS_MAX : wait_ms;
    event_emit("thaw-waiting", restore->source,
            json_pack("{sI sI sI}", "thawing", (json_int_t)pass->thawing, "equal", (json_int_t)pass->equal,
                    "seconds_to_next_look", (json_int_t)(wait_ms / 1000)),
            NULL);
    event_progress("%s: %llu of %llu there, %llu are being thawed", restore->source,
            (unsigned long long)(pass->equal + pass->brought), (unsigned long long)pass->objects,
            (unsigned long long)pass->thawing);
    for (until_ms = now_ms + wait_ms; now_ms < until_ms && !clock_stop_asked(); now_ms = clock_monotonic_ms())
        (void)clock->sleep_ms(clock->ctx, until_ms - now_ms < NAP_MS ? until_ms - now_ms : NAP_MS);
}

/* Passes until one finds nothing to bring and nothing that is being thawed: that one was the comparison. */
static void pass_until_equal(struct restore *restore)
{
    const struct restore_options *options = restore->options;
    int64_t began_ms = clock_monotonic_ms(), look_ms;

    while (!restore->broken) {
        look_ms = clock_monotonic_ms();
        restore_pass_do(restore);
        look_ms = clock_monotonic_ms() - look_ms;
        if (options->dry_run || restore->over || restore->broken)
            return;
        if (restore->pass.thawing > 0) {
            if (options->no_wait)
                return;
            wait_for_thaw(restore, began_ms, restore->pass.brought > 0 ? 0 : look_ms);
        } else if (restore->pass.brought == 0) {
            return;
        }
        restore->broken = clock_stop_asked();
    }
}

static enum exit_code exit_of(const struct restore *restore)
{
    const struct restore_report *report = restore->report;
    enum exit_code code = verdict_exit(restore->failure.verdict);

    if (report->has_error) /* a full disk or damaged data, too, end it with work left and nothing lost */
        return restore->met_conflict || (code == EXIT_INTERNAL && restore->failure.verdict != VERDICT_INTERNAL)
                       ? EXIT_PARTIAL
                       : code;
    if (report->failed > 0 && report->failed == restore->without_access && report->restored + report->equal == 0)
        return EXIT_NO_ACCESS;
    if (report->failed > 0 || report->skipped > 0 || report->doubtful)
        return EXIT_PARTIAL;
    return report->thawing > 0 || restore->broken ? EXIT_LEFT : EXIT_DONE;
}

static void conclude(struct restore *restore)
{
    struct restore_report *report = restore->report;
    const struct restore_pass *pass = &restore->pass;

    report->objects = pass->objects;
    report->bytes = pass->bytes;
    report->restored = restore->restored;
    report->restored_bytes = restore->restored_bytes;
    report->equal = pass->equal;
    report->skipped = pass->skipped;
    report->thawing = pass->thawing;
    report->failed = pass->failed;
    report->without_tags = atomic_load(&restore->bring.without_tags);
    report->without_acl = atomic_load(&restore->bring.without_acl);
    for (int i = 0; i < REQUEST_KINDS; i++)
        report->requests[i] = atomic_load(&restore->counters.requests[i]);
    report->has_error = restore->over;
    report->error = restore->failure;
    report->exit = exit_of(restore);
}

void restore_do(const struct restore_options *options, struct restore_report *report)
{
    struct restore restore = {
        .options = options, .report = report, .lock = PTHREAD_MUTEX_INITIALIZER, .told_ms = clock_monotonic_ms()
    };
    struct failure failure;

    (void)snprintf(report->source, sizeof report->source, "%s", options->source);
    report->dry_run = options->dry_run;
    report->tier = options->tier;
    report->class_ =
            options->class_ != NULL ? storage_class_from(options->class_, strlen(options->class_)) : CLASS_STANDARD;
    report->state = "unknown";
    if (prices_load(options->program->config, &report->prices, &failure) == VERDICT_OK &&
            open_all(&restore, &failure) == VERDICT_OK)
        pass_until_equal(&restore);
    else
        restore_end(&restore, &failure);
    conclude(&restore);
    close_all(&restore);
}
