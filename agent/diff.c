/* See diff.h. */
#include "agent/diff.h"

#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "agent/select.h"
#include "state/manifest_reader.h"

enum {
    MISSING_CHUNK = 1000, /* keys gathered in one read transaction */
    MISSING_BYTES = 256 * 1024,
    MISSING_WAIT =
            8 *
            MISSING_CHUNK /* results that may wait: an emptied bucket makes as many missing keys as there are records */
};

/* The merge, which is broken off and taken up again when a chunk of missing keys is full. */
struct merge {
    struct pool *pool;
    struct job *job;
    const struct s3_page *page;
    const struct walk_interval *interval;
    struct manifest_reader *reader;
    struct move_due *due;                /* NULL: nothing is moved */
    size_t at;                           /* the next entry of the page */
    size_t in_page;                      /* entries of the page that are in the interval */
    struct state_text record;            /* the manifest's current key; ptr NULL: at its end, or beyond the interval */
    struct s3_page_entry const **wanted; /* entries that are to be copied */
    unsigned char *kinds, *classes;      /* beside them: enum action_kind; ACTION_MOVE: the record's class */
    size_t moves;                        /* how many of them are ACTION_MOVE */
    size_t wanted_count, wanted_bytes;
    char *missing; /* keys, laid one after the other */
    size_t missing_used, missing_count;
    uint16_t missing_len[MISSING_CHUNK];
    uint64_t unchanged, archived, excluded, bytes;
};

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

static bool in_interval(const struct walk_interval *interval, struct state_text key)
{
    if (interval->bounded && compare(key.ptr, key.len, (const char *)interval->last.bytes, interval->last.len) > 0)
        return false;
    if (interval->prefix.len == 0)
        return true;
    return key.len >= interval->prefix.len && memcmp(key.ptr, interval->prefix.ptr, interval->prefix.len) == 0;
}

/* Steps to the next record of the interval. */
static enum state_status step(struct merge *merge, struct state_error *error)
{
    enum state_status status = manifest_reader_next(merge->reader, &merge->record, error);

    if (status == STATE_END || (status == STATE_OK && !in_interval(merge->interval, merge->record))) {
        merge->record = (struct state_text){ NULL, 0 };
        return STATE_OK;
    }
    return status;
}

/* Opens the reader where the merge stands: after `key`, or at the interval's beginning. */
static enum state_status open_at(struct merge *merge, struct state_text key, bool after, struct state_error *error)
{
    enum state_status status = manifest_reader_begin(merge->reader, error);

    if (status == STATE_OK)
        status = manifest_reader_seek(merge->reader, key, after, error);
    return status == STATE_OK ? step(merge, error) : status;
}

static bool is_archived(const struct s3_page_entry *entry)
{
    if (!storage_class_is_archive(storage_class_from(entry->class_.ptr, entry->class_.len)))
        return false;
    return entry->restore_in_progress || entry->restore_expiry_ms == 0; /* a thawed one can be read */
}

/* Some servers list milliseconds and tell whole seconds by HEAD, which a record may come from. */
static bool is_same(const struct manifest_reader *reader, struct state_text etag, const struct s3_page_entry *entry)
{
    int64_t part = entry->modified_ms % 1000;

    return manifest_reader_matches(reader, etag, entry->size, entry->modified_ms) ||
           (part != 0 && manifest_reader_matches(reader, etag, entry->size, entry->modified_ms - part));
}

static void want(struct merge *merge, const struct s3_page_entry *entry, enum action_kind kind, enum storage_class from)
{
    merge->wanted[merge->wanted_count] = entry;
    merge->kinds[merge->wanted_count] = (unsigned char)kind;
    merge->classes[merge->wanted_count++] = (unsigned char)from;
    merge->wanted_bytes += entry->key.len + entry->etag.len;
    merge->moves += kind == ACTION_MOVE;
}

