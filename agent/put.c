/* See put.h: the order of a put, and how its object becomes a point. */
#include "agent/put_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "state/manifest_batch.h"

enum {
    GRACE_MS = 25 * 1000, /* after a signal: parts on their way end, the upload is aborted. ECS gives 30 s unless told
                             otherwise */
    SECOND_MS = 1000
};

static struct state_text text_of(const char *text)
{
    return (struct state_text){ text, strlen(text) };
}

static enum state_status add_line(struct manifest_batch *batch, struct state_change *change, struct state_error *error)
{
    char line[STATE_CHANGE_LINE_MAX];
    size_t length;
    enum state_status status;

    change->entry.run = (struct state_text){ NULL, 0 }; /* the log's header says it */
    status = state_change_format(change, line, &length, error);
    return status == STATE_OK ? manifest_outbox_append(batch, line, length, NULL, error) : status;
}

static enum state_status fill_batch(struct put *put, struct manifest_batch *batch, struct state_error *error)
{
    const struct stream_uploaded *uploaded = &put->uploaded;
    struct state_change change = { .by = uploaded->by };
    struct state_entry before;
    enum state_status status = manifest_batch_get(batch, put->options->name, &before, error);

    if (status != STATE_OK && status != STATE_NOT_FOUND)
        return status;
    put->did = change.did = status == STATE_OK ? STATE_RECOPIED : STATE_COPIED;
    change.entry = (struct state_entry){ .key = put->options->name,
        .etag = text_of(uploaded->etag),
        .size = uploaded->size,
        .source_time_ms = uploaded->modified_ms,
        .vault_version = text_of(uploaded->version),
        .checksum = text_of(uploaded->checksum),
        .class_ = uploaded->class_,
        .copied_ms = uploaded->modified_ms,
        .run = text_of(put->point) };
    status = manifest_batch_put(batch, &change.entry, error);
    return status == STATE_OK ? add_line(batch, &change, error) : status;
}

/* Only after the vault has said that it holds the object. */
static enum verdict record(struct put *put)
{
    struct manifest_batch *batch = NULL;
    struct state_error error;
    enum state_status status = manifest_batch_begin(put->manifest, &batch, &error);

    if (status == STATE_OK) {
        status = fill_batch(put, batch, &error);
        if (status == STATE_OK)
            status = manifest_batch_commit(batch, &error);
        else
            manifest_batch_abort(batch);
    }
    if (status != STATE_OK)
        return failure_from_state(
                &put->failure, status, &error, "recording in the manifest of source \"%s\"", put->source.name);
    return VERDICT_OK;
}

static enum verdict publish(struct put *put)
{
    const struct state_point_link *before = put->rebuilt.has_newest ? &put->rebuilt.newest : NULL;
    const int64_t copied_ms = put->uploaded.modified_ms;
    struct state_point point;
    char newest[STATE_POINT_SIZE] = "";
    enum verdict verdict;

    memset(&point, 0, sizeof point);
    memcpy(point.id, put->point, sizeof point.id);
    point.started_ms = put->started_ms;
    point.finished_ms = vault_now_ms(&put->vault);
    if (point.finished_ms < point.started_ms)
        point.finished_ms = point.started_ms;
    /* HEAD tells whole seconds: a version that is newer than its point would be taken for one that came later */
    if (point.finished_ms < copied_ms + SECOND_MS - 1)
        point.finished_ms = copied_ms + SECOND_MS - 1;
    point.state = STATE_POINT_COMPLETE;
    point.walk_ended = true;
    point.did = (struct state_point_did){
        .copied = put->did == STATE_COPIED, .recopied = put->did == STATE_RECOPIED, .bytes_copied = put->uploaded.size
    };
    verdict = publisher_point(put->publisher, put->conn, &point, before, newest, &put->failure);
    put->finished_ms = clock_monotonic_ms() + point.finished_ms - vault_now_ms(&put->vault);
    if (verdict == VERDICT_CHANGED) {
        put->manifest_stale = true;
        verdict = failure_set(&put->failure, VERDICT_HELD,
                "source \"%s\" was written by somebody else at the same time (point %s): the next put names this one",
                put->source.name, newest);
    }
    return verdict;
}

/* From here on a stop comes too late: the object is there, and gets its point. */
static enum verdict keep(struct put *put)
{
    struct failure failure;

    if (record(put) != VERDICT_OK)
        return put->failure.verdict;
    if (!lease_is_held(put->lease))
        return failure_set(&put->failure, VERDICT_HELD, "the lease of source \"%s\" was lost: another put has taken it",
                put->source.name);
    if (publisher_tell_unlogged(put->publisher, put->conn, &put->failure) != VERDICT_OK ||
            publisher_flush(put->publisher, put->conn, &put->failure) != VERDICT_OK)
        return put->failure.verdict;
    if (publisher_wants_full(put->publisher) && publisher_full(put->publisher, put->conn, &failure) != VERDICT_OK)
        event_warn("no-full-file", put->source.name, "%s", failure.what);
    return publish(put);
}

static void set_window(const struct put_options *options)
{
    int64_t minutes = options->source->policy->completion_window_minutes;
    int64_t seconds = options->deadline_s > 0 ? options->deadline_s : minutes * 60;

    if (seconds > 0)
        clock_stop_at(clock_monotonic_ms() + seconds * 1000);
}

void put_do(const struct put_options *options, struct put_report *report)
{
    struct put *put = calloc(1, sizeof *put);
    enum verdict verdict;

    memset(report, 0, sizeof *report);
    if (put == NULL) {
        report->exit = EXIT_INTERNAL;
        report->has_error = true;
        failure_set(&report->error, VERDICT_INTERNAL, "out of memory");
        return;
    }
    put->options = options;
    put->report = report;
    put->command.output = -1;
    clock_catch_signals(GRACE_MS);
    set_window(options);
    verdict = put_open(put);
    if (verdict == VERDICT_OK) {
        event_emit("source-started", put->source.name, json_pack("{ss}", "point", put->point), NULL);
        verdict = put_stream(put);
    }
    if (verdict == VERDICT_OK)
        verdict = keep(put);
    if (verdict == VERDICT_OK) {
        report->bytes = put->uploaded.size;
        report->parts = put->uploaded.parts;
        (void)snprintf(report->version, sizeof report->version, "%s", put->uploaded.version);
        (void)snprintf(report->point, sizeof report->point, "%s", put->point);
        report->exit = put->damaged ? EXIT_PARTIAL : EXIT_DONE;
    } else {
        report->has_error = true;
        report->error = put->failure;
        report->exit = put->producer_failed ? EXIT_PARTIAL : verdict_exit(verdict);
    }
    put_close(put);
    clock_outlast(put->finished_ms);
    free(put);
}
