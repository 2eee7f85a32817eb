/* See uploads.h. */
#include "agent/uploads.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "s3/multipart.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum { NOTES_MAX = 10000 }; /* more uploads under way than any run has */

struct note {
    char *key, *text; /* text holds the upload's id; one piece of memory with the key */
    size_t key_len, text_len;
    bool kept;
};

struct notes {
    struct note *items;
    size_t count, capacity;
};

static void free_notes(struct notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        free(notes->items[i].key);
    free(notes->items);
}

static bool add_note(struct notes *notes, struct state_text key, struct state_text text)
{
    struct note *note;

    if (notes->count == notes->capacity) {
        size_t capacity = notes->capacity > 0 ? 2 * notes->capacity : 16;
        note = capacity <= NOTES_MAX ? realloc(notes->items, capacity * sizeof *note) : NULL;
        if (note == NULL)
            return false;
        notes->items = note;
        notes->capacity = capacity;
    }
    note = &notes->items[notes->count];
    *note = (struct note){ .key = malloc(key.len + text.len + 1), .key_len = key.len, .text_len = text.len };
    if (note->key == NULL)
        return false;
    note->text = note->key + key.len;
    memcpy(note->key, key.ptr, key.len);
    memcpy(note->text, text.ptr, text.len);
    notes->count++;
    return true;
}

/* All of them, or false: an upload whose note was not seen must not be aborted. */
static bool read_notes(struct run *run, struct notes *notes)
{
    static const char kind_of_notes[] = { JOB_KIND_UPLOAD };
    struct manifest_reader *reader = NULL;
    struct state_error error;
    struct state_text key, text;
    unsigned char kind = JOB_KIND_UPLOAD;
    enum state_status status = manifest_reader_new(run->manifest, MANIFEST_JOBS, &reader, &error);

    if (status != STATE_OK)
        return false;
    status = manifest_reader_begin(reader, &error);
    if (status == STATE_OK)
        status =
                manifest_reader_seek(reader, (struct state_text){ kind_of_notes, sizeof kind_of_notes }, false, &error);
    while (status == STATE_OK && kind == JOB_KIND_UPLOAD) {
        status = manifest_reader_next(reader, &key, &error);
        if (status != STATE_OK)
            break;
        manifest_reader_job(reader, &kind, &key, &text);
        if (kind == JOB_KIND_UPLOAD && !add_note(notes, key, text))
            status = STATE_NO_MEMORY;
    }
    manifest_reader_end(reader);
    manifest_reader_free(reader);
    return status == STATE_OK || status == STATE_END;
}

/* The next run tries again what failed in this one. */
static bool has_failed(struct manifest_reader *reader, const struct note *note)
{
    char with_kind[STATE_KEY_MAX + 1];
    struct state_error error;
    bool failed;

    with_kind[0] = JOB_KIND_FAILED;
    memcpy(with_kind + 1, note->key, note->key_len);
    failed = manifest_reader_begin(reader, &error) == STATE_OK &&
             manifest_reader_get(reader, (struct state_text){ with_kind, note->key_len + 1 }, &error) == STATE_OK;
    manifest_reader_end(reader);
    return failed;
}

static bool judge_notes(const struct run *run, struct notes *notes)
{
    /* moves that failed or were not tried have no note of their own that says so */
    bool all_moved = !run->guarded && !run->moves_cut && run->recorder.moves_left == 0 && run->report->move_failed == 0;
    bool all_seen = run->walk_ended && run->options->prefix == NULL && run->recorder.left == 0 && all_moved;
    struct manifest_reader *reader = NULL;
    struct state_error error;

    if (manifest_reader_new(run->manifest, MANIFEST_JOBS, &reader, &error) != STATE_OK)
        return false;
    for (size_t i = 0; i < notes->count; i++)
        notes->items[i].kept = !all_seen || has_failed(reader, &notes->items[i]);
    manifest_reader_free(reader);
    return true;
}

static bool drop_notes(struct run *run, const struct notes *notes)
{
    struct manifest_batch *batch = NULL;
    struct state_error error;
    enum state_status status = STATE_OK;

    for (size_t i = 0; i < notes->count && status == STATE_OK; i++) {
        const struct note *note = &notes->items[i];
        if (note->kept)
            continue;
        if (batch == NULL)
            status = manifest_batch_begin(run->manifest, &batch, &error);
        if (status == STATE_OK)
            status = manifest_job_remove(
                    batch, JOB_KIND_UPLOAD, (struct state_text){ note->key, note->key_len }, &error);
    }
    if (status == STATE_OK && batch != NULL)
        return manifest_batch_commit(batch, &error) == STATE_OK;
    manifest_batch_abort(batch);
    return status == STATE_OK;
}

static bool is_kept(const struct notes *notes, const char *upload, size_t len)
{
    for (size_t i = 0; i < notes->count; i++)
        if (notes->items[i].kept && memmem(notes->items[i].text, notes->items[i].text_len, upload, len) != NULL)
            return true;
    return false;
}

/* A page a run is enough to keep up. */
static void abort_under(struct run *run, enum layout_kind kind, const struct notes *notes)
{
    struct s3_list_uploads_options options = { .bucket = run->vault.bucket, .expected_owner = run->vault.owner };
    struct layout_path folder;
    struct s3_page page;
    struct s3_error error;

    if (layout_folder(&run->vault.layout, kind, run->source.name, &folder) != STATE_OK)
        return;
    options.prefix = (struct s3_text){ folder.ptr, folder.len };
    s3_page_init(&page);
    if (s3_list_uploads(run->conn, run->vault.client, &options, &page, &error) == S3_OK) {
        for (size_t i = 0; i < page.count && !clock_stop_asked(); i++) {
            const struct s3_page_entry *entry = &page.entries[i];
            struct s3_target target = vault_target(&run->vault, entry->key.ptr, entry->key.len);
            char upload[1024];

            if (entry->version.len >= sizeof upload || is_kept(notes, entry->version.ptr, entry->version.len))
                continue;
            memcpy(upload, entry->version.ptr, entry->version.len);
            upload[entry->version.len] = '\0';
            (void)!s3_abort_upload(run->conn, run->vault.client, &target, upload, &error);
        }
    }
    s3_page_free(&page);
}

void uploads_abort_stale(struct run *run)
{
    struct notes notes = { NULL, 0, 0 };

    if (read_notes(run, &notes) && judge_notes(run, &notes) && drop_notes(run, &notes)) {
        abort_under(run, LAYOUT_DATA, &notes);
        abort_under(run, LAYOUT_DATA_LONG, &notes);
    }
    free_notes(&notes);
}