static void take_entry(struct merge *merge, const struct s3_page_entry *entry, bool known)
{
    const struct state_text etag = { entry->etag.ptr, entry->etag.len };

    merge->bytes += entry->size;
    if (known && !merge->job->recopy && is_same(merge->reader, etag, entry)) {
        merge->unchanged++;
        if (merge->due != NULL) {
            const enum storage_class class_ = manifest_reader_class(merge->reader);
            if (move_due_is(merge->due, class_, entry->size, entry->modified_ms))
                want(merge, entry, ACTION_MOVE, class_);
        }
        return;
    }
    if (is_archived(entry)) {
        merge->archived++;
        return;
    }
    want(merge, entry, known ? ACTION_RECOPY : ACTION_COPY, CLASS_STANDARD);
}

static bool missing_is_full(const struct merge *merge)
{
    return merge->missing_count == MISSING_CHUNK || merge->missing_used + STATE_KEY_MAX > MISSING_BYTES;
}

static void take_missing(struct merge *merge)
{
    memcpy(merge->missing + merge->missing_used, merge->record.ptr, merge->record.len);
    merge->missing_used += merge->record.len;
    merge->missing_len[merge->missing_count++] = (uint16_t)merge->record.len;
}

/* Merges until the interval is through (*done), or the chunk of missing keys is full. */
static enum state_status merge_on(struct merge *merge, bool *done, struct state_error *error)
{
    enum state_status status = STATE_OK;

    while (status == STATE_OK && (merge->at < merge->in_page || merge->record.ptr != NULL)) {
        const struct s3_page_entry *entry = merge->at < merge->in_page ? &merge->page->entries[merge->at] : NULL;
        int order = entry == NULL ? 1
                    : merge->record.ptr == NULL
                            ? -1
                            : compare(entry->key.ptr, entry->key.len, merge->record.ptr, merge->record.len);

        if (order <= 0 && !select_key(merge->job->source->config, entry->key.ptr, entry->key.len)) {
            merge->excluded++; /* as if it were not there: what the vault has of it will be marked */
            merge->at++;
            continue;
        }
        if (order > 0) {
            if (missing_is_full(merge)) {
                *done = false;
                return STATE_OK;
            }
            take_missing(merge);
        } else {
            take_entry(merge, entry, order == 0);
            merge->at++;
        }
        if (order >= 0)
            status = step(merge, error);
    }
    *done = true;
    return status;
}

static bool hand_missing(struct merge *merge)
{
    struct action_maker maker;
    const char *key = merge->missing;

    if (merge->missing_count == 0)
        return true;
    if (!action_maker_begin(&maker, merge->missing_count, merge->missing_used))
        return false;
    for (size_t i = 0; i < merge->missing_count; i++) {
        (void)action_maker_add(&maker, ACTION_MISSING, (struct state_text){ key, merge->missing_len[i] },
                (struct state_text){ NULL, 0 });
        key += merge->missing_len[i];
    }
    if (merge->job->preview != NULL) {
        for (struct action *action = maker.first, *next; action != NULL; action = next) {
            next = action->next;
            merge->job->preview(merge->job->preview_ctx, action);
            (void)action_release(action);
        }
    } else {
        pool_wait_results(merge->pool, merge->job, MISSING_WAIT);
        pool_give_results(merge->pool, merge->job, maker.first, maker.last, maker.count);
    }
    merge->missing_count = merge->missing_used = 0;
    return true;
}

/* Moves wait until the walk is over: their keys are kept, and the rest closes up. */
static void put_moves_off(struct merge *merge)
{
    size_t left = 0;

    for (size_t i = 0; i < merge->wanted_count; i++) {
        const struct s3_page_entry *entry = merge->wanted[i];
        if (merge->kinds[i] == ACTION_MOVE) {
            move_due_add(merge->due, (struct state_text){ entry->key.ptr, entry->key.len });
            continue;
        }
        merge->wanted[left] = entry;
        merge->kinds[left++] = merge->kinds[i];
    }
    merge->wanted_count = left;
}

/* False: only its size and age let it through. */
static bool judge_move(const struct merge *merge, struct action *action)
{
    const struct move_due *due = merge->due;

    action->to_class =
            place_move(due->policy, due->prices, action->size, action->source_time_ms, due->now_ms, action->from_class)
                    .class_;
    return action->to_class != action->from_class;
}

