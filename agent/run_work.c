/* See run_inside.h: what happens between lease and point. */
#include "agent/run_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/place.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum {
    COMMIT_WAIT_MS = 1000,
    FEED_WAIT_MS = 50, /* what is fed lasts longer than that */
    FLUSH_MS = 60 * 1000,
    FLUSH_LINES = 10000,
    FLUSH_BYTES = 24 * 1024 * 1024, /* about 4 MiB, compressed */
    MARKS_WAITING = 128,            /* batches; more are read when half of them are done */
    FENCES_MAX = 8 * 1024 * 1024,
    AGAIN_MAX = 10000 /* keys that failed before and are tried before the walk */
};
#define PARTS_ABOVE (UINT64_C(5) << 30) /* CopyObject's bound */

static const char META_FENCES[] = "fences", META_OBJECTS[] = "objects";

static enum storage_class class_for(void *ctx, uint64_t size, int64_t source_time_ms)
{
    const struct run *run = ctx;

    return place_class(run->source.policy, &run->prices, size, source_time_ms, run->placed_ms);
}

static void keep_note(void *ctx, struct state_text key, const char *bytes, size_t length)
{
    struct run *run = ctx;
    struct action_maker maker;
    struct action *action;

    if (!action_maker_begin(&maker, 1, key.len))
        return; /* a later run begins this copy anew */
    action = action_maker_add(&maker, ACTION_NOTE, key, (struct state_text){ NULL, 0 });
    if (length > 0) {
        action->text = malloc(length);
        action->size = length;
        if (action->text != NULL)
            memcpy(action->text, bytes, length);
    }
    pool_give_results(run->options->pool, &run->job, maker.first, maker.last, 1);
}

static bool find_note(void *ctx, struct state_text key, char **bytes, size_t *length)
{
    struct run *run = ctx;
    struct manifest_reader *reader = NULL;
    char with_kind[STATE_KEY_MAX + 1];
    struct state_error error;
    bool found = false;

    with_kind[0] = JOB_KIND_UPLOAD;
    memcpy(with_kind + 1, key.ptr, key.len);
    if (manifest_reader_new(run->manifest, MANIFEST_JOBS, &reader, &error) != STATE_OK)
        return false;
    if (manifest_reader_begin(reader, &error) == STATE_OK &&
            manifest_reader_get(reader, (struct state_text){ with_kind, key.len + 1 }, &error) == STATE_OK) {
        unsigned char kind;
        struct state_text name, value;
        manifest_reader_job(reader, &kind, &name, &value);
        *bytes = malloc(value.len + 1);
        if (*bytes != NULL) {
            memcpy(*bytes, value.ptr, value.len);
            *length = value.len;
            found = true;
        }
    }
    manifest_reader_end(reader);
    manifest_reader_free(reader);
    return found;
}

/* A record that was made from versions alone (its source time is not known) has the ETag of the vault's copy. */
static bool holds_other(void *ctx, struct state_text key, struct state_text etag, const char *version)
{
    struct run *run = ctx;
    struct manifest_reader *reader = NULL;
    struct state_entry entry;
    struct state_error error;
    bool other = false;

    if (manifest_reader_new(run->manifest, MANIFEST_LIVE, &reader, &error) != STATE_OK)
        return false;
    if (manifest_reader_begin(reader, &error) == STATE_OK && manifest_reader_get(reader, key, &error) == STATE_OK &&
            manifest_reader_entry(reader, &entry, &error) == STATE_OK)
        other = entry.source_time_ms != 0 && entry.vault_version.len > 0 &&
                entry.vault_version.len == strlen(version) &&
                memcmp(entry.vault_version.ptr, version, entry.vault_version.len) == 0 &&
                (entry.etag.len != etag.len || memcmp(entry.etag.ptr, etag.ptr, etag.len) != 0);
    manifest_reader_end(reader);
    manifest_reader_free(reader);
    return other;
}

static void offer(void *ctx, struct copy_parts *parts)
{
    struct run *run = ctx;
    struct shared_parts *shared = malloc(sizeof *shared);

    if (shared == NULL)
        return; /* the owner copies alone */
    shared->parts = parts;
    pool_offer_parts(run->options->pool, &run->job, shared);
}

static void withdraw(void *ctx, struct copy_parts *parts)
{
    struct run *run = ctx;

    pool_withdraw_parts(run->options->pool, &run->job, parts);
}

