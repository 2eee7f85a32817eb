/* What a restore has in bring.h, thaw.h and folder.h: one object out of the vault, into a bucket or a folder. See
 * restore_inside.h. */
#include "agent/restore_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* As long as the slowest thaw of the last object and some days of copying may take together. */
enum { THAW_DAYS = 7 };
/* S3 copies at most so much in one request. */
#define PARTS_ABOVE (UINT64_C(5) << 30)

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* A website's objects may redirect, which a plain copy leaves out. Without a point nobody knows whether it was one. */
static bool may_be_website(const struct restore *restore)
{
    const struct view_about *about = view_about(restore->view);

    return about->point == NULL || (about->point->configuration != NULL &&
                                           strstr(about->point->configuration, "<WebsiteConfiguration") != NULL);
}

static enum verdict open_folder(struct restore *restore, struct failure *failure)
{
    const char *path = restore->target.folder;
    struct stat ignored;

    if (restore->options->dry_run && stat(path, &ignored) != 0 && errno == ENOENT)
        return VERDICT_OK;
    return folder_open(path, &restore->folder, failure);
}

enum verdict restore_bring_open(struct restore *restore, struct failure *failure)
{
    const struct restore_target *target = &restore->target;
    const struct config_access *vault = &restore->options->program->config->vault.access;

    if (target->folder != NULL)
        return open_folder(restore, failure);
    restore->bring = (struct bring_job){ .vault = &restore->vault,
        .from = restore->vault.client,
        .to = target->client,
        .bucket = target->bucket,
        .class_ = restore->options->class_,
        .one_endpoint = is_same(target->config.endpoint, vault->endpoint),
        .website = may_be_website(restore),
        .parts_above = PARTS_ABOVE };
    return VERDICT_OK;
}

void restore_bring_close(struct restore *restore)
{
    if (restore->folder != NULL)
        folder_close(restore->folder);
}

static struct folder_object in_folder(const struct restore_task *task)
{
    const struct state_entry *entry = &task->entry;

    return (struct folder_object){ .key = entry->key,
        .size = entry->size,
        .time_ms = entry->source_time_ms != 0 ? entry->source_time_ms : entry->copied_ms, /* versions know no other */
        .path = &task->path,
        .version = task->copy.version,
        .etag = task->copy.etag };
}

enum verdict restore_look_in_folder(struct restore_task *task, struct failure *failure)
{
    static const enum restore_there sights[] = { [FOLDER_ABSENT] = RESTORE_ABSENT,
        [FOLDER_EQUAL] = RESTORE_EQUAL,
        [FOLDER_DOUBTFUL] = RESTORE_DOUBTFUL,
        [FOLDER_DIFFERENT] = RESTORE_DIFFERENT };
    const struct folder_object object = in_folder(task);
    enum folder_sight sight = FOLDER_ABSENT;
    enum verdict verdict = VERDICT_OK;

    if (task->restore->folder != NULL)
        verdict = folder_look(task->restore->folder, &object, &sight, failure);
    if (verdict == VERDICT_OK)
        task->there = sights[sight];
    return verdict;
}

static enum verdict receive(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    const struct folder_object object = in_folder(task);
    bool archived = false;
    enum verdict verdict =
            folder_receive(task->restore->folder, &object, &task->restore->vault, conn, &archived, failure);

    if (archived) /* in an archive tier of INTELLIGENT_TIERING, which no listing tells */
        task->vault = RESTORE_ARCHIVED;
    return verdict;
}

enum verdict restore_bring(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    const struct bring_object object = { .path = &task->path,
        .version = task->copy.version,
        .etag = task->copy.etag,
        .size = task->entry.size,
        .key = { task->key_there, task->key_there_len },
        .acl = task->acl };
    struct bring_result result;
    struct s3_error error;
    enum s3_status status;

    if (task->restore->folder != NULL)
        return receive(task, conn, failure);
    status = bring_do(&task->restore->bring, conn, &object, &result, &error);
    if (status == S3_ARCHIVED)
        task->vault = RESTORE_ARCHIVED;
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "bringing it back");
}

enum verdict restore_thaw(struct restore_task *task, struct s3_conn *conn, struct failure *failure)
{
    const struct restore *restore = task->restore;
    const struct thaw_request request = { .vault = &restore->vault,
        .client = restore->vault.client,
        .path = &task->path,
        .version = task->copy.version,
        .class_ = task->copy.class_,
        .tier = restore->options->tier,
        .days = THAW_DAYS };
    enum thaw_state state = THAW_UNDER_WAY;
    enum verdict verdict = thaw_ask(&request, conn, &state, failure);

    if (verdict == VERDICT_OK)
        task->vault = state == THAW_READABLE ? RESTORE_READABLE : RESTORE_THAWING;
    return verdict;
}
