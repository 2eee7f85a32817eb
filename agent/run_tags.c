/*
 * See run_inside.h: resync --tags. Hands out the manifest's records in key order, some chunks ahead of the workers, and
 * counts what comes back. Nothing is recorded: tags are in no record and in no change line, so there is no point to
 * publish either.
 */
#include "agent/run_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "state/manifest_reader.h"

enum {
    CHUNK = 500, /* keys in one read transaction */
    AHEAD = 4 * CHUNK,
    WAIT_MS = 1000
};

struct tags_walk {
    struct manifest_reader *reader;
    struct state_text prefix;
    char from[STATE_KEY_MAX];
    size_t from_len;
    bool after; /* without `from` itself */
    bool more;
    uint64_t out; /* handed out and not back */
    char *bytes;  /* of a chunk's keys */
};

static bool begins_with(struct state_text key, struct state_text prefix)
{
    return key.len >= prefix.len && memcmp(key.ptr, prefix.ptr, prefix.len) == 0;
}

static enum state_status read_chunk(
        struct tags_walk *walk, struct state_text keys[CHUNK], size_t *count, size_t *used, struct state_error *error)
{
    struct state_text key;
    enum state_status status = manifest_reader_begin(walk->reader, error);

    *count = *used = 0;
    if (status == STATE_OK)
        status = manifest_reader_seek(
                walk->reader, (struct state_text){ walk->from, walk->from_len }, walk->after, error);
    while (status == STATE_OK && *count < CHUNK) {
        status = manifest_reader_next(walk->reader, &key, error);
        if (status == STATE_OK && !begins_with(key, walk->prefix))
            status = STATE_END;
        if (status != STATE_OK)
            break;
        memcpy(walk->bytes + *used, key.ptr, key.len);
        keys[(*count)++] = (struct state_text){ walk->bytes + *used, key.len };
        *used += key.len;
    }
    manifest_reader_end(walk->reader);
    if (*count > 0) {
        walk->from_len = keys[*count - 1].len;
        memcpy(walk->from, keys[*count - 1].ptr, walk->from_len);
        walk->after = true;
    }
    walk->more = status == STATE_OK;
    return status == STATE_END ? STATE_OK : status;
}

static enum verdict hand_out(struct run *run, struct tags_walk *walk)
{
    struct state_text keys[CHUNK];
    size_t count, used;
    struct action_maker maker;
    struct state_error error;
    enum state_status status = read_chunk(walk, keys, &count, &used, &error);

    if (status != STATE_OK)
        return failure_from_state(
                &run->failure, status, &error, "reading the manifest of source \"%s\"", run->source.name);
    if (count == 0)
        return VERDICT_OK;
    if (!action_maker_begin(&maker, count, used))
        return failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < count; i++)
        (void)action_maker_add(&maker, ACTION_TAGS, keys[i], (struct state_text){ NULL, 0 });
    walk->out += count;
    pool_push(run->options->pool, &run->job, maker.first, maker.last, maker.page->bytes);
    return VERDICT_OK;
}

static void count_results(struct run *run, struct action *results)
{
    struct source_report *report = run->report;

    for (struct action *action = results; action != NULL; action = action->next) {
        switch (action->outcome) {
        case OUTCOME_DONE:
            report->tags_changed++;
            report->tags_compared++;
            break;
        case OUTCOME_ADOPTED:
            report->tags_compared++;
            break;
        case OUTCOME_GONE:
            report->gone++;
            break;
        case OUTCOME_FAILED:
            source_report_add(report, action->key, action->failure);
            action->failure = NULL;
            break;
        case OUTCOME_ARCHIVED:
        case OUTCOME_THAWING:
        case OUTCOME_LEFT:
            run->recorder.left++;
            break;
        }
    }
}

static enum verdict work(struct run *run, struct tags_walk *walk)
{
    struct pool_view view = { .idle = false };
    enum verdict verdict = VERDICT_OK;

    while (walk->more || !view.idle) {
        struct action *results;

        while (walk->more && verdict == VERDICT_OK && walk->out + CHUNK <= AHEAD)
            verdict = hand_out(run, walk);
        results = pool_take_results(run->options->pool, &run->job, CHUNK, WAIT_MS, &view);
        walk->out -= view.results;
        count_results(run, results);
        results_free(&run->recorder, results);
        if (verdict == VERDICT_OK && !lease_is_held(run->lease))
            verdict = failure_set(&run->failure, VERDICT_HELD,
                    "the lease of source \"%s\" was lost: another run has taken it", run->source.name);
        if (verdict != VERDICT_OK)
            atomic_store(&run->job.stop, true); /* what is in work ends, what is queued comes back */
        if (verdict != VERDICT_OK || run->recorder.left > 0 || atomic_load(&run->job.stop) || clock_stop_asked()) {
            run->walk_ended = run->walk_ended && !walk->more;
            walk->more = false;
        }
        event_progress("%s: tags of %llu objects compared, %llu written", run->source.name,
                (unsigned long long)run->report->tags_compared, (unsigned long long)run->report->tags_changed);
    }
    if (verdict == VERDICT_OK && run->job.has_failure) {
        run->failure = run->job.failure;
        verdict = run->failure.verdict;
    }
    return verdict;
}

enum verdict run_tags(struct run *run)
{
    const char *prefix = run->options->prefix != NULL ? run->options->prefix : "";
    struct tags_walk walk = { .prefix = { prefix, strlen(prefix) }, .more = true };
    struct state_error error;
    enum verdict verdict = VERDICT_OK;

    run->report->tags = true;
    run->walk_ended = true;
    run->manifest_stale = run->job.look_first; /* a killed run came before: the next that copies still has to look */
    if (run->source.policy->tags == CONFIG_TAGS_SKIP) {
        static const char skips[] = "the policy says \"tags\": \"skip\", so the vault's copies have none: not compared";
        event_warn("tags-skipped", run->source.name, "%s", skips);
        source_report_warn(run->report, skips);
        return VERDICT_OK;
    }
    if (walk.prefix.len > STATE_KEY_MAX)
        return failure_set(&run->failure, VERDICT_USAGE, "--prefix is longer than any key");
    memcpy(walk.from, prefix, walk.prefix.len);
    walk.from_len = walk.prefix.len;
    walk.bytes = malloc((size_t)CHUNK * STATE_KEY_MAX);
    if (walk.bytes == NULL || manifest_reader_new(run->manifest, MANIFEST_LIVE, &walk.reader, &error) != STATE_OK) {
        free(walk.bytes);
        return failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    }
    run_set_up_job(run);
    verdict = work(run, &walk);
    pool_remove(run->options->pool, &run->job);
    run->in_pool = false;
    manifest_reader_free(walk.reader);
    free(walk.bytes);
    run->report->state = verdict == VERDICT_OK && run->walk_ended && run->recorder.left == 0 && run->report->failed == 0
                                 ? "complete"
                                 : "partial";
    return verdict;
}