static bool is_stopping(void *ctx)
{
    const struct run *run = ctx;

    return pool_is_stopping(&run->job);
}

void run_set_up_job(struct run *run)
{
    struct job *job = &run->job;

    run->placed_ms = vault_now_ms(&run->vault); /* requests were answered: the clock is the vault's */
    job->vault = &run->vault;
    job->source = &run->source;
    job->manifest = run->manifest;
    job->recopy = run->options->kind == RUN_RECOPY;
    job->budget = run->options->budget;
    if (run->lease != NULL) /* a plan may come at any hour */
        job->own.deadline_ms = run_window_end(run);
    job->copy = (struct copy_job){ .vault = &run->vault,
        .source = &run->source,
        .website = run->source_config.website,
        .class_for = class_for,
        .parts_above = PARTS_ABOVE,
        .bytes_copied = &run->bytes_copied,
        .without_tags = &run->without_tags,
        .without_acl = &run->without_acl,
        .keep = keep_note,
        .kept = find_note,
        .holds_other = holds_other,
        .offer = offer,
        .withdraw = withdraw,
        .stopping = is_stopping,
        .ctx = run };
    run->recorder =
            (struct recorder){ .pool = run->options->pool, .job = job, .report = run->report, .point = run->point };
    memcpy(run->recorder.base_point, run->base.point, sizeof run->recorder.base_point);
    run->recorder.base_ms = run->base.finished_ms;
    run->flushed_ms = clock_monotonic_ms();
    run_moves_set_up(run);
    pool_prepare(job);
    pool_add(run->options->pool, job);
    run->in_pool = true;
}

static enum verdict flush_if_due(struct run *run)
{
    struct recorder *recorder = &run->recorder;
    int64_t now = clock_monotonic_ms();

    if (recorder->lines < FLUSH_LINES && recorder->line_bytes < FLUSH_BYTES &&
            (recorder->lines == 0 || now - run->flushed_ms < FLUSH_MS))
        return VERDICT_OK;
    if (publisher_flush(run->publisher, run->conn, &run->failure) != VERDICT_OK)
        return run->failure.verdict;
    recorder->lines = recorder->line_bytes = 0;
    run->flushed_ms = now;
    return VERDICT_OK;
}

static void show_progress(const struct run *run)
{
    const struct source_report *report = run->report;

    event_progress("%s: %llu listed, %llu copied, %llu failed", run->source.name,
            (unsigned long long)atomic_load(&run->job.tally.listed),
            (unsigned long long)(report->copied + report->recopied), (unsigned long long)report->failed);
}

enum verdict run_record(
        struct run *run, enum verdict (*feed)(struct run *run, const struct pool_view *view, bool *more))
{
    struct pool *pool = run->options->pool;
    struct job *job = &run->job;
    struct pool_view view = { .idle = false };
    bool more = feed != NULL;
    enum verdict verdict = VERDICT_OK, fed;

    while (more || !view.idle || view.results > 0) {
        struct action *results =
                pool_take_results(pool, job, JOB_RESULTS_ENOUGH, more ? FEED_WAIT_MS : COMMIT_WAIT_MS, &view);

        if (verdict == VERDICT_OK && results != NULL)
            verdict = record_results(&run->recorder, results, view.results, &run->failure);
        else
            results_free(&run->recorder, results);
        if (verdict == VERDICT_OK && run->publisher != NULL)
            verdict = flush_if_due(run);
        if (verdict == VERDICT_OK && run->lease != NULL && !lease_is_held(run->lease))
            verdict = failure_set(&run->failure, VERDICT_HELD,
                    "the lease of source \"%s\" was lost: another run has taken it", run->source.name);
        if (verdict != VERDICT_OK) {
            atomic_store(&job->stop, true); /* what is in work ends, what is queued comes back */
            more = false;
        }
        if (more) {
            fed = feed(run, &view, &more);
            view.idle = false; /* what was fed is still to be done */
            if (fed != VERDICT_OK)
                verdict = fed;
        }
        show_progress(run);
    }
    if (verdict == VERDICT_OK && job->has_failure) {
        run->failure = job->failure;
        verdict = job->failure.verdict;
    }
    return verdict;
}

