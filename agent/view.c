/* See view.h. The index is a manifest in a folder of its own, filled by what rebuilds manifests. */
#include "agent/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/acls.h"
#include "agent/event.h"
#include "agent/rebuild.h"
#include "agent/view_folder.h"
#include "agent/view_settle.h"
#include "state/manifest_reader.h"

struct view {
    char source[STATE_SOURCE_MAX + 1];
    struct view_about about;
    struct get_choice choice;
    struct view_folder folder;
    struct manifest_reader *reader;
    struct acls acls;
    struct view_object object;
    enum verdict verdict; /* a failure that stays */
    struct failure failure;
};

static bool has_any_point(const struct points_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].has_point)
            return true;
    return false;
}

static struct rebuild_view index_of(const struct view *view, const struct view_options *options)
{
    return (struct rebuild_view){ .vault = options->vault,
        .conn = options->conn,
        .source = options->source,
        .manifest = view->folder.manifest,
        .prefix = options->prefix };
}

/* By the versions alone. */
static enum verdict load_time(
        struct view *view, const struct view_options *options, int64_t until_ms, struct failure *failure)
{
    const struct rebuild_view index = index_of(view, options);
    const int64_t now_ms = vault_now_ms(options->vault);

    view->about.from_versions = true;
    view->about.point = NULL;
    view->about.at_ms = until_ms < now_ms ? until_ms : now_ms;
    return rebuild_view_time(&index, until_ms, &view->about.nameless, failure);
}

static enum verdict load_point(
        struct view *view, const struct view_options *options, const struct points_list *list, struct failure *failure)
{
    const struct rebuild_view index = index_of(view, options);
    /* what came after the point is cut off */
    const struct points_list upto = { list->items, (size_t)(view->choice.listed - list->items) + 1, 0 };
    uint64_t unknown = 0;
    enum verdict verdict = rebuild_view_point(&index, &upto, &unknown, failure);

    if (verdict == VERDICT_OK && unknown > 0)
        verdict = view_settle(&index, unknown, failure);
    view->about.point = view->choice.read.point;
    view->about.at_ms = view->choice.read.point->finished_ms;
    return verdict;
}

/* What the versions are asked for instead of a point: when it had finished, else when it was written. */
static int64_t time_of(const struct view *view, const struct view_options *options)
{
    if (view->choice.read.point != NULL)
        return view->choice.read.point->finished_ms;
    if (options->when->kind == GET_POINT && view->choice.listed != NULL)
        return view->choice.listed->written_ms;
    return get_when_ms(options->when, vault_now_ms(options->vault));
}

static enum verdict load_from_points(
        struct view *view, const struct view_options *options, const struct points_list *list, struct failure *failure)
{
    const struct get_place place = { options->vault, options->conn, options->source, { NULL, 0 } };
    enum verdict verdict = get_choose(&place, list, options->when, &view->choice, failure);

    memcpy(view->about.passed_over, view->choice.passed_over, sizeof view->about.passed_over);
    view->about.passed_over_state = view->choice.passed_over_state;
    if (verdict == VERDICT_OK) {
        verdict = load_point(view, options, list, failure);
        if (verdict == VERDICT_NOT_FOUND) /* a file that a point names */
            verdict = VERDICT_BAD_DATA;
    }
    if (verdict != VERDICT_BAD_DATA)
        return verdict;
    event_warn("points-damaged", options->source,
            "%s. What is given is what the versions and their times say; run `vaultferry verify`", failure->what);
    view->about.doubtful = true;
    return load_time(view, options, time_of(view, options), failure);
}

/* Whoever asks for the versions may name a point: then its time is meant. */
static enum verdict load_from_versions(
        struct view *view, const struct view_options *options, const struct points_list *list, struct failure *failure)
{
    const struct get_place place = { options->vault, options->conn, options->source, { NULL, 0 } };
    enum verdict verdict = VERDICT_OK;

    if (options->when->kind == GET_POINT)
        verdict = get_choose(&place, list, options->when, &view->choice, failure);
    if (verdict == VERDICT_BAD_DATA) /* the time at which it was written does */
        verdict = VERDICT_OK;
    return verdict == VERDICT_OK ? load_time(view, options, time_of(view, options), failure) : verdict;
}

