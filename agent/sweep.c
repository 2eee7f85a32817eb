/* See sweep.h. */
#include "agent/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "agent/event.h"
#include "s3/list.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum {
    SLICES = 30,
    PAGE_KEYS = 1000,
    CLOCK_MS = 1000 /* listings tell milliseconds or seconds, records what the copy's answer said */
};

static const char META_SWEEP[] = "sweep";

struct sweep {
    struct run *run;
    struct layout_path folder;
    struct s3_page page;
    char after[STATE_PATH_MAX]; /* the last path that was listed */
    size_t after_len;           /* at least the folder's */
    bool *differs;              /* beside the page's entries */
};

/* Where the last run stopped: a key; nothing: at the beginning. */
static void read_cursor(struct sweep *sweep)
{
    struct state_error ignored;
    size_t length = 0;

    memcpy(sweep->after, sweep->folder.ptr, sweep->folder.len);
    if (manifest_meta_get(sweep->run->manifest, META_SWEEP, sweep->after + sweep->folder.len,
                sizeof sweep->after - sweep->folder.len, &length, &ignored) != STATE_OK)
        length = 0;
    sweep->after_len = sweep->folder.len + length;
}

static enum s3_status list(struct sweep *sweep, struct s3_error *error)
{
    struct run *run = sweep->run;
    const struct s3_list_options options = { .bucket = run->vault.bucket,
        .expected_owner = run->vault.owner,
        .prefix = { sweep->folder.ptr, sweep->folder.len },
        .start_after = { sweep->after, sweep->after_len > sweep->folder.len ? sweep->after_len : 0 } };

    return s3_list_objects(run->conn, run->vault.client, &options, &sweep->page, error);
}

static struct state_text key_of(const struct sweep *sweep, const struct s3_page_entry *entry)
{
    return (struct state_text){ entry->key.ptr + sweep->folder.len, entry->key.len - sweep->folder.len };
}

/* The record's own copy, and deeper than it says: rules never move upwards, a listing that names no class must not make
 * everything STANDARD, and what is newer is somebody else's. */
static bool has_sunk(const struct state_entry *record, const struct s3_page_entry *entry)
{
    return record->size == entry->size && entry->modified_ms <= record->copied_ms + CLOCK_MS &&
           storage_class_may_follow(record->class_, storage_class_from(entry->class_.ptr, entry->class_.len));
}

/* Marks the entries that differ from their records, in one short read transaction. */
static enum state_status compare(struct sweep *sweep, size_t *count, struct state_error *error)
{
    struct manifest_reader *reader = NULL;
    enum state_status status = manifest_reader_new(sweep->run->manifest, MANIFEST_LIVE, &reader, error);

    *count = 0;
    if (status == STATE_OK)
        status = manifest_reader_begin(reader, error);
    for (size_t i = 0; i < sweep->page.count && status == STATE_OK; i++) {
        const struct s3_page_entry *entry = &sweep->page.entries[i];
        struct state_entry record;

        sweep->differs[i] = false;
        if (entry->key.len <= sweep->folder.len || entry->key.len - sweep->folder.len > STATE_KEY_MAX)
            continue;
        status = manifest_reader_get(reader, key_of(sweep, entry), error);
        if (status == STATE_OK)
            status = manifest_reader_entry(reader, &record, error);
        sweep->differs[i] = status == STATE_OK && has_sunk(&record, entry);
        *count += sweep->differs[i];
        if (status == STATE_NOT_FOUND)
            status = STATE_OK;
    }
    if (reader != NULL)
        manifest_reader_end(reader);
    manifest_reader_free(reader);
    return status;
}

/*
 * No change line: lines tell what runs did, the version is the same, and the next full file has the class. A line for
 * each object that a rule moves would be as much again as all that was ever copied.
 */
static enum state_status record(struct sweep *sweep, size_t count, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status = manifest_batch_begin(sweep->run->manifest, &batch, error);

    if (status != STATE_OK)
        return status;
    for (size_t i = 0; i < sweep->page.count && count > 0 && status == STATE_OK; i++) {
        const struct s3_page_entry *entry = &sweep->page.entries[i];
        struct state_entry known;

        if (!sweep->differs[i])
            continue;
        status = manifest_batch_get(batch, key_of(sweep, entry), &known, error);
        if (status != STATE_OK)
            break;
        known.class_ = storage_class_from(entry->class_.ptr, entry->class_.len);
        status = manifest_batch_put(batch, &known, error);
    }
    if (status == STATE_OK) /* nothing: the next run begins anew */
        status = manifest_meta_put(
                batch, META_SWEEP, sweep->after + sweep->folder.len, sweep->after_len - sweep->folder.len, error);
    if (status == STATE_OK)
        return manifest_batch_commit(batch, error);
    manifest_batch_abort(batch);
    return status;
}

/* One page. *more: the listing goes on behind it. */
static bool do_page(struct sweep *sweep, bool *more)
{
    struct run *run = sweep->run;
    struct s3_error failed;
    struct state_error error;
    size_t differing = 0;
    const struct s3_page_entry *last;
    enum s3_status status = list(sweep, &failed);
    enum state_status recorded;

    *more = false;
    if (status != S3_OK) {
        if (status != S3_CANCELLED)
            event_warn("classes-not-swept", run->source.name,
                    "the classes of the vault's copies cannot be listed (s3:ListBucket): %s: %s", failed.code,
                    failed.message);
        return false;
    }
    last = sweep->page.count > 0 ? &sweep->page.entries[sweep->page.count - 1] : NULL;
    *more = sweep->page.truncated && last != NULL && last->key.len <= sizeof sweep->after;
    sweep->differs = calloc(sweep->page.count + 1, sizeof *sweep->differs);
    recorded = sweep->differs != NULL ? compare(sweep, &differing, &error)
                                      : state_fail(&error, STATE_NO_MEMORY, 0, "out of memory");
    sweep->after_len = sweep->folder.len;
    if (*more) {
        memcpy(sweep->after, last->key.ptr, last->key.len);
        sweep->after_len = last->key.len;
    }
    if (recorded == STATE_OK)
        recorded = record(sweep, differing, &error);
    free(sweep->differs);
    if (recorded != STATE_OK)
        event_warn("classes-not-swept", run->source.name, "%s", error.what);
    else
        run->report->reclassed += differing;
    return recorded == STATE_OK;
}

void sweep_do(struct run *run)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    struct manifest_totals totals;
    uint64_t pages;
    bool more = true;

    if (sweep == NULL || layout_folder(&run->vault.layout, LAYOUT_DATA, run->source.name, &sweep->folder) != STATE_OK) {
        free(sweep);
        return;
    }
    sweep->run = run;
    manifest_totals(run->manifest, &totals);
    pages = (totals.records + SLICES * PAGE_KEYS - 1) / (SLICES * PAGE_KEYS);
    read_cursor(sweep);
    s3_page_init(&sweep->page);
    for (uint64_t i = 0; i < pages && more && !pool_is_stopping(&run->job); i++)
        if (!do_page(sweep, &more))
            break;
    s3_page_free(&sweep->page);
    free(sweep);
}