/* Keys that failed in a former run come first: when the window is short, they are what has waited longest. */
static enum verdict push_failed_before(struct run *run)
{
    static const char kind_of_failed[] = { JOB_KIND_FAILED };
    struct manifest_reader *reader = NULL, *live = NULL;
    struct action_maker maker;
    struct state_error error;
    enum state_status status = manifest_reader_new(run->manifest, MANIFEST_JOBS, &reader, &error);
    struct state_text key, value;
    unsigned char kind;
    bool room = action_maker_begin(&maker, AGAIN_MAX, (size_t)AGAIN_MAX * 256);
    size_t text = (size_t)AGAIN_MAX * 256;

    if (!room)
        status = state_fail(&error, STATE_NO_MEMORY, 0, "out of memory");
    if (status == STATE_OK)
        status = manifest_reader_new(run->manifest, MANIFEST_LIVE, &live, &error);
    if (status == STATE_OK)
        status = manifest_reader_begin(reader, &error);
    if (status == STATE_OK)
        status = manifest_reader_begin(live, &error);
    if (status == STATE_OK)
        status = manifest_reader_seek(reader, (struct state_text){ kind_of_failed, 1 }, false, &error);
    while (status == STATE_OK && maker.count < AGAIN_MAX) {
        status = manifest_reader_next(reader, &key, &error);
        if (status != STATE_OK)
            break;
        manifest_reader_job(reader, &kind, &key, &value);
        if (kind != JOB_KIND_FAILED || key.len > text)
            break;
        text -= key.len;
        action_maker_add(&maker, manifest_reader_get(live, key, &error) == STATE_OK ? ACTION_RECOPY : ACTION_COPY, key,
                (struct state_text){ NULL, 0 })
                ->again = true;
    }
    if (live != NULL)
        manifest_reader_end(live);
    if (reader != NULL)
        manifest_reader_end(reader);
    manifest_reader_free(live);
    manifest_reader_free(reader);
    if (room && maker.count == 0)
        action_maker_abandon(&maker);
    else if (room)
        pool_push(run->options->pool, &run->job, maker.first, maker.last, maker.page->bytes);
    if (status != STATE_OK && status != STATE_END)
        return failure_from_state(
                &run->failure, status, &error, "reading the manifest of source \"%s\"", run->source.name);
    run->recorder.failed_before = room && maker.count > 0;
    return VERDICT_OK;
}

struct fences {
    char *bytes; /* length, two bytes, and key, one after the other */
    size_t used, size;
    struct walk_bytes *keys;
    size_t count;
};

static bool add_fence(void *ctx, struct walk_bytes key)
{
    struct fences *fences = ctx;

    if (fences->used + 2 + key.len > fences->size)
        return false;
    fences->bytes[fences->used] = (char)(key.len >> 8);
    fences->bytes[fences->used + 1] = (char)(key.len & 255);
    memcpy(fences->bytes + fences->used + 2, key.ptr, key.len);
    fences->used += 2 + key.len;
    return true;
}

/* Fences are advice: what is malformed or missing makes the walk slower, not wrong. */
static void read_fences(struct run *run, struct fences *fences, uint64_t *objects)
{
    struct state_error error;
    size_t length = 0, at = 0;

    memset(fences, 0, sizeof *fences);
    *objects = 0;
    if (manifest_meta_get(run->manifest, META_OBJECTS, objects, sizeof *objects, &length, &error) != STATE_OK ||
            length != sizeof *objects)
        *objects = 0;
    if (manifest_meta_get(run->manifest, META_FENCES, NULL, 0, &length, &error) != STATE_FULL || length > FENCES_MAX)
        return;
    fences->bytes = malloc(length);
    fences->keys = malloc((length / 2 + 1) * sizeof *fences->keys);
    if (fences->bytes == NULL || fences->keys == NULL ||
            manifest_meta_get(run->manifest, META_FENCES, fences->bytes, length, &length, &error) != STATE_OK)
        return;
    while (at + 2 <= length) {
        size_t key = (size_t)(unsigned char)fences->bytes[at] << 8 | (unsigned char)fences->bytes[at + 1];
        if (at + 2 + key > length)
            return;
        fences->keys[fences->count++] = (struct walk_bytes){ (const unsigned char *)fences->bytes + at + 2, key };
        at += 2 + key;
    }
}

static void free_fences(struct fences *fences)
{
    free(fences->bytes);
    free(fences->keys);
}

