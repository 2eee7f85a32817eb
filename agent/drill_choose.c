/*
 * Draws the sample: the view of the point beside the vault's versions as they are now, twice. The class is the one that
 * a version has now, since rules move versions without a line in any log. See drill_sample.h, restore_merge.h.
 */
#include "agent/drill_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/points_versions.h"

struct streams {
    struct view *view;
    struct points_versions *versions;
};

static enum verdict next_object(void *ctx, const struct view_object **object, struct failure *failure)
{
    const struct streams *streams = ctx;

    return view_next(streams->view, object, failure);
}

static enum verdict next_version(void *ctx, const struct s3_page_entry **entry, struct failure *failure)
{
    const struct streams *streams = ctx;

    return points_versions_next(streams->versions, entry, failure);
}

static const char *lay(char **at, const char *ptr, size_t len)
{
    const char *text = *at;

    if (len > 0)
        memcpy(*at, ptr, len);
    (*at)[len] = '\0';
    *at += len + 1;
    return text;
}

static bool take(struct drilling *drilling, const struct restore_sight *sight, unsigned stratum)
{
    const struct state_entry *entry = &sight->object->entry;
    const struct state_text acl = sight->object->acl;
    bool listed = sight->vault != RESTORE_SINGLY && sight->vault != RESTORE_GONE;
    struct state_text version =
            listed ? (struct state_text){ sight->copy.version, strlen(sight->copy.version) } : entry->vault_version;
    struct drill_object *object =
            malloc(sizeof *object + entry->key.len + version.len + entry->etag.len + entry->checksum.len + acl.len + 5);
    char *at;

    if (object == NULL)
        return false;
    memset(object, 0, sizeof *object);
    at = object->bytes;
    object->number = (unsigned)drilling->count;
    object->stratum = stratum;
    object->class_ = listed ? sight->copy.class_ : entry->class_;
    object->is_gone = sight->vault == RESTORE_GONE;
    object->is_archived = sight->vault == RESTORE_ARCHIVED || sight->vault == RESTORE_THAWING ||
                          (sight->vault == RESTORE_SINGLY && storage_class_is_archive(entry->class_));
    object->size = entry->size;
    object->key = (struct state_text){ lay(&at, entry->key.ptr, entry->key.len), entry->key.len };
    object->acl = (struct state_text){ lay(&at, acl.ptr, acl.len), acl.len };
    object->version = lay(&at, version.ptr, version.len);
    object->etag = lay(&at, entry->etag.ptr, entry->etag.len);
    object->checksum = lay(&at, entry->checksum.ptr, entry->checksum.len);
    if (listed)
        memcpy(object->vault_etag, sight->copy.etag, sizeof object->vault_etag);
    drilling->objects[drilling->count++] = object;
    return true;
}

static unsigned stratum_of(const struct drilling *drilling, const struct restore_sight *sight)
{
    const struct state_entry *entry = &sight->object->entry;
    bool listed = sight->vault != RESTORE_SINGLY && sight->vault != RESTORE_GONE;
    int64_t since_ms = entry->source_time_ms != 0 ? entry->source_time_ms : entry->copied_ms;

    return drill_stratum(
            listed ? sight->copy.class_ : entry->class_, drilling->report->point_finished_ms - since_ms, entry->size);
}

/* Counts the strata, or takes from them. */
static enum verdict pass(struct drilling *drilling, bool takes, struct failure *failure)
{
    const struct drill_options *options = drilling->options;
    struct drill_sample *strata = &drilling->report->strata;
    struct points_versions versions;
    struct streams under = { drilling->view, &versions };
    struct restore_streams streams = { .ctx = &under, .object = next_object, .version = next_version };
    struct restore_merge merge;
    struct restore_sight sight;
    struct layout_path folder;
    enum verdict verdict;

    if (layout_folder(&options->vault->layout, LAYOUT_DATA, options->source, &folder) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    streams.version_skip = folder.len;
    points_versions_begin(&versions, options->vault, options->conn, (struct state_text){ folder.ptr, folder.len },
            (struct state_text){ NULL, 0 });
    versions.restore_status = true;
    restore_merge_begin(&merge, &streams, vault_now_ms(options->vault));
    do {
        verdict = restore_merge_next(&merge, &sight, failure);
        if (verdict == VERDICT_OK && clock_stop_asked())
            verdict = failure_set(failure, VERDICT_CANCELLED, "stopped before the sample was drawn");
        if (verdict != VERDICT_OK || sight.object == NULL)
            break;
        if (!takes)
            drill_sample_count(strata, stratum_of(drilling, &sight), sight.object->entry.size);
        else if (drill_sample_takes(strata, stratum_of(drilling, &sight)) &&
                 !take(drilling, &sight, stratum_of(drilling, &sight)))
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    } while (verdict == VERDICT_OK);
    points_versions_end(&versions);
    return verdict;
}

enum verdict drill_choose(struct drilling *drilling, struct failure *failure)
{
    struct drill_report *report = drilling->report;
    uint64_t total;
    enum verdict verdict;

    drill_sample_init(&report->strata, report->seed);
    verdict = pass(drilling, false, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    total = drill_sample_allot(&report->strata, drilling->options->sample);
    drilling->objects = calloc(total > 0 ? (size_t)total : 1, sizeof *drilling->objects);
    if (drilling->objects == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    verdict = view_rewind(drilling->view, failure);
    return verdict == VERDICT_OK ? pass(drilling, true, failure) : verdict;
}
