/*
 * See run_inside.h: the moves of a run whose agent does them. What the walk found to be due waits until everything was
 * copied and marked: a new object is worth more than a cheaper old one. Then its records are read again in chunks,
 * judged, and handed out some chunks ahead of the workers.
 */
#include "agent/run_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/sweep.h"
#include "state/manifest_reader.h"

enum {
    CHUNK = 500, /* records in one read transaction */
    AHEAD = 4 * CHUNK
};

/* A record that is to be moved; its texts lie in the walk's bytes. */
struct found {
    struct state_text key, etag, version;
    uint64_t size;
    int64_t source_time_ms;
    enum storage_class from, to;
};

struct moves_walk {
    struct manifest_reader *reader;
    size_t at;                /* in the keys that were kept */
    char from[STATE_KEY_MAX]; /* or, where they are too many, the last one of the manifest */
    size_t from_len;
    bool more;
    uint64_t out; /* handed out */
    struct found *found;
    char *bytes;
    size_t count, used;
};

/* "auto": the agent moves what no rule does. Copies in place cost twice where the old version is locked, so that config
 * check refuses "agent" there; "auto" leaves it. */
static bool is_agents(const struct run *run)
{
    const struct config_policy *policy = run->source.policy;
    const enum rules_found none = rules_can_express(policy) ? RULES_NONE : RULES_INSTALLED; /* nothing is wanted */

    if (run->vault.config->lock.given || policy->transitions == CONFIG_TRANSITIONS_LIFECYCLE)
        return false;
    return policy->transitions == CONFIG_TRANSITIONS_AGENT ||
           rules_of_source(&run->options->health->rules, run->source.name) == none;
}

static bool agent_moves(const struct run *run)
{
    return run->source.policy->tier_count > 0 && run->options->prefix == NULL &&
           (run->options->kind == RUN_BACKUP || run->options->kind == RUN_REBUILD) && is_agents(run);
}

void run_moves_set_up(struct run *run)
{
    if (!agent_moves(run))
        return;
    move_due_clear(&run->due); /* of an estimate before the run */
    move_set_up(&run->move, &run->job.copy);
    move_due_init(&run->due, &run->move.policy, &run->prices, run->placed_ms);
    run->job.move = &run->move;
    run->job.due = &run->due;
}

static struct state_text keep(struct moves_walk *walk, struct state_text text)
{
    char *at = walk->bytes + walk->used;

    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    walk->used += text.len;
    return (struct state_text){ at, text.len };
}

/* The reader's current record, if it is due. */
static enum state_status take(const struct run *run, struct moves_walk *walk, struct state_error *error)
{
    const struct move_due *due = &run->due;
    struct found *found = &walk->found[walk->count];
    struct state_entry entry;
    enum state_status status = manifest_reader_entry(walk->reader, &entry, error);

    if (status != STATE_OK || !move_due_is(due, entry.class_, entry.size, entry.source_time_ms))
        return status;
    *found = (struct found){ .size = entry.size, .source_time_ms = entry.source_time_ms, .from = entry.class_ };
    found->to =
            place_move(due->policy, due->prices, entry.size, entry.source_time_ms, due->now_ms, entry.class_).class_;
    if (found->to == found->from)
        return STATE_OK;
    found->key = keep(walk, entry.key);
    found->etag = keep(walk, entry.etag);
    found->version = keep(walk, entry.vault_version);
    walk->count++;
    return STATE_OK;
}

/* Of the keys that were kept. One that was marked as deleted since has no record. */
static enum state_status read_kept(const struct run *run, struct moves_walk *walk, struct state_error *error)
{
    struct state_text key;
    enum state_status status = STATE_OK;

    for (size_t i = 0; i < CHUNK && status == STATE_OK; i++) {
        if (!move_due_next(&run->due, &walk->at, &key)) {
            walk->more = false;
            break;
        }
        status = manifest_reader_get(walk->reader, key, error);
        if (status == STATE_OK)
            status = take(run, walk, error);
        else if (status == STATE_NOT_FOUND)
            status = STATE_OK;
    }
    return status;
}