static enum verdict load(struct view *view, const struct view_options *options, struct failure *failure)
{
    struct points_list list = { NULL, 0, 0 };
    enum verdict verdict = points_find(options->vault, options->conn, options->source, NULL, &list, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    if (options->from_versions) {
        verdict = load_from_versions(view, options, &list, failure);
    } else if (has_any_point(&list) || options->when->kind == GET_POINT) {
        verdict = load_from_points(view, options, &list, failure);
    } else {
        event_warn("no-points", options->source, "there are no points: the versions' own times say what was there");
        verdict = load_time(view, options, time_of(view, options), failure);
    }
    view->choice.listed = NULL;
    points_list_free(&list);
    return verdict;
}

static enum verdict begin_reading(struct view *view, struct failure *failure)
{
    struct state_error error;
    enum state_status status = manifest_reader_new(view->folder.manifest, MANIFEST_LIVE, &view->reader, &error);

    /* nobody writes to the index: a transaction may last */
    if (status == STATE_OK)
        status = acls_open(view->folder.manifest, &view->acls, &error);
    if (status == STATE_OK)
        status = manifest_reader_begin(view->reader, &error);
    if (status == STATE_OK)
        status = acls_begin(&view->acls, &error);
    return status == STATE_OK
                   ? VERDICT_OK
                   : failure_from_state(failure, status, &error, "reading the index of source \"%s\"", view->source);
}

enum verdict view_open(const struct view_options *options, struct view **out, struct failure *failure)
{
    struct view *view = calloc(1, sizeof *view);
    enum verdict verdict;

    *out = NULL;
    if (view == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    (void)snprintf(view->source, sizeof view->source, "%s", options->source);
    verdict = view_folder_open(options->program, &view->folder, failure);
    if (verdict == VERDICT_OK)
        verdict = load(view, options, failure);
    if (verdict == VERDICT_OK)
        verdict = begin_reading(view, failure);
    if (verdict == VERDICT_FULL && failure != NULL && failure->s3.operation == NULL) {
        const struct failure why = *failure;
        verdict = failure_set(failure, VERDICT_FULL,
                "the index of source \"%s\" does not fit on the disk of the state folder: %.400s. Name another folder "
                "by "
                "--state-dir",
                options->source, why.what);
    }
    if (verdict != VERDICT_OK) {
        view_close(view);
        return verdict;
    }
    *out = view;
    return VERDICT_OK;
}

const struct view_about *view_about(const struct view *view)
{
    return &view->about;
}

static enum verdict stay(
        struct view *view, enum state_status status, const struct state_error *error, struct failure *failure)
{
    view->verdict =
            failure_from_state(&view->failure, status, error, "reading the index of source \"%s\"", view->source);
    if (failure != NULL)
        *failure = view->failure;
    return view->verdict;
}

enum verdict view_next(struct view *view, const struct view_object **object, struct failure *failure)
{
    struct state_text key;
    struct state_error error;
    enum state_status status;

    *object = NULL;
    if (view->verdict != VERDICT_OK) {
        if (failure != NULL)
            *failure = view->failure;
        return view->verdict;
    }
    status = manifest_reader_next(view->reader, &key, &error);
    if (status == STATE_END)
        return VERDICT_OK;
    if (status == STATE_OK)
        status = manifest_reader_entry(view->reader, &view->object.entry, &error);
    if (status == STATE_OK)
        status = acls_find(&view->acls, key, &view->object.acl, &error);
    if (status != STATE_OK)
        return stay(view, status, &error, failure);
    *object = &view->object;
    return VERDICT_OK;
}

enum verdict view_rewind(struct view *view, struct failure *failure)
{
    struct state_error error;
    enum state_status status;

    if (view->verdict != VERDICT_OK) {
        if (failure != NULL)
            *failure = view->failure;
        return view->verdict;
    }
    status = manifest_reader_seek(view->reader, (struct state_text){ NULL, 0 }, false, &error);
    return status == STATE_OK ? VERDICT_OK : stay(view, status, &error, failure);
}

void view_close(struct view *view)
{
    if (view == NULL)
        return;
    if (view->reader != NULL)
        manifest_reader_end(view->reader);
    manifest_reader_free(view->reader);
    acls_end(&view->acls);
    acls_close(&view->acls);
    view_folder_close(&view->folder);
    point_read_free(&view->choice.read);
    free(view);
}