static bool hand_wanted(struct merge *merge)
{
    struct action_maker maker;
    struct job *job = merge->job;

    if (merge->moves > 0 && job->preview == NULL)
        put_moves_off(merge);
    if (merge->wanted_count == 0)
        return true;
    if (!action_maker_begin(&maker, merge->wanted_count, merge->wanted_bytes))
        return false;
    for (size_t i = 0; i < merge->wanted_count; i++) {
        const struct s3_page_entry *entry = merge->wanted[i];
        struct action *action = action_maker_add(&maker, (enum action_kind)merge->kinds[i],
                (struct state_text){ entry->key.ptr, entry->key.len },
                (struct state_text){ entry->etag.ptr, entry->etag.len });
        action->size = entry->size;
        action->source_time_ms = entry->modified_ms;
        action->source_class = storage_class_from(entry->class_.ptr, entry->class_.len);
        action->from_class = (enum storage_class)merge->classes[i];
        action->look_first = job->look_first;
    }
    if (job->preview != NULL) {
        for (struct action *action = maker.first, *next; action != NULL; action = next) {
            next = action->next;
            if (action->kind != ACTION_MOVE || judge_move(merge, action))
                job->preview(job->preview_ctx, action);
            (void)action_release(action);
        }
    } else {
        pool_push(merge->pool, job, maker.first, maker.last, maker.page->bytes);
    }
    return true;
}

static void add_up(const struct merge *merge)
{
    struct tally *tally = &merge->job->tally;

    (void)atomic_fetch_add_explicit(&tally->listed, merge->in_page - merge->excluded, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&tally->listed_bytes, merge->bytes, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&tally->unchanged, merge->unchanged, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&tally->archived, merge->archived, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&tally->excluded, merge->excluded, memory_order_relaxed);
}

static enum state_status merge_interval(struct merge *merge, bool *no_memory, struct state_error *error)
{
    const struct walk_interval *interval = merge->interval;
    struct state_text from = { (const char *)interval->after.ptr, interval->after.len };
    char last[STATE_KEY_MAX];
    bool after = true, done = false;
    enum state_status status;

    if (from.len == 0) { /* from the prefix's beginning on */
        from = (struct state_text){ (const char *)interval->prefix.ptr, interval->prefix.len };
        after = false;
    }
    do {
        status = open_at(merge, from, after, error);
        if (status == STATE_OK)
            status = merge_on(merge, &done, error);
        if (status == STATE_OK && !done) { /* the chunk is full: on from this record, which is not in it yet */
            memcpy(last, merge->record.ptr, merge->record.len);
            from = (struct state_text){ last, merge->record.len };
            after = false;
        }
        manifest_reader_end(merge->reader);
        if (status == STATE_OK && !hand_missing(merge)) {
            *no_memory = true;
            return STATE_OK;
        }
    } while (status == STATE_OK && !done);
    return status;
}

enum verdict diff_page(struct pool *pool, struct job *job, const struct s3_page *page,
        const struct walk_interval *interval, struct failure *failure)
{
    struct merge merge;
    struct state_error error;
    enum state_status status;
    bool no_memory = false;

    memset(&merge, 0, sizeof merge);
    merge.pool = pool;
    merge.job = job;
    merge.page = page;
    merge.interval = interval;
    merge.in_page = interval->keys;
    merge.wanted = malloc((interval->keys + 1) * sizeof *merge.wanted);
    merge.kinds = malloc(2 * (interval->keys + 1));
    merge.classes = merge.kinds != NULL ? merge.kinds + interval->keys + 1 : NULL;
    merge.due = job->recopy ? NULL : job->due;
    merge.missing = malloc(MISSING_BYTES);
    status = manifest_reader_new(job->manifest, MANIFEST_LIVE, &merge.reader, &error);
    if (merge.wanted == NULL || merge.kinds == NULL || merge.missing == NULL)
        no_memory = true;
    if (status == STATE_OK && !no_memory)
        status = merge_interval(&merge, &no_memory, &error);
    if (status == STATE_OK && !no_memory)
        no_memory = !hand_wanted(&merge);
    if (status == STATE_OK && !no_memory)
        add_up(&merge);
    manifest_reader_free(merge.reader);
    free(merge.missing);
    free(merge.kinds);
    free(merge.wanted);
    if (no_memory)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory while comparing source \"%s\"", job->source->name);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "reading the manifest of source \"%s\"", job->source->name);
    return VERDICT_OK;
}
