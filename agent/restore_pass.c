/* One pass over view, versions and destination; what cannot be settled by the three listings goes to the crew. See
 * restore_merge.h and restore.h. */
#include "agent/restore_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/event.h"
#include "agent/points_versions.h"
#include "agent/restore_listing.h"

/* The three streams of a pass, all by the main thread. */
struct streams {
    struct view *view;
    struct points_versions versions;
    struct restore_listing there;
};

static enum verdict next_object(void *ctx, const struct view_object **object, struct failure *failure)
{
    return view_next(((struct streams *)ctx)->view, object, failure);
}

static enum verdict next_version(void *ctx, const struct s3_page_entry **entry, struct failure *failure)
{
    return points_versions_next(&((struct streams *)ctx)->versions, entry, failure);
}

static enum verdict next_there(void *ctx, const struct s3_page_entry **entry, struct failure *failure)
{
    return restore_listing_next(&((struct streams *)ctx)->there, entry, failure);
}

/* Both listings begin with the prefix of the keys that are wanted. */
static enum verdict begin(struct restore *restore, struct streams *streams, struct failure *failure)
{
    const struct restore_target *target = &restore->target;
    const char *prefix = restore->options->prefix;
    char path[STATE_PATH_MAX + S3_KEY_MAX];
    size_t prefix_len = strlen(prefix), len = restore->data.len + prefix_len;

    streams->view = restore->view;
    if (len > STATE_PATH_MAX) /* only long keys have it: they are looked at singly, and this finds nothing */
        len = STATE_PATH_MAX;
    memcpy(path, restore->data.ptr, restore->data.len);
    memcpy(path + restore->data.len, prefix, len - restore->data.len);
    points_versions_begin(&streams->versions, &restore->vault, restore->conn, (struct state_text){ path, len },
            (struct state_text){ NULL, 0 });
    streams->versions.restore_status = true;
    len = target->prefix_len + prefix_len;
    if (len > S3_KEY_MAX)
        return failure_set(failure, VERDICT_USAGE, "the prefixes together are longer than a key can be");
    memcpy(path, target->prefix, target->prefix_len);
    memcpy(path + target->prefix_len, prefix, prefix_len);
    restore_listing_begin(
            &streams->there, target->client, restore->conn, target->bucket, (struct s3_text){ path, len });
    return restore->pass_number > 1 ? view_rewind(restore->view, failure) : VERDICT_OK;
}

/* What listings alone can settle. */
static bool is_settled(struct restore *restore, const struct restore_sight *sight)
{
    enum restore_mark mark;
    bool settled = true;

    (void)pthread_mutex_lock(&restore->lock);
    mark = restore_marks_get(&restore->marks, sight->ordinal);
    restore->pass.objects++;
    restore->pass.bytes += sight->object->entry.size;
    if (mark == RESTORE_FAILED)
        restore->pass.failed++;
    else if (mark == RESTORE_SKIPPED)
        restore->pass.skipped++;
    else if (sight->there == RESTORE_EQUAL && mark == RESTORE_BROUGHT)
        restore->pass.settled++;
    else if (sight->there == RESTORE_EQUAL)
        restore->pass.equal++;
    else if (sight->vault == RESTORE_THAWING && sight->there == RESTORE_ABSENT && !restore->options->dry_run)
        restore->pass.thawing++;
    else
        settled = false;
    (void)pthread_mutex_unlock(&restore->lock);
    return settled;
}

static enum verdict merge(struct restore *restore, const struct restore_streams *streams, struct failure *failure)
{
    struct restore_merge merge;
    struct restore_sight sight;
    enum verdict verdict;

    restore_merge_begin(&merge, streams, vault_now_ms(&restore->vault));
    while ((verdict = restore_merge_next(&merge, &sight, failure)) == VERDICT_OK && sight.object != NULL) {
        struct restore_task *task;
        if (restore_is_over(restore)) {
            (void)pthread_mutex_lock(&restore->lock);
            restore->broken = true;
            (void)pthread_mutex_unlock(&restore->lock);
            break;
        }
        if (is_settled(restore, &sight))
            continue;
        task = restore_task_new(restore, &sight);
        if (task == NULL)
            return failure_set(failure, VERDICT_INTERNAL, "out of memory");
        crew_give(restore->crew, task);
    }
    return verdict;
}

void restore_pass_do(struct restore *restore)
{
    struct streams streams;
    struct failure failure;
    struct restore_streams merged = { .ctx = &streams,
        .object = next_object,
        .version = next_version,
        .there = restore->target.folder == NULL ? next_there : NULL,
        .version_skip = restore->data.len,
        .there_skip = restore->target.prefix_len };

    restore->pass_number++;
    (void)pthread_mutex_lock(&restore->lock);
    memset(&restore->pass, 0, sizeof restore->pass);
    (void)pthread_mutex_unlock(&restore->lock);
    memset(&streams, 0, sizeof streams);
    if (begin(restore, &streams, &failure) != VERDICT_OK || merge(restore, &merged, &failure) != VERDICT_OK)
        restore_end(restore, &failure);
    crew_wait(restore->crew);
    points_versions_end(&streams.versions);
    restore_listing_end(&streams.there);
}
