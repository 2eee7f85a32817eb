/* point.json: what makes a run's files a point; see publish.h. */
#include "agent/publish_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy_id(char out[STATE_POINT_SIZE], const char *id)
{
    if (out != NULL)
        (void)snprintf(out, STATE_POINT_SIZE, "%s", id);
}

static enum verdict overtaken(
        const struct publisher *publisher, const char *id, char newest[STATE_POINT_SIZE], struct failure *failure)
{
    copy_id(newest, id);
    return failure_set(failure, VERDICT_CHANGED,
            "source \"%s\": another run has published point %s meanwhile; the next run goes on from there",
            publisher->source->name, id);
}

/* The newest point must still be the one that this run began with. */
static enum verdict check_newest(struct publisher *publisher, struct s3_conn *conn,
        const struct state_point_link *predecessor, char newest[STATE_POINT_SIZE], struct failure *failure)
{
    struct points_list list;
    const char *found = NULL;
    enum verdict verdict = points_find(publisher->vault, conn, publisher->source->name,
            predecessor != NULL ? predecessor->point : NULL, &list, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].has_point)
            found = list.items[i].id;
    if (found != NULL)
        verdict = overtaken(publisher, found, newest, failure);
    points_list_free(&list);
    return verdict;
}

/* What every point repeats from the one before it */
static enum verdict follow(struct publisher *publisher, struct s3_conn *conn,
        const struct state_point_link *predecessor, struct state_point *point, struct failure *failure)
{
    const char *source = publisher->source->name;
    struct point_listed listed;
    struct point_read read = { .point = NULL };
    enum verdict verdict;

    point->has_predecessor = predecessor != NULL;
    point->has_root = false;
    if (predecessor == NULL)
        return VERDICT_OK;
    point->predecessor = *predecessor;
    verdict = points_find_one(publisher->vault, conn, source, predecessor->point, &listed, failure);
    if (verdict == VERDICT_OK)
        verdict = points_read(publisher->vault, conn, source, &listed, &read, failure);
    if (verdict == VERDICT_NOT_FOUND)
        return failure_set(failure, VERDICT_CHANGED, "source \"%s\": its newest point %s is no longer in the vault",
                source, predecessor->point);
    if (verdict != VERDICT_OK && (verdict != VERDICT_BAD_DATA || read.link.point[0] == '\0'))
        return verdict;
    verdict = VERDICT_OK; /* one that is damaged, but known to be, has nothing to be repeated */
    if (strcmp(read.link.sha256, predecessor->sha256) != 0) {
        verdict = failure_set(failure, VERDICT_BAD_DATA,
                "source \"%s\": point %s in the vault is not the one that was written: it was changed", source,
                predecessor->point);
    } else if (read.point != NULL && read.point->has_root) {
        point->has_root = true;
        memcpy(point->root, read.point->root, sizeof point->root);
        point->root_removed = read.point->root_removed;
    }
    point_read_free(&read);
    return verdict;
}

static void fill_totals(const struct publisher *publisher, struct state_point *point)
{
    struct manifest_totals totals;

    manifest_totals(publisher->manifest, &totals);
    for (int i = 0; i < CLASS_COUNT; i++)
        point->by_class[i] = (struct state_totals){ totals.by_class[i].objects, totals.by_class[i].bytes };
}

/* Logs of killed runs and of this one, then the full files. */
static enum verdict gather_files(struct publisher *publisher, struct publish_logs *files, struct failure *failure)
{
    enum verdict verdict = publish_logs_read(publisher->manifest, files, failure);

    for (size_t i = 0; verdict == VERDICT_OK && i < publisher->fulls.count; i++)
        if (!publish_logs_add(files, &publisher->fulls.items[i]))
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    publish_logs_sort(files);
    return verdict;
}

/*
 * Some stores ignore If-None-Match, and a run under another id is not held back by it anyway: whoever has the oldest
 * version of the newest point has published.
 */
static enum verdict check_written(struct publisher *publisher, struct s3_conn *conn, const struct state_point *point,
        const struct state_point_link *link, const char *version, char newest[STATE_POINT_SIZE],
        struct failure *failure)
{
    const char *source = publisher->source->name;
    const struct point_listed *last = NULL;
    struct points_list list;
    struct point_read read;
    enum verdict verdict = points_find(
            publisher->vault, conn, source, point->has_predecessor ? point->predecessor.point : NULL, &list, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].has_point)
            last = &list.items[i];
    if (last == NULL) {
        verdict = failure_set(failure, VERDICT_BAD_DATA,
                "source \"%s\": point %s was written but is not listed; something deletes under points/", source,
                link->point);
    } else if (strcmp(last->id, link->point) != 0) {
        if (strcmp(last->id, link->point) > 0)
            verdict = overtaken(publisher, last->id, newest, failure);
    } else if (version[0] != '\0' && last->version[0] != '\0' && strcmp(version, last->version) != 0) {
        verdict = points_read(publisher->vault, conn, source, last, &read, failure);
        if (verdict == VERDICT_OK && strcmp(read.link.sha256, link->sha256) != 0)
            verdict = overtaken(publisher, last->id, newest, failure);
        if (verdict == VERDICT_OK || verdict == VERDICT_CHANGED)
            point_read_free(&read);
    }
    points_list_free(&list);
    return verdict;
}