static void write_fences(struct run *run, const struct walk_plan *plan)
{
    struct fences fences = { .size = FENCES_MAX / 4 };
    struct manifest_batch *batch = NULL;
    struct state_error error;
    uint64_t objects = atomic_load(&run->job.tally.listed);
    enum state_status status;

    fences.bytes = malloc(fences.size);
    if (fences.bytes == NULL || !walk_plan_fences(plan, add_fence, &fences))
        fences.used = 0;
    status = manifest_batch_begin(run->manifest, &batch, &error);
    if (status == STATE_OK) {
        status = manifest_meta_put(batch, META_FENCES, fences.bytes, fences.used, &error);
        if (status == STATE_OK)
            status = manifest_meta_put(batch, META_OBJECTS, &objects, sizeof objects, &error);
        if (status == STATE_OK)
            status = manifest_batch_commit(batch, &error);
        else
            manifest_batch_abort(batch);
    }
    if (status != STATE_OK)
        event_warn("fences-not-kept", run->source.name, "the next listing starts cold: %s", error.what);
    free(fences.bytes);
}

static struct walk_plan *make_plan(struct run *run)
{
    const struct config_strings *prefixes = &run->source.config->select.prefixes;
    size_t count = run->options->prefix != NULL ? 1 : prefixes->count;
    struct walk_bytes *wanted = calloc(count + 1, sizeof *wanted);
    struct fences fences;
    struct walk_options options = {
        .prefixes = wanted, .prefix_count = count, .listers = pool_workers(run->options->pool)
    };
    struct walk_plan *plan = NULL;

    if (wanted == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *prefix = run->options->prefix != NULL ? run->options->prefix : prefixes->items[i];
        wanted[i] = (struct walk_bytes){ (const unsigned char *)prefix, strlen(prefix) };
    }
    read_fences(run, &fences, &options.objects);
    options.fences = fences.keys;
    options.fence_count = fences.count;
    plan = walk_plan_new(&options);
    free_fences(&fences);
    free(wanted);
    return plan;
}

static enum verdict clear_pending(struct run *run)
{
    struct manifest_batch *batch = NULL;
    struct state_error error;
    enum state_status status = manifest_batch_begin(run->manifest, &batch, &error);

    if (status == STATE_OK) {
        status = manifest_pending_clear(batch, &error);
        if (status == STATE_OK)
            status = manifest_batch_commit(batch, &error);
        else
            manifest_batch_abort(batch);
    }
    if (status != STATE_OK)
        return failure_from_state(
                &run->failure, status, &error, "preparing the manifest of source \"%s\"", run->source.name);
    return VERDICT_OK;
}

enum verdict run_walk(struct run *run)
{
    struct walk_plan *plan = make_plan(run);
    enum verdict verdict;

    if (plan == NULL)
        return failure_set(&run->failure, VERDICT_INTERNAL, "out of memory while planning the listing of source \"%s\"",
                run->source.name);
    pool_give_plan(run->options->pool, &run->job, plan);
    verdict = run_record(run, NULL);
    run->walk_ended = verdict == VERDICT_OK && run->job.walk_done;
    if (run->walk_ended && run->options->prefix == NULL && run->job.preview == NULL)
        write_fences(run, plan);
    walk_plan_free(plan);
    if (run->walk_ended && run->options->prefix == NULL)
        verdict = run_outside(run);
    return verdict;
}

enum verdict run_work(struct run *run)
{
    enum verdict verdict;

    run_set_up_job(run);
    verdict = clear_pending(run);
    if (verdict == VERDICT_OK)
        verdict = push_failed_before(run);
    if (verdict == VERDICT_OK)
        verdict = run_record(run, NULL);
    if (verdict == VERDICT_OK)
        verdict = run_walk(run);
    return verdict;
}

static enum verdict feed_marks(struct run *run, const struct pool_view *view, bool *more)
{
    if (view->marks > MARKS_WAITING / 2)
        return VERDICT_OK;
    return mark_feed(run->options->pool, &run->job, &run->marks, MARKS_WAITING, more, &run->failure);
}

enum verdict run_marks(struct run *run)
{
    enum verdict verdict;

    if (run->recorder.pending == 0)
        return VERDICT_OK;
    run->marks.len = 0;
    verdict = run_record(run, feed_marks);
    if (run->recorder.left_out > 0) {
        event_warn("listing-not-whole", run->source.name,
                "the listing had left out %llu keys that are there: it ended too early, and may lack new keys as well",
                (unsigned long long)run->recorder.left_out);
        run->walk_ended = false;
    }
    return verdict;
}
