/* One object of a drill's sample: out of the vault, into the scratch bucket, compared, and away again. By a thread of
 * the crew. See drill_inside.h. */
#include "agent/drill_inside.h"

#include <stdio.h>
#include <string.h>

#include "agent/clock.h"

enum { THAW_DAYS = 3 }; /* a drill that is interrupted goes on with what is thawed */

static void lay_way(struct drilling *drilling, struct drill_object *object, struct drill_way *way)
{
    const struct drill_options *options = drilling->options;
    enum layout_kind kind;

    if (layout_data(&options->vault->layout, options->source, object->key, &way->path, &kind, NULL) != STATE_OK)
        way->path.len = 0; /* the view gives no such key */
    way->copy = vault_target(options->vault, way->path.ptr, way->path.len);
    way->copy.version = object->version[0] != '\0' ? object->version : NULL;
    (void)snprintf(way->key, sizeof way->key, "%s%05u", drilling->prefix, object->number);
    way->scratch = (struct s3_target){ .bucket = drilling->target.bucket, .key = { way->key, strlen(way->key) } };
}

/* At once, so that the scratch bucket never holds the whole sample. What does not work here, the sweep at the end does
 * again, and tells. */
static void remove_restored(struct drilling *drilling, struct s3_conn *conn, const struct drill_way *way)
{
    const struct s3_head_options look = { .target = way->scratch };
    struct s3_delete_options removal = { .target = way->scratch };
    struct s3_delete_result result;
    struct s3_head head;
    struct s3_error error;

    s3_head_init(&head);
    if (s3_head_object(conn, drilling->target.client, &look, &head, &error) == S3_OK) {
        enum s3_status status;
        removal.target.version = head.version[0] != '\0' ? head.version : NULL;
        status = s3_delete_object(conn, drilling->target.client, &removal, &result, &error);
        (void)status;
    }
    s3_head_free(&head);
}

/* Whether it is the scratch bucket that denies. A copy inside of the service names the scratch bucket whichever side
 * denies it: then it is about the object, and about all where all are denied. */
static bool is_about_scratch(const struct drilling *drilling, const struct failure *failure)
{
    const char *operation = failure->s3.operation;

    return operation != NULL && strcmp(failure->s3.bucket, drilling->target.bucket) == 0 &&
           strcmp(operation, "CopyObject") != 0 && strcmp(operation, "UploadPartCopy") != 0;
}

static void judge(struct drilling *drilling, struct drill_object *object, const struct failure *failure)
{
    switch (failure->verdict) {
    case VERDICT_CANCELLED:
        object->state = DRILL_PENDING;
        return;
    case VERDICT_UNREACHABLE:
        drill_skip(drilling, object, "the service did not answer well for as long as we tried");
        return;
    case VERDICT_NO_ACCESS:
        if (is_about_scratch(drilling, failure)) {
            drill_end(drilling, failure);
            return;
        }
        object->denied = true;
        drill_tell(drilling, object, "denied", "%s", failure->what);
        break;
    case VERDICT_BAD_DATA: /* "NotEqual": what arrived was held against the vault's ETag, and is something else */
        drill_tell(drilling, object, strcmp(failure->s3.code, "NotEqual") == 0 ? "bytes-changed" : "not-restored", "%s",
                failure->what);
        break;
    case VERDICT_NOT_FOUND:
        drill_tell(drilling, object, "version-missing", "%s", failure->what);
        break;
    default:
        drill_tell(drilling, object, "not-restored", "%s", failure->what);
    }
    object->state = DRILL_TESTED;
}

/* Whether it can be read now. If not, its state says what it waits for, or why it is not tested. */
static bool is_readable(
        struct drilling *drilling, struct s3_conn *conn, struct drill_object *object, const struct drill_way *way)
{
    const struct thaw_request request = { .vault = drilling->options->vault,
        .client = drilling->options->vault->client,
        .path = &way->path,
        .version = object->version,
        .class_ = object->class_,
        .tier = drilling->options->tier,
        .days = THAW_DAYS };
    enum thaw_state state = THAW_READABLE;
    struct failure failure;

    if (!object->is_archived)
        return true;
    switch (thaw_ask(&request, conn, &state, &failure)) {
    case VERDICT_OK:
        object->state = state == THAW_READABLE ? DRILL_PENDING : DRILL_THAWING;
        return state == THAW_READABLE;
    case VERDICT_CANCELLED:
        return false;
    case VERDICT_NOT_FOUND: /* restoring it will say so */
        return true;
    case VERDICT_NO_ACCESS:
        drill_skip(drilling, object, "archived, and its thaw was denied: s3:RestoreObject is needed in the vault");
        return false;
    default:
        drill_skip(drilling, object, "archived, and its thaw could not be asked for");
        return false;
    }
}

static void note_tested(struct drill_report *report, const struct drill_object *object)
{
    (void)pthread_mutex_lock(&report->lock);
    report->checked++;
    report->tested[object->stratum]++;
    if (object->is_bad)
        report->bad[object->stratum]++;
    if (storage_class_is_archive(object->class_) && !object->is_gone) {
        report->thawed++;
        report->thawed_bytes += object->size;
    }
    (void)pthread_mutex_unlock(&report->lock);
}

void drill_object_do(void *ctx, struct s3_conn *conn, void *task)
{
    struct drilling *drilling = ctx;
    struct drill_object *object = task;
    struct failure failure = { .verdict = VERDICT_OK };
    struct drill_way way;

    if (atomic_load(&drilling->over) || clock_stop_asked())
        return;
    lay_way(drilling, object, &way);
    if (object->is_gone) {
        (void)failure_set(&failure, VERDICT_NOT_FOUND, "the version that was backed up is not in the vault");
    } else if (!is_readable(drilling, conn, object, &way)) {
        return;
    } else if (drill_carry(drilling, conn, object, &way, &failure) == VERDICT_OK) {
        if (drill_compare(drilling, conn, object, &way.scratch, &way.copy, &failure) == VERDICT_OK)
            object->state = DRILL_TESTED;
        remove_restored(drilling, conn, &way);
    }
    if (object->state != DRILL_TESTED && object->state != DRILL_SKIPPED)
        judge(drilling, object, &failure);
    if (object->state == DRILL_TESTED)
        note_tested(drilling->report, object);
}
