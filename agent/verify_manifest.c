/*
 * The manifest of this state folder, where there is one and nobody uses it: where it stands against the points, and its
 * records against what the logs say. It is open for that alone, and left as it was found: a manifest that a killed run
 * left is still taken for such a one by the next run. See verify_inside.h.
 */
#include "agent/verify_inside.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/publish.h"
#include "agent/publish_meta.h"
#include "agent/state_folder.h"
#include "state/manifest_reader.h"

struct comparing {
    struct verifying *verifying;
    struct manifest *manifest;
    struct manifest_reader *reader;
    const char *newest; /* the point that it stands at */
    bool ahead;         /* a run that did not end has written more than the newest point says */
    uint64_t long_keys; /* of the history, that the manifest has */
    struct state_error error;
};

static bool exists(const char *folder)
{
    char path[4400];
    struct stat about;

    return snprintf(path, sizeof path, "%s/manifest.mdb", folder) < (int)sizeof path && stat(path, &about) == 0;
}

static bool same(struct state_text a, struct state_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether the record is of a run after the newest point: not yet in any. */
static bool is_newer(const struct comparing *comparing, const struct state_entry *entry)
{
    size_t len = strlen(comparing->newest);

    return comparing->ahead && (entry->run.len != len || memcmp(entry->run.ptr, comparing->newest, len) > 0);
}

static void compare_record(
        struct comparing *comparing, const struct verify_record *record, const struct state_entry *entry)
{
    const char *what = NULL;

    if (record->version.len > 0 && entry->vault_version.len > 0 && !same(record->version, entry->vault_version))
        what = "version";
    else if (record->size != entry->size)
        what = "size";
    else if (entry->source_time_ms != 0 && !same(record->etag, entry->etag)) /* 0: rebuilt from versions alone */
        what = "ETag";
    if (what != NULL && !is_newer(comparing, entry))
        verify_tell(comparing->verifying, "manifest-differs", record->key,
                "the manifest of this state folder has another %s than the points: `vaultferry resync` makes it anew",
                what);
}

static enum state_status look_up(struct comparing *comparing, const struct verify_record *record)
{
    struct state_entry entry;
    enum state_status status = manifest_reader_get(comparing->reader, record->key, &comparing->error);

    if (status == STATE_OK)
        status = manifest_reader_entry(comparing->reader, &entry, &comparing->error);
    if (status == STATE_OK) {
        comparing->long_keys++;
        compare_record(comparing, record, &entry);
    }
    if (status == STATE_NOT_FOUND && !comparing->ahead)
        verify_tell(comparing->verifying, "manifest-lacks", record->key,
                "the manifest of this state folder does not have it, the points do: `vaultferry resync` makes it anew");
    return status == STATE_NOT_FOUND ? STATE_OK : status;
}

static bool is_long(const struct verifying *verifying, struct state_text key)
{
    const struct verify_options *options = verifying->options;
    struct layout_path path;
    enum layout_kind kind = LAYOUT_DATA;
    struct state_error ignored;

    return layout_data(&options->vault->layout, options->source, key, &path, &kind, &ignored) == STATE_OK &&
           kind == LAYOUT_DATA_LONG;
}

static int compare(struct state_text a, struct state_text b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static enum state_status tell_extra(struct comparing *comparing, struct state_text key)
{
    struct state_entry entry;
    enum state_status status = manifest_reader_entry(comparing->reader, &entry, &comparing->error);

    if (status == STATE_OK && !is_newer(comparing, &entry))
        verify_tell(comparing->verifying, "manifest-extra", key,
                "the manifest of this state folder has it, the points do not: `vaultferry resync` makes it anew");
    return status;
}

/* The manifest's next key under data/; len 0 at its end. */
static enum state_status next_key(struct comparing *comparing, struct state_text *key, uint64_t *long_keys)
{
    enum state_status status;

    do {
        status = manifest_reader_next(comparing->reader, key, &comparing->error);
        if (status == STATE_END) {
            *key = (struct state_text){ NULL, 0 };
            return STATE_OK;
        }
        if (status != STATE_OK || !is_long(comparing->verifying, *key))
            return status;
        ++*long_keys;
    } while (true);
}

/* Long keys stand first in the history, in another order: they are looked up singly. */
static enum verdict compare_all(struct comparing *comparing, struct failure *failure)
{
    struct verifying *verifying = comparing->verifying;
    const struct verify_record *ahead = NULL;
    struct verify_group group = { .count = 0 };
    struct state_text key = { NULL, 0 };
    uint64_t long_keys = 0;
    bool begun = false;
    enum state_status status = STATE_OK;
    enum verdict verdict = verify_sort_begin(verifying->history, failure);

    if (verdict == VERDICT_OK)
        verdict = verify_sort_next(verifying->history, &ahead, failure);
    while (verdict == VERDICT_OK && status == STATE_OK && !verify_stops(verifying)) {
        int order;
        verdict = verify_group_next(verifying, &ahead, &group, failure);
        if (verdict != VERDICT_OK)
            break;
        if (group.count > 0 && group.changes[0].record.did == STATE_DELETED)
            continue;
        if (group.count > 0 && group.is_long) {
            status = look_up(comparing, &group.changes[0].record);
            continue;
        }
        if (!begun)
            status = next_key(comparing, &key, &long_keys);
        begun = true;
        while (status == STATE_OK && key.len > 0 && (group.count == 0 || compare(key, group.key) < 0)) {
            status = tell_extra(comparing, key);
            if (status == STATE_OK)
                status = next_key(comparing, &key, &long_keys);
        }
        if (group.count == 0 || status != STATE_OK)
            break;
        order = key.len > 0 ? compare(key, group.key) : 1;
        if (order == 0) {
            struct state_entry entry;
            status = manifest_reader_entry(comparing->reader, &entry, &comparing->error);
            if (status == STATE_OK)
                compare_record(comparing, &group.changes[0].record, &entry);
            if (status == STATE_OK)
                status = next_key(comparing, &key, &long_keys);
        } else if (!comparing->ahead) {
            verify_tell(verifying, "manifest-lacks", group.key,
                    "the manifest of this state folder does not have it, the points do: `vaultferry resync` makes it "
                    "anew");
        }
    }
    verify_group_free(&group);
    if (verdict == VERDICT_OK && status == STATE_OK && !verifying->report->stopped && !comparing->ahead &&
            long_keys > comparing->long_keys)
        verify_tell(verifying, "manifest-extra", (struct state_text){ "", 0 },
                "the manifest of this state folder has %llu long keys that the points do not have",
                (unsigned long long)(long_keys - comparing->long_keys));
    if (status == STATE_BAD_DATA) {
        verify_tell(verifying, "manifest-damaged", (struct state_text){ "", 0 },
                "the manifest of this state folder: %s. The next run makes it anew", comparing->error.what);
        return verdict;
    }
    return status == STATE_OK ? verdict
                              : failure_from_state(failure, status, &comparing->error, "reading the manifest");
}

/* Where it stands: false where its records cannot be held against the points. */
static bool check_standing(struct comparing *comparing, const struct state_point_link *last, struct failure *failure)
{
    struct verifying *verifying = comparing->verifying;
    const struct verify_options *options = verifying->options;
    const struct verify_point *newest =
            verifying->newest < verifying->point_count ? &verifying->points[verifying->newest] : NULL;
    const struct verify_file *file = verify_find_file(verifying, last->point, LAYOUT_POINT, 0);
    struct layout_path path;
    struct point_listed listed;

    verify_path(verifying, last->point, LAYOUT_POINT, 0, &path);
    const struct state_text key = { path.ptr, path.len };
    for (size_t i = 0; i < verifying->point_count; i++) {
        const struct verify_point *point = &verifying->points[i];
        if (strcmp(point->listed.id, last->point) != 0 || point->slim == NULL)
            continue;
        if (strcmp(point->sha256, last->sha256) != 0)
            verify_tell(verifying, "point-changed", key,
                    "it is not the file that this state folder wrote or read (SHA-256 %s): it was put in its place "
                    "since",
                    last->sha256);
        else if (point == newest)
            return true;
        else
            verify_note(verifying, VERIFY_NOTE_MANIFEST,
                    "it stands at point %s, the vault at %s: a run elsewhere, or a point that no run wrote",
                    last->point, newest->listed.id);
        return false;
    }
    if (file != NULL && file->there)
        verify_note(verifying, VERIFY_NOTE_MANIFEST, "it stands at point %s, which cannot be read", last->point);
    else if (points_find_one(options->vault, options->conn, options->source, last->point, &listed, failure) ==
                     VERDICT_OK &&
             listed.has_point && (newest == NULL || strcmp(last->point, newest->listed.id) > 0) && file == NULL)
        verify_note(verifying, VERIFY_NOTE_MANIFEST, "a run has ended meanwhile");
    else
        verify_tell(verifying, "point-missing", key,
                "this state folder stands at it, and the vault does not have it: the newest points were taken away");
    return false;
}

static enum verdict check_open(struct comparing *comparing, struct failure *failure)
{
    struct verifying *verifying = comparing->verifying;
    struct manifest_totals totals;
    struct state_point_link last;
    struct publish_logs logs = { NULL, 0, 0 };
    char value[8];
    size_t length;
    enum state_status status;
    enum verdict verdict = publish_last(comparing->manifest, &last, failure);

    if (verdict == VERDICT_NOT_FOUND || verdict == VERDICT_BAD_DATA ||
            manifest_meta_get(comparing->manifest, "rebuilding", value, sizeof value, &length, NULL) !=
                    STATE_NOT_FOUND) {
        verify_note(verifying, VERIFY_NOTE_MANIFEST, "it stands at no point yet");
        return VERDICT_OK;
    }
    if (verdict == VERDICT_OK)
        verdict = publish_logs_read(comparing->manifest, &logs, failure);
    manifest_totals(comparing->manifest, &totals);
    comparing->ahead =
            totals.outbox_lines > 0 || logs.count > 0 || verifying->report->notes[VERIFY_NOTE_LOGS].count > 0;
    comparing->newest = last.point;
    publish_logs_free(&logs);
    if (verdict != VERDICT_OK || !check_standing(comparing, &last, failure))
        return verdict;
    if (verifying->lost_count > 0) {
        verify_note(verifying, VERIFY_NOTE_MANIFEST, "its records are not compared, since files of points are lost");
        return VERDICT_OK;
    }
    status = manifest_reader_new(comparing->manifest, MANIFEST_LIVE, &comparing->reader, &comparing->error);
    if (status == STATE_OK)
        status = manifest_reader_begin(comparing->reader, &comparing->error);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &comparing->error, "reading the manifest");
    return compare_all(comparing, failure);
}

enum verdict verify_check_manifest(struct verifying *verifying, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct comparing comparing = { .verifying = verifying };
    char folder[sizeof options->program->state_dir + STATE_SOURCE_MAX + 2];
    const struct manifest_options open = { .folder = folder, .workers = 1 };
    struct state_error error;
    bool was_left;
    enum state_status status;
    enum verdict verdict;

    if (!state_folder_path(options->program, options->source, folder, sizeof folder) || !exists(folder))
        return VERDICT_OK;
    was_left = manifest_was_left_open(folder);
    status = manifest_open(&open, &comparing.manifest, NULL, &error);
    if (status == STATE_BUSY) {
        verify_note(verifying, VERIFY_NOTE_RUNNING, "another process is at work with this state folder");
        return VERDICT_OK;
    }
    if (status != STATE_OK) {
        verify_note(verifying, VERIFY_NOTE_MANIFEST, "it cannot be used: %s", error.what);
        return VERDICT_OK;
    }
    verdict = check_open(&comparing, failure);
    if (comparing.reader != NULL)
        manifest_reader_end(comparing.reader);
    manifest_reader_free(comparing.reader);
    status = manifest_close(comparing.manifest, !was_left, &error);
    if (status != STATE_OK && verdict == VERDICT_OK)
        return failure_from_state(failure, status, &error, "closing the manifest");
    return verdict;
}