static enum verdict put_point(struct publisher *publisher, struct s3_conn *conn, const struct state_point *point,
        struct state_point_link *link, char newest[STATE_POINT_SIZE], struct failure *failure)
{
    struct layout_path path;
    struct state_error error;
    char version[S3_VERSION_MAX + 1], *bytes = NULL;
    size_t len = 0;
    enum state_status status = state_point_write(point, &bytes, &len, &error);
    enum verdict verdict;

    if (status == STATE_OK)
        status = state_point_link_to(publisher->point, bytes, len, link, &error);
    if (status == STATE_OK && layout_point_file(&publisher->vault->layout, publisher->source->name, publisher->point,
                                      LAYOUT_POINT, 0, &path) != STATE_OK)
        status = state_fail(&error, STATE_BAD_DATA, 0, "its path is not valid");
    if (status != STATE_OK) {
        free(bytes);
        return failure_from_state(
                failure, status, &error, "point %s of source \"%s\"", publisher->point, publisher->source->name);
    }
    const struct publish_bytes file = { &path, "application/json", bytes, len };
    verdict = publish_put(publisher, conn, &file, version, failure);
    free(bytes);
    if (verdict == VERDICT_CHANGED)
        return overtaken(publisher, publisher->point, newest, failure);
    if (verdict == VERDICT_OK)
        verdict = check_written(publisher, conn, point, link, version, newest, failure);
    return verdict;
}

enum verdict publisher_interrupted(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
{
    static const char text[] = "{\"format\":1,\"by\":\"signal\"}\n";
    struct layout_path path;

    if (layout_point_file(&publisher->vault->layout, publisher->source->name, publisher->point, LAYOUT_INTERRUPTED, 0,
                &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "point %s has no path for interrupted.json", publisher->point);
    const struct publish_bytes file = { &path, "application/json", text, sizeof text - 1 };
    return publish_put(publisher, conn, &file, NULL, failure);
}

static enum verdict note_point(struct publisher *publisher, const struct state_point_link *link,
        const struct publish_logs *files, struct failure *failure)
{
    struct publish_logs none = { NULL, 0, 0 };
    struct publish_since since;
    struct manifest_batch *batch = NULL;
    struct state_error error;
    enum state_status status;
    enum verdict verdict = publish_since_read(publisher->manifest, &since, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    publish_since_add(&since, files);
    if (publisher->fulls.count > 0)
        since = (struct publish_since){ 0, 0 };
    status = manifest_batch_begin(publisher->manifest, &batch, &error);
    if (status == STATE_OK) {
        status = publish_point_put(batch, link, &error);
        if (status == STATE_OK)
            status = publish_logs_put(batch, &none, &error);
        if (status == STATE_OK)
            status = publish_since_put(batch, &since, &error);
        if (status == STATE_OK)
            status = manifest_batch_commit(batch, &error);
        else
            manifest_batch_abort(batch);
    }
    if (status == STATE_OK)
        status = manifest_sync(publisher->manifest, &error);
    publisher->fulls.count = 0;
    if (status == STATE_OK)
        return VERDICT_OK;
    return failure_from_state(
            failure, status, &error, "noting point %s of source \"%s\"", publisher->point, publisher->source->name);
}

enum verdict publisher_point(struct publisher *publisher, struct s3_conn *conn, struct state_point *point,
        const struct state_point_link *predecessor, char newest[STATE_POINT_SIZE], struct failure *failure)
{
    const struct source *source = publisher->source;
    struct publish_logs files = { NULL, 0, 0 };
    struct state_point_link link;
    char *policy = NULL;
    enum verdict verdict;

    copy_id(newest, "");
    verdict = publisher_flush(publisher, conn, failure); /* the log never misses what the totals count */
    if (verdict == VERDICT_OK)
        verdict = check_newest(publisher, conn, predecessor, newest, failure);
    if (verdict == VERDICT_OK)
        verdict = follow(publisher, conn, predecessor, point, failure);
    if (verdict == VERDICT_OK)
        verdict = gather_files(publisher, &files, failure);
    if (verdict == VERDICT_OK && (policy = config_policy_json(source->policy)) == NULL)
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (verdict != VERDICT_OK)
        goto out;
    point->program = "vaultferry " VAULTFERRY_VERSION;
    point->source = source->name;
    point->bucket = source->bucket;
    point->account = source->owner != NULL ? source->owner : "";
    point->region = source->region;
    copy_id(point->id, publisher->point);
    point->files = files.items;
    point->files_count = files.count;
    point->policy = policy;
    fill_totals(publisher, point);
    verdict = put_point(publisher, conn, point, &link, newest, failure);
    if (verdict == VERDICT_OK)
        verdict = note_point(publisher, &link, &files, failure);
    point->files = NULL;
    point->files_count = 0;
    point->policy = NULL;
out:
    free(policy);
    publish_logs_free(&files);
    return verdict;
}
