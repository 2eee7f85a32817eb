/* See publish.h. Here: the publisher and its logs; publish_full.c and publish_point.c have the rest. */
#include "agent/publish_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 16 * 1024 * 1024,      /* bound of the buffer; files end at half of it or less */
    LOG_ENOUGH = 7 * 1024 * 1024 / 2, /* with what still lies in the compressor a log stays below 4 MiB */
    READ_BYTES = 256 * 1024,          /* of the outbox, in one transaction */
    NUMBER_TRIES = 16,
    LOG_COSTS_LINES = 10000, /* a request for a log takes as long as reading some ten thousand lines */
    FULL_LEAST_LOGS = 30     /* below that a rebuild takes a second or two anyway */
};

enum verdict publisher_new(const struct publish_options *options, struct publisher **publisher, struct failure *failure)
{
    struct publish_logs logs;
    struct publisher *made = calloc(1, sizeof *made);
    enum verdict verdict;

    *publisher = NULL;
    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    made->vault = options->vault;
    made->source = options->source;
    made->manifest = options->manifest;
    (void)snprintf(made->point, sizeof made->point, "%s", options->point);
    s3_buffer_init(&made->buffer, FILE_MAX);
    verdict = publish_logs_read(made->manifest, &logs, failure);
    publish_logs_free(&logs);
    if (verdict == VERDICT_OK)
        *publisher = made;
    else
        publisher_free(made);
    return verdict;
}

void publisher_free(struct publisher *publisher)
{
    if (publisher == NULL)
        return;
    publish_logs_free(&publisher->fulls);
    s3_buffer_free(&publisher->buffer);
    free(publisher);
}

static enum verdict fail(const struct publisher *publisher, enum state_status status, const struct state_error *error,
        struct failure *failure)
{
    return failure_from_state(failure, status, error, "the log of source \"%s\"", publisher->source->name);
}

struct line_taker {
    struct change_file_writer *writer;
    struct state_error *error;
};

static enum state_status add_line(void *ctx, uint64_t sequence, const char *line, size_t length)
{
    struct line_taker *taker = ctx;

    (void)sequence;
    return change_file_writer_add_line(taker->writer, line, length, taker->error);
}

/* From the outbox's first line on, as many as make one log. */
static enum state_status fill(
        struct publisher *publisher, struct change_file_writer *writer, uint64_t *through, struct state_error *error)
{
    struct line_taker taker = { writer, error };
    uint64_t last = 0, lines = 1;
    enum state_status status = STATE_OK;

    *through = 0;
    while (status == STATE_OK && lines > 0 && change_file_writer_bytes(writer) < LOG_ENOUGH) {
        status = manifest_outbox_read(
                publisher->manifest, *through + 1, READ_BYTES, add_line, &taker, &last, &lines, error);
        if (status == STATE_OK && lines > 0)
            *through = last;
    }
    return status;
}

/* The lines leave the outbox as their log becomes known. */
static enum state_status note_log(struct publisher *publisher, struct publish_logs *logs,
        const struct state_point_file *file, uint64_t through, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status;

    if (!publish_logs_add(logs, file))
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    status = manifest_batch_begin(publisher->manifest, &batch, error);
    if (status != STATE_OK)
        return status;
    status = manifest_outbox_trim(batch, through, error);
    if (status == STATE_OK)
        status = publish_logs_put(batch, logs, error);
    if (status != STATE_OK) {
        manifest_batch_abort(batch);
        return status;
    }
    return manifest_batch_commit(batch, error);
}

static uint64_t next_number(const struct publisher *publisher, const struct publish_logs *logs)
{
    uint64_t number = 0;

    for (size_t i = 0; i < logs->count; i++)
        if (strcmp(logs->items[i].point, publisher->point) == 0 && logs->items[i].number > number)
            number = logs->items[i].number;
    return number + 1;
}

static enum verdict put_log(struct publisher *publisher, struct s3_conn *conn, struct state_point_file *file,
        uint64_t *through, struct failure *failure)
{
    struct change_file_writer *writer = NULL;
    struct state_error error;
    enum state_status status;
    enum verdict verdict = publish_file_begin(publisher, LAYOUT_CHANGES, file->number, &writer, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    status = fill(publisher, writer, through, &error);
    if (status != STATE_OK) {
        change_file_writer_free(writer);
        return fail(publisher, status, &error, failure);
    }
    return publish_file_end(publisher, conn, writer, file, failure);
}

static enum verdict flush_one(
        struct publisher *publisher, struct s3_conn *conn, struct publish_logs *logs, struct failure *failure)
{
    struct state_point_file file = { .kind = LAYOUT_CHANGES, .number = next_number(publisher, logs) };
    struct state_error error;
    enum state_status status;
    uint64_t through = 0;
    enum verdict verdict = put_log(publisher, conn, &file, &through, failure);

    /* a number that is taken: a run of the same second was killed before it could note its log */
    for (int tries = 1; verdict == VERDICT_CHANGED && tries < NUMBER_TRIES; tries++) {
        file.number++;
        verdict = put_log(publisher, conn, &file, &through, failure);
    }
    if (verdict != VERDICT_OK)
        return verdict;
    publisher->fulls.count = 0; /* they do not hold what these lines say */
    status = note_log(publisher, logs, &file, through, &error);
    return status == STATE_OK ? VERDICT_OK : fail(publisher, status, &error, failure);
}

static bool has_lines(const struct publisher *publisher)
{
    struct manifest_totals totals;

    manifest_totals(publisher->manifest, &totals);
    return totals.outbox_lines > 0;
}

enum verdict publisher_flush(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
{
    struct publish_logs logs;
    struct state_error error;
    enum state_status status;
    enum verdict verdict;

    if (!has_lines(publisher))
        return VERDICT_OK;
    verdict = publish_logs_read(publisher->manifest, &logs, failure);
    while (verdict == VERDICT_OK && has_lines(publisher))
        verdict = flush_one(publisher, conn, &logs, failure);
    publish_logs_free(&logs);
    if (verdict != VERDICT_OK)
        return verdict;
    status = manifest_sync(publisher->manifest, &error);
    return status == STATE_OK ? VERDICT_OK : fail(publisher, status, &error, failure);
}

/* What a rebuild would spend on the logs, against what it would spend on a full file. */
bool publisher_wants_full(const struct publisher *publisher)
{
    struct publish_logs logs;
    struct publish_since since;
    struct manifest_totals totals;

    if (publish_since_read(publisher->manifest, &since, NULL) != VERDICT_OK ||
            publish_logs_read(publisher->manifest, &logs, NULL) != VERDICT_OK)
        return false;
    publish_since_add(&since, &logs);
    publish_logs_free(&logs);
    manifest_totals(publisher->manifest, &totals);
    return since.lines / LOG_COSTS_LINES + since.files > totals.records / LOG_COSTS_LINES + FULL_LEAST_LOGS;
}