static enum state_status read_all(const struct run *run, struct moves_walk *walk, struct state_error *error)
{
    struct state_text key;
    enum state_status status = manifest_reader_seek(
            walk->reader, (struct state_text){ walk->from, walk->from_len }, walk->from_len > 0, error);

    for (size_t i = 0; i < CHUNK && status == STATE_OK; i++) {
        status = manifest_reader_next(walk->reader, &key, error);
        if (status != STATE_OK)
            break;
        memcpy(walk->from, key.ptr, key.len);
        walk->from_len = key.len;
        status = take(run, walk, error);
    }
    if (status == STATE_END)
        walk->more = false;
    return status == STATE_END ? STATE_OK : status;
}

static enum verdict hand_out(struct run *run, struct moves_walk *walk)
{
    struct action_maker maker;

    if (walk->count == 0)
        return VERDICT_OK;
    if (!action_maker_begin(&maker, walk->count, walk->used))
        return failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < walk->count; i++) {
        const struct found *found = &walk->found[i];
        struct action *action = action_maker_add(&maker, ACTION_MOVE, found->key, found->etag);
        action->version = action_lay(&maker, found->version);
        action->size = found->size;
        action->source_time_ms = found->source_time_ms;
        action->from_class = found->from;
        action->to_class = found->to;
    }
    walk->out += walk->count;
    pool_push(run->options->pool, &run->job, maker.first, maker.last, maker.page->bytes);
    return VERDICT_OK;
}

static enum verdict feed(struct run *run, const struct pool_view *view, bool *more)
{
    struct moves_walk *walk = run->moves_walk;
    struct state_error error;
    enum state_status status = STATE_OK;
    enum verdict verdict = VERDICT_OK;

    (void)view;
    if (pool_is_stopping(&run->job) || atomic_load(&run->job.moves_denied) >= JOB_DENIED_MAX) {
        run->moves_cut = run->moves_cut || walk->more;
        walk->more = false;
    }
    while (walk->more && verdict == VERDICT_OK && walk->out + CHUNK <= run->recorder.moves_back + AHEAD) {
        walk->count = walk->used = 0;
        status = manifest_reader_begin(walk->reader, &error);
        if (status == STATE_OK)
            status = run->due.overflow ? read_all(run, walk, &error) : read_kept(run, walk, &error);
        manifest_reader_end(walk->reader);
        if (status != STATE_OK)
            return failure_from_state(
                    &run->failure, status, &error, "reading the manifest of source \"%s\"", run->source.name);
        verdict = hand_out(run, walk);
    }
    *more = walk->more;
    return verdict;
}

static enum verdict walk_moves(struct run *run)
{
    struct moves_walk walk = { .more = true };
    struct state_error error;
    enum state_status status = manifest_reader_new(run->manifest, MANIFEST_LIVE, &walk.reader, &error);
    enum verdict verdict;

    walk.found = malloc(CHUNK * sizeof *walk.found);
    walk.bytes = malloc((size_t)CHUNK * (STATE_KEY_MAX + STATE_ETAG_MAX + STATE_VERSION_MAX));
    if (status != STATE_OK || walk.found == NULL || walk.bytes == NULL) {
        verdict = failure_set(&run->failure, VERDICT_INTERNAL, "out of memory");
    } else {
        run->moves_walk = &walk;
        verdict = run_record(run, feed);
        run->moves_walk = NULL;
    }
    manifest_reader_free(walk.reader);
    free(walk.bytes);
    free(walk.found);
    return verdict;
}

enum verdict run_moves(struct run *run)
{
    enum verdict verdict;

    if (run->job.due == NULL && run->source.policy->tier_count > 0)
        sweep_do(run); /* by rules: what they have moved is learned */
    if (run->job.due == NULL || atomic_load(&run->due.found) == 0)
        return VERDICT_OK;
    verdict = walk_moves(run);
    if (atomic_load(&run->job.moves_denied) >= JOB_DENIED_MAX)
        source_report_warn(run->report, "moves to colder classes are denied: none was tried any more. `policy "
                                        "vault-role` prints what is needed");
    return verdict;
}
